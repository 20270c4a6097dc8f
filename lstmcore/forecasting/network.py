"""The network of a forecaster, and heads that interpret its outputs."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist
from typing import Any

import numpy as np

from ..layers import LSTM, Add, Concatenate, Dense, Dropout, Flatten, Input
from ..losses import GaussianNLL, Loss, MeanSquaredError, Quantile
from ..models import Model
from ..optimizers import Adam

Array = np.ndarray
QUANTILE, GAUSSIAN, POINT = "quantile", "gaussian", "point"
HEADS = (QUANTILE, GAUSSIAN, POINT)
WIDEST = 12.0  # bound on the magnitude of a log variance


class Head:
    """Interpretation of the network's outputs: point forecasts, quantiles, or a normal density.

    Parameters
    ----------
    kind : {"quantile", "gaussian", "point"}
    levels : sequence of float
        The quantiles that are learned, including 0.5.
    shifts : sequence of float, optional
        Calibration: a number to add to each quantile.
    widen : float, default 1.0
        Calibration: a factor for the standard deviation of a density.
    """

    def __init__(
        self,
        kind: str,
        levels: Sequence[float],
        shifts: Sequence[float] | None = None,
        widen: float = 1.0,
    ) -> None:
        self.kind, self.levels = kind, tuple(levels)
        self.shifts = (0.0,) * len(self.levels) if shifts is None else tuple(shifts)
        self.widen = widen

    def calibrated(self, outputs: Array, y: Array) -> Head:
        """Return this head calibrated on held-out data.

        Each quantile but the median is shifted so that the right share of values lies below it,
        over all steps ahead together. A density is scaled to the errors' standard deviation.
        """
        if self.kind == GAUSSIAN:
            mean, std = self._moments(np.asarray(outputs, np.float64))
            return Head(
                self.kind, self.levels, widen=float(np.sqrt(np.mean(((y - mean) / std) ** 2)))
            )
        if self.kind == POINT:
            return self
        quantiles = np.sort(np.asarray(outputs, np.float64).reshape(*y.shape, -1), axis=-1)
        shifts = [
            0.0 if level == 0.5 else float(np.quantile(y - quantiles[..., i], level))
            for i, level in enumerate(self.levels)
        ]
        return Head(self.kind, self.levels, shifts)

    @property
    def loss(self) -> Loss:
        """The loss for training."""
        if self.kind == QUANTILE:
            return Quantile(list(self.levels))
        return GaussianNLL() if self.kind == GAUSSIAN else MeanSquaredError()

    def units(self, values: int) -> int:
        """Return the number of outputs needed for this many values."""
        return values * {QUANTILE: len(self.levels), GAUSSIAN: 2, POINT: 1}[self.kind]

    def center(self, outputs: Array, shape: tuple[int, ...]) -> Array:
        """Return the point forecast of each value: the median or the mean."""
        if self.kind == QUANTILE:
            return self.at(outputs, shape, np.array([0.5]))[..., 0]
        return np.asarray(outputs[:, : np.prod(shape)], np.float64).reshape(-1, *shape)

    def at(self, outputs: Array, shape: tuple[int, ...], levels: Array) -> Array:
        """Return quantiles of each value, (rows, *shape, levels).

        Learned quantiles are interpolated and extrapolated linearly on the scale of a standard
        normal distribution.
        """
        outputs = np.asarray(outputs, np.float64)
        z = _normal_quantiles(levels)
        if self.kind == GAUSSIAN:
            mean, std = self._moments(outputs)
            return np.asarray(mean[..., None] + std[..., None] * z).reshape(-1, *shape, len(z))
        quantiles = self._ordered_quantiles(outputs.reshape(-1, *shape, len(self.levels)))
        return interpolate(quantiles, _normal_quantiles(np.array(self.levels)), z)

    def draw(self, outputs: Array, shape: tuple[int, ...], random: np.random.Generator) -> Array:
        """Sample one value each, (rows, *shape)."""
        if self.kind == POINT:
            return self.center(outputs, shape)
        outputs = np.asarray(outputs, np.float64)
        z = random.standard_normal((len(outputs), *shape))
        if self.kind == GAUSSIAN:
            mean, std = self._moments(outputs)
            return np.asarray(mean.reshape(z.shape) + std.reshape(z.shape) * z)
        quantiles = self._ordered_quantiles(outputs.reshape(*z.shape, len(self.levels)))
        return interpolate(quantiles, _normal_quantiles(np.array(self.levels)), z[..., None])[
            ..., 0
        ]

    def initialize(self, model: Any, y: Array) -> None:
        """Initialize the bias of the output layer from the targets.

        A quantile head starts at the quantiles of all targets, so its intervals are realistic
        even with too few training steps to learn them.
        """
        if self.kind == QUANTILE:
            quantiles = np.quantile(y, self.levels, axis=0)  # (levels, values)
            bias = model.get_layer("head").bias
            bias.assign(quantiles.T.reshape(-1))

    def _ordered_quantiles(self, outputs: Array) -> Array:
        """Return calibrated quantiles, sorted so that they do not cross."""
        return np.sort(np.sort(outputs, axis=-1) + np.array(self.shifts), axis=-1)

    def _moments(self, outputs: Array) -> tuple[Array, Array]:
        half = outputs.shape[1] // 2
        std = np.exp(0.5 * np.clip(outputs[:, half:], -WIDEST, WIDEST))
        return outputs[:, :half], self.widen * std


def interpolate(values: Array, points: Array, at: Array) -> Array:
    """Interpolate ``values`` (..., n), given at increasing `points` (n,), linearly at `at`.

    `at` is (m,) or (..., m). Beyond the ends the outermost lines are extended. A single value is
    constant everywhere.
    """
    shape = (*values.shape[:-1], at.shape[-1])
    if len(points) == 1:
        return np.broadcast_to(values, shape)
    at = np.broadcast_to(at, shape)
    right = np.clip(np.searchsorted(points, at), 1, len(points) - 1)
    low = np.take_along_axis(values, right - 1, axis=-1)
    high = np.take_along_axis(values, right, axis=-1)
    share = (at - points[right - 1]) / (points[right] - points[right - 1])
    return np.asarray(low + share * (high - low))


def _normal_quantiles(levels: Array) -> Array:
    """Return quantiles of the standard normal distribution."""
    return np.array([NormalDist().inv_cdf(level) for level in levels])


def build(
    window: tuple[int, ...],
    future: tuple[int, ...],
    outputs: int,
    *,
    units: int,
    layers: int,
    dropout: float,
    linear: bool,
    learning_rate: float,
    loss: Loss,
) -> Any:
    """Return the compiled network.

    The window passes through LSTM layers; known future values are concatenated with the last
    output before a dense layer. With `linear`, a linear function of all inputs is added to the
    output.

    Parameters
    ----------
    window, future : tuple of int
        Steps and columns of the window, and of known future values.
    outputs : int
    units, layers, dropout, linear, learning_rate
        As for `LSTMForecaster`.
    loss : Loss
    """
    x = Input(window, name="window")
    inputs, h = [x], x
    for i in range(layers):
        h = LSTM(units, return_sequences=i < layers - 1)(h)
    if future[1]:
        known = Input(future, name="future")
        inputs.append(known)
        flat = Flatten()(known)
        h = Dense(units, activation="relu")(Concatenate()([h, flat]))
    if dropout:
        h = Dropout(dropout)(h)
    y = Dense(outputs, kernel_initializer="zeros", name="head")(h)
    if linear:
        side = Flatten()(x)
        if future[1]:
            side = Concatenate()([side, flat])
        y = Add()([y, Dense(outputs, use_bias=False, kernel_initializer="zeros")(side)])
    model = Model(inputs, y)
    model.compile(optimizer=Adam(learning_rate=learning_rate, clipnorm=1.0), loss=loss)
    return model
