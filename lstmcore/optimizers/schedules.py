"""Keras's learning rate schedules, by name.

A schedule is called with the number of training steps done, 0 at first, and returns the rate.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from ..registry import Registry
from ..registry import custom_objects as with_names
from ..serialization import Configurable, to_json
from ..validation import entries, number

registry: Registry = Registry("learning rate schedule")


class LearningRateSchedule(Configurable):
    """The base class of all schedules: subclass it and write ``__call__(self, step)``.

    Examples
    --------
    >>> from lstmcore.optimizers import SGD
    >>> from lstmcore.optimizers.schedules import LearningRateSchedule
    >>> class Harmonic(LearningRateSchedule):
    ...     def __init__(self, initial_learning_rate):
    ...         self.initial_learning_rate = initial_learning_rate
    ...     def __call__(self, step):
    ...         return self.initial_learning_rate / (step + 1)
    >>> SGD(Harmonic(0.1)).learning_rate
    0.1
    """

    registry = registry

    def __call__(self, step: Any) -> float:
        """Return the learning rate after `step` training steps."""
        raise NotImplementedError(f"{type(self).__name__} has no __call__")

    def _check(self, *names: str, above: bool = False) -> None:
        """Raise an error unless these attributes are numbers >= 0, or > 0 if `above`."""
        for name in names:
            number(f"{type(self).__name__}: {name}", getattr(self, name), above=above)


class _Decay(LearningRateSchedule):
    """The base class of schedules that decay by a rate per `decay_steps`."""

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool,
        name: str,
    ) -> None:
        self.initial_learning_rate, self.decay_rate = initial_learning_rate, decay_rate
        self.decay_steps, self.staircase, self.name = decay_steps, bool(staircase), name
        self._check("initial_learning_rate", "decay_rate")
        self._check("decay_steps", above=True)

    def _periods(self, step: Any) -> float:
        periods = float(step) / self.decay_steps
        return math.floor(periods) if self.staircase else periods


@registry.add()
class ExponentialDecay(_Decay):
    """The exponential decay ``initial_learning_rate * decay_rate ** (step / decay_steps)``.

    Parameters
    ----------
    initial_learning_rate : float
    decay_steps : int
    decay_rate : float
        Factor of the learning rate per `decay_steps`.
    staircase : bool, default False
        Decay once every `decay_steps` steps, not at each.
    name : str
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
        name: str = "ExponentialDecay",
    ) -> None:
        super().__init__(initial_learning_rate, decay_steps, decay_rate, staircase, name)

    def __call__(self, step: Any) -> float:
        return float(self.initial_learning_rate * self.decay_rate ** self._periods(step))


@registry.add()
class InverseTimeDecay(_Decay):
    """The decay ``initial_learning_rate / (1 + decay_rate * step / decay_steps)``.

    Parameters
    ----------
    initial_learning_rate : float
    decay_steps : int
    decay_rate : float
    staircase : bool, default False
        Decay once every `decay_steps` steps, not at each.
    name : str
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
        name: str = "InverseTimeDecay",
    ) -> None:
        super().__init__(initial_learning_rate, decay_steps, decay_rate, staircase, name)

    def __call__(self, step: Any) -> float:
        return float(self.initial_learning_rate / (1 + self.decay_rate * self._periods(step)))


@registry.add()
class PiecewiseConstantDecay(LearningRateSchedule):
    """A constant value up to each boundary, and the last value after them.

    Parameters
    ----------
    boundaries : list of int
        The last step of each value but the last, in ascending order.
    values : list of float
        One more than boundaries.
    name : str
    """

    def __init__(
        self,
        boundaries: Sequence[float],
        values: Sequence[float],
        name: str = "PiecewiseConstant",
    ) -> None:
        self.boundaries = entries(f"{type(self).__name__}: boundaries", boundaries, "numbers")
        self.values = entries(f"{type(self).__name__}: values", values, "numbers")
        self.name = name
        who = type(self).__name__
        if len(self.boundaries) != len(self.values) - 1:
            raise ValueError(
                f"{who}: expected one value more than boundaries, "
                f"got {len(self.values)} values and {len(self.boundaries)} boundaries"
            )
        for argument in ("boundaries", "values"):
            for value in getattr(self, argument):
                number(f"{who}: {argument}", value)
        if any(a >= b for a, b in zip(self.boundaries, self.boundaries[1:], strict=False)):
            raise ValueError(f"{who}: boundaries: expected rising numbers, got {self.boundaries}")

    def __call__(self, step: Any) -> float:
        return float(self.values[sum(step > boundary for boundary in self.boundaries)])


@registry.add()
class PolynomialDecay(LearningRateSchedule):
    """A polynomial decay to `end_learning_rate` in `decay_steps` steps.

    The rate is ``(initial - end) * (1 - step / decay_steps) ** power + end``.

    Parameters
    ----------
    initial_learning_rate : float
    decay_steps : int
    end_learning_rate : float, default 0.0001
    power : float, default 1.0
    cycle : bool, default False
        When the end is reached, extend `decay_steps` to its next multiple.
    name : str
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
        name: str = "PolynomialDecay",
    ) -> None:
        self.initial_learning_rate, self.end_learning_rate = (
            initial_learning_rate,
            end_learning_rate,
        )
        self.decay_steps, self.power, self.cycle, self.name = decay_steps, power, bool(cycle), name
        self._check("initial_learning_rate", "end_learning_rate", "power")
        self._check("decay_steps", above=True)

    def __call__(self, step: Any) -> float:
        step, end = float(step), self.end_learning_rate
        periods = max(math.ceil(step / self.decay_steps), 1) if self.cycle else 1
        left = 1 - min(step / (self.decay_steps * periods), 1.0)
        return float((self.initial_learning_rate - end) * left**self.power + end)


