"""Steps that a series lacks: found by its frequency, named, filled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..names import nearest
from .errors import DataError
from .frequency import Frequency
from .stamps import write

FILLS = NONE, FORWARD, INTERPOLATE, ZERO, MASK = "none", "forward", "interpolate", "zero", "mask"
FEW = 0.05  # the share of steps that is filled without being asked
_DONE = {
    FORWARD: "filled by the last value",
    INTERPOLATE: "filled by interpolation",
    ZERO: "filled by zeros",
    MASK: "masked",
}


@dataclass(frozen=True)
class Regular:
    """A series that has every step.

    Parameters
    ----------
    dates : ndarray of datetime64, shape (n,), or None
    values : ndarray of float64, shape (n, columns)
    note : str
        What was missing and how it was filled; empty if nothing was.
    observed : ndarray of bool, shape (n,), optional
        With ``fill="mask"``: False for steps that were missing.
    """

    dates: np.ndarray | None
    values: np.ndarray
    note: str = ""
    observed: np.ndarray | None = None


def check_fill(fill: str | None) -> None:
    """Raise ValueError unless `fill` is None or one of FILLS."""
    if fill is not None and fill not in FILLS:
        raise ValueError(
            f"fill: expected one of {FILLS}, got {fill!r}; {nearest(str(fill), FILLS)}"
        )


def make_regular(
    dates: np.ndarray | None, values: np.ndarray, freq: str | None = None, fill: str | None = None
) -> Regular:
    """Return a series with every step between its first and its last.

    Parameters
    ----------
    dates : ndarray of datetime64, shape (n,), or None
        Strictly increasing.
    values : ndarray of float64, shape (n, columns)
        NaN where there is no value.
    freq : str, optional
        The step, as `Frequency.parse` takes it; by default what `Frequency.find` finds.
    fill : {"none", "forward", "interpolate", "zero", "mask"}, optional
        What steps without a row get, and with it those without a value: nothing, so that they are
        an error; the last value; a straight line between the neighbours; zero; or a mask, so that
        they are interpolated as what is read, and count in no error. By default up to 5 %
        of the steps are interpolated if they lack a row; a row without a value is left as it is.

    Raises
    ------
    DataError
        If dates are not on one grid, or steps are missing and `fill` does not say what they get.
    ValueError
        If `freq` or `fill` is unknown.
    """
    check_fill(fill)
    step = None if freq is None else Frequency.parse(freq)
    if dates is None:
        if freq is not None:
            raise ValueError(f"freq: {freq!r} says how far apart dates are; the data have none")
        return Regular(None, *_fill_values(values, fill))
    if len(dates) < 2:
        return Regular(dates, values)
    step = step or Frequency.find(dates)
    numbers = _on_grid(dates, step)
    count = int(numbers[-1]) + 1
    absent = count - len(dates)
    if not absent:
        return Regular(dates, *_fill_values(values, fill))
    full = np.full((count, values.shape[1]), np.nan)
    full[numbers] = values
    grid = step.at(dates[0], np.arange(count)).astype(dates.dtype)
    grid[numbers] = dates
    lacking = np.ones(count, bool)
    lacking[numbers] = False
    first = write(grid[int(lacking.argmax())])
    what = f"{absent} of {count} steps of {step.each} are missing, the first {first}"
    if fill == NONE or (fill is None and absent > FEW * count):
        raise DataError(f"{what}; choose what they get: fill=forward, interpolate, zero or mask")
    chosen = fill or INTERPOLATE
    observed = ~np.isnan(full).any(axis=1) if fill == MASK else None
    if fill is None:  # rows without a value stay an error
        alone = np.isnan(values).any()
        full[lacking] = _filled(full, chosen)[lacking] if not alone else full[lacking]
    else:
        full = _filled(full, chosen)
    return Regular(grid, full, f"{what}; {_DONE[chosen]}", observed)


def _on_grid(dates: np.ndarray, step: Frequency) -> np.ndarray:
    """Return the number of each date on the grid of the first.

    Raises
    ------
    DataError
        If one is not on it, or two have the same.
    """
    numbers = step.numbers(dates)
    wrong = np.flatnonzero((numbers < 0) | (np.diff(numbers, prepend=-1) <= 0))
    if len(wrong):
        date, before = dates[wrong[0]], dates[max(int(wrong[0]) - 1, 0)]
        raise DataError(
            f"dates are irregular: steps of {step.each} from {write(dates[0])} on do not lead "
            f"to {write(date)}, which follows {write(before)}; give the step with freq, or one row "
            "for each step"
        )
    return numbers


def _fill_values(values: np.ndarray, fill: str | None) -> tuple[np.ndarray, str, np.ndarray | None]:
    """Fill rows without a value, if asked; return the values, a note and what is observed."""
    lacking = np.isnan(values).any(axis=1)
    if fill in (None, NONE) or not lacking.any():
        return values, "", None
    count = int(lacking.sum())
    what = f"{count} of {len(values)} steps lack a value, the first step {int(lacking.argmax())}"
    observed = ~lacking if fill == MASK else None
    return _filled(values, str(fill)), f"{what}; {_DONE[str(fill)]}", observed


def _filled(values: np.ndarray, fill: str) -> np.ndarray:
    """Fill NaN in each column; before its first value a column has that one."""
    filled = values.copy()
    steps = np.arange(len(values))
    for column in filled.T:
        known = ~np.isnan(column)
        if known.all() or not known.any():
            continue
        if fill == ZERO:
            column[~known] = 0
        elif fill in (INTERPOLATE, MASK):
            column[~known] = np.interp(steps[~known], steps[known], column[known])
        else:
            last = np.maximum.accumulate(np.where(known, steps, -1))
            last[last < 0] = int(known.argmax())
            column[:] = column[last]
    return filled
