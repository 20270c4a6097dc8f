"""Configurable: objects that their constructor arguments describe, and their configs as JSON."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, ClassVar, Self

from .names import nearest

if TYPE_CHECKING:
    from .registry import Registry


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
    """Something that its constructor arguments describe completely.

    The one rule for a subclass: every constructor argument is kept in the attribute of the
    same name, but for those in `init_only`. Then `get_config`, `from_config`, the model file and
    copies all work, with the values as they are now; and an unknown argument is an error that
    names the nearest one.
    """

    registry: ClassVar[Registry]
    arguments: ClassVar[Any] = _Arguments()  # the constructor's, as a tuple of names
    # Arguments that no config has: another way to say what one does, or what is used up at once.
    init_only: ClassVar[tuple[str, ...]] = ()
    # Arguments of its bases that the class does not take.
    dropped: ClassVar[tuple[str, ...]] = ()
    __signature__: ClassVar[Any] = _Signature()

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        for name in kwargs:
            if name not in cls.arguments:
                hint = nearest(name, cls.arguments)
                raise TypeError(f"{cls.__name__} has no argument {name!r}: {hint}")
        return super().__new__(cls)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments as they are now, ready for JSON."""
        kept = (name for name in self.arguments if name not in self.init_only)
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
