"""Configs of any object, by Keras's names: `serialize_keras_object` and its inverse."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import isfunction
from typing import Any

import numpy as np

from ..losses import functions as loss_functions
from ..metrics import functions as metric_functions
from ..registry import (
    Registry,
    get_registered_name,
    get_registered_object,
    registries,
)
from ..registry import (
    custom_objects as with_custom_objects,
)
from ..serialization import Configurable, to_json

_FOLDERS = {"learning rate schedule": "optimizers.schedules", "loss": "losses"}


def _folder(kind: str) -> str:
    """Return the module of the objects of a kind: "layers" for "layer"."""
    return _FOLDERS.get(kind, f"{kind}s")


def serialize_keras_object(obj: Any) -> Any:
    """Return the config of an object, of JSON's types alone.

    Parameters
    ----------
    obj : object
        A layer, model, loss, metric, optimizer, initializer or another object with a
        ``get_config``; a registered function; an array, a number, a string, None; or lists, tuples
        and dicts of these.

    Returns
    -------
    dict, list, str, int, float, bool or None
        Of an object a dict with ``class_name``, ``config``, ``module`` and ``registered_name``.

    Raises
    ------
    TypeError
        If the object has no config.
    """
    if isinstance(obj, tuple):
        return {"class_name": "__tuple__", "config": [serialize_keras_object(v) for v in obj]}
    if isinstance(obj, list):
        return [serialize_keras_object(v) for v in obj]
    if isinstance(obj, dict):
        return {str(key): serialize_keras_object(value) for key, value in obj.items()}
    if isinstance(obj, np.ndarray):
        described = {"value": obj.tolist(), "dtype": obj.dtype.name}
        return {"class_name": "__numpy__", "config": described}
    if isinstance(obj, Configurable):
        made: dict[str, Any] = to_json(obj)
        return {**made, "module": f"lstmcore.{_folder(obj.registry.kind)}", **_registered(obj)}
    if not isinstance(obj, type) and hasattr(obj, "get_config"):
        return {
            "class_name": type(obj).__name__,
            "config": serialize_keras_object(obj.get_config()),
            "module": None,
            **_registered(obj),
        }
    made = to_json(obj)
    home = getattr(obj, "__module__", None) or ""
    known = isinstance(made, dict) and home.startswith("lstmcore.")
    return {**made, "module": ".".join(home.split(".")[:2])} if known else made


def _registered(obj: Any) -> dict[str, str]:
    return {"registered_name": get_registered_name(type(obj))}


def deserialize_keras_object(
    config: Any,
    custom_objects: Mapping[str, Any] | None = None,
    safe_mode: bool = True,
    **kwargs: Any,
) -> Any:
    """Build the object that a config describes.

    Parameters
    ----------
    config : dict, list, str, int, float, bool or None
        The result of `serialize_keras_object`, or of a ``serialize`` of `lstmcore.layers` and its
        like. A dict without ``class_name`` or ``function``, and what is no dict, is data.
    custom_objects : mapping of str to class or function, optional
        Names that the config may use besides the library's and the registered ones.
    safe_mode : bool, default True
        Accepted for compatibility with Keras: a config never holds code here.

    Raises
    ------
    ValueError
        If no class of the config's module, or of any, has the config's name.
    """
    if kwargs:
        raise TypeError(f"deserialize_keras_object has no argument {next(iter(kwargs))!r}")
    with with_custom_objects(custom_objects):
        return _build(config)


def _build(config: Any) -> Any:
    if isinstance(config, list):
        return [_build(value) for value in config]
    if not isinstance(config, dict):
        return config
    name, inner = config.get("class_name"), config.get("config")
    if name == "__tuple__" and isinstance(inner, list):
        return tuple(_build(value) for value in inner)
    if name == "__numpy__" and isinstance(inner, dict):
        return np.array(inner["value"], inner["dtype"])
    if name is None and "function" not in config:
        return {key: _build(value) for key, value in config.items()}
    return _object(config)


def _object(config: dict[str, Any]) -> Any:
    """Build an object, or return a function, from a dict that names it."""
    name = config.get("function", config.get("class_name"))
    if not isinstance(name, str):
        raise ValueError(f"deserialize_keras_object: config: expected a name, got {config!r:.80}")
    found = get_registered_object(config.get("registered_name") or name)
    if found is None:
        found = get_registered_object(name)
    if found is None:
        found = _registry(config, name).find(name)
    if not isinstance(found, type):
        return found
    if "function" in config:  # functions of losses and metrics have the names of classes too
        homes = (vars(loss_functions), vars(metric_functions))
        return next((home[name] for home in homes if isfunction(home.get(name))), found)
    arguments = config.get("config") or {}
    if not issubclass(found, Configurable):
        arguments = _build(arguments)
    from_config = getattr(found, "from_config", None)
    return found(**arguments) if from_config is None else from_config(arguments)


def _registry(config: dict[str, Any], name: str) -> Registry:
    """Return the registry that a config's module names, or else the only one with the name."""
    module = str(config.get("module") or "").removeprefix("keras.").removeprefix("lstmcore.")
    known = {_folder(registry.kind): registry for registry in registries()}
    for folder, registry in known.items():
        if module == folder or module.startswith(f"{folder}.") or f".{folder}" in f".{module}":
            return registry
    if module == "models":
        return known["layers"]
    having = [registry for registry in known.values() if registry.has(name)]
    if len(having) == 1:
        return having[0]
    if not having:
        raise ValueError(
            f"deserialize_keras_object: unknown name {name!r}: give custom_objects={{{name!r}: "
            "...}, or decorate it with lstmcore.saving.register_keras_serializable"
        )
    kinds = " and ".join(registry.one for registry in having)
    raise ValueError(
        f"deserialize_keras_object: {name!r} is {kinds}: expected 'module' in the config, such "
        f"as 'lstmcore.{_folder(having[0].kind)}'"
    )
