"""Adam and its kin: running means of the gradient and of its size."""

from __future__ import annotations

from typing import Any

from .. import _core
from .base import BELOW_ONE, Array, Optimizer, registry

_SETTLED = 1000  # steps after which Nadam's first beta has risen to beta_1, to the last bit


class _Means(Optimizer):
    """What they have in common: two betas, corrected for their start at zero, and an epsilon."""

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
    """Running means of the gradient and of its square, both corrected for their start at zero.

    Parameters
    ----------
    learning_rate : float, LearningRateSchedule or callable, default 0.001
    beta_1, beta_2 : float, default 0.9, 0.999
        How much of the running means a step keeps, from 0 to below 1.
    epsilon : float, default 1e-7
        Added to the root of the mean square ("epsilon hat" in the paper).
    amsgrad : bool, default False
        Divide by the largest mean square so far.
    *args, **kwargs
        `weight_decay`, `clipnorm` and all else that every optimizer takes: see `Optimizer`.
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
            step=self.iterations + 1,
        )


@registry.add()
class AdamW(Adam):
    """Adam with weight decay.

    Parameters
    ----------
    learning_rate : float, LearningRateSchedule or callable, default 0.001
    weight_decay : float, default 0.004
    beta_1, beta_2, epsilon, amsgrad
        As in `Adam`.
    *args, **kwargs
        `clipnorm` and all else that every optimizer takes: see `Optimizer`.
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
    """A running mean of the gradient, divided by its largest size, which fades.

    Parameters
    ----------
    learning_rate : float, LearningRateSchedule or callable, default 0.001
    beta_1, beta_2 : float, default 0.9, 0.999
        How much a step keeps of the mean and of the largest size, from 0 to below 1.
    epsilon : float, default 1e-7
        Added to the largest size.
    *args, **kwargs
        `weight_decay`, `clipnorm` and all else that every optimizer takes: see `Optimizer`.
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
            step=self.iterations + 1,
        )


@registry.add()
class Nadam(_Means):
    """Adam with Nesterov's correction, its first beta rising with the steps.

    Parameters
    ----------
    learning_rate : float, LearningRateSchedule or callable, default 0.001
    beta_1, beta_2 : float, default 0.9, 0.999
        How much of the running means a step keeps, from 0 to below 1.
    epsilon : float, default 1e-7
        Added to the root of the mean square.
    *args, **kwargs
        `weight_decay`, `clipnorm` and all else that every optimizer takes: see `Optimizer`.
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
        self._product = (0, 1.0)  # of `_mu` over so many steps: follows from their number

    def _mu(self, step: int) -> float:
        """What beta_1 is in a step, 1 for the first."""
        return self.beta_1 * (1 - 0.5 * 0.96**step)

    def _product_of(self, steps: int) -> float:
        """The product of `_mu` over the steps."""
        done, product = self._product
        if done > steps:
            done, product = 0, 1.0
        for step in range(done + 1, min(steps, _SETTLED) + 1):
            product *= self._mu(step)
        product *= self.beta_1 ** max(steps - max(done, _SETTLED), 0)
        self._product = (steps, product)
        return product

    def _update(self, param: Array, grad: Array, rate: float, decay: float) -> None:
        step = self.iterations + 1
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
