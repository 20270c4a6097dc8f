"""Decoding: greedy as Keras decodes, the search against all alignments."""

import itertools

import numpy as np
import pytest

from lstmcore import ops

# Keras 3.15 on JAX: np.random.default_rng(0).normal(size=(2, 5, 3)) as float32, lengths 5 and 3.
X = np.random.default_rng(0).normal(size=(2, 5, 3)).astype("float32")
GREEDY = {
    (True, 0): [[2, 2, 1, -1, -1], [2, 1, -1, -1, -1]],
    (True, 2): [[0, 1, -1, -1, -1], [1, 0, -1, -1, -1]],
    (False, 0): [[2, 2, 2, 1, -1], [2, 1, -1, -1, -1]],
    (False, 2): [[0, 1, -1, -1, -1], [1, 0, -1, -1, -1]],
}
SEARCH = {
    0: (
        [
            [[2, 1, -1, -1, -1], [1, -1, -1, -1, -1]],
            [[2, 2, 1, -1, -1], [2, -1, -1, -1, -1]],
            [[2, 1, 2, 1, -1], [2, 1, -1, -1, -1]],
        ],
        [[-1.6491332, -2.1390595, -2.1827593], [-1.1608346, -1.6027741, -1.6728407]],
    ),
    2: (
        [
            [[0, 1, -1, -1, -1], [1, 0, -1, -1, -1]],
            [[1, 0, 1, -1, -1], [0, -1, -1, -1, -1]],
            [[1, 1, -1, -1, -1], [1, -1, -1, -1, -1]],
        ],
        [[-1.2230897, -1.8352054, -2.5498509], [-0.9473172, -1.4484619, -1.8941178]],
    ),
}


@pytest.mark.parametrize(("merge", "blank"), GREEDY)
def test_greedy_is_keras(merge, blank):
    paths, scores = ops.ctc_decode(X, [5, 3], merge_repeated=merge, mask_index=blank)
    assert paths.dtype == np.int32
    assert paths.tolist() == [GREEDY[merge, blank]]
    np.testing.assert_allclose(scores, [[-2.1285522], [-2.0926766]], rtol=1e-6)


@pytest.mark.parametrize("blank", SEARCH)
def test_search_is_keras(blank):
    expected, numbers = SEARCH[blank]
    paths, scores = ops.ctc_decode(X, [5, 3], "beam_search", 50, 3, mask_index=blank)
    assert paths.tolist() == expected
    np.testing.assert_allclose(scores, numbers, rtol=1e-5)


def by_all_alignments(x, blank):
    """The log probability of every label sequence, from all alignments."""
    p = np.exp(x.astype("f8") - np.log(np.exp(x.astype("f8")).sum(-1, keepdims=True)))
    found = {}
    for path in itertools.product(range(x.shape[1]), repeat=len(x)):
        labels = tuple(k for k, _ in itertools.groupby(path) if k != blank)
        found[labels] = found.get(labels, 0) + np.prod(p[np.arange(len(x)), list(path)])
    return sorted(found.items(), key=lambda item: -item[1])


@pytest.mark.parametrize("blank", [0, 3, -1])
def test_a_wide_search_finds_the_best_of_all(blank):
    x = np.random.default_rng(1).normal(size=(1, 5, 4))
    best = by_all_alignments(x[0], blank % 4)[:6]
    paths, scores = ops.ctc_decode(x, [5], "beam_search", 10_000, 6, mask_index=blank)
    assert [tuple(row[row >= 0]) for row in paths[:, 0]] == [labels for labels, _ in best]
    np.testing.assert_allclose(np.exp(scores[0]), [p for _, p in best], rtol=1e-10)


def test_a_narrow_search_and_short_outputs():
    paths, scores = ops.ctc_decode(X, [0, 1], "beam_search", 1, 2)
    assert (paths[:, 0] == -1).all()
    assert scores[0].tolist() == [0, -np.inf]  # nothing is said for sure; there is no second path
    assert paths[:, 1].tolist() == [[2, -1, -1, -1, -1], [-1] * 5]  # the width is 1
    wide = ops.ctc_decode(X, [5, 5], "beam_search", 100)[1]
    narrow = ops.ctc_decode(X, [5, 5], "beam_search", 1)[1]
    assert (narrow <= wide + 1e-6).all()


def test_errors():
    with pytest.raises(ValueError, match=r"expected inputs \(batch, time, classes\).*\(2, 5, 3\)"):
        ops.ctc_decode(X, [5])
    with pytest.raises(ValueError, match=r"strategy: expected one of .*, got 'best'"):
        ops.ctc_decode(X, [5, 3], "best")
