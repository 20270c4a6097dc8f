"""LSTMForecaster: what it learns, what it may not see, its intervals, forms and files."""

import json

import numpy as np
import pytest

from lstmcore import load_model, utils
from lstmcore.callbacks import Callback
from lstmcore.data import DataError, persistence, seasonal_naive
from lstmcore.forecasting import LSTMForecaster
from lstmcore.forecasting.network import between

QUICK = {"window": 12, "horizon": 3, "units": 4, "epochs": 2, "random_state": 0}
MONTHS = np.datetime64("2001-01", "M") + np.arange(150)


def make_series(n=150, *, noise=0.3, seed=0):
    """A season of 12, a trend and noise."""
    time = np.arange(n)
    wave = 5 * np.sin(2 * np.pi * time / 12) + 2 * np.cos(4 * np.pi * time / 12)
    return 20 + 0.05 * time + wave + noise * np.random.default_rng(seed).normal(size=n)


def make_autoregressive(n, seed=0, phi=0.8):
    noise = np.random.default_rng(seed).normal(size=n)
    values = np.zeros(n)
    for i in range(1, n):
        values[i] = phi * values[i - 1] + noise[i]
    return values


def quick(**settings):
    return LSTMForecaster(**{**QUICK, **settings})


# --- what it learns -----------------------------------------------------------------------------


@pytest.mark.parametrize("strategy", ["direct", "recursive"])
def test_it_beats_both_baselines(strategy):
    model = quick(strategy=strategy, season=12, window=24, epochs=10, paths=30)
    tested = model.backtest(make_series())
    assert tested.gains["persistence"] > 50
    assert tested.gains["seasonal naive"] > 10


def test_the_network_learns_what_level_and_season_do_not_tell():
    rng = np.random.default_rng(0)
    y = np.zeros(600)
    for i in range(2, 600):  # the second value back decides, and not linearly
        y[i] = 2 * np.tanh(-2 * y[i - 2]) + 0.1 * rng.normal()
    tested = LSTMForecaster(horizon=2, window=6, units=16, epochs=30, random_state=0).backtest(y)
    assert tested.gains["linear"] > 50


def test_where_there_is_nothing_to_learn_the_network_is_silent():
    y = np.random.default_rng(3).normal(size=200)
    model = quick(epochs=20, units=32, learning_rate=0.01, dropout=0.0).fit(y)
    assert model.epochs_ == 0
    np.testing.assert_allclose(model.predict(), y.mean(), atol=0.35)


def test_what_is_known_ahead_decides():
    rng = np.random.default_rng(0)
    price = rng.normal(size=400)
    y = 10 - 3 * price + 0.1 * rng.normal(size=400)
    model = quick(target="y", known_future=["price"], window=5, epochs=40, units=16, dropout=0.0)
    model.fit({"y": y, "price": price})
    ahead = np.array([-1.0, 0.0, 1.0])
    np.testing.assert_allclose(model.predict(future={"price": ahead}), 10 - 3 * ahead, atol=0.6)
    with pytest.raises(ValueError, match="future: expected the next 3 values of price"):
        model.predict()
    with pytest.raises(ValueError, match="future: expected 3 steps, got 2"):
        model.predict(future={"price": [1.0, 2.0]})


def test_log_scales_ups_and_downs_with_the_level():
    y = np.exp(make_series(noise=0.05) / 5)
    tested = {log: quick(season=12, log=log).backtest(y).mean_rmse["linear"] for log in (0, 1)}
    assert tested[1] < 0.7 * tested[0]
    with pytest.raises(DataError, match="column 'y' has values <= 0"):
        quick(log=True).fit(y - y.max())


@pytest.mark.parametrize("adjust", ["none", "curve", "difference"])
def test_a_pure_season_goes_on(adjust):
    y = make_series(noise=1e-3) - 0.05 * np.arange(150)
    model = quick(season=12, adjust=adjust, window=13, horizon=14, epochs=1).fit(y[:136])
    error = np.abs(model.predict() - y[136:]).max()
    assert error < 0.05 if adjust != "none" else error > 0.5
    assert model.preparation_.targets[0].adjust == adjust


