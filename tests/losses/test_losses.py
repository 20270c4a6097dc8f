"""Losses: values, gradients, shapes, names, weights, and what is refused."""

import numpy as np
import pytest

from lstmcore import losses

Y = np.array([[0, 1, 1], [1, 0, 1]], np.float32)
P = np.array([[0, 0.7, 1], [0.2, 1, 0.4]], np.float32)  # saturated ones among them
WEIGHT = np.array([0.5, 2], np.float32)
CLASSES = np.array([2, 0])


@pytest.mark.parametrize(
    ("loss", "plain", "weighted"),
    [  # Keras 3.15.1 on JAX, float32
        (losses.MeanSquaredError(), 0.34833334, 0.67416669),
        (losses.MeanAbsoluteError(), 0.45000004, 0.82500007),
        (losses.BinaryCrossentropy(), 3.13746476, 6.18576097),
        (losses.BinaryCrossentropy(label_smoothing=0.2), 3.39035845, 5.86885405),
        (losses.BinaryCrossentropy(from_logits=True), 0.63900182, 0.92560486),
        (losses.CategoricalCrossentropy(), 2.44183367, 3.82021876),
        (losses.CategoricalCrossentropy(label_smoothing=0.3), 2.78287190, 3.50612777),
        (losses.CategoricalCrossentropy(from_logits=True), 2.28828758, 3.23246936),
        (losses.MeanSquaredError("sum"), 0.69666669, 1.34833337),
        (losses.MeanSquaredError("mean_with_sample_weight"), 0.34833334, 0.53933335),
        (losses.MeanSquaredError("none"), [0.03, 0.66666669], [0.015, 1.33333337]),
    ],
)
def test_values(loss, plain, weighted):
    np.testing.assert_allclose(loss(Y, P), plain, rtol=1e-6)
    np.testing.assert_allclose(loss(Y, P, WEIGHT), weighted, rtol=1e-6)


@pytest.mark.parametrize(
    ("logits", "plain", "weighted"),
    [(False, 1.30503490, 2.21209860), (True, 1.11914379, 1.67873468)],
)
def test_sparse_values(logits, plain, weighted):
    loss = losses.SparseCategoricalCrossentropy(from_logits=logits)  # Keras 3.15.1
    assert loss(CLASSES, P) == pytest.approx(plain, rel=1e-6)
    assert loss(CLASSES[:, None], P) == pytest.approx(plain, rel=1e-6)
    assert loss(CLASSES, P, WEIGHT) == pytest.approx(weighted, rel=1e-6)


SMOOTH = [
    losses.MeanSquaredError(),
    losses.MeanAbsoluteError(),
    losses.MeanSquaredError("sum"),
    losses.MeanSquaredError("mean_with_sample_weight"),
    losses.BinaryCrossentropy(),
    losses.BinaryCrossentropy(from_logits=True, label_smoothing=0.1),
    losses.CategoricalCrossentropy(label_smoothing=0.1),
    losses.CategoricalCrossentropy(from_logits=True),
    losses.SparseCategoricalCrossentropy(),
    losses.SparseCategoricalCrossentropy(from_logits=True),
]


@pytest.mark.parametrize("loss", SMOOTH, ids=repr)
@pytest.mark.parametrize("shape", [(4, 3), (2, 5, 3)])
@pytest.mark.parametrize("weighted", [False, True])
def test_gradient(loss, shape, weighted):
    rng = np.random.default_rng(1)
    p = rng.uniform(0.1, 0.9, shape)
    sparse = isinstance(loss, losses.SparseCategoricalCrossentropy)
    y = rng.integers(0, 3, shape[:-1]) if sparse else rng.uniform(0, 1, shape)
    weight = rng.uniform(0, 2, shape[0]) if weighted else None
    y = loss.align(y, shape, p.dtype)
    value, grad = loss.forward(y, p, weight)
    assert value == pytest.approx(loss(y, p, weight), rel=1e-14)
    numeric = np.zeros(shape)
    for i in np.ndindex(shape):
        for sign in (1, -1):
            moved = p.copy()
            moved[i] += sign * 1e-6
            numeric[i] += sign * loss.forward(y, moved, weight, grad=False)[0] / 2e-6
    np.testing.assert_allclose(grad, numeric, rtol=1e-7, atol=1e-9)


def test_a_probability_that_was_cut_passes_no_gradient():
    grad = losses.BinaryCrossentropy().forward(Y, P)[1]  # as the gradient of a clip is
    np.testing.assert_array_equal(grad == 0, (P == 0) | (P == 1))
    certain = np.array([[1, 0, 0]], np.float32)
    for y in np.eye(3, dtype=np.float32):
        assert (losses.CategoricalCrossentropy().forward(y[None], certain)[1] == 0).all()


@pytest.mark.parametrize("name", ["BinaryCrossentropy", "CategoricalCrossentropy"])
def test_large_logits(name):
    logits = np.array([[1000, -1000, 0]], np.float32)
    loss = losses.get({"class_name": name, "config": {"from_logits": True}})
    value, grad = loss.forward(np.array([[0, 1, 0]], np.float32), logits)
    assert 600 < value < 2001
    assert np.isfinite(grad).all()


@pytest.mark.parametrize("loss", SMOOTH, ids=repr)
def test_float32_stays_float32_and_arguments_stay_as_they_are(loss):
    sparse = isinstance(loss, losses.SparseCategoricalCrossentropy)
    y, p = (CLASSES if sparse else Y).copy(), P.copy()
    grad = loss.forward(loss.align(y, p.shape, p.dtype), p, WEIGHT)[1]
    assert grad.dtype == np.float32
    assert np.isfinite(grad).all()
    np.testing.assert_array_equal(p, P)
    np.testing.assert_array_equal(y, CLASSES if sparse else Y)


