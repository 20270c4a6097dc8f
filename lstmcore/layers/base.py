"""What every layer is: weights on one flat array, and a function with a way back.

    y, back = layer.forward(x, training)
    dx = back(dy)
    mask = layer.compute_mask(x, mask)

A mask says which steps are real, (batch, time). It goes beside the samples from layer to layer, and
`run` gives both.

Nothing is kept on the layer in between, so threads cannot clash and a layer can be used twice.
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, ClassVar

import numpy as np

from .. import initializers
from ..arrays import Array as Array
from ..batches import as_batch
from ..registry import Configurable, Registry, snake_case
from .weights import Flat as Flat
from .weights import Param as Param

Shape = tuple[int | None, ...]
Back = Callable[..., Any]

registry: Registry = Registry("layer")
DTYPES = ("float32", "float64")
LARGEST = 1 << 20  # of any one size in a layer: a config from outside cannot ask for more

_counters: defaultdict[str, Iterator[int]] = defaultdict(itertools.count)


# True while a model file is read: a config alone must not make us take memory.
_shapes_only: ContextVar[bool] = ContextVar("shapes_only", default=False)


@contextmanager
def shapes_only() -> Iterator[None]:
    """Let models and layers declare their weights, but give them no memory."""
    token = _shapes_only.set(True)
    try:
        yield
    finally:
        _shapes_only.reset(token)


def automatic_name(cls: type) -> str:
    """Keras's names: lstm, lstm_1, lstm_2 ... in the order of construction."""
    prefix = snake_case(cls.__name__)
    number = next(_counters[prefix])
    return f"{prefix}_{number}" if number else prefix


