"""Configurable: objects described by their constructor arguments, and their configs as JSON."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, ClassVar, Self

from .refused.arguments import unknown_argument

if TYPE_CHECKING:
    from .registry import Registry


def _parameters_of(cls: type) -> list[inspect.Parameter]:
    """Return a constructor's parameters; those passed on by ``**kwargs`` are keyword-only."""
    by_place, by_name = inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY
    found: dict[str, inspect.Parameter] = {}
    places = True  # this constructor can be given positional arguments
    optional = False  # a parameter has a default, so that all that follow need one
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
    """A class's signature, computed on first use because that takes time for all classes.

    Without it, `help` and editors would show the signature of `Configurable.__new__`.
    """

    def __get__(self, instance: object, cls: Any) -> inspect.Signature:
        found: inspect.Signature | None = cls.__dict__.get("_signature")
        if found is None:
            taken = [p for p in _parameters_of(cls) if p.name not in cls.dropped]
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
    """Base of objects that are completely described by their constructor arguments.

    The one rule for a subclass: store every constructor argument in the attribute of the same
    name, except those in `init_only`. Then `get_config`, `from_config`, model files and copies all
    work, with the present values. An unknown argument is an error that names the nearest one.
    """

    registry: ClassVar[Registry]
    arguments: ClassVar[Any] = _Arguments()  # the constructor's, as a tuple of names
    # Arguments that no config has: alternative forms of others, or values used only once.
    init_only: ClassVar[tuple[str, ...]] = ()
    # Arguments of the bases that the class does not take.
    dropped: ClassVar[tuple[str, ...]] = ()
    __signature__: ClassVar[Any] = _Signature()

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        if any(name not in cls.arguments for name in kwargs):
            raise unknown_argument(cls.__name__, cls.__signature__.parameters, args, kwargs)
        return super().__new__(cls)

    def get_config(self) -> dict[str, Any]:
        """Return the present constructor arguments, ready for JSON."""
        cls = type(self)
        kept = [name for name in cls.arguments if name not in self.init_only]
        missing = [name for name in kept if not hasattr(self, name)]
        if missing and cls.get_config is Configurable.get_config:
            name = missing[0]
            raise TypeError(
                f"{cls.__name__}: get_config: expected the argument {name!r} of the constructor in "
                f"an attribute of that name: write self.{name} = {name}, or a get_config"
            )
        return {name: to_json(getattr(self, name)) for name in kept if name not in missing}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Build an object from the result of `get_config`."""
        return cls(**config)

    def __repr__(self) -> str:
        inside = ", ".join(f"{k}={v!r}" for k, v in self.get_config().items())
        return f"{type(self).__name__}({inside})"


_live: ContextVar[bool] = ContextVar("lstmcore live configs", default=False)


@contextmanager
def live_configs() -> Iterator[None]:
    """Let configs have functions themselves in the block, not their names: for copies."""
    token = _live.set(True)
    try:
        yield
    finally:
        _live.reset(token)


def to_json(value: Any) -> Any:
    """Convert a constructor argument to JSON's types.

    Raises
    ------
    TypeError
        If the value cannot be converted.
    """
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, Configurable):
        name = value.registry.name_of(type(value))
        return {"class_name": name, "config": value.get_config()}
    if isinstance(value, list | tuple):
        return [to_json(v) for v in value]
    if isinstance(value, dict):
        return {str(k): to_json(v) for k, v in value.items()}
    if inspect.isroutine(value) and _live.get():
        return value
    if callable(value) and hasattr(value, "__name__"):
        options = getattr(value, "options", None)
        if hasattr(value, "registry"):
            _check_name(value.registry, getattr(value, "_without_options", value))
        return {"function": value.__name__} | ({"options": to_json(options)} if options else {})
    if hasattr(value, "tolist") and hasattr(value, "ndim"):
        return value.tolist()  # a NumPy number or array
    raise TypeError(f"{value!r} cannot be part of a config")


def _check_name(registry: Registry, entry: Any) -> None:
    """Raise ValueError if a class or function has the name of another, registered one."""
    if not registry.owns(entry):
        raise ValueError(
            f"{entry.__name__} has the name of a built-in {registry.kind}: "
            "a file would name the wrong one; give it another name"
        )
