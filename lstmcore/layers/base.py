"""Layer, base of all layers: weights on one flat array, and a forward that returns its backward.

    y, back = layer.forward(x, grad)
    dx = back(dy)
    mask = layer.compute_mask(x, mask)

A mask, (batch, time), is True at unmasked steps. It is passed from layer to layer beside the
samples; `run` returns both.

A call stores nothing on the layer, so threads cannot interfere and a layer can be used twice.
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
LARGEST = 1 << 20  # limit of every size in a layer: an untrusted config cannot ask for more


class Layer(Module):
    """Base of all layers: subclass it and write `build`, `forward` and `compute_output_shape`.

    Parameters
    ----------
    name : str, optional
        The default is the class's name in snake case, numbered.
    dtype : {"float32", "float64"}, optional
        The type of weights and outputs; the default is the model's, which is float32 by default.
    trainable : bool, default True
        False freezes the weights: `fit` leaves them as they are.
    input_shape : tuple of int or None, optional
        The shape of one sample, for the first layer of a `Sequential`.
    input_dim, batch_input_shape : int, tuple of int or None, optional
        Alternatives to `input_shape`: its only size, and the shape with its batch axis.
    activity_regularizer : str or Regularizer, optional
        Penalty on the output; divided by the number of samples, it is added to the loss.
    """

    registry = registry
    init_only: ClassVar[tuple[str, ...]] = ("input_dim", "batch_input_shape")
    single_output: ClassVar[bool] = True
    uses_mask: ClassVar[bool] = False  # `forward` takes a mask
    several_inputs: ClassVar[bool] = False  # x, its shapes and its masks are lists
    mixes_rows: ClassVar[bool] = False  # a row's output depends on other rows of its batch

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
        """Compute the output and the backward function.

        Parameters
        ----------
        x : ndarray
            Has the layer's dtype; its last axis is contiguous.
        grad : bool, default False
            A backward function is wanted. A layer that behaves differently in training, such as
            dropout, asks `lstmcore.context.in_training(grad)`.

        Returns
        -------
        y : ndarray
        back : callable or None
            ``back(dy, need_dx=True)`` adds to the gradients of the weights and returns dx, which
            may be None without `need_dx`. Call it at most once, before the weights change. None
            unless `grad`.
        """
        raise NotImplementedError(
            f"{type(self).__name__}: write forward(x, grad) -> (y, back), with "
            "back(dy, need_dx) -> dx (Keras's call has no backward function, and none is derived)"
        )

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of the output, batch axis included; None stands for any size."""
        return input_shape

    def call_output_shape(self, input_shape: Any, **options: Any) -> Any:
        """Return the shape of the output of a call with these other arguments."""
        return self.compute_output_shape(input_shape)

    def compute_mask(self, x: Any, mask: Any) -> Any:
        """Return the mask of the output, given the mask of the input.

        A layer that drops or changes the time axis must override this.

        Parameters
        ----------
        x : ndarray
            The input.
        mask : ndarray of bool, (batch, time), or None
            True for unmasked steps; None if all are unmasked.

        Returns
        -------
        ndarray or None
            For several outputs a tuple of masks, or the mask of the first.
        """
        return mask

    def run(
        self, x: Any, grad: bool = False, mask: Any = None, **options: Any
    ) -> tuple[Any, Back | None, Any]:
        """Return the output, the backward function and the mask of the output."""
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
        """Add the activity regularizer's penalty to the loss, its gradient to `back`."""
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
        """Return the place in the layer where values became NaN or Inf; "" if unknown."""
        return ""

    def describe_gradients(self, bad: list[Param]) -> str:
        """Describe the non-finite gradients `bad` for an error message."""
        return f"gradient of {bad[0].name!r}"

    def stream_part(self) -> tuple[Any, ...] | None:
        """Return the layer's part in a stream, or None if it does nothing at inference.

        ``(packed, return_sequences)`` for a recurrent layer, ``(kernel, bias, activation)`` for
        a dense one; see `lstmcore.streaming`.

        Raises
        ------
        ValueError
            If an output depends on later inputs, or the core cannot compute the layer.
        """
        raise unstreamable(self, "the core does not run it step by step")

    # -- what a subclass uses --------------------------------------------------------------

    def sequence_error(self, features: object, shape: Shape) -> ValueError:
        """Return the error for an x that is not a batch of sequences with these features."""
        wanted = f"an array of shape (batch, time, {features})"
        hint = " (a recurrent layer before it needs return_sequences=True)"
        return self.error("x", wanted, f"shape {shape}{hint if len(shape) == 2 else ''}")

    def check_size(self, argument: str, value: Any) -> int:
        """Return a size as an int; raise ValueError unless it is from 1 to `LARGEST`."""
        whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
        if not whole or not 1 <= value <= LARGEST:
            raise self.error(argument, f"a whole number from 1 to {LARGEST}", repr(value))
        return int(value)

    def check_shape(self, shape: Sequence[int | None]) -> Shape:
        """Return the shape of one sample as a tuple of sizes, None for any size."""
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
        """The dtype that input arrays are converted to."""
        return self.dtype or DTYPES[0]

    def build_for(self, input_shape: Any, dtype: str) -> None:
        """Build the layer, once, for inputs of this shape in a model of this dtype.

        A layer that is built already, elsewhere in a graph, must accept this shape too.
        """
        if self.built:
            self._check_fits(input_shape, dtype)
        if self.dtype is not None and self.dtype != dtype:
            raise self.error("dtype", f"{dtype}, as the model has", self.dtype)
        if not self.built:
            self.dtype = dtype
            self._params.clear()  # a build that failed may have left some
            self.build(input_shape)
            self._built_for, self.built = input_shape, True

    def _check_fits(self, input_shape: Any, dtype: str) -> None:
        """Raise ValueError unless the built layer accepts inputs of this shape.

        It does if the same layer, built for this shape, has weights of the same shapes.
        """
        if self._built_for is None or sample_shapes(input_shape) == sample_shapes(self._built_for):
            return
        with shapes_only():
            other = recreate(self)
            other.build_for(input_shape, dtype)
        if [p.shape for p in other.weights] != [p.shape for p in self.weights]:
            raise self.error("x", f"shape {self._built_for}, as it was built for", input_shape)

    def __call__(self, x: Any, training: Any = None, mask: Any = None, **kwargs: Any) -> Any:
        """Compute the output for an array; build the layer if it is not built.

        Parameters
        ----------
        x : array_like, (batch, ...), or list of sequences of different lengths
            Such a list is padded with zeros to the longest and masked accordingly. A list of
            arrays for a layer of several inputs. Symbolic tensors (`Input`) record the call in a
            graph.
        training : bool, default False
            True for the behaviour in training, such as dropout.
        mask : array_like of bool, (batch, time), optional
            True for unmasked steps; ignored by layers without a notion of steps.
        **kwargs
            Other arguments of the layer's `forward`.
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
        if not self.built:  # otherwise `forward` checks the shape
            self.build_for(shapes, self.dtype or DTYPES[0])
        self.materialize()
        return self.run(x, bool(training), mask, **kwargs)[0]

    def _convert_several(self, x: Any, mask: Any, what: str) -> tuple[list[Array], Any]:
        """Convert the arrays and masks for a layer of several inputs."""
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
        """The symbolic input, or list of inputs, of the layer's first call in a graph."""
        node = self._first_node()
        return node.inputs if node.several else node.inputs[0]

    @property
    def output(self) -> Any:
        """The symbolic output, or list of outputs, of the layer's first call in a graph."""
        node = self._first_node()
        return node.outputs[0] if node.single else list(node.outputs)

    def _first_node(self) -> Node:
        if not self.nodes:
            raise AttributeError(f"layer {self.name!r} was never called in a graph")
        return self.nodes[0]

    def __reduce__(self) -> Any:
        """Copy and pickle the config and the weights, never raw memory."""
        weights = self.get_weights() if self.built else []
        return _restore, (type(self), self.get_config(), self._built_for, weights)


