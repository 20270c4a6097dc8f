"""Models as one C99 file that needs no library: `model.export("m.c")`.

`reading` makes a program of a model, by a function for each class of layers (`table.FORMS`);
`source` writes it as C. The numbers that the file's self-test expects are made by the same
operations in NumPy (`arithmetic`).
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import numpy as np

from ...saving.atomic import atomic_write
from ...validation import Array
from .arithmetic import LANES, Numbers
from .classes import classes_of
from .program import Program
from .reading import program_of
from .refusal import Refused
from .source import Addition, Source

WEIGHTS = ("float32", "int8")
PROBE_STEPS = 8
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


def export_model(
    model: Any,
    path: str | os.PathLike[str],
    *,
    name: str | None = None,
    weights: str = "float32",
    arithmetic: str = "plain",
    calibrate: Any = None,
    max_steps: int | None = None,
) -> None:
    """Write a built model as a C99 file and its header, of the same name with ``.h``.

    The file allocates nothing and calls no library; all memory is the caller's ``NAME_state``. A
    model that goes step by step has ``NAME_reset``, ``NAME_step`` and ``NAME_feed``, one that
    needs whole sequences ``NAME_predict``. The outputs are the same on every machine, to the last
    bit. With ``-DNAME_SELFTEST`` (in capitals) it has ``NAME_selftest``, which returns 0.

    Parameters
    ----------
    model : Model
        Of one input and one output, in float32.
    path : path-like
    name : str, optional
        The prefix of all names in C; by default the file's name.
    weights : {"float32", "int8"}
        "int8": the weights of products as whole numbers with a scale for each column, a quarter of
        the memory. Computed in float32 all the same.
    arithmetic : {"plain", "fma"}
        "plain": the bits of ``LSTMCORE_ISA=base``. "fma": those of ``LSTMCORE_ISA=avx2``, by C's
        ``fmaf``; fast where the machine has such an instruction, and slow elsewhere.
    calibrate : array_like, optional
        Samples: with int8 weights the header says how far outputs are off for them.
    max_steps : int, optional
        The longest sequence that ``NAME_predict`` takes; by default what the model's input says.

    Raises
    ------
    Refused
        If a layer, or an option of one, has no C form; the message names both. It is a ValueError,
        and no file is written.
    """
    options: dict[str, Any] = {"name": name, "weights": weights, "arithmetic": arithmetic}
    write(model, path, classes_of(model), **options, calibrate=calibrate, max_steps=max_steps)


def write(
    model: Any,
    path: str | os.PathLike[str],
    addition: Addition,
    *,
    name: str | None = None,
    weights: str = "float32",
    arithmetic: str = "plain",
    calibrate: Any = None,
    max_steps: int | None = None,
) -> None:
    """Write a model and what an application adds to it; see `export_model`."""
    path = Path(path)
    name = path.stem if name is None else name
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise Refused(f"export: name: expected a word of letters, digits and _, got {name!r}")
    _check("weights", weights, WEIGHTS)
    _check("arithmetic", arithmetic, tuple(LANES))
    program = program_of(model, weights)
    steps = _steps(program, max_steps)
    source = Source(program, name, arithmetic, steps, addition=addition)
    probe = _probe(program, source.max_steps or PROBE_STEPS)
    y = program.run(probe[None], Numbers(arithmetic))[0]
    if not np.isfinite(y).all():
        bad = y[~np.isfinite(y)][0]
        raise Refused(f"export: model {model.name!r}: expected finite outputs, got {bad}")
    if weights == "int8":
        source.said += _differences(program, probe, calibrate)
    elif calibrate is not None:
        raise Refused("export: calibrate: expected None, for weights='float32' are not rounded")
    code = source.code(path.with_suffix(".h").name, (probe, y if y.ndim == 2 else y[None]))
    for file_path, text in ((path.with_suffix(".h"), source.header()), (path, code)):
        with atomic_write(file_path) as file:
            file.write(text.encode("ascii"))


def _check(argument: str, value: Any, known: tuple[str, ...]) -> None:
    if value not in known:
        wanted = " or ".join(map(repr, known))
        raise Refused(f"export: {argument}: expected {wanted}, got {value!r}")


def _steps(program: Program, given: Any) -> int:
    """Return the largest number of steps; 0 for a program that goes step by step."""
    if program.by_step:
        if given is not None:
            raise Refused("export: max_steps: expected None, for the model goes step by step")
        return 0
    said = program.model.inputs[0].shape[1]
    steps = said if given is None else given
    if isinstance(steps, bool) or not isinstance(steps, int) or steps < 1:
        wanted = "the number of steps of the longest sequence, for the model needs all of them"
        raise Refused(f"export: max_steps: expected {wanted}, got {given!r}")
    if program.all_steps and steps != program.all_steps:
        raise Refused(f"export: max_steps: expected {program.all_steps}, got {given!r}")
    return int(steps)


def _probe(program: Program, most: int) -> Array:
    """Return a few steps of inputs, always the same for a model."""
    draws = np.random.default_rng(0)
    steps = program.all_steps or min(PROBE_STEPS, most) if program.input.timed else 1
    if program.tokens:
        rows = len(program.ops[0].arrays["embeddings"])
        low = int(program.skips_zero and rows > 1)
        return draws.integers(low, rows, steps).astype(np.int32)
    x = draws.standard_normal((steps, program.input.width)).astype(np.float32)
    return x if program.input.timed else x[0]


def _differences(program: Program, probe: Array, calibrate: Any) -> list[str]:
    """Return what rounding the weights changes, for the header."""
    lines = []
    exact = program_of(program.model, "float32")
    given = None if calibrate is None else np.asarray(calibrate)
    for what, x in (("the probe", probe[None]), ("the samples given", given)):
        if x is None:
            continue
        o = Numbers("plain")
        off = np.abs(program.run(x, o) - exact.run(x, o)).max(initial=0)
        lines.append(f"Largest difference from float32 weights: {off:.2g} on {what}.")
    return lines
