"""Lamb and Adafactor: steps relative to the size of each weight array."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..validation import real
from .arrays import Array, ArrayOptimizer, norm, rms
from .base import BELOW_ONE, registry


@registry.add()
class Lamb(ArrayOptimizer):
    """The Lamb optimizer: Adam's direction, as long as the weight array times the learning rate.

    For large batches (You et al., 2020). Computed in NumPy.

    Parameters
    ----------
    learning_rate : float, LearningRateSchedule or callable, default 0.001
    beta_1, beta_2 : float, default 0.9, 0.999
        Decay rates of the moving averages of the gradient and of its square, from 0 to below 1.
    epsilon : float, default 1e-7
        Added to the root of the mean square.
    *args, **kwargs
        `weight_decay`, `clipnorm` and the other arguments of every optimizer: see `Optimizer`.
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, *args, **kwargs)
        self.beta_1 = self._check("beta_1", beta_1, BELOW_ONE)
        self.beta_2 = self._check("beta_2", beta_2, BELOW_ONE)
        self.epsilon = self._check("epsilon", epsilon)

    def _own_slots(self) -> tuple[str, ...]:
        return ("momentum", "velocity")

    def _update(self, param: Array, grad: Array, rate: float, decay: float) -> None:
        step, m, v = self._done() + 1, self.slots["momentum"], self.slots["velocity"]
        if decay:
            param -= param * decay
        m += (grad - m) * (1 - self.beta_1)
        v += (grad * grad - v) * (1 - self.beta_2)
        update = m / (1 - self.beta_1**step)
        update /= np.sqrt(v / (1 - self.beta_2**step)) + self.epsilon
        for part in self._parts(param, update):
            weights, steps = norm(part.value), norm(part.grad)
            part.value[...] -= (weights / steps if weights and steps else 1.0) * rate * part.grad


@registry.add()
class Adafactor(ArrayOptimizer):
    """The Adafactor optimizer: the mean square of a matrix's gradient from its rows and columns.

    Shazeer and Stern, 2018, without momentum. Steps are relative to the size of the weight array.
    Computed in NumPy. Its state is one array of the size of the weights: half of Adam's.

    Parameters
    ----------
    learning_rate : float, LearningRateSchedule or callable, default 0.001
        The relative step is this, at most 1 / sqrt(step).
    beta_2_decay : float, default -0.8
        The decay rate of the mean squares is 1 - step**beta_2_decay.
    epsilon_1 : float, default 1e-30
        Added to squares of the gradient.
    epsilon_2 : float, default 1e-3
        The least size of a weight array that steps are relative to.
    clip_threshold : float, default 1.0
        The root mean square of an update, before the learning rate, is at most this.
    relative_step : bool, default True
        Accepted for compatibility with Keras, where it has no effect either.
    *args, **kwargs
        `weight_decay`, `clipnorm` and the other arguments of every optimizer: see `Optimizer`.
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_2_decay: float = -0.8,
        epsilon_1: float = 1e-30,
        epsilon_2: float = 1e-3,
        clip_threshold: float = 1.0,
        relative_step: bool = True,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, *args, **kwargs)
        self.beta_2_decay = real("Adafactor: beta_2_decay", beta_2_decay)
        if not self.beta_2_decay <= 0:
            raise ValueError(
                f"Adafactor: beta_2_decay: expected a number <= 0, got {beta_2_decay!r}"
            )
        self.epsilon_1 = self._check("epsilon_1", epsilon_1)
        self.epsilon_2 = self._check("epsilon_2", epsilon_2)
        self.clip_threshold = self._check("clip_threshold", clip_threshold, above=True)
        self.relative_step = bool(relative_step)

    def _own_slots(self) -> tuple[str, ...]:
        return ("velocity",)

    def _update(self, param: Array, grad: Array, rate: float, decay: float) -> None:
        step, slot = self._done() + 1, self.slots["velocity"]
        if decay:
            param -= param * decay
        rate, beta_2 = min(rate, 1 / math.sqrt(step)), 1 - step**self.beta_2_decay
        for part in self._parts(param, grad):
            size = max(self.epsilon_2, rms(part.value)) * rate
            square = part.grad * part.grad + self.epsilon_1
            update = part.grad / np.sqrt(_mean_square(slot[part.window], square, beta_2))
            update /= max(1.0, rms(update) / self.clip_threshold)
            part.value[...] -= size * update


def _mean_square(slot: Array, square: Array, beta: float) -> Array:
    """Update the moving mean of squares; return it.

    Of a matrix, or of the matrices along the last two axes, there are the means of rows, at the
    beginning of the slot, and those of columns, at its end. A matrix of one row or column has no
    room for both, and needs but one: it is kept as it is.
    """
    if square.ndim < 2 or min(square.shape[-2:]) == 1:
        v = slot.reshape(square.shape)
        v *= beta
        v += (1 - beta) * square
        return v
    rows, columns = square.mean(axis=-1), square.mean(axis=-2)
    kept = slot[: rows.size].reshape(rows.shape), slot[-columns.size :].reshape(columns.shape)
    for mean, now in zip(kept, (rows, columns), strict=True):
        mean *= beta
        mean += (1 - beta) * now
    share = kept[0] / kept[0].mean(axis=-1, keepdims=True)
    found: Array = share[..., :, None] * kept[1][..., None, :]
    return found
