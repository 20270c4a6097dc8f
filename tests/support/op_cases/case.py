"""One case of an op: its arguments, the right result, and which arguments are derived."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lstmcore.structure import flatten, map_structure

CASES = []


@dataclass
class Case:
    """A call of an op.

    Attributes
    ----------
    name : str
    args, kwargs
        Real numbers in arrays are float64; `of_type` makes them float32.
    right : array, nested arrays, or callable
        The result, or a function of the same arguments that gives it.
    derived : bool
        The real arrays among the arguments have derivatives, to be held against numeric ones.
    tolerance : float
        The largest error of a derivative in float64.
    """

    name: str
    args: tuple
    kwargs: dict
    right: Any
    derived: bool = True
    tolerance: float = 1e-6
    only: Any = None  # the numbers of the arrays that are derived, if not all are
    number: int = field(default=0)

    def __str__(self):
        return f"{self.name}-{self.number}" if self.number else self.name

    def of_type(self, dtype):
        """The arguments with their real arrays in this dtype."""
        return map_structure(lambda leaf: cast(leaf, dtype), list(self.args))

    def expected(self, args):
        found = self.right(*args, **self.kwargs) if callable(self.right) else self.right
        return flatten(found)


def cast(leaf, dtype):
    real = isinstance(leaf, np.ndarray) and leaf.dtype.kind == "f"
    return leaf.astype(dtype) if real else leaf


def case(name, *args, right=None, derived=True, tolerance=1e-6, only=None, **kwargs):
    """Add a case; the right result is by default that of NumPy's function of the same name."""
    right = getattr(np, name) if right is None else right
    number = sum(c.name == name for c in CASES)
    CASES.append(Case(name, args, kwargs, right, derived, tolerance, only, number))


_rng = np.random.default_rng(11)


def normal(*shape):
    """Normal numbers, none of them nearer than 0.05 to 0 or to a whole number and its half."""
    x = _rng.standard_normal(shape)
    near = np.abs(2 * x - np.round(2 * x)) < 0.1
    return np.where(near, x + 0.12, x)


def between(low, high, *shape):
    return _rng.uniform(low, high, shape)


def whole(low, high, *shape):
    return _rng.integers(low, high, shape)


def definite(*shape):
    """Symmetric positive definite matrices."""
    a = _rng.standard_normal((*shape, shape[-1]))
    return a @ np.swapaxes(a, -1, -2) + 2 * np.eye(shape[-1])
