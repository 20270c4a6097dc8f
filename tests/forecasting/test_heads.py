"""Heads: densities, quantiles and samples of one distribution agree."""

import numpy as np
import pytest
from scipy import stats

from lstmcore.forecasting import heads

LEVELS = (0.1, 0.25, 0.5, 0.75, 0.9)
# Outputs of a network for two steps, and SciPy's distribution of the first of them.
CASES = {
    "gaussian": ([1.0, 9, 0.8, 9], stats.norm(1, np.exp(0.4))),
    "student": ([1.0, 9, 0.3, 9, 0.7, 9], stats.t(2 + np.exp(0.7), 1, np.exp(0.3))),
    "negative_binomial": ([2.0, 1, 0.1, 1], stats.nbinom(np.exp(-0.1), 1 / (1 + np.exp(2.1)))),
    "poisson": ([1.3, 1], stats.poisson(np.exp(1.3))),
}


def parameters(name):
    head = heads.make(name, LEVELS)
    return head, head.unpack(np.array([CASES[name][0]]), 2)[:, :1]


@pytest.mark.parametrize("name", CASES)
def test_against_scipy(name):
    head, given = parameters(name)
    want = CASES[name][1]
    shares = np.array([0.01, 0.1, 0.5, 0.8, 0.99])
    np.testing.assert_allclose(head.ppf(given, shares)[0, 0], want.ppf(shares), rtol=1e-9)
    assert head.mean(given)[0, 0] == pytest.approx(want.mean())
    y = 3.0
    log = want.logpmf(y) if head.counts else want.logpdf(y)
    assert head.log_density(given, np.array([[y]]))[0, 0] == pytest.approx(log)


@pytest.mark.parametrize("name", [*CASES, "quantile"])
def test_samples_have_the_quantiles(name):
    head = heads.make(name, LEVELS)
    given = np.array([[[-1.0, 0, 2, 3, 7]]]) if name == "quantile" else parameters(name)[1]
    found = heads.sample_paths(head, given, 20_000, np.random.default_rng(0))
    assert found.shape == (1, 20_000, 1)
    for share in (0.25, 0.5, 0.9):
        value = head.ppf(given, np.array([share]))[0, 0, 0]
        assert np.mean(found < value) <= share + 0.02
        assert np.mean(found <= value) >= share - 0.02


def test_steps_of_paths_go_together():
    head = heads.make("gaussian", LEVELS)
    given = np.zeros((1, 2, 2))
    correlation = np.array([[1, 0.8], [0.8, 1]])
    paths = heads.sample_paths(head, given, 5000, np.random.default_rng(1), correlation)[0]
    assert np.corrcoef(paths.T)[0, 1] == pytest.approx(0.8, abs=0.03)


def test_quantiles_do_not_cross_and_have_no_density():
    head = heads.make("quantile", (0.1, 0.5, 0.9))
    found = head.unpack(np.array([[3.0, 1, 2, 4, 5, 6]]), 2)
    assert found.tolist() == [[[1, 2, 3], [4, 5, 6]]]
    with pytest.raises(ValueError, match="no density"):
        head.log_density(found, np.zeros((1, 2)))


@pytest.mark.parametrize("name", [*CASES, "quantile"])
def test_training_starts_at_the_distribution_of_the_targets(name):
    head = heads.make(name, LEVELS)
    y = np.random.default_rng(0).poisson(1.0, (500, 2)).astype(float)
    given = head.unpack(head.start(y)[None], 2)
    assert head.mean(given).shape == (1, 2)
    np.testing.assert_allclose(head.mean(given)[0], y.mean(0), atol=0.25)


def test_normal_scores_of_a_calibrated_forecast():
    head = heads.make("gaussian", LEVELS)
    y = np.random.default_rng(0).standard_normal((4000, 1))
    found = heads.scores(head, np.zeros((4000, 1, 2)), y)
    assert (abs(found.mean()), found.std()) == pytest.approx((0, 1), abs=0.05)


def test_an_unknown_head():
    with pytest.raises(ValueError, match="'poison'; did you mean 'poisson'"):
        heads.make("poison", LEVELS)
