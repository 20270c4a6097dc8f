"""Series in, arrays out: reading CSV, windows, scaling, seasons, baselines, the bundled data."""

import numpy as np
import pytest

from lstmcore.data import (
    DataError,
    SeasonalCurve,
    Standardizer,
    future_dates,
    held_out,
    persistence,
    read_columns,
    read_series,
    rmse_per_horizon,
    seasonal_curve,
    seasonal_naive,
    sliding_windows,
    windows_at,
)
from lstmcore.datasets import load_seattle_weather

# --- the bundled weather ------------------------------------------------------------------------


def test_seattle_weather_is_whole():
    dates, columns = load_seattle_weather()
    assert dates.dtype == "datetime64[D]"
    assert list(columns) == ["precipitation", "temp_max", "temp_min", "wind"]
    assert (str(dates[0]), str(dates[-1]), len(dates)) == ("2012-01-01", "2015-12-31", 1461)
    assert (np.diff(dates) == np.timedelta64(1, "D")).all()
    for values in columns.values():
        assert values.dtype == np.float64
        assert values.shape == (1461,)
    assert columns["temp_max"][:3].tolist() == [12.8, 10.6, 11.7]
    # Checksums of the published figures, so that no edit of the file goes unseen.
    sums = {name: round(float(values.sum()), 1) for name, values in columns.items()}
    assert sums == {
        "precipitation": 4426.0,
        "temp_max": 24017.5,
        "temp_min": 12031.0,
        "wind": 4735.3,
    }
    assert (columns["temp_min"] < columns["temp_max"]).all()


def test_each_load_is_fresh():
    load_seattle_weather()[1]["wind"][:] = -1
    assert load_seattle_weather()[1]["wind"].min() > 0


# --- windows ------------------------------------------------------------------------------------


def test_windows_are_the_values_and_what_follows():
    x, y = sliding_windows(np.arange(10), 3, 2)
    assert x.tolist() == [[i, i + 1, i + 2] for i in range(6)]
    assert y.tolist() == [[i + 3, i + 4] for i in range(6)]
    assert np.shares_memory(x, y)  # views, not copies


@pytest.mark.parametrize("split", [5, 6, 8])
def test_a_split_parts_the_targets(split):
    values = np.arange(12)
    _, train = sliding_windows(values, 3, 2, stop=split)
    x, test = sliding_windows(values, 3, 2, start=split)
    assert train.max() == split - 1  # nothing of the held-out part is seen
    assert test[:, 0].tolist() == list(range(split, 11))  # each day of it is forecast
    assert x[0].tolist() == [split - 3, split - 2, split - 1]  # inputs may reach back


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"window": 0, "horizon": 1}, "at least 1"),
        ({"window": 9, "horizon": 2}, "no window of 9 \\+ 2"),
        ({"window": 2, "horizon": 3, "start": 8}, "no window"),
        ({"window": 2, "horizon": 2, "stop": 11}, "no part of 10"),
    ],
)
def test_windows_that_do_not_fit(kwargs, message):
    with pytest.raises(ValueError, match=message):
        sliding_windows(np.arange(10), **kwargs)


def test_windows_want_one_dimension():
    with pytest.raises(ValueError, match=r"shape \(5, 2\)"):
        sliding_windows(np.zeros((5, 2)), 2, 1)


# --- scaling and seasons ------------------------------------------------------------------------


def test_standardizer_inverts():
    values = np.random.default_rng(0).normal(1e6, 3, 200)
    scale = Standardizer.fit(values)
    scaled = scale.transform(values)
    assert abs(scaled.mean()) < 1e-9
    assert abs(scaled.std() - 1) < 1e-9
    np.testing.assert_allclose(scale.inverse(scaled), values, rtol=1e-14)


@pytest.mark.parametrize("values", [[], [1.0, np.nan], [0.1] * 30, [0.0, 0.0], [1e9 / 3] * 1000])
def test_standardizer_refuses_what_has_no_scale(values):
    with pytest.raises(ValueError, match="Standardizer: values"):
        Standardizer.fit(np.array(values))


@pytest.mark.parametrize("season", [2, 7, 12, 52])
def test_season_is_found_beside_a_trend_and_continued(season):
    time = np.arange(6 * season + 5)
    wave = 3 * np.cos(2 * np.pi * time / season) - (np.sin(4 * np.pi * time / season))
    values = (100 + 0.25 * time + wave)[: 5 * season]
    curve = seasonal_curve(values, season, len(time))
    np.testing.assert_allclose(curve, wave, atol=1e-9)


