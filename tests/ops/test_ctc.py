"""Decoding: greedy as Keras decodes, the search against all alignments."""

import itertools

import numpy as np
import pytest

from lstmcore import losses, ops

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


def test_the_probability_of_a_label_sequence_is_the_loss():
    logits = np.random.default_rng(7).normal(size=(4, 5, 4))
    labels, scores = ops.ctc_decode(logits, [5] * 4, "beam_search", 400)
    for row in range(4):
        target = np.maximum(labels[0, row], 0)  # the loss pads by the blank, 0
        assert -scores[row, 0] == pytest.approx(losses.CTC()(target[None], logits[row : row + 1]))


def label_lists(decoded):
    return [[tuple(k for k in row if k >= 0) for row in rows] for rows in decoded]


def by_dict(logits, blank, width):
    """The prefix beam search as it is written down, with a dict of prefixes."""
    x = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    beam = {(): (0.0, -np.inf)}
    for step in x:
        new = {}

        def add(prefix, b, n, new=new):
            old = new.get(prefix, (-np.inf, -np.inf))
            new[prefix] = (np.logaddexp(old[0], b), np.logaddexp(old[1], n))

        for prefix, (b, n) in beam.items():
            add(prefix, np.logaddexp(b, n) + step[blank], -np.inf)
            if prefix:
                add(prefix, -np.inf, n + step[prefix[-1]])
            for k in range(len(step)):
                if k != blank:
                    fresh = b if prefix and prefix[-1] == k else np.logaddexp(b, n)
                    add((*prefix, k), -np.inf, fresh + step[k])
        kept = sorted(new, key=lambda p: -np.logaddexp(*new[p]))[:width]
        beam = {p: new[p] for p in kept}
    return [(np.logaddexp(*beam[p]), p) for p in beam]


@pytest.mark.parametrize("width", [1, 2, 5, 20])
def test_a_narrow_beam_is_that_of_the_algorithm(width):
    logits = 1.5 * np.random.default_rng(7).normal(size=(8, 12, 4))
    top = min(width, 3)
    labels, scores = ops.ctc_decode(logits, [12] * 8, "beam_search", width, top, mask_index=2)
    for row in range(8):
        right = by_dict(logits[row], 2, width)[:top]
        np.testing.assert_allclose(scores[row], [s for s, _ in right], rtol=1e-10)
        assert [paths[row] for paths in label_lists(labels)] == [k for _, k in right]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"strategy": "best"}, r"strategy: expected one of .*, got 'best'"),
        ({"sequence_lengths": [4]}, r"expected inputs \(batch.*got \(2, 4, 3\) and \(1,\)"),
        (
            {"sequence_lengths": [5, 1]},
            "sequence_lengths: expected numbers from 0 to 4, got 1 to 5",
        ),
        ({"sequence_lengths": [0.5, 1]}, "sequence_lengths: expected whole numbers, got 0.5"),
        ({"inputs": np.ones((4, 3))}, r"expected inputs \(batch, time, classes\).*got \(4, 3\)"),
        ({"mask_index": 3}, "mask_index: expected a class below 3, got 3"),
        ({"strategy": "beam_search", "beam_width": 0}, "beam_width: expected a whole number >= 1"),
        ({"strategy": "beam_search", "merge_repeated": False}, "merge_repeated: expected True"),
    ],
)
def test_what_does_not_fit_is_told(arguments, message):
    given = {"inputs": np.ones((2, 4, 3)), "sequence_lengths": [4, 4], **arguments}
    with pytest.raises(ValueError, match=message):
        ops.ctc_decode(**given)
