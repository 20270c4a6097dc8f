"""What forecasts beside the network: smoothing, regression, and the blend of all."""

import numpy as np
import pytest
from forecast_cases import MONTHS, make_autoregressive, make_series, quick

from lstmcore.forecasting import LSTMForecaster
from lstmcore.forecasting.blend import Blend
from lstmcore.forecasting.regression import Ridge
from lstmcore.forecasting.smoothing import Smoothing, seasonal_profile

AUTO = {"method": "auto", "log": "auto"}


def smoothed(y, alpha, beta, gamma, phi, level, trend, season):
    """Follow the equations step by step; return the state behind the series."""
    season = list(season)
    for t, value in enumerate(y):
        i = t % len(season)
        error = value - (level + phi * trend + season[i])
        level, trend = level + phi * trend + alpha * error, phi * trend + beta * error
        season[i] += gamma * (1 - alpha) * error
    return level, trend, season


# --- smoothing ----------------------------------------------------------------------------------


def test_smoothing_follows_its_equations():
    y = make_series(60)
    found = Smoothing.fit(y, 12, 3)
    for k in range(len(found.level)):
        start = (found.level[k], found.trend[k], found.season[k])
        level, trend, season = smoothed(y, *found.settings[k], *start)
        phi = found.settings[k, 3]
        ahead = [
            level + sum(phi ** (i + 1) for i in range(h)) * trend + season[(60 + h - 1) % 12]
            for h in (1, 2, 3)
        ]
        np.testing.assert_allclose(found.at(60, y).ahead(3)[k], ahead)
    np.testing.assert_allclose(
        found.forecast(y, np.array([60]), 3)[0], found.at(60, y).ahead(3).mean(0)
    )


@pytest.mark.parametrize(
    ("y", "season", "expected"),
    [
        (np.full(40, 7.0), 0, [7, 7, 7]),
        (2.0 * np.arange(40), 0, [80, 82, 84]),
        (np.tile([1.0, 5, 9, 3], 10), 4, [1, 5, 9]),
        (np.tile([1.0, 5, 9, 3], 10) + np.arange(40), 4, [41, 46, 51]),
    ],
)
def test_smoothing_continues_levels_lines_and_seasons(y, season, expected):
    found = Smoothing.fit(y, season, 3).forecast(y, np.array([40]), 3)[0]
    np.testing.assert_allclose(found, expected, atol=0.3)


def test_smoothing_is_the_same_from_any_state_before():
    y = make_series(80)
    found = Smoothing.fit(y[:60], 12, 4)
    whole = found.forecast(y, np.array([60, 65, 80]), 4)
    moved = found.at(50, y)
    np.testing.assert_array_equal(moved.forecast(y[40:], np.array([20, 25, 40]), 4, 40), whole)
    assert found.step == 0  # nothing was changed in place


def test_errors_of_logarithms_are_those_of_the_values():
    y = np.exp(make_series(noise=0.01) / 5)
    plain, logs = Smoothing.fit(y, 12, 3), Smoothing.fit(np.log(y), 12, 3, log=True)
    assert logs.errors.mean() < 0.7 * plain.errors.mean()


def test_the_profile_is_the_season_without_the_trend():
    season = np.array([3.0, -1, -2, 0])
    y = np.tile(season, 8) + 0.5 * np.arange(32)
    np.testing.assert_allclose(seasonal_profile(y, 4), season, atol=1e-12)
    np.testing.assert_allclose(seasonal_profile(y[3:], 4, start=3), season, atol=1e-12)
    assert not seasonal_profile(y[:7], 4).any()


# --- regression ---------------------------------------------------------------------------------


def test_regression_is_ridge_with_the_best_penalty():
    rng = np.random.default_rng(0)
    x, weights = rng.normal(size=(80, 5, 2)), rng.normal(size=(10, 3))
    y = x.reshape(80, -1) @ weights + 2 + 0.1 * rng.normal(size=(80, 3))
    found = Ridge.fit([x], y)
    np.testing.assert_allclose(found.weights, weights, atol=0.1)
    np.testing.assert_allclose(found.predict([x]), y, atol=0.5)
    flat, mean = x.reshape(80, -1), y.mean(0)
    centred = flat - flat.mean(0)
    size = np.linalg.eigvalsh(centred.T @ centred).mean()
    errors = {}
    for penalty in 10.0 ** np.arange(-3, 5) * size:
        inverse = np.linalg.inv(centred.T @ centred + penalty * np.eye(10))
        hat = centred @ inverse @ centred.T
        residual = (y - mean) - hat @ (y - mean)
        errors[penalty] = (residual**2).sum() / (1 - (1 + np.trace(hat)) / 80) ** 2
        if errors[penalty] == min(errors.values()):
            best = inverse @ centred.T @ (y - mean)
    np.testing.assert_allclose(found.weights, best, rtol=1e-8)


def test_regression_needs_rows_and_not_too_many_inputs():
    assert Ridge.fit([np.zeros((2, 3, 1))], np.zeros((2, 1))) is None
    assert Ridge.fit([np.zeros((9, 2001, 1))], np.zeros((9, 1))) is None


# --- the blend ----------------------------------------------------------------------------------


