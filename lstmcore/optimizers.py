"""How gradients change weights: Keras's optimizers, by name, each step one call of the core.

An optimizer works on two flat arrays, all trainable weights and all their gradients, and keeps
its own state (`slots`) in flat arrays of the same length.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import _core
from .registry import Configurable, Registry

Array = NDArray[Any]
registry: Registry = Registry("optimizer")

_BELOW_ONE = math.nextafter(1, 0)


class Optimizer(Configurable):
    """Base of all: subclass it, name the `slots` and write `_update`.

    Parameters
    ----------
    learning_rate : float
    clipnorm : float, optional
        Scale the gradient of a weight down to this Euclidean norm if it is longer.
    clipvalue : float, optional
        Cut every number of the gradients at this size.
    global_clipnorm : float, optional
        Scale all gradients together down to this norm if they are longer.
    name : str, optional

    Attributes
    ----------
    iterations : int
        Steps done.
    slots : dict of str to ndarray
        The state by name; empty before the first step.
    """

    registry = registry

    def __init__(
        self,
        learning_rate: float,
        *,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        name: str | None = None,
    ) -> None:
        self.learning_rate = learning_rate
        clips = {"clipnorm": clipnorm, "clipvalue": clipvalue, "global_clipnorm": global_clipnorm}
        for argument, value in clips.items():
            if value is not None:
                self._check(argument, value)
        if sum(value is not None for value in clips.values()) > 1:
            raise ValueError(f"{type(self).__name__}: only one of {', '.join(clips)} can be set")
        self.clipnorm, self.clipvalue, self.global_clipnorm = clipnorm, clipvalue, global_clipnorm
        self.name = type(self).__name__.lower() if name is None else name
        self.iterations = 0
        self.slots: dict[str, Array] = {}

    @property
    def learning_rate(self) -> float:
        """The step size; may be set between steps."""
        return self._learning_rate

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        self._learning_rate = self._check("learning_rate", value)

    def _check(self, name: str, value: Any, high: float = math.inf) -> float:
        """Return a constructor argument as a float, or say what is wrong with it."""
        is_number = isinstance(value, Real) and not isinstance(value, bool)
        if not is_number or not 0 <= value <= high or math.isinf(value):
            limit = f"from 0 to {high:g}" if high < math.inf else ">= 0"
            who = type(self).__name__
            raise ValueError(f"{who}: {name}: expected a number {limit}, got {value!r}")
        return float(value)

    def slot_names(self) -> tuple[str, ...]:
        """The names of the state arrays that the settings ask for."""
        return ()

    def build(self, size: int, dtype: np.dtype[Any]) -> None:
        """Make the state for `size` weights, all zero, unless it is there."""
        for name in self.slot_names():
            slot = self.slots.get(name)
            if slot is None:
                self.slots[name] = np.zeros(size, dtype)
            elif slot.shape != (size,) or slot.dtype != dtype:
                raise ValueError(
                    f"optimizer {self.name!r}: its state is for {slot.size} weights of "
                    f"{slot.dtype}, not {size} of {dtype}: every model needs one of its own"
                )

    def move(self, moves: Sequence[tuple[slice, slice]], size: int) -> None:
        """Follow weights to a new flat array: from the old window to the new; other state is 0."""
        for name, old in self.slots.items():
            self.slots[name] = new = np.zeros(size, old.dtype)
            for source, target in moves:
                new[target] = old[source]

    def step(self, param: Array, grad: Array, windows: Sequence[slice] = ()) -> None:
        """Change the weights by one step, in place; may change the gradients.

        Parameters
        ----------
        param, grad : ndarray, (n,)
            All weights and the gradients of the loss with respect to them.
        windows : sequence of slice
            Where each weight array lies, for `clipnorm`.
        """
        self.build(param.size, param.dtype)
        self._clip(grad, windows)
        self.iterations += 1
        self._update(param, grad)

    def _clip(self, grad: Array, windows: Sequence[slice]) -> None:
        if self.clipvalue is not None:
            np.clip(grad, -self.clipvalue, self.clipvalue, out=grad)
        elif self.clipnorm is not None:
            for window in windows:
                _shorten(grad[window], self.clipnorm)
        elif self.global_clipnorm is not None:
            _shorten(grad, self.global_clipnorm)

    def _update(self, param: Array, grad: Array) -> None:
        raise NotImplementedError


def _shorten(x: Array, norm: float) -> None:
    length = math.sqrt(float(np.dot(x, x)))
    if length > norm:
        x *= norm / length


@registry.add()
class SGD(Optimizer):
    """Gradient descent, with momentum if asked for.

    ``v = momentum * v - learning_rate * g; p += v``, or with Nesterov's correction
    ``p += momentum * v - learning_rate * g``.

    Parameters
    ----------
    learning_rate : float, default 0.01
    momentum : float, default 0.0
        From 0 to 1.
    nesterov : bool, default False
    **kwargs
        `clipnorm`, `clipvalue`, `global_clipnorm`, `name`: see `Optimizer`.
    """

    def __init__(
        self,
        learning_rate: float = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self.momentum, self.nesterov = self._check("momentum", momentum, 1), bool(nesterov)

    def slot_names(self) -> tuple[str, ...]:
        return ("momentum",) if self.momentum else ()

    def _update(self, param: Array, grad: Array) -> None:
        slots = (self.slots.get("momentum"),)
        reads: dict[str, Any] = {"momentum": self.momentum, "nesterov": self.nesterov}
        _core.optimize("sgd", param, grad, slots, self.learning_rate, **reads)


@registry.add()
class RMSprop(Optimizer):
    """Steps divided by a running root mean square of the gradient.

    Parameters
    ----------
    learning_rate : float, default 0.001
    rho : float, default 0.9
        How much of the running mean a step keeps, from 0 to 1.
    momentum : float, default 0.0
    epsilon : float, default 1e-7
        Added to the mean square before the root.
    centered : bool, default False
        Divide by the running standard deviation instead.
    **kwargs
        `clipnorm`, `clipvalue`, `global_clipnorm`, `name`: see `Optimizer`.
    """

    def __init__(
        self,
        learning_rate: float = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self.rho, self.momentum = self._check("rho", rho, 1), self._check("momentum", momentum, 1)
        self.epsilon, self.centered = self._check("epsilon", epsilon), bool(centered)

    def slot_names(self) -> tuple[str, ...]:
        centered, momentum = ["average_gradient"], ["momentum"]
        return ("velocity", *centered * self.centered, *momentum * bool(self.momentum))

    def _update(self, param: Array, grad: Array) -> None:
        slot = self.slots.get
        slots = (self.slots["velocity"], slot("average_gradient"), slot("momentum"))
        reads = {"rho": self.rho, "momentum": self.momentum, "epsilon": self.epsilon}
        _core.optimize("rmsprop", param, grad, slots, self.learning_rate, **reads)


@registry.add()
class Adam(Optimizer):
    """Running means of the gradient and of its square, both corrected for their start at zero.

    Parameters
    ----------
    learning_rate : float, default 0.001
    beta_1, beta_2 : float, default 0.9, 0.999
        How much of the running means a step keeps, from 0 to 1.
    epsilon : float, default 1e-7
        Added to the root of the mean square ("epsilon hat" in the paper).
    amsgrad : bool, default False
        Divide by the largest mean square so far.
    **kwargs
        `clipnorm`, `clipvalue`, `global_clipnorm`, `name`: see `Optimizer`.
    """

    def __init__(
        self,
        learning_rate: float = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self.beta_1 = self._check("beta_1", beta_1, _BELOW_ONE)
        self.beta_2 = self._check("beta_2", beta_2, _BELOW_ONE)
        self.epsilon, self.amsgrad = self._check("epsilon", epsilon), bool(amsgrad)

    def slot_names(self) -> tuple[str, ...]:
        return ("momentum", "velocity", *["velocity_hat"] * self.amsgrad)

    def _update(self, param: Array, grad: Array) -> None:
        slot = self.slots
        slots = (slot["momentum"], slot["velocity"], slot.get("velocity_hat"))
        reads = {"beta_1": self.beta_1, "beta_2": self.beta_2, "epsilon": self.epsilon}
        step = self.iterations
        _core.optimize("adam", param, grad, slots, self.learning_rate, step=step, **reads)


def get(identifier: Any) -> Optimizer:
    """Return the optimizer that a name, class, config or instance stands for."""
    return registry.get(identifier, Optimizer)
