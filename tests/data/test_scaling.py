"""Scaling, and the curve of a season."""

import numpy as np
import pytest

from lstmcore.data import (
    SeasonalCurve,
    Standardizer,
    seasonal_curve,
)
from lstmcore.datasets import load_seattle_weather

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


# --- several columns, dates ahead ---------------------------------------------------------------


def test_a_curve_goes_on_anywhere():
    values = np.sin(2 * np.pi * np.arange(48) / 12) + 0.1 * np.arange(48)
    curve = SeasonalCurve.fit(values, 12)
    steps = np.array([[5, 17], [120, 1205]])
    np.testing.assert_allclose(curve.at(steps), np.sin(2 * np.pi * steps / 12), atol=1e-9)
