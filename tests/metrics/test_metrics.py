"""Metrics: running means, shapes, names."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lstmcore import metrics

Y = np.array([[0, 1, 1], [1, 0, 1]], np.float32)
P = np.array([[0, 0.7, 1], [0.2, 1, 0.4]], np.float32)  # saturated ones among them
CLASSES = np.array([2, 0])


def test_metric_values():
    assert metrics.get("mse")(Y, P) == pytest.approx(0.34833334, rel=1e-6)
    assert metrics.get("mae")(Y, P) == pytest.approx(0.45, rel=1e-6)
    assert metrics.get("rmse")(Y, P) == pytest.approx(np.sqrt(0.34833334), rel=1e-6)
    assert metrics.BinaryAccuracy()(Y, P) == 0.5  # Keras 3.15.1
    assert metrics.BinaryAccuracy(threshold=0.3)(Y, P) == pytest.approx(4 / 6)
    assert metrics.CategoricalAccuracy()(np.eye(3), np.eye(3)[[0, 1, 1]]) == pytest.approx(2 / 3)
    assert metrics.SparseCategoricalAccuracy()([2, 1], P) == 1
    assert metrics.get("bce")(Y, P) == pytest.approx(3.13746476, rel=1e-6)
    assert metrics.get("cce")(Y, P) == pytest.approx(2.44183367, rel=1e-6)
    assert metrics.get("scce")(CLASSES, P) == pytest.approx(1.30503490, rel=1e-6)


def test_a_metric_is_a_running_mean():
    mean = metrics.Mean()
    mean.update_state(2.0, 3)
    mean.update_state([6.0, 8.0])
    assert mean.result() == 4
    mean.reset_state()
    assert mean.result() == 0
    error = metrics.MeanAbsoluteError()
    error.update_state([[1.0], [3.0]], [[0.0], [0.0]], sample_weight=[3, 1])
    assert error.result() == 1.5
    error.update_state([[4.0]], [[0.0]])
    assert error.result() == 2


def test_the_root_is_taken_of_the_mean_of_all_batches():
    rmse = metrics.RootMeanSquaredError()
    rmse.update_state([[3.0]], [[0.0]])
    rmse.update_state([[4.0], [5.0]], [[0.0], [0.0]])
    assert rmse.result() == pytest.approx(np.sqrt(50 / 3))


@pytest.mark.parametrize(
    ("y", "p", "cls"),
    [
        ((8, 1), (8, 1), metrics.BinaryAccuracy),
        ((8, 5, 1), (8, 5, 1), metrics.BinaryAccuracy),
        ((8,), (8, 3), metrics.SparseCategoricalAccuracy),
        ((8, 1), (8, 3), metrics.SparseCategoricalAccuracy),
        ((8, 5), (8, 5, 3), metrics.SparseCategoricalAccuracy),
        ((8, 3), (8, 3), metrics.CategoricalAccuracy),
    ],
)
@pytest.mark.parametrize("name", ["accuracy", "acc"])
def test_accuracy_fits_the_shapes(y, p, cls, name):
    metric = metrics.resolve(name, y, p)
    assert type(metric) is cls
    assert metric.name == name


def test_metric_names():
    assert metrics.resolve("mae", (8, 1), (8, 1)).name == "mae"
    assert metrics.resolve(metrics.MeanAbsoluteError(), (8, 1), (8, 1)).name == (
        "mean_absolute_error"
    )
    own = metrics.get(lambda y, p: np.abs(y - p) > 1)
    assert own.name == "lambda"  # as in Keras
    assert own([[0.0], [0.0]], [[2.0], [0.5]]) == 0.5
    with pytest.raises(ValueError, match="unknown metric 'acuracy'"):
        metrics.get("acuracy")


@given(p=arrays(np.float64, (6, 2), elements=st.floats(0, 1)), cut=st.integers(1, 5))
def test_metrics_do_not_depend_on_how_samples_come_in_batches(p, cut):
    y = np.array([[0, 1], [1, 0], [1, 0], [0, 1], [0, 1], [1, 0]])
    for name in ("auc", "precision", "recall", "f1_score", "categorical_accuracy", "mse", "mape"):
        whole, parts = metrics.get(name), metrics.get(name)
        whole.update_state(y, p)
        parts.update_state(y[:cut], p[:cut])
        parts.update_state(y[cut:], p[cut:])
        np.testing.assert_allclose(parts.result(), whole.result(), rtol=1e-12)
