"""Panels from users' data: long, wide, dicts; frequencies, gaps, disorder."""

import numpy as np
import pytest

from lstmcore.data import DataError, Frequency
from lstmcore.forecasting.panels import steps
from lstmcore.forecasting.panels.reading import ahead, read


def long(dates, ids=("b", "a"), **more):
    dates = np.array(dates, "datetime64[D]")
    n = len(dates)
    table = {
        "unique_id": np.repeat(ids, n),
        "ds": np.tile(dates, len(ids)),
        "y": np.arange(n * len(ids), dtype=float),
    }
    return {**table, **more}


def days(first, count):
    return np.datetime64(first) + np.arange(count)


def months(first, count, end=False):
    found = np.datetime64(first, "M") + np.arange(count)
    if end:
        return (found + 1).astype("datetime64[D]") - 1
    return found.astype("datetime64[D]")


def test_ids_stand_in_the_order_of_their_appearance():
    panel = read(long(days("2024-01-01", 3)))
    assert panel.ids.tolist() == ["b", "a"]
    assert panel.starts.tolist() == [0, 3, 6]
    assert panel.y.tolist() == [0, 1, 2, 3, 4, 5]


def test_rows_in_any_order_make_the_same_panel():
    table = long(days("2024-01-01", 9))
    order = np.random.default_rng(3).permutation(18)
    panel, shuffled = read(table), read({name: column[order] for name, column in table.items()})
    both = [panel.select(["a", "b"]), shuffled.select(["a", "b"])]
    np.testing.assert_array_equal(both[0].y, both[1].y)
    np.testing.assert_array_equal(both[0].dates, both[1].dates)


def test_other_names_of_columns():
    table = long(days("2024-01-01", 3))
    renamed = {"shop": table["unique_id"], "day": table["ds"], "sold": table["y"]}
    assert read(renamed, ("shop", "day", "sold")).y.tolist() == [0, 1, 2, 3, 4, 5]
    with pytest.raises(DataError, match="no column 'day'"):
        read({"shop": [1], "days": [1], "sold": [1]}, ("shop", "day", "sold"))


def test_a_dict_of_series_of_any_length():
    panel = read({"x": [1.0, 2, 3], 7: np.array([4, 5])})
    assert panel.ids.tolist() == ["x", 7]
    assert panel.lengths.tolist() == [3, 2]
    assert panel.dates.tolist() == [0, 1, 2, 0, 1]
    with pytest.raises(DataError, match="'x' has shape"):
        read({"x": ["a", "b"]})


def test_pandas_long_and_wide():
    pandas = pytest.importorskip("pandas")
    index = pandas.date_range("2024-01-31", periods=4, freq="ME")
    wide = pandas.DataFrame({"a": [1.0, 2, 3, 4], "b": [np.nan, 6, 7, np.nan]}, index=index)
    panel = read(wide)
    assert panel.lengths.tolist() == [4, 2]
    assert panel.y.tolist() == [1, 2, 3, 4, 6, 7]
    assert panel.frequency == Frequency("M", 1, -1)
    table = pandas.DataFrame(long(days("2024-01-01", 3)))
    table["unique_id"] = table["unique_id"].astype("category")
    panel = read(table)
    assert (panel.form, panel.ids.tolist()) == ("pandas", ["b", "a"])
    table["ds"] = table["ds"].dt.tz_localize("Europe/Paris")
    with pytest.raises(DataError, match="time zone Europe/Paris"):
        read(table)


AHEAD = [
    (days("2024-02-27", 3), ["2024-03-01", "2024-03-02"], 7),
    (days("2024-01-01", 30)[::7], ["2024-02-05", "2024-02-12"], 52),
    (months("2023-10", 4, end=True), ["2024-02-29", "2024-03-31"], 12),
    (months("2023-10", 4), ["2024-02-01", "2024-03-01"], 12),
    (months("2022-01", 7)[::3], ["2022-10-01", "2023-01-01"], 4),
    (months("2019-12", 49, end=True)[::12], ["2024-12-31", "2025-12-31"], 1),
    (np.busday_offset("2024-03-01", np.arange(6), roll="forward"), ["2024-03-11", "2024-03-12"], 5),
]


@pytest.mark.parametrize(("dates", "want", "season"), AHEAD)
def test_frequency(dates, want, season):
    panel = read(long(dates))
    later = steps.after(panel.frequency, panel.last_dates, 2)
    assert later.astype("datetime64[D]").astype(str).tolist() == [want, want]
    assert steps.season(panel.frequency) == season


def test_hours_and_numbered_steps():
    hours = np.datetime64("2024-01-01T22") + np.arange(4)
    panel = read({"unique_id": np.repeat("a", 4), "ds": hours, "y": np.arange(4)})
    assert str(steps.after(panel.frequency, panel.last_dates, 1)[0, 0]) == "2024-01-02T02:00:00"
    assert steps.season(panel.frequency) == 24
    panel = read({"unique_id": [1, 1, 2, 2], "ds": [5, 7, 5, 7], "y": [0, 1, 2, 3]})
    assert steps.after(panel.frequency, panel.last_dates, 2).tolist() == [[9, 11], [9, 11]]


