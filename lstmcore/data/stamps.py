"""Dates in text: one form for a whole column, found among the common ones."""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .frequency import Frequency

ORDERS = DAY_FIRST, MONTH_FIRST = "day-first", "month-first"
MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
NAMES = re.compile(r"date|datetime|time_?stamp|stamp|ds|ts|epoch|unix\w*", re.IGNORECASE)
COUNTERS = re.compile(r"time|day|week|month|quarter|year|period|index|t|", re.IGNORECASE)

_WEEKDAY = r"(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,?\s+)?"
_TIME = (
    r"(?:(?:T|\s+|,\s*)(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d)(?P<part>[.,]\d+)?)?"
    r"(?:\s*(?P<half>[ap])\.?m\.?)?)?\s*(?P<zone>Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)?"
)
_MONTH = r"(?P<name>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_YEAR = r"(?P<year>\d{4}|\d\d)"
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"

# Form -> (pattern of the date, what a field without a time of day names).
_FORMS = {
    "2024-01-31": (r"(?P<year>\d{4})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})", "D"),
    "31/01/2024": (r"(?P<first>\d{1,2})(?P<mark>[-/. ])(?P<second_>\d{1,2})(?P=mark)" + _YEAR, "D"),
    "31 Jan 2024": (_DAY + r"[-/. ]*" + _MONTH + r",?[-/ ]*" + _YEAR, "D"),
    "Jan 31 2024": (_MONTH + r"[-/ ]*" + _DAY + r"(?:,|[-/ ])[-/ ]*" + _YEAR, "D"),
    "2024-01": (r"(?P<year>\d{4})[-/](?P<month>\d{1,2})", "M"),
    "01/2024": (r"(?P<month>\d{1,2})[-/](?P<year>\d{4})", "M"),
    "Jan 2024": (_MONTH + r"[-/, ]*" + _YEAR, "M"),
    "2024 Jan": (r"(?P<year>\d{4})[-/ ]*" + _MONTH, "M"),
    "2024Q1": (r"(?P<year>\d{4})[-/: ]?Q(?P<quarter>[1-4])", "Q"),
    "Q1 2024": (r"Q(?P<quarter>[1-4])[-/ ]?(?P<year>\d{4})", "Q"),
    "2024-W05": (r"(?P<year>\d{4})[- ]?W(?P<week>\d\d)(?:-?(?P<weekday>[1-7]))?", "W"),
}
# Bare numbers, which are dates only where the column's name or the other rows say so.
_NUMBERS = {
    "20240131": (r"(?P<year>\d{4})(?P<month>\d\d)(?P<day>\d\d)", "D"),
    "2024": (r"(?P<year>1[5-9]\d\d|2[01]\d\d)(?:\.0)?", "Y"),
}
_EPOCH = re.compile(r"(\d{9,10}|\d{12,13})(?:\.\d+)?")


def _compiled(forms: dict[str, tuple[str, str]]) -> dict[str, tuple[re.Pattern[str], str]]:
    return {
        name: (re.compile(_WEEKDAY + date + _TIME, re.IGNORECASE), unit)
        for name, (date, unit) in forms.items()
    }


FORMS, NUMBERS = _compiled(_FORMS), _compiled(_NUMBERS)
EXAMPLES = "2024-01-31, 31/01/2024, Jan 31 2024, 2024-01, 2024Q1 or 2024-W05"


class StampError(ValueError):
    """Text that is no date; `row` is its number, or None where all rows are meant."""

    def __init__(self, message: str, row: int | None = None) -> None:
        super().__init__(message)
        self.row = row


@dataclass(frozen=True)
class Stamps:
    """Dates read from text, and how to write more of them.

    Parameters
    ----------
    dates : ndarray of datetime64[s] or [us], shape (n,)
        Local times where all rows have the same offset from UTC, or none; otherwise UTC.
    unit : {"s", "D", "W", "M", "Q", "Y"}
        What a field names: a time of day, a day, or a period by its first day.
    offset : str, default ""
        Offset from UTC, such as "+01:00", of all rows.
    """

    dates: np.ndarray
    unit: str = "D"
    offset: str = ""

    def text(self, date: np.datetime64) -> str:
        """Return a date in the form of these, in ISO order."""
        return write(date, self.unit, self.offset)


