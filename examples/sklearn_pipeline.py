"""LSTMs in scikit-learn: a pipeline, a grid search, series of different lengths.

Usage: python sklearn_pipeline.py [--epochs 30]        (needs pip install lstmcore[sklearn])
"""

import argparse
import pickle

import numpy as np
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from lstmcore.datasets import load_seattle_weather
from lstmcore.estimators import LSTMClassifier, LSTMForecaster, LSTMRegressor

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("--epochs", type=int, default=30)
options = parser.parse_args()
rng = np.random.default_rng(0)

# Series of different lengths: does the pitch rise or fall?
X, y = [], []
for _ in range(300):
    steps, rises = rng.integers(15, 40), rng.integers(2)
    pitch = rng.uniform(0.3, 1.2) * (1 + (0.6 if rises else -0.4) * np.linspace(0, 1, steps))
    X.append(np.sin(np.cumsum(pitch)) + 0.1 * rng.standard_normal(steps))
    y.append("rises" if rises else "falls")
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)

search = GridSearchCV(
    LSTMClassifier(epochs=options.epochs, random_state=0), {"units": [4, 32]}, cv=3
)
search.fit(X_train, y_train)


def summary(series):
    return np.array([[s.mean(), s.std(), np.abs(np.diff(s)).mean()] for s in series])


simple = make_pipeline(StandardScaler(), LogisticRegression()).fit(summary(X_train), y_train)
majority = DummyClassifier().fit(X_train, y_train)
print(f"the search took {search.best_params_}")
print(f"rises or falls, LSTM                       {search.score(X_test, y_test):.3f}")
print(f"logistic regression of three numbers       {simple.score(summary(X_test), y_test):.3f}")
print(f"always the same                            {majority.score(X_test, y_test):.3f}")
copy = pickle.loads(pickle.dumps(search))
print(f"pickled, the same classes: {(copy.predict(X_test) == search.predict(X_test)).all()}")

# A table: tomorrow's temperature from the last 14 days, in a cross-validated pipeline.
temperature = load_seattle_weather()[1]["temp_max"].astype(np.float32)
lags = np.lib.stride_tricks.sliding_window_view(temperature[:-1], 14)
tomorrow = temperature[14:]
lstm = LSTMRegressor(units=16, epochs=options.epochs // 3, random_state=0)
for name, model in (("LSTM", lstm), ("ridge regression", Ridge())):
    pipeline = make_pipeline(StandardScaler(), model)
    scores = cross_val_score(
        pipeline, lags, tomorrow, cv=TimeSeriesSplit(3), scoring="neg_root_mean_squared_error"
    )
    print(f"RMSE of tomorrow in °C, {name:19}{-scores.mean():.2f}")

# A forecaster: rows are time steps, X is known ahead; each fold is forecast from those before.
day = np.arange(len(temperature)) * 2 * np.pi / 365.25
calendar = np.stack([np.sin(day), np.cos(day)], axis=1)
folds = TimeSeriesSplit(8, test_size=7)
for name, model in (
    ("LSTM", LSTMForecaster(window=30, epochs=options.epochs // 3, random_state=0)),
    ("the calendar alone", Ridge()),
):
    scores = cross_val_score(
        model, calendar, temperature, cv=folds, scoring="neg_mean_absolute_error"
    )
    print(f"MAE of the next 7 days in °C, {name:19}{-scores.mean():.2f}")
