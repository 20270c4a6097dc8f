"""The functions that a program calls: reset, step and feed, or predict."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .expressions import Text
from .program import Op, Program, Value
from .recurrent import Recurrent


@dataclass
class Calls:
    """The text of the functions of a program.

    Parameters
    ----------
    program : Program
    o : Text
        It learns which helpers are used.
    max_steps : int
        Of whole sequences; 0 for a program that goes step by step.
    values, scratch : dict of int to int
        Where values and the operations' scratch stand in the work; see `Program.places`.
    """

    program: Program
    o: Text
    max_steps: int
    values: dict[int, int]
    scratch: dict[int, int]

    @property
    def kind(self) -> str:
        """The type of the numbers that go in."""
        return "int32_t" if self.program.tokens else "float"

    @property
    def every_step(self) -> bool:
        """True if there is an output for each row that goes in."""
        return self.program.output.timed or not self.program.input.timed

    def text(self) -> list[str]:
        """Return the functions that a program calls."""
        if self.max_steps:
            return self._predict()
        ops, kind = self.program.ops, self.kind
        last = max((k for k, op in enumerate(ops) if isinstance(op, Recurrent)), default=-1)
        front = ops if self.every_step else ops[: last + 1]
        tail = ops[len(front) :]
        one = "int32_t x" if self.program.tokens else "const float *x"
        at = "x[t]" if self.program.tokens else "x + t * @@_INPUTS"
        end = self._end(self.program.output)
        width = self.program.output.width
        states = [(op.field_of(s), n) for op in ops for s, n in op.states.items()]
        self.o.helpers |= {"copy", "zero"} if states else {"copy"}
        lines = ["void @reset(@state *s) {"]
        lines += [f"    @zero({n}, s->{name});" for name, n in states] or ["    (void)s;"]
        lines += ["}", ""]
        lines += [f"static void @front(@state *s, {one}) {{", *self._pointers(front)]
        lines += [f"    {line}" for op in front for line in self._row(op, {})]
        lines += ["}", "", "static void @back(@state *s, float *y) {"]
        lines += self._pointers([*tail, self.program.output])
        lines += [f"    {line}" for op in tail for line in self._row(op, {})]
        lines += [f"    @copy({width}, {end}, y);", "}", ""]
        lines += [f"void @step(@state *state, {one}, float *y) {{"]
        lines += ["    @front(state, x);", "    @back(state, y);", "}", ""]
        head = f"void @feed(@state *state, const {kind} *x, size_t steps, float *y) {{"
        lines += [head, "    for (size_t t = 0; t < steps; t++)"]
        if self.every_step:
            lines += [f"        @step(state, {at}, y + t * @@_OUTPUTS);", "}"]
        else:
            lines += [f"        @front(state, {at});", "    if (steps) @back(state, y);", "}"]
        return lines

    def _pointers(self, used: Iterable[Op | Value], steps: bool = False) -> list[str]:
        """Return declarations of the values that operations read and make."""
        lines: dict[str, None] = {}
        for one in used:
            for value in (*one.inputs, one.output) if isinstance(one, Op) else (one,):
                if id(value) in self.values:
                    at = self.values[id(value)]
                    place = f"s->work + {at}" if at else "s->work"
                    lines[f"    float *const v_{value.name} = {place};"] = None
        return list(lines)

    def _end(self, value: Value) -> str:
        return f"s->{value.state}" if value.state else f"v_{value.name}"

    def _pointer(self, value: Value) -> str:
        return "x" if value is self.program.input else self._end(value)

    def _row(self, op: Op, at: dict[int, str]) -> list[str]:
        """Return the lines of an operation on one row."""
        xs = [at.get(id(v), self._pointer(v)) for v in op.inputs]
        y = at.get(id(op.output), self._end(op.output))
        scratch = ""
        if op.scratch:
            place = self.scratch[id(op)]
            scratch = f"s->work + {place}" if place else "s->work"
        return op.text(self.o, xs, y, scratch)

    def _predict(self) -> list[str]:
        """Return the function that computes a whole sequence, one operation after the other."""
        p, kind = self.program, self.kind
        least = p.all_steps or 1
        self.o.helpers.add("copy")
        lines = [f"size_t @predict(@state *s, const {kind} *x, size_t length, float *y) {{"]
        lines += self._pointers([*p.ops, p.output])
        lines += ["    int steps = (int)length;"]
        lines += [f"    if (length < {least} || length > @@_MAX_STEPS) return 0;"]
        for op in p.ops:
            lines += [f"    {line}" for line in self._over_time(op)]
        width, end = p.output.width, self._end(p.output)
        count = f"steps * {width}" if p.output.timed else f"{width}"
        return [*lines, f"    @copy({count}, {end}, y);", *self._returned(), "}"]

    def _returned(self) -> list[str]:
        if self.program.output.timed:
            return ["    return length;"]
        return ["    (void)steps;", "    return 1;"]

    def _over_time(self, op: Op) -> list[str]:
        """Return the lines of an operation on a whole sequence."""
        if isinstance(op, Recurrent):
            return self._recurrent(op)
        if op.whole or not op.output.timed:
            return self._row(op, {})
        at = {id(v): f"in{k or ''}" for k, v in enumerate(op.inputs)}
        pointers = [self._step_of(v, at[id(v)], "const ") for v in op.inputs]
        if self.program.tokens and op.inputs[0] is self.program.input:
            return self._look_up(op)
        pointers.append(self._step_of(op.output, "out", ""))
        return _each_step([*pointers, *self._row(op, {**at, id(op.output): "out"})])

    def _step_of(self, value: Value, name: str, const: str) -> str:
        return f"{const}float *const {name} = {self._pointer(value)} + t * {value.width};"

    def _look_up(self, op: Op) -> list[str]:
        """Return the lines that look up tokens, without those that the mask leaves out."""
        out = f"float *const out = {self._end(op.output)} + to * {op.output.width};"
        body = [out, *self._row(op, {id(op.inputs[0]): "x[t]", id(op.output): "out"}), "to++;"]
        if self.program.skips_zero:
            body = ["if (x[t] == 0) continue; /* padding */", *body]
        inside = ["int to = 0;", *_each_step(body, "(int)length"), "steps = to;"]
        return ["{", *(f"    {line}" for line in inside), "}"]

    def _recurrent(self, op: Recurrent) -> list[str]:
        """Return the lines of a recurrent layer over all steps."""
        self.o.helpers |= {"zero", "copy"}
        begin = [f"@zero({n}, s->{op.field_of(name)});" for name, n in op.states.items()]
        time = "(steps - 1 - t)" if op.backwards else "t"
        x, h, width = op.inputs[0], f"s->{op.field_of('h')}", op.output.width
        source = f"{self._pointer(x)} + {time} * {x.width}"
        body = self._row(op, {id(x): source})
        if op.sequences:
            to = time if not op.reverses else "t" if op.backwards else "(steps - 1 - t)"
            body.append(f"@copy({width}, {h}, {self._end(op.output)} + {to} * {width});")
        end = [] if op.sequences else [f"@copy({width}, {h}, {self._end(op.output)});"]
        return [*begin, *_each_step(body), *end]


def _each_step(body: list[str], steps: str = "steps") -> list[str]:
    """Return a loop over steps."""
    head = f"for (int t = 0; t < {steps}; t++) {{"
    return [head, *(f"    {line}" for line in body), "}"]