def _cosine(fraction: float) -> float:
    """Return half a cosine: 1 for 0, falling to 0 for 1."""
    return 0.5 * (1 + math.cos(math.pi * fraction))


@registry.add()
class CosineDecay(LearningRateSchedule):
    """A half cosine that decays to the share `alpha`, after an optional linear warm-up.

    Parameters
    ----------
    initial_learning_rate : float
    decay_steps : int
        Length of the decay, which begins after the warm-up.
    alpha : float, default 0.0
        The final learning rate as a share of the initial one.
    name : str
    warmup_target : float, optional
        The learning rate after the warm-up, where the decay starts; by default no warm-up.
    warmup_steps : int, default 0
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        alpha: float = 0.0,
        name: str = "CosineDecay",
        warmup_target: float | None = None,
        warmup_steps: float = 0,
    ) -> None:
        self.initial_learning_rate, self.decay_steps = initial_learning_rate, decay_steps
        self.alpha, self.name = alpha, name
        self.warmup_target, self.warmup_steps = warmup_target, warmup_steps
        warm = [] if warmup_target is None else ["warmup_target"]
        self._check("initial_learning_rate", "alpha", "warmup_steps", *warm)
        self._check("decay_steps", above=True)

    def __call__(self, step: Any) -> float:
        begin, peak, warm = self.initial_learning_rate, self.warmup_target, self.warmup_steps
        if peak is None:
            peak, warm = begin, 0
        elif step < warm:
            return float((peak - begin) * (float(step) / warm) + begin)
        done = min((float(step) - warm) / self.decay_steps, 1.0)
        return float(peak * ((1 - self.alpha) * _cosine(done) + self.alpha))


@registry.add()
class CosineDecayRestarts(LearningRateSchedule):
    """Half cosines one after another, each longer than the last or starting lower (SGDR).

    Parameters
    ----------
    initial_learning_rate : float
    first_decay_steps : int
        Length of the first decay.
    t_mul : float, default 2.0
        Factor of the length from one decay to the next.
    m_mul : float, default 1.0
        Factor of the starting rate from one decay to the next.
    alpha : float, default 0.0
        The rate at the end of each decay as a share of the initial learning rate.
    name : str
    """

    def __init__(
        self,
        initial_learning_rate: float,
        first_decay_steps: float,
        t_mul: float = 2.0,
        m_mul: float = 1.0,
        alpha: float = 0.0,
        name: str = "SGDRDecay",
    ) -> None:
        self.initial_learning_rate = initial_learning_rate
        self.first_decay_steps, self.t_mul, self.m_mul = first_decay_steps, t_mul, m_mul
        self.alpha, self.name = alpha, name
        self._check("initial_learning_rate", "m_mul", "alpha")
        self._check("first_decay_steps", "t_mul", above=True)

    def __call__(self, step: Any) -> float:
        restarts, done = self._place(float(step) / self.first_decay_steps)
        share = (1 - self.alpha) * self.m_mul**restarts * _cosine(done) + self.alpha
        return float(self.initial_learning_rate * share)

    def _place(self, done: float) -> tuple[int, float]:
        """Return the number of restarts so far, and the fraction of the present decay."""
        if self.t_mul == 1:
            return math.floor(done), done - math.floor(done)
        stretched = 1 - done * (1 - self.t_mul)
        if stretched <= 0:  # decays that get shorter have a finite total length
            return 0, 1.0
        restarts = math.floor(math.log(stretched) / math.log(self.t_mul))
        length = self.t_mul**restarts
        return restarts, (done - (1 - length) / (1 - self.t_mul)) / length


def get(identifier: Any) -> LearningRateSchedule:
    """Return the schedule for a config or an instance."""
    return registry.get(identifier, LearningRateSchedule)


def named(config: dict[str, Any]) -> Callable[..., Any]:
    """Return the schedule, or the registered function, of a config."""
    function = config.get("function")
    return registry.find(function) if isinstance(function, str) else get(config)


def serialize(learning_rate_schedule: LearningRateSchedule) -> Any:
    """Return the config that `deserialize` takes."""
    return to_json(learning_rate_schedule)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> LearningRateSchedule:
    """Build a schedule from its config."""
    with with_names(custom_objects):
        return get(config)
