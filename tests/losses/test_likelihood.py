"""Likelihoods of Student's t distribution and of counts: SciPy's densities, slow gradients."""

import loss_cases as cases
import numpy as np
import pytest
from gradients import loss_gradient
from helpers import numbers
from scipy import stats

from lstmcore import losses

COUNTS = np.array([[0.0, 3], [1, 250], [7, 0], [2, 40], [0, 1]])


def student(p):
    m, s, v = np.split(p, 3, axis=-1)
    return stats.t(2 + np.exp(v), m, np.exp(s)).logpdf


def negative_binomial(p):
    m, a = np.split(np.exp(p), 2, axis=-1)
    return stats.nbinom(1 / a, 1 / (1 + a * m)).logpmf


def poisson(p):
    return stats.poisson(np.exp(p)).logpmf


CASES = {
    "StudentTNLL": (student, 3, numbers(5, 2)),
    "NegativeBinomialNLL": (negative_binomial, 2, COUNTS),
    "PoissonNLL": (poisson, 1, COUNTS),
}


@pytest.mark.parametrize("name", CASES)
def test_density_and_gradient(name):
    density, parameters, y = CASES[name]
    loss, p = losses.get(name), 1.5 * numbers(5, 2 * parameters)
    np.testing.assert_allclose(loss.each(y, p), -density(p)(y).mean(-1), rtol=1e-10)
    slow = loss_gradient(loss, y, p)
    np.testing.assert_allclose(loss.forward(y, p)[1], slow, rtol=1e-6, atol=1e-8)
    again = losses.get(losses.serialize(loss))
    assert type(again) is type(loss)
    single, grad = loss.forward(y.astype(np.float32), p.astype(np.float32))
    assert single == pytest.approx(loss.forward(y, p)[0], rel=1e-5)
    assert grad.dtype == np.float32


@pytest.mark.parametrize("name", CASES)
def test_masks_and_weights(name):
    parameters = CASES[name][1]
    loss, weight, mask = losses.get(name), cases.WEIGHT.astype(np.float64), cases.MASK
    y, p = np.abs(numbers(3, 4, 1)).round(), numbers(3, 4, parameters)
    value, grad = loss.forward(y, p, weight, mask=mask)
    slow = loss_gradient(loss, y, p, sample_weight=weight, mask=mask)
    np.testing.assert_allclose(grad, slow, rtol=1e-6, atol=1e-8)
    worse = np.where(mask[..., None], p, np.nan)
    assert loss.forward(y, worse, weight, mask=mask)[0] == value


def test_the_outermost_parameters_are_finite():
    for name, (_, parameters, y) in CASES.items():
        for far in (-30.0, 30.0):
            p = np.full((5, 2 * parameters), far)
            value, grad = losses.get(name).forward(y, p)
            assert np.isfinite(value), name
            assert np.isfinite(grad).all(), name


def test_without_dispersion_it_is_poisson():
    p = numbers(5, 2)
    dense = np.concatenate([p, np.full((5, 2), -40.0)], axis=-1)
    with_none, poisson_nll = losses.NegativeBinomialNLL(), losses.PoissonNLL()
    np.testing.assert_allclose(
        with_none.each(COUNTS, dense), poisson_nll.each(COUNTS, p), rtol=1e-1
    )


def test_an_output_of_the_wrong_width():
    with pytest.raises(ValueError, match=r"3 units for each target, location, .*got \(4, 2\)"):
        losses.StudentTNLL()(np.ones(4), np.ones((4, 2)))