def test_a_weight_of_zero_takes_a_sample_out():
    loss = losses.MeanSquaredError()
    grad = loss.forward(Y, P, np.array([0, 1], np.float32))[1]
    assert (grad[0] == 0).all()
    assert (grad[1] != 0).any()


def test_targets_may_lack_or_have_an_axis_of_one():
    y, p = np.arange(4.0), np.zeros((4, 1))
    assert losses.mean_squared_error(y, p).shape == (4,)
    assert losses.get("mse")(y, p) == losses.get("mse")(y[:, None], p) == 3.5
    assert losses.get("mae")(np.ones((2, 3, 1)), np.zeros((2, 3))) == 1


@pytest.mark.parametrize(
    ("loss", "y", "message"),
    [
        ("mse", np.ones(4), r"shape of the output \(4, 3\), got \(4,\)"),
        ("mse", np.ones((4, 1)), r"got \(4, 1\)"),
        ("bce", np.ones((1, 3)), r"got \(1, 3\)"),
        ("categorical_crossentropy", np.ones(4), "use sparse_categorical_crossentropy"),
        ("sparse_categorical_crossentropy", np.ones((4, 3)), "use categorical_crossentropy"),
        ("sparse_categorical_crossentropy", [0, 1, 2, 3], "from 0 to 2, got values from 0 to 3"),
        ("sparse_categorical_crossentropy", [0, 1, 2, -1], "got values from -1 to 2"),
        ("sparse_categorical_crossentropy", [0, 1, 2, 0.5], "whole class numbers"),
    ],
)
def test_losses_refuse_targets(loss, y, message):
    with pytest.raises(ValueError, match=message):
        losses.get(loss)(y, np.full((4, 3), 1 / 3))


def test_losses_refuse_weights_of_another_shape():
    with pytest.raises(ValueError, match=r"one weight a sample, shape \(2,\).*got \(3,\)"):
        losses.get("mse")(Y, P, np.ones(3))


@pytest.mark.parametrize(
    ("name", "cls"),
    [
        ("mse", losses.MeanSquaredError),
        ("MSE", losses.MeanSquaredError),
        ("mean_squared_error", losses.MeanSquaredError),
        (losses.mean_squared_error, losses.MeanSquaredError),
        (losses.mae, losses.MeanAbsoluteError),
        (losses.BinaryCrossentropy, losses.BinaryCrossentropy),
        ("binary_crossentropy", losses.BinaryCrossentropy),
        ("categorical_crossentropy", losses.CategoricalCrossentropy),
        ("sparse_categorical_crossentropy", losses.SparseCategoricalCrossentropy),
        ({"class_name": "MeanAbsoluteError", "config": {}}, losses.MeanAbsoluteError),
    ],
)
def test_names(name, cls):
    assert type(losses.get(name)) is cls


def test_unknown_names_and_arguments():
    with pytest.raises(ValueError, match="unknown loss 'mean_sqared_error': did you mean"):
        losses.get("mean_sqared_error")
    with pytest.raises(TypeError, match="no argument 'logits': did you mean 'from_logits'"):
        losses.BinaryCrossentropy(logits=True)
    with pytest.raises(ValueError, match="reduction: expected one of"):
        losses.MeanSquaredError("average")
    with pytest.raises(ValueError, match="label_smoothing"):
        losses.BinaryCrossentropy(label_smoothing=2)
    with pytest.raises(TypeError, match="expected a loss"):
        losses.get(3)


def test_config_round_trip():
    loss = losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.2, reduction="sum")
    again = losses.get({"class_name": "CategoricalCrossentropy", "config": loss.get_config()})
    assert again.get_config() == loss.get_config()
    assert again(Y, P) == loss(Y, P)


def test_a_function_with_its_gradient_is_a_loss():
    def fourth(y, p):
        return ((p - y) ** 4).sum(-1), 4 * (p - y) ** 3

    value, grad = losses.get(fourth).forward(Y, P)
    assert value == pytest.approx(float(((P - Y) ** 4).sum() / 2))
    np.testing.assert_allclose(grad, 4 * (P - Y) ** 3 / 2, rtol=1e-6)
    assert losses.get(fourth).name == "fourth"
    with pytest.raises(TypeError, match="return values, or"):
        losses.get(lambda y, p: (p, y, p)).forward(Y, P)
    with pytest.raises(ValueError, match=r"expected values \(2,\)"):
        losses.get(lambda y, p: (p - y, p - y)).forward(Y, P)


def test_one_weight_for_all_steps_of_a_sample_may_have_their_axis():
    y, p, loss = np.zeros((2, 3, 1)), np.ones((2, 3, 1)), losses.MeanSquaredError("sum")
    assert loss(y, p, [[1.0], [2.0]]) == loss(y, p, [1.0, 2.0]) == 9
    with pytest.raises(ValueError, match="sample_weight: expected"):
        loss(y, p, [[1.0, 2.0]])


def test_attributes_of_users_have_the_likely_names():
    class Scaled(losses.Loss):
        def __init__(self, scale=2.0, count=3, **kwargs):
            super().__init__(**kwargs)
            self.scale, self.count = scale, count

        def call(self, y_true, y_pred):
            return self.scale * ((y_true - y_pred) ** 2).mean(axis=-1) / self.count

    y = np.ones((4, 2), "float32")
    assert np.isclose(float(Scaled()(y, 0 * y)), 2 / 3)
