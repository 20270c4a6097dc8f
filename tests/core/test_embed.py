"""C programs with the core alone, without Python, SciPy or OpenMP, by the compiler at hand."""

import platform
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from lstmcore import _core

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "src_c"))

from flags import AVX2, AVX512, DOT_FLAGS  # noqa: E402 - how setup.py compiles the core

CORE = sorted(f"src_c/{p.name}" for p in (ROOT / "src_c").glob("*.c"))
ISAS = {
    "x86_64": {"base": [], "avx2": AVX2, "avx512": AVX512},
    "aarch64": {"base": [], "neon": []},
}
PROGRAMS = (
    "examples/embed.c",
    "tests/core/isas_agree.c",
    "tests/core/core_calls.c",
    "tests/core/streams.c",
)
FLAGS = [
    "-std=gnu11",
    "-O1",
    "-fno-math-errno",
    "-ffp-contract=fast",
    "-Isrc_c",
    "-Wall",
    "-Werror",
]


def build(compiler, machine, folder, *programs, flags=(), base=()):
    """Compile every file of the core with its own flags and link each program with it.

    ``flags`` are for all files and the link, ``base`` for the baseline's kernels. A program is a
    source, or a source and flags of its own.
    """

    def compile_one(part):
        source, own = part
        target = str(folder / (Path(source).stem + "".join(own) + ".o"))
        command = [compiler, *FLAGS, *own, *flags, "-c", source, "-o", target]
        subprocess.run(command, cwd=ROOT, check=True)
        return target

    parts = [(source, []) for source in CORE]
    for isa, own in {**ISAS[machine], "base": base}.items():
        kernels = sorted(p.stem for p in (ROOT / "src_c" / "kernels").glob(f"{isa}_*.c"))
        parts += [(f"src_c/kernels/{k}.c", [*own, *DOT_FLAGS.get(k, [])]) for k in kernels]
    with ThreadPoolExecutor() as pool:
        core = list(pool.map(compile_one, parts))
    for program in programs:
        source, *own = [program] if isinstance(program, str) else program
        target = folder / (Path(source).stem + "".join(own))
        ways = flags or ["-static"]
        command = [compiler, compile_one((source, own)), *core, "-lm", *ways, "-o", target]
        subprocess.run(command, check=True)
        yield target


def output(*command, **environment):
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def reals(dtype, shape, salt):
    """The numbers that tests/core/streams.c makes."""
    i = np.arange(int(np.prod(shape)))
    return ((((i * 31 + salt * 17) % 67) - 33) / 64).astype(dtype).reshape(shape)


def drawn_in_python():
    """Tokens and last outputs of the same model, as tests/core/streams.c prints them."""
    tokens, vectors, lstm, gru = 11, 5, 9, 7
    options = [
        {},
        {"never": 3, "temperature": 0.7, "top_p": 0.9, "top_k": 6},
        {"temperature": 0},
    ]
    for dtype in ("float32", "float64"):
        parts = []
        cells = [_core.Cell("lstm", projection=lstm), _core.Cell("gru")]
        for cell, inputs, units, salt in zip(
            cells, (vectors, lstm), (12, gru), (2, 7), strict=True
        ):
            shapes = enumerate(cell.shapes(inputs, units))
            weights = tuple(reals(dtype, shape, salt + i) if shape else None for i, shape in shapes)
            parts.append((_core.pack(cell, weights), True))
        parts.append((reals(dtype, (gru, tokens), 12), reals(dtype, (tokens,), 13), "linear"))
        program, table = _core.Program(vectors, parts), reals(dtype, (tokens, vectors), 1)
        for how in options:
            y, drawn = reals(dtype, (tokens,), 14), np.empty(200, np.int64)
            uniforms = np.arange(200) * 389 % 1000 / 1000
            _core.sample(_core.Stream(program), table, y, uniforms, drawn, logits=True, **how)
            yield " ".join(map(str, drawn))
            yield y.tobytes().hex()


def complaints(program, **environment):
    """What a program says on stderr."""
    return subprocess.run([program], env=environment, capture_output=True, text=True).stderr


def check_programs(embed, agree, calls, streams):
    assert output(embed, LSTMCORE_ISA="base").startswith("base: loss 0.")
    assert "loss 0." in output(embed)
    said = f"lstmcore: LSTMCORE_ISA=mmx is not available here; {_core.isas()[-1]} is used\n"
    assert complaints(embed, LSTMCORE_ISA="mmx") == said
    assert output(agree) == "they agree\n"
    assert output(calls) == "all right\n"
    assert output(streams).endswith("all right\n")


