"""LSTMForecaster among scikit-learn's tools: rows are steps in time."""

import pickle

import numpy as np
import pytest

import lstmcore

pytest.importorskip("sklearn")

from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from lstmcore.estimators import LSTMForecaster


def series(n=160):
    t = np.arange(n)
    holiday = (t % 9 == 0).astype(float)
    return np.sin(t / 4) + 2 * holiday, holiday[:, None]


def forecaster(**settings):
    return LSTMForecaster(**{"window": 12, "epochs": 40, "random_state": 0, **settings})


def test_forecasts_follow_the_rows_fitted_to():
    y, x = series()
    model = forecaster().fit(x[:140], y[:140])
    assert model.predict(x[140:]).shape == (20,)
    assert model.score(x[140:], y[140:]) > 0.7
    blind = forecaster().fit(y[:140, None])
    assert blind.predict(np.zeros((20, 1))).shape == (20, 1)
    assert blind.score(y[140:, None]) < model.score(x[140:], y[140:])
    np.testing.assert_array_equal(blind.predict(), blind.predict(np.zeros((7, 1))))


def test_it_is_the_forecaster_of_the_library():
    y, x = series()
    model = forecaster(strategy="direct", horizon=6, season=9).fit(x[:140], y[:140])
    seed = model.forecaster_.random_state
    other = lstmcore.forecasting.LSTMForecaster(
        target="y",
        known_future=["x0"],
        window=12,
        epochs=40,
        horizon=6,
        season=9,
        random_state=seed,
    ).fit({"x0": x[:140, 0], "y": y[:140]})
    future = {"x0": x[140:146, 0]}
    np.testing.assert_array_equal(model.predict(x[140:146]), other.predict(future=future))
    bounds = zip(
        model.predict_interval(x[140:146], 0.6),
        other.predict_interval(level=0.6, future=future),
        strict=True,
    )
    for a, b in bounds:
        np.testing.assert_array_equal(a, b)
    with pytest.raises(ValueError, match="6 steps were learnt, 20 are asked for"):
        model.predict(x[140:])


def test_its_settings_are_those_of_the_library():
    others_alone = ("target", "known_future", "freq", "fill", "method")  # rows here have no dates
    own, others = (
        {k: v for k, v in c().get_params().items() if k not in others_alone}
        for c in (LSTMForecaster, lstmcore.forecasting.LSTMForecaster)
    )
    assert own | {"strategy": "direct", "log": "auto"} == others


def test_forecasts_of_data_frames():
    pandas = pytest.importorskip("pandas")
    y, x = series()
    index = pandas.date_range("2024-01-01", periods=160, freq="D")
    frame = pandas.DataFrame({"holiday": x[:, 0]}, index=index)
    sold = pandas.Series(y, index=index, name="sold")
    model = forecaster().fit(frame[:140], sold[:140])
    assert model.forecaster_.season_ == 7
    found = model.predict(frame[140:])
    assert found.name == "sold"
    assert found.index.equals(index[140:])
    low, high = model.predict_interval(frame[140:])
    assert (low <= high).all()
    both = forecaster().fit(frame.assign(sold=sold)[:140]).predict(frame.assign(sold=0)[140:])
    assert list(both.columns) == ["holiday", "sold"]


pytestmark = pytest.mark.usefixtures("one_thread")


def test_a_search_for_forecasts():
    y, x = series()
    pipeline = make_pipeline(StandardScaler(), forecaster())
    search = GridSearchCV(pipeline, {"lstmforecaster__window": [2, 12]}, cv=TimeSeriesSplit(2))
    search.fit(x, y)
    assert search.best_params_ == {"lstmforecaster__window": 12}
    copy = pickle.loads(pickle.dumps(search))
    np.testing.assert_array_equal(copy.predict(x[:4]), search.predict(x[:4]))


def test_what_forecasts_need():
    y, x = series()
    model = forecaster(epochs=1).fit(x, y)
    with pytest.raises(ValueError, match="expected the next values of x0"):
        model.predict()
    with pytest.raises(ValueError, match="too short: 5 steps"):
        forecaster().fit(x[:5], y[:5])
    with pytest.raises(ValueError, match="head='point' learns no intervals"):
        forecaster(epochs=1, head="point").fit(x, y).predict_interval(x[:2])
