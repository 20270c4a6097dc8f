"""Dates in text: their forms, and what is no date."""

import numpy as np
import pytest

from lstmcore.data import stamps

FORMS = {
    "2024-01-31": (["2024-01-31", "2024/02/01"], "D"),
    "2024.01.31": (["2024.01.31", "2024.02.01"], "D"),
    "31/01/2024": (["31/01/2024", "01/02/2024"], "D"),
    "01/31/2024": (["01/31/2024", "02/01/2024"], "D"),
    "31.1.24": (["31.1.24", "1.2.24"], "D"),
    "31 Jan 2024": (["31 Jan 2024", "1 Feb 2024"], "D"),
    "31-Jan-24": (["31-Jan-24", "01-Feb-24"], "D"),
    "Jan 31 2024": (["Jan 31 2024", "Feb 1 2024"], "D"),
    "January 31st, 2024": (["January 31st, 2024", "February 1st, 2024"], "D"),
    "Wed, 31 Jan 2024": (["Wed, 31 Jan 2024", "Thursday, 1 February 2024"], "D"),
    "20240131": (["20240131", "20240201"], "D"),
}
PERIODS = {
    "M": ["2024-01", "2024/1", "01/2024", "Jan 2024", "Jan-24", "2024 January"],
    "Q": ["2024Q1", "2024-Q1", "Q1 2024", "q1/2024"],
    "Y": ["2024"],
}
TIMES = {
    "2024-01-31 00:00": "2024-01-31T00:00:00",
    "2024-01-31T12:34:56": "2024-01-31T12:34:56",
    "2024-01-31 12:34:56.25": "2024-01-31T12:34:56.250000",
    "01/31/2024 12:05 AM": "2024-01-31T00:05:00",
    "01/31/2024 12:05 pm": "2024-01-31T12:05:00",
    "01/31/2024 1:05 p.m.": "2024-01-31T13:05:00",
    "2024-01-30 24:00": "2024-01-31T00:00:00",
    "2024-01-31T10:00Z": "2024-01-31T10:00:00",
    "2024-01-31T10:00-0530": "2024-01-31T10:00:00",
    "1706695200": "2024-01-31T10:00:00",
    "1706695200000": "2024-01-31T10:00:00",
}


def read(fields, name="date"):
    return stamps.read(fields, stamps.form_of(fields[0], name))


@pytest.mark.parametrize(("fields", "unit"), FORMS.values(), ids=FORMS)
def test_days(fields, unit):
    found = read(fields)
    assert found.dates.astype("datetime64[D]").astype(str).tolist() == ["2024-01-31", "2024-02-01"]
    assert found.unit == unit
    assert [found.text(date) for date in found.dates] == ["2024-01-31", "2024-02-01"]


@pytest.mark.parametrize(("unit", "field"), [(u, f) for u, fs in PERIODS.items() for f in fs])
def test_periods(unit, field):
    found = read([field])
    assert str(found.dates[0]) == "2024-01-01T00:00:00"
    assert found.unit == unit
    assert found.text(found.dates[0]) == {"M": "2024-01", "Q": "2024Q1", "Y": "2024"}[unit]


def test_weeks():
    found = read(["2020-W53", "2021-W01"])
    assert found.dates.astype("datetime64[D]").astype(str).tolist() == ["2020-12-28", "2021-01-04"]
    assert [found.text(date) for date in found.dates] == ["2020-W53", "2021-W01"]
    assert str(read(["2021W017"]).dates[0])[:10] == "2021-01-10"


@pytest.mark.parametrize(("field", "date"), TIMES.items())
def test_times(field, date):
    found = read([field])
    assert str(found.dates[0]) == date
    assert found.unit == "s"


def test_offsets_are_kept_or_made_one():
    found = read(["2024-01-31T10:00-0530", "2024-01-31T11:00-05:30"])
    assert found.offset == "-05:30"
    assert found.text(found.dates[0]) == "2024-01-31T10:00:00-05:30"
    found = read(["2024-03-31T01:30+01:00", "2024-03-31T03:30+02:00"])
    assert [str(date) for date in found.dates] == ["2024-03-31T00:30:00", "2024-03-31T01:30:00"]
    assert found.offset == "+00:00"


@pytest.mark.parametrize(
    "field", ["", "soon", "12", "3.5", "2024.5", "-2024", "1e9", "10:30", "a-1", "1,234", "99/99"]
)
def test_what_is_no_date(field):
    assert stamps.form_of(field, "price") is None


@pytest.mark.parametrize(
    ("fields", "row", "message"),
    [
        (["2024-01-31", "2024-02-30"], 1, "'2024-02-30', no date: day is out of range"),
        (["2024-01-31", "Feb 1 2024"], 1, "'Feb 1 2024', not a date like 2024-01-31"),
        (["31/01/2024", "01/31/2024"], 1, "'01/31/2024', no date"),
        (["2024-01-31 13:00 PM"], 0, "no date: 13 Pm is no hour"),
        (["2024-01-31 25:00"], 0, "no date: hour must be in 0..23"),
        (["2024-W60"], 0, "no date: Invalid week"),
    ],
)
def test_wrong_dates_name_their_row(fields, row, message):
    with pytest.raises(stamps.StampError) as error:
        read(fields)
    assert error.value.row == row
    assert message in str(error.value)


def test_one_order_for_the_whole_column():
    rows = ["03/04/2024", "04/04/2024", "05/04/2024"]
    with pytest.raises(stamps.StampError, match="no row tells whether day or month"):
        read(rows[:2])
    assert np.diff(stamps.read(rows, "31/01/2024", "day-first").dates).astype(int).tolist() == [
        86400,
        86400,
    ]
    assert str(read([*rows, "13/04/2024"]).dates[0])[:10] == "2024-04-03"
