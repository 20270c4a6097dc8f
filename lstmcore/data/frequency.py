"""The step of a series of dates: found, named, continued."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from ..names import nearest

SECOND, MINUTE, HOUR, DAY = 1_000_000, 60_000_000, 3_600_000_000, 86_400_000_000  # microseconds
TOLERANCE = 0.05  # of a step: summer time moves days by an hour, clocks drift
LAST = -1
WEEKDAYS = ["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"]

# The names of pandas. Months: (months, 0 for their first day, LAST for the last).
_STEPS = {"us": 1, "ms": 1000, "s": SECOND, "min": MINUTE, "h": HOUR, "D": DAY, "W": 7 * DAY}
_MONTHS = {"MS": (1, 0), "ME": (1, LAST), "QS": (3, 0), "QE": (3, LAST), "YS": (12, 0)}
_MONTHS |= {"YE": (12, LAST), "M": (1, LAST), "Q": (3, LAST), "Y": (12, LAST)}
_OLD = {"H": "h", "T": "min", "S": "s", "A": "Y", "AS": "YS", "L": "ms"}
_WORDS = {1: "millisecond", 1000: "second", 60_000: "minute", 3_600_000: "hour"}
_WORDS |= {86_400_000: "day", 604_800_000: "week"}


@dataclass(frozen=True)
class Frequency:
    """The step from one date of a series to the next.

    Parameters
    ----------
    unit : {"us", "B", "M"}
        Microseconds, working days from Monday to Friday, or months.
    count : int
        Units in a step.
    day : int, default 0
        For months: the day of the month, 0 for the first, -1 for the last.

    Examples
    --------
    >>> import numpy as np
    >>> from lstmcore.data import Frequency
    >>> Frequency.parse("15min").words
    '15 minutes'
    >>> Frequency.find(np.array(["2024-01-31", "2024-02-29"], "datetime64[D]")).words
    'month'
    """

    unit: str
    count: int
    day: int = 0

    @classmethod
    def parse(cls, name: str) -> Frequency:
        """Return the frequency of a name of pandas, such as "h", "15min", "D", "B", "W-MON", "MS".

        Raises
        ------
        ValueError
            If there is none of that name.
        """
        match = re.fullmatch(r"(\d*)\s*([A-Za-z]+)(?:-([A-Za-z]{3}))?", str(name).strip())
        count, unit = (int(match[1] or 1), match[2]) if match else (0, "")
        unit = _OLD.get(unit, unit)
        anchored = match is not None and match[3] and unit[:1] not in ("W", "Q", "Y")
        if not count or anchored:
            unit = ""
        if unit == "B":
            return cls("B", count)
        if unit in _MONTHS:
            months, day = _MONTHS[unit]
            return cls("M", count * months, day)
        if unit in _STEPS:
            return cls("us", count * _STEPS[unit])
        known = ["h", "D", "B", "W", "MS", "ME", "QS", "QE", "YS", "YE", "min", "s"]
        hint = nearest(str(name), known)
        raise ValueError(
            f"freq: expected a step such as '15min', 'D' or 'MS', got {name!r}; {hint}"
        )

    @classmethod
    def find(cls, dates: np.ndarray) -> Frequency:
        """Return the frequency of dates, which may have gaps.

        Months, quarters and years are recognized by their first or last days (or any one day up
        to the 28th), working days by missing weekends; the step of all others is the most
        frequent one.

        Raises
        ------
        ValueError
            If there are fewer than two dates, or they do not increase.
        """
        dates = np.asarray(dates)
        if dates.ndim != 1 or len(dates) < 2:
            raise ValueError("dates: expected at least two, to see their step")
        fine = dates.astype("datetime64[us]")
        gaps = np.diff(fine).astype(np.int64)
        if (gaps <= 0).any():
            raise ValueError("dates: expected each later than the one before")
        step = _of_months(fine) or _of_working_days(fine) or cls("us", _most_frequent(gaps))
        if step.unit == "us" and step.misses(fine) is None:
            return _of_any_day_of_months(fine) or _of_unsteady_clock(fine, gaps) or step
        return step

    @property
    def words(self) -> str:
        """The step in words: "day", "3 months"."""
        count, word = self.count, {"B": "working day", "M": "month"}.get(self.unit, "")
        if self.unit == "M" and count in (3, 12):
            count, word = 1, {3: "quarter", 12: "year"}[count]
        if self.unit == "us":
            whole = [n for n in _WORDS if not count % (1000 * n)]
            size = 1000 * max(whole) if whole else 1
            count, word = count // size, _WORDS[size // 1000] if whole else "microsecond"
        return word if count == 1 else f"{count} {word}s"

    @property
    def each(self) -> str:
        """The step after "steps of": "one day", "3 months"."""
        return self.words if self.words[0].isdigit() else f"one {self.words}"

    @property
    def seasons(self) -> tuple[int, ...]:
        """Steps of the seasons that series of this frequency have, the most usual one first."""
        if self.unit == "M":
            return (12 // self.count,) if self.count < 12 and not 12 % self.count else ()
        if self.unit == "B":
            return (5,) if self.count == 1 else ()
        if self.count == DAY:
            return 365, 7
        if self.count == 7 * DAY:
            return (52,)
        in_a_day = 5 * MINUTE <= self.count <= 12 * HOUR and not DAY % self.count
        return (DAY // self.count,) if in_a_day else ()

    def numbers(self, dates: np.ndarray) -> np.ndarray:
        """Return how many steps each date is after the first; -1 for one between two steps."""
        if self.unit == "B":
            days = dates.astype("datetime64[D]")
            steps = np.busday_count(days[0], days)
            return np.where(np.is_busday(days) & (steps % self.count == 0), steps // self.count, -1)
        if self.unit == "M":
            months = dates.astype("datetime64[M]").astype(np.int64)
            steps = months - months[0]
            return np.where(steps % self.count == 0, steps // self.count, -1)
        fine = dates.astype("datetime64[us]").astype(np.int64)
        steps = (fine - fine[0]) / self.count
        near = np.round(steps)
        return np.where(np.abs(steps - near) <= TOLERANCE, near, -1).astype(np.int64)

    def misses(self, dates: np.ndarray) -> int | None:
        """Return how many steps lack a date; None if a date is not on the grid of the first."""
        numbers = self.numbers(dates)
        if (numbers < 0).any() or (np.diff(numbers) <= 0).any():
            return None
        return int(numbers[-1]) + 1 - len(dates)

    def at(self, first: np.datetime64, numbers: np.ndarray) -> np.ndarray:
        """Return the dates so many steps after the first, datetime64[us]."""
        fine = first.astype("datetime64[us]")
        if self.unit == "us":
            return np.asarray(fine + numbers * np.timedelta64(self.count, "us"))
        day = first.astype("datetime64[D]")
        time = fine - day
        if self.unit == "B":
            return np.asarray(np.busday_offset(day, numbers * self.count, roll="forward") + time)
        months = first.astype("datetime64[M]") + numbers * self.count
        if self.day == LAST:
            return np.asarray((months + 1).astype("datetime64[D]") - np.timedelta64(1, "D") + time)
        return np.asarray(months.astype("datetime64[D]") + np.timedelta64(self.day, "D") + time)

    def after(self, date: np.datetime64, count: int) -> np.ndarray:
        """Return the next dates, shape (count,), in the unit of `date`."""
        return self.at(date, np.arange(1, count + 1)).astype(date.dtype)


def _most_frequent(gaps: np.ndarray) -> int:
    steps, times = np.unique(gaps, return_counts=True)
    return int(steps[times.argmax()])


def _of_months(dates: np.ndarray) -> Frequency | None:
    """Return months if, gaps aside, all dates are a fixed number of months apart."""
    months, days = dates.astype("datetime64[M]"), dates.astype("datetime64[D]")
    gaps = np.unique(np.diff(months).astype(np.int64))
    day = (days - months.astype("datetime64[D]")).astype(np.int64)  # 0 on the first
    last = ((months + 1).astype("datetime64[D]") - days).astype(np.int64) == 1
    fixed = (day == day[0]).all() and day[0] < 28
    if gaps[0] < 1 or (gaps % gaps[0]).any() or not (fixed or last.all()):
        return None
    return Frequency("M", int(gaps[0]), int(day[0]) if fixed else LAST)


def _of_any_day_of_months(dates: np.ndarray) -> Frequency | None:
    """Return months if each has one date, such as its first day of trading."""
    gaps = np.diff(dates.astype("datetime64[M]")).astype(np.int64)
    count = _most_frequent(gaps)
    if count < 1 or (gaps % count).any() or (gaps < 1).any():
        return None
    day = dates.astype("datetime64[D]") - dates.astype("datetime64[M]").astype("datetime64[D]")
    return Frequency("M", count, LAST if day.astype(np.int64).mean() > 15 else 0)


def _of_unsteady_clock(dates: np.ndarray, gaps: np.ndarray) -> Frequency | None:
    """Return the round step near to the median one, if all dates are near to its grid."""
    middle = float(np.median(gaps))
    steps = [
        unit * n for unit in (SECOND, MINUTE, HOUR) for n in (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30)
    ]
    near = min([*steps, DAY, 7 * DAY], key=lambda step: abs(step / middle - 1))
    step = Frequency("us", near)
    return None if step.misses(dates) is None else step


def _of_working_days(dates: np.ndarray) -> Frequency | None:
    """Return working days if the dates have no weekends."""
    days = dates.astype("datetime64[D]")
    gaps = np.diff(days).astype(np.int64)
    over_weekend = np.busday_count(days[:-1], days[1:]) < gaps
    if not np.is_busday(days).all() or not over_weekend.any() or gaps.min() < 1:
        return None
    return Frequency("B", 1) if _most_frequent(gaps) == 1 else None


def future_dates(dates: np.ndarray, count: int) -> np.ndarray:
    """Continue a series of dates at its frequency; see `Frequency.find`.

    Parameters
    ----------
    dates : ndarray of datetime64, shape (n,)
        Strictly increasing, at least two.
    count : int
        The number of dates to return.

    Returns
    -------
    ndarray of datetime64, shape (count,)
        In the unit of `dates`.

    Raises
    ------
    ValueError
        If there are fewer than two dates, or they do not increase.

    Examples
    --------
    >>> import numpy as np
    >>> from lstmcore.data import future_dates
    >>> future_dates(np.array(["2023-11-30", "2023-12-31"], "datetime64[D]"), 2)
    array(['2024-01-31', '2024-02-29'], dtype='datetime64[D]')
    """
    dates = np.asarray(dates)
    return Frequency.find(dates).after(dates[-1], count)
