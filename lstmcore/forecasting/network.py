"""The network, and what its outputs mean."""

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
WIDEST = 12.0  # of a logarithm of a variance, either way


class Head:
    """What the network's last layer says of each value: a number, quantiles, or a density.

    Parameters
    ----------
    kind : {"quantile", "gaussian", "point"}
    levels : sequence of float
        The quantiles that are learnt, with 0.5 among them.
    shifts : sequence of float, optional
        What is to be added to each of them, that they hold for data not learnt from.
    widen : float, default 1.0
        What the standard deviation of a density is to be multiplied with, for the same reason.
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

    def calibrated(self, said: Array, y: Array) -> Head:
        """Return this head corrected by what data it has not learnt from says.

        Outer quantiles are moved to where as many values lie below them as should, all steps
        ahead together; the median stays. The density gets its values' standard deviation.
        """
        if self.kind == GAUSSIAN:
            mean, spread = self._moments(np.asarray(said, np.float64))
            return Head(
                self.kind, self.levels, widen=float(np.sqrt(np.mean(((y - mean) / spread) ** 2)))
            )
        if self.kind == POINT:
            return self
        learnt = np.sort(np.asarray(said, np.float64).reshape(*y.shape, -1), axis=-1)
        shifts = [
            0.0 if level == 0.5 else float(np.quantile(y - learnt[..., i], level))
            for i, level in enumerate(self.levels)
        ]
        return Head(self.kind, self.levels, shifts)

    @property
    def loss(self) -> Loss:
        """What is minimized."""
        if self.kind == QUANTILE:
            return Quantile(list(self.levels))
        return GaussianNLL() if self.kind == GAUSSIAN else MeanSquaredError()

    def units(self, values: int) -> int:
        """How many outputs as many values need."""
        return values * {QUANTILE: len(self.levels), GAUSSIAN: 2, POINT: 1}[self.kind]

    def center(self, said: Array, shape: tuple[int, ...]) -> Array:
        """Return the forecast of each value: the median, the mean."""
        if self.kind == QUANTILE:
            return self.at(said, shape, np.array([0.5]))[..., 0]
        return np.asarray(said[:, : np.prod(shape)], np.float64).reshape(-1, *shape)

    def at(self, said: Array, shape: tuple[int, ...], levels: Array) -> Array:
        """Return quantiles of each value, (rows, *shape, levels).

        Between learnt quantiles, and beyond, they are those of normal pieces.
        """
        said = np.asarray(said, np.float64)
        z = _normal(levels)
        if self.kind == GAUSSIAN:
            mean, spread = self._moments(said)
            return np.asarray(mean[..., None] + spread[..., None] * z).reshape(-1, *shape, len(z))
        learnt = self._learnt(said.reshape(-1, *shape, len(self.levels)))
        return between(learnt, _normal(np.array(self.levels)), z)

    def draw(self, said: Array, shape: tuple[int, ...], random: np.random.Generator) -> Array:
        """Draw one value each, (rows, *shape)."""
        if self.kind == POINT:
            return self.center(said, shape)
        said = np.asarray(said, np.float64)
        z = random.standard_normal((len(said), *shape))
        if self.kind == GAUSSIAN:
            mean, spread = self._moments(said)
            return np.asarray(mean.reshape(z.shape) + spread.reshape(z.shape) * z)
        learnt = self._learnt(said.reshape(*z.shape, len(self.levels)))
        return between(learnt, _normal(np.array(self.levels)), z[..., None])[..., 0]

    def begin(self, model: Any, y: Array) -> None:
        """Let a network begin where one that knows nothing else should be.

        A quantile head begins with the quantiles of all targets: its intervals are honest from
        the first step on, also where there are too few steps to learn them.
        """
        if self.kind == QUANTILE:
            quantiles = np.quantile(y, self.levels, axis=0)  # (levels, values)
            bias = model.get_layer("head").bias
            bias.assign(quantiles.T.reshape(-1))

    def _learnt(self, said: Array) -> Array:
        """The quantiles in their order, none above the next."""
        return np.sort(np.sort(said, axis=-1) + np.array(self.shifts), axis=-1)

    def _moments(self, said: Array) -> tuple[Array, Array]:
        half = said.shape[1] // 2
        spread = np.exp(0.5 * np.clip(said[:, half:], -WIDEST, WIDEST))
        return said[:, :half], self.widen * spread


def between(values: Array, places: Array, wanted: Array) -> Array:
    """Return what straight lines through ``values`` (..., n) at rising `places` (n,) give.

    `wanted` is (m,) or (..., m); beyond the ends the outermost lines go on. A single value
    stands for all.
    """
    shape = (*values.shape[:-1], wanted.shape[-1])
    if len(places) == 1:
        return np.broadcast_to(values, shape)
    wanted = np.broadcast_to(wanted, shape)
    right = np.clip(np.searchsorted(places, wanted), 1, len(places) - 1)
    low = np.take_along_axis(values, right - 1, axis=-1)
    high = np.take_along_axis(values, right, axis=-1)
    share = (wanted - places[right - 1]) / (places[right] - places[right - 1])
    return np.asarray(low + share * (high - low))


def _normal(levels: Array) -> Array:
    """Where a standard normal variable has these quantiles."""
    return np.array([NormalDist().inv_cdf(level) for level in levels])


def build(
    seen: tuple[int, ...],
    ahead: tuple[int, ...],
    outputs: int,
    *,
    units: int,
    layers: int,
    dropout: float,
    linear: bool,
    learning_rate: float,
    loss: Loss,
) -> Any:
    """Return the network, compiled.

    The window goes through LSTM layers; what is known of the future joins the last state before a
    dense layer. With `linear` a product of the whole window is added to the output.

    Parameters
    ----------
    seen, ahead : tuple of int
        Steps and columns of the window, and of what is known of the future.
    outputs : int
    units, layers, dropout, linear, learning_rate
        As for `LSTMForecaster`.
    loss : Loss
    """
    x = Input(seen, name="window")
    inputs, h = [x], x
    for i in range(layers):
        h = LSTM(units, return_sequences=i < layers - 1)(h)
    if ahead[1]:
        future = Input(ahead, name="future")
        inputs.append(future)
        flat = Flatten()(future)
        h = Dense(units, activation="relu")(Concatenate()([h, flat]))
    if dropout:
        h = Dropout(dropout)(h)
    y = Dense(outputs, kernel_initializer="zeros", name="head")(h)
    if linear:
        side = Flatten()(x)
        if ahead[1]:
            side = Concatenate()([side, flat])
        y = Add()([y, Dense(outputs, use_bias=False, kernel_initializer="zeros")(side)])
    model = Model(inputs, y)
    model.compile(optimizer=Adam(learning_rate=learning_rate, clipnorm=1.0), loss=loss)
    return model
