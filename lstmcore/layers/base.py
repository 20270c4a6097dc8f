"""What every layer is: weights on one flat array, and a function with a way back.

    y, back = layer.forward(x, grad)
    dx = back(dy)
    mask = layer.compute_mask(x, mask)

A mask says which steps are real, (batch, time). It goes beside the samples from layer to layer, and
`run` gives both.

Nothing is kept on the layer in between, so threads cannot clash and a layer can be used twice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np

from .. import context, regularizers
from ..ragged import as_batch
from ..registry import Registry
from ..validation import Array as Array
from ..validation import as_array, as_mask, entries
from .module import DTYPES as DTYPES
from .module import Module as Module
from .module import shapes_only as shapes_only
from .parameters import Flat as Flat
from .parameters import Param as Param
from .symbolic import Node, is_shape_list, is_symbolic, record

Shape = tuple[int | None, ...]
Back = Callable[..., Any]

registry: Registry = Registry("layer")
LARGEST = 1 << 20  # of any one size in a layer: a config from outside cannot ask for more


class Layer(Module):
    """Base of all layers: subclass it and write `build`, `forward` and `compute_output_shape`.

    Parameters
    ----------
    name : str, optional
        The default is the class's name in lower case, numbered.
    dtype : {"float32", "float64"}, optional
        What the layer computes in; the default is its model's, and that is float32.
    trainable : bool, default True
        False freezes the weights: `fit` leaves them as they are.
    input_shape : tuple of int or None, optional
        The shape of one sample, for the first layer of a `Sequential`.
    input_dim, batch_input_shape : int, tuple of int or None, optional
        Other ways to say the same: ``(input_dim,)``, and the shape with its batch axis.
    activity_regularizer : str or Regularizer, optional
        What of the output, divided by the number of samples, is added to the loss.
    """

    registry = registry
    init_only: ClassVar[tuple[str, ...]] = ("input_dim", "batch_input_shape")
    single_output: ClassVar[bool] = True
    uses_mask: ClassVar[bool] = False  # whether `forward` takes a mask
    several_inputs: ClassVar[bool] = False  # whether x, its shapes and masks are lists
    mixes_rows: ClassVar[bool] = False  # whether a row's output depends on the others of its batch

    def __init__(
        self,
        *,
        activity_regularizer: Any = None,
        trainable: bool = True,
        dtype: Any = None,
        name: str | None = None,
        input_shape: Sequence[int | None] | None = None,
        input_dim: int | None = None,
        batch_input_shape: Sequence[int | None] | None = None,
    ) -> None:
        self.name = registry.automatic_name(type(self)) if name is None else name
        if not isinstance(self.name, str) or not self.name or "/" in self.name:
            raise ValueError(
                f"{type(self).__name__}: name: expected a str without '/', got {name!r}"
            )
        self.dtype = None if dtype is None else self._check_dtype(dtype)
        self._trainable = bool(trainable)
        self.activity_regularizer = regularizers.get(activity_regularizer)
        if input_dim is not None:
            input_shape = (input_dim,)
        elif batch_input_shape is not None:
            input_shape = tuple(entries("batch_input_shape", batch_input_shape, "sizes"))[1:]
        self._sample_shape = None if input_shape is None else self.check_shape(input_shape)
        self._params: list[Param] = []
        self._built_for: Shape | None = None
        self.built = False
        self.nodes: list[Node] = []  # the calls in graphs

    # -- what a subclass writes ------------------------------------------------------------

    def build(self, input_shape: Shape) -> None:
        """Check the input's shape and declare the weights with `add_weight`."""

    def forward(self, x: Any, grad: bool = False) -> tuple[Any, Back | None]:
        """Compute the output and the way back.

        Parameters
        ----------
        x : ndarray
            Of the layer's dtype, its last axis contiguous.
        grad : bool, default False
            A backward function is wanted. Whether the layer behaves as in training, which matters
            to dropout and the like, is another question: `lstmcore.context.in_training(grad)`.

        Returns
        -------
        y : ndarray
        back : callable or None
            ``back(dy, need_dx=True)`` adds to the gradients of the weights and returns dx, or
            None if it need not; to be called at most once, before the weights change. None
            unless `grad`.
        """
        raise NotImplementedError(
            f"{type(self).__name__}: write forward(x, grad) -> (y, back), with "
            "back(dy, need_dx) -> dx (Keras's call has no way back, and none is derived)"
        )

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of the output, batch axis included; None stands for any size."""
        return input_shape

    def call_output_shape(self, input_shape: Any, **options: Any) -> Any:
        """Return the shape of the output of a call with these other arguments."""
        return self.compute_output_shape(input_shape)

    def compute_mask(self, x: Any, mask: Any) -> Any:
        """Return which steps of the output are real, given those of the input.

        A layer that drops the time axis or changes it has to say what becomes of the mask.

        Parameters
        ----------
        x : ndarray
            The input.
        mask : ndarray of bool, (batch, time), or None
            True for a real step; None if all are.

        Returns
        -------
        ndarray or None
            For several outputs a tuple, or the mask of the first.
        """
        return mask

    def run(
        self, x: Any, grad: bool = False, mask: Any = None, **options: Any
    ) -> tuple[Any, Back | None, Any]:
        """Do what `forward` does, and return the mask of the output too: y, back, mask."""
        if mask is not None and self.uses_mask:
            options["mask"] = mask
        y, back = self.forward(x, grad, **options)
        if self.activity_regularizer is not None:
            back = self._penalize(y, back)
        observer = context.current().observer
        if observer is not None:
            back = observer(self, x, mask, y, back)
        return y, back, self.compute_mask(x, mask)

    def _penalize(self, y: Any, back: Back | None) -> Back | None:
        """Add what the activity regularizer says of the outputs to the loss and its gradient."""
        regularizer, several = self.activity_regularizer, isinstance(y, tuple)
        assert regularizer is not None
        collected = context.current().penalties
        if collected is not None:
            parts = y if several else (y,)
            collected.append(sum(regularizer(part) / len(part) for part in parts))
        if back is None:
            return None
        inner_back = back

        def add_gradient(dy: Any, y: Array) -> Array:
            own: Array = regularizer.gradient(y) / len(y)
            return own if dy is None else dy + own

        def penalized(dy: Any, need_dx: bool = True) -> Any:
            pairs = zip(dy, y, strict=True)
            total: Any = (
                tuple(add_gradient(d, part) for d, part in pairs)
                if several
                else add_gradient(dy, y)
            )
            return inner_back(total, need_dx=need_dx)

        return penalized

    def locate_nonfinite(self, x: Any, mask: Any) -> str:
        """Return where inside the layer numbers stopped being finite; "" if it cannot tell."""
        return ""

    def describe_gradients(self, bad: list[Param]) -> str:
        """Name those of the weights' gradients that are not finite, for an error message."""
        return f"gradient of {bad[0].name!r}"

    def stream_part(self) -> tuple[Any, ...] | None:
        """What a stream runs for this layer, or None if that is nothing.

        ``(packed, return_sequences)`` for a cell of the core, ``(kernel, bias, activation)`` for
        a product; see `lstmcore.streaming`.

        Raises
        ------
        ValueError
            If the layer's output at a step depends on more than its inputs until then, or the
            core does not have what it computes.
        """
        raise unstreamable(self, "the core does not run it step by step")

    # -- what a subclass uses --------------------------------------------------------------

    def sequence_error(self, features: object, shape: Shape) -> ValueError:
        """The complaint about an x that is no batch of sequences of so many features."""
        wanted = f"an array of shape (batch, time, {features})"
        hint = " (a recurrent layer before it needs return_sequences=True)"
        return self.error("x", wanted, f"shape {shape}{hint if len(shape) == 2 else ''}")

    def check_size(self, argument: str, value: Any) -> int:
        """Return a size as an int, or say what is wrong with it."""
        whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
        if not whole or not 1 <= value <= LARGEST:
            raise self.error(argument, f"a whole number from 1 to {LARGEST}", repr(value))
        return int(value)

    def check_shape(self, shape: Sequence[int | None]) -> Shape:
        """Return the shape of one sample as a tuple of sizes, None for any."""
        if not isinstance(shape, tuple | list) or not shape:
            raise self.error("input_shape", "a tuple of sizes without the batch axis", repr(shape))
        return tuple(None if n is None else self.check_size("input_shape", n) for n in shape)

    def _check_dtype(self, dtype: Any) -> str:
        try:
            name = str(np.dtype(dtype).name)
        except TypeError:
            name = str(dtype)
        if name not in DTYPES:
            raise self.error("dtype", " or ".join(DTYPES), repr(dtype))
        return name

    # -- the rest --------------------------------------------------------------------------

    @property
    def input_shape(self) -> Shape | None:
        """The shape of one sample as declared to the constructor, or None."""
        return self._sample_shape

    @property
    def input_dtype(self) -> str:
        """What arrays are converted to before they come in."""
        return self.dtype or DTYPES[0]

    def build_for(self, input_shape: Any, dtype: str) -> None:
        """Build the layer, once, for inputs of this shape in a model of this dtype.

        One that is built already, in another place of a graph, has to fit here too.
        """
        if self.built:
            self._check_fits(input_shape, dtype)
        if self.dtype is not None and self.dtype != dtype:
            raise self.error("dtype", f"{dtype}, as the model has", self.dtype)
        if not self.built:
            self.dtype = dtype
            self._params.clear()  # what a build that failed may have left
            self.build(input_shape)
            self._built_for, self.built = input_shape, True

    def _check_fits(self, input_shape: Any, dtype: str) -> None:
        """Raise ValueError unless a layer that is built can take inputs of this shape too.

        It can if the same layer, built for them, has weights of the same shapes.
        """
        if self._built_for is None or sample_shapes(input_shape) == sample_shapes(self._built_for):
            return
        with shapes_only():
            other = recreate(self)
            other.build_for(input_shape, dtype)
        if [p.shape for p in other.weights] != [p.shape for p in self.weights]:
            raise self.error("x", f"shape {self._built_for}, as it was built for", input_shape)

    def __call__(self, x: Any, training: Any = None, mask: Any = None, **kwargs: Any) -> Any:
        """Compute the output for an array, building the layer first if need be.

        Parameters
        ----------
        x : array_like, (batch, ...), or list of sequences of different lengths
            Such a list is padded with zeros to the longest, and brings its mask. A list of arrays
            for a layer of several inputs; or symbols (`Input`), for a place in a graph.
        training : bool, default False
            True for the behaviour in training, such as dropout.
        mask : array_like of bool, (batch, time), optional
            Which steps are real; layers to which steps mean nothing do not ask.
        **kwargs
            What else the layer's `forward` takes.
        """
        if is_symbolic(x):
            return record(self, x, {"training": training, "mask": mask, **kwargs})
        what = f"layer {self.name!r}: x"
        if self.several_inputs:
            x, mask = self._convert_several(x, mask, what)
            shapes: Any = [part.shape for part in x]
        else:
            x, mask = as_batch(x, self.input_dtype, what, mask)
            shapes = x.shape
        if not self.built:  # else `forward` says what does not fit
            self.build_for(shapes, self.dtype or DTYPES[0])
        self.materialize()
        return self.run(x, bool(training), mask, **kwargs)[0]

    def _convert_several(self, x: Any, mask: Any, what: str) -> tuple[list[Array], Any]:
        """The arrays and masks of a layer of several inputs."""
        if not isinstance(x, list | tuple):
            raise self.error("x", "a list of arrays", f"a {type(x).__name__}")
        arrays = [as_array(part, self.input_dtype, f"{what}[{i}]") for i, part in enumerate(x)]
        if mask is None:
            return arrays, None
        if not isinstance(mask, list | tuple) or len(mask) > len(arrays):
            raise self.error("mask", f"a list of at most {len(arrays)}", f"a {type(mask).__name__}")
        masks = [*mask, *[None] * (len(arrays) - len(mask))]
        pairs = zip(masks, arrays, strict=True)
        return arrays, [
            None if m is None else as_mask(m, a.shape, f"{what}: mask") for m, a in pairs
        ]

    # -- in graphs ---------------------------------------------------------------------------

    @property
    def input(self) -> Any:
        """The symbol, or symbols, of the layer's first call in a graph."""
        node = self._first_node()
        return node.inputs if node.several else node.inputs[0]

    @property
    def output(self) -> Any:
        """The symbol, or symbols, that the layer's first call in a graph returned."""
        node = self._first_node()
        return node.outputs[0] if node.single else list(node.outputs)

    def _first_node(self) -> Node:
        if not self.nodes:
            raise AttributeError(f"layer {self.name!r} was never called in a graph")
        return self.nodes[0]

    def __reduce__(self) -> Any:
        """Copies and pickles are made of the config and the weights, never of memory as it lies."""
        weights = self.get_weights() if self.built else []
        return _restore, (type(self), self.get_config(), self._built_for, weights)


