"""The demo's forecast: honest splits, its baselines, its words, and that the LSTM wins."""

import json
import time
from dataclasses import replace

import numpy as np
import pytest

from lstmcore import _core
from lstmcore.cli import demo_run
from lstmcore.cli.demo_report import introduce, report, to_json
from lstmcore.data import DataError, Series

QUICK = demo_run.Settings(window=12, horizon=3, hidden=4, epochs=2)


def make_series(n, *, daily=False, seed=0):
    """Return a series with a season, a trend and noise."""
    time = np.arange(n)
    noise = np.random.default_rng(seed).normal(size=n)
    values = 20 + 8 * np.sin(2 * np.pi * time / 365.25) + 0.001 * time + noise
    dates = np.datetime64("2020-01-01", "s") + time * np.timedelta64(1, "D") if daily else None
    return Series("price", values, dates, source="my.csv")


@pytest.fixture(scope="module")
def weather():
    """Return the result of the demo with its defaults."""
    return demo_run.forecast(demo_run.seattle(), demo_run.Settings(), verbose=0)


# --- the claim ----------------------------------------------------------------------------------


def test_the_lstm_beats_both_baselines(weather):
    assert weather.gains["persistence"] >= 10
    assert weather.gains["same day last year"] >= 10


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_lstm_beats_both_baselines_at_each_seed(seed):
    start = time.process_time()  # of all threads, and whatever else the machine does
    result = demo_run.forecast(demo_run.seattle(), demo_run.Settings(seed=seed), verbose=0)
    assert time.process_time() - start < 20
    assert result.gains["persistence"] >= 10
    assert result.gains["same day last year"] >= 10


def test_the_baselines_are_what_they_say(weather):
    values = demo_run.seattle().values
    first = len(values) - 365
    assert weather.split == first
    assert weather.truth.shape == (359, 7)
    for h in range(7):
        errors = {"persistence": [], "same day last year": []}
        for now in range(first, len(values) - 6):
            errors["persistence"].append(values[now - 1] - values[now + h])
            errors["same day last year"].append(values[now + h - 365] - values[now + h])
        for name, error in errors.items():
            rmse = np.sqrt(np.mean(np.square(error)))
            assert weather.rmse[name][h] == pytest.approx(rmse, rel=1e-12)


def test_gains_compare_the_means(weather):
    means = {name: rmse.mean() for name, rmse in weather.rmse.items()}
    for name, gain in weather.gains.items():
        assert gain == pytest.approx(100 * (means[name] - means["LSTM"]) / means[name])


# --- honest -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "daily"), [(200, False), (760, True)])
def test_nothing_held_out_is_seen(n, daily):
    series = make_series(n, daily=daily)
    before = demo_run.forecast(series, QUICK, verbose=0)
    later = before.split + 20
    changed = series.values.copy()
    changed[later:] += 5
    after = demo_run.forecast(replace(series, values=changed), QUICK, verbose=0)
    known = slice(0, 21)  # the forecasts whose inputs all lie before the change
    for name, forecasts in before.forecasts.items():
        if name == "same day last year":
            continue
        np.testing.assert_array_equal(after.forecasts[name][known], forecasts[known], name)
    assert (after.forecasts["LSTM"][21] != before.forecasts["LSTM"][21]).all()


def test_the_last_forecast_goes_on_from_the_end():
    # A model that is fed the wrong window, or a curve that is a step late, misses a pure season.
    time = np.arange(800)
    values = 10 * np.cos(2 * np.pi * time / 20)
    series = Series("wave", values[:790], source="my.csv")
    settings = demo_run.Settings(window=20, horizon=5, season=20, hidden=4, epochs=1)
    noisy = replace(
        series, values=series.values + np.random.default_rng(0).normal(0, 1e-3, len(series.values))
    )
    result = demo_run.forecast(noisy, settings, verbose=0)
    np.testing.assert_allclose(result.ahead, values[790:795], atol=0.02)
    np.testing.assert_allclose(result.forecasts["LSTM"], result.truth, atol=0.02)


def test_a_seed_repeats_a_run():
    series = make_series(200)
    runs = [demo_run.forecast(series, replace(QUICK, seed=s), verbose=0) for s in (3, 3, 4)]
    lstm = [run.forecasts["LSTM"] for run in runs]
    np.testing.assert_array_equal(lstm[0], lstm[1])
    assert not np.array_equal(lstm[0], lstm[2])


# --- what a series allows -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n", "daily", "season", "expected"),
    [
        (200, False, None, (0, 150)),
        (400, True, None, (0, 300)),  # daily, but under two years
        (730, True, None, (365, 365)),
        (1461, True, None, (365, 1096)),
        (1461, True, 0, (0, 1096)),
        (1461, False, None, (0, 1096)),
        (200, False, 12, (12, 150)),
    ],
)
def test_choose_split(n, daily, season, expected):
    assert (
        demo_run.choose_split(make_series(n, daily=daily), replace(QUICK, season=season))
        == expected
    )


def test_a_missing_day_or_two_are_still_daily():
    series = make_series(1000, daily=True)
    kept = np.delete(np.arange(1000), [100, 500])
    gappy = replace(series, values=series.values[kept], dates=series.dates[kept])
    assert demo_run.choose_split(gappy, QUICK)[0] == 365
    assert "998 days, 2020-01-01 to 2022-09-26 (2 missing)" in introduce(gappy, QUICK)
    weekdays = np.arange(1000)[np.arange(1000) % 7 < 5]
    workdays = replace(series, values=series.values[weekdays], dates=series.dates[weekdays])
    assert demo_run.choose_split(workdays, QUICK)[0] == 0


