"""Proof that the tests can fail: plants one-line faults in copies of the C core, one at a time.

    python tests/core/faults.py [WORD]      (or `make faults`)

With a WORD only the faults whose text has it.

The faults are listed in ``planted.py``. Each is built and the tests of the core are run against it;
a fault that they let pass is an error, and so is one whose text no longer stands in the sources
exactly once.

There are as many copies as cores, up to four. A copy is built once; for a fault the compiler runs
again, by the commands that the build printed, on what changed. What all instruction sets share is
compiled for the baseline alone, and then the tests run on that; what is about dot products, for
AVX-512, where this CPU has it.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

from planted import CORE, FAULTS, Fault

from lstmcore import _core

ROOT = Path(__file__).resolve().parents[2]
COPIES = ROOT / "build" / "faults"
PARTS = ("setup.py", "pyproject.toml", "README.md", "LICENSE", "src_c", "lstmcore", "tests")
PARTS += ("examples",)
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
ISAS = {"base", "avx2", "avx512", "neon"}
UNITS = {"base": {"base_f32.c", "base_f64.c"}}
UNITS["avx512"] = {f"avx512_{name}.c" for name in ("f32", "bf16", "vnni", "amx")}
TIME_LIMIT = 240  # seconds, of a build or of a run of the tests


class BrokenError(Exception):
    """Something is wrong with the script or with the tree, not with the tests."""


class Copy:
    """A copy of the tree that is built and tested again and again."""

    def __init__(self, folder: Path):
        self.folder = folder
        folder.mkdir(parents=True)
        for part in PARTS:
            if (ROOT / part).is_dir():
                unwanted = shutil.ignore_patterns("*.so", "__pycache__")
                shutil.copytree(ROOT / part, folder / part, ignore=unwanted)
            else:
                shutil.copy2(ROOT / part, folder / part)
        status, output = self.run(sys.executable, "setup.py", "build_ext", "-i")
        if status != 0:
            raise BrokenError(f"{output}\nthe build failed")
        commands = [shlex.split(line) for line in output.splitlines() if " -o " in line]
        self.compile = {
            Path(words[words.index("-c") + 1]).name: [*words, "-g0"]
            for words in commands
            if "-c" in words and "src_c" in words[words.index("-c") + 1]
        }
        self.link = next(words for words in reversed(commands) if "-c" not in words)
        self.built = Path(self.link[self.link.index("-o") + 1])
        self.spoiled: set[str] = set()  # units whose objects have a fault that is gone

    def run(self, *command: str, isa: str = "base") -> tuple[int | None, str]:
        """Run a command in the copy: its status (None if it hung), its output."""
        env = {**os.environ, "LSTMCORE_DEBUG": "1", "LSTMCORE_ISA": isa}
        try:
            done = subprocess.run(
                command,
                cwd=self.folder,
                env=env,
                capture_output=True,
                text=True,
                timeout=TIME_LIMIT,
            )
        except subprocess.TimeoutExpired:
            return None, ""
        return done.returncode, done.stdout + done.stderr

    def rebuild(self, file: str, isa: str) -> None:
        """Compile what a changed file is a part of, and link."""
        units = {Path(file).name} if file.endswith(".c") else UNITS[isa]
        for command in (*[self.compile[u] for u in units | self.spoiled], self.link):
            status, output = self.run(*command)
            if status != 0:
                raise BrokenError(f"{output}\nthe build failed")
        self.spoiled = units
        shutil.copy2(self.folder / self.built, self.folder / "lstmcore" / self.built.name)

    def verdict(self, tests: tuple[str, ...], isa: str = "base") -> str | None:
        """How the tests went red, or None if they passed."""
        options = [
            "-x",
            "-q",
            "-p",
            "no:cacheprovider",
            "-k",
            " and ".join(f"not {other}" for other in ISAS - {isa}),
        ]
        files = [f"tests/core/{name}" for name in tests]
        status, output = self.run(sys.executable, "-m", "pytest", *options, *files, isa=isa)
        if status is None:
            return "the tests hang"
        if status < 0:
            return "the interpreter crashes"
        if status > 1:  # not red, but broken: no tests, a wrong option, ...
            raise BrokenError(f"{output}\npytest could not run the tests")
        failed = re.search(r"^(?:FAILED|ERROR) \S*::(\w+)", output, re.MULTILINE)
        if status == 1 and not failed:
            raise BrokenError(f"{output}\npytest failed, but no test did")
        return failed[1] if failed else None

    def survives(self, fault: Fault) -> bool:
        """Plant one fault, run the tests, say what came of it, and take it out again."""
        source, start = self.folder / "src_c" / fault.file, time.perf_counter()
        text = source.read_text()
        source.write_text(text.replace(fault.right, fault.wrong))
        try:
            self.rebuild(fault.file, fault.isa)
            red = self.verdict(fault.tests, fault.isa)
        finally:
            source.write_text(text)
        seconds, fate = time.perf_counter() - start, f"caught: {red}" if red else "SURVIVED"
        print(f"{seconds:4.0f} s  {fault.file:28} {fault.what:58} {fate}", flush=True)
        return red is None


def wanted_faults() -> list[Fault]:
    """The faults that the command line asks for; their texts stand in the sources once."""
    word = sys.argv[1] if len(sys.argv) > 1 else ""
    here = [fault for fault in FAULTS if fault.isa == "base" or fault.isa in _core.isas()]
    faults = [fault for fault in here if word in f"{fault.file} {fault.right} {fault.what}"]
    if not faults:
        sys.exit(f"no fault has the word {word!r}")
    counts = [((ROOT / "src_c" / f.file).read_text().count(f.right), f) for f in faults]
    wrong = [f"src_c/{f.file} has {n} times, not once: {f.right}" for n, f in counts if n != 1]
    if wrong:
        sys.exit("\n".join(wrong))
    return faults


def main() -> None:
    faults = wanted_faults()
    shutil.rmtree(COPIES, ignore_errors=True)
    idle: SimpleQueue[Copy] = SimpleQueue()

    def try_one(fault: Fault) -> bool:
        copy = idle.get()
        try:
            return copy.survives(fault)
        finally:
            idle.put(copy)

    with ThreadPoolExecutor(min(CORES, 4)) as pool:
        try:
            for copy in pool.map(Copy, [COPIES / str(i) for i in range(min(CORES, 4))]):
                idle.put(copy)
            copy = idle.get()
            red = copy.verdict(CORE)
            idle.put(copy)
            if red:
                sys.exit(f"red without any fault: {red}")
            survivors = sum(pool.map(try_one, faults))
        except BrokenError as error:
            sys.exit(str(error))
    print(f"{len(faults) - survivors} of {len(faults)} planted faults were caught")
    sys.exit(survivors > 0)


if __name__ == "__main__":
    main()
