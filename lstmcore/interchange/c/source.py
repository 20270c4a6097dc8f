"""The text of the C file and of its header."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from ..._version import __version__
from ...validation import Array
from . import helpers
from .calls import Calls
from .expressions import Text, literal
from .program import Program
from .recurrent import Recurrent

A_LINE = 8  # numbers


class Addition(NamedTuple):
    """What else a file has, around the model, with the signs of `helpers` for names.

    Parameters
    ----------
    macros, prototypes : str
        Lines of the header.
    fields : sequence of (str, int)
        Arrays of float in the state, and their sizes.
    code : str
        C that is behind everything else but the self-test.
    """

    macros: str = ""
    prototypes: str = ""
    fields: Sequence[tuple[str, int]] = ()
    code: str = ""


NOTHING = Addition()


@dataclass
class Source:
    """A program as C.

    Parameters
    ----------
    program : Program
    name : str
        The prefix of all names.
    arithmetic : {"plain", "fma"}
    max_steps : int
        Of whole sequences; 0 for a program that goes step by step.
    said : list of str
        More lines of the header's comment.
    """

    program: Program
    name: str
    arithmetic: str
    max_steps: int
    said: list[str] = field(default_factory=list)
    addition: Addition = NOTHING

    def __post_init__(self) -> None:
        self.o = Text(set())
        timed = self.max_steps or 1
        if not self.max_steps:
            for op in self.program.ops:
                if isinstance(op, Recurrent):
                    op.output.state = op.field_of("h")
        values, scratch, self.work = self.program.places(timed)
        self.calls = Calls(self.program, self.o, self.max_steps, values, scratch)

    # -- what both files know ------------------------------------------------------------------

    @property
    def capitals(self) -> str:
        """The prefix of macros."""
        return self.name.upper()

    @property
    def state_bytes(self) -> int:
        """The size of the state."""
        return 4 * sum(n for _, n in self._fields())

    def _fields(self) -> list[tuple[str, int]]:
        """Return the arrays of the state, and their sizes."""
        states = [(op.field_of(s), n) for op in self.program.ops for s, n in op.states.items()]
        work = [("work", max(self.work, 1))] if self.work or not states else []
        return [*states, *work, *self.addition.fields]

    @property
    def input_type(self) -> str:
        """The type of the numbers that go in."""
        return "int32_t" if self.program.tokens else "float"

    def digest(self) -> str:
        """Return the SHA-256 of the model's weights: their float32 bytes, one after the other."""
        found = hashlib.sha256()
        for weight in self.program.model.get_weights():
            found.update(np.ascontiguousarray(weight, "<f4").tobytes())
        return found.hexdigest()

    def filled(self, text: str) -> str:
        """Return a text with the names in place of their signs."""
        return text.replace("@@", self.capitals).replace("@", f"{self.name}_")

    # -- the header ----------------------------------------------------------------------------

    def header(self) -> str:
        """Return the header's text."""
        p = self.program
        fields = [f"    float {name}[{n}];" for name, n in self._fields()]
        said = "".join(f"\n * {line}".rstrip() for line in self._about())
        return self.filled(f"""\
/* {said.removeprefix(chr(10) + " * ")} */
#ifndef @@_H
#define @@_H
#include <stddef.h>
#include <stdint.h>

#define @@_VERSION "{__version__}" /* of lstmcore, which wrote this */
#define @@_SHA256 "{self.digest()}" /* of the model's weights */
#define @@_INPUTS {p.input.width}
#define @@_OUTPUTS {p.output.width}
#define @@_STATE_BYTES {self.state_bytes}
{self._more_macros()}
#ifdef __cplusplus
extern "C" {{
#endif

/* All the memory that there is; the caller's. */
typedef struct @state {{
{chr(10).join(fields)}
}} @state;

{self._prototypes()}
{self.addition.prototypes}#ifdef __cplusplus
}}
#endif
#endif
""")

    def _about(self) -> list[str]:
        weights = sum(a.nbytes for op in self.program.ops for a in op.arrays.values())
        bits = {"plain": "LSTMCORE_ISA=base", "fma": "LSTMCORE_ISA=avx2"}[self.arithmetic]
        kind = "int8 weights" if self.program.weights == "int8" else "float32 weights"
        model = ascii(self.program.model.name).replace("*/", "* /")
        return [
            f"{self.name}: model {model} of lstmcore {__version__} in C99. "
            "Made by model.export; do not edit.",
            "",
            f"{kind}, {weights} bytes of constants; the arithmetic of {bits}.",
            *self.said,
        ]

    def _more_macros(self) -> str:
        lines = []
        if self.max_steps:
            lines.append(f"#define @@_MAX_STEPS {self.max_steps}\n")
        return "".join([*lines, self.addition.macros])

    def _prototypes(self) -> str:
        kind, state = self.input_type, "@state *state"
        if self.max_steps:
            sequences = self.program.output.timed
            rows = "steps rows of outputs" if sequences else "one row of outputs"
            lines = [
                f"/* Read steps rows of inputs, 1 to @@_MAX_STEPS, write {rows}. Return how many "
                "rows were\n * written: 0 for any other number of steps. */",
                f"size_t @predict({state}, const {kind} *x, size_t steps, float *y);",
            ]
        else:
            one = "int32_t token" if self.program.tokens else "const float *x"
            rows = "a row for each step" if self.calls.every_step else "the row after the last step"
            lines = [
                "/* Begin a sequence. */",
                f"void @reset({state});",
                "/* Read a row of inputs, write a row of outputs. */",
                f"void @step({state}, {one}, float *y);",
                f"/* Read many rows, write {rows}. */",
                f"void @feed({state}, const {kind} *x, size_t steps, float *y);",
            ]
        lines += [
            "#ifdef @@_SELFTEST",
            "/* How many numbers differ from what they have to be, to the last bit: 0. */",
            "int @selftest(void);",
            "#endif",
        ]
        return "\n".join(lines)

    # -- the C file ----------------------------------------------------------------------------

    def code(self, header: str, probe: tuple[Array, Array]) -> str:
        """Return the C file's text.

        Parameters
        ----------
        header : str
            The header's name.
        probe : (x, y)
            What goes into the self-test and what has to come out.
        """
        arrays = [
            self._array(f"@{op.name}_{name}", data)
            for op in self.program.ops
            for name, data in op.arrays.items()
        ]
        own = [line for op in self.program.ops for line in (*op.functions(self.o), "")]
        calls = self.calls.text()
        test = self._selftest(*probe)
        functions = helpers.text_of(self.o.helpers, self.arithmetic)
        parts = [
            self._start(header),
            *([functions] if functions else []),
            *arrays,
            "\n".join(_squeezed([*own, *calls])),
            *([self.addition.code] if self.addition.code else []),
            test,
        ]
        return self.filled("\n".join(parts))

    def _start(self, header: str) -> str:
        include = "#include <math.h>\n" if self.arithmetic == "fma" else ""
        return f"""\
/* See {header}. For the exact bits compile this file with -ffp-contract=off, and never with
 * -ffast-math; for speed with -O3, and -march=native or what the machine has. C99 or C++. */
#include "{header}"
#include <float.h>
{include}
#ifdef __FAST_MATH__
#error "{header}: -ffast-math breaks the rounding that exp and tanh rest on"
#endif
#if !defined(__cplusplus) && FLT_EVAL_METHOD != 0
#error "{header}: floats have to be computed as floats (on 32-bit x86: -msse2 -mfpmath=sse)"
#endif
#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#elif defined(__GNUC__)
#pragma GCC optimize("fp-contract=off")
#endif
#ifdef __cplusplus
#define @@_RESTRICT __restrict
#else
#define @@_RESTRICT restrict
#endif
#ifndef @@_SECTION /* such as __attribute__((section(".flash"))): where constants go */
#define @@_SECTION
#endif
{helpers.MADD[self.arithmetic]}"""

    def _array(self, name: str, data: Array) -> str:
        if data.dtype == np.int8:
            kind, numbers = "int8_t", [str(int(v)) for v in data.ravel()]
        else:
            kind, numbers = "float", [literal(v) for v in data.ravel()]
        return f"static const {kind} {name}[{data.size}] @@_SECTION = {{\n{_lines(numbers)}}};\n"

    # -- the self-test -------------------------------------------------------------------------

    def _selftest(self, x: Array, y: Array) -> str:
        numbers = [str(int(v)) if self.program.tokens else literal(v) for v in x.ravel()]
        bits = [f"0x{v:08x}u" for v in np.ascontiguousarray(y, np.float32).view(np.uint32).ravel()]
        steps = x.shape[0]
        if self.max_steps:
            body = f"""\
    if (@predict(&state, x, {steps}, y) != {len(y)}) return {y.size};
    differ = @differ({y.size}, y, bits);"""
        else:
            at = "x[t]" if self.program.tokens else "x + t * @@_INPUTS"
            to = "y + t * @@_OUTPUTS" if self.calls.every_step else "y"
            body = f"""\
    @reset(&state);
    @feed(&state, x, {steps}, y);
    differ = @differ({y.size}, y, bits);
    @reset(&state);
    for (int t = 0; t < {steps}; t++) @step(&state, {at}, {to});
    differ += @differ({y.size}, y, bits);"""
        return f"""
#ifdef @@_SELFTEST
static int @differ(int n, const float *y, const uint32_t *bits) {{
    int differ = 0;
    for (int i = 0; i < n; i++) {{
        union {{ float number; uint32_t bits; }} u;
        u.number = y[i];
        differ += u.bits != bits[i];
    }}
    return differ;
}}

int @selftest(void) {{
    static const {self.input_type} x[{len(numbers)}] = {{
{_lines(numbers, "        ")}    }};
    static const uint32_t bits[{y.size}] = {{
{_lines(bits, "        ")}    }};
    @state state;
    float y[{y.size}];
    int differ;
{body}
    return differ;
}}
#endif
"""


def _lines(numbers: list[str], indent: str = "    ") -> str:
    rows = (numbers[i : i + A_LINE] for i in range(0, len(numbers), A_LINE))
    return "".join(f"{indent}{', '.join(row)},\n" for row in rows)


def _squeezed(lines: list[str]) -> list[str]:
    """Return lines without a second empty one after another."""
    return [line for k, line in enumerate(lines) if line or (k and lines[k - 1])]
