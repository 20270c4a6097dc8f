"""Proof that the tests can fail: plants one-line faults in a copy of the C core, one at a time.

    python tests/faults.py [WORD]      (or `make faults`); WORD: only the faults whose text has it

Each fault is built and the tests of the core are run against it; a fault that they let pass is an
error, and so is one whose text no longer stands in the sources exactly once.
"""

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple, NoReturn

ROOT = Path(__file__).resolve().parent.parent
COPY = ROOT / "build" / "faults"
PARTS = ("setup.py", "pyproject.toml", "README.md", "LICENSE", "src_c", "lstmcore", "tests")
TESTS = sorted(p.relative_to(ROOT).as_posix() for p in ROOT.glob("tests/test_core*.py"))
TIME_LIMIT = 600  # seconds, of a build or of a run of the tests


class Fault(NamedTuple):
    """One line of the C sources to spoil."""

    file: str  # below src_c
    right: str  # stands there exactly once
    wrong: str
    what: str  # what goes wrong, for the table


FAULTS = [
    Fault("cells/lstm.h", "z[1] * *c + z[0]", "*c + z[0]", "the cell forgets to forget"),
    Fault(
        "cells/lstm.h", "d * c0 *", "d * c1 *", "forget gate's gradient: the state after the step"
    ),
    Fault("cells/lstm.h", "(1 - y * y)", "(1 - y)", "the derivative of tanh"),
    Fault("vec.h", "6.9314718802622878106e-1f", "6.9315e-1f", "float32 exp is off by 4e-6"),
    Fault(
        "vec.h",
        "+ (IS_TANH ? s[j] - 1 : s[j] + 1)",
        "+ s[j] + (real)(IS_TANH ? -1 : 1)",
        "tanh of small numbers loses digits",
    ),
    Fault("pack.inc", ": R + (k - I) * G * H", ": R + (k - I) * G", "recurrent weights: wrong row"),
    Fault(
        "forward.inc",
        "h + (T & 1) * B * H",
        "h + B * H",
        "final state after an even number of steps",
    ),
    Fault("forward.inc", "(~t & 1)", "(t & 1)", "h is overwritten while the step still reads it"),
    Fault(
        "forward.inc",
        "z.p + b * z.row, call->spec->batch * z.row",
        "z.p + b * z.row, z.row",
        "projection of two or three rows",
    ),
    Fault(
        "forward.inc",
        "if (call->plan.by_units) lc_wait(&call->barrier, n);",
        "",
        "no barrier between steps when threads share units",
    ),
    Fault(
        "backward.inc",
        "if (call->plan.by_units) lc_wait(&call->barrier, n);",
        "",
        "no barrier between the cells and dh",
    ),
    Fault(
        "backward.inc",
        "call->tape + (t * B + b) * H, H",
        "call->tape + ((t + 1) * B + b) * H, H",
        "recurrent gradients: h after the step",
    ),
    Fault(
        "backward.inc",
        "t = t0 + q / B",
        "t = q / B",
        "weight gradients of all chunks of time but the first",
    ),
    Fault(
        "tile.inc",
        "run->a += piece->n * run->col",
        "run->a += piece->n",
        "long products with strided columns",
    ),
    Fault(
        "tile.inc",
        "run->b += piece->reps * run->b_rep",
        "run->b += run->b_rep",
        "long products of many short runs",
    ),
    Fault("gemm.inc", "if (p->add) job.from", "if (0) job.from", "the last columns forget to add"),
    Fault(
        "gemm.inc", "(const real *)p->a.p + r *", "(const real *)p->a.p + lo *", "dense: many rows"
    ),
    Fault(
        "gemm.c", "if (!p->add) __builtin_memset", "if (0) __builtin_memset", "BLAS adds to garbage"
    ),
    Fault("optim.inc", "(SQRT(d) + epsilon)", "SQRT(d + epsilon)", "Adam: epsilon under the root"),
    Fault(
        "optim.inc",
        "momentum * v[i] - lr * g[i];\n        }",
        "v[i];\n        }",
        "SGD: no Nesterov",
    ),
    Fault("optim.inc", "real d = v[i] + epsilon;", "real d = v[i];", "RMSprop: no epsilon"),
    Fault(
        "layout.c", "l->work_dc = reserve(c, blocks)", "l->work_dc = c->at", "two buffers overlap"
    ),
    Fault("layout.c", "if (c.bad ||", "if (", "sizes overflow unnoticed"),
    Fault(
        "trace.c",
        "memcpy(out, out - step, step)",
        "memset(out, 0, step)",
        "traces: a masked step forgets the cell",
    ),
    Fault("trace.c", "list->first ? e :", "", "traces: gates of another step under a mask"),
    Fault(
        "threads.c", "_mm_setcsr((unsigned)was);", "(void)was;", "denormals stay flushed in Python"
    ),
]


