"""HyperParameters: the argument of ``build_model(hp)``, which defines what a search varies."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Self

from ..names import nearest
from .parameter_types import (
    KINDS,
    Boolean,
    Choice,
    Conditions,
    Fixed,
    Float,
    HyperParameter,
    Int,
    of_config,
    plain,
)


class HyperParameters:
    """The hyperparameters of a search, with one value each.

    A function that builds a model calls the methods `Int`, `Float` and so on for their values.
    Outside of a search these are the defaults, in a trial the values to try.

    Attributes
    ----------
    space : list of HyperParameter
        All hyperparameters asked for, in order.
    values : dict of str to int, float, str or bool
        Values of the active ones, by name.

    Examples
    --------
    >>> hp = HyperParameters()
    >>> hp.Int("units", 16, 64, step=16)
    16
    >>> hp.values["units"] = 32
    >>> hp.Int("units", 16, 64, step=16)
    32
    """

    def __init__(self) -> None:
        self.space: list[HyperParameter] = []
        self.values: dict[str, Any] = {}
        self._prefix: list[str] = []
        self._conditions: Conditions = ()
        self._draw: Callable[[HyperParameter], Any] | None = None
        self._overrides: HyperParameters | None = None
        self._tune_new = self._allow_new = True

    # -- defining hyperparameters ----------------------------------------------------------

    def Int(
        self,
        name: str,
        min_value: int,
        max_value: int,
        step: int | None = None,
        sampling: str = "linear",
        default: int | None = None,
        parent_name: str | None = None,
        parent_values: Any = None,
    ) -> int:
        """Return an integer from a range.

        Parameters
        ----------
        name : str
        min_value, max_value : int
            The range, including both ends.
        step : int, optional
            The difference between values; with ``sampling="log"`` their ratio.
        sampling : {"linear", "log", "reverse_log"}, default "linear"
            The distribution: "log" samples small values more densely, "reverse_log" large ones.
        default : int, default `min_value`
        parent_name, parent_values : optional
            See `conditional_scope`, for this one alone.
        """
        entry = Int(
            self._full(name), default, self._conditions_with(parent_name, parent_values), min_value
        )
        return self._ask(entry.ranged(max_value, step, sampling))  # type: ignore[no-any-return]

    def Float(
        self,
        name: str,
        min_value: float,
        max_value: float,
        step: float | None = None,
        sampling: str = "linear",
        default: float | None = None,
        parent_name: str | None = None,
        parent_values: Any = None,
    ) -> float:
        """Return a number from a range; the parameters are those of `Int`."""
        entry = Float(
            self._full(name), default, self._conditions_with(parent_name, parent_values), min_value
        )
        return self._ask(entry.ranged(max_value, step, sampling))  # type: ignore[no-any-return]

    def Choice(
        self,
        name: str,
        values: Sequence[Any],
        ordered: bool | None = None,
        default: Any = None,
        parent_name: str | None = None,
        parent_values: Any = None,
    ) -> Any:
        """Return one of several values.

        Parameters
        ----------
        name : str
        values : list of int, of float, of str or of bool
        ordered : bool, optional
            Accepted for compatibility with Keras Tuner; has no effect.
        default : optional
            The default is the first.
        parent_name, parent_values : optional
            See `conditional_scope`, for this one alone.
        """
        conditions = self._conditions_with(parent_name, parent_values)
        return self._ask(Choice(self._full(name), default, conditions, tuple(values)))

    def Boolean(
        self,
        name: str,
        default: bool = False,
        parent_name: str | None = None,
        parent_values: Any = None,
    ) -> bool:
        """Return True or False."""
        conditions = self._conditions_with(parent_name, parent_values)
        return self._ask(Boolean(self._full(name), default, conditions))  # type: ignore[no-any-return]

    def Fixed(
        self, name: str, value: Any, parent_name: str | None = None, parent_values: Any = None
    ) -> Any:
        """Return a value that is not searched but recorded with the others."""
        conditions = self._conditions_with(parent_name, parent_values)
        return self._ask(Fixed(self._full(name), plain(value), conditions))

    @contextmanager
    def conditional_scope(self, parent_name: str, parent_values: Any) -> Iterator[None]:
        """Make hyperparameters in this block active only if another has one of these values.

        Inactive ones are None, are not searched, and are not in the summary of a trial.

        Parameters
        ----------
        parent_name : str
            The name of a hyperparameter asked for before.
        parent_values : value or list of values
        """
        before = self._conditions
        self._conditions = self._conditions_with(parent_name, parent_values)
        try:
            yield
        finally:
            self._conditions = before

    @contextmanager
    def name_scope(self, name: str) -> Iterator[None]:
        """Put ``name/`` before the names asked for in this block."""
        self._prefix.append(name)
        try:
            yield
        finally:
            self._prefix.pop()

    # -- reading values --------------------------------------------------------------------

    def get(self, name: str) -> Any:
        """Return the value of a hyperparameter by its name.

        Raises
        ------
        KeyError
            If there is none of this name.
        ValueError
            If it is not active: the condition of its scope does not hold.
        """
        full = self._full(name)
        for key in (full, name):
            if key in self.values:
                return self.values[key]
        if any(entry.name in (full, name) for entry in self.space):
            raise ValueError(f"hyperparameter {name!r} is not active: its condition does not hold")
        raise KeyError(f"no hyperparameter {name!r}: {nearest(name, list(self.values))}")

    def __getitem__(self, name: str) -> Any:
        return self.get(name)

    def __contains__(self, name: object) -> bool:
        return name in self.values

    def is_active(self, hyperparameter: HyperParameter | str) -> bool:
        """Return True if the conditions of a hyperparameter hold."""
        if isinstance(hyperparameter, str):
            return hyperparameter in self.values
        return all(self.values.get(name) in values for name, values in hyperparameter.conditions)

    def copy(self) -> HyperParameters:
        """Return a copy of these hyperparameters and values that belongs to no search."""
        return HyperParameters.from_config(self.get_config())

    def get_config(self) -> dict[str, Any]:
        """Return the JSON-serializable argument of `from_config`."""
        return {"space": [entry.get_config() for entry in self.space], "values": dict(self.values)}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """Build hyperparameters from a config that `get_config` returned."""
        made = cls()
        made.space = [of_config(entry) for entry in config["space"]]
        made.values = dict(config["values"])
        return made

    def __repr__(self) -> str:
        inside = ", ".join(f"{name}={value!r}" for name, value in self.values.items())
        return f"HyperParameters({inside})"

    # -- internals -------------------------------------------------------------------------

    def _bind(
        self,
        draw: Callable[[HyperParameter], Any],
        overrides: HyperParameters | None,
        tune_new: bool,
        allow_new: bool,
    ) -> Self:
        """Take values from a search; `overrides` replace definitions of the same names."""
        self._draw, self._overrides = draw, overrides
        self._tune_new, self._allow_new = tune_new, allow_new
        for entry in overrides.space if overrides is not None else ():
            self._ask(entry)
        return self

    def _full(self, name: str) -> str:
        if not isinstance(name, str) or not name:
            raise ValueError(f"hyperparameter: expected a name, got {name!r}")
        return "/".join([*self._prefix, name])

    def _conditions_with(self, parent: str | None, values: Any) -> Conditions:
        if parent is None:
            return self._conditions
        full = self._full(parent)
        known = {entry.name for entry in self.space}
        parent = full if full in known else parent
        if parent not in known:
            raise ValueError(f"conditional_scope: no hyperparameter {parent!r} has been asked for")
        several = isinstance(values, list | tuple | set)
        allowed = tuple(plain(v) for v in (values if several else [values]))
        return (*self._conditions, (parent, allowed))

    def _ask(self, entry: HyperParameter) -> Any:
        override = None
        if self._overrides is not None:
            override = next((r for r in self._overrides.space if r.name == entry.name), None)
            if override is None and not self._allow_new:
                raise ValueError(
                    f"hyperparameter {entry.name!r} is not among `hyperparameters`, and "
                    "allow_new_entries is False"
                )
        entry = override or entry
        if all(entry.key != other.key for other in self.space):
            self.space.append(entry)
        if not self.is_active(entry):
            return None
        if entry.name not in self.values:
            tuned = self._draw is not None and (override is not None or self._tune_new)
            fixed = isinstance(entry, Fixed)
            draw = self._draw if tuned and not fixed else None
            self.values[entry.name] = entry.default if draw is None else draw(entry)
        return self.values[entry.name]


def explore(
    build: Callable[[HyperParameters], Any],
    overrides: HyperParameters | None = None,
    allow_new: bool = True,
) -> list[Any]:
    """Return the hyperparameters that a function asks for, including conditional ones.

    The function is called with the defaults, and again for every condition that has not held yet.
    Exceptions are raised only from the call with the defaults.
    """
    found: dict[str, HyperParameter] = {}
    waiting: list[dict[str, Any]] = [{}]
    seen: list[dict[str, Any]] = []
    while waiting and len(seen) < 64:
        preset = waiting.pop(0)
        if preset in seen:
            continue
        seen.append(preset)
        hp = HyperParameters()

        def draw(entry: HyperParameter, preset: dict[str, Any] = preset) -> Any:
            return preset.get(entry.name, entry.default)

        hp._bind(draw, overrides, True, allow_new)
        try:
            build(hp)
        except Exception:
            if not preset:
                raise
        for entry in hp.space:
            found.setdefault(entry.key, entry)
            if not hp.is_active(entry):
                waiting.append(preset | {name: values[0] for name, values in entry.conditions})
    return list(found.values())


__all__ = ["KINDS", "HyperParameters", "explore"]
