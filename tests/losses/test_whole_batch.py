"""Losses of whole batches: gradients with weights and masks, one value for a batch, in fit."""

import numpy as np
import pytest
from gradients import gradient

from lstmcore import Sequential, layers, losses
from lstmcore.autodiff.tape import differentiate

RNG = np.random.default_rng(4)
Y = (RNG.uniform(size=(3, 4, 2)) > 0.4).astype(float)
P = RNG.uniform(0.05, 0.95, (3, 4, 2))
MASK = np.array([[1, 1, 1, 0], [1, 0, 1, 1], [0, 1, 1, 0]], bool)
LABELS = np.array([0, 1, 0, 2, 1])
UNIT = RNG.normal(size=(5, 3))
UNIT /= np.linalg.norm(UNIT, axis=1, keepdims=True)


@pytest.mark.parametrize(
    ("loss", "weight"),
    [
        (losses.Dice(), np.array([0.5, 2, 1])),
        (losses.Dice(axis=(1, 2)), np.array([0.5, 2, 1])),
        (losses.Dice(axis=1), np.array([0.5, 2, 1])),
        (losses.Dice("sum", axis=-1), RNG.uniform(size=(3, 4))),
        (losses.Tversky(0.3, 0.8), None),
        (losses.Tversky(0.3, 0.8, axis=[1, 2]), np.array([0.5, 2, 1])),
    ],
    ids=repr,
)
@pytest.mark.parametrize("mask", [None, MASK])
def test_overlaps_gradient(loss, weight, mask):
    p = P.copy()
    dp = loss.forward(Y, p, weight, mask=mask)[1]
    want = gradient(lambda: loss.forward(Y, p, weight, False, mask)[0], p)
    np.testing.assert_allclose(dp, want, rtol=1e-6, atol=1e-9)
    if mask is not None:
        p[~mask], y = np.nan, np.where(mask[..., None], Y, np.nan)
        np.testing.assert_array_equal(loss.forward(y, p, weight, mask=mask)[1], dp)


def test_a_row_alone_is_that_row_of_a_padded_batch():
    loss = losses.Dice("none", axis=(1, 2))
    rows = [loss(y[None, m], p[None, m])[0] for y, p, m in zip(Y, P, MASK, strict=True)]
    np.testing.assert_allclose(loss(Y, P, mask=MASK), rows, rtol=1e-12)
    whole = losses.Tversky(0.3, 0.8)
    assert whole(Y, P, mask=MASK) == pytest.approx(whole(Y[MASK], P[MASK]), rel=1e-12)


@pytest.mark.parametrize("arguments", [{}, {"gamma": 5.0}, {"gamma": 5, "remove_diagonal": False}])
@pytest.mark.parametrize("weight", [None, np.array([0.5, 2, 1, 3, 0])])
def test_circle_gradient(arguments, weight):
    loss, p = losses.Circle(**arguments), UNIT * 0.9  # no cosine is 1, where the slope jumps
    dp = loss.forward(LABELS, p, weight)[1]
    want = gradient(lambda: loss.forward(LABELS, p, weight, False)[0], p)
    np.testing.assert_allclose(dp, want, rtol=2e-5, atol=1e-7)


@pytest.mark.parametrize(
    ("loss", "y", "p"),
    [
        (losses.Circle(gamma=5), LABELS, UNIT * 0.9),
        (losses.Dice(axis=(1, 2)), Y, P),
        (losses.MeanSquaredError(), Y, P),
    ],
    ids=["circle", "dice", "mse"],
)
def test_each_value_within_a_function_that_is_derived(loss, y, p):
    p = p.copy()

    def uneven(box):
        values = loss.each(y, box)
        return (values * np.arange(1.0, 1 + np.size(values)).reshape(np.shape(values))).sum()

    dp = differentiate(uneven, p)[1](np.ones(()))
    np.testing.assert_allclose(dp, gradient(lambda: float(uneven(p)), p), rtol=2e-5, atol=1e-7)


def test_circle_with_references_and_rows_left_out():
    others, labels = UNIT[::-1] * 1.0, LABELS[::-1]
    plain = losses.circle(LABELS, UNIT, remove_diagonal=False, gamma=4)
    np.testing.assert_allclose(
        losses.circle(LABELS, UNIT, labels, others, remove_diagonal=False, gamma=4), plain
    )
    keep = np.array([1, 1, 0, 1, 1], bool)
    assert losses.Circle()(LABELS, UNIT, mask=keep) == losses.Circle()(LABELS[keep], UNIT[keep])
    with pytest.raises(ValueError, match=r"class numbers \(batch,\) for embeddings .* \(5, 2\)"):
        losses.Circle()(np.ones((5, 2)), UNIT)


def test_generalized_crossentropy_where_nothing_is_left():
    value, dp = losses.CategoricalGeneralizedCrossEntropy(0.5).forward(
        np.array([1]), np.array([[1.0, 0.0]])
    )
    assert value == 2
    assert np.isfinite(dp).all()
    assert dp[0, 1] < -1000
    with pytest.raises(ValueError, match="q: expected a number above 0 and below 1, got 1"):
        losses.CategoricalGeneralizedCrossEntropy(1)


@pytest.mark.parametrize(
    ("loss", "y"),
    [
        ("dice", np.tile([[1.0, 0, 0]], (40, 1))),
        (losses.Tversky(axis=-1), np.tile([[0.0, 1, 0]], (40, 1))),
        ("categorical_generalized_cross_entropy", np.full(40, 2)),
        (losses.Circle(gamma=4), np.arange(40) % 3),
    ],
)
def test_fit_learns_by_it(loss, y):
    x = RNG.normal(size=(40, 5, 2)).astype("f4")
    x += np.arange(40)[:, None, None] % 3
    model = Sequential([layers.LSTM(4), layers.Dense(3, "softmax"), layers.UnitNormalization()])
    model.compile("adam", loss)
    model.optimizer.learning_rate = 0.02
    history = model.fit(x, y, epochs=8, verbose=0, class_weight={0: 1, 1: 1, 2: 1}).history["loss"]
    assert history[-1] < history[0]
