"""The correlations of targets and predictions: Pearson's, and Lin's concordance."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..losses.base import EPSILON, broadcast_mask, broadcast_weight, total
from ..losses.whole_batch import axes_of
from .base import Array, SameShape, registry, weights_and_mask


class _Correlation(SameShape):
    """The base class of correlations along some axes; their mean over the others is the result.

    Masked steps count in no correlation, also along the axis of time.
    """

    def __init__(self, name: str | None, dtype: str | None, axis: Any) -> None:
        super().__init__(name, dtype)
        found = axes_of(axis, type(self).__name__)
        if found is None:
            raise ValueError(f"{type(self).__name__}: axis: expected an int or a tuple, got None")
        self.axis = found

    def values(self, y_true: Array, y_pred: Array) -> Array:
        return self._along(y_true, y_pred, None)

    def _along(self, y_true: Array, y_pred: Array, unmasked: Array | None) -> Array:
        pair = np.stack([y_true, y_pred]).astype(y_pred.dtype, copy=False)
        axes = self.axis if isinstance(self.axis, tuple) else (self.axis,)
        axes = tuple(range(y_pred.ndim)[a] + 1 for a in axes)
        if unmasked is None:
            n: Any = np.prod([pair.shape[a] for a in axes])
        else:
            n = total(unmasked[None], axis=axes, keepdims=True, dtype=pair.dtype)
            pair = np.where(unmasked, pair, 0)
        with np.errstate(divide="ignore", invalid="ignore"):  # NaN for what does not vary
            means = total(pair, axis=axes, keepdims=True) / n
            deviations = pair - means
            if unmasked is not None:
                deviations = np.where(unmasked, deviations, 0)
            variances = total(deviations * deviations, axis=axes, keepdims=True) / n
            covariance = total(deviations[:1] * deviations[1:], axis=axes, keepdims=True) / n
            values = self.formula(covariance[0], means, variances)
        return np.squeeze(values, axis=tuple(a - 1 for a in axes))

    def formula(self, covariance: Array, means: Array, variances: Array) -> Array:
        """Return the correlation; means and variances are (2, ...), of targets and predictions."""
        raise NotImplementedError

    def _update(self, y_true: Array, y_pred: Array, sample_weight: Any, mask: Any) -> None:
        weight, mask = weights_and_mask(sample_weight, mask)
        if mask is None:
            self.add_values(self.values(y_true, y_pred), weight, None)
            return
        unmasked = broadcast_mask(mask, y_pred, f"metric {self.name!r}")
        values, counts = self._along(y_true, y_pred, unmasked), unmasked.any(axis=self.axis)
        weight = None if weight is None else broadcast_weight(weight, values)[counts]
        self.add_values(values[counts], weight, None)


@registry.add()
class PearsonCorrelation(_Correlation):
    """The mean of Pearson's correlations: 1 for a rising linear relation, -1 for a falling one.

    Parameters
    ----------
    axis : int or tuple of int, default -1
        The axes along which targets and predictions are correlated: 1 for the steps of a series.
        What does not vary has no correlation: NaN, as in Keras. So is the default for outputs of
        one unit.
    """

    def __init__(
        self, name: str | None = "pearson_correlation", dtype: str | None = None, axis: Any = -1
    ) -> None:
        super().__init__(name, dtype, axis)

    def formula(self, covariance: Array, means: Array, variances: Array) -> Array:
        values: Array = covariance / np.sqrt(variances[0]) / np.sqrt(variances[1])
        return values


@registry.add()
class ConcordanceCorrelation(_Correlation):
    """The mean of Lin's concordance correlations: 1 where predictions equal the targets.

    It is 2 cov / (var(y) + var(p) + (mean(y) - mean(p))**2).

    Parameters
    ----------
    axis : int or tuple of int, default -1
        The axes along which targets and predictions are correlated: 1 for the steps of a series.
    """

    def __init__(
        self,
        name: str | None = "concordance_correlation",
        dtype: str | None = None,
        axis: Any = -1,
    ) -> None:
        super().__init__(name, dtype, axis)

    def formula(self, covariance: Array, means: Array, variances: Array) -> Array:
        spread = variances[0] + variances[1] + (means[0] - means[1]) ** 2
        values: Array = 2 * covariance / (spread + EPSILON)
        return values
