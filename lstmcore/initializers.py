"""Initializers: the initial values of weights, by Keras's names.

An initializer is called with a shape and a dtype and returns an array. Without a seed it draws
from the library's generator, which `lstmcore.utils.set_random_seed` seeds. With a seed it returns
the same values at every call, as Keras's do.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ._binding.numpy_blas import held
from .random.generator import generator
from .refused.attributes import refuse
from .registry import Registry
from .registry import custom_objects as with_names
from .serialization import Configurable, to_json
from .validation import plain_array

Array = NDArray[Any]
registry: Registry = Registry("initializer")

# The standard deviation of a normal distribution truncated at two standard deviations.
_TRUNCATED_STDDEV = 0.87962566103423978


@refuse("initializer")
class Initializer(Configurable):
    """Base of all initializers: subclass it and write ``__call__(self, shape, dtype)``."""

    registry = registry

    def __call__(self, shape: Sequence[int], dtype: DTypeLike = "float32") -> Array:
        raise NotImplementedError


class _Random(Initializer):
    """Base of random initializers. All draw in float64, and float32 weights are rounded ones."""

    def __init__(self, seed: int | None = None) -> None:
        whole = isinstance(seed, int | np.integer) and not isinstance(seed, bool)
        if seed is not None and not (whole and seed >= 0):
            raise ValueError(f"{type(self).__name__}: seed: expected an int >= 0, got {seed!r}")
        self.seed = None if seed is None else int(seed)

    def __call__(self, shape: Sequence[int], dtype: DTypeLike = "float32") -> Array:
        return self._draw(generator(self.seed), tuple(shape)).astype(dtype)

    def _draw(self, random: np.random.Generator, shape: tuple[int, ...]) -> Array:
        raise NotImplementedError


def _truncated_normal(random: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Draw standard normal numbers; those beyond two standard deviations are drawn again."""
    x = random.standard_normal(shape)
    while (far := np.abs(x) > 2).any():
        x[far] = random.standard_normal(int(far.sum()))
    return x


def _check_number(owner: object, name: str, value: Any, least: float = -math.inf) -> float:
    """Return the value as a float; raise ValueError unless it is finite and >= `least`."""
    if not isinstance(value, numbers.Real) or not (least <= float(value) < math.inf):
        wanted = "a number" if least == -math.inf else f"a number >= {least:g}"
        raise ValueError(f"{type(owner).__name__}: {name}: expected {wanted}, got {value!r}")
    return float(value)


def _fans(
    shape: tuple[int, ...], inputs: Sequence[int] | None, outputs: Sequence[int] | None
) -> tuple[float, float]:
    """Return fan-in and fan-out: the inputs of a unit, and the units that an input feeds."""
    if inputs is not None and outputs is not None:
        sizes = [math.prod(shape[axis] for axis in axes) for axes in (inputs, outputs)]
        return float(sizes[0]), float(sizes[1])
    if len(shape) < 2:
        size = float(shape[0]) if shape else 1.0
        return size, size
    window = math.prod(shape[:-2])
    return float(shape[-2] * window), float(shape[-1] * window)


@registry.add("zero")
class Zeros(Initializer):
    """All 0."""

    def __call__(self, shape: Sequence[int], dtype: DTypeLike = "float32") -> Array:
        return np.zeros(tuple(shape), dtype)


@registry.add("one")
class Ones(Initializer):
    """All 1."""

    def __call__(self, shape: Sequence[int], dtype: DTypeLike = "float32") -> Array:
        return np.ones(tuple(shape), dtype)