def write(date: np.datetime64, unit: str = "D", offset: str = "") -> str:
    """Return a date as text: 2024-01-31, 2024-01, 2024Q1, 2024-W05, 2024, or with a time of day."""
    if unit in ("M", "Y"):
        return str(date.astype(f"datetime64[{unit}]"))
    if unit == "Q":
        month = int(date.astype("datetime64[M]").astype(int)) % 12
        return f"{date.astype('datetime64[Y]')}Q{month // 3 + 1}"
    if unit == "W":
        year, week, _ = date.astype("datetime64[D]").astype(datetime.date).isocalendar()
        return f"{year}-W{week:02d}"
    fine = date.astype("datetime64[us]")
    text = str(date.astype("datetime64[s]") if fine == date.astype("datetime64[s]") else fine)
    return text + offset if unit == "s" and offset else text.removesuffix("T00:00:00")


def form_of(field: str, name: str = "", number: bool = False) -> str | None:
    """Return the form in which a field is a date, or None.

    Parameters
    ----------
    field : str
    name : str, default ""
        The column's name: a bare number is a date where it says so.
    number : bool, default False
        True to take bare numbers of 8 digits whatever the name.
    """
    text = field.strip()
    for form, (pattern, _) in FORMS.items():
        if pattern.fullmatch(text):
            return form
    named = bool(NAMES.fullmatch(name) or COUNTERS.fullmatch(name))
    for form, (pattern, _) in NUMBERS.items():
        if (named or (number and form != "2024")) and pattern.fullmatch(text):
            return form
    return "epoch" if NAMES.fullmatch(name) and _EPOCH.fullmatch(text) else None


def read(fields: Sequence[str], form: str, order: str | None = None) -> Stamps:
    """Read dates that all have one form.

    Parameters
    ----------
    fields : sequence of str
    form : str
        As `form_of` returns it.
    order : {"day-first", "month-first"}, optional
        The order of numbers such as 01/02/2024. By default the one in which all rows are dates
        that increase, or the one without gaps.

    Raises
    ------
    StampError
        If a field has another form or is no date of the calendar; or if the order of day and month
        cannot be told.
    """
    if form == "epoch":
        return _epochs(fields)
    pattern, unit = {**FORMS, **NUMBERS}[form]
    found = []
    for row, field in enumerate(fields):
        match = pattern.fullmatch(field.strip())
        if match is None:
            raise StampError(f"holds {field[:40]!r}, not a date like {form}", row)
        found.append(match.groupdict())
    if form == "31/01/2024":
        _set_order(fields, found, order)
    return _stamps(fields, found, unit)


def _set_order(fields: Sequence[str], found: list[dict[str, str]], order: str | None) -> None:
    """Set day and month of dates in numbers."""
    if order is None and found[0]["mark"] == ".":
        order = DAY_FIRST  # nobody writes 12.31.2024
    orders, errors = {}, []
    for given in ORDERS if order is None else (order,):
        day, month = ("first", "second_") if given == DAY_FIRST else ("second_", "first")
        for parts in found:
            parts["day"], parts["month"] = parts[day], parts[month]
        try:
            orders[given] = _stamps(fields, found, "D").dates
        except StampError as error:
            errors.append(error)
    if not orders:
        raise max(errors, key=lambda error: error.row or 0)
    rising = [o for o, dates in orders.items() if (np.diff(dates).astype(int) > 0).all()]
    whole = [
        o for o in rising if len(fields) > 2 and Frequency.find(orders[o]).misses(orders[o]) == 0
    ]
    told = whole if len(whole) == 1 else rising or list(orders)
    if len(told) > 1:
        raise StampError(
            f"holds {fields[0][:40]!r}, and no row tells whether day or month comes first; "
            f"say dates={DAY_FIRST} or dates={MONTH_FIRST}"
        )
    day, month = ("first", "second_") if told[0] == DAY_FIRST else ("second_", "first")
    for parts in found:
        parts["day"], parts["month"] = parts[day], parts[month]


