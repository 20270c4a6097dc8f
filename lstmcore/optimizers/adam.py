"""Adam, AdamW, Adamax and Nadam: moving averages of the gradient and of its size."""

from __future__ import annotations

from typing import Any

from .. import _core
from .base import BELOW_ONE, Array, Optimizer, registry

_SETTLED = 1000  # steps after which Nadam's first beta has risen to beta_1, to the last bit


class _Means(Optimizer):
    """The base class: two decay rates (betas), with bias correction, and an epsilon."""

    def __init__(
        self,
        learning_rate: Any,
        beta_1: float,
        beta_2: float,
        epsilon: float,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, *args, **kwargs)
        self.beta_1 = self._check("beta_1", beta_1, BELOW_ONE)
        self.beta_2 = self._check("beta_2", beta_2, BELOW_ONE)
        self.epsilon = self._check("epsilon", epsilon)

    def _own_slots(self) -> tuple[str, ...]:
        return ("momentum", "velocity")


@registry.add()
class Adam(_Means):
    """The Adam optimizer: moving averages of the gradient and of its square, bias-corrected.

    Parameters
    ----------
    learning_rate : float, LearningRateSchedule or callable, default 0.001
    beta_1, beta_2 : float, default 0.9, 0.999
        Decay rates of the moving averages, from 0 to below 1.
    epsilon : float, default 1e-7
        Added to the root of the mean square ("epsilon hat" in the paper).
    amsgrad : bool, default False
        Divide by the largest mean square so far.
    *args, **kwargs
        `weight_decay`, `clipnorm` and the other arguments of every optimizer: see `Optimizer`.
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, beta_1, beta_2, epsilon, *args, **kwargs)
        self.amsgrad = bool(amsgrad)

    def _own_slots(self) -> tuple[str, ...]:
        return (*super()._own_slots(), *["velocity_hat"] * self.amsgrad)

    def _update(self, param: Array, grad: Array, rate: float, decay: float) -> None:
        slots = self.slots
        _core.optimize(
            "adam",
            param,
            grad,
            (slots["momentum"], slots["velocity"], slots.get("velocity_hat")),
            rate,
            decay,
            beta_1=self.beta_1,
            beta_2=self.beta_2,
            epsilon=self.epsilon,
            step=self._done() + 1,
        )


@registry.add()
class AdamW(Adam):
    """The AdamW optimizer: Adam with decoupled weight decay.

    Parameters
    ----------
    learning_rate : float, LearningRateSchedule or callable, default 0.001
    weight_decay : float, default 0.004
    beta_1, beta_2, epsilon, amsgrad
        As in `Adam`.
    *args, **kwargs
        `clipnorm` and the other arguments of every optimizer: see `Optimizer`.
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        weight_decay: float = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        decay = self._check("weight_decay", weight_decay)
        super().__init__(learning_rate, beta_1, beta_2, epsilon, amsgrad, decay, *args, **kwargs)


@registry.add()
class Adamax(_Means):
    """The Adamax optimizer: a moving average of the gradient, divided by its infinity norm.

    Parameters
    ----------
    learning_rate : float, LearningRateSchedule or callable, default 0.001
    beta_1, beta_2 : float, default 0.9, 0.999
        Decay rates of the moving average and of the norm, from 0 to below 1.
    epsilon : float, default 1e-7
        Added to the norm.
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
        super().__init__(learning_rate, beta_1, beta_2, epsilon, *args, **kwargs)

    def _own_slots(self) -> tuple[str, ...]:
        return ("momentum", "norm")

    def _update(self, param: Array, grad: Array, rate: float, decay: float) -> None:
        _core.optimize(
            "adamax",
            param,
            grad,
            (self.slots["momentum"], self.slots["norm"]),
            rate,
            decay,
            beta_1=self.beta_1,
            beta_2=self.beta_2,
            epsilon=self.epsilon,
            step=self._done() + 1,
        )


@registry.add()
class Nadam(_Means):
    """The Nadam optimizer: Adam with Nesterov momentum and a rising first beta.

    Parameters
    ----------
    learning_rate : float, LearningRateSchedule or callable, default 0.001
    beta_1, beta_2 : float, default 0.9, 0.999
        Decay rates of the moving averages, from 0 to below 1.
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
        super().__init__(learning_rate, beta_1, beta_2, epsilon, *args, **kwargs)
        self._product = (0, 1.0)  # a number of steps, and the product of `_mu` over them: a cache

    def _mu(self, step: int) -> float:
        """Return beta_1 in a step, counted from 1."""
        return self.beta_1 * (1 - 0.5 * 0.96**step)

    def _product_of(self, steps: int) -> float:
        """Return the product of `_mu` over the first `steps` steps."""
        done, product = self._product
        if done > steps:
            done, product = 0, 1.0
        for step in range(done + 1, min(steps, _SETTLED) + 1):
            product *= self._mu(step)
        product *= self.beta_1 ** max(steps - max(done, _SETTLED), 0)
        self._product = (steps, product)
        return product

    def _update(self, param: Array, grad: Array, rate: float, decay: float) -> None:
        step = self._done() + 1
        _core.optimize(
            "nadam",
            param,
            grad,
            (self.slots["momentum"], self.slots["velocity"]),
            rate,
            decay,
            beta_1=self.beta_1,
            beta_2=self.beta_2,
            epsilon=self.epsilon,
            mu=self._mu(step),
            next_mu=self._mu(step + 1),
            product=self._product_of(step),
            step=step,
        )
