"""Initializers, losses, optimizers and other objects, as Keras 3's configs have them.

An object of a config has its arguments by name, so what Keras must know are the class and the
arguments. One that Keras lacks is left out if it has no effect, and is otherwise an error.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from ...activations import Activation
from ...names import is_builtin
from ...optimizers import Optimizer, schedules
from ...serialization import Configurable
from .keras3_names import MODULES, arguments, is_name

Refuse = Callable[[str, object], Exception]  # of what was expected, and what came

# Values of arguments that Keras lacks which say what Keras does anyway; by class, or for all.
_SAME: dict[str, tuple[Any, ...]] = {
    "data_format": ("channels_last",),
    "peephole": (False,),
    "reverse_mask": (True, False),  # see `written_configs.check_differences`
    "GlobalAveragePooling1D.use_mask": (True,),
    "Pipeline.dtype": ("float32", "float64", "mixed_bfloat16"),  # its layers have theirs
}


def entry(module: str, name: str, config: dict[str, Any]) -> dict[str, Any]:
    """Return the form in which Keras 3 names an object."""
    return {"module": module, "class_name": name, "config": config, "registered_name": None}


def dtype_policy(dtype: str) -> dict[str, Any]:
    """Return the config of the dtype of a layer."""
    return entry("keras", "DTypePolicy", {"name": dtype})


def written(value: Any, refuse: Refuse) -> Any:
    """Return a value as Keras's JSON has it.

    Parameters
    ----------
    value : object
        A number, text, array, object of this library's, or list or dict of these.
    refuse : callable
        ``refuse(expected, got)`` returns the error for what Keras has not.
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Configurable):
        return object_config(value, refuse)
    if isinstance(value, list | tuple):
        return [written(part, refuse) for part in value]
    if isinstance(value, dict):
        return {str(key): written(part, refuse) for key, part in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, Activation):
        return activation(value, refuse)
    got = getattr(value, "__name__", None)
    raise refuse("what Keras knows", f"the function {got!r}" if got else repr(value))


def activation(value: Activation, refuse: Refuse) -> str:
    """Return the name of an activation of Keras's."""
    plain = inspect.signature(value._without_options.forward).parameters
    changed = {k: v for k, v in value.options.items() if plain[k].default != v}
    if changed or not is_builtin_activation(value):
        options = "".join(f", {k}={v!r}" for k, v in changed.items())
        raise refuse("an activation that Keras has", f"{value.__name__!r}{options}")
    return str(value.__name__)


def is_builtin_activation(value: Activation) -> bool:
    """Return True for an activation of this library's that Keras has under its name."""
    own = value.registry.owns(value._without_options)
    return own and is_name("activation", value.__name__)


def object_config(value: Configurable, refuse: Refuse) -> dict[str, Any]:
    """Return the config of an object that is no layer."""
    kind = value.registry.kind
    name = class_name(value, refuse)
    config = written_arguments(value, live_arguments(value), lambda argument: refuse)
    return entry(MODULES[kind], name, config)


def class_name(value: Configurable, refuse: Refuse) -> str:
    """Return the name of an object's class if Keras has it."""
    cls, kind = type(value), value.registry.kind
    if not is_builtin(cls) or kind not in MODULES or arguments(kind, cls.__name__) is None:
        raise refuse(f"{value.registry.one} that Keras has", cls.__name__)
    return cls.__name__


def live_arguments(value: Configurable) -> dict[str, Any]:
    """Return the arguments of an object's config: as objects where the config has their configs."""
    config = value.get_config()
    if isinstance(value, Optimizer) and isinstance(config["learning_rate"], dict):
        rate = config["learning_rate"]
        named = "class_name" in rate
        return {**config, "learning_rate": schedules.named(rate) if named else value._rate}
    objects = [name for name, part in config.items() if _names_objects(part)]
    return config | {name: getattr(value, name) for name in objects}


def _names_objects(part: Any) -> bool:
    """Return True for the config of an object or function, or a list of them."""
    if isinstance(part, list):
        return any(map(_names_objects, part))
    return isinstance(part, dict) and ("class_name" in part or "function" in part)


def written_arguments(
    value: Configurable, given: dict[str, Any], refuse_of: Callable[[str], Refuse]
) -> dict[str, Any]:
    """Return those arguments that Keras has as JSON; the others must have no effect.

    Parameters
    ----------
    value : Configurable
    given : dict
    refuse_of : callable
        Returns `Refuse` for the name of an argument.
    """
    cls = type(value)
    known = arguments(value.registry.kind, cls.__name__) or []
    config = {}
    for name, part in given.items():
        if name in known:
            config[name] = written(part, refuse_of(name))
            continue
        default = cls.__signature__.parameters[name].default
        same = _SAME.get(f"{cls.__name__}.{name}") or (default, *_SAME.get(name, ()))
        if not any(_is_same(part, value) for value in same):
            unlike = f"{same[0]!r}: Keras's {cls.__name__} has no {name}"
            raise refuse_of(name)(unlike, f"{part!r:.80}")
    return config


def _is_same(a: Any, b: Any) -> bool:
    plain = bool | int | float | str
    return a is b or (isinstance(a, plain) and isinstance(b, plain) and a == b)