def run(*args: str) -> tuple[int | None, str]:
    """Run Python in the copy, with a quick build: its status (None if it hung), its output."""
    env = {**os.environ, "LSTMCORE_DEBUG": "1"}
    command = [sys.executable, *args]
    try:
        done = subprocess.run(
            command, cwd=COPY, env=env, capture_output=True, text=True, timeout=TIME_LIMIT
        )
    except subprocess.TimeoutExpired:
        return None, ""
    return done.returncode, done.stdout + done.stderr


def stop(why: str, output: str) -> NoReturn:
    """End the script: something is wrong with it or with the tree, not with the tests."""
    sys.exit(f"{output}\n{why}")


def build() -> None:
    status, output = run("setup.py", "--quiet", "build_ext", "-i")
    if status != 0:
        stop("the build failed", output)


def verdict() -> str | None:
    """How the tests of the core went red, or None if they passed."""
    status, output = run("-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *TESTS)
    if status is None:
        return "the tests hang"
    if status < 0:
        return "the interpreter crashes"
    if status > 1:  # not red, but broken: no tests, a wrong option, ...
        stop("pytest could not run the tests", output)
    failed = re.search(r"^(?:FAILED|ERROR) \S*::(\w+)", output, re.MULTILINE)
    if status == 1 and not failed:
        stop("pytest failed, but no test did", output)
    return failed[1] if failed else None


def copy_tree() -> None:
    """Make a fresh copy of the tree."""
    shutil.rmtree(COPY, ignore_errors=True)
    COPY.mkdir(parents=True)
    for part in PARTS:
        if (ROOT / part).is_dir():
            unwanted = shutil.ignore_patterns("*.so", "__pycache__")
            shutil.copytree(ROOT / part, COPY / part, ignore=unwanted)
        else:
            shutil.copy2(ROOT / part, COPY / part)


def survives(fault: Fault) -> bool:
    """Plant one fault, run the tests, say what came of it, and take it out again."""
    source, start = COPY / "src_c" / fault.file, time.perf_counter()
    text = source.read_text()
    source.write_text(text.replace(fault.right, fault.wrong))
    build()
    red = verdict()
    source.write_text(text)
    seconds = time.perf_counter() - start
    fate = f"caught: {red}" if red else "SURVIVED"
    print(f"{seconds:4.0f} s  {fault.file:13} {fault.what:54} {fate}", flush=True)
    return red is None


def main() -> None:
    word = sys.argv[1] if len(sys.argv) > 1 else ""
    faults = [fault for fault in FAULTS if word in " ".join(fault)]
    if not faults:
        sys.exit(f"no fault has the word {word!r}")
    copy_tree()
    for fault in faults:
        count = (COPY / "src_c" / fault.file).read_text().count(fault.right)
        if count != 1:
            sys.exit(f"src_c/{fault.file} has {count} times, not once: {fault.right}")
    build()
    red = verdict()
    if red:
        sys.exit(f"red without any fault: {red}")
    survivors = sum([survives(fault) for fault in faults])
    print(f"{len(faults) - survivors} of {len(faults)} planted faults were caught")
    sys.exit(survivors > 0)


if __name__ == "__main__":
    main()
