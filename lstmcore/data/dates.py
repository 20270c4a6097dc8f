"""Continuation of a series of dates."""

from __future__ import annotations

import numpy as np

DAY = np.timedelta64(1, "D")


def future_dates(dates: np.ndarray, count: int) -> np.ndarray:
    """Continue a series of dates at its frequency.

    Months, quarters and years are recognized by their first or last days (or any one day up to
    the 28th), working days by missing weekends; all other dates continue by their most frequent
    step.

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
    if dates.ndim != 1 or len(dates) < 2:
        raise ValueError("dates: expected at least two, to see their step")
    kind = dates.dtype
    if np.datetime_data(kind)[0] in ("Y", "M"):  # these units have no fixed length in days
        dates = dates.astype("datetime64[D]")
    gaps = np.diff(dates)
    if (gaps.astype(int) <= 0).any():
        raise ValueError("dates: expected each later than the one before")
    later = _months(dates, count)
    if later is None:
        later = _working_days(dates, count)
    if later is None:
        steps, times = np.unique(gaps, return_counts=True)
        later = dates[-1] + np.arange(1, count + 1) * steps[times.argmax()]
    return later.astype(kind)


def _months(dates: np.ndarray, count: int) -> np.ndarray | None:
    """Continue by months if, gaps aside, all dates are a fixed number of months apart."""
    months = dates.astype("datetime64[M]")
    gaps = np.unique(np.diff(months).astype(int))
    days = dates.astype("datetime64[D]")
    day_of_month = (days - months.astype("datetime64[D]")).astype(int)  # 0 on the first
    last = ((months + 1).astype("datetime64[D]") - days).astype(int) == 1
    fixed = (day_of_month == day_of_month[0]).all() and day_of_month[0] < 28
    if gaps[0] < 1 or (gaps % gaps[0]).any() or not (fixed or last.all()):
        return None
    later = months[-1] + np.arange(1, count + 1) * gaps[0]
    first = later.astype("datetime64[D]")
    time = dates[-1] - days[-1]
    if fixed:
        return np.asarray(first + day_of_month[0] * DAY + time)
    return np.asarray((later + 1).astype("datetime64[D]") - DAY + time)


def _working_days(dates: np.ndarray, count: int) -> np.ndarray | None:
    """Continue from Monday to Friday if the dates have no weekends."""
    days = dates.astype("datetime64[D]")
    gaps = np.diff(days).astype(int)
    if not np.is_busday(days).all() or gaps.max() < 3 or np.bincount(gaps).argmax() != 1:
        return None
    later = np.busday_offset(days[-1], np.arange(1, count + 1))
    return np.asarray(later + (dates[-1] - days[-1]))
