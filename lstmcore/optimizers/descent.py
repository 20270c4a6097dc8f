"""SGD and Lion: steps along the gradient, or along its sign."""

from __future__ import annotations

from typing import Any

from .. import _core
from .base import Array, Optimizer, registry


@registry.add()
class SGD(Optimizer):
    """The SGD optimizer: gradient descent with optional momentum.

    ``v = momentum * v - learning_rate * g; p += v``, or with Nesterov momentum
    ``p += momentum * v - learning_rate * g``.

    Parameters
    ----------
    learning_rate : float, LearningRateSchedule or callable, default 0.01
    momentum : float, default 0.0
        From 0 to 1.
    nesterov : bool, default False
    *args, **kwargs
        `weight_decay`, `clipnorm` and the other arguments of every optimizer: see `Optimizer`.
    """

    def __init__(
        self,
        learning_rate: Any = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, *args, **kwargs)
        self.momentum, self.nesterov = self._check("momentum", momentum, 1), bool(nesterov)

    def _own_slots(self) -> tuple[str, ...]:
        return ("momentum",) if self.momentum else ()

    def _update(self, param: Array, grad: Array, rate: float, decay: float) -> None:
        slots, momentum, nesterov = self.slots, self.momentum, self.nesterov
        own = (slots.get("momentum"),)
        _core.optimize("sgd", param, grad, own, rate, decay, momentum=momentum, nesterov=nesterov)


@registry.add()
class Lion(Optimizer):
    """The Lion optimizer: steps of fixed size along the sign of an average of the gradient.

    Parameters
    ----------
    learning_rate : float, LearningRateSchedule or callable, default 0.001
    beta_1 : float, default 0.9
        Weight of the moving average relative to the new gradient in the update, above 0.
    beta_2 : float, default 0.99
        Decay rate of the moving average, from 0 to 1.
    *args, **kwargs
        `weight_decay`, `clipnorm` and the other arguments of every optimizer: see `Optimizer`.
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.99,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, *args, **kwargs)
        self.beta_1 = self._check("beta_1", beta_1, 1, above=True)
        self.beta_2 = self._check("beta_2", beta_2, 1)

    def _own_slots(self) -> tuple[str, ...]:
        return ("momentum",)

    def _update(self, param: Array, grad: Array, rate: float, decay: float) -> None:
        own, beta_1, beta_2 = (self.slots["momentum"],), self.beta_1, self.beta_2
        _core.optimize("lion", param, grad, own, rate, decay, beta_1=beta_1, beta_2=beta_2)
