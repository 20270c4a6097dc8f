"""The forecasts that any model has to beat."""

import numpy as np
import pytest

from lstmcore.data import (
    persistence,
    rmse_per_horizon,
    seasonal_naive,
    sliding_windows,
)


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
