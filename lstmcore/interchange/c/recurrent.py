"""Recurrent layers: the products of a step, and the cell as formulas of one unit.

A cell is a list of stages: operands that are added to the pre-activations z, then a formula that is
computed for each unit. The formulas are those of src_c/kernels/cells, multiply-adds included.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from ...validation import Array
from . import sums
from .arithmetic import Numbers
from .expressions import Expression, Text, loop
from .moments import Moments
from .program import Op, Value


class Units:
    """Access to rows of numbers from a formula of one unit: ``u["z", 2]`` is its third number in z.

    Parameters
    ----------
    o : Text or Numbers
    rows : dict of str to str or ndarray
        The pointers in C, or the arrays.
    n : int
        Units; block i of a row begins with number i n.
    """

    def __init__(self, o: Any, rows: dict[str, Any], n: int) -> None:
        self.o, self.rows, self.n = o, rows, n

    def __getitem__(self, key: tuple[str, int] | str) -> Any:
        name, block = key if isinstance(key, tuple) else (key, 0)
        if isinstance(self.o, Text):
            return Expression(self._place(name, block))
        return self.rows[name][..., block * self.n : (block + 1) * self.n]

    def __setitem__(self, key: tuple[str, int] | str, value: Any) -> None:
        name, block = key if isinstance(key, tuple) else (key, 0)
        if isinstance(self.o, Text):
            self.o.put(self._place(name, block), value)
        else:
            self.rows[name][..., block * self.n : (block + 1) * self.n] = value

    def number(self, name: str) -> Any:
        """Return a number that all units share."""
        return Expression(name) if isinstance(self.o, Text) else self.rows[name]

    def _place(self, name: str, block: int) -> str:
        return f"{self.rows[name]}[{block * self.n} + j]" if block else f"{self.rows[name]}[j]"


UnitFormula = Callable[[Any, Units], None]


class Stage(NamedTuple):
    """Operands that are added to a row, then moments, then formulas of its units."""

    operands: Sequence[sums.Operand]
    to: str  # the row of sums
    n: int  # units
    formula: UnitFormula | None
    moments: Sequence[Moments] = ()


@dataclass(eq=False)
class Recurrent(Op):
    """A recurrent layer over all steps, or of one step.

    Parameters
    ----------
    stages : list of Stage
    rows : dict of str to int
        Rows of scratch and their sizes; all of them together are `scratch`.
    starts : dict of str to str
        Rows that begin with the numbers of an array, "" for zeros.
    sequences, backwards : bool
        An output for each step; the last step comes first.
    reverses : bool
        The outputs come from the last step to the first.
    """

    stages: list[Stage] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)
    starts: dict[str, str] = field(default_factory=dict)
    sequences: bool = False
    backwards: bool = False
    reverses: bool = False

    @property
    def by_step(self) -> bool:
        return not self.backwards

    def finish(self) -> Value:
        """Add the operation to its program, with the scratch that it needs."""
        self.rows["sums"] = max(sums.size_of(stage.operands) for stage in self.stages)
        self.rows = {name: n for name, n in self.rows.items() if n}
        self.scratch = sum(self.rows.values())
        self.output.timed = self.sequences
        return self.program.add(self)

    # -- C -----------------------------------------------------------------------------------------

    def text(self, o: Text, xs: list[str], y: str, scratch: str) -> list[str]:
        return [f"@{self.name}(s, {xs[0]}, {scratch});"]

    def functions(self, o: Text) -> list[str]:
        """Return the function of a step."""
        lines, at = [], 0
        pointers = {"x": "x"}
        for name, size in self.rows.items():
            start = f"scratch + {at}" if at else "scratch"
            lines.append(f"float *const {name} = {start};")
            pointers[name] = name
            at += size
        for name in self.states:
            lines.append(f"float *const {name} = s->{self.field_of(name)};")
            pointers[name] = name
        pointers |= {name: f"@{self.name}_{name}" for name in self.arrays if name not in pointers}
        for name, array in self.starts.items():
            o.helpers.add("copy" if array else "zero")
            n = self.rows[name]
            lines.append(f"@copy({n}, {array}, {name});" if array else f"@zero({n}, {name});")
        for stage in self.stages:
            for what in stage.operands:
                lines += sums.text(o, what, pointers[stage.to], "sums")
            for moments in stage.moments:
                lines += moments.text(o, pointers[moments.row], stage.n)
            if stage.formula is not None:
                body = Text(o.helpers)
                stage.formula(body, Units(body, pointers, stage.n))
                lines += loop(stage.n, body.lines)
        head = f"static void @{self.name}(@state *s, const float *x, float *scratch) {{"
        return [head, *(f"    {line}" for line in lines), "}"]

    # -- numbers -----------------------------------------------------------------------------------

    def run(self, o: Numbers, xs: list[Array]) -> Array:
        x, steps = xs[0], xs[0].shape[1]
        rows = {name: np.zeros((len(x), n), np.float32) for name, n in self.states.items()}
        y = np.zeros((len(x), steps, self.output.width), np.float32)
        for t in range(steps - 1, -1, -1) if self.backwards else range(steps):
            self._step(o, {**self.arrays, **rows, "x": x[:, t]})
            y[:, steps - 1 - t if self.reverses else t] = rows["h"]
        return y if self.sequences else rows["h"]

    def _step(self, o: Numbers, rows: dict[str, Any]) -> None:
        batch = len(rows["x"])
        for name, size in self.rows.items():
            rows[name] = np.zeros((batch, size), np.float32)
            if self.starts.get(name):
                rows[name] += self.arrays[self.starts[name].removeprefix(f"@{self.name}_")]
        for stage in self.stages:
            for what in stage.operands:
                sums.run(o, what, rows[stage.to], rows)
            for moments in stage.moments:
                rows |= moments.run(o, rows[moments.row], stage.n)
            if stage.formula is not None:
                stage.formula(o, Units(o, rows, stage.n))