# --- honest -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "settings"),
    [
        ({}, {}),
        ({"refit": 5}, {}),
        ({"refit": 5, "sliding": True}, {"season": 12}),
        ({"step": 2}, {"strategy": "recursive", "paths": 5}),
        ({"initial": 0.75}, {"head": "gaussian", "season": 12, "adjust": "curve"}),
    ],
)
def test_nothing_ahead_is_seen(options, settings):
    y = make_series(120)
    before = quick(**settings).backtest(y, **options)
    later = 105
    changed = y.copy()
    changed[later:] += 5
    after = quick(**settings).backtest(changed, **options)
    known = before.origins <= later
    assert 1 < known.sum() < len(known)
    for name, forecasts in before.forecasts.items():
        seen = known.sum() + (options.get("step", 1) == 1)
        np.testing.assert_array_equal(after.forecasts[name][known], forecasts[known], name)
        if name == "LSTM":
            assert (after.forecasts[name][seen:] != forecasts[seen:]).any()
    np.testing.assert_array_equal(after.quantiles[known], before.quantiles[known])


def test_the_backtest_is_what_fit_and_predict_give():
    y = make_series(120)
    tested = quick().backtest(y, initial=100, refit=4)
    assert tested.fits == 5
    for i in (0, 4, 6):
        last_fit = 100 + 4 * (i // 4)
        model = quick().fit(y[:last_fit]).append(y[last_fit : 100 + i])
        # BLAS and kernels are the same whatever the number of rows
        np.testing.assert_allclose(tested.forecasts["LSTM"][i], model.predict(), rtol=1e-6)
        np.testing.assert_array_equal(tested.truth[i], y[100 + i : 103 + i])
    np.testing.assert_array_equal(
        tested.forecasts["persistence"], persistence(y, 3, start=100)[: len(tested.truth)]
    )


def test_the_baselines_are_those_of_the_origins():
    y = make_series()
    tested = quick(season=12).backtest(y, initial=100, step=5)
    np.testing.assert_array_equal(tested.origins, np.arange(100, 148, 5))
    naive = seasonal_naive(y, 3, 12, start=100)[::5]
    np.testing.assert_array_equal(tested.forecasts["seasonal naive"], naive)
    assert tested.mean_rmse["seasonal naive"] == pytest.approx(
        np.sqrt(((naive - tested.truth) ** 2).mean(0)).mean()
    )


def test_scaling_is_fitted_to_the_training_part():
    y = make_series(120)
    y[100:] *= 100
    tested = quick().backtest(y, initial=100)
    alone = quick().fit(y[:100])
    assert alone.preparation_.targets[0].scale.std < 10
    np.testing.assert_allclose(tested.forecasts["LSTM"][0], alone.predict(), rtol=1e-6)


@pytest.mark.parametrize("head", ["quantile", "gaussian"])
@pytest.mark.parametrize("strategy", ["direct", "recursive"])
def test_intervals_cover_what_they_say(head, strategy):
    y = make_autoregressive(2000)
    model = quick(head=head, strategy=strategy, epochs=4, units=8, paths=100)
    tested = model.backtest(y, step=2)
    assert tested.coverage[0.8].mean() == pytest.approx(0.8, abs=0.08)
    model.fit(y[:1500])
    widths = [
        np.mean(np.subtract(*model.predict_interval(level=p)[::-1])) for p in (0.5, 0.8, 0.95)
    ]
    # of an AR(1) with phi 0.8, the mean over 3 steps of the standard deviation is 1.32
    np.testing.assert_allclose(widths, 2 * 1.32 * np.array([0.674, 1.282, 1.96]), rtol=0.25)


def test_intervals_are_corrected_by_what_was_not_learnt_from():
    y = make_autoregressive(400)
    y[200:] *= 2
    honest = quick(validation=0.4).fit(y)
    assert min(honest.head_.shifts[0], -honest.head_.shifts[-1]) < 0
    assert honest.head_.shifts[1] == 0


# --- predictions --------------------------------------------------------------------------------


def test_recursive_is_one_step_after_the_other():
    y = make_series()
    model = quick(strategy="recursive", head="point", season=12, adjust="difference").fit(y)
    ahead = model.predict(15)
    for i in range(15):
        np.testing.assert_allclose(model.predict(1), ahead[i], rtol=1e-5)
        model.append(ahead[i : i + 1])


def test_direct_gives_no_more_than_it_learnt():
    model = quick().fit(make_series())
    np.testing.assert_array_equal(model.predict(2), model.predict()[:2])
    with pytest.raises(ValueError, match="3 steps were learnt, 4 are asked for"):
        model.predict(4)


def test_quantiles_rise_and_bound_the_intervals():
    model = quick(quantiles=(0.9, 0.1, 0.25), epochs=1).fit(make_series())
    found = model.predict_quantiles()
    assert list(found) == [0.1, 0.25, 0.5, 0.9]
    rows = np.stack(list(found.values()))
    assert (np.diff(rows, axis=0) >= 0).all()
    np.testing.assert_allclose(model.predict_interval(level=0.8), rows[[0, -1]])
    np.testing.assert_array_equal(model.predict(), found[0.5])
    wide = model.predict_quantiles(quantiles=[0.01, 0.99])
    assert (wide[0.01] < found[0.1]).all()
    assert (wide[0.99] > found[0.9]).all()


def test_between_goes_on_behind_the_ends():
    values = np.array([[0.0, 1.0, 3.0]])
    found = between(values, np.array([0.0, 1.0, 2.0]), np.array([-1.0, 0.5, 1.5, 4.0]))
    np.testing.assert_allclose(found, [[-1.0, 0.5, 2.0, 7.0]])


def test_several_targets_and_columns():
    y = make_series()
    data = {"a": y, "b": -y, "c": np.roll(y, 1)}
    model = quick(target=["b", "a"]).fit(data)
    found = model.predict()
    assert list(found) == ["b", "a"]
    np.testing.assert_allclose(found["a"], y[-1], atol=6)
    np.testing.assert_allclose(found["b"], -y[-1], atol=6)
    tested = model.backtest()
    assert set(tested) == {"a", "b"}
    np.testing.assert_array_equal(tested["a"].truth, -tested["b"].truth)
    array = quick(target=["1", "0"]).fit(np.stack(list(data.values()), axis=1)).predict()
    np.testing.assert_array_equal(array, np.stack([found["b"], found["a"]], axis=1))


def test_a_seed_repeats_a_run_and_leaves_the_streams_alone():
    y = make_series()
    utils.set_random_seed(5)
    state = utils.generator().bit_generator.state
    numpy_state = np.random.get_state()[1].copy()  # noqa: NPY002
    runs = [quick(random_state=s, validation=0).fit(y).predict() for s in (3, 3, 4)]
    np.testing.assert_array_equal(runs[0], runs[1])
    assert not np.array_equal(runs[0], runs[2])
    assert repr(utils.generator().bit_generator.state) == repr(state)
    np.testing.assert_array_equal(np.random.get_state()[1], numpy_state)  # noqa: NPY002


def test_dates_go_on():
    y = make_series()
    model = quick().fit(y, MONTHS)
    assert model.season_ == 12
    assert model.forecast().dates.astype(str).tolist() == ["2013-07", "2013-08", "2013-09"]
    assert quick().fit(y).forecast().dates is None
    days = np.datetime64("2024-01-01") + np.arange(150)
    assert quick().fit(y, days.astype(str)).season_ == 7
    assert quick(season=0).fit(y, days).season_ == 0


def test_pandas_in_and_out():
    pandas = pytest.importorskip("pandas")
    index = pandas.date_range("2001-01-31", periods=150, freq="ME")
    series = pandas.Series(make_series(), index=index, name="sold")
    model = quick().fit(series)
    found = model.predict()
    assert found.name == "sold"
    assert found.index.strftime("%Y-%m-%d").tolist() == ["2013-07-31", "2013-08-31", "2013-09-30"]
    np.testing.assert_array_equal(
        found.to_numpy(), quick(season=12).fit(series.to_numpy()).predict()
    )
    frame = pandas.DataFrame({"a": series, "b": series[::-1].to_numpy()})
    both = quick(target=["a", "b"]).fit(frame).predict()
    assert list(both.columns) == ["a", "b"]
    low, high = quick(target="a").fit(frame.reset_index(drop=True)).predict_interval()
    assert low.index.tolist() == high.index.tolist() == [150, 151, 152]


# --- settings and files -------------------------------------------------------------------------


def test_settings_are_kept_as_given():
    given = {"quantiles": [0.5], "known_future": (), "window": None, "season": "auto"}
    model = LSTMForecaster(**given)
    assert all(model.get_params()[name] is value for name, value in given.items())
    assert repr(model) == "LSTMForecaster(quantiles=[0.5])"
    assert model.set_params(horizon=2).horizon == 2
    assert model.unfitted().get_params() == model.get_params()
    with pytest.raises(ValueError, match="no parameter 'horizont'; did you mean 'horizon'"):
        model.set_params(horizont=2)
    with pytest.raises(TypeError):
        LSTMForecaster("y")


@pytest.mark.parametrize(
    "settings",
    [
        {"season": 12, "adjust": "curve"},
        {"season": 12, "adjust": "difference", "strategy": "recursive", "paths": 20},
        {"head": "gaussian", "log": True, "relative": True},
        {"head": "point", "target": ["y", "x"]},
        {"known_future": ["x"], "target": "y"},
    ],
)
def test_a_file_forecasts_the_same(tmp_path, settings):
    y = make_series()
    wide = "known_future" in settings or isinstance(settings.get("target"), list)
    data = {"y": y, "x": y[::-1]} if wide else y
    future = {"x": np.ones(3)} if "known_future" in settings else None
    model = quick(**settings).fit(data, MONTHS)
    path = tmp_path / "model.safetensors"
    model.save(path)
    again = LSTMForecaster.load(path)
    one, two = model.forecast(future=future), again.forecast(future=future)
    np.testing.assert_array_equal(one.point, two.point)
    np.testing.assert_array_equal(one.quantiles, two.quantiles)
    np.testing.assert_array_equal(one.dates, two.dates)
    assert again.epochs_ == model.epochs_
    new = {"y": [21.0], "x": [20.0]} if wide else [21.0]
    for each in (model, again):
        each.append(new)
    one, two = model.forecast(future=future), again.forecast(future=future)
    np.testing.assert_array_equal(one.point, two.point)
    assert again.backtest(data, MONTHS) is not None
    with pytest.raises(ValueError, match="backtest: data"):
        again.backtest()
    assert load_model(path).count_params() == model.model_.count_params()


def test_other_files_are_refused(tmp_path):
    model = quick().fit(make_series())
    with pytest.raises(FileNotFoundError, match="no file"):
        LSTMForecaster.load(tmp_path / "none.safetensors")
    model.model_.save(tmp_path / "network.safetensors")
    with pytest.raises(ValueError, match=r"no forecaster can be read.*a model alone"):
        LSTMForecaster.load(tmp_path / "network.safetensors")
    path = tmp_path / "model.safetensors"
    model.save(path)
    content = path.read_bytes()
    for damaged in (content[:-8], content.replace(b'\\"window_\\": 12', b'\\"window_\\": 99')):
        assert damaged != content
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match="no forecaster can be read"):
            LSTMForecaster.load(path)


