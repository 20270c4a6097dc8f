"""Steps of time for many series at once: dates at a frequency, or whole numbers."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import Any

import numpy as np

from ...data import DataError
from ...data.frequency import TOLERANCE, Frequency

Array = np.ndarray
Step = Frequency | int  # of dates, or between whole numbers
ASKED = 50  # series that tell the frequency
SAMPLE = 1000  # dates of each


def parse(freq: Any, dates: Array) -> Step:
    """Return a user's frequency for these dates, which are datetime64 or int64."""
    dated = dates.dtype.kind == "M"
    if isinstance(freq, Frequency | int | np.integer) and not isinstance(freq, bool):
        if isinstance(freq, Frequency) != dated:
            kinds = ("dates", "numbered steps") if dated else ("numbered steps", "dates")
            raise DataError(f"this panel has {kinds[0]}, its frequency is of {kinds[1]}")
        if isinstance(freq, Frequency) or freq > 0:
            return freq if isinstance(freq, Frequency) else int(freq)
    if not dated:
        raise ValueError(f"freq: the steps are numbered; expected a whole number, got {freq!r}")
    return Frequency.parse(freq)


def infer(dates: Array, starts: Array) -> Step:
    """Return the frequency that most of the first series with two dates have."""
    found: Counter[Step] = Counter()
    asked = 0
    for start, stop in pairwise(starts.tolist()):
        if stop - start < 2:
            continue
        part = dates[start : min(stop, start + SAMPLE)]
        if dates.dtype.kind == "M":
            found[Frequency.find(part)] += stop - start
        else:
            gaps, times = np.unique(np.diff(part), return_counts=True)
            found[int(gaps[times.argmax()])] += stop - start
        asked += 1
        if asked == ASKED:
            break
    if not found:
        raise DataError("freq: no series has two dates; give freq=...")
    return found.most_common(1)[0][0]


def season(step: Step) -> int:
    """Return the shortest usual season in steps; 1 for none."""
    return 1 if isinstance(step, int) else min(step.seasons, default=1)


def words(step: Step) -> str:
    """Return the step in words."""
    return str(step) if isinstance(step, int) else step.words


def numbers(step: Step, dates: Array) -> Array:
    """Return numbers that grow by one from each date to the next, as float64."""
    if isinstance(step, int):
        return np.asarray(dates / step)
    if step.unit == "M":
        return np.asarray(dates.astype("datetime64[M]").astype(np.int64) / step.count)
    if step.unit == "B":
        days = dates.astype("datetime64[D]")
        return np.asarray(np.busday_count(np.datetime64("1970-01-01"), days) / step.count)
    return np.asarray(dates.astype("datetime64[us]").astype(np.int64) / step.count)


def whole(gaps: Array) -> Array:
    """Return differences of `numbers` as int64; 0 for what is no whole number of steps ahead.

    Summer time moves days by an hour, and clocks drift: a twentieth of a step is forgiven.
    """
    near = np.round(gaps)
    return np.where((np.abs(gaps - near) <= TOLERANCE) & (near > 0), near, 0).astype(np.int64)


def after(step: Step, dates: Array, count: int) -> Array:
    """Return the dates (n, count) that follow each of the last dates (n,)."""
    ahead = np.arange(1, count + 1)
    if isinstance(step, int):
        return np.asarray(dates[:, None] + step * ahead)
    last: Any = dates[:, None]
    return step.at(last, ahead).astype(dates.dtype)
