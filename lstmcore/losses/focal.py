"""Focal crossentropies: samples that are predicted well count less."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..activations import sigmoid
from ..validation import real, reals
from .base import Array, Values, registry, total
from .crossentropy import Categorical, Crossentropy, clip_probabilities, exponentials
from .regression import MEAN, mean


def _gamma(gamma: float, what: str) -> float:
    gamma = real(f"{what}: gamma", gamma)
    if not gamma >= 0:
        raise ValueError(f"{what}: gamma: expected a number >= 0, got {gamma!r}")
    return gamma


@registry.add()
class BinaryFocalCrossentropy(Crossentropy):
    """The binary crossentropy times (1 - p of the true class)**gamma, its mean over the last axis.

    Parameters
    ----------
    apply_class_balancing : bool, default False
        Weight targets 1 by `alpha` and targets 0 by 1 - alpha.
    alpha : float, default 0.25
    gamma : float, default 2.0
    from_logits, label_smoothing, axis
        See `BinaryCrossentropy`.
    """

    def __init__(
        self,
        apply_class_balancing: bool = False,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = MEAN,
        name: str | None = None,
        dtype: str | None = None,
    ) -> None:
        super().__init__(from_logits, label_smoothing, axis, reduction, name, dtype)
        self.apply_class_balancing = bool(apply_class_balancing)
        self.alpha = real(f"{type(self).__name__}: alpha", alpha)
        self.gamma = _gamma(gamma, type(self).__name__)

    def values(self, y_true: Array, y_pred: Array, grad: bool) -> Values:
        y = self.smooth(y_true, 2)
        p = sigmoid.forward(y_pred) if self.from_logits else y_pred
        inner = clip_probabilities(p)
        plain = -y * np.log(inner) - (1 - y) * np.log(1 - inner)
        missing = 1 - (y * p + (1 - y) * (1 - p))  # 1 - p of the true class
        factor = missing**self.gamma
        weight = 1 / y.shape[-1]
        balance = None
        if self.apply_class_balancing:
            balance = y * self.alpha + (1 - y) * (1 - self.alpha)
        terms = factor * plain
        values = mean(terms if balance is None else terms * balance)
        if not grad:
            return values, None
        gradient = factor * (inner - y) / (inner * (1 - inner)) * (inner == p)
        if self.gamma:
            gradient -= self.gamma * missing ** (self.gamma - 1) * (2 * y - 1) * plain
        if self.from_logits:
            gradient *= p * (1 - p)
        gradient *= weight if balance is None else weight * balance
        return values, gradient


@registry.add()
class CategoricalFocalCrossentropy(Categorical):
    """The focal crossentropy, the sum over the classes of -alpha (1 - p)**gamma y log(p).

    Parameters
    ----------
    alpha : float or list of float, default 0.25
        One number, or one for each class.
    gamma : float, default 2.0
    from_logits, label_smoothing, axis
        See `CategoricalCrossentropy`.
    """

    def __init__(
        self,
        alpha: Any = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = MEAN,
        name: str | None = None,
        dtype: str | None = None,
    ) -> None:
        super().__init__(from_logits, label_smoothing, axis, reduction, name, dtype)
        read = reals if np.ndim(alpha) else real
        self.alpha: Any = read(f"{type(self).__name__}: alpha", alpha)
        self.gamma = _gamma(gamma, type(self).__name__)

    def values(self, y_true: Array, y_pred: Array, grad: bool) -> Values:
        y = self.smooth(y_true, y_true.shape[-1])
        alpha = np.asarray(self.alpha, y_pred.dtype)
        if alpha.ndim and alpha.shape != y.shape[-1:]:
            raise ValueError(
                f"{self.what}: alpha: expected one number, or one for each of "
                f"{y.shape[-1]} classes, got shape {alpha.shape}"
            )
        if self.from_logits:
            _, share, s = exponentials(y_pred)
            share /= s
        else:
            s = total(y_pred, axis=-1, keepdims=True)
            share = y_pred / s
        p = clip_probabilities(share)
        log_p, rest = np.log(p), 1 - p
        factor, weight = rest**self.gamma, alpha * y
        values = -total(weight * factor * log_p, axis=-1)
        if not grad:
            return values, None
        d = -factor / p
        if self.gamma:
            d += self.gamma * rest ** (self.gamma - 1) * log_p
        d *= weight * (p == share)
        d -= total(d * share, axis=-1, keepdims=True)
        if self.from_logits:
            d *= share
        else:
            d /= s
        return values, d