class Layer(Configurable):
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
    """

    registry = registry
    single_output: ClassVar[bool] = True
    uses_mask: ClassVar[bool] = False  # whether `forward` takes a mask

    def __init__(
        self,
        *,
        name: str | None = None,
        dtype: Any = None,
        trainable: bool = True,
        input_shape: Sequence[int | None] | None = None,
    ) -> None:
        self.name = automatic_name(type(self)) if name is None else name
        if not isinstance(self.name, str) or not self.name or "/" in self.name:
            raise ValueError(
                f"{type(self).__name__}: name: expected a str without '/', got {name!r}"
            )
        self.dtype = None if dtype is None else self._check_dtype(dtype)
        self.trainable = bool(trainable)
        self._sample_shape = None if input_shape is None else self.check_shape(input_shape)
        self._params: list[Param] = []
        self._built_for: Shape | None = None
        self.built = False

    # -- what a subclass writes ------------------------------------------------------------

    def build(self, input_shape: Shape) -> None:
        """Check the input's shape and declare the weights with `add_weight`."""

    def forward(self, x: Any, training: bool = False) -> tuple[Any, Back | None]:
        """Compute the output and the way back.

        Parameters
        ----------
        x : ndarray
            Of the layer's dtype, its last axis contiguous.
        training : bool, default False

        Returns
        -------
        y : ndarray
        back : callable or None
            ``back(dy, need_dx=True)`` adds to the gradients of the weights and returns dx, or
            None if it need not; to be called at most once, before the weights change. None
            unless `training`.
        """
        raise NotImplementedError

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of the output, batch axis included; None stands for any size."""
        return input_shape

    def compute_mask(self, x: Any, mask: Array | None) -> Array | None:
        """Return which steps of the output are real, given those of the input.

        A layer that drops the time axis or changes it has to say what becomes of the mask.

        Parameters
        ----------
        x : ndarray
            The input.
        mask : ndarray of bool, (batch, time), or None
            True for a real step; None if all are.
        """
        return mask

    def run(
        self, x: Any, training: bool = False, mask: Array | None = None
    ) -> tuple[Any, Back | None, Array | None]:
        """Do what `forward` does, and return the mask of the output too: y, back, mask."""
        if mask is None or not self.uses_mask:
            y, back = self.forward(x, training)
        else:
            forward: Any = self.forward  # with a mask, in layers that use one
            y, back = forward(x, training, mask=mask)
        return y, back, self.compute_mask(x, mask)

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
        raise refusal(self, "the core does not run it step by step")

    def sublayers(self) -> Sequence[Layer]:
        """The layers inside this one."""
        return ()

    # -- what a subclass uses --------------------------------------------------------------

    def add_weight(
        self, shape: tuple[int, ...], initializer: Any, *, name: str, trainable: bool = True
    ) -> Param:
        """Declare a weight array; its memory comes later, with that of the whole model."""
        param = Param(name, tuple(shape), initializers.get(initializer), trainable)
        self._params.append(param)
        return param

    def error(self, argument: str, expected: object, got: object) -> ValueError:
        """The one form of a complaint about an argument."""
        where = f"layer {self.name!r} ({type(self).__name__})"
        return ValueError(f"{where}: {argument}: expected {expected}, got {got}")

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

    def declare(self, input_shape: Shape, dtype: str) -> None:
        """Build the layer, once, for inputs of this shape and a model of this dtype."""
        if self.dtype is not None and self.dtype != dtype:
            raise self.error("dtype", f"{dtype}, as the model has", self.dtype)
        if not self.built:
            self.dtype = dtype
            self._params.clear()  # what a build that failed may have left
            self.build(input_shape)
            self._built_for, self.built = input_shape, True

    def __call__(self, x: Any, training: bool = False, mask: Any = None, **kwargs: Any) -> Any:
        """Compute the output for an array, building the layer first if need be.

        Parameters
        ----------
        x : array_like, (batch, ...), or list of sequences of different lengths
            Such a list is padded with zeros to the longest, and brings its mask.
        training : bool, default False
            True for the behaviour in training, such as dropout.
        mask : array_like of bool, (batch, time), optional
            Which steps are real; layers to which steps mean nothing do not ask.
        **kwargs
            What else the layer's `forward` takes.
        """
        array, mask = as_batch(x, self.input_dtype, f"layer {self.name!r}: x", mask)
        self.declare(array.shape, self.dtype or DTYPES[0])
        self.settle()
        if mask is not None and self.uses_mask:
            kwargs["mask"] = mask
        return self.forward(array, training, **kwargs)[0]

    def settle(self, initialize: bool = True) -> None:
        """Give declared weights memory; without `initialize`, new ones are 0 and not drawn."""
        if not _shapes_only.get():
            params = [(p, trainable) for _, p, trainable in self.named_params()]
            self._lay_out(params, initialize)

    def _lay_out(self, params: list[tuple[Param, bool]], initialize: bool) -> None:
        if any(p.flat is None for p, _ in params):
            Flat(params, self.dtype or DTYPES[0], initialize)

    def named_params(
        self, prefix: str = "", trainable: bool = True
    ) -> Iterator[tuple[str, Param, bool]]:
        """Walk all weights, those of inner layers last: path, weight, whether it is trained."""
        trainable = trainable and self.trainable
        for param in self._params:
            yield prefix + param.name, param, trainable and param.trainable
        for layer in self.sublayers():
            yield from layer.named_params(f"{prefix}{layer.name}/", trainable)

    @property
    def weights(self) -> list[Param]:
        """All weights."""
        return [p for _, p, _ in self.named_params()]

    @property
    def trainable_weights(self) -> list[Param]:
        """The weights that `fit` changes."""
        return [p for _, p, trainable in self.named_params() if trainable]

    @property
    def non_trainable_weights(self) -> list[Param]:
        """The weights that `fit` leaves as they are."""
        return [p for _, p, trainable in self.named_params() if not trainable]

    def trains(self) -> bool:
        """Whether any weight of the layer is trained."""
        return bool(self._params and self.trainable) or bool(self.trainable_weights)

    def count_params(self) -> int:
        """Return how many numbers the weights have."""
        return sum(math.prod(p.shape) for p in self.weights)

    def get_weights(self) -> list[Array]:
        """Return copies of all weights, in the order of `weights`."""
        return [p.numpy() for p in self.weights]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Set all weights from arrays in the order of `weights`.

        Raises
        ------
        ValueError
            If their number or a shape does not fit; then no weight is changed.
        """
        params = self.weights
        arrays = [np.asarray(w) for w in weights]
        if len(arrays) != len(params):
            raise self.error("weights", f"{len(params)} arrays", len(arrays))
        for param, array in zip(params, arrays, strict=True):
            if array.shape != param.shape:
                raise self.error(f"weight {param.name!r}", f"shape {param.shape}", array.shape)
        for param, array in zip(params, arrays, strict=True):
            param.assign(array)

    def __reduce__(self) -> Any:
        """Copies and pickles are made of the config and the weights, never of memory as it lies."""
        weights = self.get_weights() if self.built else []
        return _restore, (type(self), self.get_config(), self._built_for, weights)


def refusal(layer: Layer, why: str) -> ValueError:
    """The one form of saying that a layer cannot be part of a stream."""
    return ValueError(f"layer {layer.name!r} ({type(layer).__name__}) cannot be streamed: {why}")


def _restore(
    cls: type[Layer], config: dict[str, Any], built_for: Shape | None, weights: list[Array]
) -> Layer:
    with shapes_only():  # no weights are drawn: copying must not move the random stream on
        layer = cls.from_config(config)
    if built_for is not None:
        layer.declare(built_for, layer.dtype or DTYPES[0])
        layer.settle(initialize=False)
        layer.set_weights(weights)
    return layer


def get(identifier: Any) -> Layer:
    """Return the layer that a config or an instance stands for."""
    return registry.get(identifier, Layer)