def sample_shapes(shape: Any) -> Any:
    """Return a shape, or each of a list of shapes, without its batch axis."""
    return [tuple(s[1:]) for s in shape] if is_shape_list(shape) else tuple(shape[1:])


def recreate(value: Any, **changes: Any) -> Any:
    """Construct a layer, or each of a list, again from its arguments, without weights."""
    if isinstance(value, list | tuple):
        return [recreate(entry) for entry in value]
    if not isinstance(value, Layer):
        return value
    kept = (name for name in value.arguments if name not in value.init_only)
    arguments = {name: recreate(getattr(value, name)) for name in kept}
    return type(value)(**{**arguments, **changes})


def unstreamable(layer: Layer, why: str) -> ValueError:
    """Return the error for a layer that cannot be part of a stream."""
    return ValueError(f"layer {layer.name!r} ({type(layer).__name__}) cannot be streamed: {why}")


def _restore(
    cls: type[Layer], config: dict[str, Any], built_for: Shape | None, weights: list[Array]
) -> Layer:
    with shapes_only():  # no weights are drawn: copying must not advance the random generator
        layer = cls.from_config(config)
    if built_for is not None:
        layer.build_for(built_for, layer.dtype or DTYPES[0])
        layer.materialize(initialize=False)
        layer.set_weights(weights)
    return layer


def get(identifier: Any) -> Layer:
    """Return the layer that a config or an instance stands for."""
    return registry.get(identifier, Layer)
