"""Input and InputLayer: the entry of a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from ...config import policies
from ...refused.arguments import checked
from ...validation import STRING, Array
from ..base import DTYPES, Back, Layer, Shape, registry
from ..symbolic import Node, SymbolicTensor

TEXT_DTYPES = (STRING, "str", "object")  # names of the dtype of texts


@registry.add()
class InputLayer(Layer):
    """The entry of a model: declares the shape of a sample and checks it.

    Parameters
    ----------
    shape : tuple of int or None
        The shape of one sample, without the batch axis; None for an axis of any size.
    batch_size : int, optional
        The required number of samples in a batch; the default is any number.
    dtype, name
        See `Input`.
    batch_shape : tuple of int or None, optional
        The batch size and the shape in one tuple.
    sparse, ragged, input_tensor, optional
        Options of Keras: only None and False are accepted.
    input_shape, batch_input_shape : tuple of int or None, optional
        Older names of `shape` and `batch_shape`.
    """

    takes_whole: ClassVar[bool] = True

    init_only = (
        *(*Layer.init_only, "input_shape", "batch_shape", "sparse", "ragged"),
        *("input_tensor", "optional"),
    )

    def __init__(
        self,
        shape: Sequence[int | None] | None = None,
        batch_size: int | None = None,
        dtype: Any = None,
        sparse: bool | None = None,
        ragged: bool | None = None,
        batch_shape: Sequence[int | None] | None = None,
        input_tensor: Any = None,
        optional: bool = False,
        name: str | None = None,
        *,
        input_shape: Sequence[int | None] | None = None,
        batch_input_shape: Sequence[int | None] | None = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        if input_shape is not None:
            if shape is not None:
                raise self.error("input_shape", "no shape beside it", repr(shape))
            shape = input_shape
        batch_shape = batch_input_shape if batch_shape is None else batch_shape
        others = {"sparse": sparse, "input_tensor": input_tensor, "optional": optional}
        for argument, value in others.items():
            if value is not None and value is not False:
                raise self.error(argument, "nothing: only arrays come in", f"{value!r:.80}")
        if ragged:
            wanted = "nothing: sequences of different lengths come as a list of arrays"
            raise self.error("ragged", wanted, repr(ragged))
        if batch_shape is not None:
            if shape is not None or not isinstance(batch_shape, tuple | list) or not batch_shape:
                wanted = "a tuple of batch size and sizes, and no shape beside it"
                raise self.error("batch_shape", wanted, repr(batch_shape))
            batch_size, *shape = batch_shape
        self.shape = () if shape in ((), []) else self.check_shape(shape)  # type: ignore[arg-type]
        self.batch_size = None if batch_size is None else self.check_size("batch_size", batch_size)
        self.built = True

    def _state_dtype(self, dtype: Any) -> None:
        """Take a dtype of texts, of whole numbers or of reals."""
        if dtype is str or dtype is object or (isinstance(dtype, str) and dtype in TEXT_DTYPES):
            self.dtype = STRING
            return
        name = policies.name_of(dtype)
        try:
            kind = np.dtype(name).kind if name is not None else ""
        except TypeError:
            kind = ""
        if kind in ("i", "u", "b"):
            self.dtype = name
        elif name in DTYPES:
            super()._state_dtype(name)
        else:
            wanted = "'float32', 'float64', whole numbers or 'string'"
            raise self.error("dtype", wanted, f"{dtype!r:.80}")

    @property
    def batch_shape(self) -> Shape:
        """The declared shape, batch axis included."""
        return (self.batch_size, *self.shape)

    def check(self, shape: Shape) -> None:
        """Raise ValueError unless this shape, batch axis included, is as declared."""
        if shape[1:] == self.shape:
            return
        fits = len(shape) == len(self.shape) + 1 and all(
            want is None or want == got for want, got in zip(self.shape, shape[1:], strict=True)
        )
        if not fits:
            wanted = ", ".join("any" if n is None else str(n) for n in self.shape)
            raise self.error("x", f"an array of shape (batch, {wanted})", f"shape {shape}")

    def symbolic_tensor(self) -> SymbolicTensor:
        """Return the symbolic tensor of the input."""
        if not self.nodes:
            node = Node(self, [], False, {})
            node.outputs = [SymbolicTensor(self.batch_shape, self.dtype, node, 0)]
            self.nodes.append(node)
        return self.nodes[0].outputs[0]

    @property
    def input(self) -> Any:
        """The symbolic tensor of the input, as `output` is."""
        return self.symbolic_tensor()

    @property
    def output(self) -> Any:
        """The symbolic tensor of the input."""
        return self.symbolic_tensor()

    def compute_output_shape(self, input_shape: Any = None) -> Shape:
        """Return the declared shape, batch axis included."""
        return self.batch_shape

    def forward(self, x: Array, grad: bool = False) -> tuple[Array, Back | None]:
        """Return x after checking its shape."""
        self.check(x.shape)
        return x, lambda dy, need_dx=True: dy


@checked
def Input(
    shape: Sequence[int | None] | None = None,
    batch_size: int | None = None,
    dtype: Any = None,
    sparse: bool | None = None,
    ragged: bool | None = None,
    batch_shape: Sequence[int | None] | None = None,
    name: str | None = None,
    tensor: Any = None,
    optional: bool = False,
) -> Any:
    """Declare an input of a model.

    Parameters
    ----------
    shape : tuple of int or None
        The shape of one sample, without the batch axis; None for an axis of any size.
    batch_size : int, optional
        The required number of samples in a batch; the default is any number.
    dtype : {"float32", "float64"}, a dtype of integers, "bool" or "string", optional
        The dtype of the model; default float32. An integer dtype, as for an `Embedding`, leaves
        the dtype of the model open; so do bool, as for a mask, and "string", of texts for a
        `TextVectorization`.
    batch_shape : tuple of int or None, optional
        The batch size and the shape in one tuple.
    sparse, ragged, tensor, optional
        Options of Keras: only None and False are accepted.
    name : str, optional

    Returns
    -------
    SymbolicTensor
        The argument for calls of layers, or the first entry of a `Sequential`.
    """
    layer = InputLayer(
        shape, batch_size, dtype, sparse, ragged, batch_shape, tensor, optional, name
    )
    return layer.symbolic_tensor()
