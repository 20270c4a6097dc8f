"""ScheduleFreeAdamW: averages instead of a schedule of the learning rate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..validation import whole
from .base import BELOW_ONE, Array, Optimizer, registry


@registry.add()
class ScheduleFreeAdamW(Optimizer):
    """The schedule-free AdamW optimizer (Defazio et al., 2024): no schedule, and no last step.

    Adam's steps, without momentum, go along z. The weights are (1 - beta_1) z + beta_1 x, between
    z and the mean x of all z so far: gradients are taken there. Computed in NumPy. As in Keras, x
    is a plain mean, also over the warm-up, and weight decay is of the weights. Where a constraint
    or `set_weights` moves the weights, z goes with them.

    Parameters
    ----------
    learning_rate : float, LearningRateSchedule or callable, default 0.0025
    beta_1 : float, default 0.9
        The share of the mean in the weights, above 0 and below 1.
    beta_2 : float, default 0.999
        Decay rate of the mean square of the gradient, from 0 to below 1.
    epsilon : float, default 1e-8
        Added to the root of the mean square.
    warmup_steps : int, default 0
        Number of steps in which the learning rate rises to its value.
    *args, **kwargs
        `weight_decay`, `clipnorm` and the other arguments of every optimizer: see `Optimizer`.
    """

    def __init__(
        self,
        learning_rate: Any = 0.0025,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        warmup_steps: int = 0,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, *args, **kwargs)
        self.beta_1 = self._check("beta_1", beta_1, BELOW_ONE, above=True)
        self.beta_2 = self._check("beta_2", beta_2, BELOW_ONE)
        self.epsilon = self._check("epsilon", epsilon)
        self.warmup_steps = whole("ScheduleFreeAdamW: warmup_steps", warmup_steps, 0, 0)

    def _own_slots(self) -> tuple[str, ...]:
        return ("offset", "velocity")  # the offset of z from the weights, so that it begins with 0

    def _decay(
        self, param: Array, rate: float, windows: Sequence[slice], names: Sequence[str]
    ) -> float:
        decay = rate * self.weight_decay if self.weight_decay else 0.0
        if decay:  # z stays where it is
            for window in self._not_excluded(param, windows or (slice(None),), names):
                lost = param[window] * decay
                param[window] -= lost
                self.slots["offset"][window] += lost
        return 0.0

    def _average(self, param: Array) -> bool:
        before = param.copy()
        changed = super()._average(param)
        self.slots["offset"] += before - param  # z stays where it is
        return changed

    def finalize_variable_values(self, param: Array) -> None:
        """With `use_ema`, replace the weights by their moving average; else do nothing."""
        before = param.copy()
        super().finalize_variable_values(param)
        if self.slots:
            self.slots["offset"] += before - param

    def _update(self, param: Array, grad: Array, rate: float, decay: float) -> None:
        step, offset, v = self._done() + 1, self.slots["offset"], self.slots["velocity"]
        if self.warmup_steps:
            rate *= min(step / self.warmup_steps, 1.0)
        z = param + offset
        mean = param - (1 - self.beta_1) / self.beta_1 * offset
        v += (grad * grad - v) * (1 - self.beta_2)
        z -= rate * grad / (np.sqrt(v / (1 - self.beta_2**step)) + self.epsilon)
        mean += (z - mean) / step
        np.multiply(z - mean, self.beta_1, out=offset)
        np.subtract(z, offset, out=param)
