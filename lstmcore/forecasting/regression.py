"""Ridge regression on what the network reads: the linear forecast, solved exactly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .._binding.numpy_blas import held, matmul

Array = np.ndarray
PENALTIES = 10.0 ** np.arange(-3, 5)  # relative to the mean square of an input
MOST_INPUTS = 2000


@dataclass(frozen=True)
class Ridge:
    """Linear function of a network's inputs, with a penalty on its weights.

    Parameters
    ----------
    weights : ndarray, shape (inputs, outputs)
    bias : ndarray, shape (outputs,)
    """

    weights: Array
    bias: Array

    @classmethod
    def fit(cls, x: list[Array], y: Array) -> Ridge | None:
        """Fit with the penalty of the smallest generalized cross-validation error.

        That is the squared error over ``(1 - parameters / rows)**2`` (Golub, Heath and Wahba 1979).

        Parameters
        ----------
        x : list of ndarray, shapes (rows, steps, columns)
        y : ndarray, shape (rows, outputs)

        Returns
        -------
        Ridge, or None if there are too many inputs or too few rows
        """
        flat, rows = _flat(x), len(y)
        if flat.shape[1] > MOST_INPUTS or rows < 3:
            return None
        target = np.asarray(y, np.float64)
        mean_x, mean_y = flat.mean(0), target.mean(0)
        flat, target = flat - mean_x, target - mean_y
        with held():
            size, base = np.linalg.eigh(matmul(flat.T, flat))
        size = np.maximum(size, 0)
        found = matmul(base.T, matmul(flat.T, target))
        total, scale = float((target**2).sum()), max(float(size.mean()), 1e-12)
        errors, shrunk = [], []
        for penalty in PENALTIES * scale:
            inverse = (1 / (size + penalty))[:, None]
            residual = total - float((found**2 * inverse * (2 - size[:, None] * inverse)).sum())
            free = 1 - min((1 + float((size / (size + penalty)).sum())) / rows, 0.99)
            errors.append(residual / free**2)
            shrunk.append(found * inverse)
        weights = matmul(base, shrunk[int(np.argmin(errors))])
        return cls(weights, mean_y - matmul(mean_x[None], weights)[0])

    def predict(self, x: list[Array]) -> Array:
        """Return the outputs, (rows, outputs)."""
        return np.asarray(matmul(_flat(x), self.weights) + self.bias)


def _flat(x: list[Array]) -> Array:
    rows = len(x[0])
    return np.concatenate([np.asarray(part, np.float64).reshape(rows, -1) for part in x], axis=1)
