"""The backtest: what fit and predict give, nothing ahead is seen."""

import json

import numpy as np
import pytest
from forecast_cases import make_series, quick

from lstmcore.data import persistence, seasonal_naive


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


def test_a_sliding_backtest_forgets():
    y = make_series(120)
    tested = quick(season=12).backtest(y, initial=90, refit=10, sliding=True)
    model = quick(season=12).fit(y[20:110])
    np.testing.assert_allclose(tested.forecasts["LSTM"][20], model.predict(), rtol=1e-6)
    growing = quick(season=12).backtest(y, initial=90, refit=10)
    assert (tested.forecasts["LSTM"][20] != growing.forecasts["LSTM"][20]).all()


def test_the_search_scales_by_what_comes_before_its_part():
    data = {"y": make_series(), "known": make_series(seed=1), "past": make_series(seed=2)}
    found = []
    for factor in (1, 10):
        changed = {name: np.append(c[:110], factor * c[110:]) for name, c in data.items()}
        model = quick(target="y", known_future=["known"]).fit(changed)
        found.append(model._prepare(110))  # as the search does
    assert found[0].past == found[1].past
    assert found[0].known == found[1].known
    assert found[0].targets[0].scale == found[1].targets[0].scale


def test_the_baselines_are_those_of_the_origins():
    y = make_series()
    tested = quick(season=12).backtest(y, initial=100, step=5)
    np.testing.assert_array_equal(tested.origins, np.arange(100, 148, 5))
    naive = seasonal_naive(y, 3, 12, start=100)[::5]
    np.testing.assert_array_equal(tested.forecasts["seasonal naive"], naive)
    assert tested.mean_rmse["seasonal naive"] == pytest.approx(
        np.sqrt(((naive - tested.truth) ** 2).mean(0)).mean()
    )


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
