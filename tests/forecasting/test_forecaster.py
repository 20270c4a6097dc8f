"""LSTMForecaster: predictions, forms of series, dates, settings, and what it refuses."""

import pickle

import numpy as np
import pytest
from forecast_cases import MONTHS, QUICK, make_series, quick

from lstmcore import utils
from lstmcore.callbacks import Callback
from lstmcore.data import DataError
from lstmcore.forecasting import LSTMForecaster
from lstmcore.forecasting.network import interpolate

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


def test_interpolate_extrapolates_beyond_the_ends():
    values = np.array([[0.0, 1.0, 3.0]])
    found = interpolate(values, np.array([0.0, 1.0, 2.0]), np.array([-1.0, 0.5, 1.5, 4.0]))
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


@pytest.mark.parametrize(
    ("make", "ahead", "season"),
    [
        (
            {"start": "2024-01-01", "freq": "D", "tz": "Europe/Berlin"},
            ["2024-05-30 00:00:00+02:00", "2024-05-31 00:00:00+02:00", "2024-06-01 00:00:00+02:00"],
            7,
        ),
        (
            {"start": "2024-10-21 00:00", "freq": "h", "tz": "Europe/Berlin"},
            ["2024-10-27 05:00:00+01:00", "2024-10-27 06:00:00+01:00", "2024-10-27 07:00:00+01:00"],
            24,
        ),
        (
            {"start": "2024-01-01", "freq": "B"},
            ["2024-07-29 00:00:00", "2024-07-30 00:00:00", "2024-07-31 00:00:00"],
            5,
        ),
    ],
)
def test_the_index_of_pandas_goes_on(make, ahead, season, tmp_path):
    pandas = pytest.importorskip("pandas")
    index = pandas.date_range(periods=150, name="when", **make)
    model = quick().fit(pandas.Series(make_series(), index=index))
    assert model.season_ == season
    found = model.predict().index
    assert list(map(str, found)) == ahead
    assert found.name == "when"
    model.save(tmp_path / "a.safetensors")
    assert LSTMForecaster.load(tmp_path / "a.safetensors").predict().index.equals(found)


def test_periods_stay_periods_and_a_column_of_dates_is_the_index():
    pandas = pytest.importorskip("pandas")
    index = pandas.period_range("1980Q1", periods=150, freq="Q")
    found = quick().fit(pandas.Series(make_series(), index=index)).predict()
    assert list(map(str, found.index)) == ["2017Q3", "2017Q4", "2018Q1"]
    frame = pandas.DataFrame(
        {"ds": pandas.date_range("2024-01-01", periods=150), "y": make_series()}
    )
    assert str(quick().fit(frame).predict().index[0]) == "2024-05-30 00:00:00"
    frame["ds"] = frame["ds"].astype(str)
    with pytest.raises(
        DataError, match=r"'ds' holds '2024-01-01.*', not a number; give such dates as"
    ):
        quick(target="y").fit(frame)


def test_gaps_are_filled_as_asked_and_warned_of():
    y = make_series()
    days = np.datetime64("2024-01-01") + np.arange(150)
    few, many = np.delete(np.arange(150), [70]), np.delete(np.arange(150), range(0, 140, 9)[1:])
    with pytest.warns(
        UserWarning, match="1 of 150 steps of one day are missing, the first 2024-03"
    ):
        model = quick().fit(y[few], days[few])
    assert len(model.columns_) == 150
    with pytest.raises(DataError, match="15 of 150 steps of one day are missing"):
        quick().fit(y[many], days[many])
    with pytest.warns(UserWarning, match="filled by the last value"):
        model = quick(fill="forward").fit(y[many], days[many])
    assert model.season_ == 7
    with pytest.warns(UserWarning, match="1 of 152 steps"):
        model.append(y[:1], days[-1:] + 2)
    assert str(model.forecast().dates[0]) == "2024-06-01"
    holes = np.where(np.isin(np.arange(150), few), y, np.nan)
    with pytest.warns(UserWarning, match="1 of 150 steps lack a value, the first step 70"):
        model = quick(fill="interpolate").fit(holes)
    np.testing.assert_allclose(model.columns_.values[70, 0], (y[69] + y[71]) / 2)


def test_masked_steps_are_neither_learned_nor_tested():
    y = make_series()
    holes = y.copy()
    holes[[30, 70, 140]] = np.nan
    with pytest.warns(UserWarning, match="3 of 150 steps lack a value, the first step 30; masked"):
        model = quick(fill="mask", validation=0.3).fit(holes, MONTHS)
    assert np.flatnonzero(~model.columns_.observed).tolist() == [30, 70, 140]
    x, targets = model._samples(model.preparation_, model.preparation_.length, 150)
    lag = model.preparation_.length
    assert (
        len(x[0]) == len(targets) == 150 - lag - 3 + 1 - 3 * sum(at >= lag for at in (30, 70, 140))
    )
    with pytest.warns(UserWarning, match="masked"):
        tested = quick(fill="mask").backtest(holes, MONTHS, initial=110)
    assert not set(tested.origins) & {138, 139, 140}
    assert all(len(points) == len(tested.origins) for points in tested.forecasts.values())
    kept = np.isin(np.arange(110, 148), tested.origins)
    np.testing.assert_array_equal(kept, ~np.isin(np.arange(110, 148), [138, 139, 140]))
    again = model.append(y[:2]).predict()
    assert np.isfinite(again).all()
    holes[::3] = np.nan
    with (
        pytest.warns(UserWarning, match="masked"),
        pytest.raises(DataError, match="have no masked step ahead, too few"),
    ):
        quick(fill="mask").fit(holes)


def test_one_absurd_value_is_left_out_with_a_word():
    y = make_series()
    spoilt = y.copy()
    spoilt[[40, 90]] = 9e9
    with pytest.warns(UserWarning, match=r"column 'y' has 9e\+09 at step 40, far .*\(1 of 150\)"):
        model = quick().fit(np.where(np.arange(150) == 40, spoilt, y))
    np.testing.assert_allclose(model.predict(), quick().fit(y).predict(), atol=1)
    with pytest.warns(UserWarning, match="at step 140, 2012-09, far from all others"):
        tested = quick().backtest(np.where(np.arange(150) == 140, 9e9, y), MONTHS)
    assert tested.mean_rmse["LSTM"] < 10
    level = np.append(y[:148], [9e9, 9e9])  # a new level is no slip of a pen
    with pytest.raises(DataError, match="values leave the range"):
        quick().fit(level)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"freq": "month"}, "freq: expected a step such as '15min', 'D' or 'MS', got 'month'"),
        ({"fill": "foward"}, "fill: expected one of .*did you mean 'forward'"),
        ({"freq": "D"}, "freq: 'D' says how far apart dates are; the data have none"),
    ],
)
def test_wrong_steps_and_fillings_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        quick(**settings).fit(make_series())


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


def test_it_can_be_pickled():
    model = quick().fit(make_series(), MONTHS)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(), model.predict())


def test_scikit_learn_can_clone_it_or_be_its_base():
    base = pytest.importorskip("sklearn.base")

    class Estimator(base.BaseEstimator, LSTMForecaster):
        pass

    for model in (quick(), Estimator(**QUICK)):
        again = base.clone(model.fit(make_series()))
        assert again.get_params() == model.get_params()
        assert not hasattr(again, "model_")
        np.testing.assert_array_equal(again.fit(make_series()).predict(), model.predict())


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
        (np.append(make_series(), [1e30, 1e30]), {}, "look for a wrong value"),
        (make_series() * 1e300, {}, "too large to compute with"),
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
        ({"paths": 10**9}, "paths: expected at most"),
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