@registry.add()
class Constant(Initializer):
    """All `value`, or the values of an array such as a table of embeddings.

    Parameters
    ----------
    value : float or array, default 0.0
    """

    def __init__(self, value: Any = 0.0) -> None:
        if isinstance(value, numbers.Real):
            self.value: Any = float(value)
        else:
            self.value = plain_array(value, "Constant: value")
            if self.value.dtype.kind not in "fiub":
                raise ValueError(f"Constant: value: expected numbers, got {value!r:.80}")

    def __call__(self, shape: Sequence[int], dtype: DTypeLike = "float32") -> Array:
        try:
            return np.full(tuple(shape), self.value, dtype)
        except ValueError:
            have = np.shape(self.value)
            raise ValueError(
                f"Constant: an array of shape {have} cannot fill weights of shape {tuple(shape)}"
            ) from None


@registry.add("IdentityInitializer")
class Identity(Initializer):
    """`gain` on the diagonal of a matrix, 0 elsewhere.

    Parameters
    ----------
    gain : float, default 1.0
    """

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = _check_number(self, "gain", gain)

    def __call__(self, shape: Sequence[int], dtype: DTypeLike = "float32") -> Array:
        if len(shape) != 2:
            raise ValueError(f"Identity: expected a shape of two axes, got {tuple(shape)}")
        matrix: Array = np.eye(*shape, dtype=np.dtype(dtype))
        matrix *= self.gain
        return matrix


@registry.add("normal")
class RandomNormal(_Random):
    """Normal numbers of mean `mean` and standard deviation `stddev`, from `seed` if given."""

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None) -> None:
        super().__init__(seed)
        self.mean = _check_number(self, "mean", mean)
        self.stddev = _check_number(self, "stddev", stddev, 0)

    def _draw(self, random: np.random.Generator, shape: tuple[int, ...]) -> Array:
        return self.mean + self.stddev * random.standard_normal(shape)


@registry.add()
class TruncatedNormal(RandomNormal):
    """Normal numbers, those beyond two standard deviations from the mean drawn again."""

    def _draw(self, random: np.random.Generator, shape: tuple[int, ...]) -> Array:
        return self.mean + self.stddev * _truncated_normal(random, shape)


@registry.add("uniform")
class RandomUniform(_Random):
    """Uniform numbers from `minval` to `maxval`, drawn from `seed` if given."""

    def __init__(
        self, minval: float = -0.05, maxval: float = 0.05, seed: int | None = None
    ) -> None:
        super().__init__(seed)
        self.minval = _check_number(self, "minval", minval)
        self.maxval = _check_number(self, "maxval", maxval, self.minval)

    def _draw(self, random: np.random.Generator, shape: tuple[int, ...]) -> Array:
        return random.uniform(self.minval, self.maxval, shape)


@registry.add("OrthogonalInitializer")
class Orthogonal(_Random):
    """A random matrix with orthonormal rows or columns, whichever are fewer, times `gain`.

    All axes before the last are flattened to one. Drawn from `seed` if given.
    """

    def __init__(self, gain: float = 1.0, seed: int | None = None) -> None:
        super().__init__(seed)
        self.gain = _check_number(self, "gain", gain)

    def _draw(self, random: np.random.Generator, shape: tuple[int, ...]) -> Array:
        if len(shape) < 2:
            raise ValueError(f"Orthogonal: expected a shape of two or more axes, got {shape}")
        rows, columns = math.prod(shape[:-1]), shape[-1]
        matrix = random.standard_normal((max(rows, columns), min(rows, columns)))
        with held():
            q, r = np.linalg.qr(matrix)
        q *= np.sign(np.diag(r))  # makes the choice of q unique, hence uniform
        return self.gain * (q if rows >= columns else q.T).reshape(shape)


