"""The constants of src_c/tuning.h, measured again: each against values around it.

    python -m benchmarks.speed.constants [NAME ...] [--rounds 5]

For each value the library is built with ``-DNAME=value``, in a folder of its own, and a call that
depends on it is timed by ``constants.c``, the values in turns. A line says how long the call takes
with each value, relative to the value that stands in the file: below 1 is faster. The constants of
BLAS are measured by the products themselves: NumPy's BLAS on one thread against the own tile.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks.harness.machine import describe
from benchmarks.workers.common import time_calls
from lstmcore import _core

ROOT = Path(__file__).resolve().parents[2]
BUILT_FROM = ("setup.py", "README.md", "LICENSE", "pyproject.toml")
Times = dict[str, list[float]]  # of a shape


@dataclass
class Constant:
    call: str  # of constants.c
    threads: int  # 0: as many as the core wants to use
    values: tuple[str, ...]  # beside the one that stands


CONSTANTS = {
    "LC_KC": Constant("train", 1, ("64", "128", "192", "384", "512")),
    "LC_THREAD_FLOPS": Constant("rested", 0, ("5e5", "1e6", "2e6", "8e6", "1.6e7")),
    "LC_BARRIER_FLOPS": Constant("steps", 0, ("1e4", "3e4", "3e5", "1e6")),
    "LC_PACK_FLOPS": Constant("pack", 0, ("10", "20", "80", "160")),
    "LC_PACK_BOTH_FLOPS": Constant("pack_both", 0, ("20", "42", "170", "340")),
    "LC_ATTENTION_SCORES": Constant("attend", 1, ("4096", "8192", "32768", "65536")),
    "LC_SPINS": Constant("steps", 0, ("0", "200", "10000", "50000")),
}
BLAS = "LC_BLAS"  # the three of these


def standing(name: str) -> str:
    """The value in the file."""
    found = re.search(rf"#define {name} (\S+)", (ROOT / "src_c" / "tuning.h").read_text())
    assert found
    return found[1]


def build(folder: Path, name: str, value: str) -> Path:
    """The program of ``constants.c`` with the library of one value."""
    shutil.copytree(ROOT / "src_c", folder / "src_c")
    for file in BUILT_FROM:
        shutil.copy(ROOT / file, folder)
    env = {**os.environ, "CC": f"{os.environ.get('CC', 'cc')} -D{name}={value}"}
    command = [sys.executable, "src_c/build_lib.py", "--prefix", "out"]
    subprocess.run(command, cwd=folder, env=env, check=True)
    described = (folder / "out" / "lib" / "pkgconfig" / "lstmcore.pc").read_text()
    private = described.partition("Libs.private:")[2].split()
    program = folder / "constants"
    source = str(ROOT / "benchmarks" / "speed" / "constants.c")
    library = str(folder / "out" / "lib" / "liblstmcore.a")
    command = ["cc", "-std=gnu11", "-O2", f"-I{ROOT / 'src_c'}", source, library, *private, "-lm"]
    subprocess.run([*command, "-o", str(program)], check=True)
    return program


def time_values(name: str, rounds: int) -> dict[str, Times]:
    """Seconds of each value and shape, the values in turns."""
    constant = CONSTANTS[name]
    with tempfile.TemporaryDirectory() as scratch:
        values = (standing(name), *constant.values)
        programs = {value: build(Path(scratch) / value, name, value) for value in values}
        times: dict[str, Times] = {value: {} for value in values}
        for _ in range(rounds):
            for value, program in programs.items():
                command = [str(program), constant.call, str(constant.threads)]
                said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
                for line in said.splitlines():
                    shape, seconds = line.split()
                    times[value].setdefault(shape, []).append(float(seconds))
    return times


def measure(name: str, rounds: int) -> None:
    times, now = time_values(name, rounds), standing(name)
    print(f"\n{name}, which is {now}\n{'':22}{'us now':>10}", *(f"{v:>9}" for v in times))
    for shape, seconds in times[now].items():
        ratios = [
            median(a / b for a, b in zip(times[v][shape], seconds, strict=True)) for v in times
        ]
        print(f"{shape:22}{1e6 * median(seconds):10.1f}", *(f"{r:9.3f}" for r in ratios))


def measure_blas(rounds: int) -> None:
    """GFLOP/s of NumPy's BLAS, held to one thread, and of the tile on one."""
    from threadpoolctl import threadpool_limits

    print(f"\n{'rows, n, k':22}{'BLAS':>10}{'tile':>10}  GFLOP/s on one core")
    with threadpool_limits(1):
        for rows, n, k in [(m, s, s) for m in (256, 1024, 4096) for s in (128, 256, 512, 1024)]:
            x, kernel = np.ones((rows, k), np.float32), np.ones((k, n), np.float32)
            calls = {
                "BLAS": lambda x=x, kernel=kernel: x @ kernel,
                "tile": lambda x=x, kernel=kernel: _core.dense_forward(x, kernel, threads=1),
            }
            taken = {which: median(time_calls(call, 5 * rounds)) for which, call in calls.items()}
            speeds = (f"{2e-9 * rows * n * k / seconds:10.1f}" for seconds in taken.values())
            print(f"{f'{rows}, {n}, {k}':22}" + "".join(speeds))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    known = [*CONSTANTS, BLAS]
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(known)} (all)")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each value (5)")
    args = parser.parse_args()
    for name in args.names:
        if name not in known:
            parser.error(f"{name} is none of {', '.join(known)}")
    print(describe())
    for name in args.names or known:
        if name == BLAS:
            measure_blas(args.rounds)
        else:
            measure(name, args.rounds)


if __name__ == "__main__":
    main()
