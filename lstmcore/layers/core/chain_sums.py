"""Sums over all sequences of tags of linear chains, by the forward and the backward algorithm.

`Scaled` computes products of probabilities, divided by their sum at each step (Rabiner, 1989):
matrix products in float64. `Logs` computes logarithms, for scores so far apart that probabilities
would vanish, such as those of forbidden transitions. `sums_of` chooses.
"""

from __future__ import annotations

import numpy as np

from ..._binding.numpy_blas import held, matmul
from ...validation import Array

LEAST = np.float32(-1e30)  # of what is subtracted, so that -inf stays -inf
FAR = 300  # a product of two numbers below exp(-FAR) is still a float64


class Sums:
    """The base class.

    Parameters
    ----------
    scores : ndarray, (time, batch, tags)
        The first steps of each row count.
    transitions : ndarray, (tags, tags)
    lengths : ndarray of int, (batch,)
    """

    def __init__(self, scores: Array, transitions: Array, lengths: Array) -> None:
        self.scores, self.transitions, self.lengths = scores, transitions, lengths
        self._all = bool((lengths == len(scores)).all())
        self.counts = (np.arange(len(scores))[:, None] < lengths)[..., None]  # (time, batch, 1)

    def _kept(self, t: int, new: Array, old: Array) -> Array:
        """Return `new` for the rows that have a step number t, `old` for the others."""
        return new if self._all else np.where(self.counts[t], new, old)

    def log_normalizer(self) -> Array:
        """Return the log of the sum over all sequences, (batch,); 0 for rows without a step."""
        raise NotImplementedError

    def expected(self, weights: Array | None) -> tuple[Array, Array]:
        """Return the probabilities of tags, and the expected numbers of transitions.

        Parameters
        ----------
        weights : ndarray, (batch,), optional
            Weights of the rows in the sum of the transitions; without them there is none.

        Returns
        -------
        probabilities : ndarray, (time, batch, tags)
            0 behind the end of a row.
        transitions : ndarray, (tags, tags)
        """
        raise NotImplementedError


def sums_of(scores: Array, transitions: Array, lengths: Array) -> Sums:
    """Return the sums of some chains, in the faster way that is exact for their scores."""
    largest = np.maximum.reduce(scores, axis=2)
    apart = (largest - np.minimum.reduce(scores, axis=2)).max(initial=0)
    apart = apart + (transitions.max() - transitions.min())
    kind = Scaled if apart < FAR else Logs  # NaN and infinities are for the logarithms
    return kind(scores, transitions, lengths)


class Scaled(Sums):
    """The sums by products of probabilities; see `Sums`."""

    def __init__(self, scores: Array, transitions: Array, lengths: Array) -> None:
        super().__init__(scores, transitions, lengths)
        self._largest = np.maximum.reduce(scores, axis=2, keepdims=True)
        self._p = np.exp(scores - self._largest, dtype=np.float64)
        self._top = float(transitions.max())
        self._moves = np.exp(transitions - self._top, dtype=np.float64)
        self._alpha, self._z = self._forward()

    def _forward(self) -> tuple[Array, Array]:
        """Return shares of the beginnings of sequences, and their sums before the division."""
        alpha, z = np.empty_like(self._p), np.ones((*self._p.shape[:2], 1))
        z[0] = np.add.reduce(self._p[0], axis=1, keepdims=True)
        alpha[0] = self._p[0] / z[0]
        with held():
            for t in range(1, len(alpha)):
                new = alpha[t - 1] @ self._moves
                new *= self._p[t]
                total = np.add.reduce(new, axis=1, keepdims=True)
                new /= total
                alpha[t] = self._kept(t, new, alpha[t - 1])
                z[t] = total
        return alpha, z

    def log_normalizer(self) -> Array:
        """Return the log of the sum over all sequences; see `Sums.log_normalizer`."""
        logs = np.log(self._z) + self._largest
        logs[1:] += self._top
        found: Array = np.add.reduce(np.where(self.counts, logs, 0), axis=0)[:, 0]
        return found.astype(self.scores.dtype)

    def expected(self, weights: Array | None) -> tuple[Array, Array]:
        """Return probabilities of tags and numbers of transitions; see `Sums.expected`."""
        beta, ends = np.ones_like(self._p), np.empty_like(self._p)
        moves = np.ascontiguousarray(self._moves.T)
        with held():
            for t in range(len(beta) - 1, 0, -1):
                np.multiply(self._p[t], beta[t], out=ends[t])
                ends[t] /= self._z[t]
                beta[t - 1] = self._kept(t, ends[t] @ moves, beta[t])
        probabilities = (self._alpha * beta * self.counts).astype(self.scores.dtype)
        transitions = np.zeros_like(self.transitions)
        if weights is not None and len(beta) > 1:
            ends[1:] *= self.counts[1:] * weights[:, None]
            count = len(self.transitions)
            pairs = matmul(self._alpha[:-1].reshape(-1, count).T, ends[1:].reshape(-1, count))
            transitions[...] = self._moves * pairs
        return probabilities, transitions


class Logs(Sums):
    """The sums by logarithms; see `Sums`."""

    def __init__(self, scores: Array, transitions: Array, lengths: Array) -> None:
        super().__init__(scores, transitions, lengths)
        self._alpha = self._forward()

    def _forward(self) -> Array:
        """Return the log of the sum over the beginnings of sequences, up to each tag."""
        alpha, moves = np.empty_like(self.scores), self.transitions[:, None, :]
        alpha[0] = self.scores[0]
        with np.errstate(divide="ignore"):
            for t in range(1, len(alpha)):
                new = _log_sum(alpha[t - 1].T[:, :, None] + moves) + self.scores[t]
                alpha[t] = self._kept(t, new, alpha[t - 1])
        return alpha

    def log_normalizer(self) -> Array:
        """Return the log of the sum over all sequences; see `Sums.log_normalizer`."""
        with np.errstate(divide="ignore"):
            found = _log_sum(self._alpha[-1].T.copy())
        return np.where(self.lengths > 0, found, np.zeros((), found.dtype))

    def expected(self, weights: Array | None) -> tuple[Array, Array]:
        """Return probabilities of tags and numbers of transitions; see `Sums.expected`."""
        beta, moves = np.zeros_like(self.scores), self.transitions.T[:, None, :]
        with np.errstate(divide="ignore"):
            for t in range(len(beta) - 1, 0, -1):
                new = _log_sum((self.scores[t] + beta[t]).T[:, :, None] + moves)
                beta[t - 1] = self._kept(t, new, beta[t])
        log_z = self.log_normalizer()[:, None]
        probabilities = np.exp(self._alpha + beta - log_z) * self.counts
        transitions = np.zeros_like(self.transitions)
        if weights is not None:
            for t in range(1, len(beta)):
                ends = (self.scores[t] + beta[t] - log_z)[:, None, :]
                share = np.exp(self._alpha[t - 1][:, :, None] + self.transitions + ends)
                share *= (weights[:, None] * self.counts[t])[..., None]
                transitions += share.sum(axis=0)
        return probabilities, transitions


def _log_sum(x: Array) -> Array:
    """Return log(sum(exp(x))) over the first axis; -inf where all are. It overwrites x."""
    most = np.maximum(np.maximum.reduce(x, axis=0), LEAST)
    np.subtract(x, most, out=x)
    np.exp(x, out=x)
    found: Array = np.log(np.add.reduce(x, axis=0))
    found += most
    return found
