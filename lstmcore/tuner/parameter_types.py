"""Types of hyperparameters: their values, and their representation in an Optuna study."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from typing import Any, ClassVar, Self

from ..names import nearest

Conditions = tuple[tuple[str, tuple[Any, ...]], ...]  # names of others, their required values

SAMPLINGS = ("linear", "log", "reverse_log")
TICKS = 10  # values of a range without steps in a grid


def plain(value: Any) -> Any:
    """Return a JSON-serializable value, converting NumPy scalars to Python's."""
    value = value.item() if hasattr(value, "item") else value
    if value is not None and not isinstance(value, bool | int | float | str):
        raise TypeError(f"hyperparameter: expected a number, str or bool, got {value!r}")
    return value


@dataclass(frozen=True)
class HyperParameter:
    """Definition of a hyperparameter: name, default, and conditions for being active.

    Parameters
    ----------
    name : str
    default : value
    conditions : tuple of (str, tuple of values)
        Other hyperparameters with the values of which they must have one.
    """

    name: str
    default: Any
    conditions: Conditions

    @property
    def key(self) -> str:
        """The name in a study, which includes the conditions, since scopes may reuse a name."""
        conditions = ",".join(f"{name}={'|'.join(map(str, v))}" for name, v in self.conditions)
        return f"{self.name} [{conditions}]" if conditions else self.name

    def choices(self, grid: bool) -> Sequence[Any] | None:
        """Return all values if Optuna needs them as a list of categories, otherwise None."""
        return None

    def decode(self, raw: Any) -> Any:
        """Return the value for one drawn by Optuna."""
        return raw

    def get_config(self) -> dict[str, Any]:
        """Return the class name and all fields, JSON-serializable."""
        return {"class_name": type(self).__name__, "config": asdict(self)}

    def __str__(self) -> str:
        fields = {k: v for k, v in asdict(self).items() if k not in ("name", "conditions")}
        text = ", ".join(f"{k}: {v}" for k, v in fields.items())
        when = "".join(f", if {k} is {' or '.join(map(str, v))}" for k, v in self.conditions)
        return f"{self.name} ({type(self).__name__}): {text}{when}"

    def _error(self, text: str) -> ValueError:
        return ValueError(f"hp.{type(self).__name__}({self.name!r}): {text}")


@dataclass(frozen=True)
class Fixed(HyperParameter):
    """Constant that is not searched: its default."""


@dataclass(frozen=True)
class Choice(HyperParameter):
    """One of several values."""

    values: tuple[Any, ...]

    def __post_init__(self) -> None:
        values = tuple(plain(v) for v in self.values)
        object.__setattr__(self, "values", values)
        if not values:
            raise self._error("values: expected at least one")
        if len({type(v) for v in values}) > 1:
            raise self._error(f"values: expected one type, got {list(values)}")
        if len(set(values)) < len(values):
            raise self._error(f"values: some come twice: {list(values)}")
        if self.default is None:
            object.__setattr__(self, "default", values[0])
        if self.default not in values:
            raise self._error(f"default: expected one of {list(values)}, got {self.default!r}")

    def choices(self, grid: bool) -> Sequence[Any]:
        return self.values


@dataclass(frozen=True)
class Boolean(HyperParameter):
    """True or False."""

    def __post_init__(self) -> None:
        if not isinstance(self.default, bool):
            raise self._error(f"default: expected a bool, got {self.default!r}")

    def choices(self, grid: bool) -> Sequence[Any]:
        return (False, True)


@dataclass(frozen=True)
class Numeric(HyperParameter):
    """Base class of `Int` and `Float`."""

    min_value: Any
    max_value: Any = None
    step: Any = None
    sampling: str = "linear"
    number: ClassVar[type] = float

    def ranged(self, max_value: Any, step: Any, sampling: str | None) -> Self:
        """Return this with a complete and checked range."""
        made = replace(self, max_value=max_value, step=step, sampling=sampling or "linear")
        return made._checked()

    def _checked(self) -> Self:
        values = {"min_value": self.min_value, "max_value": self.max_value}
        if self.default is not None:
            values["default"] = self.default
        if self.step is not None:
            values["step"] = self.step
        for name, value in values.items():
            values[name] = self._converted(name, value)
        low, high, step = values["min_value"], values["max_value"], values.get("step")
        if self.sampling not in SAMPLINGS:
            raise self._error(f"sampling: {nearest(str(self.sampling), SAMPLINGS)}")
        if low > high:
            raise self._error(f"min_value {low} is above max_value {high}")
        if self.sampling != "linear" and low <= 0:
            raise self._error(f"min_value: expected more than 0 for {self.sampling}, got {low}")
        if step is not None and self.sampling == "reverse_log":
            raise self._error("step: there is none with reverse_log")
        if step is not None and step <= (self.sampling == "log"):
            least = "1, a factor," if self.sampling == "log" else "0"
            raise self._error(f"step: expected more than {least} got {step}")
        default = values.setdefault("default", low)
        if not low <= default <= high:
            raise self._error(f"default: expected {low} to {high}, got {default}")
        return replace(self, **values)

    def _converted(self, name: str, value: Any) -> Any:
        value = value.item() if hasattr(value, "item") else value
        right = isinstance(value, int | float) and not isinstance(value, bool)
        if not right or not math.isfinite(value) or self.number(value) != value:
            wanted = "a whole number" if self.number is int else "a number"
            raise self._error(f"{name}: expected {wanted}, got {value!r}")
        return self.number(value)

    def steps(self) -> list[Any] | None:
        """Return all values of a range with steps, otherwise None."""
        low, high, step = self.min_value, self.max_value, self.step
        if step is None:
            if self.number is float or self.sampling != "linear":
                return None
            step = 1
        if self.sampling == "log":
            count = math.floor(math.log(high / low, step) + 1e-9) + 1
            return [self.number(low * step**i) for i in range(count)]
        low, high, step = (Decimal(str(n)) for n in (low, high, step))  # 0.3 and not 0.30000000004
        return [self.number(low + i * step) for i in range(int((high - low) / step) + 1)]

    def choices(self, grid: bool) -> Sequence[Any] | None:
        if self.step is not None and self.sampling == "log":
            return self.steps()
        if not grid or self.steps() is not None:
            return None
        low, high, last = self.min_value, self.max_value, TICKS - 1
        if self.sampling == "linear":
            ticks = [low + (high - low) * i / last for i in range(TICKS)]
        else:
            ticks = [low * (high / low) ** (i / last) for i in range(TICKS)]
            ticks[-1] = high  # exactly, without a rounding error
        return sorted({round(v) if self.number is int else v for v in ticks})

    def decode(self, raw: Any) -> Any:
        if self.sampling == "reverse_log":
            raw = min(max(self.min_value + self.max_value - raw, self.min_value), self.max_value)
        return self.number(raw)


@dataclass(frozen=True)
class Int(Numeric):
    """Integer from a range."""

    number: ClassVar[type] = int


@dataclass(frozen=True)
class Float(Numeric):
    """Float from a range."""


KINDS: dict[str, type[HyperParameter]] = {
    kind.__name__: kind for kind in (Int, Float, Choice, Boolean, Fixed)
}


def of_config(config: Mapping[str, Any]) -> HyperParameter:
    """Build a hyperparameter from its config, also after a round trip through JSON."""
    fields = dict(config["config"])
    fields["conditions"] = tuple((name, tuple(values)) for name, values in fields["conditions"])
    if "values" in fields:
        fields["values"] = tuple(fields["values"])
    return KINDS[config["class_name"]](**fields)
