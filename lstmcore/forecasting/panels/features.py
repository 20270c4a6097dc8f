"""Features of dates: the calendar, and public holidays."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from ...data import frequency as frequencies
from ...names import nearest
from .steps import Step

Array = np.ndarray
DAY = 86400  # seconds
# What repeats: how far a date is in it, from 0 to 1, as sine and cosine of one and two waves.
CALENDAR = ("hour", "weekday", "monthday", "yearday", "month")
WAVES = 2


def resolve(given: Any, frequency: Step, years: float) -> tuple[str, ...]:
    """Return the names of the calendar's features.

    Parameters
    ----------
    given : bool or sequence of str
        True for those that vary at this frequency; of those of the year, what two years show.
    frequency : Frequency or int
    years : float
        The time between the first and the last date.
    """
    if given is False or given is None:
        return ()
    if isinstance(frequency, int):
        raise ValueError("calendar: the steps are numbered and have no dates")
    if given is True:
        if frequency.unit == "M":
            return ("month",) if frequency.count < 12 and years >= 2 else ()
        short = frequency.unit == "us" and frequency.count < frequencies.DAY
        weekly = frequency.unit == "us" and frequency.count % (7 * frequencies.DAY) == 0
        return ("hour",) * short + ("weekday",) * (not weekly) + ("yearday",) * (years >= 2)
    names = (given,) if isinstance(given, str) else tuple(given)
    for name in names:
        if name not in CALENDAR:
            raise ValueError(
                f"calendar: expected True, False or some of {CALENDAR}, got {name!r}; "
                f"{nearest(str(name), CALENDAR)}"
            )
    return names


def width(calendar: Sequence[str], holidays: str | None) -> int:
    """Return the number of columns that `of_dates` makes."""
    return 2 * WAVES * len(calendar) + (holidays is not None)


def of_dates(dates: Array, calendar: Sequence[str], holidays: str | None) -> Array:
    """Return the features of dates, (..., columns)."""
    columns = []
    for name in calendar:
        phase = 2 * np.pi * _position(dates, name)
        columns += [wave(k * phase) for k in range(1, WAVES + 1) for wave in (np.sin, np.cos)]
    if holidays is not None:
        columns.append(is_holiday(dates, holidays))
    if not columns:
        return np.empty((*dates.shape, 0))
    return np.stack(columns, axis=-1)


def _position(dates: Array, name: str) -> Array:
    """Return how far dates are in the day, week, month or year, from 0 to 1."""
    days = dates.astype("datetime64[D]")
    if name == "hour":
        return np.asarray((dates - days).astype(float) / DAY)
    if name == "weekday":  # 1970-01-01 was a Thursday
        return np.asarray((days.astype(np.int64) + 3) % 7 / 7)
    months = dates.astype("datetime64[M]")
    if name == "month":
        return np.asarray(months.astype(np.int64) % 12 / 12)
    if name == "monthday":
        return np.asarray((days - months.astype("datetime64[D]")).astype(float) / 31)
    years = dates.astype("datetime64[Y]").astype("datetime64[D]")
    return np.asarray((days - years).astype(float) / 365.2425)


def is_holiday(dates: Array, country: str) -> Array:
    """Return 1.0 for public holidays and 0.0 for other days.

    Parameters
    ----------
    dates : ndarray of datetime64
    country : str
        A code of two letters such as "US", or of a part of one: "US-CA". It needs the package
        ``holidays``.
    """
    days = dates.astype("datetime64[D]")
    first, last = (int(str(d.astype("datetime64[Y]"))) for d in (days.min(), days.max()))
    return np.isin(days, holidays_of(country, first, last)).astype(np.float64)


def check_holidays(country: str, frequency: Step) -> None:
    """Raise ValueError if a country is not known, or steps have no dates."""
    if isinstance(frequency, int):
        raise ValueError("holidays: the steps are numbered and have no dates")
    holidays_of(country, 2024, 2024)


@lru_cache(maxsize=64)
def holidays_of(country: str, first: int, last: int) -> Array:
    """Return the public holidays of a country from one year to another."""
    try:
        import holidays
    except ImportError:
        raise ImportError(
            "holidays: needs the package holidays: pip install lstmcore[panels]"
        ) from None
    code, _, part = country.partition("-")
    years = range(first, last + 1)
    try:
        found = holidays.country_holidays(code, subdiv=part or None, years=years)
    except NotImplementedError as error:
        raise ValueError(f"holidays: {country!r}: {error}") from None
    return np.array(sorted(found), "datetime64[D]")
