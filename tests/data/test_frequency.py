"""The step of dates: found, named, continued."""

import numpy as np
import pytest

from lstmcore.data import Frequency, future_dates


@pytest.mark.parametrize(
    ("dates", "ahead"),
    [
        (["2024-01-01", "2024-01-02"], ["2024-01-03", "2024-01-04"]),
        (["2024-01-31", "2024-02-29", "2024-03-31"], ["2024-04-30", "2024-05-31"]),
        (["2023-10-15", "2023-11-15", "2023-12-15"], ["2024-01-15", "2024-02-15"]),
        (["2023-01-01", "2023-04-01", "2023-07-01"], ["2023-10-01", "2024-01-01"]),
        (["2022-12-31", "2023-12-31"], ["2024-12-31", "2025-12-31"]),
        (["2024-01-01", "2024-01-08", "2024-01-22"], ["2024-01-29", "2024-02-05"]),
        (
            ["2024-01-03", "2024-01-04", "2024-01-05", "2024-01-08", "2024-01-09"],
            ["2024-01-10", "2024-01-11"],
        ),
        (
            ["2024-01-02", "2024-01-03", "2024-01-04", "2024-01-05", "2024-01-08", "2024-01-12"],
            ["2024-01-15", "2024-01-16"],
        ),
    ],
)
def test_dates_are_continued(dates, ahead):
    found = future_dates(np.array(dates, "datetime64[D]"), 2)
    assert found.astype(str).tolist() == ahead
    times = np.array(dates, "datetime64[s]") + np.timedelta64(6, "h")
    assert future_dates(times, 2).astype(str).tolist() == [f"{day}T06:00:00" for day in ahead]


def test_hours_are_continued_and_disorder_is_refused():
    quarters = np.datetime64("2023-01", "M") + 3 * np.arange(4)
    assert future_dates(quarters, 2).astype(str).tolist() == ["2024-01", "2024-04"]
    hours = np.datetime64("2024-02-28T22", "h") + np.arange(3)
    assert future_dates(hours, 1).astype(str).tolist() == ["2024-02-29T01"]
    for dates in (hours[:1], hours[::-1]):
        with pytest.raises(ValueError, match="dates: expected"):
            future_dates(dates, 1)


@pytest.mark.parametrize(
    ("name", "first", "ahead", "words"),
    [
        ("h", "2024-02-28T23", ["2024-02-29T00", "2024-02-29T01"], "hour"),
        ("15min", "2024-01-01T23:45", ["2024-01-02T00:00", "2024-01-02T00:15"], "15 minutes"),
        ("B", "2024-01-05", ["2024-01-08", "2024-01-09"], "working day"),
        ("W-MON", "2024-01-01", ["2024-01-08", "2024-01-15"], "week"),
        ("2W", "2024-01-01", ["2024-01-15", "2024-01-29"], "2 weeks"),
        ("MS", "2024-11-01", ["2024-12-01", "2025-01-01"], "month"),
        ("ME", "2024-01-31", ["2024-02-29", "2024-03-31"], "month"),
        ("QS-OCT", "2023-10-01", ["2024-01-01", "2024-04-01"], "quarter"),
        ("2M", "2024-01-31", ["2024-03-31", "2024-05-31"], "2 months"),
        ("A", "2023-12-31", ["2024-12-31", "2025-12-31"], "year"),
    ],
)
def test_names_of_frequencies(name, first, ahead, words):
    step = Frequency.parse(name)
    date = np.datetime64(first)
    assert step.after(date, 2).tolist() == np.array(ahead, date.dtype).tolist()
    assert step.words == words
    assert step.numbers(np.append(date, step.after(date, 3))).tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("name", ["", "x", "0D", "D-MON", "1.5h", "-h"])
def test_unknown_frequencies_are_refused(name):
    with pytest.raises(ValueError, match="freq: expected a step such as '15min', 'D' or 'MS'"):
        Frequency.parse(name)


@pytest.mark.parametrize(
    ("name", "seasons"),
    {
        "h": (24,),
        "30min": (48,),
        "D": (365, 7),
        "B": (5,),
        "W": (52,),
        "MS": (12,),
        "QE": (4,),
    }.items(),
)
def test_seasons(name, seasons):
    assert Frequency.parse(name).seasons == seasons


@pytest.mark.parametrize("name", ["YS", "7min", "s", "2D", "5MS"])
def test_no_season(name):
    assert not Frequency.parse(name).seasons


def test_dates_between_steps_have_no_number():
    days = np.datetime64("2024-01-01T00", "h") + 24 * np.arange(4)
    days[2] += 1  # summer time begins
    assert Frequency.parse("D").numbers(days).tolist() == [0, 1, 2, 3]
    days[2] += 5
    assert Frequency.parse("D").numbers(days).tolist() == [0, 1, -1, 3]
    saturday = np.array(["2024-01-05", "2024-01-06"], "datetime64[D]")
    assert Frequency.parse("B").numbers(saturday).tolist() == [0, -1]


def test_the_first_day_of_trading_is_of_its_month():
    dates = np.array(["2024-01-02", "2024-02-01", "2024-03-01", "2024-05-01"], "datetime64[D]")
    assert Frequency.find(dates).words == "month"
    assert future_dates(dates, 1).astype(str).tolist() == ["2024-06-01"]


def test_an_unsteady_clock_has_a_round_step():
    late = np.random.default_rng(0).integers(-9, 10, 50)
    dates = np.datetime64("2024-01-01T00:00:00") + 600 * np.arange(50) + late
    assert Frequency.find(dates).words == "10 minutes"
    irregular = dates + 200 * (np.arange(50) % 2)
    assert Frequency.find(irregular).misses(irregular) is None
