"""Names of Keras that are not here: asked for, they are refused with what to write instead.

The table of names and advice is `lstmcore.refused.table`, imported when a name is missed. Two ways
lead to a name, and `install` watches both: an attribute of a module (PEP 562) is refused by an
AttributeError, so that ``hasattr`` is False; ``import`` and ``from ... import`` by an ImportError.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from ..names import closest

_ROOT = __package__.partition(".")[0]

# The modules that ``import lstmcore`` imports and that Keras has; others install themselves.
MODULES = (
    *("activations", "callbacks", "config", "constraints", "initializers", "layers", "losses"),
    *("metrics", "models", "optimizers", "optimizers.schedules", "regularizers", "saving"),
)


def describe(module: str, name: str) -> str | None:
    """Return why a module has no such name and what to use instead; None if nothing is known.

    Parameters
    ----------
    module : str
        The module's full name, such as ``"lstmcore.layers"``.
    name : str
        A name of Keras, or a near spelling of one that the module has.
    """
    from .old_modules import home_of
    from .table import advice

    module = home_of(module) or module
    parent, _, child = module.rpartition(".")
    told = advice(module, name) or (advice(parent, child) if parent else None)
    if told:
        return f"{module} has no {name!r}: {told}"
    found = vars(sys.modules[module]) if module in sys.modules else {}
    public = found.get("__all__") or [n for n in found if not n.startswith("_")]
    public = [*public, *found.get("LATER", ())]
    public.sort(key=lambda n: n[:1].isupper() != name[:1].isupper())  # a class for a class
    near = closest(name, public)
    return f"module {module!r} has no attribute {name!r}: did you mean {near!r}?" if near else None


def attribute_error(module: str, name: str) -> AttributeError:
    """Return the error for an attribute that a module has not."""
    dunder = name.startswith("__") and name.endswith("__")
    told = None if dunder else describe(module, name)
    # with a name but no object: Python 3.12 would add a guess of its own behind ours
    return AttributeError(told or f"module {module!r} has no attribute {name!r}", name=name)


def missing(module: str, name: str) -> Any:
    """Return the stand-in for a module of older Keras; raise `attribute_error` for other names."""
    from .old_modules import home_of

    if home_of(f"{module}.{name}"):
        return import_module(f"{module}.{name}")
    raise attribute_error(module, name)


class Finder:
    """A finder of modules, asked last: for names that are refused it raises ImportError.

    ``from lstmcore.layers import Conv2D`` asks for the module ``lstmcore.layers.Conv2D`` when the
    package has no such attribute; Python drops an AttributeError there, and an ImportError not.
    """

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return a stand-in for a module of older Keras, or None after looking for advice."""
        module, _, last = name.rpartition(".")
        if name.startswith(f"{_ROOT}.") and not last.startswith("_"):
            from .old_modules import OldModules, home_of

            if home_of(name):
                return ModuleSpec(name, OldModules(attribute_error))  # type: ignore[arg-type]
            told = describe(module, last)
            if told:
                raise ImportError(told, name=module)
        return None


def names_within(module: str) -> Any:
    """Return the `__getattr__` of a module that hands out the names of the package around it.

    ``keras.layers.core`` had more layers in Keras 2 than ours has.
    """
    from .old_modules import names_of

    return names_of(module.rpartition(".")[0], partial(attribute_error, module))


def install(*modules: str) -> None:
    """Refuse, with advice, what these modules, imported by now, have not.

    A module with a ``__getattr__`` of its own calls `missing` itself.
    """
    if not any(isinstance(finder, Finder) for finder in sys.meta_path):
        sys.meta_path.append(Finder())
    for name in modules:
        module = sys.modules[name]
        if "__getattr__" not in vars(module):
            module.__getattr__ = partial(missing, name)  # type: ignore[method-assign]
        if not hasattr(module, "__path__"):
            module.__path__ = []  # only of packages does Python ask a finder
