"""Losses that Keras lacks: quantiles, and a Gaussian's mean and variance."""

import loss_cases as cases
import numpy as np
import pytest
from gradients import loss_gradient
from helpers import numbers

from lstmcore import losses


@pytest.mark.parametrize("quantiles", [0.3, [0.5], [0.1, 0.5, 0.9]])
@pytest.mark.parametrize("targets", [1, 2])
def test_quantiles(quantiles, targets):
    loss, levels = losses.Quantile(quantiles), np.atleast_1d(quantiles)
    y = numbers(5, targets)
    p = numbers(5, targets * levels.size + 1)[:, 1:].copy()
    e = y[:, :, None] - p.reshape(5, targets, -1)
    want = np.maximum(levels * e, (levels - 1) * e).mean(axis=(1, 2))
    np.testing.assert_allclose(losses.quantile(y, p, quantiles), want, rtol=1e-12)
    grad = loss.forward(y, p)[1]
    np.testing.assert_allclose(grad, loss_gradient(loss, y, p), rtol=1e-6, atol=1e-9)
    again = losses.get(losses.serialize(loss))
    assert again.forward(y, p)[0] == loss.forward(y, p)[0]


def test_the_median_is_half_the_absolute_error():
    y, p = numbers(4, 3), numbers(3, 4).reshape(4, 3)
    np.testing.assert_allclose(losses.quantile(y, p), losses.mae(y, p) / 2, rtol=1e-14)


def test_a_quantile_is_where_its_loss_is_least():
    y = np.arange(101.0)[:, None]
    costs = [losses.Quantile(0.8)(y, np.full_like(y, at)) for at in y[:, 0]]
    assert np.argmin(costs) == 80


@pytest.mark.parametrize("quantiles", [0, 1, [0.5, 1.5], [], [[0.5]], float("nan")])
def test_quantiles_are_checked(quantiles):
    with pytest.raises(ValueError, match="between 0 and 1"):
        losses.Quantile(quantiles)


def test_an_output_that_does_not_hold_all_quantiles():
    with pytest.raises(ValueError, match=r"3 units for each target.*got \(4, 2\)"):
        losses.Quantile([0.1, 0.5, 0.9])(np.ones(4), np.ones((4, 2)))
    with pytest.raises(ValueError, match="two units for each target"):
        losses.GaussianNLL()(np.ones((4, 1)), np.ones((4, 3)))


@pytest.mark.parametrize("full", [False, True])
def test_gaussian_is_a_density(full):
    y, p = numbers(5, 2), numbers(5, 4)
    mean, variance = p[:, :2], np.exp(p[:, 2:])
    density = np.exp(-((y - mean) ** 2) / (2 * variance)) / np.sqrt(2 * np.pi * variance)
    constant = 0 if full else np.log(2 * np.pi) / 2
    want = (-np.log(density) - constant).mean(-1)
    np.testing.assert_allclose(losses.gaussian_nll(y, p, full), want, rtol=1e-12)
    loss = losses.GaussianNLL(full)
    np.testing.assert_allclose(
        loss.forward(y, p)[1], loss_gradient(loss, y, p), rtol=1e-6, atol=1e-9
    )


@pytest.mark.parametrize("name", ["Quantile", "GaussianNLL"])
def test_masks_and_weights_beyond_keras(name):
    loss = losses.get(name) if name == "GaussianNLL" else losses.Quantile([0.2, 0.7])
    y, p, mask = numbers(3, 4, 1), numbers(3, 4, 2), cases.MASK
    weight = cases.WEIGHT.astype(np.float64)
    value, grad = loss.forward(y, p, weight, mask=mask)
    each = loss.each(y, p)
    assert value == pytest.approx((each * weight)[mask].sum() / mask.sum())
    slow = loss_gradient(loss, y, p, sample_weight=weight, mask=mask)
    np.testing.assert_allclose(grad, slow, rtol=1e-6, atol=1e-9)
    worse = np.where(mask[..., None], p, np.nan)
    again, grad_again = loss.forward(y, worse, weight, mask=mask)
    assert again == value
    np.testing.assert_array_equal(grad_again, grad)