@pytest.mark.parametrize(
    ("n", "change", "message"),
    [
        (40, {}, "too short: 30 of its 40 values"),
        (200, {"window": 150}, "--window 150 and --horizon 3 need 184"),
        (100, {"horizon": 26}, "--horizon 26 is longer than the held-out part of 25"),
        (200, {"season": 151}, "--season 151 is longer than the 150 values"),
    ],
)
def test_too_short(n, change, message):
    with pytest.raises(DataError, match=message) as error:
        demo_run.forecast(make_series(n), replace(QUICK, **change), verbose=0)
    assert "\n" not in str(error.value)


def test_the_shortest_series_that_is_accepted_works():
    result = demo_run.forecast(make_series(62), QUICK, verbose=0)
    assert result.trained_windows == 33
    with pytest.raises(DataError, match="too short"):
        demo_run.choose_split(make_series(60), QUICK)


def test_a_constant_and_an_outlier_are_refused():
    constant = Series("price", np.full(200, 0.1), source="my.csv")
    with pytest.raises(DataError, match="does not vary"):
        demo_run.forecast(constant, QUICK, verbose=0)
    series = make_series(200)
    series.values[190] = 1e30
    with pytest.raises(DataError, match="look for a wrong value"):
        demo_run.forecast(series, QUICK, verbose=0)


def test_the_other_columns_of_the_weather():
    assert demo_run.seattle("wind").unit == "m/s"
    with pytest.raises(DataError, match="no column 'temp'; did you mean 'temp_"):
        demo_run.seattle("temp")


# --- words and pictures -------------------------------------------------------------------------


def test_the_report_names_what_matters(weather):
    text = report(weather, "here.png")
    for method in ("LSTM", "persistence", "same day last year", "seasonal curve"):
        line = next(line for line in text.splitlines() if line.startswith(method))
        shown = [float(cell) for cell in line.removeprefix(method).split()[:8]]
        errors = weather.rmse[method]
        np.testing.assert_allclose(shown, [*errors, errors.mean()], atol=0.005001)
    assert f"{weather.gains['persistence']:.1f} % below that of persistence" in text
    assert "samples/s" in text
    assert "µs per time step" in text
    assert f"kernel    {_core.isa()}, {_core.get_num_threads()} thread" in text
    assert "next      2016-01-01 to 2016-01-07: " in text
    assert text.endswith("plot      here.png")


def test_the_report_admits_defeat(weather):
    worse = {**weather.forecasts, "LSTM": weather.truth + 100.0}
    text = report(replace(weather, forecasts=worse), "none")
    assert "% above that of persistence" in text
    assert "seasonal curve is the better forecast here" in text


def test_persistence_may_be_exact():
    series = make_series(200)
    series.values[140:] = 3.0
    result = demo_run.forecast(series, QUICK, verbose=0)
    assert result.gains["persistence"] == -np.inf
    assert "persistence is the better forecast here" in report(result, "none")
    assert to_json(result)["lstm_better_by_percent"] == {"persistence": None}


def test_json_holds_the_numbers(weather):
    found = json.loads(json.dumps(to_json(weather), allow_nan=False))
    assert found["rmse"]["LSTM"] == weather.rmse["LSTM"].tolist()
    assert found["settings"]["season"] == 365
    assert found["data"]["trained_on"] + found["data"]["held_out"] == 1461
    assert len(found["forecast"]) == 7
    assert found["kernel"] == {
        "isa": _core.isa(),
        "threads": _core.get_num_threads(),
        "dtype": "float32",
    }


@pytest.mark.parametrize("ending", [".png", ".svg"])
def test_plot(weather, tmp_path, ending):
    pytest.importorskip("matplotlib")
    path = tmp_path / f"plot{ending}"
    demo_run.plot(weather, path)
    magic = {".png": b"\x89PNG\r\n\x1a\n", ".svg": b"<?xml"}[ending]
    content = path.read_bytes()
    assert content.startswith(magic)
    assert len(content) > 20_000


def test_plot_of_a_long_series_without_dates(tmp_path):
    pytest.importorskip("matplotlib")
    series = replace(make_series(5000), name="price in $ or $_{x}")
    demo_run.plot(
        demo_run.forecast(series, replace(QUICK, epochs=1), verbose=0), tmp_path / "plot.png"
    )
    assert (tmp_path / "plot.png").stat().st_size > 20_000


def test_plot_shows_each_forecast_on_its_day(monkeypatch, tmp_path):
    Figure = pytest.importorskip("matplotlib.figure").Figure

    from lstmcore.plotting import plot_backtest

    figures = []
    monkeypatch.setattr(Figure, "savefig", lambda self, path, dpi: figures.append(self))
    truth = np.arange(100.0)[:, None] + np.arange(5)  # the value of step i is i
    for most in (1000, 30):
        monkeypatch.setattr("lstmcore.plotting.forecasts.MAX_STEPS", most)
        plot_backtest(truth, {"LSTM": truth}, {"LSTM": np.ones(5)}, to_file=tmp_path / "x.png")
        for line in figures[-1].axes[0].get_lines():
            x, y = line.get_data()
            np.testing.assert_array_equal(x, np.asarray(y) + 1)  # a perfect forecast lies on it
            assert len(x) >= min(most, 104) - 4
