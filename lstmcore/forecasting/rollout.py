"""Forecasts at any places of a series, by a trained network: at once, or step by step."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..data import windows_at
from .network import POINT, Head
from .preparation import Preparation

Array = np.ndarray
ROWS = 8192  # of windows that go through the network at once


class Rollout:
    """A network with what goes before and after it.

    Parameters
    ----------
    model : Model, optional
        Without one, the anchors alone are given.
    prepared : Preparation
    head : Head
    recursive : bool
        The network gives one step, and is fed its own forecasts.
    paths : int
        How many are drawn for each origin then.
    random : numpy Generator
        To draw them with.
    first : int, default 0
        The number of the step that series begin with.
    """

    def __init__(
        self,
        model: Any,
        prepared: Preparation,
        head: Head,
        recursive: bool,
        paths: int,
        random: np.random.Generator,
        first: int = 0,
    ) -> None:
        self.model, self.prepared, self.head = model, prepared, head
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
            Targets through `Target.flat`, (n, targets); what is known up to now (n, columns);
            what is known ahead, up to `horizon` behind the last origin.
        origins : ndarray of int, shape (rows,)
            The first step that is not known.
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
        prepared = self.prepared
        steps = prepared.horizon
        short = len(known) < origins.max() + steps  # less was asked for than was learnt
        if short:
            more = origins.max() + steps - len(known)
            known = np.concatenate([known, np.repeat(known[-1:], more, axis=0)])
        x, sides = prepared.inputs(
            windows_at(y, origins, prepared.length),
            windows_at(past, origins, prepared.window),
            windows_at(known, origins, prepared.window, steps),
            origins + self.first,
        )
        said = self._run(x)
        shape = (steps, len(prepared.targets))
        center = self.head.center(said, shape)[..., None]
        spread = self.head.at(said, shape, levels) if len(levels) else center[..., :0]
        both = self._decode(np.concatenate([center, spread], axis=-1), sides)[:, :horizon]
        return both[..., 0], both[..., 1:]

    def _recursive(
        self, series: tuple[Array, Array, Array], origins: Array, horizon: int, levels: Array
    ) -> tuple[Array, Array]:
        y, _, known = series
        prepared, paths = self.prepared, self.paths
        length, count = prepared.length, len(prepared.targets)
        history = np.empty((len(origins) * paths, length + horizon, count))
        history[:, :length] = np.repeat(windows_at(y, origins, length), paths, axis=0)
        drawn = np.empty((len(history), horizon, count))
        nothing = np.empty((len(history), prepared.window, 0))
        for step in range(horizon):
            here = origins + step
            ahead = np.repeat(windows_at(known, here, prepared.window, 1), paths, axis=0)
            x, sides = prepared.inputs(
                history[:, step : step + length],
                nothing,
                ahead,
                np.repeat(here + self.first, paths),
            )
            said = self.head.draw(self._run(x), (1, count), self.random)
            drawn[:, step] = self._decode(said, sides)[:, 0]
            for i, target in enumerate(prepared.targets):
                history[:, length + step, i] = target.flat(drawn[:, step, i])
        if paths == 1:
            return drawn, np.empty((*drawn.shape, 0))
        each = drawn.reshape(len(origins), paths, horizon, count)
        return np.median(each, axis=1), np.moveaxis(np.quantile(each, levels, axis=1), 0, -1)

    def _run(self, x: list[Array]) -> Array:
        if self.model is None:
            return np.zeros((len(x[0]), self.prepared.horizon * len(self.prepared.targets)))
        said: Array = self.model.predict(x if len(x) > 1 else x[0], verbose=0, batch_size=256)
        return said

    def _decode(self, said: Array, sides: list[tuple[Array, Array]]) -> Array:
        """The network's words (rows, steps, targets, ...) as values."""
        targets = self.prepared.targets
        values = [t.decode(said[:, :, i], *sides[i]) for i, t in enumerate(targets)]
        return np.stack(values, axis=2)
