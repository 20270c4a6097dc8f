"""Normalization and Rescaling: numeric features scaled for a model."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from ...validation import Array, as_numbers, plain_array, refuse_masked
from ..base import Back, Layer, Shape, registry, unstreamable

_EPSILON = 1e-7  # Keras's backend.epsilon(): the least standard deviation to divide by


def _is_batch(part: Any) -> bool:
    """Return True for an array, or a pair (x, y) of arrays."""
    return hasattr(part[0] if isinstance(part, tuple) and part else part, "shape")


def adapt_batches(data: Any, what: str, steps: int | None = None) -> Iterator[Any]:
    """Yield the batches in the data for `adapt`: a single array, or each array of an iterable.

    A list of arrays, a generator or any other iterable yields batches; of a pair (x, y) only x
    is taken. A list of numbers is an array.
    """
    if isinstance(data, list | tuple) and not any(map(_is_batch, data)):
        data = plain_array(data, what)
    if hasattr(data, "__array__"):
        yield plain_array(data, what)
        return
    if hasattr(data, "__getitem__") and hasattr(data, "__len__"):  # a Sequence, as Keras calls it
        batches: Any = map(data.__getitem__, range(len(data)))
    elif hasattr(data, "__iter__"):
        batches = data
    else:
        raise TypeError(f"{what}: expected an array or batches, got a {type(data).__name__}")
    for i, batch in enumerate(batches):
        if steps is not None and i >= steps:
            break
        yield plain_array(batch[0] if isinstance(batch, tuple) else batch, what)


@registry.add()
class Normalization(Layer):
    """Standardize features: ``(x - mean) / sqrt(variance)``, learned by `adapt` or given.

    Input and output have one shape. The weights are ``mean``, ``variance`` and ``count`` (which
    Keras has but does not use), none of them trained; with `mean` and `variance` given there are
    no weights.

    Parameters
    ----------
    axis : int, sequence of int or None, default -1
        The axes that have a mean and variance for each index; None: one for all elements.
    mean, variance : float or array_like, optional
        Both or neither; without them call `adapt`, or set the weights.
    invert : bool, default False
        Apply the inverse: ``x * sqrt(variance) + mean``.
    **kwargs
        `name`, `dtype`, `trainable`, `input_shape`: see `Layer`.

    Examples
    --------
    >>> from lstmcore.layers import Normalization
    >>> layer = Normalization()
    >>> layer.adapt([[1, 10], [3, 30]])
    >>> layer([[1, 10], [2, 40]])
    array([[-1., -1.],
           [ 0.,  2.]], dtype=float32)
    """

    def __init__(
        self,
        axis: Any = -1,
        mean: Any = None,
        variance: Any = None,
        invert: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        axes = list(axis) if isinstance(axis, list | tuple) else [] if axis is None else [axis]
        if any(isinstance(a, bool) or not isinstance(a, int | np.integer) for a in axes):
            raise self.error("axis", "an int, several or None", repr(axis))
        self.axis = tuple(int(a) for a in axes)
        self.invert = bool(invert)
        if (mean is None) != (variance is None):
            raise self.error("mean and variance", "both or neither", "one")
        self.input_mean, self.input_variance = mean, variance
        for argument, value in (("mean", mean), ("variance", variance)):
            refuse_masked(value, f"layer {self.name!r}: {argument}")
        if mean is not None and (
            np.shape(mean) != np.shape(variance) or np.ndim(mean) > len(self.axis)
        ):
            wanted = f"mean and variance of one shape, of at most {len(self.axis)} axes"
            raise self.error("mean", wanted, f"{np.shape(mean)} and {np.shape(variance)}")
        self._learned: tuple[Any, Any] = ("zeros", "ones")
        self._adapted_flat: Any = None  # the `Flat` made by `adapt`, until a model has one

    def constructor_argument(self, name: str) -> Any:
        """Return a constructor argument: mean and variance as given, not as broadcast."""
        given = {"mean": self.input_mean, "variance": self.input_variance}
        return given[name] if name in given else super().constructor_argument(name)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments: mean and variance as given, not as learned."""
        given = {"mean": self.input_mean, "variance": self.input_variance}
        plain = {k: None if v is None else np.asarray(v).tolist() for k, v in given.items()}
        return {**super().get_config(), **plain}

    def _statistic_axes(self, shape: Shape) -> tuple[int, ...]:
        """Return the axes that have their own statistics, counted from the front."""
        ndim = len(shape)
        if any(not -ndim <= a < ndim for a in self.axis):
            raise self.error("x", f"an array that has axis {self.axis}", f"shape {shape}")
        return tuple(sorted(a % ndim for a in self.axis))

    def build_for(self, input_shape: Shape, dtype: str) -> None:
        """Build the layer; rebuild a layer that was only adapted for a model of another dtype."""
        alone = self._adapted_flat is not None and self._params[0].flat is self._adapted_flat
        if alone and dtype != self.dtype:
            self.built, self.dtype = False, None
        super().build_for(input_shape, dtype)

    def build(self, input_shape: Shape) -> None:
        axes = self._statistic_axes(input_shape)
        sizes = tuple(input_shape[d] for d in axes)
        if None in sizes:
            raise self.error("x", f"known sizes at axis {self.axis}", f"shape {input_shape}")
        self._sizes = tuple(int(n) for n in sizes if n is not None)
        self._weights = None
        if self.input_mean is None:
            draws: list[Any] = [self._as_initializer(value) for value in self._learned]
            pairs = zip(("mean", "variance"), draws, strict=True)
            self._weights = [
                self.add_weight(self._sizes, draw, name=name, trainable=False)
                for name, draw in pairs
            ]
            self.add_weight((), "zeros", name="count", trainable=False)
            return
        try:
            given = (np.asarray(v, float) for v in (self.input_mean, self.input_variance))
            self._given = [np.broadcast_to(v, self._sizes) for v in given]
        except ValueError:
            wanted = f"something that fits {self._sizes}, as x has"
            raise self.error("mean", wanted, f"shape {np.shape(self.input_mean)}") from None

    @staticmethod
    def _as_initializer(value: Any) -> Any:
        return value if isinstance(value, str) else lambda shape, dtype: value

    def _statistics(self, shape: Shape) -> list[Array]:
        """Return mean and variance in shapes that broadcast to an array of this shape."""
        axes = self._statistic_axes(shape)
        if tuple(shape[d] for d in axes) != self._sizes:
            wanted = f"sizes {self._sizes} at axis {self.axis}"
            raise self.error("x", wanted, f"shape {shape}")
        sizes = iter(self._sizes)
        wide = [next(sizes) if d in axes else 1 for d in range(len(shape))]
        pair = self._given if self._weights is None else [p.value for p in self._weights]
        return [v.astype(self.dtype, copy=False).reshape(wide) for v in pair]

    def _statistic_or_given(self, index: int, given: Any) -> Any:
        if not self.built or self._built_for is None:
            return given
        shape = [n or 1 for n in self._built_for]
        return self._statistics(tuple(shape))[index]

    @property
    def mean(self) -> Any:
        """The mean in a shape that broadcasts to the input; as given before the layer is built."""
        return self._statistic_or_given(0, self.input_mean)

    @property
    def variance(self) -> Any:
        """The variance in a shape that broadcasts to the input; as given before it is built."""
        return self._statistic_or_given(1, self.input_variance)

    def adapt(self, data: Any) -> None:
        """Learn mean and variance from data, replacing those learned before.

        Parameters
        ----------
        data : array_like, or batches of them
            With its batch axis. Batches are a list of arrays, a generator, or any other iterable.
        """
        if self.input_mean is not None:
            raise self.error("adapt", "a layer without mean and variance", "one that has them")
        what, total = f"layer {self.name!r}: data", None
        for batch in adapt_batches(data, what):
            x = as_numbers(batch, what)
            if x.size == 0:
                raise ValueError(f"{what}: expected at least one number, got shape {x.shape}")
            if not self.built:
                self.build_for(x.shape, self.dtype or self.default_dtype)
                self.materialize()
                self._adapted_flat = self._params[0].flat
            self._statistics(x.shape)  # checks the shape
            total = _merge_moments(total, _moments(x, self._statistic_axes(x.shape)))
        if total is None:
            raise ValueError(f"{what}: expected at least one batch, got none")
        count, mean, squares = total
        self._learned = (mean, squares / count)
        assert self._weights is not None
        for param, value in zip(self._weights, self._learned, strict=True):
            param.assign(value)

    def forward(self, x: Array, grad: bool = False) -> tuple[Array, Back | None]:
        """Compute the output and the backward function."""
        mean, variance = self._statistics(x.shape)
        deviation = np.maximum(np.sqrt(variance), variance.dtype.type(_EPSILON))
        y = mean + x * deviation if self.invert else (x - mean) / deviation
        if not grad:
            return y, None
        return y, lambda dy, need_dx=True: dy * deviation if self.invert else dy / deviation

    def stream_part(self) -> None:
        """Raise ValueError: a stream in the core has no such step."""
        raise unstreamable(self, "normalize what goes into the stream, with this layer or by hand")