class _Stop(Callback):
    def on_epoch_end(self, epoch, logs=None):
        raise KeyboardInterrupt


@pytest.mark.parametrize("validation", [0.0, 0.2])
def test_interrupted_it_forecasts_all_the_same(tmp_path, validation):
    model = quick(validation=validation)
    with pytest.raises(KeyboardInterrupt):
        model.fit(make_series(), callbacks=[_Stop()])
    assert np.isfinite(model.predict()).all()
    model.save(tmp_path / "model.safetensors")
    again = LSTMForecaster.load(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(again.predict(), model.predict())


# --- refusals and words -------------------------------------------------------------------------

NAN = np.where(np.arange(150) == 7, np.nan, make_series())


@pytest.mark.parametrize(
    ("data", "settings", "message"),
    [
        (
            [1.0] * 20,
            {},
            "too short: 20 steps to train on, where a window of 12 and",
        ),
        ([1.0] * 150, {}, "column 'y' does not vary in the 122 steps"),
        (NAN, {}, r"column 'y' has no finite value at step 7 \(1 of 150\)"),
        ([1.0, "x", 3.0], {}, "column 'y' holds 'x', not a number"),
        (np.zeros((3, 2, 2)), {}, r"got shape \(3, 2, 2\)"),
        ({"a": NAN, "b": NAN}, {}, "choose the column to forecast with target=...; there are a, b"),
        ({"a": NAN, "b": NAN[1:]}, {}, "columns differ in length: 'a' 150, 'b' 149"),
        ({"sold": NAN}, {"target": "sodl"}, "no column 'sodl'; did you mean 'sold'"),
        (make_series(40), {"season": 30, "adjust": "difference"}, r"too (few|short)"),
        ({"y": make_series(), "x": NAN}, {"target": "y"}, "column 'x' has no finite value"),
        (
            {"y": make_series(), "x": make_series()},
            {"target": "y", "strategy": "recursive"},
            "column 'x' is not known ahead",
        ),
        (np.append(make_series(), 1e30), {}, "look for a wrong value"),
    ],
)
def test_data_that_cannot_be_used(data, settings, message):
    with pytest.raises(DataError, match=message) as error:
        quick(**settings).fit(data)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"horizon": 0}, "horizon: expected a whole number >= 1"),
        ({"head": "quantiles"}, "head: expected one of"),
        ({"strategy": "both"}, "strategy: expected one of"),
        ({"quantiles": (0.5, 1.0)}, "quantiles: expected numbers between 0 and 1"),
        ({"season": 1}, "season: expected 0 for none"),
        ({"season": "yes"}, "season: expected a number of steps"),
        ({"validation": 1.0}, "validation: expected a share"),
        ({"known_future": "price"}, "known_future: expected a list"),
        ({"target": "y", "known_future": ["y"]}, "known_future: 'y' is a target"),
    ],
)
def test_settings_that_are_wrong(settings, message):
    with pytest.raises(ValueError, match=message):
        quick(**settings).fit(make_series())


