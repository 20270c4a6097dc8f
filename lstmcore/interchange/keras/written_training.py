"""What `compile` was given, and the optimizer's state, as Keras 3 stores them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...names import is_builtin
from .keras3_names import is_name
from .slots import state_arrays
from .written_objects import object_config
from .written_weights import Stored

_ADVICE = (
    ": compile the model with what Keras has, or without a loss and metrics "
    "(model.compile(optimizer='adam')); save_weights needs neither"
)


def compile_config(model: Any) -> dict[str, Any]:
    """Return the arguments of `compile` as Keras's file has them; {} for a model without.

    Raises
    ------
    ValueError
        For a loss, metric or optimizer that Keras has not.
    """
    if model.optimizer is None:
        return {}
    given = model._compiled.given

    def refuse_of(argument: str) -> Callable[[str, object], Exception]:
        return lambda expected, got: ValueError(
            f"model {model.name!r}: compile: {argument}: expected {expected}, got {got}{_ADVICE}"
        )

    found = {
        name: _written(given[name], kind, refuse_of(name))
        for name, kind in (("loss", "loss"), ("metrics", "metric"), ("weighted_metrics", "metric"))
    }
    optimizer = object_config(given["optimizer"], refuse_of("optimizer"))
    return {"optimizer": optimizer, "loss_weights": given["loss_weights"], **found}


def _written(given: Any, kind: str, refuse: Callable[[str, object], Exception]) -> Any:
    """Return losses or metrics, in the structure in which they were given."""
    if isinstance(given, dict):
        return {key: _written(part, kind, refuse) for key, part in given.items()}
    if isinstance(given, list | tuple):
        return [_written(part, kind, refuse) for part in given]
    if given is None:
        return None
    if hasattr(given, "get_config"):
        made = object_config(given, refuse)
        for name in ("name", "dtype"):  # None stands for the default, which is Keras's own
            if made["config"].get(name, True) is None:
                del made["config"][name]
        return made
    own = not isinstance(given, str) and is_builtin(given)
    name = given.__name__ if own else given
    if isinstance(name, str) and is_name(kind, name):
        return name
    raise refuse(f"a {kind} that Keras has", repr(getattr(given, "__name__", given)))


def optimizer_state(model: Any) -> Stored | None:
    """Return the variables of the optimizer; None for a model without, or if Keras makes them.

    Raises
    ------
    ValueError
        If the optimizer has a state that Keras's files have no place for.
    """
    optimizer = model.optimizer
    if optimizer is None:
        return None
    try:
        arrays = state_arrays(optimizer, model)
    except ValueError as error:
        if not optimizer.iterations:
            return None
        raise ValueError(f"{error} in Keras's files: compile the model anew") from None
    return Stored("optimizer", optimizer.name, arrays)
