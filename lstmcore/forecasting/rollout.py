"""Multi-step forecasts from any origins in a series, direct or recursive."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..data import windows_at
from .network import POINT, Head
from .preparation import Preparation
from .regression import Ridge

Array = np.ndarray
ROWS = 8192  # windows in one call of the network


class Rollout:
    """Multi-step forecasts by a network with its transforms.

    Parameters
    ----------
    model : Model or Ridge, optional
        If None, the anchors alone are the forecast.
    preparation : Preparation
    head : Head
    recursive : bool
        Forecast one step at a time, with the network's forecasts as inputs of the next steps.
    paths : int
        The number of sample paths per origin of a recursive forecast.
    random : numpy Generator
        The generator for sample paths.
    first : int, default 0
        The number of the series' first step.
    """

    def __init__(
        self,
        model: Any,
        preparation: Preparation,
        head: Head,
        recursive: bool,
        paths: int,
        random: np.random.Generator,
        first: int = 0,
    ) -> None:
        self.model, self.preparation, self.head = model, preparation, head
        self.recursive, self.random, self.first = recursive, random, first
        self.paths = 1 if head.kind == POINT else paths

    def forecast(
        self,
        series: tuple[Array, Array, Array],
        origins: Array,
        horizon: int,
        levels: tuple[float, ...],
    ) -> tuple[Array, Array]:
        """Forecast from each origin.

        Parameters
        ----------
        series : three ndarrays
            Targets after `Target.maybe_log`, (n, targets); columns known up to now, (n, columns);
            columns known ahead, up to `horizon` steps after the last origin.
        origins : ndarray of int, shape (rows,)
            The first unknown step of each forecast.
        horizon : int
        levels : tuple of float

        Returns
        -------
        point : ndarray, shape (rows, horizon, targets)
        quantiles : ndarray, shape (rows, horizon, targets, levels)
        """
        chunk = max(ROWS // (self.paths if self.recursive else 1), 1)
        method = self._recursive if self.recursive else self._direct
        levels = () if self.head.kind == POINT else levels
        parts = [
            method(series, origins[i : i + chunk], horizon, np.array(levels, np.float64))
            for i in range(0, len(origins), chunk)
        ]
        point, quantiles = (np.concatenate(part) for part in zip(*parts, strict=True))
        return point, quantiles

    def _direct(
        self, series: tuple[Array, Array, Array], origins: Array, horizon: int, levels: Array
    ) -> tuple[Array, Array]:
        y, past, known = series
        preparation = self.preparation
        steps = preparation.horizon
        missing = origins.max() + steps - len(known)
        if missing > 0:  # fewer steps are wanted than the network forecasts
            known = np.concatenate([known, np.repeat(known[-1:], missing, axis=0)])
        x, sides = preparation.inputs(
            windows_at(y, origins, preparation.length),
            windows_at(past, origins, preparation.window),
            windows_at(known, origins, preparation.window, steps),
            origins + self.first,
        )
        outputs = self._predict(x)
        shape = (steps, len(preparation.targets))
        center = self.head.center(outputs, shape)[..., None]
        quantiles = self.head.at(outputs, shape, levels) if len(levels) else center[..., :0]
        both = self._decode(np.concatenate([center, quantiles], axis=-1), sides)[:, :horizon]
        return both[..., 0], both[..., 1:]

    def _recursive(
        self, series: tuple[Array, Array, Array], origins: Array, horizon: int, levels: Array
    ) -> tuple[Array, Array]:
        y, _, known = series
        preparation, paths = self.preparation, self.paths
        length, count = preparation.length, len(preparation.targets)
        history = np.empty((len(origins) * paths, length + horizon, count))
        history[:, :length] = np.repeat(windows_at(y, origins, length), paths, axis=0)
        sampled = np.empty((len(history), horizon, count))
        no_past = np.empty((len(history), preparation.window, 0))
        for step in range(horizon):
            here = origins + step
            ahead = np.repeat(windows_at(known, here, preparation.window, 1), paths, axis=0)
            x, sides = preparation.inputs(
                history[:, step : step + length],
                no_past,
                ahead,
                np.repeat(here + self.first, paths),
            )
            outputs = self.head.draw(self._predict(x), (1, count), self.random)
            sampled[:, step] = self._decode(outputs, sides)[:, 0]
            for i, target in enumerate(preparation.targets):
                history[:, length + step, i] = target.maybe_log(sampled[:, step, i])
        if paths == 1:
            return sampled, np.empty((*sampled.shape, 0))
        by_path = sampled.reshape(len(origins), paths, horizon, count)
        return np.median(by_path, axis=1), np.moveaxis(np.quantile(by_path, levels, axis=1), 0, -1)

    def _predict(self, x: list[Array]) -> Array:
        if self.model is None:
            return np.zeros((len(x[0]), self.preparation.horizon * len(self.preparation.targets)))
        if isinstance(self.model, Ridge):
            return self.model.predict(x)
        outputs: Array = self.model.predict(x if len(x) > 1 else x[0], verbose=0, batch_size=256)
        return outputs

    def _decode(self, outputs: Array, sides: list[tuple[Array, Array]]) -> Array:
        """Return values for the network's outputs (rows, steps, targets, ...)."""
        targets = self.preparation.targets
        with np.errstate(over="ignore", invalid="ignore"):  # a file may say what it likes
            values = [t.decode(outputs[:, :, i], *sides[i]) for i, t in enumerate(targets)]
        return np.stack(values, axis=2)