def test_a_frequency_that_is_given():
    dates = days("2024-01-01", 2).astype("datetime64[s]")
    assert steps.parse("15min", dates) == Frequency("us", 900_000_000)
    assert steps.parse(3, np.arange(4)) == 3
    for wrong, given in ((3, dates), (Frequency.parse("D"), np.arange(4))):
        with pytest.raises(DataError, match="its frequency is of"):
            steps.parse(wrong, given)
    with pytest.raises(ValueError, match="expected a whole number, got 'D'"):
        steps.parse("D", np.arange(4))


def test_most_series_tell_the_frequency():
    daily = long(days("2024-01-01", 9))
    odd = {"unique_id": ["c"] * 2, "ds": days("2024-01-01", 8)[::7], "y": [1.0, 2]}
    table = {name: np.concatenate([odd[name], daily[name]]) for name in daily}
    assert read(table, fill="forward").frequency == Frequency.parse("D")


def test_a_change_of_the_clock_is_no_gap():
    dates = days("2024-03-29", 5).astype("datetime64[h]")
    dates[3:] -= 1
    assert read({"unique_id": ["a"] * 5, "ds": dates, "y": np.arange(5.0)}).lengths.tolist() == [5]


def test_gaps_are_named_and_filled():
    dates = np.delete(days("2024-01-01", 8), [3, 4])
    table = long(dates)
    with pytest.raises(DataError, match="missing before unique_id b at 2024-01-06"):
        read(table)
    filled = {fill: read(table, fill=fill) for fill in ("forward", "interpolate", "zero", "mask")}
    for panel in filled.values():
        np.testing.assert_array_equal(
            panel.dates.astype("datetime64[D]")[:8], days("2024-01-01", 8)
        )
        assert panel.lengths.tolist() == [8, 8]
    assert filled["forward"].y[:8].tolist() == [0, 1, 2, 2, 2, 3, 4, 5]
    np.testing.assert_allclose(filled["interpolate"].y[8:], [6, 7, 8, 25 / 3, 26 / 3, 9, 10, 11])
    assert filled["zero"].y[:8].tolist() == [0, 1, 2, 0, 0, 3, 4, 5]
    assert np.isnan(filled["mask"].y).nonzero()[0].tolist() == [3, 4, 11, 12]


def test_missing_values():
    table = long(days("2024-01-01", 3))
    table["y"][4] = np.nan
    with pytest.raises(DataError, match="no finite value for unique_id a at 2024-01-02"):
        read(table)
    assert read(table, fill="forward").y.tolist() == [0, 1, 2, 3, 3, 5]
    with pytest.raises(ValueError, match="fill: expected"):
        read(table, fill="previous")


def test_a_series_without_values():
    table = long(days("2024-01-01", 3))
    table["y"][3:] = np.nan
    with pytest.raises(DataError, match="unique_id a has no values at all"):
        read(table, fill="mask")


def test_duplicates_and_odd_steps():
    table = long(days("2024-01-01", 3))
    table["ds"][5] = table["ds"][4]
    with pytest.raises(DataError, match="unique_id a at 2024-01-02 has several rows"):
        read(table)
    hours = long(days("2024-01-01", 4))
    hours["ds"] = hours["ds"].astype("datetime64[s]")
    hours["ds"][3] -= np.timedelta64(5, "h")
    with pytest.raises(DataError, match="by whole steps of one day"):
        read(hours)


@pytest.mark.parametrize("none", [None, np.nan])
def test_rows_without_an_id(none):
    table = long(days("2024-01-01", 3))
    table["unique_id"] = np.array(["b", "b", "b", "a", none, "a"], object)
    with pytest.raises(DataError, match="'unique_id': row 4 has no id"):
        read(table)


def test_static_columns():
    table = long(days("2024-01-01", 3), kind=np.array(list("xxxyyy")))
    assert read(table, static_names=["kind"]).static["kind"].tolist() == ["x", "y"]
    rows = {"unique_id": ["a", "b"], "size": [1.0, 2.0]}
    panel = read(table, static=rows, static_names=["size"])
    assert panel.static["size"].tolist() == [2, 1]
    none = {**table, "kind": np.array([None] * 3 + ["y"] * 3, object)}
    with pytest.raises(DataError, match="'kind': unique_id b has no value"):
        read(none, static_names=["kind"])
    table["kind"][1] = "z"
    with pytest.raises(DataError, match=r"'kind': unique_id b has x and z"):
        read(table, static_names=["kind"])
    with pytest.raises(DataError, match="no row of unique_id 'b'"):
        read(table, static={"unique_id": ["a"], "size": [1]}, static_names=["size"])


def test_columns_ahead_are_matched_by_id_and_date():
    panel = read(long(days("2024-01-01", 3)))
    later = long(days("2024-01-03", 3), ids=("a", "b", "c"), price=np.arange(9.0))
    found = ahead(later, panel, 2, ["price"])["price"]
    assert found.tolist() == [[4, 5], [1, 2]]  # series b, then a
    short = {name: column[:-4] for name, column in later.items()}
    with pytest.raises(DataError, match="price has no value for unique_id b at 2024-01-05"):
        ahead(short, panel, 2, ["price"])


def test_taking_series_and_last_steps():
    panel = read(long(days("2024-01-01", 4)))
    part = panel.take(np.array([1, 0]), stops=np.array([3, 1]), last=2)
    assert part.y.tolist() == [5, 6, 0]
    assert part.ids.tolist() == ["a", "b"]
    with pytest.raises(DataError, match="no series 'c'"):
        panel.select(["c"])