def test_a_season_of_365_keeps_to_the_calendar():
    dates, columns = load_seattle_weather()
    curve = seasonal_curve(columns["temp_max"], 365, 20 * 365)
    late = dates[0] + np.timedelta64(int(curve[-365:].argmax()) + 19 * 365, "D")
    assert str(late)[5:7] in ("07", "08")  # warmest in summer still, twenty years on


@pytest.mark.parametrize("season", [1, 51])
def test_season_must_fit_the_series(season):
    with pytest.raises(ValueError, match="expected 2 to 50 steps"):
        seasonal_curve(np.arange(50.0), season, 60)


# --- baselines ----------------------------------------------------------------------------------


@pytest.mark.parametrize("season", [1, 2, 4, 9])
def test_baselines_match_their_definition(season):
    values = np.random.default_rng(1).normal(size=40)
    start, horizon = 20, 5
    _, truth = sliding_windows(values, 6, horizon, start=start)
    last = persistence(values, horizon, start=start)
    naive = seasonal_naive(values, horizon, season, start=start)
    assert last.shape == naive.shape == truth.shape
    for i in range(len(truth)):
        now = start + i  # the first step that is not known
        for h in range(horizon):
            back = now + h - season
            while back >= now:
                back -= season
            assert truth[i, h] == values[now + h]
            assert last[i, h] == values[now - 1]
            assert naive[i, h] == values[back]


def test_season_that_reaches_back_too_far():
    with pytest.raises(ValueError, match="before the first value"):
        seasonal_naive(np.zeros(30), 3, 11, start=10)


def test_rmse_is_per_step_ahead():
    truth = np.array([[0.0, 1.0], [0.0, 1.0]])
    forecast = np.array([[3.0, 1.0], [4.0, 1.0]])
    np.testing.assert_allclose(rmse_per_horizon(forecast, truth), [np.sqrt(12.5), 0])
    with pytest.raises(ValueError, match="differ in shape"):
        rmse_per_horizon(forecast, truth[:1])


# --- CSV ----------------------------------------------------------------------------------------


@pytest.fixture
def write(tmp_path):
    """Write a file and return its path."""

    def write(content, name="my.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.mark.parametrize(
    "content",
    [
        "date,shop,price\n2024-02-28,a,1.5\n2024-02-29,b,-2\n2024-03-01,c,3e2\n",
        "\ufeffdate,shop,price\r\n2024-02-28,a,1.5\r\n2024-02-29,b,-2\r\n2024-03-01,c,3e2",
        "date;shop;price\n2024/02/28;a;1.5\n\n2024/02/29;b; -2\n;;\n2024/03/01;c;3e2\n",
        'price\tshop\tdate\n1.5\t"a\tb"\t2024-02-28\n-2\tb\t2024-02-29\n3e2\tc\t2024-03-01\n',
    ],
    ids=["plain", "bom-crlf", "semicolons-blank-lines", "tabs-quotes"],
)
def test_read_series(write, content):
    series = read_series(write(content), "price")
    assert series.name == "price"
    assert series.values.tolist() == [1.5, -2.0, 300.0]
    assert [str(d)[:10] for d in series.dates] == ["2024-02-28", "2024-02-29", "2024-03-01"]
    assert series.daily


def test_the_only_column_of_numbers_needs_no_name(write):
    assert read_series(write("day,sold\n2024-01-01,4\n2024-01-02,5\n")).name == "sold"


@pytest.mark.parametrize(
    ("dates", "daily"),
    [
        (["2024-01", "2024-02"], False),
        (["2024-01-01", "2024-01-03"], False),
        (["2024-01-01 10:00", "2024-01-02 10:00"], True),
        (["2024-01-01T10:00Z", "2024-01-01T11:00Z"], False),
    ],
)
def test_steps_between_dates(write, dates, daily):
    series = read_series(write(f"when,v\n{dates[0]},1\n{dates[1]},2\n"), "v")
    assert series.dates is not None
    assert series.daily is daily


@pytest.mark.parametrize("other", ["1,2", "20240101,20240102", "a-1,b-2", "1/2/2024,2/2/2024"])
def test_what_is_no_date_dates_nothing(write, other):
    first, second = other.split(",")
    series = read_series(write(f"other,v\n{first},1\n{second},2\n"), "v")
    assert series.dates is None
    assert not series.daily


