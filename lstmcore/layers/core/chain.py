"""A linear chain over sequences of tags: likelihood, marginals, Viterbi.

The score of a sequence of tags is the sum of the scores of its tags, one at each step, and of the
transitions between tags of steps that follow each other; its probability is the exponential of its
score, divided by the sum of those of all sequences (Lafferty et al., 2001). Masked steps are left
out: a chain goes on from the last unmasked step to the next. All rows of a batch are computed
together.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ...validation import Array
from .chain_sums import Sums, sums_of


class Chain:
    """The chains of a batch.

    Parameters
    ----------
    scores : ndarray, (batch, time, tags)
    transitions : ndarray, (tags, tags)
        From the tag of the row to that of the column.
    mask : ndarray of bool, (batch, time), optional
        True at unmasked steps.

    Attributes
    ----------
    lengths : ndarray of int, (batch,)
        The numbers of unmasked steps.
    back : callable or None
        The gradients of scores and transitions, from those of the rows' losses; the loss sets it.
    """

    def __init__(self, scores: Array, transitions: Array, mask: Array | None = None) -> None:
        self.transitions, self.mask = transitions, mask
        self.back: Callable[[Array], tuple[Array, Array]] | None = None
        self.tags: Array | None = None  # the targets of `back`
        batch, time, _ = scores.shape
        if mask is None:
            self.lengths, self._order = np.full(batch, time), None
        else:  # unmasked steps first
            self.lengths = np.count_nonzero(mask, axis=1)
            self._order = np.argsort(~mask, axis=1, kind="stable")
        packed = self._packed(scores)
        if mask is not None:  # what stands at masked steps does not matter, not even NaN
            steps = np.arange(time) < self.lengths[:, None]
            packed = np.where(steps[..., None], packed, np.zeros((), packed.dtype))
        self._scores = np.ascontiguousarray(packed.swapaxes(0, 1))
        self._sums: Sums | None = None
        self._all = bool((self.lengths == time).all())

    def _packed(self, x: Array) -> Array:
        """Return an array (batch, time, ...) with the unmasked steps first."""
        if self._order is None:
            return x
        order = self._order.reshape(self._order.shape + (1,) * (x.ndim - 2))
        return np.take_along_axis(x, order, axis=1)

    def _unpacked(self, x: Array) -> Array:
        """Return an array (batch, time, ...) with the steps where they were; masked ones are 0."""
        if self._order is None:
            return x
        y = np.empty_like(x)
        order = self._order.reshape(self._order.shape + (1,) * (x.ndim - 2))
        np.put_along_axis(y, order, x, axis=1)
        assert self.mask is not None
        y[~self.mask] = 0
        return y

    def _kept(self, t: int, new: Array, old: Array) -> Array:
        """Return `new` for the rows that have a step number t, `old` for the others."""
        return new if self._all else np.where((t < self.lengths)[:, None], new, old)

    def viterbi(self) -> Array:
        """Return the likeliest sequences of tags, (batch, time); 0 at masked steps."""
        time, batch, _ = self._scores.shape
        best = np.empty_like(self._scores)  # scores of the best beginnings up to each tag
        best[0], moves = self._scores[0], self.transitions[:, None, :]
        for t in range(1, time):
            ways = np.maximum.reduce(best[t - 1].T[:, :, None] + moves, axis=0)
            best[t] = self._kept(t, ways + self._scores[t], best[t - 1])
        tags, tag = np.zeros((batch, time), np.int64), best[-1].argmax(axis=1)
        for t in range(time - 1, -1, -1):
            tags[:, t] = tag
            if t:
                before = (best[t - 1] + self.transitions.T[tag]).argmax(axis=1)
                tag = before if self._all else np.where(t < self.lengths, before, tag)
        return self._unpacked(tags)

    @property
    def sums(self) -> Sums:
        """The sums over all sequences."""
        if self._sums is None:
            self._sums = sums_of(self._scores, self.transitions, self.lengths)
        return self._sums

    def log_normalizer(self) -> Array:
        """Return the log of the sum over all sequences, (batch,); 0 for rows without a step."""
        return self.sums.log_normalizer()

    def marginals(self) -> Array:
        """Return the probability of each tag at each step, (batch, time, tags); 0 if masked."""
        found = self.sums.expected(None)[0]
        return self._unpacked(np.ascontiguousarray(found.swapaxes(0, 1)))

    def losses(self, tags: Array) -> tuple[Array, Callable[[Array], tuple[Array, Array]]]:
        """Return minus the log-likelihoods of sequences of tags, and their backward function.

        Parameters
        ----------
        tags : ndarray of int, (batch, time)
            Those of masked steps may be anything.

        Returns
        -------
        values : ndarray, (batch,)
        back : callable
            The gradients of scores and transitions, from those of the values.
        """
        time, batch, count = self._scores.shape
        steps = np.arange(time) < self.lengths[:, None]
        y = np.where(steps, self._packed(tags), 0)
        rows = np.arange(batch)[:, None]
        own = np.where(steps, self._scores.swapaxes(0, 1)[rows, np.arange(time), y], 0).sum(axis=1)
        moves = np.where(steps[:, 1:], self.transitions[y[:, :-1], y[:, 1:]], 0).sum(axis=1)

        def back(dvalues: Array) -> tuple[Array, Array]:
            probabilities, transitions = self.sums.expected(dvalues)
            hits = np.zeros((batch, time, count), probabilities.dtype)
            hits[rows, np.arange(time), y] = steps
            dscores = (probabilities.swapaxes(0, 1) - hits) * dvalues[:, None, None]
            weights = np.where(steps[:, 1:], dvalues[:, None], 0)
            np.subtract.at(transitions, (y[:, :-1], y[:, 1:]), weights)
            return self._unpacked(dscores), transitions

        return self.log_normalizer() - own - moves, back


class Decoded(np.ndarray):
    """The output of a layer `CRF`: an ndarray that owns its memory and knows its chains.

    Arrays that share its memory find them by `chain_of`; the loss needs them.
    """

    chain: Chain | None = None

    @classmethod
    def of(cls, y: Array, chain: Chain) -> Decoded:
        """Return a copy of an array that knows its chains."""
        made: Decoded = np.ndarray.__new__(cls, y.shape, y.dtype)
        made[...] = y
        made.chain = chain
        return made
