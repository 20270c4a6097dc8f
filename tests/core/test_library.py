"""liblstmcore: what it exports, and how C and CMake projects find it."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import lstmcore

ROOT = Path(__file__).resolve().parents[2]
HEADER = (ROOT / "src_c" / "lstmcore.h").read_text()
EMBED = str(ROOT / "examples" / "embed.c")
pytestmark = pytest.mark.timeout(600)  # the first of them may have to build the library
needs_elf = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads ELF files")

CMAKE_PROJECT = """cmake_minimum_required(VERSION 3.16)
project(embeds C)
find_package(lstmcore 9.9 CONFIG QUIET)
if(lstmcore_FOUND)
  message(FATAL_ERROR "a version that there is not was found")
endif()
find_package(lstmcore {version} CONFIG REQUIRED)
foreach(library lstmcore lstmcore_static)
  add_executable(${{library}}_embed {source})
  target_link_libraries(${{library}}_embed PRIVATE lstmcore::${{library}} m)
endforeach()
"""


def declared():
    """The functions that the header exports."""
    return set(re.findall(r"^LC_API [^;(]*?\b(lc_\w+)\(", HEADER, re.MULTILINE))


def test_every_function_of_the_header_is_exported():
    code = re.sub(r"/\*.*?\*/", "", HEADER, flags=re.DOTALL)
    functions = set(re.findall(r"^[^#\n]*?\b(lc_\w+)\([^*]", code, re.MULTILINE))
    assert functions - {"lc_gemm_fn"} == declared()
    assert len(declared()) > 30


@needs_elf
def test_exported_symbols_are_those_of_the_header(library):
    if not shutil.which("nm"):
        pytest.skip("needs nm")
    command = ["nm", "-D", "--defined-only", str(library.lib / "liblstmcore.so")]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    symbols = {line.split()[-1] for line in lines}
    assert {name for name in symbols if not name.startswith("__")} == declared()


def test_the_header_is_cpp_too(tmp_path):
    if not shutil.which("g++"):
        pytest.skip("needs g++")
    source = tmp_path / "header.cpp"
    source.write_text('#include "lstmcore.h"\nint main() { return lc_version() == nullptr; }\n')
    flags = ["-fsyntax-only", "-Wall", "-Wextra", "-Werror", f"-I{ROOT / 'src_c'}"]
    subprocess.run(["g++", *flags, str(source)], check=True)


def runs(*command, **environment):
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "loss 0." in done.stdout


@needs_elf
def test_pkg_config(library, tmp_path):
    if not shutil.which("pkg-config"):
        pytest.skip("needs pkg-config")
    path = {"PKG_CONFIG_PATH": str(library.lib / "pkgconfig"), "PATH": "/usr/bin:/bin"}

    def asked(*options):
        command = ["pkg-config", *options, "lstmcore"]
        return subprocess.run(
            command, env=path, capture_output=True, text=True, check=True
        ).stdout.split()

    assert asked("--modversion") == [lstmcore.__version__]
    program = str(tmp_path / "embed")
    flags = asked("--cflags", "--libs")
    subprocess.run(["gcc", "-std=gnu11", EMBED, *flags, "-lm", "-o", program], check=True)
    runs(program, LD_LIBRARY_PATH=str(library.lib))
    needed = subprocess.run([program], env={}, capture_output=True, text=True)
    major_minor = lstmcore.__version__.rpartition(".")[0]
    assert f"liblstmcore.so.{major_minor}:" in needed.stderr  # not found without the path
    static = [f for f in asked("--cflags", "--static", "--libs") if f != "-llstmcore"]
    archive = str(library.lib / "liblstmcore.a")
    subprocess.run(["gcc", "-std=gnu11", EMBED, archive, *static, "-o", program], check=True)
    runs(program)


@needs_elf
def test_cmake(library, tmp_path):
    if not shutil.which("cmake") or not (shutil.which("make") or shutil.which("ninja")):
        pytest.skip("needs cmake and make or ninja")
    project = CMAKE_PROJECT.format(version=lstmcore.__version__, source=EMBED)
    (tmp_path / "CMakeLists.txt").write_text(project)
    found = f"-DCMAKE_PREFIX_PATH={library.prefix}"
    quiet = {"check": True, "stdout": subprocess.DEVNULL}
    subprocess.run(["cmake", "-S", str(tmp_path), "-B", str(tmp_path / "made"), found], **quiet)
    subprocess.run(["cmake", "--build", str(tmp_path / "made")], **quiet)
    runs(str(tmp_path / "made" / "lstmcore_embed"))
    runs(str(tmp_path / "made" / "lstmcore_static_embed"))
