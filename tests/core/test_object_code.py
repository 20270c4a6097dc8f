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

from flags import ISA_FLAGS, flags_of  # noqa: E402 - how setup.py compiles the core

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


FMA = r"\tvfn?madd\d+p[sd] "
MACHINES = {
    "avx2": Machine(*X86, 3, 3, FMA, r"\(%r[sb]p", "%[xyz]mm"),
    "avx512": Machine(*X86, 6, 4, FMA, r"\(%r[sb]p", "%[xyz]mm"),
    "neon": Machine(*ARM, 5, 3, r"\tfmla\t", r"\[sp", r"\t[qdv]\d"),
}
# The multiply-add of the files of dot products.
DOTS = {
    "avx512_bf16": r"\tvdpbf16ps ",
    "avx512_vnni": r"\tvpdpbusd ",
    "avx2_vnni": r"\tvpdpbusd |\t\{vex\} vpdpbusd ",
    "neon_bf16": r"\tbfdot\t",
    "neon_int8": r"\tsdot\t",
}


def functions(file, folder):
    """The instructions of each function of a file of kernels: address, text."""
    isa = file.partition("_")[0]
    machine = MACHINES[isa]
    for tool in machine[:2]:
        if not shutil.which(tool):
            pytest.skip(f"needs {tool}")
    if machine.compiler == "gcc" and not ISA_FLAGS.get(isa):
        pytest.skip(f"{isa} is not of this platform")
    source, target = f"src_c/kernels/{file}.c", folder / f"{file}.o"
    command = [machine.compiler, *flags_of(source), "-Isrc_c", "-c", source, "-o", target]
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


def check_tiles(file, name, multiply_add, folder):
    machine, code = MACHINES[file.partition("_")[0]], functions(file, folder)
    for function, accumulators in (
        (f"{name}_{machine.rows}_4", 4 * machine.rows),
        (f"{name}_beside_{machine.rows}_4", 4 * machine.rows),
        (f"{name}_row_np", 4 * machine.panels),
    ):
        body = inner_loop(code[function], multiply_add)
        steps, rest = divmod(
            sum(bool(re.search(multiply_add, line)) for line in body), accumulators
        )
        assert steps >= 1, function
        assert rest == 0, f"{function}: one for each accumulator and step of k\n{body}"
        spills = [line for line in body if re.search(machine.stack, line)]
        # A counter or a pointer may live there where gcc has more of them than registers: with
        # several panels, and where scales are needed behind the loop.
        if "row" in function or "beside" in function or file.endswith("vnni"):
            spills = [line for line in spills if re.search(machine.register, line)]
        assert not spills, f"{function}: {spills}"


@pytest.mark.parametrize("type_", ["f32", pytest.param("f64", marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    "isa", ["avx2", *(pytest.param(isa, marks=pytest.mark.slow) for isa in ("avx512", "neon"))]
)
def test_the_loop_of_the_tile_stays_in_registers(isa, type_, tmp_path):
    check_tiles(f"{isa}_{type_}", "tile", MACHINES[isa].multiply_add, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("file", DOTS)
def test_the_loop_of_dot_products_stays_in_registers(file, tmp_path):
    check_tiles(file, "dot", DOTS[file], tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("words", ["bfloat16", "float16"])
@pytest.mark.parametrize("isa", ["avx2", "avx512"])  # for aarch64 gcc loads words ahead and spills
def test_a_row_of_widened_words_stays_in_registers(isa, words, tmp_path):
    machine = MACHINES[isa]
    body = inner_loop(functions(f"{isa}_f32", tmp_path)[f"{words}_row_np"], machine.multiply_add)
    multiplied = sum(bool(re.search(machine.multiply_add, line)) for line in body)
    assert multiplied == 2 * 4 * machine.panels  # both steps of a word
    assert not [
        line
        for line in body
        if re.search(machine.stack, line) and re.search(machine.register, line)
    ]