def _stamps(fields: Sequence[str], found: list[dict[str, str]], unit: str) -> Stamps:
    """Return the dates of parsed fields."""
    dates, zones = [], []
    for row, parts in enumerate(found):
        try:
            dates.append(_date(parts))
        except ValueError as error:
            raise StampError(f"holds {fields[row][:40]!r}, no date: {error}", row) from None
        zones.append(_minutes(parts.get("zone")))
        if (zones[row] is None) != (zones[0] is None):
            raise StampError(
                f"holds {fields[row][:40]!r}: some rows have a time zone, some none", row
            )
    timed = any(parts.get("hour") for parts in found)
    fine = any(date.microsecond for date in dates)
    array = np.array(dates, "datetime64[us]" if fine else "datetime64[s]")
    minutes = [zone for zone in zones if zone is not None]
    if len(set(minutes)) > 1:  # with summer time only UTC has steps of one length
        array = array - 60 * np.array(minutes).astype("timedelta64[s]")
        minutes = [0]
    return Stamps(array, "s" if timed else unit, _offset(minutes[0]) if minutes else "")


def _date(parts: dict[str, str]) -> datetime.datetime:
    """Return the date of a match's groups; raise ValueError if the calendar has none."""
    year = int(parts["year"])
    if len(parts["year"]) == 2:
        year += 1900 if year >= 69 else 2000  # as POSIX has it
    if parts.get("week"):
        weekday = int(parts.get("weekday") or 1)
        day = datetime.date.fromisocalendar(year, int(parts["week"]), weekday)
        return datetime.datetime(day.year, day.month, day.day)
    month = int(parts.get("month") or 1)
    if parts.get("quarter"):
        month = 3 * int(parts["quarter"]) - 2
    if parts.get("name"):
        month = MONTHS.index(parts["name"].lower()) + 1
    date = datetime.datetime(year, month, int(parts.get("day") or 1))
    if not parts.get("hour"):
        return date
    hour = int(parts["hour"])
    if parts.get("half"):
        if not 1 <= hour <= 12:
            raise ValueError(f"{hour} {parts['half']}m is no hour")
        hour = hour % 12 + 12 * (parts["half"].lower() == "p")
    if hour == 24 and not int(parts["minute"]):  # the end of the day
        return date + datetime.timedelta(days=1)
    microsecond = round(float("0" + parts["part"].replace(",", ".")) * 1e6) if parts["part"] else 0
    second = int(parts["second"] or 0)
    return date.replace(
        hour=hour, minute=int(parts["minute"]), second=second, microsecond=microsecond
    )


def _minutes(zone: str | None) -> int | None:
    """Return an offset from UTC in minutes."""
    if not zone:
        return None
    if zone[0] not in "+-":
        return 0
    digits = zone[1:].replace(":", "").ljust(4, "0")
    return (-1 if zone[0] == "-" else 1) * (60 * int(digits[:2]) + int(digits[2:]))


def _offset(minutes: int) -> str:
    hours, rest = divmod(abs(minutes), 60)
    return f"{'-' if minutes < 0 else '+'}{hours:02d}:{rest:02d}"


def _epochs(fields: Sequence[str]) -> Stamps:
    """Read seconds or milliseconds since 1970."""
    for row, field in enumerate(fields):
        if not _EPOCH.fullmatch(field.strip()):
            raise StampError(f"holds {field[:40]!r}, not seconds since 1970", row)
    numbers = np.array([float(field) for field in fields])
    seconds = numbers / 1000 if numbers[0] > 1e11 else numbers
    micro = np.round(seconds * 1e6).astype("datetime64[us]")
    whole = micro.astype("datetime64[s]")
    return Stamps(whole if (whole == micro).all() else micro, "s", "+00:00")
