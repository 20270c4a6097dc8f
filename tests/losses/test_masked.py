"""Losses and metrics under a mask: Keras's numbers, gradients, what counts."""

import numpy as np
import pytest
from formulas import wave32
from gradients import gradient

from lstmcore import losses, metrics

MASK = np.array([[1, 1, 1, 0], [1, 0, 1, 1], [0, 0, 0, 0]], bool)
P, Y = wave32((3, 4, 2), 0.7), wave32((3, 4, 2), 1.3)
SHARES = (np.abs(P) + 0.1) / (np.abs(P) + 0.1).sum(-1, keepdims=True)
CLASSES = (Y[..., 0] > 0).astype(int)
ONE_HOT = np.eye(2, dtype=np.float32)[CLASSES]
WEIGHT = wave32((3, 4), 0.5) + 1
CASES = {
    "MeanSquaredError": (Y, P),
    "MeanAbsoluteError": (Y, P),
    "BinaryCrossentropy": (ONE_HOT, SHARES),
    "CategoricalCrossentropy": (ONE_HOT, SHARES),
    "SparseCategoricalCrossentropy": (CLASSES, SHARES),
}


def make(name, reduction="sum_over_batch_size"):
    return getattr(losses, name)(reduction=reduction)


# Keras 3.15.1 on JAX, with set_keras_mask(y_pred, MASK): without and with WEIGHT
KERAS = {
    "sum_over_batch_size": {
        "MeanSquaredError": (0.5812292, 0.6809567),
        "MeanAbsoluteError": (0.6462817, 0.8053226),
        "BinaryCrossentropy": (0.7723384, 1.0722553),
        "CategoricalCrossentropy": (0.7723384, 1.0722553),
        "SparseCategoricalCrossentropy": (0.7723384, 1.0722553),
    },
    "sum": {
        "MeanSquaredError": (3.4873748, 4.0857401),
        "MeanAbsoluteError": (3.8776898, 4.8319359),
        "BinaryCrossentropy": (4.6340308, 6.4335313),
        "CategoricalCrossentropy": (4.6340308, 6.4335313),
        "SparseCategoricalCrossentropy": (4.6340308, 6.4335313),
    },
    "mean_with_sample_weight": {
        "MeanSquaredError": (0.5812292, 0.5402968),
        "MeanAbsoluteError": (0.6462817, 0.6389735),
        "BinaryCrossentropy": (0.7723384, 0.8507679),
        "CategoricalCrossentropy": (0.7723384, 0.8507679),
        "SparseCategoricalCrossentropy": (0.7723384, 0.8507679),
    },
}


@pytest.mark.parametrize("reduction", KERAS)
@pytest.mark.parametrize("name", CASES)
def test_values_are_keras(name, reduction):
    loss, (y, p) = make(name, reduction), CASES[name]
    plain, weighted = KERAS[reduction][name]
    assert loss(y, p, mask=MASK) == pytest.approx(plain, rel=1e-6)
    assert loss(y, p, WEIGHT, mask=MASK) == pytest.approx(weighted, rel=1e-6)
    assert loss(y, p, WEIGHT[..., None], mask=MASK) == pytest.approx(weighted, rel=1e-6)
    assert loss(y, p, mask=0 * MASK) == 0


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("reduction", KERAS)
@pytest.mark.parametrize("weight", [None, WEIGHT[:, 0], WEIGHT], ids=["no", "sample", "step"])
def test_gradient(name, reduction, weight):
    loss, (y, p) = make(name, reduction), CASES[name]
    p = p.astype(np.float64)
    y = loss.align(y, p.shape, p.dtype)
    value, grad = loss.forward(y, p, weight, mask=MASK)
    numeric = gradient(lambda: loss.forward(y, p, weight, False, MASK)[0], p)
    assert value == pytest.approx(loss(y, p, weight, mask=MASK))
    np.testing.assert_allclose(grad, numeric, rtol=1e-6, atol=1e-8)
    assert (grad[~MASK] == 0).all()


def test_a_masked_loss_is_that_of_the_real_steps_alone():
    for name, (y, p) in CASES.items():
        assert make(name)(y, p, mask=MASK) == pytest.approx(make(name)(y[MASK], p[MASK]), rel=1e-6)


