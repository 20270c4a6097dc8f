"""Dates that go on behind the last."""

import numpy as np
import pytest

from lstmcore.data import (
    future_dates,
)


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
