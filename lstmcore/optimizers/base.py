"""Optimizer: the base class of all optimizers, with their options, state and training step."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._binding.numpy_blas import dot
from ..names import is_builtin, snake_case
from ..refused.arguments import advice
from ..refused.attributes import refuse
from ..registry import Registry
from ..serialization import to_json
from ..validation import number, whole
from . import schedules
from .own_update import OwnUpdate
from .variables import Count, Rate

Array = NDArray[Any]
registry: Registry = Registry("optimizer")

BELOW_ONE = math.nextafter(1, 0)


def _replacement(name: str) -> Callable[[type[Optimizer]], str]:
    """Return what says what to write instead of a name that Keras 2 had."""
    return lambda cls: advice(name, cls.arguments, {})


@refuse("optimizer", {name: _replacement(name) for name in ("lr", "decay")})
class Optimizer(OwnUpdate):
    """The base class of all optimizers: subclass it and write `build` and `update_step`.

    These are Keras's, for one weight at a time. The fast way is to write `_own_slots` and
    `_update`, for flat arrays of all weights.

    Parameters
    ----------
    learning_rate : float, LearningRateSchedule or callable
        A callable takes no arguments and returns the learning rate of the next step.
    weight_decay : float, optional
        Before each step, every weight is reduced by this share of it times the learning rate.
    clipnorm : float, optional
        Scale the gradient of each weight array to this Euclidean norm if it is longer.
    clipvalue : float, optional
        Clip every element of the gradients to this absolute value.
    global_clipnorm : float, optional
        Scale all gradients together to this Euclidean norm if they are longer.
    use_ema : bool, default False
        Keep an exponential moving average of the weights, which replaces them when training
        ends.
    ema_momentum : float, default 0.99
        Decay rate of that average, from 0 to 1.
    ema_overwrite_frequency : int, optional
        Replace the weights by the average after every n-th step, too.
    loss_scale_factor : float, optional
        Accepted for compatibility with Keras; no effect: there are no half-precision gradients.
    gradient_accumulation_steps : int, optional
        Update the weights at every n-th call only, by the mean of the n gradients.
    name : str, optional

    Attributes
    ----------
    iterations : int
        Number of steps done; calls that only accumulate gradients do not count.
    slots : dict of str to ndarray
        The state by name; empty before the first step.
    """

    registry = registry
    weight_decay: float | None
    clipnorm: float | None
    clipvalue: float | None
    global_clipnorm: float | None
    loss_scale_factor: float | None
    _rate: float | Callable[..., Any] = 0.0

    def __init__(
        self,
        learning_rate: Any,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
    ) -> None:
        who = type(self).__name__
        if type(self)._update is Optimizer._update and not self.overrides_update_step:
            raise NotImplementedError(
                f"{who}: write update_step(self, gradient, variable, learning_rate), as in Keras; "
                "or, the fast way, _update(self, param, grad, rate, decay) on flat arrays"
            )
        self.learning_rate = learning_rate
        clips = {"clipnorm": clipnorm, "clipvalue": clipvalue, "global_clipnorm": global_clipnorm}
        others = {"weight_decay": weight_decay, "loss_scale_factor": loss_scale_factor}
        for argument, value in {**clips, **others}.items():
            setattr(self, argument, value if value is None else self._check(argument, value))
        if sum(value is not None for value in clips.values()) > 1:
            raise ValueError(f"{who}: only one of {', '.join(clips)} can be set")
        self.use_ema = bool(use_ema)
        self.ema_momentum = self._check("ema_momentum", ema_momentum, 1)
        self.ema_overwrite_frequency = self._count(
            "ema_overwrite_frequency", ema_overwrite_frequency, 1
        )
        self.gradient_accumulation_steps = self._count(
            "gradient_accumulation_steps", gradient_accumulation_steps, 2
        )
        self.name = snake_case(who) if name is None else name
        self.slots: dict[str, Array] = {}
        self._calls = 0  # calls of `step`
        self._built_for: tuple[int, Any] | None = None
        self._known = None
        self._unseen: Array | None = None  # True for weights that are not in the average yet
        self._excluded: tuple[list[Any], re.Pattern[str] | None] | None = None
        self._decayed: list[slice] | None = None  # the windows with weight decay, a cache

    def __setattr__(self, name: str, value: Any) -> None:
        """Refuse attributes that a built-in optimizer has not: they would change nothing."""
        cls = type(self)
        if name[0] != "_" and is_builtin(cls) and not hasattr(cls, name):
            known = [*cls.arguments, "iterations", "slots"]
            if name not in known:
                given = {"learning_rate": getattr(self, "learning_rate", None), name: value}
                raise AttributeError(
                    f"{cls.__name__} has no {name!r}: {advice(name, known, given)}"
                )
        super().__setattr__(name, value)

    def _check(self, name: str, value: Any, most: float = math.inf, above: bool = False) -> float:
        """Return a constructor argument as a float; raise an error if it is not valid."""
        return number(f"{type(self).__name__}: {name}", value, most, above=above)

    def _count(self, name: str, value: Any, least: int) -> int | None:
        """Return a constructor argument as an int, or None for None and, as in Keras, 0."""
        return whole(f"{type(self).__name__}: {name}", value, least, least) if value else None

    # -- settings and progress ---------------------------------------------------------------

    def _present_rate(self) -> float:
        """Return the learning rate of the next step."""
        rate = self._rate
        if isinstance(rate, float):
            return rate
        scheduled = isinstance(rate, schedules.LearningRateSchedule)
        return float(rate(self._calls) if scheduled else rate())

    def _done(self) -> int:
        """Return the number of steps done."""
        return self._calls // (self.gradient_accumulation_steps or 1)

    @property
    def learning_rate(self) -> Any:
        """The learning rate of the next step, a float with Keras's `assign` and `numpy`.

        It can be set unless it follows a schedule.
        """
        return Rate(self._present_rate(), lambda value: setattr(self, "learning_rate", value))

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        if isinstance(value, dict):
            value = schedules.named(value)
        if callable(value) and not isinstance(value, type):
            self._rate = value
            return
        value = self._check("learning_rate", value)
        if not isinstance(self._rate, float):
            raise TypeError(
                f"{type(self).__name__}: the learning rate follows {self._rate!r}, so it cannot be "
                "set to a number; construct the optimizer with a number where it is to be set"
            )
        self._rate = value

    @property
    def fixed_rate(self) -> float | None:
        """The learning rate that was set; None if it follows a schedule."""
        rate = to_json(self.get_config().get("learning_rate"))
        return rate if isinstance(rate, int | float) else None

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments as they are now, ready for JSON."""
        given = {"learning_rate": self._rate}  # the schedule and not its present value
        return {a: to_json(given[a] if a in given else getattr(self, a)) for a in self.arguments}

    @property
    def iterations(self) -> int:
        """The number of steps done, an int with Keras's `assign` and `numpy`.

        Setting it discards accumulated gradients.
        """
        made: int = Count(self._done(), lambda value: setattr(self, "iterations", value))
        return made

    @iterations.setter
    def iterations(self, value: Any) -> None:
        done = whole(f"{type(self).__name__}: iterations", value, 0, 0)
        self._calls = done * (self.gradient_accumulation_steps or 1)
        self._built_for = None  # the slots may have been replaced, too

    def state(self) -> dict[str, Any]:
        """Return the state besides config, slots and `iterations`, ready for JSON."""
        accumulated = self._calls % (self.gradient_accumulation_steps or 1)
        return {"accumulated": accumulated} if accumulated else {}

    def set_state(self, state: dict[str, Any]) -> None:
        """Restore the result of `state`; set `iterations` before."""
        who, most = type(self).__name__, (self.gradient_accumulation_steps or 1) - 1
        if not isinstance(state, dict) or not state.keys() <= {"accumulated"}:
            raise ValueError(f"{who}: unknown state {state!r:.80}")
        accumulated = whole(f"{who}: accumulated", state.get("accumulated"), 0, 0)
        if accumulated > most:
            raise ValueError(f"{who}: accumulated: expected {most} at most, got {accumulated}")
        self._calls += accumulated

    # -- state -------------------------------------------------------------------------------

    def slot_names(self) -> tuple[str, ...]:
        """Return the names of all state arrays."""
        accumulates, averages = self.gradient_accumulation_steps is not None, self.use_ema
        return (
            *self._own_slots(),
            *["gradient_accumulator"] * accumulates,
            *["average"] * averages,
        )

    def _own_slots(self) -> tuple[str, ...]:
        """Return the names of the state arrays that `_update` uses."""
        return self._slots_of_state() if self.overrides_update_step else ()

    def _initial(self, name: str) -> float:
        """Return the initial value of a state array."""
        return self._initials.get(name, 0.0) if self.overrides_update_step else 0.0

    def make_slots(self, size: int, dtype: np.dtype[Any]) -> None:
        """Make the state for `size` weights; check it if it exists already."""
        for name in self.slot_names():
            slot = self.slots.get(name)
            if slot is None:
                self.slots[name] = np.full(size, self._initial(name), dtype)
            elif slot.shape != (size,) or slot.dtype != dtype:
                raise ValueError(
                    f"optimizer {self.name!r}: its state is for {slot.size} weights of "
                    f"{slot.dtype}, not {size} of {dtype}: every model needs one of its own"
                )
        self._built_for, self._decayed = (size, dtype), None

    def move(self, moves: Sequence[tuple[slice, slice]], size: int) -> None:
        """Move the state along with weights to a new flat array.

        Parameters
        ----------
        moves : sequence of (slice, slice)
            Old and new window of each weight array; the rest gets initial values.
        size : int
            Size of the new array.
        """
        unseen = np.ones(size, bool)
        for _, target in moves:
            unseen[target] = False
        if self._unseen is not None:
            for source, target in moves:
                unseen[target] = self._unseen[source]
        self._unseen = unseen if self.use_ema and unseen.any() else None
        for name, old in self.slots.items():
            self.slots[name] = new = np.full(size, self._initial(name), old.dtype)
            for source, target in moves:
                new[target] = old[source]
        self._built_for = self._known = self._weights = None

    # -- one step ----------------------------------------------------------------------------

    def step(
        self,
        param: Array,
        grad: Array,
        windows: Sequence[slice] = (),
        names: Sequence[str] = (),
        shapes: Sequence[tuple[int, ...]] = (),
    ) -> bool:
        """Update the weights in place by one step; the gradients may be overwritten.

        Parameters
        ----------
        param, grad : ndarray, (n,)
            All weights and the gradients of the loss with respect to them.
        windows : sequence of slice
            Window of each weight array, for `clipnorm` and `exclude_from_weight_decay`.
        names : sequence of str
            Name of each weight array, for `exclude_from_weight_decay`.
        shapes : sequence of tuple of int
            Shape of each weight array, for optimizers of whole arrays.

        Returns
        -------
        bool
            True if the weights have changed: False while gradients are accumulated.
        """
        if self.overrides_update_step:
            self._prepare(param, windows, names, shapes)
        if self._built_for != (param.size, param.dtype):
            self.make_slots(param.size, param.dtype)
        changed = not self.gradient_accumulation_steps or self._accumulate(grad)
        if changed:
            rate = self._present_rate()
            self._clip(grad, windows)
            decay = self._decay(param, rate, windows, names)
            self._update(param, grad, rate, decay)
        if self.use_ema:
            changed = self._average(param) or changed
        self._calls += 1
        return changed

    def _update(self, param: Array, grad: Array, rate: float, decay: float) -> None:
        """Update the weights in place, by step number `iterations` + 1.

        Parameters
        ----------
        rate : float
            The learning rate.
        decay : float
            The share by which each weight is reduced in this step.
        """
        self._update_by_steps(param, grad, rate, decay)

    def _accumulate(self, grad: Array) -> bool:
        """Accumulate a gradient; if a step is due write the mean to `grad` and return True."""
        total, count = self.slots["gradient_accumulator"], self.gradient_accumulation_steps
        assert count is not None
        if (self._calls + 1) % count:
            total += grad
            return False
        grad += total
        grad /= count
        total.fill(0)
        return True

    def _clip(self, grad: Array, windows: Sequence[slice]) -> None:
        if self.clipnorm:
            for window in windows:
                _clip_to_norm(grad[window], self.clipnorm)
        elif self.global_clipnorm:
            _clip_to_norm(grad, self.global_clipnorm)
        elif self.clipvalue:
            np.clip(grad, -self.clipvalue, self.clipvalue, out=grad)

    # -- weight decay ------------------------------------------------------------------------

    def exclude_from_weight_decay(
        self, var_list: Sequence[Any] | None = None, var_names: Sequence[str] | None = None
    ) -> None:
        """Exclude weights from `weight_decay`.

        This is not saved in configs and files: call it again after loading.

        Parameters
        ----------
        var_list : list of Param, optional
            Weights such as ``model.layers[0].bias``.
        var_names : list of str, optional
            Regular expressions; weights whose names match one of them anywhere are excluded.
        """
        names = [var_names] if isinstance(var_names, str) else list(var_names or ())
        pattern = re.compile("|".join(names)) if names else None
        self._excluded = (list(var_list or ()), pattern) if var_list or pattern else None
        self._decayed = None

    def _decay(
        self, param: Array, rate: float, windows: Sequence[slice], names: Sequence[str]
    ) -> float:
        """Apply weight decay if weights are excluded; return the decay left for `_update`."""
        decay = rate * self.weight_decay if self.weight_decay else 0.0
        if not decay or self._excluded is None:
            return decay
        for window in self._not_excluded(param, windows, names):
            param[window] -= param[window] * decay
        return 0.0

    def _not_excluded(
        self, param: Array, windows: Sequence[slice], names: Sequence[str]
    ) -> Sequence[slice]:
        """Return the windows of the weights that are not excluded from weight decay."""
        if self._excluded is None:
            return windows
        if self._decayed is None:
            variables, pattern = self._excluded
            if len(names) < len(windows) or not windows:
                raise ValueError(
                    f"optimizer {self.name!r}: step: exclude_from_weight_decay needs the weights' "
                    "windows and names"
                )
            self._decayed = [
                window
                for window, name in zip(windows, names, strict=False)
                if not (pattern is not None and pattern.search(name))
                and not any(np.may_share_memory(param[window], _array_of(v)) for v in variables)
            ]
        return self._decayed

    # -- the moving average of the weights ---------------------------------------------------

    def _average(self, param: Array) -> bool:
        """Update the moving average; return True if it has replaced the weights."""
        average, done = self.slots["average"], self._done()
        if done == 0:
            np.copyto(average, param)
        elif self._unseen is not None:
            np.copyto(average, param, where=self._unseen)
        self._unseen = None
        if done:
            average *= self.ema_momentum
            average += (1 - self.ema_momentum) * param
        due = self.ema_overwrite_frequency is not None and not (
            (done + 1) % self.ema_overwrite_frequency
        )
        if due:
            np.copyto(param, average)
        return due

    def finalize_variable_values(self, param: Array) -> None:
        """With `use_ema`, replace the weights by their moving average; else do nothing."""
        average = self.slots.get("average")
        if self.use_ema and average is not None and self._calls:
            known = True if self._unseen is None else ~self._unseen
            np.copyto(param, average, where=known)


def _array_of(variable: Any) -> Array:
    """Return the array of a `Param`, or the array itself."""
    value: Array = getattr(variable, "value", variable)
    return value


def _clip_to_norm(x: Array, norm: float) -> None:
    length = math.sqrt(dot(x, x))
    if not length <= norm:  # NaN propagates, as in Keras
        x *= norm / length
