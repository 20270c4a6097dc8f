"""Names to things: the closed lists behind strings, configs and model files.

A layer, loss, metric, optimizer, initializer or activation is found by its name in the
`Registry` of its kind. A model file can name what stands in these lists and nothing else:
nothing is ever imported or executed because a file says so.
"""

from __future__ import annotations

import difflib
import inspect
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar, Self, TypeVar

from . import context

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

# What `register_keras_serializable` has registered, and what users put here themselves.
_registered: dict[str, Any] = {}


def get_custom_objects() -> dict[str, Any]:
    """Return the names that users have added to every registry: a dict to be changed in place."""
    return _registered


def register_keras_serializable(
    package: str = "Custom", name: str | None = None
) -> Callable[[T], T]:
    """Decorate a class or function so that configs and model files find it by its name.

    Parameters
    ----------
    package, name : str
        It is found as ``"package>name"`` too, as in Keras. Without `name`, by its own.
    """

    def register(entry: T) -> T:
        own: str = entry.__name__  # type: ignore[attr-defined]
        for key in (f"{package}>{name or own}", name or own, own):
            _registered[key] = entry
        return entry

    return register


def get_registered_name(obj: Any) -> str:
    """Return the ``"package>name"`` that something is registered by, or its own name."""
    names = (key for key, value in _registered.items() if value is obj and ">" in key)
    own: str = obj.__name__
    return next(names, own)


def get_registered_object(
    name: str,
    custom_objects: Mapping[str, Any] | None = None,
    module_objects: Mapping[str, Any] | None = None,
) -> Any:
    """Return what users have registered by this name, or None."""
    given = context.current().custom_objects
    for names in (given, _registered, custom_objects or NONE, module_objects or NONE):
        if name in names:
            return names[name]
    return None


def nearest(name: str, names: Iterable[str]) -> str:
    """The end of an error message: the name that was probably meant, or all there are."""
    names = list(names)
    close = difflib.get_close_matches(_key(name), map(_key, names), n=1)
    if close:
        return f"did you mean {next(n for n in names if _key(n) == close[0])!r}?"
    return "there is: " + ", ".join(names) if names else "there are none"


def snake_case(name: str) -> str:
    """Keras's spelling of a class name in lower case: ``GlorotUniform`` gives glorot_uniform."""
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def _key(name: str) -> str:
    """One spelling for ``GlorotUniform``, ``glorot_uniform`` and ``glorotuniform``."""
    return name.replace("_", "").lower()


_registries: list[Registry] = []


def clear_session(free_memory: bool = True) -> None:
    """Begin automatic names again: the next LSTM is called lstm.

    There is nothing else to clear: models and their memory go when they are no longer used,
    whatever `free_memory` says.
    """
    for registry in _registries:
        registry._numbers.clear()


class Registry:
    """All things of one kind, by name.

    Parameters
    ----------
    kind : str
        What the things are called in error messages: ``"layer"``, ``"loss"``.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._one = f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"
        self._entries: dict[str, Any] = {}
        self._shown: dict[str, str] = {}
        self._numbers: Counter[str] = Counter()
        _registries.append(self)

    def add(self, *aliases: str) -> Callable[[T], T]:
        """Decorate a class or function so that its name, and its aliases, find it."""

        def register(entry: T) -> T:
            for name in (entry.__name__, *aliases):  # type: ignore[attr-defined]
                if self._entries.setdefault(_key(name), entry) is not entry:
                    raise ValueError(f"{self._one} named {name!r} exists already")
                self._shown.setdefault(_key(name), name)
            return entry

        return register

    def automatic_name(self, cls: type) -> str:
        """Return Keras's names: lstm, lstm_1, lstm_2 ... in the order of construction."""
        prefix = snake_case(cls.__name__)
        number = self._numbers[prefix]
        self._numbers[prefix] += 1
        return f"{prefix}_{number}" if number else prefix

    def names(self) -> list[str]:
        """Return the names of all entries, aliases included."""
        return sorted(self._shown.values())

    def classes(self) -> list[type]:
        """Return all entries that are classes, each once, by their names."""
        found = {entry for entry in self._entries.values() if isinstance(entry, type)}
        return sorted(found, key=lambda cls: cls.__name__)

    def find(self, name: str) -> Any:
        """Return the entry of this name.

        Raises
        ------
        ValueError
            If there is none; the message has the nearest name.
        """
        extra = context.current().custom_objects
        if name in extra:
            return extra[name]
        try:
            return self._entries[_key(name)]
        except KeyError:
            if name in _registered:
                return _registered[name]
            hint = nearest(name, self.names())
            raise ValueError(f"unknown {self.kind} {name!r}: {hint}") from None

    def get(self, identifier: Any, base: type[T]) -> T:
        """Turn a name, a class, a config or an instance into an instance of `base`.

        Parameters
        ----------
        identifier : str, type, dict or object
            A name in this registry; a subclass of `base`, which is called without arguments;
            ``{"class_name": ..., "config": ...}`` or ``{"function": ...}`` as `to_json` writes
            them; or an instance of `base`, which is returned as it is.

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
                f"expected {self._one} (a name, a {base.__name__} or its class), got {identifier!r}"
            )
        return found

    def _from_config(self, config: dict[str, Any]) -> Any:
        name, arguments = config.get("class_name"), config.get("config", {})
        if not isinstance(name, str) or not isinstance(arguments, dict):
            wanted = "{'class_name': str, 'config': dict}"
            raise ValueError(f"{self._one}'s config must be {wanted}, got {config!r:.80}")
        found = self.find(name)
        if not (isinstance(found, type) and issubclass(found, Configurable)):
            raise ValueError(f"{self.kind} {name!r} is no class and takes no config")
        return found.from_config(arguments)

    def owns(self, entry: Any) -> bool:
        """False if another entry has this name, so that a file would name the wrong thing."""
        return self._entries.get(_key(entry.__name__), entry) is entry


def _parameters_of(cls: type) -> list[inspect.Parameter]:
    """What a class's constructor takes; what ``**kwargs`` pass upwards goes by name alone."""
    by_place, by_name = inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY
    found: dict[str, inspect.Parameter] = {}
    places = True  # whether this constructor is given arguments by place
    optional = False  # whether one of them has a default, so that all that follow need one
    for base in cls.__mro__:
        if "__init__" not in base.__dict__ or base is object:
            continue
        own = list(inspect.signature(base.__dict__["__init__"]).parameters.values())[1:]
        named = [p for p in own if p.kind in (by_place, by_name)]
        for p in named:
            required = p.default is p.empty
            by_name_only = not places or (optional and required)
            found.setdefault(p.name, p.replace(kind=by_name) if by_name_only else p)
            optional |= not required
        kinds = {p.kind for p in own}
        if inspect.Parameter.VAR_KEYWORD not in kinds:
            break
        places &= inspect.Parameter.VAR_POSITIONAL in kinds
    return sorted(found.values(), key=lambda p: p.kind)


