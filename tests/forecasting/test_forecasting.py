"""LSTMForecaster: what it learns, what it may not see, and what its intervals are worth."""

import numpy as np
import pytest
from forecast_cases import make_autoregressive, make_series, quick

from lstmcore.data import DataError
from lstmcore.forecasting import LSTMForecaster

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
    model = LSTMForecaster(horizon=2, window=6, units=16, epochs=30, random_state=0)
    tested = model.set_params(method="network").backtest(y)
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


def test_what_was_known_ahead_is_seen_in_the_window_too():
    price = np.random.default_rng(0).normal(size=400)
    y = 10 + 3 * np.roll(price, 3)  # three steps later
    model = quick(target="y", known_future=["price"], window=5, epochs=40, units=16, dropout=0.0)
    model.fit({"y": y[3:], "price": price[3:]})
    expected = 10 + 3 * price[-3:]
    np.testing.assert_allclose(model.predict(future={"price": np.zeros(3)}), expected, atol=0.8)


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
