"""Layers that act only in training: dropout, noise, and a penalty on activities."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...context import in_training
from ...random.generator import generator
from ...random.masks import check_seed
from ...regularizers import L1L2
from ...validation import Array
from ..base import Back, Layer, Shape, registry

# The limit of selu for large negative numbers, to which AlphaDropout sets dropped values.
_LOWEST = -1.6732632423543772848170429916717 * 1.0507009873554804934193349852946


def _unchanged(dy: Any, need_dx: bool = True) -> Any:
    return dy


class _Noise(Layer):
    """Base of the layers that add noise in training; a subclass has `strength`, `apply_noise`."""

    def __init__(self, *, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.seed, self._generator = seed, check_seed(self, seed)

    def check_fraction(self, argument: str, value: Any, below: bool = False) -> float:
        """Return a number from 0 to 1, or below 1, as a float; raise ValueError otherwise."""
        number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
        if not number or not 0 <= value <= 1 or (below and value == 1):
            wanted = f"a number from 0 to {'below ' if below else ''}1"
            raise self.error(argument, wanted, repr(value))
        return float(value)

    def check_noise_shape(self, shape: Any) -> tuple[int | None, ...] | None:
        """Return the shape in which factors are drawn; None in it stands for x's size."""
        if shape is None:
            return None
        if not isinstance(shape, list | tuple):
            raise self.error("noise_shape", "a tuple of sizes or None", repr(shape))
        return tuple(None if n is None else self.check_size("noise_shape", n) for n in shape)

    def broadcast_noise_shape(
        self, x: Array, shape: Sequence[int | None] | None
    ) -> tuple[int, ...]:
        """Return the shape in which factors are drawn for x; it must broadcast to x's shape."""
        if shape is None:
            return x.shape
        sizes = tuple(
            x.shape[i] if n is None and i < x.ndim else n or 0 for i, n in enumerate(shape)
        )
        pairs = zip(sizes[::-1], x.shape[::-1], strict=False)
        if len(sizes) > x.ndim or not all(n in (1, size) for n, size in pairs):
            raise self.error("noise_shape", f"1 or the size of x {x.shape} at each axis", sizes)
        return sizes

    @property
    def strength(self) -> float:
        """The strength of the noise; 0 for none."""
        raise NotImplementedError

    def apply_noise(self, x: Array, random: np.random.Generator) -> tuple[Array, Back]:
        """Return x with noise, and the backward function."""
        raise NotImplementedError

    def stream_part(self) -> None:
        """Return None: noise is for training only."""

    def forward(self, x: Array, grad: bool = False) -> tuple[Array, Back | None]:
        """Return x, with noise in training."""
        if not grad:
            return x, None
        if not self.strength or not in_training(grad):
            return x, _unchanged
        return self.apply_noise(x, self._generator or generator())


@registry.add()
class Dropout(_Noise):
    """In training, set a fraction of the inputs to 0 and scale the rest to preserve the mean.

    Parameters
    ----------
    rate : float
        The fraction that is dropped, from 0 to 1.
    noise_shape : tuple of int or None, optional
        The shape of the dropout mask, which is broadcast: ``(None, 1, None)`` for the same mask at
        all steps. None stands for the size of x.
    seed : int, optional
        Seed of the layer's own random generator; by default it uses the library's, which
        `set_random_seed` seeds.
    **kwargs
        `name`, `dtype`, `trainable`, `input_shape`: see `Layer`.
    """

    def __init__(
        self,
        rate: float,
        noise_shape: Sequence[int | None] | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed=seed, **kwargs)
        self.rate = self.check_fraction("rate", rate)
        self.noise_shape = self.check_noise_shape(noise_shape)

    @property
    def strength(self) -> float:
        """The fraction that is dropped."""
        return self.rate

    def apply_noise(self, x: Array, random: np.random.Generator) -> tuple[Array, Back]:
        """Multiply by 0, or by the scale that preserves the mean."""
        return _drop(x, self.broadcast_noise_shape(x, self.noise_shape), self.rate, random)


def _drop(
    x: Array, shape: tuple[int, ...], rate: float, random: np.random.Generator
) -> tuple[Array, Back]:
    scale = x.dtype.type(1 / (1 - rate) if rate < 1 else 0.0)
    # Drawn in float32 for both types: the same seed drops the same numbers.
    factors = (random.random(shape, np.float32) >= rate) * scale
    return x * factors, lambda dy, need_dx=True: dy * factors


@registry.add()
class SpatialDropout1D(_Noise):
    """Dropout of whole features: a dropped feature is 0 at all steps of a sample.

    Input and output ``(batch, time, features)``.

    Parameters
    ----------
    rate : float
        The fraction that is dropped, from 0 to 1.
    seed : int, optional
        Seed of the layer's own random generator; by default it uses the library's, which
        `set_random_seed` seeds.
    name, dtype
        See `Layer`.
    **kwargs
        `trainable`, `input_shape`: see `Layer`.
    """

    def __init__(
        self,
        rate: float,
        seed: int | None = None,
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed=seed, name=name, dtype=dtype, **kwargs)
        self.rate = self.check_fraction("rate", rate)

    def build(self, input_shape: Shape) -> None:
        if len(input_shape) != 3:
            raise self.sequence_error("features", input_shape)

    @property
    def strength(self) -> float:
        """The fraction that is dropped."""
        return self.rate

    def forward(self, x: Array, grad: bool = False) -> tuple[Array, Back | None]:
        """Return x, with noise in training."""
        if x.ndim != 3:
            raise self.sequence_error("features", x.shape)
        return super().forward(x, grad)

    def apply_noise(self, x: Array, random: np.random.Generator) -> tuple[Array, Back]:
        """Multiply each feature by 0, or by the scale that preserves the mean."""
        return _drop(x, (len(x), 1, x.shape[2]), self.rate, random)


