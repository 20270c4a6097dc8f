"""Names of Keras that are not here: asked for, they are refused with what to write instead.

The table of names and advice is `lstmcore.refused.table`, imported when a name is missed. Two ways
lead to a name, and `install` watches both: an attribute of a module (PEP 562) is refused by an
AttributeError, so that ``hasattr`` is False; ``import`` and ``from ... import`` by an ImportError.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
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
    from .table import advice

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


def _attribute_of(module: str) -> Callable[[str], Any]:
    def find(name: str) -> Any:
        raise attribute_error(module, name)

    return find


class Finder:
    """A finder of modules, asked last: for names that are refused it raises ImportError.

    ``from lstmcore.layers import Conv2D`` asks for the module ``lstmcore.layers.Conv2D`` when the
    package has no such attribute; Python drops an AttributeError there, and an ImportError not.
    """

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return None, after looking for advice about names of the library."""
        module, _, last = name.rpartition(".")
        if name.startswith(f"{_ROOT}.") and not last.startswith("_"):
            told = describe(module, last)
            if told:
                raise ImportError(told, name=module)
        return None


def install(*modules: str) -> None:
    """Refuse, with advice, what these modules, imported by now, have not.

    A module with a ``__getattr__`` of its own raises `attribute_error` itself.
    """
    if not any(isinstance(finder, Finder) for finder in sys.meta_path):
        sys.meta_path.append(Finder())
    for name in modules:
        module = sys.modules[name]
        module.__getattr__ = _attribute_of(name)  # type: ignore[method-assign]
        if not hasattr(module, "__path__"):
            module.__path__ = []  # only of packages does Python ask a finder