def test_weights_fall_with_the_fourth_power_of_errors():
    truth = np.zeros((20, 2))
    forecasts = {"network": truth + 1, "regression": truth - 2**0.25, "smoothing": truth + 3}
    found = Blend.choose(forecasts, truth, log=False)
    assert found.weights == pytest.approx({"network": 2 / 3, "regression": 1 / 3})
    assert found.errors == pytest.approx({"network": 1, "regression": 2**0.25, "smoothing": 3})
    np.testing.assert_allclose(found.mean(forecasts), 2 / 3 - 2**0.25 / 3)
    assert found.words == "0.67 network + 0.33 regression"
    assert Blend.choose(forecasts, truth, False, "smoothing").weights == {"smoothing": 1}
    forecasts["smoothing"] = truth
    assert Blend.choose(forecasts, truth, log=False).words == "smoothing"


@pytest.mark.parametrize("log", [False, True])
def test_quantiles_are_those_of_the_errors(log):
    rng = np.random.default_rng(0)
    off = rng.normal(size=(4000, 3)) * [0.1, 0.2, 0.3]
    truth = np.exp(off) if log else off
    point = np.ones((4000, 3)) if log else np.zeros((4000, 3))
    found = Blend.choose({"network": point}, truth, log)
    levels = np.array([0.05, 0.1, 0.5, 0.9])
    quantiles = found.quantiles(point[:1], levels)[0]
    below = (truth[:, :, None] <= quantiles).mean(0)
    np.testing.assert_allclose(below, np.broadcast_to(levels, (3, 4)), atol=0.02)
    np.testing.assert_array_equal(quantiles[:, 2], point[0])
    few = Blend.choose({"network": point[:6]}, truth[:6], log)
    assert few.independent == 2
    assert (few.quantiles(point[:1], np.array([0.1])) <= point[0, 0]).all()


def test_a_linear_series_is_forecast_by_regression_and_a_level_by_smoothing():
    y = make_autoregressive(400)
    tested = quick(**AUTO, epochs=2).backtest(y)
    assert tested.mean_rmse["forecast"] < 1.05 * min(tested.mean_rmse.values())
    rng = np.random.default_rng(0)
    steps = np.cumsum(rng.normal(size=300)) + 3 * rng.normal(size=300)
    tested = quick(**AUTO).backtest(steps)
    assert tested.mean_rmse["forecast"] < 1.05 * tested.mean_rmse["smoothing"]
    assert set(tested.forecasts) == {
        *("forecast", "persistence", "network", "regression", "smoothing"),
    }
    assert " + " in tested.chosen
    assert tested.to_dict()["chosen"] == tested.chosen


@pytest.mark.parametrize("method", ["auto", "regression", "smoothing", "network"])
@pytest.mark.parametrize("season", [0, 12, 75])
def test_files_and_new_steps_go_on_alike(method, season, tmp_path):
    y = make_series(200) + 20
    model = quick(method=method, log="auto", season=season).fit(y[:180])
    model.save(tmp_path / "a.safetensors")
    again = LSTMForecaster.load(tmp_path / "a.safetensors")
    for one in (model, again):
        one.append(y[180:190])
    np.testing.assert_allclose(again.predict(), model.predict(), rtol=1e-12)
    for a, b in zip(again.predict_interval(), model.predict_interval(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)
    point, quantiles = model.forecast_at(y[:190], np.array([185, 190]))
    np.testing.assert_allclose(point[1, :, 0], model.predict(), rtol=1e-12)
    assert (np.diff(quantiles, axis=-1) >= 0).all()
    assert [len(blend.weights) > 0 for blend in model.blends_] == [True] * (method != "network")


@pytest.mark.parametrize("method", ["auto", "network", "regression", "smoothing"])
def test_a_straight_line_goes_on(method):
    found = quick(method=method, log="auto").fit(3.0 * np.arange(100)).predict()
    np.testing.assert_allclose(found, [300, 303, 306], atol=0.5)


def test_a_short_series_is_smoothed():
    model = quick(**AUTO, window=4).fit(make_series(22))
    assert model.blends_[0].words == "smoothing"
    assert model.predict().shape == (3,)
    assert quick(**AUTO, window=4, validation=0).fit(make_series(22)).blends_ == ()


def test_logarithms_are_taken_where_they_help():
    y = np.exp(make_series(noise=0.05) / 5)
    assert quick(**AUTO, season=12).fit(y).preparation_.targets[0].log
    assert not quick(**AUTO, season=12).fit(make_series()).preparation_.targets[0].log
    assert not quick(**AUTO, season=12).fit(y - 30).preparation_.targets[0].log


def test_several_targets_are_chosen_for_one_by_one():
    rng = np.random.default_rng(0)
    data = {"a": make_series(), "b": np.cumsum(rng.normal(size=150))}
    model = quick(**AUTO, target=["a", "b"]).fit(data, MONTHS)
    assert len(model.blends_) == 2
    found = model.predict()
    assert set(found) == {"a", "b"}
    assert abs(found["b"][0] - data["b"][-1]) < 4


def test_the_averaged_season_and_wrong_settings():
    y = make_series()
    model = quick(adjust="average", season=12).fit(y)
    assert model.preparation_.targets[0].adjust == "average"
    np.testing.assert_allclose(model.predict(), make_series(153)[150:], atol=2)
    with pytest.raises(ValueError, match=r"method: expected one of .*did you mean 'smoothing'"):
        quick(method="smooth").fit(y)
    with pytest.raises(ValueError, match="log: expected True, False or 'auto', got 'yes'"):
        quick(log="yes").fit(y)


def test_a_blend_has_no_c_file(tmp_path):
    with pytest.raises(ValueError, match="has no C form: fit with method='network'"):
        quick(**AUTO).fit(make_series()).export(tmp_path / "a.c")
