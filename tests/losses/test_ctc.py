"""CTC against the sum over all paths; Keras's numbers are in test_keras_losses.py."""

import itertools

import loss_cases as cases
import numpy as np
import pytest
from gradients import loss_gradient
from helpers import numbers

from lstmcore import losses


def collapse(path):
    """Return the labels that a path spells: neighbours merged, blanks gone."""
    return [a for a, b in zip(path, [None, *path], strict=False) if a != b and a != 0]


def likelihood(labels, logits):
    """The sum over all paths, one by one."""
    p = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    steps, classes = p.shape
    paths = itertools.product(range(classes), repeat=steps)
    return sum(
        np.prod(p[np.arange(steps), list(path)])
        for path in paths
        if collapse(path) == [label for label in labels if label]
    )


LABELS = [[1, 2, 0], [2, 2, 0], [1, 0, 0], [0, 0, 0], [1, 2, 1]]
LEFT = np.array([[0, 1, 1, 1, 1]] * 5, bool)
HOLES = np.array(
    [[1, 1, 0, 1, 1], [1, 1, 1, 1, 0], [0, 0, 1, 0, 0], [1, 0, 0, 0, 1], [1] * 5], bool
)


@pytest.mark.parametrize("mask", [None, LEFT, HOLES], ids=["all", "left", "holes"])
def test_ctc_is_the_sum_over_all_walks(mask):
    logits = 2 * numbers(5, 5, 3)
    unmasked = np.ones((5, 5), bool) if mask is None else mask
    loss = losses.CTC(reduction="none")
    got = loss(LABELS, logits, mask=mask)
    want = [-np.log(likelihood(y, x[m])) for y, x, m in zip(LABELS, logits, unmasked, strict=True)]
    np.testing.assert_allclose(got, want, rtol=1e-12)
    worse = np.where(unmasked[..., None], logits, np.nan)
    np.testing.assert_array_equal(loss(LABELS, worse, mask=mask), got)


@pytest.mark.parametrize("mask", [None, LEFT, HOLES], ids=["all", "left", "holes"])
@pytest.mark.parametrize("reduction", cases.REDUCTIONS)
def test_the_gradient_of_ctc(mask, reduction):
    logits, loss = 2 * numbers(5, 5, 3), losses.CTC(reduction)
    y = loss.align(LABELS, logits.shape, logits.dtype)
    weight = np.array([0.5, 1, 2, 0, 3])
    grad = loss.forward(y, logits, weight, mask=mask)[1]
    slow = loss_gradient(loss, y, logits, sample_weight=weight, mask=mask)
    np.testing.assert_allclose(grad, slow, rtol=1e-6, atol=1e-8)
    if mask is not None:
        assert (grad[~mask] == 0).all()


def test_a_row_of_ctc_does_not_depend_on_the_others():
    logits, loss = numbers(5, 5, 3), losses.CTC("none")
    alone = [loss([y], x[None])[0] for y, x in zip(LABELS, logits, strict=True)]
    np.testing.assert_allclose(loss(LABELS, logits), alone, rtol=1e-14)
    padded = np.pad(LABELS, ((0, 0), (0, 3)))
    np.testing.assert_allclose(loss(padded, logits), alone, rtol=1e-14)
    left = np.array([[*(0 for v in y if not v), *(v for v in y if v)] for y in LABELS])
    np.testing.assert_array_equal(loss(left, logits), loss(LABELS, logits))


def test_ctc_rows_without_a_real_step_do_not_count():
    logits, loss = numbers(2, 5, 3), losses.CTC()
    mask = np.array([[1] * 5, [0] * 5], bool)
    assert loss(LABELS[:2], logits, mask=mask) == pytest.approx(loss(LABELS[:1], logits[:1]))
    value, grad = loss.forward(np.array(LABELS[:2]), logits, mask=np.zeros((2, 5), bool))
    assert value == 0
    assert (grad == 0).all()


def test_labels_that_do_not_fit_are_costly_and_finite():
    logits, loss = numbers(1, 2, 3), losses.CTC()
    value, grad = loss.forward(np.array([[1, 2, 1]]), logits)
    assert 9e4 < value < 2e5
    assert np.isfinite(grad).all()
    assert loss([[1, 1]], logits) > 9e4  # equal neighbours want a blank between them


def test_long_rows_do_not_underflow():
    logits = np.zeros((1, 2000, 2), np.float32)
    value = losses.CTC()([[1]], logits)  # n (n + 1) / 2 paths of 2^n
    assert value == pytest.approx(2000 * np.log(2) - np.log(2000 * 2001 / 2), rel=1e-4)


def test_long_rows_lose_no_digits_in_float32():
    logits, loss = numbers(2, 400, 6), losses.CTC()
    y = np.arange(60).reshape(2, 30) % 5 + 1
    (value, grad), (value64, grad64) = (loss.forward(y, logits.astype(t)) for t in ("f4", "f8"))
    assert value == pytest.approx(value64, rel=1e-6)
    assert grad.dtype == np.float32
    np.testing.assert_allclose(grad, grad64, atol=2e-5 * np.abs(grad64).max())


@pytest.mark.parametrize(
    ("y", "shape", "message"),
    [
        ([1, 2], (2, 5, 3), r"expected labels \(batch, labels\).*got \(2,\)"),
        ([[1, 3]], (1, 5, 3), "from 1 to 2, and 0 as padding, got values from 1 to 3"),
        ([[1, -1]], (1, 5, 3), "got values from -1 to 1"),
        ([[0.5]], (1, 5, 3), "whole labels"),
        ([[1]], (1, 5), "batch, time, classes"),
    ],
)
def test_ctc_refuses_targets(y, shape, message):
    with pytest.raises(ValueError, match=message):
        losses.CTC()(y, np.zeros(shape))
