"""A model as a list of operations on rows of numbers, and the weights that they own.

An operation takes values and makes one. A value is a row of `width` numbers, or if it is timed one
for each step. An operation has its text in C and its arithmetic in NumPy; where it has a formula of
units, both come of the same function (`expressions.Text`, `arithmetic.Numbers`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from ...validation import Array
from .arithmetic import SMALLEST, Numbers
from .expressions import Text
from .helpers import HELPERS
from .refusal import Refused

RESERVED = {*HELPERS, "state", "reset", "step", "feed", "predict", "front", "back", "selftest"}


@dataclass(eq=False)
class Value:
    """What an operation makes: `width` numbers, if `timed` for each step."""

    width: int
    timed: bool = False
    name: str = ""
    state: str = ""  # the field of the state that has it anyway, if there is one


@dataclass(eq=False)
class Matrix:
    """Weights as the file has them: float32, or whole numbers with a scale for each column."""

    name: str
    data: Array
    scale: Array | None = None
    scale_name: str = ""

    @property
    def row(self) -> int:
        """Numbers in a row."""
        return int(self.data.shape[-1])


@dataclass(eq=False)
class Op:
    """An operation that makes a row of rows: of the same step, if they are timed."""

    whole: ClassVar[bool] = False  # it needs all steps at once

    program: Program
    name: str
    inputs: list[Value]
    output: Value
    arrays: dict[str, Array] = field(default_factory=dict)
    states: dict[str, int] = field(default_factory=dict)
    scratch: int = 0

    @property
    def by_step(self) -> bool:
        """True if a step needs none that follow it."""
        return not self.whole

    def text(self, o: Text, xs: list[str], y: str, scratch: str) -> list[str]:
        """Return the lines of C that make the row y of the rows xs."""
        raise NotImplementedError

    def run(self, o: Numbers, xs: list[Array]) -> Array:
        """Return what the C file makes, of arrays with any axes in front."""
        raise NotImplementedError

    def functions(self, o: Text) -> list[str]:
        """Return C functions of the operation's own."""
        return []

    def field_of(self, state: str) -> str:
        """Return the name of a state in the struct."""
        return f"{self.name}_{state}"

    def array(self, name: str, data: Any) -> str:
        """Add constants; return their name in C."""
        data = np.ascontiguousarray(data)
        if data.dtype != np.int8:
            data = data.astype(np.float32)
            if not np.isfinite(data).all():
                raise Refused(f"export: {self.name}: {name}: expected finite weights")
            data = np.where(np.abs(data) < SMALLEST, np.float32(0), data)
        self.arrays[name] = data
        return f"@{self.name}_{name}"


class Program:
    """The operations of a model in their order.

    Parameters
    ----------
    model : Model
    weights : {"float32", "int8"}
    """

    def __init__(self, model: Any, weights: str) -> None:
        self.model, self.weights = model, weights
        self.ops: list[Op] = []
        self.input = Value(0)
        self.output = Value(0)
        self.skips_zero = False  # steps whose token is 0 are masked: they are left out
        self.tokens = False  # the input is whole numbers
        self.all_steps = 0  # the number of steps that a layer wants, 0: any
        self._owned = {id(p): p for p in model.weights}
        self._names: dict[str, int] = {}
        self._matrices: dict[int, tuple[Array, Array | None]] = {}

    # -- making it ---------------------------------------------------------------------------------

    def add(self, op: Op) -> Value:
        """Append an operation; return what it makes."""
        self.ops.append(op)
        op.output.name = op.name
        return op.output

    def name_for(self, layer: Any) -> str:
        """Return a name in C for a layer, used once."""
        name = re.sub(r"\W", "_", layer.name, flags=re.ASCII)
        count = self._names[name] = self._names.get(name, name in RESERVED) + 1
        return name if count == 1 else f"{name}_{count}"

    def take(self, param: Any) -> Array:
        """Return a weight's numbers, which are now written."""
        self._owned.pop(id(param), None)
        value: Array = np.asarray(param.value)
        return value

    def store(self, layer: Any) -> None:
        """Round the weights of a layer's products, if the file has them rounded."""
        if self.weights != "int8":
            return
        for product in layer.stored_products():
            stored, scale = product.store([p.value for p in product.weights], "int8")
            for param, numbers in zip(product.weights, stored, strict=True):
                self._matrices[id(param)] = numbers, scale

    def matrix(self, op: Op, name: str, param: Any, like: Matrix | None = None) -> Matrix:
        """Add a matrix that is multiplied, in the form that `store` gave it.

        `like` is a matrix of the same product, which has the scales.
        """
        value = self.take(param)
        numbers, scale = self._matrices.get(id(param), (value, None))
        made = Matrix(op.array(name, numbers), op.arrays[name])
        if scale is not None and like is not None:
            made.scale, made.scale_name = like.scale, like.scale_name
        elif scale is not None:
            made.scale_name = op.array(f"{name}_scale", scale)
            made.scale = op.arrays[f"{name}_scale"]
        return made

    def check(self) -> None:
        """Raise Refused if a weight of the model is not in the file, or a name is twice."""
        names = [op.name for op in self.ops]
        names += [f"{op.name}_{array}" for op in self.ops for array in op.arrays]
        twice = sorted(name for name in set(names) if names.count(name) > 1)
        if twice:
            raise Refused(
                f"export: model {self.model.name!r}: expected names of layers that stay different "
                f"as names in C, got {twice[0]!r} twice"
            )
        if self._owned:
            lost = ", ".join(repr(p.name) for p in self._owned.values())
            raise Refused(f"export: model {self.model.name!r}: weights {lost} have no C form")

    # -- what it is --------------------------------------------------------------------------------

    @property
    def by_step(self) -> bool:
        """True if it can be fed step by step."""
        return not self.skips_zero and all(op.by_step for op in self.ops)

    def run(self, x: Array, o: Numbers) -> Array:
        """Return the outputs for samples (batch, ...), as the C file computes them."""
        if self.skips_zero:
            return np.concatenate([self._run(row[None, row != 0], o) for row in x])
        return self._run(x, o)

    def _run(self, x: Array, o: Numbers) -> Array:
        found: dict[int, Array] = {id(self.input): x}
        with np.errstate(all="ignore"):
            for op in self.ops:
                found[id(op.output)] = op.run(o, [found[id(v)] for v in op.inputs])
        return found[id(self.output)]

    def places(self, steps: int) -> tuple[dict[int, int], dict[int, int], int]:
        """Return where values and scratch stand in the work, and its size, all in floats.

        Values that are never needed at the same time share their place. `steps`: of a timed value.
        """
        last = {id(v): k for k, op in enumerate(self.ops) for v in op.inputs}
        last[id(self.output)] = len(self.ops)
        values: dict[int, int] = {}
        scratch: dict[int, int] = {}
        taken: list[tuple[int, int, int]] = []  # start, end, the last operation that needs it
        size = 0

        def place(n: int, until: int) -> int:
            nonlocal size
            at = 0
            for start, end, _ in sorted(taken):
                if start - at >= n:
                    break
                at = max(at, end)
            taken.append((at, at + n, until))
            size = max(size, at + n)
            return at

        for k, op in enumerate(self.ops):
            taken[:] = [t for t in taken if t[2] >= k]
            if not op.output.state:
                n = op.output.width * (steps if op.output.timed else 1)
                values[id(op.output)] = place(n, last.get(id(op.output), k))
            if op.scratch:
                scratch[id(op)] = place(op.scratch, k)
        return values, scratch, size
