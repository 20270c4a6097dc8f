"""Formulas as C: an expression of numbers, and the text of a loop over units that has them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np


def literal(x: Any) -> str:
    """Return a float32 number as a C literal, exactly."""
    value = float(np.float32(x))
    if value == int(value) and abs(value) < 1e6:
        return f"{value:.1f}f"
    digits, power = value.hex().split("p")
    return f"{digits.rstrip('0')}p{power}f"


class Expression:
    """A C expression of type float; operators give the expressions of their results.

    Parameters
    ----------
    text : str
    atom : bool, default True
        It needs no parentheses.
    """

    def __init__(self, text: str, atom: bool = True) -> None:
        self.text, self.atom = text, atom

    def __str__(self) -> str:
        return self.text

    def _inner(self) -> str:
        return self.text if self.atom else f"({self.text})"

    def _with(self, sign: str, other: Any) -> Expression:
        return Expression(f"{self._inner()} {sign} {expression(other)._inner()}", False)

    def __add__(self, other: Any) -> Expression:
        return self._with("+", other)

    def __sub__(self, other: Any) -> Expression:
        return self._with("-", other)

    def __mul__(self, other: Any) -> Expression:
        return self._with("*", other)

    def __truediv__(self, other: Any) -> Expression:
        return self._with("/", other)

    def __radd__(self, other: Any) -> Expression:
        return expression(other)._with("+", self)

    def __rsub__(self, other: Any) -> Expression:
        return expression(other)._with("-", self)

    def __rmul__(self, other: Any) -> Expression:
        return expression(other)._with("*", self)

    def __neg__(self) -> Expression:
        return Expression(f"-{self._inner()}", False)


def expression(x: Any) -> Expression:
    """Return an expression as it is, a number as its literal."""
    if isinstance(x, Expression):
        return x
    text = literal(x)
    return Expression(text, not text.startswith("-"))


class Text:
    """Operations on expressions, by the names that `Numbers` has; collects lines and helpers.

    Parameters
    ----------
    helpers : set of str
        The names of the helpers that are used are added to it.
    """

    def __init__(self, helpers: set[str]) -> None:
        self.helpers = helpers
        self.lines: list[str] = []
        self._names: dict[str, int] = {}

    def let(self, name: str, x: Any) -> Expression:
        """Give an expression a name, or that name and a number if it is taken; return it."""
        count = self._names[name] = self._names.get(name, 0) + 1
        name = name if count == 1 else f"{name}{count}"
        self.lines.append(f"const float {name} = {expression(x)};")
        return Expression(name)

    def put(self, place: str, x: Any) -> None:
        """Store an expression."""
        self.lines.append(f"{place} = {expression(x)};")

    def _call(self, helper: str, *arguments: Any) -> Expression:
        self.helpers.add(helper)
        inside = ", ".join(str(expression(x)) for x in arguments)
        return Expression(f"@{helper}({inside})")

    def madd(self, a: Any, b: Any, c: Any) -> Expression:
        """Return ``a * b + c``."""
        return self._call("madd", a, b, c)

    def where_less(self, a: Any, b: Any, x: Any, y: Any) -> Expression:
        """Return x where a < b, y elsewhere."""
        a, b, x, y = (expression(v)._inner() for v in (a, b, x, y))
        return Expression(f"{a} < {b} ? {x} : {y}", False)

    def flush(self, x: Any) -> Expression:
        """Return x with 0 for what is nearer to 0 than the smallest normal number."""
        return self._call("flush", x)

    def clamp(self, x: Any, limit: float) -> Expression:
        """Return x cut at -limit and limit."""
        return self._call("clamp", x, limit)

    def sigmoid(self, x: Any) -> Expression:
        """Return 1 / (1 + e^-x)."""
        return self._call("sigmoid", x)

    def tanh(self, x: Any) -> Expression:
        """Return the hyperbolic tangent."""
        return self._call("tanh", x)


def loop(n: int, lines: Iterable[str], variable: str = "j") -> list[str]:
    """Return a loop over n units."""
    head = f"for (int {variable} = 0; {variable} < {n}; {variable}++) {{"
    return [head, *(f"    {line}" for line in lines), "}"]
