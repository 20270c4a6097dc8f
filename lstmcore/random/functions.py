"""Keras's random numbers by name: arrays drawn by the library's generator or one of one's own.

An int as seed gives the same numbers in every call, as in Keras; a `SeedGenerator` others in each;
None those of the library's generator, which `lstmcore.utils.set_random_seed` seeds.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import config, context
from ..autodiff.tensors import tensor
from ..validation import Array, as_numbers
from .generator import generator

INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")


class SeedGenerator:
    """A source of random numbers of its own: every call that is given it draws others.

    Parameters
    ----------
    seed : int, optional
        From 0; None draws one from the library's generator.
    name : str, optional
        The default is "seed_generator".

    Attributes
    ----------
    seed : int
    generator : numpy.random.Generator
        Its present state; all draws come from it.
    """

    def __init__(self, seed: int | None = None, name: str | None = None) -> None:
        if seed is None:
            seed = int(generator().integers(2**32))
        if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
            raise ValueError(f"SeedGenerator: seed: expected an int >= 0, got {seed!r}")
        self.seed, self.name = int(seed), name or "seed_generator"
        self.generator = generator(self.seed)

    def next(self, ordered: bool = True) -> Array:
        """Return two numbers of uint32, others in each call; `ordered` has no effect."""
        return self.generator.integers(2**32, size=2, dtype=np.uint32)

    def get_config(self) -> dict[str, Any]:
        """Return the seed and the name; not what has been drawn."""
        return {"seed": self.seed, "name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> SeedGenerator:
        """Build a generator from the result of `get_config`."""
        return cls(**config)


def _source(what: str, seed: Any) -> np.random.Generator:
    """Return the generator that a seed stands for."""
    if isinstance(seed, SeedGenerator):
        # a call that only tells shapes takes nothing from what is drawn later
        return copy.deepcopy(seed.generator) if context.current().trial else seed.generator
    whole = isinstance(seed, int | np.integer) and not isinstance(seed, bool) and seed >= 0
    if seed is not None and not whole:
        raise ValueError(
            f"{what}: seed: expected an int >= 0, a SeedGenerator or None, got {seed!r:.80}"
        )
    return generator(None if seed is None else int(seed))


def _sizes(what: str, shape: Any) -> tuple[int, ...]:
    """Return a shape as a tuple of ints."""
    sizes = [shape] if isinstance(shape, int | np.integer) else shape
    whole = isinstance(sizes, Sequence | np.ndarray) and not isinstance(sizes, str)
    if not whole or any(
        isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 0 for n in sizes
    ):
        raise ValueError(f"{what}: shape: expected a tuple of sizes, all known, got {shape!r:.80}")
    return tuple(int(n) for n in sizes)


def _float(what: str, dtype: Any) -> str:
    """Return the name of a float dtype, by default that of `lstmcore.config.floatx`."""
    name: str = config.floatx() if dtype is None else np.dtype(dtype).name
    if name not in config.FLOATS:
        raise ValueError(f"{what}: dtype: expected 'float32' or 'float64', got {dtype!r}")
    return name


def _whole(what: str, dtype: Any) -> str:
    name: str = np.dtype(dtype).name
    if name not in INTEGERS:
        raise ValueError(f"{what}: dtype: expected a dtype of integers, got {dtype!r}")
    return name


def normal(
    shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = None, seed: Any = None
) -> Array:
    """Draw from a normal distribution.

    Parameters
    ----------
    shape : tuple of int
    mean, stddev : float, default 0 and 1
    dtype : {"float32", "float64"}, optional
        The default is `lstmcore.config.floatx`.
    seed : int, SeedGenerator or None
    """
    name = _float("normal", dtype)
    drawn: Array = _source("normal", seed).standard_normal(_sizes("normal", shape))
    scaled: Array = tensor((drawn * stddev + mean).astype(name))
    return scaled


def truncated_normal(
    shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = None, seed: Any = None
) -> Array:
    """Draw from a normal distribution, again where it is over two deviations from the mean."""
    name, source = _float("truncated_normal", dtype), _source("truncated_normal", seed)
    drawn = source.standard_normal(_sizes("truncated_normal", shape))
    far = np.abs(drawn) > 2
    while far.any():
        drawn[far] = source.standard_normal(int(far.sum()))
        far = np.abs(drawn) > 2
    scaled: Array = tensor((drawn * stddev + mean).astype(name))
    return scaled


def uniform(
    shape: Any, minval: Any = 0.0, maxval: Any = 1.0, dtype: Any = None, seed: Any = None
) -> Array:
    """Draw evenly from `minval` to below `maxval`; whole numbers for a dtype of integers."""
    if dtype is not None and np.dtype(dtype).kind in "iu":
        return randint(shape, int(minval), int(maxval), dtype, seed)
    name = _float("uniform", dtype)
    drawn = _source("uniform", seed).random(_sizes("uniform", shape), np.dtype(name).type)
    scaled: Array = tensor((drawn * (maxval - minval) + minval).astype(name))
    return scaled


def randint(shape: Any, minval: int, maxval: int, dtype: Any = "int32", seed: Any = None) -> Array:
    """Draw whole numbers evenly from `minval` to below `maxval`."""
    name, sizes = _whole("randint", dtype), _sizes("randint", shape)
    if not minval < maxval:
        raise ValueError(f"randint: maxval: expected a number above {minval}, got {maxval}")
    drawn: Array = tensor(_source("randint", seed).integers(minval, maxval, sizes).astype(name))
    return drawn


def categorical(logits: Any, num_samples: int, dtype: Any = "int32", seed: Any = None) -> Array:
    """Draw classes, for each row of logits so many.

    Parameters
    ----------
    logits : array, (batch, classes)
        Logarithms of probabilities, but for a constant.
    num_samples : int
    dtype : dtype of integers, default "int32"
    seed : int, SeedGenerator or None

    Returns
    -------
    ndarray, (batch, num_samples)
    """
    rows = as_numbers(logits, "categorical: logits")
    if rows.ndim != 2:
        raise ValueError(f"categorical: logits: expected (batch, classes), got shape {rows.shape}")
    sizes = _sizes("categorical", (len(rows), num_samples, rows.shape[1]))
    noise = _source("categorical", seed).gumbel(size=sizes)  # the largest sum is a fair draw
    drawn = (rows[:, None] + noise).argmax(-1).astype(_whole("categorical", dtype))
    found: Array = tensor(drawn)
    return found


def gamma(shape: Any, alpha: Any, dtype: Any = None, seed: Any = None) -> Array:
    """Draw from gamma distributions of shape `alpha` and scale 1."""
    name, source = _float("gamma", dtype), _source("gamma", seed)
    drawn: Array = tensor(source.standard_gamma(alpha, _sizes("gamma", shape)).astype(name))
    return drawn


def beta(shape: Any, alpha: Any, beta: Any, dtype: Any = None, seed: Any = None) -> Array:
    """Draw from beta distributions."""
    name, source = _float("beta", dtype), _source("beta", seed)
    drawn: Array = tensor(source.beta(alpha, beta, _sizes("beta", shape)).astype(name))
    return drawn


def binomial(
    shape: Any, counts: Any, probabilities: Any, dtype: Any = None, seed: Any = None
) -> Array:
    """Draw how many of `counts` trials succeed, each with this probability."""
    name, source = _float("binomial", dtype), _source("binomial", seed)
    counts = np.asarray(counts).astype(np.int64)
    drawn: Array = tensor(
        source.binomial(counts, probabilities, _sizes("binomial", shape)).astype(name)
    )
    return drawn


def shuffle(x: Any, axis: int = 0, seed: Any = None) -> Array:
    """Return an array with its entries along an axis in random order."""
    mixed: Array = tensor(_source("shuffle", seed).permutation(as_numbers(x, "shuffle: x"), axis))
    return mixed


def dropout(inputs: Any, rate: float, noise_shape: Any = None, seed: Any = None) -> Any:
    """Set a fraction of the numbers to 0 and scale the others up by 1 / (1 - rate).

    Parameters
    ----------
    inputs : array
        Also inside of a function that is derived.
    rate : float
        From 0 to below 1.
    noise_shape : tuple of int or None, optional
        The shape of what is drawn, 1 for axes along which it is the same, None for the input's.
    seed : int, SeedGenerator or None
    """
    if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 <= rate < 1:
        raise ValueError(f"dropout: rate: expected a number from 0 to below 1, got {rate!r}")
    # on a tape the input stays as it is: the product below is recorded
    x = as_numbers(inputs, "dropout: inputs") if context.current().tape is None else inputs
    given = x.shape if noise_shape is None else noise_shape
    shape = [size if n is None else n for n, size in zip(given, x.shape, strict=True)]
    drawn = _source("dropout", seed).random(_sizes("dropout", shape), np.float32)
    return tensor(x * ((drawn >= rate) / (1 - rate)).astype(x.dtype))
