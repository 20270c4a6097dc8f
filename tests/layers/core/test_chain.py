"""Linear chains against the sum over all sequences of tags."""

import itertools

import numpy as np
import pytest
from gradients import gradient

from lstmcore.layers.core import chain_sums
from lstmcore.layers.core.chain import Chain

RNG = np.random.default_rng(8)
B, T, K = 5, 4, 3
SCORES, MOVES = 2 * RNG.normal(size=(B, T, K)), 2 * RNG.normal(size=(K, K))
MASK = np.array([[1, 1, 1, 1], [1, 1, 0, 0], [0, 1, 0, 1], [0, 0, 0, 0], [0, 0, 1, 0]], bool)
TAGS = RNG.integers(0, K, (B, T))
both_masks = pytest.mark.parametrize("mask", [None, MASK], ids=["all", "masked"])


def all_sequences(scores, moves):
    """Each sequence of tags of one row, with its score."""
    for tags in itertools.product(range(moves.shape[0]), repeat=len(scores)):
        own = sum(scores[t, k] for t, k in enumerate(tags))
        yield tags, own + sum(moves[a, b] for a, b in itertools.pairwise(tags))


def rows(mask):
    steps = np.ones((B, T), bool) if mask is None else mask
    for row in range(B):
        if steps[row].any():
            yield row, steps[row], dict(all_sequences(SCORES[row, steps[row]], MOVES))


@pytest.fixture(params=["scaled", "logs"])
def kind(request, monkeypatch):
    """Both ways to sum over sequences."""
    monkeypatch.setattr(chain_sums, "FAR", 300 if request.param == "scaled" else -1)


@both_masks
@pytest.mark.usefixtures("kind")
def test_everything_is_that_of_all_sequences(mask):
    chain = Chain(SCORES, MOVES, mask)
    best, shares, log_z = chain.viterbi(), chain.marginals(), chain.log_normalizer()
    losses = chain.losses(TAGS)[0]
    for row, steps, found in rows(mask):
        scores = np.array(list(found.values()))
        assert log_z[row] == pytest.approx(np.log(np.exp(scores).sum()), rel=1e-12)
        assert tuple(best[row, steps]) == max(found, key=found.get)
        p = np.exp(scores - log_z[row])
        for t, step in enumerate(np.flatnonzero(steps)):
            for k in range(K):
                right = sum(v for tags, v in zip(found, p, strict=True) if tags[t] == k)
                assert shares[row, step, k] == pytest.approx(right, rel=1e-10)
        own = found[tuple(TAGS[row, steps])]
        assert losses[row] == pytest.approx(log_z[row] - own, rel=1e-12)
    if mask is not None:
        assert not best[~mask].any()
        assert not shares[~mask].any()
        assert losses[3] == log_z[3] == 0  # no step


@both_masks
@pytest.mark.usefixtures("kind")
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_gradients(mask, dtype):
    weights = np.array([0.5, 2, 1, 3, 0.1])
    scores, moves = SCORES.copy(), MOVES.copy()

    def loss():
        return float((Chain(scores, moves, mask).losses(TAGS)[0] * weights).sum())

    _, back = Chain(SCORES.astype(dtype), MOVES.astype(dtype), mask).losses(TAGS)
    dscores, dmoves = back(weights.astype(dtype))
    assert dscores.dtype == dmoves.dtype == dtype
    bound = 1e-6 if dtype == "float64" else 1e-4
    np.testing.assert_allclose(dscores, gradient(loss, scores), rtol=bound, atol=bound)
    np.testing.assert_allclose(dmoves, gradient(loss, moves), rtol=bound, atol=bound)


@pytest.mark.usefixtures("kind")
def test_what_stands_at_masked_steps_does_not_matter():
    wild = np.where(MASK[..., None], SCORES, np.nan)
    one, other = Chain(SCORES, MOVES, MASK), Chain(wild, MOVES, MASK)
    np.testing.assert_array_equal(one.viterbi(), other.viterbi())
    np.testing.assert_array_equal(one.marginals(), other.marginals())
    found, back = other.losses(np.where(MASK, TAGS, 99))
    right, right_back = one.losses(TAGS)
    np.testing.assert_array_equal(found, right)
    for a, b in zip(back(np.ones(B)), right_back(np.ones(B)), strict=True):
        np.testing.assert_array_equal(a, b)


def test_forbidden_transitions_and_large_scores():
    moves = np.where(np.eye(3, dtype=bool), 0, -np.inf)  # the tag stays what it is
    scores = 300 * RNG.normal(size=(2, 30, 3)).astype("f4")
    chain = Chain(scores, moves.astype("f4"))
    sums = scores.sum(axis=1)
    np.testing.assert_array_equal(chain.viterbi(), np.tile(sums.argmax(1)[:, None], 30))
    np.testing.assert_allclose(chain.log_normalizer(), sums.max(1), rtol=1e-5)
    assert np.isfinite(chain.marginals()).all()


def test_scores_that_are_far_apart_are_summed_in_logarithms():
    near, far = Chain(SCORES, MOVES), Chain(200 * SCORES, MOVES)
    assert type(near.sums).__name__ == "Scaled"
    assert type(far.sums).__name__ == "Logs"
    edge = SCORES * (280 / np.ptp(SCORES, axis=2).max())  # products are as small as they may be
    one = Chain(edge, MOVES)
    other = chain_sums.Logs(edge.swapaxes(0, 1).copy(), MOVES, np.full(B, T))
    assert type(one.sums).__name__ == "Scaled"
    np.testing.assert_allclose(one.log_normalizer(), other.log_normalizer(), rtol=1e-13)
    for a, b in zip(one.sums.expected(np.ones(B)), other.expected(np.ones(B)), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-300)
