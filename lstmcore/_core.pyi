"""Types of the compiled binding; ``src_c/lstmcore.h`` says what the core does.

Arrays are float32 or float64, one type per call, in native byte order, with a contiguous last axis.
A wrong rank, shape, type or layout is a ValueError or TypeError that names the argument.
``threads`` is the most a call may use; 0 leaves it to the amount of work.
"""

from typing import Any, TypeAlias, final

from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]

__test__: dict[str, str]
has_openmp: bool

@final
class Packed:
    """The weights of one LSTM layer as the kernels read them, for one instruction set and dtype."""

    @property
    def isa(self) -> str: ...
    @property
    def dtype(self) -> str: ...
    @property
    def nbytes(self) -> int: ...
    @property
    def shape(self) -> tuple[int, int]: ...

@final
class Tape:
    """What a training forward leaves for backward; it serves once."""

@final
class Buffer:
    """A block of aligned memory from the pool; arrays that are views of it keep it alive."""

    def __init__(self, size: int) -> None: ...
    def __buffer__(self, flags: int, /) -> memoryview: ...

@final
class Arrays:
    """The arrays of one call; internal."""

def lstm_pack(
    kernel: Array,
    recurrent_kernel: Array,
    bias: Array | None = None,
    *,
    backward: bool = True,
    out: Packed | None = None,
) -> Packed:
    """Packs weights (I, 4H), (H, 4H), (4H,), gates i f c o; reuses the memory of ``out``."""

def lstm_forward(
    packed: Packed,
    x: Array,
    h0: Array | None = None,
    c0: Array | None = None,
    *,
    sequences: bool = False,
    training: bool = False,
    threads: int = 0,
) -> tuple[Array, Array, Array, Tape | None]:
    """The layer on x (B, T, I): (y, h, c, tape), y (B, T, H) or (B, H); a tape in training."""

def lstm_backward(
    packed: Packed,
    x: Array,
    tape: Tape,
    dy: Array | None = None,
    dh: Array | None = None,
    dc: Array | None = None,
    *,
    dkernel: Array,
    drecurrent: Array,
    dbias: Array | None = None,
    need_dx: bool = True,
    threads: int = 0,
) -> tuple[Array | None, Array, Array]:
    """Gradients: (dx, dh0, dc0); those of the weights are added to the arrays given."""

def dense_forward(x: Array, kernel: Array, bias: Array | None = None, *, threads: int = 0) -> Array:
    """``x @ kernel + bias`` on x (..., I); every element is one chain of sums in a fixed order."""

def dense_backward(
    x: Array,
    kernel: Array,
    dy: Array,
    *,
    dkernel: Array,
    dbias: Array | None = None,
    need_dx: bool = True,
    threads: int = 0,
) -> Array | None:
    """The gradient of x; those of kernel and bias are added to the arrays given."""

def set_blas(sgemm: Any, dgemm: Any, set_threads: int = 0, get_threads: int = 0) -> None:
    """Gives the core a BLAS: capsules of gemm functions, addresses of its thread controls."""

def blas_loaded() -> bool: ...
def sgd(
    param: Array, grad: Array, velocity: Array | None, lr: float, momentum: float, nesterov: bool
) -> None:
    """One step of SGD in place on flat arrays (n,), Keras 3's arithmetic."""

def rmsprop(
    param: Array,
    grad: Array,
    v: Array,
    mean_grad: Array | None,
    mom: Array | None,
    lr: float,
    rho: float,
    momentum: float,
    epsilon: float,
) -> None:
    """One step of RMSprop; ``mean_grad`` makes it centred, ``mom`` is None without momentum."""

def adam(
    param: Array,
    grad: Array,
    m: Array,
    v: Array,
    vhat: Array | None,
    lr: float,
    beta_1: float,
    beta_2: float,
    epsilon: float,
    step: int,
) -> None:
    """One step of Adam, ``step`` counted from 1; ``vhat`` makes it AMSGrad."""

def isa() -> str:
    """The instruction set in use."""

def isas() -> list[str]:
    """Those that this CPU has, the best last."""

def set_isa(name: str | None) -> None:
    """Forces one of :func:`isas`; None goes back to the best. Not while other threads compute."""

def get_num_threads() -> int: ...
def set_num_threads(n: int | None) -> None:
    """The size of the team; None for the default."""

def trim() -> None:
    """Gives the memory that waits for the next call back to the system."""

def pooled_bytes() -> int:
    """How much waits."""

def guard(on: bool) -> int:
    """For tests: fences around every buffer; returns how many were broken since it was on."""

def tile_gflops(dtype: str = "float32", *, seconds: float = 0.05) -> float:
    """Gigaflops per second of one core on the bare tile in L1: the ceiling of benchmarks."""