class _Signature:
    """A class's signature, made when first asked for: reading those of all classes takes time.

    Without it `help` and editors would show what `Configurable.__new__` takes: anything.
    """

    def __get__(self, instance: object, cls: Any) -> inspect.Signature:
        found: inspect.Signature | None = cls.__dict__.get("_signature")
        if found is None:
            taken = [p for p in _parameters_of(cls) if p.name not in cls.fixed]
            found = cls._signature = inspect.Signature(taken)
        return found


class _Arguments:
    """The names in a class's signature."""

    def __get__(self, instance: object, cls: Any) -> tuple[str, ...]:
        found: tuple[str, ...] | None = cls.__dict__.get("_arguments")
        if found is None:
            found = cls._arguments = tuple(cls.__signature__.parameters)
        return found


class Configurable:
    """Something that its constructor arguments describe completely.

    The one rule for a subclass: every constructor argument is kept in the attribute of the
    same name, but for those in `passing`. Then `get_config`, `from_config`, the model file and
    copies all work, with the values as they are now; and an unknown argument is an error that
    names the nearest one.
    """

    registry: ClassVar[Registry]
    arguments: ClassVar[Any] = _Arguments()  # the constructor's, as a tuple of names
    # Arguments that no config has: another way to say what one does, or what is used up at once.
    passing: ClassVar[tuple[str, ...]] = ()
    # Arguments of its bases that the class does not take.
    fixed: ClassVar[tuple[str, ...]] = ()
    __signature__: ClassVar[Any] = _Signature()

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        for name in kwargs:
            if name not in cls.arguments:
                hint = nearest(name, cls.arguments)
                raise TypeError(f"{cls.__name__} has no argument {name!r}: {hint}")
        return super().__new__(cls)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments as they are now, ready for JSON."""
        kept = (name for name in self.arguments if name not in self.passing)
        return {name: to_json(getattr(self, name)) for name in kept}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Build an object from what `get_config` returned."""
        return cls(**config)

    def __repr__(self) -> str:
        inside = ", ".join(f"{k}={v!r}" for k, v in self.get_config().items())
        return f"{type(self).__name__}({inside})"


def to_json(value: Any) -> Any:
    """Express a constructor argument in what JSON has.

    Raises
    ------
    TypeError
        If the value has no such form.
    """
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, Configurable):
        if not value.registry.owns(type(value)):
            raise ValueError(
                f"{type(value).__name__} has the name of a built-in {value.registry.kind}: "
                "a file would name the wrong one; give the class another name"
            )
        return {"class_name": type(value).__name__, "config": value.get_config()}
    if isinstance(value, list | tuple):
        return [to_json(v) for v in value]
    if isinstance(value, dict):
        return {str(k): to_json(v) for k, v in value.items()}
    if callable(value) and hasattr(value, "__name__"):
        options = getattr(value, "options", None)
        return {"function": value.__name__} | ({"options": to_json(options)} if options else {})
    if hasattr(value, "tolist") and hasattr(value, "ndim"):
        return value.tolist()  # a NumPy number or array
    raise TypeError(f"{value!r} cannot be part of a config")