def sample_shapes(shape: Any) -> Any:
    """A shape, or each of several, without its batch axis."""
    return [tuple(s[1:]) for s in shape] if is_shape_list(shape) else tuple(shape[1:])


def recreate(value: Any, **changes: Any) -> Any:
    """A layer, or a list of them, made again of the same arguments, without weights."""
    if isinstance(value, list | tuple):
        return [recreate(entry) for entry in value]
    if not isinstance(value, Layer):
        return value
    kept = (name for name in value.arguments if name not in value.init_only)
    arguments = {name: recreate(getattr(value, name)) for name in kept}
    return type(value)(**{**arguments, **changes})


def unstreamable(layer: Layer, why: str) -> ValueError:
    """The one form of saying that a layer cannot be part of a stream."""
    return ValueError(f"layer {layer.name!r} ({type(layer).__name__}) cannot be streamed: {why}")


def _restore(
    cls: type[Layer], config: dict[str, Any], built_for: Shape | None, weights: list[Array]
) -> Layer:
    with shapes_only():  # no weights are drawn: copying must not move the random stream on
        layer = cls.from_config(config)
    if built_for is not None:
        layer.build_for(built_for, layer.dtype or DTYPES[0])
        layer.materialize(initialize=False)
        layer.set_weights(weights)
    return layer


def get(identifier: Any) -> Layer:
    """Return the layer that a config or an instance stands for."""
    return registry.get(identifier, Layer)
