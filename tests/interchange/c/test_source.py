"""Exported files under compilers, sanitizers and machines: no warning, the same bits."""

import importlib.util
import re
import shlex
import shutil
import sys
from pathlib import Path

import pytest
from c_files import COMPILER, STRICT, needs, needs_compiler, randomized, run
from c_models import STEPS, WHOLE

KINDS = (
    "normed",
    "graph",
    "tokens",
    "gru_before",
    "variant_FGR",
    "classifier",
)
FLAGS = ("-O1",)
MAIN = """
#include "{name}.h"
#include <stdio.h>
int main(void) {{ int bad = {name}_selftest(); printf("%d\\n", bad); return bad != 0; }}
"""


def exported(folder, kinds=KINDS, **options):
    """Write files of some models, and a program for each that runs its self-test."""
    for kind in kinds:
        more = {"max_steps": 20} if kind in WHOLE and kind != "forecaster" else {}
        randomized((STEPS | WHOLE)[kind]()).export(folder / f"{kind}.c", **options, **more)
        (folder / f"{kind}_main.c").write_text(MAIN.format(name=kind))
    return kinds


def build_and_run(folder, kinds, compiler, flags, before=(), after=()):
    """Compile each self-test and run it."""
    for kind in kinds:
        test = f"-D{kind.upper()}_SELFTEST"
        files = (f"{kind}.c", f"{kind}_main.c")
        run(*compiler, *flags, test, *files, "-o", "m", *after, cwd=folder)
        assert run(*before, "./m", cwd=folder) == "0\n", kind


def undefined(folder, kind, compiler=(COMPILER,), tool=("nm",), flags=FLAGS):
    """The symbols that an object wants of others."""
    run(*compiler, *STRICT, *flags, "-c", f"{kind}.c", "-o", "m.o", cwd=folder)
    return set(run(*tool, "-u", "m.o", cwd=folder).replace("U ", "").split())


@needs_compiler
@needs("nm")
@pytest.mark.parametrize("arithmetic", ["plain", "fma"])
def test_no_foreign_symbols(arithmetic, tmp_path):
    allowed = {"memcpy", "memset", "memmove"} | ({"fmaf"} if arithmetic == "fma" else set())
    for kind in exported(tmp_path, ["graph"], arithmetic=arithmetic):
        assert undefined(tmp_path, kind) <= allowed, kind


@pytest.mark.parametrize("compiler", ["gcc", "clang", "musl-gcc"])
def test_strict_compilers(compiler, tmp_path):
    if shutil.which(compiler) is None:
        pytest.skip(f"not installed: {compiler}")
    build_and_run(tmp_path, exported(tmp_path, ["graph"]), [compiler], [*STRICT, "-O1"])


@needs("g++")
def test_as_cpp(tmp_path):
    (kind,) = exported(tmp_path, ["tokens"])
    run("cp", f"{kind}.c", f"{kind}.cpp", cwd=tmp_path)
    flags = ("-std=c++17", "-pedantic", "-Wall", "-Wextra", "-Werror", "-O1")
    test = f"-D{kind.upper()}_SELFTEST"
    run("g++", *flags, test, f"{kind}.cpp", "-x", "c++", f"{kind}_main.c", "-o", "m", cwd=tmp_path)
    assert run("./m", cwd=tmp_path) == "0\n"


@needs("gcc")
def test_contraction_is_off_without_the_flag(tmp_path):
    """gcc contracts in its own mode; the file tells it not to."""
    flags = ("-std=gnu11", "-O3", *(("-mfma",) if _runs_fma() else ()))
    build_and_run(tmp_path, exported(tmp_path, ["lstm"]), ["gcc"], flags)


def _runs_fma():
    from lstmcore import _core

    return "avx2" in _core.isas()


@needs_compiler
def test_fast_math_is_an_error(tmp_path):
    exported(tmp_path, ["lstm"])
    with pytest.raises(AssertionError, match="ffast-math breaks the rounding"):
        run(COMPILER, "-ffast-math", "-c", "lstm.c", cwd=tmp_path)


@needs_compiler
def test_two_files_as_one_unit(tmp_path):
    """All names have the model's prefix, so files can be included into one."""
    names = exported(tmp_path, ["lstm", "gru"])
    (tmp_path / "both.c").write_text("".join(f'#include "{name}.c"\n' for name in names))
    run(COMPILER, *STRICT, "-c", "both.c", cwd=tmp_path)


@needs_compiler
def test_section(tmp_path):
    exported(tmp_path, ["lstm"])
    section = '-DLSTM_SECTION=__attribute__((section(".flash_weights")))'
    run(COMPILER, section, "-c", "lstm.c", "-o", "m.o", cwd=tmp_path)
    if shutil.which("objdump"):
        assert ".flash_weights" in run("objdump", "-h", "m.o", cwd=tmp_path)