BAD = {
    "missing column": ("date,prise\n2024-01-01,1\n", "has no column 'price'; did you mean 'prise'"),
    "two of a name": ("price,price\n1,2\n", "several columns 'price'"),
    "text": ("price\n1\n\n12 USD\n", "line 4: column 'price' holds '12 USD', not a number"),
    "decimal comma": ("a;price\n1;2,5\n", "holds '2,5', not a number; write it like 1234.5"),
    "gap": ("date,price\n2024-01-01,1\n2024-01-02,\n", "line 3: column 'price' has no value"),
    "NaN": ("price\n1\nNaN\n", "line 3: column 'price' has no value; fill the gap"),
    "infinite": ("price\n1\n1e999\n", "line 3: column 'price' is not finite"),
    "empty": ("", "is empty"),
    "blank": ("\n \n", "is empty"),
    "header alone": ("date,price\n", "is empty"),
    "encoding": ("date,price\n2024-01-01,1 \u20ac\n".encode("cp1252"), "is not UTF-8 text"),
    "UTF-16": ("price\n1\n".encode("utf-16"), "is not UTF-8 text (byte 0)"),
    "short row": ("date,price\n2024-01-01,1\n2024-01-02\n", "line 3 has 1 fields"),
    "wrong date": ("date,price\n2024-01-01,1\n2024-02-30,1\n", "'2024-02-30', not a date like"),
    "falling dates": ("date,price\n2024-01-02,1\n2024-01-01,1\n", "sort the rows by date"),
    "same date": ("date,price\n2024-01-02,1\n2024-01-02,1\n", "keep one row per date"),
}


@pytest.mark.parametrize(("content", "message"), BAD.values(), ids=BAD)
def test_bad_files_get_one_clear_line(write, content, message):
    path = write(content)
    with pytest.raises(DataError) as error:
        read_series(path, "price")
    assert message in str(error.value)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("content", "names"), [("a,b,c\n1,x,2\n", "a, c"), ("a,b\nx,y\n", "none holds numbers")]
)
def test_a_choice_of_columns_is_shown(write, content, names):
    with pytest.raises(DataError, match=f"choose a column of numbers with --column: {names}"):
        read_series(write(content))


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(DataError, match=r"nowhere\.csv cannot be read: No such file"):
        read_series(tmp_path / "nowhere.csv", "price")
    with pytest.raises(DataError, match="cannot be read: Is a directory"):
        read_series(tmp_path, "price")


# --- several columns, dates ahead ---------------------------------------------------------------


def test_windows_at_given_places():
    values = np.arange(20).reshape(10, 2)
    found = windows_at(values, np.array([3, 7]), 2, 1)
    np.testing.assert_array_equal(found, [values[1:4], values[5:8]])
    assert windows_at(values, np.array([], int), 2).shape == (0, 2, 2)
    for origins, before, after in (([1], 2, 0), ([9], 1, 2)):
        with pytest.raises(ValueError, match="no window"):
            windows_at(values, np.array(origins), before, after)


def test_a_curve_goes_on_anywhere():
    values = np.sin(2 * np.pi * np.arange(48) / 12) + 0.1 * np.arange(48)
    curve = SeasonalCurve.fit(values, 12)
    steps = np.array([[5, 17], [120, 1205]])
    np.testing.assert_allclose(curve.at(steps), np.sin(2 * np.pi * steps / 12), atol=1e-9)


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


def test_what_is_held_out():
    days = np.datetime64("2020-01-01") + np.arange(900)
    assert held_out(900, days) == 365
    assert held_out(900, None) == 225
    assert held_out(400, days[:400]) == 100


def test_columns_and_what_is_known_ahead(tmp_path):
    path = tmp_path / "sales.csv"
    path.write_text("day,price,sold\n2024-01-01,3,5\n2024-01-02,4,6\n2024-01-03,5,\n")
    found = read_columns(path, "sold", known_future=["price"])
    assert {name: column.tolist() for name, column in found.columns.items()} == {
        "sold": [5.0, 6.0],
        "price": [3.0, 4.0],
    }
    assert found.ahead["price"].tolist() == [5.0]
    assert found.dates.astype("datetime64[D]").astype(str).tolist() == ["2024-01-01", "2024-01-02"]
    with pytest.raises(DataError, match="line 4: column 'sold' has no value"):
        read_columns(path, "sold", ["price"])
