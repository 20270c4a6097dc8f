"""The frequency of a panel: steps between dates, and the dates that follow."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from ...data import DataError

Array = np.ndarray

FIXED, MONTHS, WORKING, COUNT = "fixed", "months", "working days", "count"
DAY = np.timedelta64(1, "D")
SAMPLE = 1 << 18  # rows
# Names as in pandas, old and new: the kind, and months or seconds in a step.
NAMES: dict[str, tuple[str, int]] = {
    **dict.fromkeys(("Y", "YS", "YE", "A", "AS"), (MONTHS, 12)),
    **dict.fromkeys(("Q", "QS", "QE"), (MONTHS, 3)),
    **dict.fromkeys(("M", "MS", "ME"), (MONTHS, 1)),
    "B": (WORKING, 1),
    "W": (FIXED, 7 * 86400),
    "D": (FIXED, 86400),
    **dict.fromkeys(("H", "h"), (FIXED, 3600)),
    **dict.fromkeys(("T", "min"), (FIXED, 60)),
    **dict.fromkeys(("S", "s"), (FIXED, 1)),
}
SEASONS = {
    (MONTHS, 1): 12,
    (MONTHS, 3): 4,
    (WORKING, 1): 5,
    (FIXED, 7 * 86400): 52,
    (FIXED, 86400): 7,
    (FIXED, 3600): 24,
    (FIXED, 1800): 48,
    (FIXED, 900): 96,
}


@dataclass(frozen=True)
class Frequency:
    """Equal steps of time.

    Parameters
    ----------
    kind : {"fixed", "months", "working days", "count"}
        Seconds, calendar months, days from Monday to Friday, or whole numbers.
    step : int
        Seconds, months, days or numbers in a step. Dates are datetime64[s] or int64.
    """

    kind: str
    step: int

    @classmethod
    def parse(cls, name: Any, dates: Array) -> Self:
        """Return the frequency of a name as in pandas, such as "D", "MS", "15min"; or an int."""
        if isinstance(name, cls):
            if (name.kind == COUNT) == (dates.dtype.kind == "M"):
                kinds = ("dates", "numbered steps")
                fitted, got = kinds if name.kind != COUNT else kinds[::-1]
                raise DataError(f"the panel fitted to has {fitted}, this one {got}")
            return name
        if isinstance(name, int | np.integer) and not isinstance(name, bool) and name > 0:
            if dates.dtype.kind != "M":
                return cls(COUNT, int(name))
        elif isinstance(name, str) and dates.dtype.kind == "M":
            found = re.fullmatch(r"(\d*)([A-Za-z]+?)(-[A-Z]{3})?", name)
            if found and found[2] in NAMES and found[1] != "0":
                kind, step = NAMES[found[2]]
                step *= int(found[1] or 1)
                if not (kind == WORKING and step > 1):
                    return cls(kind, step)
        what = "a name such as 'D', 'W', 'MS' or 'h'" if dates.dtype.kind == "M" else "an int"
        raise ValueError(f"freq: expected {what}, got {name!r}")

    @classmethod
    def infer(cls, dates: Array, starts: Array) -> Self:
        """Return the frequency of the dates of series that start at these rows.

        Months, quarters and years are told by a common day of the month or by last days, working
        days by missing weekends; otherwise the most frequent gap is the step. The first
        `SAMPLE` rows tell it.
        """
        dates = dates[:SAMPLE]
        inside = np.ones(max(len(dates) - 1, 0), bool)
        inside[starts[(starts > 0) & (starts < len(dates))] - 1] = False
        gaps = np.diff(dates.astype(np.int64))[inside]
        if not len(gaps):
            raise DataError("freq: no series has two dates; give freq=...")
        if dates.dtype.kind != "M":
            return cls(COUNT, _most_frequent(gaps))
        days = dates.astype("datetime64[D]")
        usual = _most_frequent(gaps)
        length = usual / 86400
        if length >= 28:
            first = days.astype("datetime64[M]").astype("datetime64[D]")
            of_month = (days - first).astype(int)
            months = round(length / 30.437)
            if (of_month == of_month[0]).all() or _last_days(days).all():
                return cls(MONTHS, months)
        if length == 1 and np.is_busday(days).all() and gaps.max() >= 3 * usual:
            return cls(WORKING, 1)
        return cls(FIXED, usual)

    @property
    def unit(self) -> str:
        """The word for what a step is counted in."""
        return {FIXED: "seconds", MONTHS: "months", WORKING: "working days"}.get(self.kind, "")

    @property
    def season(self) -> int:
        """Return the usual season in steps; 1 for none."""
        return SEASONS.get((self.kind, self.step), 1)

    def ordinals(self, dates: Array) -> Array:
        """Return whole numbers that grow by `step` from each date to the next."""
        if self.kind == MONTHS:
            return np.asarray(dates.astype("datetime64[M]").astype(np.int64))
        if self.kind == WORKING:
            days = dates.astype("datetime64[D]")
            return np.busday_count(np.datetime64("1970-01-01"), days).astype(np.int64)
        return np.asarray(dates.astype(np.int64))

    def after(self, dates: Array, steps: int) -> Array:
        """Return the dates (n, steps) that follow each of the last dates (n,)."""
        ahead = np.arange(1, steps + 1) * self.step
        if self.kind in (COUNT, FIXED):
            unit = "m8[s]" if dates.dtype.kind == "M" else np.int64
            return np.asarray(dates[:, None] + ahead.astype(unit))
        days = dates.astype("datetime64[D]")
        rest = (dates - days)[:, None]
        if self.kind == WORKING:
            later = np.busday_offset(days[:, None], ahead[None, :], roll="backward")
            return np.asarray((later + rest).astype(dates.dtype))
        months = days.astype("datetime64[M]")
        of_month = days - months.astype("datetime64[D]")
        later_months = months[:, None] + ahead
        last = (later_months + 1).astype("datetime64[D]") - DAY
        later = np.minimum(later_months.astype("datetime64[D]") + of_month[:, None], last)
        later = np.where(_last_days(days)[:, None] & (of_month[:, None] >= 27 * DAY), last, later)
        return np.asarray((later + rest).astype(dates.dtype))


def _last_days(days: Array) -> Array:
    """Return True for the last days of months."""
    return np.asarray((days + DAY).astype("datetime64[M]") > days.astype("datetime64[M]"))


def _most_frequent(values: Array) -> int:
    found, times = np.unique(values.astype(np.int64), return_counts=True)
    return int(found[times.argmax()])
