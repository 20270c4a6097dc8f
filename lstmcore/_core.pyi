"""Types of the compiled binding; ``src_c/lstmcore.h`` says what the core does.

Arrays are float32 or float64, one type per call, in native byte order, with a contiguous last axis.
A wrong rank, shape, type or layout is a ValueError or TypeError that names the argument.
``threads`` is the most a call may use; 0 leaves it to the amount of work.
"""

from collections.abc import Sequence
from typing import Any, Self, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

_Array: TypeAlias = NDArray[Any]
# a name, or ("hard_sigmoid", slope, offset)
_Activation: TypeAlias = str | tuple[str, float, float]

__test__: dict[str, str]
has_openmp: bool

activations: tuple[str, ...]  # that the kernels have
variants: tuple[str, ...]  # of the LSTM

@final
class Cell:
    """What a recurrent layer computes in each step.

    ``kind`` is "lstm", "gru" or "rnn". ``variant`` and ``peephole`` are the LSTM's architecture:
    every variant but vanilla and NP has peepholes. ``clip`` bounds the LSTM's cell; 0: not.
    ``output_activation`` is that of the LSTM's cell on its way out; None: ``activation``.
    ``projection`` is the width of a projected LSTM's h and outputs; 0: there is no projection.
    ``layer_norm`` is "both" (Ba, Kiros and Hinton 2016; without peepholes) or "sum" (TensorFlow
    Lite), ``epsilon`` what it adds to variances.
    """

    kind: str
    variant: str
    peephole: bool
    activation: _Activation
    recurrent_activation: _Activation
    output_activation: _Activation | None
    reset_after: bool
    clip: float
    projection: int
    layer_norm: str | None
    epsilon: float
    gates: tuple[str, ...]  # in the order of the weights' columns
    states: int  # LSTM h, c (FGR: and i f o of the last step, (B, 3H)); others h
    peepholes: int
    def __init__(
        self,
        kind: str = "lstm",
        *,
        variant: str = "vanilla",
        peephole: bool = False,
        activation: _Activation = "tanh",
        recurrent_activation: _Activation = "sigmoid",
        reset_after: bool = True,
        clip: float = 0.0,
        output_activation: _Activation | None = None,
        projection: int = 0,
        layer_norm: str | None = None,
        epsilon: float = 1e-5,
    ) -> None: ...
    def shapes(self, inputs: int, units: int) -> tuple[Any, ...]:
        """The shapes of the weights; None: this cell has none.

        They are kernel, recurrent kernel, bias, peepholes, gate kernel, projection kernel, the
        gains of normalized sums, gain and offset of the normalized cell.
        """
    def numbers(self) -> dict[str, Any]:
        """The numbers of `lc_spec` (src_c/lstmcore.h) that this cell stands for, by its names."""

def remake_cell(kind: str, arguments: dict[str, Any]) -> Cell:
    """The cell of a pickle."""

@final
class Packed:
    """The weights of one layer as the kernels read them, for one instruction set and dtype."""

    cell: Cell
    @property
    def isa(self) -> str: ...
    @property
    def dtype(self) -> str: ...
    @property
    def nbytes(self) -> int: ...
    @property
    def storage(self) -> str | None:
        """How the weights are stored: None as they are, "float16", "bfloat16" or "int8"."""
    @property
    def dot_product(self) -> str | None:
        """The CPU's dot product that multiplies them; None: they are widened on load."""
    @property
    def shape(self) -> tuple[int, int]: ...
    def report(self) -> dict[str, Any] | None:
        """How the last call went; None before the first."""

@final
class Tape:
    """What a training forward leaves for backward; it serves once."""

@final
class Buffer:
    """A block of aligned memory from the pool; arrays that are views of it keep it alive."""

    def __new__(cls, size: int) -> Self: ...
    def __buffer__(self, flags: int, /) -> memoryview: ...

@final
class Arrays:
    """The arrays of one call; internal."""

def pack(
    cell: Cell,
    weights: tuple[_Array | None, ...],
    *,
    backward: bool = True,
    out: Packed | None = None,
    storage: str | None = None,
) -> Packed:
    """Packs weights in the order of ``Cell.shapes``; reuses the memory of ``out``.

    ``storage`` is None, or "float16", "bfloat16" or "int8" for float32 weights: see `lc_format` in
    src_c/lstmcore.h.
    """

@final
class ForwardCall:
    """A forward that is ready to run."""

    def result(self) -> tuple[_Array, tuple[_Array, ...], Tape | None]: ...

@final
class BackwardCall:
    """A backward that is ready to run."""

    def result(self) -> tuple[_Array | None, tuple[_Array, ...]]: ...

def prepare_forward(
    packed: Packed,
    x: _Array,
    states: Sequence[_Array | None] | None = None,
    *,
    mask: _Array | None = None,
    x_scale: _Array | None = None,
    h_scale: _Array | None = None,
    keep_h: _Array | None = None,
    keep_c: _Array | None = None,
    zero_masked: bool = False,
    sequences: bool = False,
    training: bool = False,
    threads: int = 0,
) -> ForwardCall:
    """Checks the arguments of `forward`."""

