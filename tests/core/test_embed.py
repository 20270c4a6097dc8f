"""C programs with the core alone, without Python, SciPy or OpenMP, by the compiler at hand."""

import platform
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CORE = sorted(f"src_c/{p.name}" for p in (ROOT / "src_c").glob("*.c"))
X86 = {
    "avx2": ["-mavx2", "-mfma"],
    "avx512": ["-mavx2", "-mfma", "-mavx512f", "-mavx512vl", "-mavx512dq", "-mavx512bw"],
}
ISAS = {"x86_64": {"base": [], **X86}, "aarch64": {"base": [], "neon": []}}
PROGRAMS = ("examples/embed.c", "tests/core/isas_agree.c", "tests/core/core_calls.c")
FLAGS = [
    "-std=gnu11",
    "-O1",
    "-fno-math-errno",
    "-ffp-contract=fast",
    "-Isrc_c",
    "-Wall",
    "-Werror",
]


def build(compiler, machine, folder, *programs):
    """Compile every file of the core with its own flags and link each program with it."""

    def compile_one(part):
        source, flags = part
        target = str(folder / (Path(source).stem + ".o"))
        command = [compiler, *FLAGS, *flags, "-c", source, "-o", target]
        subprocess.run(command, cwd=ROOT, check=True)
        return target

    parts = [(source, []) for source in CORE]
    for isa, flags in ISAS[machine].items():
        parts += [(f"src_c/kernels/{isa}_{type_}.c", flags) for type_ in ("f32", "f64")]
    with ThreadPoolExecutor() as pool:
        core = list(pool.map(compile_one, parts))
    for source in programs:
        target = folder / Path(source).stem
        command = [compiler, compile_one((source, [])), *core, "-lm", "-static", "-o", target]
        subprocess.run(command, check=True)
        yield target


def output(*command, **environment):
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("compiler", ["gcc", pytest.param("clang", marks=pytest.mark.slow)])
def test_c_programs(compiler, tmp_path):
    machine = platform.machine()
    if not shutil.which(compiler) or machine not in ISAS:
        pytest.skip(f"needs {compiler} on one of {', '.join(ISAS)}")
    embed, agree, calls = build(compiler, machine, tmp_path, *PROGRAMS)
    assert output(embed, LSTMCORE_ISA="base").startswith("base: loss 0.")
    assert "loss 0." in output(embed)
    assert output(agree) == "they agree\n"
    assert output(calls) == "all right\n"


def test_all_files_with_the_same_flags(tmp_path):
    """What examples/embed.c says of itself, without any flag for an instruction set."""
    if not shutil.which("gcc"):
        pytest.skip("needs gcc")
    files = sorted(str(p.relative_to(ROOT)) for p in (ROOT / "src_c").rglob("*.c"))
    target = tmp_path / "embed"
    command = ["gcc", *FLAGS, "examples/embed.c", *files, "-lm", "-o", str(target)]
    subprocess.run(command, cwd=ROOT, check=True)
    first = {"aarch64": "neon"}.get(platform.machine(), "base")
    assert output(target).startswith(f"{first}: loss 0.")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_aarch64(tmp_path):
    """NEON, built by a cross compiler and run under emulation where both are installed."""
    compiler, emulator = shutil.which("aarch64-linux-gnu-gcc"), shutil.which("qemu-aarch64")
    if not compiler or not emulator:
        pytest.skip("needs aarch64-linux-gnu-gcc and qemu-aarch64")
    embed, agree, calls = build(compiler, "aarch64", tmp_path, *PROGRAMS)
    assert output(emulator, embed).startswith("neon: loss 0.")
    assert output(emulator, agree) == "they agree\n"
    assert output(emulator, calls) == "all right\n"
