"""Operations on one row: inputs, embeddings, Dense, activations, scaling, merging."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...validation import Array
from . import sums
from .activations import Formula
from .arithmetic import Numbers
from .expressions import Expression, Text, literal, loop
from .program import Matrix, Op


@dataclass(eq=False)
class Take(Op):
    """The model's input, with 0 for what the kernels take for 0."""

    def text(self, o: Text, xs: list[str], y: str, scratch: str) -> list[str]:
        o.helpers.add("take")
        return [f"@take({self.output.width}, {xs[0]}, {y});"]

    def run(self, o: Numbers, xs: list[Array]) -> Array:
        return o.flush(np.asarray(xs[0], np.float32))


@dataclass(eq=False)
class Lookup(Op):
    """The row of a table for a token; zeros for a token that the table does not have."""

    table: Matrix | None = None

    def text(self, o: Text, xs: list[str], y: str, scratch: str) -> list[str]:
        assert self.table is not None
        rows, width = self.table.data.shape
        if self.table.scale is None:
            o.helpers.add("look_up")
            return [f"@look_up({rows}, {width}, {self.table.name}, {xs[0]}, {y});"]
        o.helpers.add("look_up8")
        scale = self.table.scale_name
        return [f"@look_up8({rows}, {width}, {self.table.name}, {scale}, {xs[0]}, {y});"]

    def run(self, o: Numbers, xs: list[Array]) -> Array:
        assert self.table is not None
        rows = self.table.data[xs[0]].astype(np.float32)
        return rows if self.table.scale is None else rows * self.table.scale[xs[0]][..., None]


@dataclass(eq=False)
class Linear(Op):
    """A product and a bias, with an activation: `Dense`."""

    matrix: Matrix | None = None
    bias: str = ""  # the array's name, "" for none
    formula: Formula | None = None  # of the activation; None: softmax
    exact: bool = False  # the activation leaves the numbers as they are

    def operand(self, source: str) -> sums.Operand:
        assert self.matrix is not None
        k, n = self.matrix.data.shape
        return sums.operand([sums.Part(source, k, self.matrix, n)])

    def text(self, o: Text, xs: list[str], y: str, scratch: str) -> list[str]:
        n, what = self.output.width, self.operand(xs[0])
        o.helpers.add("copy" if self.bias else "zero")
        start = f"@copy({n}, {self.bias}, {y});" if self.bias else f"@zero({n}, {y});"
        lines = [start, *sums.text(o, what, y, scratch)]
        if self.formula is None:
            o.helpers.add("softmax")
            return [*lines, f"@softmax({n}, {y});"]
        body = Text(o.helpers)
        body.put(_element(y), body.flush(self.formula(body, _number(y))))
        return [*lines, *loop(n, body.lines)]

    def run(self, o: Numbers, xs: list[Array]) -> Array:
        assert self.matrix is not None
        n = self.output.width
        z = np.zeros((*xs[0].shape[:-1], n), np.float32)
        if self.bias:
            z = z + self.arrays["bias"]
        sums.run(o, self.operand("x"), z, {"x": xs[0]})
        return o.flush(o.softmax(z) if self.formula is None else self.formula(o, z))


@dataclass(eq=False)
class Pointwise(Op):
    """A formula of each number by itself, and of numbers at its place in constant rows."""

    formula: Callable[..., Any] | None = None  # (o, x, *constants)

    def text(self, o: Text, xs: list[str], y: str, scratch: str) -> list[str]:
        assert self.formula is not None
        body = Text(o.helpers)
        rows = [_number(x) for x in xs]
        constants = [Expression(f"@{self.name}_{name}[j]") for name in self.arrays]
        body.put(_element(y), self.formula(body, *rows, *constants))
        return loop(self.output.width, body.lines)

    def run(self, o: Numbers, xs: list[Array]) -> Array:
        assert self.formula is not None
        return np.asarray(self.formula(o, *xs, *self.arrays.values()), np.float32)


@dataclass(eq=False)
class Softmax(Op):
    """The softmax of a row."""

    def text(self, o: Text, xs: list[str], y: str, scratch: str) -> list[str]:
        n = self.output.width
        o.helpers |= {"copy", "softmax"}
        return [f"@copy({n}, {xs[0]}, {y});", f"@softmax({n}, {y});"]

    def run(self, o: Numbers, xs: list[Array]) -> Array:
        return o.flush(o.softmax(xs[0]))


@dataclass(eq=False)
class Joined(Op):
    """Rows one behind the other."""

    def text(self, o: Text, xs: list[str], y: str, scratch: str) -> list[str]:
        o.helpers.add("copy")
        lines, at = [], 0
        for x, value in zip(xs, self.inputs, strict=True):
            lines.append(f"@copy({value.width}, {x}, {y} + {at});")
            at += value.width
        return lines

    def run(self, o: Numbers, xs: list[Array]) -> Array:
        return np.concatenate(xs, axis=-1)


@dataclass(eq=False)
class Normalized(Op):
    """A row minus its mean, divided by its standard deviation: `LayerNormalization`."""

    epsilon: float = 0.0

    def text(self, o: Text, xs: list[str], y: str, scratch: str) -> list[str]:
        n, x = self.output.width, xs[0]
        o.helpers |= {"mean", "variance", "sqrt"}
        body = Text(o.helpers)
        value = (Expression(_element(x)) - Expression("mean")) * Expression("by")
        if "gamma" in self.arrays:
            value = value * Expression(f"@{self.name}_gamma[j]")
        if "beta" in self.arrays:
            value = value + Expression(f"@{self.name}_beta[j]")
        body.put(_element(y), value)
        off = f"@variance({n}, {x}, mean) + {literal(self.epsilon)}"
        inside = [
            f"const float mean = @mean({n}, {x});",
            f"const float by = 1.0f / @sqrt({off});",
            *loop(n, body.lines),
        ]
        return ["{", *(f"    {line}" for line in inside), "}"]

    def run(self, o: Numbers, xs: list[Array]) -> Array:
        n = np.float32(self.output.width)
        mean = o.across(xs[0]) / n
        variance = o.squares_across(xs[0] - mean) / n
        y = (xs[0] - mean) * (np.float32(1) / np.sqrt(variance + np.float32(self.epsilon)))
        if "gamma" in self.arrays:
            y = y * self.arrays["gamma"]
        return y + self.arrays["beta"] if "beta" in self.arrays else y


def _element(pointer: str) -> str:
    return f"({pointer})[j]" if " " in pointer else f"{pointer}[j]"


def _number(pointer: str) -> Expression:
    return Expression(_element(pointer))