def run_forward(call: ForwardCall, other: ForwardCall | None = None) -> None:
    """Runs a call, or two that do not need each other at once."""

def prepare_backward(
    packed: Packed,
    x: _Array,
    tape: Tape,
    dy: _Array | None = None,
    dstates: Sequence[_Array | None] | None = None,
    *,
    grads: tuple[_Array | None, ...],
    need_dx: bool = True,
    threads: int = 0,
) -> BackwardCall:
    """Checks the arguments of `backward` and takes the tape."""

def run_backward(call: BackwardCall, other: BackwardCall | None = None) -> None:
    """Runs a call, or two at once, whose gradients go to different arrays."""

def forward(
    packed: Packed,
    x: _Array,
    states: Sequence[_Array | None] | None = None,
    *,
    mask: _Array | None = None,
    x_scale: _Array | None = None,
    h_scale: _Array | None = None,
    keep_h: _Array | None = None,
    keep_c: _Array | None = None,
    zero_masked: bool = False,
    sequences: bool = False,
    training: bool = False,
    threads: int = 0,
) -> tuple[_Array, tuple[_Array, ...], Tape | None]:
    """The layer on x (B, T, I): (y, states, tape), y (B, T, H) or (B, H); a tape in training.

    ``mask`` (B, T) of bool is False for steps that do not count. ``x_scale`` (B, I) and
    ``h_scale`` (B, H) multiply what goes into the products at every step; ``keep_h`` and
    ``keep_c`` (T, B, H) are 1 where zoneout keeps the old state, else 0.
    """

def backward(
    packed: Packed,
    x: _Array,
    tape: Tape,
    dy: _Array | None = None,
    dstates: Sequence[_Array | None] | None = None,
    *,
    grads: tuple[_Array | None, ...],
    need_dx: bool = True,
    threads: int = 0,
) -> tuple[_Array | None, tuple[_Array, ...]]:
    """Gradients: (dx, dstates); those of the weights are added to ``grads``, ordered as them."""

def trace(packed: Packed, tape: Tape) -> tuple[_Array, _Array | None]:
    """What happened inside: (gates, c), from a tape that was not consumed yet.

    gates (G, B, T, H) in the order of ``Cell.gates``, NaN at masked steps; c (B, T, H), the LSTM's
    cell after each step, None for other cells.
    """

@final
class PackedDense:
    """Kernel and bias of a product as the kernels read them."""

    inputs: int
    units: int
    @property
    def isa(self) -> str: ...
    @property
    def nbytes(self) -> int: ...
    @property
    def storage(self) -> str | None: ...
    @property
    def dot_product(self) -> str | None: ...

def pack_dense(
    kernel: _Array, bias: _Array | None = None, storage: str | None = None
) -> PackedDense:
    """Packs a kernel (I, units) and its bias for `dense_forward` and `Program`."""

def dense_forward(
    x: _Array,
    kernel: _Array | PackedDense,
    bias: _Array | None = None,
    *,
    storage: str | None = None,
    threads: int = 0,
) -> _Array:
    """``x @ kernel + bias`` on x (..., I); every element is one chain of sums in a fixed order.

    A kernel that is not packed is stored in the format ``storage`` for this product.
    """

def dense_backward(
    x: _Array,
    kernel: _Array,
    dy: _Array,
    *,
    dkernel: _Array,
    dbias: _Array | None = None,
    need_dx: bool = True,
    storage: str | None = None,
    threads: int = 0,
) -> _Array | None:
    """The gradient of x; those of kernel and bias are added to the arrays given."""

def activation_numbers(activation: _Activation) -> tuple[int, tuple[float, float]]:
    """The number that `lc_op` has for a dense layer's activation, and its ramp."""

def storage_number(storage: str | None) -> int:
    """The number of a format in `lc_format`."""

def activate(activation: _Activation, x: _Array) -> None:
    """An activation of the kernels, or softmax over the last axis, in place."""

@final
class AttentionTape:
    """What `attention_forward` leaves for `attention_backward`: its arrays, three reals a query."""

def attention_forward(
    query: _Array,
    key: _Array,
    value: _Array,
    *,
    weights: _Array | None = None,
    scale: float = 1.0,
    seen: tuple[NDArray[Any], ...] = (),
    causal: bool = False,
    window: int | None = None,
    factors: _Array | None = None,
    dropped: bool = False,
    scores: bool = False,
    training: bool = False,
    threads: int = 0,
) -> tuple[_Array, _Array | None, AttentionTape | None]:
    """Means of the values, weighted by the softmax of the scores: (y, scores, tape).

    query (B, T, heads, F), key (B, S, key heads, F), value (B, S, key heads, V), or all without
    the third axis. Scores are ``scale * query @ key``, or with weights (F,) the sums of
    ``weights * tanh(scale * (query + key))``. A query sees what all masks in ``seen`` show, which
    can be broadcast to (B, heads, T, S), ``causal`` no later step, and with a ``window`` steps
    fewer than so many away. ``factors``, of that shape, are dropout's. ``scores`` wants the
    weights too, after dropout if ``dropped``; ``training`` the tape.
    """