@registry.add()
class VarianceScaling(_Random):
    """Random numbers whose variance is `scale` divided by the fan of the weights.

    Parameters
    ----------
    scale : float, default 1.0
    mode : {"fan_in", "fan_out", "fan_avg"}
        Divide by the inputs of a unit, the units an input feeds, or their mean.
    distribution : {"truncated_normal", "untruncated_normal", "uniform"}
    seed : int, optional
    input_axes, output_axes : sequence of int, optional
        The input and output axes of a weight array that has several of them.
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: int | None = None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ) -> None:
        super().__init__(seed)
        distribution = str(distribution).lower()
        distribution = "truncated_normal" if distribution == "normal" else distribution
        _check_option(self, "mode", mode, ("fan_in", "fan_out", "fan_avg"))
        names = ("truncated_normal", "untruncated_normal", "uniform")
        _check_option(self, "distribution", distribution, names)
        if not _check_number(self, "scale", scale) > 0:
            raise ValueError(f"{type(self).__name__}: scale: expected a number > 0, got {scale!r}")
        self.scale, self.mode, self.distribution = scale, mode, distribution
        if (input_axes is None) != (output_axes is None):
            raise ValueError(f"{type(self).__name__}: input_axes and output_axes go together")
        self.input_axes, self.output_axes = input_axes, output_axes

    def _draw(self, random: np.random.Generator, shape: tuple[int, ...]) -> Array:
        fan_in, fan_out = _fans(shape, self.input_axes, self.output_axes)
        fans = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}
        variance = self.scale / max(1.0, fans[self.mode])
        if self.distribution == "uniform":
            limit = math.sqrt(3 * variance)
            return random.uniform(-limit, limit, shape)
        if self.distribution == "untruncated_normal":
            return math.sqrt(variance) * random.standard_normal(shape)
        return math.sqrt(variance) / _TRUNCATED_STDDEV * _truncated_normal(random, shape)


def _check_option(owner: object, name: str, value: object, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        who = type(owner).__name__
        raise ValueError(f"{who}: {name}: expected one of {allowed}, got {value!r}")


def _variance_scaling(
    name: str, scale: float, mode: str, distribution: str
) -> type[VarianceScaling]:
    """Define and register a subclass of `VarianceScaling` with fixed settings."""

    def __init__(
        self: Any,
        seed: int | None = None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ) -> None:
        VarianceScaling.__init__(self, scale, mode, distribution, seed, input_axes, output_axes)

    doc = (
        f"`VarianceScaling` with scale {scale:g}, {mode}, {distribution}.\n\n"
        "    See there for `seed`, `input_axes` and `output_axes`.\n    "
    )
    body = {"__init__": __init__, "__doc__": doc, "__module__": __name__}
    return registry.add()(type(name, (VarianceScaling,), body))


GlorotUniform = _variance_scaling("GlorotUniform", 1, "fan_avg", "uniform")
GlorotNormal = _variance_scaling("GlorotNormal", 1, "fan_avg", "truncated_normal")
HeUniform = _variance_scaling("HeUniform", 2, "fan_in", "uniform")
HeNormal = _variance_scaling("HeNormal", 2, "fan_in", "truncated_normal")
LecunUniform = _variance_scaling("LecunUniform", 1, "fan_in", "uniform")
LecunNormal = _variance_scaling("LecunNormal", 1, "fan_in", "truncated_normal")


_COSINES = {"hann": 0.5, "hamming": 0.54}  # windows of one cosine, by their mean


def window_values(window: Any, length: int, periodic: bool) -> Array:
    """Return the weights of a window's samples, in float64.

    Parameters
    ----------
    window : str, array_like or None
        One of SciPy's names, such as ``"hann"`` and ``"hamming"``; `length` numbers; None for ones.
    length : int
    periodic : bool
        The first number would follow the last, as for spectra; otherwise the window is symmetric.
    """
    values = _window_values(window, length, periodic)
    if not values.any():
        raise ValueError(f"window: expected a number that is not 0, got {length} of {window!r}")
    return values


def _window_values(window: Any, length: int, periodic: bool) -> Array:
    if window is None:
        return np.ones(length)
    if isinstance(window, str) and window in _COSINES:
        share, points = _COSINES[window], length if periodic else length - 1
        ends = share - (1 - share) * np.cos(2 * np.pi * np.arange(length) / max(points, 1))
        return ends if length > 1 else np.ones(1)
    if isinstance(window, str):
        from scipy.signal import get_window  # takes long to import

        try:
            return np.asarray(get_window(window, length, periodic), np.float64)
        except ValueError as error:
            raise ValueError(f"window: expected a name that SciPy knows: {error}") from None
    values = plain_array(window, "window", np.float64)
    if values.shape != (length,):
        raise ValueError(f"window: expected {length} numbers, got shape {values.shape}")
    return values


@registry.add("STFTInitializer")
class STFT(Initializer):
    """Windowed cosines or sines: kernels with which a convolution is a Fourier transform.

    For weights ``(frame_length, 1, fft_length // 2 + 1)``; column k has the frequency ``k /
    fft_length``.

    Parameters
    ----------
    side : {"real", "imag"}
        Cosines, or negative sines.
    window : str, array_like or None, default "hann"
        The weights of a frame's samples, by one of SciPy's names; None for none.
    scaling : {"density", "spectrum", None}
        Divide the window by its Euclidean norm, or by the sum of its absolute values.
    periodic : bool, default False
        Take a periodic window rather than a symmetric one.
    """

    def __init__(
        self,
        side: str = "real",
        window: Any = "hann",
        scaling: str | None = "density",
        periodic: bool = False,
    ) -> None:
        if side not in ("real", "imag"):
            raise ValueError(f"STFT: side: expected 'real' or 'imag', got {side!r}")
        if scaling not in ("density", "spectrum", None):
            wanted = "'density', 'spectrum' or None"
            raise ValueError(f"STFT: scaling: expected {wanted}, got {scaling!r}")
        if isinstance(window, str):
            window_values(window, 1, periodic)  # is there such a window?
        self.side, self.window = side, window
        self.scaling, self.periodic = scaling, bool(periodic)

    def __call__(self, shape: Sequence[int], dtype: DTypeLike = "float32") -> Array:
        length, *between, count = shape
        points = max(2 * (count - 1), 1)
        angles = (-2 * np.pi / points) * np.outer(np.arange(length), np.arange(count))
        waves = np.cos(angles) if self.side == "real" else np.sin(angles)
        if self.window is not None:
            values = window_values(self.window, length, self.periodic)
            norms = {"density": np.sqrt((values * values).sum()), "spectrum": np.abs(values).sum()}
            waves *= (values / norms.get(str(self.scaling), 1.0))[:, None]
        kernel = waves.reshape(length, *[1] * len(between), count).astype(dtype)
        return np.array(np.broadcast_to(kernel, tuple(shape)))


zeros, ones, constant, identity = Zeros, Ones, Constant, Identity
random_normal, truncated_normal, random_uniform = RandomNormal, TruncatedNormal, RandomUniform
variance_scaling, orthogonal = VarianceScaling, Orthogonal
OrthogonalInitializer, IdentityInitializer = Orthogonal, Identity
glorot_uniform, glorot_normal = GlorotUniform, GlorotNormal
he_uniform, he_normal = HeUniform, HeNormal
stft = STFTInitializer = STFT
lecun_uniform, lecun_normal = LecunUniform, LecunNormal


def get(identifier: Any) -> Any:
    """Return the initializer of a name, a class, a config, an instance, a function or an array.

    A function takes ``(shape, dtype)`` and returns an array. An array becomes a `Constant`. None
    gives None: the default of `Layer.add_weight`.
    """
    if identifier is None:
        return None
    if isinstance(identifier, np.ndarray):
        return Constant(identifier)
    if isinstance(identifier, str):
        identifier = registry.find(identifier)
    elif isinstance(identifier, dict) and isinstance(identifier.get("function"), str):
        identifier = registry.find(identifier["function"])
    is_plain = callable(identifier) and not isinstance(identifier, type | Initializer)
    return identifier if is_plain else registry.get(identifier, Initializer)


def serialize(initializer: Any) -> Any:
    """Return the config for `deserialize` and `get`."""
    return to_json(initializer)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """Build an initializer from its config."""
    with with_names(custom_objects):
        return get(config)
