"""CTC decoding: the label sequences that the outputs of a network stand for."""

from __future__ import annotations

from typing import Any

import numpy

from ..validation import Array, check_whole, whole
from .operation import op
from .types import plain

STRATEGIES = ("greedy", "beam_search")


@op
def ctc_decode(
    inputs: Any,
    sequence_lengths: Any,
    strategy: str = "greedy",
    beam_width: int = 100,
    top_paths: int = 1,
    merge_repeated: bool = True,
    mask_index: int | None = 0,
) -> tuple[Array, Array]:
    """Return the most probable label sequences of each output, and their scores.

    Parameters
    ----------
    inputs : array_like, (batch, time, classes)
        Logits, or logarithms of probabilities.
    sequence_lengths : array_like of int, (batch,)
        The steps that count.
    strategy : {"greedy", "beam_search"}
        The labels of the most probable class at every step; or a search for the most probable
        label sequences, each with all its alignments (Graves et al., 2006; the search keeps
        prefixes, as in Hannun et al., 2014).
    beam_width : int, default 100
        Number of prefixes that the search keeps at a step.
    top_paths : int, default 1
        Number of label sequences that the search returns.
    merge_repeated : bool, default True
        With "greedy": a class of several steps in turn is one label. A search always merges them,
        and refuses False.
    mask_index : int, optional
        The class of the blank, 0 by default; None is the last class.

    Returns
    -------
    paths : ndarray of int32, (paths, batch, time)
        The labels, then -1.
    scores : ndarray, (batch, paths)
        The logarithms of the sequences' probabilities; with "greedy" minus the sum of the largest
        inputs.

    Raises
    ------
    ValueError
        If shapes or numbers do not fit, or the strategy is unknown.
    """
    x, lengths, blank = _checked(inputs, sequence_lengths, mask_index)
    if strategy not in STRATEGIES:
        raise ValueError(f"ctc_decode: strategy: expected one of {STRATEGIES}, got {strategy!r}")
    if strategy == "greedy":
        return _greedy(x, lengths, merge_repeated, blank)
    if not merge_repeated:
        raise ValueError(
            "ctc_decode: merge_repeated: expected True with strategy='beam_search', which adds up "
            "alignments whose repetitions are merged, got False"
        )
    beam_width = whole("ctc_decode: beam_width", beam_width, 100)
    top_paths = whole("ctc_decode: top_paths", top_paths, 1)
    paths = numpy.full((top_paths, *x.shape[:2]), -1, numpy.int32)
    scores = numpy.full((len(x), top_paths), -numpy.inf, x.dtype)
    for row, (steps, length) in enumerate(zip(x, lengths, strict=True)):
        for k, (labels, score) in enumerate(_search(steps[:length], beam_width, top_paths, blank)):
            paths[k, row, : len(labels)], scores[row, k] = labels, score
    return paths, scores


def _checked(inputs: Any, lengths: Any, mask_index: Any) -> tuple[Array, Array, int]:
    """Return inputs, lengths and the class of the blank."""
    x, steps = numpy.asarray(plain(inputs)), numpy.asarray(plain(lengths)).reshape(-1)
    if x.ndim != 3 or steps.shape != x.shape[:1]:
        raise ValueError(
            "ctc_decode: expected inputs (batch, time, classes) and sequence_lengths (batch,), got "
            f"{x.shape} and {steps.shape}"
        )
    check_whole(steps, "ctc_decode: sequence_lengths")
    if steps.min(initial=0) < 0 or steps.max(initial=0) > x.shape[1]:
        raise ValueError(
            f"ctc_decode: sequence_lengths: expected numbers from 0 to {x.shape[1]}, got "
            f"{steps.min()} to {steps.max()}"
        )
    classes, blank = x.shape[2], -1 if mask_index is None else mask_index
    if not -classes <= blank < classes:
        raise ValueError(f"ctc_decode: mask_index: expected a class below {classes}, got {blank}")
    return x, steps.astype(numpy.int64), range(classes)[blank]


def _greedy(x: Array, lengths: Array, merge: bool, blank: int) -> tuple[Array, Array]:
    counts = numpy.arange(x.shape[1]) < lengths[:, None]
    best = numpy.where(counts, x.argmax(axis=-1), blank)
    kept = best != blank
    if merge:
        kept[:, 1:] &= best[:, 1:] != best[:, :-1]
    order = numpy.argsort(~kept, axis=1, kind="stable")  # the labels first
    paths = numpy.take_along_axis(numpy.where(kept, best, -1), order, axis=1)
    scores = -numpy.where(counts, x.max(axis=-1), 0).sum(axis=1, keepdims=True)
    return paths.astype(numpy.int32)[None], scores


def _search(x: Array, width: int, top: int, blank: int) -> list[tuple[list[int], float]]:
    """Return the most probable label sequences of one output, with their log probabilities.

    A prefix has two log probabilities: of its alignments that end in a blank, and of the others.
    """
    log_p = x - x.max(axis=-1, keepdims=True, initial=0)
    log_p = log_p - numpy.log(numpy.exp(log_p).sum(axis=-1, keepdims=True))
    nodes: list[tuple[int, int]] = [(-1, blank)]  # of each prefix: the one before, the last label
    found: dict[tuple[int, int], int] = {}
    kept = [0]
    in_blank, in_label = numpy.zeros(1), numpy.full(1, -numpy.inf)
    for step in log_p.astype(numpy.float64):
        last = numpy.array([nodes[n][1] for n in kept])
        whole = numpy.logaddexp(in_blank, in_label)
        longer = whole[:, None] + step
        row = numpy.arange(len(kept))
        longer[row, last] = in_blank + step[last]  # the same label again needs a blank between
        longer[:, blank] = -numpy.inf
        stay_blank, stay_label = whole + step[blank], in_label + step[last]
        place = {node: i for i, node in enumerate(kept)}
        for i, node in enumerate(kept):  # a prefix that is reached by its own one, too
            before, label = nodes[node]
            k = place.get(before)
            if k is not None:
                stay_label[i] = numpy.logaddexp(stay_label[i], longer[k, label])
                longer[k, label] = -numpy.inf
        totals = numpy.concatenate([numpy.logaddexp(stay_blank, stay_label), longer.ravel()])
        best = numpy.argsort(-totals, kind="stable")[:width]
        best = best[totals[best] > -numpy.inf]
        following, blanks, labels = [], [], []
        for i in best.tolist():
            if i < len(kept):
                following.append(kept[i])
                blanks.append(stay_blank[i])
                labels.append(stay_label[i])
            else:
                k, label = divmod(i - len(kept), len(step))
                node = found.setdefault((kept[k], label), len(nodes))
                if node == len(nodes):
                    nodes.append((kept[k], label))
                following.append(node)
                blanks.append(-numpy.inf)
                labels.append(totals[i])
        kept, in_blank, in_label = following, numpy.array(blanks), numpy.array(labels)
    scores = numpy.logaddexp(in_blank, in_label)
    order = numpy.argsort(-scores, kind="stable")[:top]
    return [(_labels(nodes, kept[i]), float(scores[i])) for i in order]


def _labels(nodes: list[tuple[int, int]], node: int) -> list[int]:
    labels = []
    while node:
        node, label = nodes[node]
        labels.append(label)
    return labels[::-1]
