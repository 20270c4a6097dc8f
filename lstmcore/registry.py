"""Registries: the closed lists of names that strings, configs and model files can refer to.

A layer, loss, metric, optimizer, initializer or activation is found by its name in the
`Registry` of its kind. A model file can refer to registered names only: nothing is ever imported
or executed because of a file.
"""

from __future__ import annotations

import importlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from . import context
from .names import nearest, normalized, snake_case
from .serialization import Configurable as Configurable
from .serialization import to_json as to_json

T = TypeVar("T")
NONE: Mapping[str, Any] = {}


@contextmanager
def custom_objects(custom_objects: Mapping[str, Any] | None) -> Iterator[None]:
    """Add names to every registry while the context lasts."""
    with context.changed(
        custom_objects={**context.current().custom_objects, **(custom_objects or {})}
    ):
        yield


custom_object_scope = CustomObjectScope = custom_objects

# Names from `register_keras_serializable`, and those that users add themselves.
_registered: dict[str, Any] = {}


def get_custom_objects() -> dict[str, Any]:
    """Return the names that users have added to every registry, as a dict to change in place."""
    return _registered


def register_keras_serializable(
    package: str = "Custom", name: str | None = None
) -> Callable[[T], T]:
    """Decorate a class or function so that configs and model files find it by its name.

    Parameters
    ----------
    package, name : str
        It is also found as ``"package>name"``, as in Keras. `name` defaults to its own name.
    """

    def register(entry: T) -> T:
        own: str = entry.__name__  # type: ignore[attr-defined]
        for key in (f"{package}>{name or own}", name or own, own):
            _registered[key] = entry
        return entry

    return register


def get_registered_name(obj: Any) -> str:
    """Return the ``"package>name"`` under which an object is registered, or its own name."""
    names = (key for key, value in _registered.items() if value is obj and ">" in key)
    own: str = obj.__name__
    return next(names, own)


def get_registered_object(
    name: str,
    custom_objects: Mapping[str, Any] | None = None,
    module_objects: Mapping[str, Any] | None = None,
) -> Any:
    """Return the object that a user has registered under this name, or None."""
    given = context.current().custom_objects
    for names in (given, _registered, custom_objects or NONE, module_objects or NONE):
        if name in names:
            return names[name]
    return None


_registries: list[Registry] = []


def registries() -> list[Registry]:
    """Return the registries of all kinds."""
    return list(_registries)


def clear_session(free_memory: bool = True) -> None:
    """Restart automatic names: the next LSTM is called lstm.

    There is nothing else to clear. Models are freed when they are no longer referenced, whatever
    the value of `free_memory`.
    """
    for registry in _registries:
        registry._numbers.clear()


