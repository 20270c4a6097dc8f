"""CMakeLists.txt: the core for C projects that use CMake, compiled as `make lib` does it."""

import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import lstmcore

ROOT = Path(__file__).resolve().parents[2]
PIPED = {"capture_output": True, "text": True}
PROGRAM = '#include "lstmcore.h"\nint main(void) { return lc_version() == 0; }\n'
PART_OF_A_PROJECT = """cmake_minimum_required(VERSION 3.16)
project(embeds C)
include(FetchContent)
FetchContent_Declare(lstmcore SOURCE_DIR {root})
FetchContent_MakeAvailable(lstmcore)
add_executable(shared program.c)
target_link_libraries(shared PRIVATE lstmcore::lstmcore)
add_executable(static program.c)
target_link_libraries(static PRIVATE lstmcore::lstmcore_static)
"""
INSTALLED = """cmake_minimum_required(VERSION 3.16)
project(embeds C)
find_package(lstmcore 9.9 CONFIG QUIET)
if(lstmcore_FOUND)
  message(FATAL_ERROR "a version that there is not was found")
endif()
find_package(lstmcore {version} CONFIG REQUIRED)
add_executable(shared program.c)
target_link_libraries(shared PRIVATE lstmcore::lstmcore)
add_executable(static program.c)
target_link_libraries(static PRIVATE lstmcore::lstmcore_static)
"""
needs_cmake = pytest.mark.skipif(
    not shutil.which("cmake") or not shutil.which("ninja"), reason="needs cmake and ninja"
)
pytestmark = [needs_cmake, pytest.mark.timeout(600)]


@pytest.fixture
def flags(monkeypatch):
    """The module by which `make lib` compiles."""
    monkeypatch.syspath_prepend(ROOT / "src_c")
    monkeypatch.chdir(ROOT)
    import flags

    return flags


def run(*command):
    done = subprocess.run([str(word) for word in command], **PIPED)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def configure(source, folder, *options):
    run("cmake", "-G", "Ninja", "-S", source, "-B", folder, *options)


def runs_both(folder):
    run("cmake", "--build", folder)
    for name in ("shared", "static"):
        run(folder / name)


def compiler_accepts(folder):
    """`builds` of flags.py, for the compiler that CMake takes."""

    def builds(program, compile_flags, link_flags):
        source = folder / "probe.c"
        source.write_text(program)
        command = ["cc", *compile_flags, source, "-o", folder / "probe", *link_flags]
        return subprocess.run(command, capture_output=True).returncode == 0

    return builds


def test_files_and_flags_are_those_of_make_lib(flags, tmp_path, monkeypatch):
    monkeypatch.setenv("CC", "cc")
    monkeypatch.delenv("CFLAGS", raising=False)
    configure(ROOT, tmp_path / "made", "-DCMAKE_EXPORT_COMPILE_COMMANDS=ON")
    entries = json.loads((tmp_path / "made" / "compile_commands.json").read_text())
    made = {
        Path(entry["file"]).relative_to(ROOT).as_posix(): set(shlex.split(entry["command"]))
        for entry in entries
    }
    assert sorted(made) == flags.core_sources()
    builds = compiler_accepts(tmp_path)
    openmp, _ = flags.find_openmp(builds)
    own = {"-g0", "-Wall", "-Wextra", "-Wcast-qual"}  # for those who work on the core
    for source, words in made.items():
        wanted = {*flags.flags_of(source, builds), *openmp, "-fPIC", "-DLC_SHARED"} - own
        words = {word for word in words if word.startswith(("-f", "-m", "-std", "-O", "-DLC"))}
        assert words == wanted, source


def test_openmp_that_there_is_not_is_an_error(tmp_path):
    compiler = tmp_path / "cc"
    compiler.write_text('#!/bin/sh\ncase "$*" in *openmp*) exit 1;; esac\nexec cc "$@"\n')
    compiler.chmod(0o755)
    options = [f"-DCMAKE_C_COMPILER={compiler}", "-DLSTMCORE_OPENMP=ON"]
    command = ["cmake", "-G", "Ninja", "-S", ROOT, "-B", tmp_path / "made", *options]
    done = subprocess.run(command, **PIPED)
    assert done.returncode
    assert "this compiler cannot build an OpenMP program" in done.stderr


@pytest.mark.slow
def test_as_part_of_a_project_and_installed(tmp_path):
    part, user = tmp_path / "part", tmp_path / "user"
    for folder, text in ((part, PART_OF_A_PROJECT), (user, INSTALLED)):
        folder.mkdir()
        (folder / "CMakeLists.txt").write_text(text.format(root=ROOT, version=lstmcore.__version__))
        (folder / "program.c").write_text(PROGRAM)
    configure(part, part / "made", "-DLSTMCORE_INSTALL=ON", "-DCMAKE_INSTALL_LIBDIR=lib")
    runs_both(part / "made")
    run("cmake", "--install", part / "made", "--prefix", tmp_path / "first")
    prefix = (tmp_path / "first").rename(tmp_path / "moved")
    assert not any(str(tmp_path) in f.read_text() for f in prefix.rglob("*.cmake"))
    configure(user, user / "made", f"-DCMAKE_PREFIX_PATH={prefix}")
    runs_both(user / "made")
    if shutil.which("pkg-config") and sys.platform.startswith("linux"):
        path = f"PKG_CONFIG_PATH={prefix / 'lib' / 'pkgconfig'}"
        words = run("env", path, "pkg-config", "--cflags", "--libs", "lstmcore").split()
        run("cc", user / "program.c", *words, "-o", user / "program")
        run("env", f"LD_LIBRARY_PATH={prefix / 'lib'}", user / "program")
        needed = run("readelf", "-d", user / "program")
        assert f"liblstmcore.so.{lstmcore.__version__.rpartition('.')[0]}]" in needed
