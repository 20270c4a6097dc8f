"""Classifiers of long series: convolutions, pooling, and the warning beside a baseline."""

import warnings

import numpy as np
import pytest

from lstmcore import Sequential
from lstmcore.data import BaselineWarning

pytest.importorskip("sklearn")

from sklearn.base import clone

from lstmcore.estimators import LSTMClassifier, LSTMRegressor


def bumps(n=40, steps=80, seed=0):
    """Series of noise with a bump somewhere, and classes by its shape: to a side, or even."""
    rng = np.random.default_rng(seed)
    shapes = np.linspace(3, 0, 12), np.linspace(0, 3, 12)
    x = 0.3 * rng.standard_normal((n, steps, 1)).astype(np.float32)
    y = np.arange(n) % 2
    for series, kind in zip(x, y, strict=True):
        start = rng.integers(0, steps - 12)
        series[start : start + 12, 0] += shapes[kind]
    return x, np.array(["falls", "rises"])[y]


def test_a_shape_anywhere_in_a_long_series():
    x, y = bumps()
    model = LSTMClassifier(units=8, epochs=25, random_state=0).fit(x, y)
    assert model.score(*bumps(seed=1)) > 0.95
    assert model.predict_proba(x).dtype == np.float32


def test_the_network_follows_the_length():
    x, y = bumps(12)
    long = LSTMClassifier(units=2, epochs=1).set_params(random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BaselineWarning)
        long.fit(x, y)
        short = clone(long).fit(x[:, :20], y)
        chosen = clone(long).set_params(convolution=False, pooling="max", bidirectional=False)
        chosen.fit(x, y)
    kinds = [type(layer).__name__ for layer in long.model_.layers]
    assert kinds.count("Conv1D") == 3
    assert {"Bidirectional", "GlobalAveragePooling1D", "Concatenate"} <= set(kinds)
    assert long.model_.optimizer.learning_rate == pytest.approx(0.001)
    assert isinstance(short.model_, Sequential)
    assert [type(layer).__name__ for layer in short.model_.layers] == ["LSTM", "Dense"]
    assert short.model_.optimizer.learning_rate == pytest.approx(0.01)
    kinds = [type(layer).__name__ for layer in chosen.model_.layers]
    assert kinds == ["LSTM", "GlobalMaxPooling1D", "Dense"]


@pytest.mark.parametrize("pooling", ["last", "mean", "max"])
def test_padding_changes_nothing(pooling):
    x, y = bumps(16)
    series = [one[: 50 + 2 * i] for i, one in enumerate(x.astype(np.float64))]
    model = LSTMClassifier(units=3, epochs=2, pooling=pooling, convolution=True, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BaselineWarning)
        model.fit(series, y)
    together = model.predict_proba(series)
    alone = np.concatenate([model.predict_proba(one[None]) for one in series])
    np.testing.assert_allclose(together, alone, rtol=1e-9, atol=1e-12)


def test_parts_and_regression():
    x, y = bumps(16)
    model = LSTMClassifier(units=2, random_state=0)
    for _ in range(2):
        model.partial_fit(x, y, classes=["falls", "rises"])
    assert model.n_iter_ == 2
    regressor = LSTMRegressor(units=2, epochs=2, convolution=True, pooling="mean", random_state=0)
    assert regressor.fit(x, (y == "rises") * 1.0).predict(x).shape == (16,)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"convolution": "yes"}, "convolution: expected one of 'auto', True, False, got 'yes'"),
        ({"pooling": "sum"}, "pooling: expected one of 'auto', 'last', 'mean', 'max', got 'sum'"),
        ({"pooling": True}, "pooling: expected one of .*, got True"),
        ({"bidirectional": 1}, "bidirectional: expected one of 'auto', True, False, got 1"),
        ({"batch_size": "all"}, "batch_size: expected a whole number >= 1, got 'all'"),
        ({"learning_rate": "slow"}, "learning_rate: expected a number > 0, got 'slow'"),
    ],
)
def test_wrong_settings(settings, message):
    with pytest.raises(ValueError, match=message):
        LSTMClassifier(**settings).fit(*bumps(12))


def test_few_samples_have_more_epochs(monkeypatch):
    monkeypatch.setattr("lstmcore.estimators.base.STEPS", 550)  # instead of 1500
    x, y = bumps(40, steps=50)
    model = LSTMClassifier(units=1, random_state=0).fit(x, y)
    assert model.n_iter_ == 110  # of 5 steps
    short = LSTMClassifier(units=1, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BaselineWarning)
        assert short.fit(x[:, :5], y).n_iter_ == 100


@pytest.mark.parametrize("samples", [5, 36, 50, 51, 67, 200, 331, 4001])
def test_no_last_batch_is_small(samples):
    model = LSTMClassifier(convolution=True)
    model._parts_of_network = model._network(np.zeros((1, 60, 1)))
    size = model._batch_size(samples)
    small = min(max(samples // 10, 8), 32)
    assert small <= size <= 1.5 * small
    assert (samples - 1) % size + 1 >= min(0.6 * size, samples)


# --- the warning ----------------------------------------------------------------------------------


def test_a_network_that_learned_nothing_warns():
    x, y = bumps(40)
    with pytest.warns(BaselineWarning, match=r"LSTMClassifier is no better .* 40 training samples"):
        LSTMClassifier(units=2, epochs=1, convolution=False, random_state=0).fit(x, y)


def test_the_nearest_series_is_a_baseline_too():
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((4, 30))
    y = np.arange(80) % 4
    x = centres[y] + 0.01 * rng.standard_normal((80, 30))
    with pytest.warns(BaselineWarning, match=r"the nearest series' class 1\.000"):
        LSTMClassifier(units=2, epochs=2, random_state=0).fit(x, y)


def test_held_out_samples_are_compared():
    x, y = bumps(60)
    y = np.random.default_rng(3).permutation(y)  # nothing to learn
    model = LSTMClassifier(
        units=2, epochs=1, early_stopping=True, validation_fraction=0.5, random_state=1
    )
    with pytest.warns(BaselineWarning, match="30 held-out samples"):
        model.fit(x, y)


def test_weighted_classes_are_compared_by_their_recall():
    rng = np.random.default_rng(0)
    y = (np.arange(100) % 10 == 0) * 1
    x = rng.standard_normal((100, 8)) + 1.5 * y[:, None]
    with warnings.catch_warnings():
        warnings.simplefilter("error", BaselineWarning)
        LSTMClassifier(units=4, epochs=40, class_weight="balanced", random_state=0).fit(x, y)