@registry.add()
class GaussianNoise(_Noise):
    """In training, add Gaussian noise of mean 0.

    Parameters
    ----------
    stddev : float
        The standard deviation, from 0 to 1.
    seed : int, optional
        Seed of the layer's own random generator; by default it uses the library's, which
        `set_random_seed` seeds.
    **kwargs
        `name`, `dtype`, `trainable`, `input_shape`: see `Layer`.
    """

    def __init__(self, stddev: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(seed=seed, **kwargs)
        self.stddev = self.check_fraction("stddev", stddev)

    @property
    def strength(self) -> float:
        """The standard deviation."""
        return self.stddev

    def apply_noise(self, x: Array, random: np.random.Generator) -> tuple[Array, Back]:
        """Add the noise, drawn in float32 for both types."""
        noise = random.standard_normal(x.shape, np.float32)
        noise *= np.float32(self.stddev)
        return x + noise, _unchanged


@registry.add()
class GaussianDropout(_Noise):
    """In training, multiply by Gaussian noise of mean 1.

    Parameters
    ----------
    rate : float
        The rate of a `Dropout` whose factors have the same standard deviation, ``sqrt(rate / (1
        - rate))``; from 0 to below 1.
    seed : int, optional
        Seed of the layer's own random generator; by default it uses the library's, which
        `set_random_seed` seeds.
    **kwargs
        `name`, `dtype`, `trainable`, `input_shape`: see `Layer`.
    """

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(seed=seed, **kwargs)
        self.rate = self.check_fraction("rate", rate, below=True)

    @property
    def strength(self) -> float:
        """The rate."""
        return self.rate

    def apply_noise(self, x: Array, random: np.random.Generator) -> tuple[Array, Back]:
        """Multiply by factors, drawn in float32 for both types."""
        factors = random.standard_normal(x.shape, np.float32)
        factors *= np.float32(math.sqrt(self.rate / (1 - self.rate)))
        factors += np.float32(1)
        return x * factors, lambda dy, need_dx=True: dy * factors


@registry.add()
class AlphaDropout(_Noise):
    """Dropout that preserves mean and variance, for outputs of `selu`.

    Dropped values are set to the lower limit of selu; then all are scaled and shifted.

    Parameters
    ----------
    rate : float
        The fraction that is dropped, from 0 to below 1.
    noise_shape : tuple of int or None, optional
        See `Dropout`.
    seed : int, optional
        Seed of the layer's own random generator; by default it uses the library's, which
        `set_random_seed` seeds.
    **kwargs
        `name`, `dtype`, `trainable`, `input_shape`: see `Layer`.
    """

    def __init__(
        self,
        rate: float,
        noise_shape: Sequence[int | None] | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed=seed, **kwargs)
        self.rate = self.check_fraction("rate", rate, below=True)
        self.noise_shape = self.check_noise_shape(noise_shape)

    @property
    def strength(self) -> float:
        """The fraction that is dropped."""
        return self.rate

    def apply_noise(self, x: Array, random: np.random.Generator) -> tuple[Array, Back]:
        """Drop, scale and shift."""
        rate, dtype = self.rate, x.dtype.type
        scale = 1 / math.sqrt((1 - rate) * (1 + rate * _LOWEST**2))
        shift = -scale * _LOWEST * rate
        kept = random.random(self.broadcast_noise_shape(x, self.noise_shape), np.float32) >= rate
        factors = kept * dtype(scale)
        y = x * factors
        y += np.where(kept, dtype(shift), dtype(scale * _LOWEST + shift))
        return y, lambda dy, need_dx=True: dy * factors


@registry.add()
class ActivityRegularization(Layer):
    """Return the inputs and add a penalty on them, divided by the number of samples, to the loss.

    Parameters
    ----------
    l1, l2 : float, default 0.0
        The penalty is ``l1 * sum(abs(x)) + l2 * sum(x * x)``.
    **kwargs
        `name`, `dtype`, `trainable`, `input_shape`: see `Layer`.
    """

    init_only = (*Layer.init_only, "activity_regularizer")

    def __init__(self, l1: float = 0.0, l2: float = 0.0, **kwargs: Any) -> None:
        super().__init__(activity_regularizer=L1L2(l1=l1, l2=l2), **kwargs)
        self.l1, self.l2 = l1, l2

    def stream_part(self) -> None:
        """Return None: the penalty is for training only."""

    def forward(self, x: Array, grad: bool = False) -> tuple[Array, Back | None]:
        """Return x."""
        return x, _unchanged if grad else None