@pytest.mark.parametrize("name", CASES)
def test_what_stands_at_masked_steps_does_not_matter(name):
    loss, (y, p) = make(name), CASES[name]
    want, grad = loss.forward(loss.align(y, p.shape, p.dtype), p, mask=MASK)
    for bad in (np.nan, np.inf, 0):
        worse, worse_y = p.copy(), y.copy()
        worse[~MASK] = bad
        if y.dtype.kind == "f":
            worse_y[~MASK] = bad
        again, grad_again = loss.forward(loss.align(worse_y, p.shape, p.dtype), worse, mask=MASK)
        assert again == want
        np.testing.assert_array_equal(grad_again, grad)
        assert grad_again.dtype == np.float32


def test_nothing_real_gives_nothing():
    for name, (y, p) in CASES.items():
        for reduction in KERAS:
            loss = make(name, reduction)
            value, grad = loss.forward(
                loss.align(y, p.shape, p.dtype), p, WEIGHT, mask=np.zeros_like(MASK)
            )
            assert value == 0
            assert (grad == 0).all()


def test_without_reduction_masked_values_are_0():
    loss = make("MeanSquaredError", "none")
    values = loss(Y, P, mask=MASK)
    np.testing.assert_allclose(values, losses.mse(Y, P) * MASK)
    np.testing.assert_allclose(loss(Y, P, WEIGHT, MASK), losses.mse(Y, P) * MASK * WEIGHT)


def test_a_function_sees_all_steps_and_the_real_ones_count():
    def square(y, p):
        assert p.shape == (3, 4, 2)
        return ((p - y) ** 2).mean(-1), p - y

    value, grad = losses.get(square).forward(Y, P, mask=MASK)
    want, want_grad = make("MeanSquaredError").forward(Y, P, mask=MASK)
    assert value == pytest.approx(want)
    np.testing.assert_allclose(grad, want_grad, rtol=1e-6)


def test_a_mask_that_does_not_fit_the_values():
    with pytest.raises(ValueError, match=r"'mean_squared_error': the mask of the output is \(3, 4"):
        losses.get("mse").forward(Y[:, 0], P[:, 0], mask=MASK)


# -- metrics -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "y", "p"),
    [
        ("mse", Y, P),
        ("rmse", Y, P),
        ("mae", Y, P),
        ("mae", Y[..., 0], P[..., :1]),
        ("binary_accuracy", ONE_HOT, SHARES),
        ("categorical_accuracy", ONE_HOT, SHARES),
        ("sparse_categorical_accuracy", CLASSES, SHARES),
        ("bce", ONE_HOT, SHARES),
        ("cce", ONE_HOT, SHARES),
        ("scce", CLASSES, SHARES),
        (lambda y, p: np.abs(y - p).max(-1), Y, P),
    ],
)
def test_a_masked_metric_is_that_of_the_real_steps_alone(name, y, p):
    want = metrics.get(name)(y[MASK], p[MASK])
    for bad in (np.nan, 0):
        metric, worse = metrics.get(name), p.copy()
        worse[~MASK] = bad
        assert metric(y, worse, MASK) == pytest.approx(want, rel=1e-6)
        assert metric(y, p, MASK & False) == pytest.approx(want, rel=1e-6)  # adds nothing


def test_batches_weigh_what_they_have_that_is_real():
    metric = metrics.MeanAbsoluteError()
    for i in range(3):
        metric.update_state(Y[i : i + 1], P[i : i + 1], MASK[i : i + 1])
    assert metric.result() == pytest.approx(metrics.MeanAbsoluteError()(Y[MASK], P[MASK]))


def test_one_number_of_a_metric_is_that_of_the_real_steps():
    metric = metrics.get(lambda y, p: np.abs(y - p).max())
    metric.update_state(Y, np.where(MASK[..., None], P, np.nan), MASK)
    assert metric.result() == np.abs(Y - P)[MASK].max()
    metric.update_state(Y, P, MASK & False)  # adds nothing
    assert metric.result() == np.abs(Y - P)[MASK].max()
    with pytest.raises(ValueError, match=r"a value for each sample.* got one number"):
        metric.update_state(Y, P, np.ones(len(Y)), MASK)


def test_one_value_of_a_row_is_that_of_its_real_steps():
    metric = metrics.get(lambda y, p: np.abs(y - p).mean(axis=(1, 2)))
    real, weight = MASK.any(axis=1), np.arange(1.0, len(Y) + 1)
    rows = [np.abs(Y[i] - P[i])[MASK[i]].mean() for i in np.flatnonzero(real)]
    metric.update_state(Y, np.where(MASK[..., None], P, np.nan), MASK)
    assert metric.result() == pytest.approx(np.mean(rows))
    metric.reset_state()
    metric.update_state(Y, P, weight, MASK)
    assert metric.result() == pytest.approx(np.average(rows, weights=weight[real]))
