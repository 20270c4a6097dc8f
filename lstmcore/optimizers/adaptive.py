"""Optimizers that divide by the size of past gradients: RMSprop, Adagrad, Adadelta."""

from __future__ import annotations

from typing import Any

from .. import _core
from .base import Array, Optimizer, registry


@registry.add()
class RMSprop(Optimizer):
    """The RMSprop optimizer: steps divided by a moving root mean square of the gradient.

    Parameters
    ----------
    learning_rate : float, LearningRateSchedule or callable, default 0.001
    rho : float, default 0.9
        Decay rate of the moving average, from 0 to 1.
    momentum : float, default 0.0
    epsilon : float, default 1e-7
        Added to the mean square before the root.
    centered : bool, default False
        Divide by the moving standard deviation instead.
    *args, **kwargs
        `weight_decay`, `clipnorm` and the other arguments of every optimizer: see `Optimizer`.
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, *args, **kwargs)
        self.rho, self.momentum = self._check("rho", rho, 1), self._check("momentum", momentum, 1)
        self.epsilon, self.centered = self._check("epsilon", epsilon), bool(centered)

    def _own_slots(self) -> tuple[str, ...]:
        centered, momentum = ["average_gradient"], ["momentum"]
        return ("velocity", *centered * self.centered, *momentum * bool(self.momentum))

    def _update(self, param: Array, grad: Array, rate: float, decay: float) -> None:
        slots = self.slots
        own = (slots["velocity"], slots.get("average_gradient"), slots.get("momentum"))
        _core.optimize(
            "rmsprop",
            param,
            grad,
            own,
            rate,
            decay,
            rho=self.rho,
            momentum=self.momentum,
            epsilon=self.epsilon,
        )


@registry.add()
class Adagrad(Optimizer):
    """The Adagrad optimizer: steps divided by the root of the sum of squared gradients.

    Parameters
    ----------
    learning_rate : float, LearningRateSchedule or callable, default 0.001
    initial_accumulator_value : float, default 0.1
        Initial value of the sum.
    epsilon : float, default 1e-7
        Added to the sum before the root.
    *args, **kwargs
        `weight_decay`, `clipnorm` and the other arguments of every optimizer: see `Optimizer`.
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, *args, **kwargs)
        initial = self._check("initial_accumulator_value", initial_accumulator_value)
        self.initial_accumulator_value, self.epsilon = initial, self._check("epsilon", epsilon)

    def _own_slots(self) -> tuple[str, ...]:
        return ("accumulator",)

    def _initial(self, name: str) -> float:
        return self.initial_accumulator_value if name == "accumulator" else super()._initial(name)

    def _update(self, param: Array, grad: Array, rate: float, decay: float) -> None:
        own = (self.slots["accumulator"],)
        _core.optimize("adagrad", param, grad, own, rate, decay, epsilon=self.epsilon)


@registry.add()
class Adadelta(Optimizer):
    """The Adadelta optimizer: steps scaled by the ratio of past updates to past gradients.

    Parameters
    ----------
    learning_rate : float, LearningRateSchedule or callable, default 0.001
        The paper uses 1.0.
    rho : float, default 0.95
        Decay rate of the moving averages, from 0 to 1.
    epsilon : float, default 1e-7
        Added to the mean squares before the roots.
    *args, **kwargs
        `weight_decay`, `clipnorm` and the other arguments of every optimizer: see `Optimizer`.
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: float = 0.95,
        epsilon: float = 1e-7,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, *args, **kwargs)
        self.rho, self.epsilon = self._check("rho", rho, 1), self._check("epsilon", epsilon)

    def _own_slots(self) -> tuple[str, ...]:
        return ("accumulated_grad", "accumulated_delta_var")

    def _update(self, param: Array, grad: Array, rate: float, decay: float) -> None:
        own = (self.slots["accumulated_grad"], self.slots["accumulated_delta_var"])
        rho, epsilon = self.rho, self.epsilon
        _core.optimize("adadelta", param, grad, own, rate, decay, rho=rho, epsilon=epsilon)