def test_what_needs_fit_or_intervals():
    with pytest.raises(ValueError, match="fit it first"):
        quick().predict()
    model = quick(head="point").fit(make_series())
    with pytest.raises(ValueError, match="learns no intervals"):
        model.predict_interval()
    with pytest.raises(DataError, match="no later than the last known"):
        quick().fit(make_series(), MONTHS).append([1.0], [MONTHS[-1]])
    with pytest.raises(DataError, match=r"dates: .* no later than the one before"):
        quick().fit(make_series(), MONTHS[::-1])
    with pytest.raises(DataError, match="no window of 3 steps lies behind"):
        quick().backtest(make_series(), initial=149)


def test_the_backtest_in_words_and_json():
    tested = quick(season=12).backtest(make_series())
    text = tested.summary("month", "tons")
    assert text.startswith("RMSE in tons, months ahead")
    for name, rmse in tested.mean_rmse.items():
        line = next(line for line in text.splitlines() if line.startswith(name))
        assert f"{rmse:.{tested.digits}f}" in line
    assert "% of the values lie in the 80 % interval" in text
    found = json.loads(json.dumps(tested.to_dict(), allow_nan=False))
    assert found["mean_rmse"] == tested.mean_rmse
    assert list(found["coverage"]) == ["0.8"]
    error = tested.truth - tested.forecasts["LSTM"]
    assert found["pinball"]["0.5"] == pytest.approx(np.abs(error).mean() / 2)
