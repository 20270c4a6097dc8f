"""The machine code of the tile: FMAs are there, and its loop over k keeps everything in registers.

The tile's speed rests on this, and no test of numbers can see it: a compiler that spills one
accumulator still computes the same.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "src_c"))

from flags import CORE_FLAGS, ISA_FLAGS  # noqa: E402 - how setup.py compiles the core

X86 = ("gcc", "objdump")
ARM = ("aarch64-linux-gnu-gcc", "aarch64-linux-gnu-objdump")


class Machine(NamedTuple):
    """What to compile with, and what the machine code of an instruction set looks like."""

    compiler: str
    objdump: str
    rows: int  # MR of src_c/kernels/isa.h
    panels: int  # NP
    multiply_add: str  # of registers; the baseline of x86-64 has none
    stack: str  # an operand in memory that belongs to the function's frame
    register: str  # a vector register
    flags: tuple[str, ...] = ()


FMA = r"\tvfn?madd\d+p[sd] "
MACHINES = {
    "avx2": Machine(*X86, 3, 3, FMA, r"\(%r[sb]p", "%[xyz]mm", tuple(ISA_FLAGS.get("avx2", ()))),
    "avx512": Machine(
        *X86, 6, 4, FMA, r"\(%r[sb]p", "%[xyz]mm", tuple(ISA_FLAGS.get("avx512", ()))
    ),
    "neon": Machine(*ARM, 5, 3, r"\tfmla\t", r"\[sp", r"\t[qdv]\d"),
}


def functions(isa, type_, folder):
    """The instructions of each function of a file of kernels: address, text."""
    machine = MACHINES[isa]
    for tool in machine[:2]:
        if not shutil.which(tool):
            pytest.skip(f"needs {tool}")
    if machine.compiler == "gcc" and not ISA_FLAGS.get(isa):
        pytest.skip(f"{isa} is not of this platform")
    target = folder / f"{isa}.o"
    source = f"src_c/kernels/{isa}_{type_}.c"
    command = [machine.compiler, *CORE_FLAGS, *machine.flags, "-Isrc_c", "-c", source, "-o", target]
    subprocess.run(command, cwd=ROOT, check=True)
    text = subprocess.run(
        [machine.objdump, "-d", "--no-show-raw-insn", target], capture_output=True, text=True
    ).stdout
    found = {}
    for part in text.split("\n\n"):
        head = re.match(r"[0-9a-f]+ <(\w+)>:", part.strip())
        if head:
            lines = re.findall(r"^ *([0-9a-f]+):(\t.*)$", part, re.M)
            found[head[1]] = [(int(at, 16), line) for at, line in lines]
    return found


def inner_loop(code, multiply_add):
    """The smallest loop that multiplies and adds."""
    loops = []
    for i, (at, line) in enumerate(code):
        jump = re.match(r"\t(?:j\w+|b\.\w+|cbn?z|tbn?z)\s+(?:.*,\s*)?([0-9a-f]+) <", line)
        if jump and int(jump[1], 16) <= at:
            body = [text for place, text in code[: i + 1] if place >= int(jump[1], 16)]
            if any(re.search(multiply_add, text) for text in body):
                loops.append(body)
    assert loops, "no loop with a multiply-add"
    return min(loops, key=len)


@pytest.mark.parametrize("type_", ["f32", pytest.param("f64", marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    "isa", ["avx2", *(pytest.param(isa, marks=pytest.mark.slow) for isa in ("avx512", "neon"))]
)
def test_the_loop_of_the_tile_stays_in_registers(isa, type_, tmp_path):
    machine, code = MACHINES[isa], functions(isa, type_, tmp_path)
    for name, accumulators in (
        (f"tile_{machine.rows}_4", 4 * machine.rows),
        ("tile_row_np", 4 * machine.panels),
    ):
        body = inner_loop(code[name], machine.multiply_add)
        steps, rest = divmod(
            sum(bool(re.search(machine.multiply_add, line)) for line in body), accumulators
        )
        assert steps >= 1, name
        assert rest == 0, f"{name}: one FMA for each accumulator and step of k\n{body}"
        spills = [line for line in body if re.search(machine.stack, line)]
        if name == "tile_row_np":  # a counter may live there: gcc has more pointers than registers
            spills = [line for line in spills if re.search(machine.register, line)]
        assert not spills, f"{name}: {spills}"
