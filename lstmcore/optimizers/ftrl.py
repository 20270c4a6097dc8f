"""Ftrl: follow the regularized leader, for sparse weights."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..validation import real
from .base import Array, Optimizer, registry


@registry.add()
class Ftrl(Optimizer):
    """The Ftrl-proximal optimizer (McMahan et al., 2013): L1 regularization makes weights 0.

    Computed in NumPy.

    Parameters
    ----------
    learning_rate : float, LearningRateSchedule or callable, default 0.001
        Above 0; at 0 nothing changes.
    learning_rate_power : float, default -0.5
        0 or below; 0 makes the learning rate constant.
    initial_accumulator_value : float, default 0.1
        What the sums of squares of the gradient begin with.
    l1_regularization_strength, l2_regularization_strength : float, default 0.0
    l2_shrinkage_regularization_strength : float, default 0.0
        Twice this times the weights is added to the gradient.
    beta : float, default 0.0
        beta / (2 learning_rate) is added to the strength of L2.
    *args, **kwargs
        `weight_decay`, `clipnorm` and the other arguments of every optimizer: see `Optimizer`.
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        l2_shrinkage_regularization_strength: float = 0.0,
        beta: float = 0.0,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, *args, **kwargs)
        self.learning_rate_power = real("Ftrl: learning_rate_power", learning_rate_power)
        if not self.learning_rate_power <= 0:
            raise ValueError(
                "Ftrl: learning_rate_power: expected a number <= 0, got "
                f"{self.learning_rate_power!r}"
            )
        others = {
            "initial_accumulator_value": initial_accumulator_value,
            "l1_regularization_strength": l1_regularization_strength,
            "l2_regularization_strength": l2_regularization_strength,
            "l2_shrinkage_regularization_strength": l2_shrinkage_regularization_strength,
            "beta": beta,
        }
        self.initial_accumulator_value = self.l1_regularization_strength = 0.0
        self.l2_regularization_strength = self.l2_shrinkage_regularization_strength = 0.0
        self.beta = 0.0
        for argument, value in others.items():
            setattr(self, argument, self._check(argument, value))

    def _own_slots(self) -> tuple[str, ...]:
        return ("accumulator", "linear")

    def _initial(self, name: str) -> float:
        return self.initial_accumulator_value if name == "accumulator" else 0.0

    def _update(self, param: Array, grad: Array, rate: float, decay: float) -> None:
        if rate == 0:
            return
        if decay:
            param -= param * decay
        sums, linear, power = (
            self.slots["accumulator"],
            self.slots["linear"],
            -self.learning_rate_power,
        )
        before = sums**power
        sums += grad * grad
        after = sums**power
        linear += grad + 2 * self.l2_shrinkage_regularization_strength * param
        linear -= (after - before) / rate * param
        bottom = after / rate + 2 * (self.l2_regularization_strength + self.beta / (2 * rate))
        l1 = self.l1_regularization_strength
        np.divide(np.clip(linear, -l1, l1) - linear, bottom, out=param, where=bottom != 0)