def attention_backward(
    tape: AttentionTape,
    dy: _Array | None,
    dscores: _Array | None = None,
    *,
    dweights: _Array | None = None,
    dscale: _Array | None = None,
    one_gradient: bool = False,
) -> tuple[_Array, _Array, _Array]:
    """Gradients (dquery, dkey, dvalue); those of weights and scale are added to the arrays given.

    With ``one_gradient``, for a key that is the value, dkey and dvalue are one array, their sum.
    """

@final
class Program:
    """A chain of layers with their weights, packed, which nobody changes.

    ``parts`` are ``(packed, sequences)`` of recurrent layers and ``(kernel, bias, activation)`` of
    dense ones, or ``(packed_dense, None, activation)``; ``inputs`` is the number of features of the
    first.
    """

    inputs: int
    outputs: int
    width: int
    sequences: bool
    dtype: str
    def __new__(cls, inputs: int, parts: list[tuple[Any, ...]]) -> Self: ...

class Stream:
    """Rows that are fed together, and their states."""

    batch_size: int
    def __new__(cls, program: Any, batch_size: int = 1, takes_tokens: bool = False) -> Self: ...
    def arrays(self) -> list[list[_Array]]:
        """The states as writable arrays (batch, width), the stream's own memory, by layer."""
    def step(self, x: Any, out: _Array | None = None) -> _Array: ...
    def feed(self, chunk: Any) -> _Array: ...
    def copy_rows(self, other: Any, start: int, row: int, count: int) -> None:
        """Copies states: rows [start, start + count) of other to those from ``row`` on here."""

def sample(
    stream: Stream,
    table: _Array,
    y: _Array,
    uniforms: _Array,
    tokens: _Array,
    *,
    temperature: float = 1.0,
    top_k: int = 0,
    top_p: float = 1.0,
    logits: bool = False,
    never: int = -1,
) -> None:
    """Draws tokens one after another; each is fed to the stream as its row of the table.

    y (outputs,) is the output before the first token, and then that after the last. The tokens
    (n,) int64 are written; each is drawn by one of the uniforms (n,) float64 from 0 to below 1.
    Temperature 0 takes the likeliest; top_k 0 is no limit; ``never`` is a token not to be drawn.
    """

def stream_seconds(stream: Stream, repeats: int) -> list[float]:
    """Seconds of each of so many steps without Python: the benchmarks' floor. Moves the states."""

def set_blas(sgemm: Any, dgemm: Any, set_threads: int = 0, get_threads: int = 0) -> None:
    """Gives the core a BLAS: capsules of gemm functions, addresses of its thread controls."""

def blas_loaded() -> bool: ...
def optimize(
    name: str,
    param: _Array,
    grad: _Array,
    slots: tuple[_Array | None, ...],
    rate: float,
    decay: float = 0.0,
    *,
    momentum: float = 0.0,
    nesterov: bool = False,
    rho: float = 0.0,
    beta_1: float = 0.0,
    beta_2: float = 0.0,
    epsilon: float = 0.0,
    mu: float = 0.0,
    next_mu: float = 0.0,
    product: float = 0.0,
    step: int = 1,
) -> None:
    """One step of an optimizer in place on flat arrays (n,), Keras 3's arithmetic.

    What each name reads, and its slots, stand in ``lstmcore.h``; ``step`` is 1 for the first.
    """

def finite(x: _Array) -> bool:
    """Whether no number of a C-contiguous array is NaN or infinite."""

def isa() -> str:
    """The instruction set in use."""

def isas() -> list[str]:
    """Those that this CPU has, the best last."""

def set_isa(name: str | None) -> None:
    """Forces one of :func:`isas`; None goes back to the best. Not while other threads compute."""

dot_kinds: tuple[str, ...]  # all that there are, on whatever CPU: none, vector, tiles

def dot_product(storage: str | None) -> str | None:
    """The dot product that is used for weights of this storage; None: they are widened on load."""

def dot_products(storage: str | None) -> list[str]:
    """Those of none, vector and tiles that this CPU has for a storage."""

def set_dot_product(name: str | None) -> None:
    """Forces one where a format has it; None goes back to the best. Not while others compute."""

max_threads: int

def get_num_threads() -> int: ...
def set_num_threads(n: int | None) -> None:
    """The size of the team, at most max_threads; None for the default."""

def limit_threads(n: int) -> int:
    """Calls from this thread use at most n, 0: no limit; returns what it was."""

def empty(shape: tuple[int, ...], dtype: np.dtype[Any]) -> _Array:
    """An uninitialized array of float32 or float64; a large one has its memory from the pool."""

def trim() -> None:
    """Gives the memory that waits for the next call back to the system."""

def pooled_bytes() -> int:
    """How much waits."""

def guard(on: bool) -> int:
    """For tests: fences around every buffer; returns how many were broken since it was on."""

def tile_gflops(dtype: str = "float32", *, seconds: float = 0.05) -> float:
    """Gigaflops per second of one core on the bare tile in L1: the ceiling of benchmarks."""