class Registry:
    """All classes or functions of one kind, by name.

    Parameters
    ----------
    kind : str
        The kind, for error messages: ``"layer"``, ``"loss"``.

    Attributes
    ----------
    one : str
        The kind with its article: ``"an optimizer"``.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.one = f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"
        self._entries: dict[str, Any] = {}
        self._shown: dict[str, str] = {}
        self._numbers: Counter[str] = Counter()
        self._later: dict[str, str] = {}
        _registries.append(self)

    def add(self, *aliases: str) -> Callable[[T], T]:
        """Decorate a class or function to register it under its name and its aliases."""

        def register(entry: T) -> T:
            for name in (entry.__name__, *aliases):  # type: ignore[attr-defined]
                if self._entries.setdefault(normalized(name), entry) is not entry:
                    raise ValueError(f"{self.one} named {name!r} exists already")
                self._shown.setdefault(normalized(name), name)
            return entry

        return register

    def later(self, module: str, *names: str) -> None:
        """Know the entries of a module that is imported when one is first looked up."""
        for name in names:
            self._later[normalized(name)] = module
            self._shown.setdefault(normalized(name), name)

    def _load(self, name: str) -> None:
        """Import the module of an entry that is known but not there yet."""
        if name in self._later:
            importlib.import_module(self._later.pop(name))

    def _load_all(self) -> None:
        for name in list(self._later):
            self._load(name)

    def automatic_name(self, cls: type | str) -> str:
        """Return the next of Keras's names in order of construction: lstm, lstm_1, lstm_2 ..."""
        prefix = snake_case(cls if isinstance(cls, str) else cls.__name__)
        number = self._numbers[prefix]
        self._numbers[prefix] += 1
        return f"{prefix}_{number}" if number else prefix

    def names(self) -> list[str]:
        """Return the names of all entries, aliases included."""
        return sorted(self._shown.values())

    def has(self, name: str) -> bool:
        """Return True if the registry itself has this name."""
        return normalized(name) in self._shown

    def classes(self) -> list[type]:
        """Return all registered classes, each once, sorted by name."""
        self._load_all()
        found = {entry for entry in self._entries.values() if isinstance(entry, type)}
        return sorted(found, key=lambda cls: cls.__name__)

    def find(self, name: str) -> Any:
        """Return the entry of this name.

        Raises
        ------
        ValueError
            If there is none; the message suggests the nearest name.
        """
        extra = context.current().custom_objects
        if name in extra:
            return extra[name]
        if ">" in name and not name.startswith("<"):
            return self._find_custom(name)
        self._load(normalized(name))
        try:
            return self._entries[normalized(name)]
        except KeyError:
            if name in _registered:
                return _registered[name]
            hint = nearest(name, self.names())
            if name == "<lambda>":  # of a file
                hint = "a lambda is in no file; give it by custom_objects={'<lambda>': ...}"
            raise ValueError(f"unknown {self.kind} {name!r}: {hint}") from None

    def _find_custom(self, name: str) -> Any:
        """Return the entry that a user has registered or given under ``"package>name"``."""
        own = name.rpartition(">")[2]
        for names in (context.current().custom_objects, _registered):
            for key in (name, own):
                if key in names:
                    return names[key]
        raise ValueError(
            f"unknown {self.kind} {name!r}: expected a class of yours, "
            f"custom_objects={{{own!r}: {own}}}"
        )

    def get(self, identifier: Any, base: type[T]) -> T:
        """Turn a name, a class, a config or an instance into an instance of `base`.

        Parameters
        ----------
        identifier : str, type, dict or object
            A name in this registry; a subclass of `base`, which is called without arguments;
            ``{"class_name": ..., "config": ...}`` or ``{"function": ...}`` from `to_json`; or an
            instance of `base`, which is returned unchanged.

        Raises
        ------
        ValueError
            If the name is unknown.
        TypeError
            If the identifier is none of these.
        """
        found = identifier
        if isinstance(identifier, str):
            found = self.find(identifier)
        elif isinstance(identifier, dict) and isinstance(identifier.get("function"), str):
            found = self.find(identifier["function"])
        elif isinstance(identifier, dict):
            found = self._from_config(identifier)
        if isinstance(found, type) and issubclass(found, base):
            found = found()
        if not isinstance(found, base):
            raise TypeError(
                f"expected {self.one} (a name, a {base.__name__} or its class), got {identifier!r}"
            )
        return found

    def _from_config(self, config: dict[str, Any]) -> Any:
        name, arguments = config.get("class_name"), config.get("config", {})
        if not isinstance(name, str) or not isinstance(arguments, dict):
            wanted = "{'class_name': str, 'config': dict}"
            raise ValueError(f"{self.one}'s config must be {wanted}, got {config!r:.80}")
        found = self.find(name)
        if not (isinstance(found, type) and issubclass(found, Configurable)):
            raise ValueError(f"{self.kind} {name!r} is no class and takes no config")
        return found.from_config(arguments)

    def name_of(self, cls: type) -> str:
        """Return the name of a class in configs and files: with a package if a built-in has it."""
        return cls.__name__ if self.owns(cls) else f"Custom>{cls.__name__}"

    def owns(self, entry: Any) -> bool:
        """Return False if this name is another entry's, so that a file would name the wrong one."""
        self._load(normalized(entry.__name__))
        return self._entries.get(normalized(entry.__name__), entry) is entry