@pytest.mark.timeout(600)  # it may have to build the library
def test_c_programs(library, tmp_path):
    """With the library, whose flags are those of the extension."""
    programs = [library.program(source, tmp_path) for source in PROGRAMS]
    check_programs(*programs)
    for wish, threads in {"abc": 3, "-3": 3, "0": 3, "3x": 3, "9" * 30: 256}.items():
        said = f"lstmcore: LSTMCORE_NUM_THREADS={wish} is no number from 1 to 256; "
        said = f"{said}{threads} threads are used\n" if _core.has_openmp else ""
        wishes = {"LSTMCORE_NUM_THREADS": wish, "OMP_NUM_THREADS": "3"}
        assert complaints(programs[0], **wishes) == said
    for wish in ("2 ", "", "256"):
        assert complaints(programs[0], LSTMCORE_NUM_THREADS=wish) == ""
    for isa in _core.isas():
        drawn, verdict = output(programs[-1], LSTMCORE_ISA=isa).rstrip().rsplit("\n", 1)
        assert verdict == "all right"
        _core.set_isa(isa)
        try:
            assert drawn == "\n".join(drawn_in_python())
        finally:
            _core.set_isa(None)


@pytest.mark.timeout(600)
def test_stream_example(library, tmp_path):
    written = output(library.program("examples/stream.c", tmp_path))
    assert len(written) == 61
    assert len(set(written)) > 10


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_c_programs_without_openmp(compiler, tmp_path):
    machine = platform.machine()
    if not shutil.which(compiler) or machine not in ISAS:
        pytest.skip(f"needs {compiler} on one of {', '.join(ISAS)}")
    check_programs(*build(compiler, machine, tmp_path, *PROGRAMS))


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_c_programs_under_sanitizers(tmp_path):
    machine = platform.machine()
    if not shutil.which("gcc") or machine not in ISAS:
        pytest.skip(f"needs gcc on one of {', '.join(ISAS)}")
    flags = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-Wno-error")
    for program in build("gcc", machine, tmp_path, *PROGRAMS, flags=flags):
        assert "wrong" not in output(program, ASAN_OPTIONS="detect_leaks=0")


@pytest.mark.slow
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
@pytest.mark.parametrize("width", [16, 32, 64])
def test_registers_of_any_width(width, tmp_path):
    """The vector extension's own text, what a new architecture begins with, against the others."""
    machine = platform.machine()
    if not shutil.which("gcc") or machine not in ISAS:
        pytest.skip(f"needs gcc on one of {', '.join(ISAS)}")
    (agree,) = build("gcc", machine, tmp_path, "tests/core/isas_agree.c", base=generic(width))
    assert output(agree) == "they agree\n"


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_compilers_agree(tmp_path):
    """What is fused with a sum is written in the kernels, so every compiler makes the same bits."""
    machine, found = platform.machine(), {}
    for compiler in ("gcc", "clang"):
        if not shutil.which(compiler) or machine not in ISAS:
            pytest.skip(f"needs gcc and clang on one of {', '.join(ISAS)}")
        folder = tmp_path / compiler
        folder.mkdir()
        (program,) = build(compiler, machine, folder, "tests/core/isas_agree.c", flags=["-O3"])
        found[compiler] = output(program, "--bits").splitlines()
    assert len(found["gcc"]) >= 70
    assert found["gcc"] == found["clang"]


def generic(width):
    """Flags by which the baseline has registers of so many bytes and no instruction set's text."""
    return ["-DLC_SIMD_GENERIC", f"-DVB={width}", "-Wno-psabi"]


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_aarch64(tmp_path):
    """NEON and its dot products, cross-compiled, emulated, where a machine has what that needs."""
    compiler = shutil.which("aarch64-linux-gnu-gcc")
    emulator = shutil.which("qemu-aarch64") or shutil.which("qemu-aarch64-static")
    if not compiler or not emulator:
        pytest.skip("needs aarch64-linux-gnu-gcc and qemu-aarch64")
    emulated = (emulator, "-cpu", "max")
    check = [("tests/core/check_kernels.c", f"-DREAL_F64={is64}") for is64 in (0, 1)]
    programs = build(compiler, "aarch64", tmp_path, *PROGRAMS, *check)
    embed, agree, calls, streams, floats, doubles = programs
    assert output(*emulated, embed).startswith("neon: loss 0.")
    assert output(*emulated, agree) == "they agree\n"
    assert output(*emulated, calls) == "all right\n"
    assert output(*emulated, streams).endswith("all right\n")
    assert output(*emulated, doubles).count(" 0 failures") == 2
    said = output(*emulated, floats)
    assert said.count(" 0 failures") == 2
    assert said.endswith("bfloat16 vector, int8 vector\n")
    (agree,) = build(compiler, "aarch64", tmp_path, "tests/core/isas_agree.c", base=generic(32))
    assert output(*emulated, agree) == "they agree\n"