@pytest.mark.slow
@needs("clang")
def test_sanitizers(tmp_path):
    flags = ("-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
    for k, options in enumerate(({}, {"arithmetic": "fma"}, {"weights": "int8"})):
        folder = tmp_path / str(k)
        folder.mkdir()
        kinds = exported(folder, [*KINDS, "scaled", "average", "backwards"], **options)
        build_and_run(folder, kinds, ["clang"], [*STRICT, *flags], after=["-lm"])


@pytest.mark.slow
@pytest.mark.parametrize("arithmetic", ["plain", "fma"])
@pytest.mark.parametrize("machine", ["aarch64", "riscv64"])
def test_other_machines(machine, arithmetic, tmp_path):
    compiler, emulator = f"{machine}-linux-gnu-gcc", f"qemu-{machine}-static"
    for tool in (compiler, emulator):
        if shutil.which(tool) is None:
            pytest.skip(f"not installed: {tool}")
    kinds = exported(tmp_path, arithmetic=arithmetic)
    flags = [*STRICT, "-O3", "-static"]
    build_and_run(tmp_path, kinds, [compiler], flags, before=[emulator], after=["-lm"])


@pytest.mark.slow
@pytest.mark.timeout(900)  # zig builds its C library first
@needs("node")
@pytest.mark.skipif(importlib.util.find_spec("ziglang") is None, reason="ziglang is not installed")
def test_webassembly(tmp_path):
    zig = [sys.executable, "-m", "ziglang", "cc", "--target=wasm32-wasi"]
    (tmp_path / "run.mjs").write_text(
        "import { WASI } from 'node:wasi'; import fs from 'node:fs';\n"
        "const wasi = new WASI({ version: 'preview1' });\n"
        "const module = await WebAssembly.compile(fs.readFileSync('m'));\n"
        "wasi.start(await WebAssembly.instantiate(module, wasi.getImportObject()));\n"
    )
    for kind in exported(tmp_path):
        for flags in (["-O2"], ["-O3", "-msimd128"]):
            test = f"-D{kind.upper()}_SELFTEST"
            run(*zig, *STRICT, *flags, test, f"{kind}.c", f"{kind}_main.c", "-o", "m", cwd=tmp_path)
            assert run("node", "--no-warnings", "run.mjs", cwd=tmp_path) == "0\n"


@pytest.mark.slow
@needs("arm-none-eabi-gcc", "arm-none-eabi-nm", "arm-none-eabi-size")
def test_microcontroller(tmp_path):
    compiler, tool = ["arm-none-eabi-gcc", "-mcpu=cortex-m4", "-mthumb"], ["arm-none-eabi-nm"]
    flags = ("-O3", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16")
    for kind in exported(tmp_path):
        wanted = undefined(tmp_path, kind, compiler, tool, flags)
        if kind == "normed":  # a square root takes doubles, which the compiler has functions for
            wanted = {name for name in wanted if not name.startswith("__aeabi_d")} - {"__aeabi_f2d"}
        assert wanted <= {"memcpy", "memset", "memmove"}, kind
        sizes = run("arm-none-eabi-size", "m.o", cwd=tmp_path).splitlines()[1].split()
        assert sizes[1:3] == ["0", "0"]  # no variables: text alone


PAGE = Path(__file__).parents[3] / "docs/embedding.md"
SECTION = PAGE.read_text(encoding="utf-8").split("## One C file\n")[1].split("\n## ")[0]
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", SECTION, re.M | re.S)


def lacks(line):
    """True for a command whose program is not installed."""
    words = shlex.split(line)
    if "ziglang" in words:
        return importlib.util.find_spec("ziglang") is None
    return not words[0].startswith("./") and shutil.which(words[0]) is None


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """A folder with the files that the page's code writes, and those that its blocks are."""
    folder = tmp_path_factory.mktemp("page")
    python = "".join(block for language, block in BLOCKS if language == "python")
    run(sys.executable, "-c", python.replace("epochs=10", "epochs=1"), cwd=folder)
    for _, block in BLOCKS:
        named = re.match(r"(?:/\*|//) (\S+)", block)
        if named:
            (folder / named[1]).write_text(block)
    return folder


def shown(folder, wanted):
    """Run the page's commands for which `wanted` is true; what each of them prints."""
    lines = "".join(block for language, block in BLOCKS if language == "sh").splitlines()
    python = f'"{sys.executable}"'
    return {
        line.split()[0]: run("sh", "-c", re.sub("^python", python, line), cwd=folder)
        for line in filter(wanted, lines)
        if not lacks(line)
    }


@needs("cc")
def test_the_page_s_commands(page):
    found = shown(page, lambda line: line.startswith(("cc", "./", "echo", "arm")))
    assert len(found["./main"].split()) == 10


@pytest.mark.slow
@pytest.mark.timeout(900)
@needs("cc", "node")
@pytest.mark.skipif(importlib.util.find_spec("ziglang") is None, reason="ziglang is not installed")
def test_the_page_in_node(page):
    found = shown(page, lambda line: not line.startswith(("arm", "echo")) and "test" not in line)
    assert found["node"] == found["./main"]