Moments = tuple[int, Array, Array]


def _moments(x: Array, axes: tuple[int, ...]) -> Moments:
    """Return the count, the mean, and the sum of squared deviations from it, in float64."""
    over = tuple(d for d in range(x.ndim) if d not in axes)
    count = math.prod(x.shape[d] for d in over)
    mean = x.mean(axis=over, dtype=np.float64)
    squares = np.square(x - np.expand_dims(mean, over)).sum(axis=over, dtype=np.float64)
    return count, np.asarray(mean), np.asarray(squares)


def _merge_moments(a: Moments | None, b: Moments) -> Moments:
    """Return the moments of two parts of the data together."""
    if a is None:
        return b
    count, off = a[0] + b[0], b[1] - a[1]
    return count, a[1] + off * (b[0] / count), a[2] + b[2] + off * off * (a[0] * b[0] / count)


@registry.add()
class Rescaling(Layer):
    """Scale and shift: ``x * scale + offset``, of the shape of x.

    Parameters
    ----------
    scale : float or array_like
        For instance ``1 / 255``.
    offset : float or array_like, default 0.0
    **kwargs
        `name`, `dtype`, `trainable`, `input_shape`: see `Layer`.
    """

    def __init__(self, scale: Any, offset: Any = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scale = self._check("scale", scale)
        self.offset = self._check("offset", offset)

    def _check(self, argument: str, value: Any) -> Any:
        array = plain_array(value, f"layer {self.name!r}: {argument}")
        if array.dtype.kind not in "iuf" or not np.isfinite(array).all():
            raise self.error(argument, "finite numbers", repr(value))
        return value

    def forward(self, x: Array, grad: bool = False) -> tuple[Array, Back | None]:
        """Compute the output and the backward function."""
        scale, offset = np.asarray(self.scale, x.dtype), np.asarray(self.offset, x.dtype)
        try:
            y = x * scale
            y += offset
        except ValueError:
            y = np.empty(0, x.dtype)
        if y.shape != x.shape:
            wanted = f"something that fits scale {scale.shape} and offset {offset.shape}"
            raise self.error("x", wanted, f"shape {x.shape}")
        return y, (lambda dy, need_dx=True: dy * scale) if grad else None

    def stream_part(self) -> None:
        """Raise ValueError: a stream in the core has no such step."""
        raise unstreamable(self, "rescale what goes into the stream, with this layer or by hand")
