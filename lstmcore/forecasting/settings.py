"""Validation of a forecaster's settings, and choice of those that are "auto"."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..data import DataError, Frequency, check_fill
from ..names import nearest
from ..validation import number, whole
from .blend import METHODS
from .columns import Columns
from .network import HEADS
from .preparation import AUTO, AVERAGE, CURVE, DIFFERENCE, NONE
from .smoothing import LONGEST_SEASON

CHOICES = {
    "strategy": ("direct", "recursive"),
    "head": HEADS,
    "adjust": (AUTO, NONE, CURVE, AVERAGE, DIFFERENCE),
    "method": (AUTO, *METHODS),
}
COUNTS = ("horizon", "units", "layers", "epochs", "batch_size", "patience", "paths")
MOST_PATHS = 100_000
FEWEST = 8  # windows to train on


def check(given: Any) -> None:
    """Raise ValueError if a setting of a forecaster is invalid."""
    for name, choices in CHOICES.items():
        value = getattr(given, name)
        if value not in choices:
            hint = nearest(str(value), choices)
            raise ValueError(f"{name}: expected one of {choices}, got {value!r}; {hint}")
    for name in COUNTS:
        whole(name, getattr(given, name), 1)
    if given.paths > MOST_PATHS:
        raise ValueError(f"paths: expected at most {MOST_PATHS}, got {given.paths}")
    number("dropout", given.dropout, 1)
    number("learning_rate", given.learning_rate, above=True)
    share = number("validation", given.validation, 1)
    if share > 0.9:
        raise ValueError(f"validation: expected a share from 0 to 0.9, got {share}")
    levels(given.quantiles)
    if given.log not in (True, False, AUTO):
        raise ValueError(f"log: expected True, False or 'auto', got {given.log!r}")
    check_fill(given.fill)
    if given.freq is not None:
        Frequency.parse(given.freq)
    if isinstance(given.known_future, str):
        raise ValueError(f"known_future: expected a list of names, got {given.known_future!r}")


def check_horizon(steps: int, strategy: str, learned: int) -> None:
    """Raise ValueError if more steps are to be forecast than a direct forecaster has learned."""
    if strategy == "direct" and steps > learned:
        raise ValueError(
            f"horizon: {learned} steps were learnt, {steps} are asked for: "
            "fit with a longer horizon, or with strategy='recursive'"
        )


def levels(quantiles: Any) -> tuple[float, ...]:
    """Return quantiles as floats; raise ValueError unless all are between 0 and 1."""
    array = np.atleast_1d(np.asarray(quantiles, np.float64))
    if array.ndim != 1 or not array.size or not ((array > 0) & (array < 1)).all():
        raise ValueError(f"quantiles: expected numbers between 0 and 1, got {quantiles!r}")
    return tuple(array.tolist())


def targets(target: str | Sequence[str] | None, columns: Columns) -> tuple[str, ...]:
    """Return the names of the columns to forecast."""
    if target is None:
        if len(columns.names) == 1:
            return columns.names
        some = ", ".join(columns.names[:8])
        raise DataError(f"choose the column to forecast with target=...; there are {some}")
    names = (target,) if isinstance(target, str) else tuple(target)
    if not names or len(set(names)) != len(names):
        raise ValueError(f"target: expected different names, got {target!r}")
    columns.select(names)
    return names


def season(given: int | str | None, columns: Columns, freq: str | None = None) -> int:
    """Return the season in steps, 0 for none."""
    if given is None:
        return 0
    if isinstance(given, str):
        if given != "auto":
            raise ValueError(f"season: expected a number of steps, 0 or 'auto', got {given!r}")
        return _season_of_dates(columns, freq)
    steps = whole("season", given, 0, least=0)
    if steps == 1:
        raise ValueError("season: expected 0 for none, or 2 steps or more, got 1")
    return steps


def _season_of_dates(columns: Columns, freq: str | None) -> int:
    """Return the usual season of dates with this step, if there are two seasons; otherwise 0."""
    if columns.dates is None or len(columns) < 2:
        return 0
    step = Frequency.find(columns.dates) if freq is None else Frequency.parse(freq)
    return next((steps for steps in step.seasons if len(columns) >= 2 * steps), 0)


def window(given: int | None, season: int, steps: int) -> int:
    """Return the number of steps that the network reads."""
    if given is not None:
        return whole("window", given, 1)
    return max(min(2 * season if 2 <= season <= 52 else 30, steps // 4), 1)


def long_enough(steps: int, length: int, horizon: int) -> None:
    """Raise DataError if a series has too few windows to train on."""
    needed = length + horizon + FEWEST - 1
    if steps < needed:
        raise DataError(
            f"the series is too short: {steps} steps to train on, where a window of "
            f"{length} and a horizon of {horizon} need {needed}; give more rows or a smaller window"
        )


def validation_start(steps: int, window: int, season: int, horizon: int, share: float) -> int:
    """Return the first step of the validation part; `steps` if there is none.

    It has at least FEWEST windows, of a short series more than `share`.
    """
    stop = steps - max(round(share * (steps - window)), horizon + FEWEST)
    lag = season if season <= LONGEST_SEASON else 0
    enough = share > 0 and stop >= window + lag + horizon + FEWEST
    return stop if enough else steps
