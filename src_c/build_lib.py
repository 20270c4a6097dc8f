"""Builds the C core as a library for C programs: ``make lib``.

    python src_c/build_lib.py [--prefix PREFIX]     from the project's folder; PREFIX: build

    PREFIX/include/lstmcore.h
    PREFIX/lib/liblstmcore.so, .so.0.1 (its SONAME), .so.0.1.0, liblstmcore.a
    PREFIX/lib/pkgconfig/lstmcore.pc                pkg-config --cflags --libs lstmcore
    PREFIX/lib/cmake/lstmcore/*.cmake               lstmcore::lstmcore, lstmcore::lstmcore_static

The tree may be moved: its files find each other.  CC, AR and the variants of ``setup.py`` are read
from the environment.
"""

import argparse
import fcntl
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import flags

HEADER = Path("src_c/lstmcore.h")
VERSION = re.search(r'LC_VERSION_TEXT "(.+)"', HEADER.read_text())[1]
ABI = VERSION.rpartition(".")[0]  # before 1.0 each minor version may have another
MAC = sys.platform == "darwin"
COMPILER = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")

PKG_CONFIG = Path("src_c/lstmcore.pc.in")  # CMake fills it in, too

CMAKE = """get_filename_component(_lstmcore_prefix "${{CMAKE_CURRENT_LIST_DIR}}/../../.." ABSOLUTE)
if(NOT TARGET lstmcore::lstmcore)
  add_library(lstmcore::lstmcore SHARED IMPORTED)
  set_target_properties(lstmcore::lstmcore PROPERTIES
    IMPORTED_LOCATION "${{_lstmcore_prefix}}/lib/{file}"
    IMPORTED_SONAME "{soname}"
    INTERFACE_INCLUDE_DIRECTORIES "${{_lstmcore_prefix}}/include")
  add_library(lstmcore::lstmcore_static STATIC IMPORTED)
  set_target_properties(lstmcore::lstmcore_static PROPERTIES
    IMPORTED_LOCATION "${{_lstmcore_prefix}}/lib/liblstmcore.a"
    INTERFACE_LINK_LIBRARIES "{private}"
    INTERFACE_INCLUDE_DIRECTORIES "${{_lstmcore_prefix}}/include")
endif()
unset(_lstmcore_prefix)
"""

CMAKE_VERSION = """set(PACKAGE_VERSION "{version}")
set(PACKAGE_VERSION_COMPATIBLE TRUE)
if(PACKAGE_FIND_VERSION AND PACKAGE_FIND_VERSION VERSION_LESS "{abi}")
  set(PACKAGE_VERSION_COMPATIBLE FALSE)
elseif(PACKAGE_FIND_VERSION VERSION_GREATER PACKAGE_VERSION)
  set(PACKAGE_VERSION_COMPATIBLE FALSE)
elseif(PACKAGE_FIND_VERSION VERSION_EQUAL PACKAGE_VERSION)
  set(PACKAGE_VERSION_EXACT TRUE)
endif()
"""


def run(*command):
    subprocess.run([str(word) for word in command], check=True)


def builds(program, compile_flags, link_flags):
    """Whether the compiler makes this program."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "probe.c"
        source.write_text(program)
        command = [*COMPILER, *compile_flags, str(source), "-o", f"{folder}/probe", *link_flags]
        return subprocess.run(command, capture_output=True).returncode == 0


def compile_core(folder, extra):
    """Compile what is not fresh, on all cores; return the objects."""
    stamp = flags.write_stamp(folder, [*COMPILER, *flags.CORE_FLAGS, *extra])

    def compile_one(source):
        target = folder / source.replace("/", "-").replace(".c", ".o")
        if not flags.is_fresh(target, source, stamp):
            own = [*flags.flags_of(source, builds), *extra]
            run(*COMPILER, *own, "-Isrc_c", "-c", source, "-o", target)
        return target

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(compile_one, flags.core_sources()))


def library_names():
    """The file of the shared library, and the names that lead to it: its SONAME, the linker's."""
    if MAC:
        return f"liblstmcore.{VERSION}.dylib", f"liblstmcore.{ABI}.dylib", "liblstmcore.dylib"
    return f"liblstmcore.so.{VERSION}", f"liblstmcore.so.{ABI}", "liblstmcore.so"


def link(lib, objects, link_flags):
    """Write both libraries, each whole at every moment."""
    file, soname, plain = library_names()
    name = ["-dynamiclib", f"-Wl,-install_name,@rpath/{soname}"]
    name = name if MAC else ["-shared", f"-Wl,-soname,{soname}"]
    run(*COMPILER, *name, *objects, *link_flags, "-o", lib / f"{file}.new")
    os.replace(lib / f"{file}.new", lib / file)
    for place, target in ((soname, file), (plain, soname)):
        (lib / place).unlink(missing_ok=True)
        (lib / place).symlink_to(target)
    fresh = lib / "liblstmcore.a.new"
    fresh.unlink(missing_ok=True)
    run(os.environ.get("AR", "ar"), "rcs", fresh, *objects)
    os.replace(fresh, lib / "liblstmcore.a")


def write_descriptions(lib, link_flags):
    """What pkg-config and CMake read."""
    file, soname, _ = library_names()
    (lib / "pkgconfig").mkdir(exist_ok=True)
    words = " ".join(link_flags)
    values = {"PREFIX": "${pcfiledir}/../..", "LIBDIR": "lib", "INCLUDEDIR": "include"}
    values |= {"PROJECT_VERSION": VERSION, "PRIVATE": words}
    text = re.sub("@([A-Z_]+)@", lambda name: values[name[1]], PKG_CONFIG.read_text())
    (lib / "pkgconfig" / "lstmcore.pc").write_text(text)
    cmake = lib / "cmake" / "lstmcore"
    cmake.mkdir(parents=True, exist_ok=True)
    text = CMAKE.format(file=file, soname=soname, private=";".join(link_flags))
    (cmake / "lstmcoreConfig.cmake").write_text(text)
    text = CMAKE_VERSION.format(version=VERSION, abi=ABI)
    (cmake / "lstmcoreConfigVersion.cmake").write_text(text)


def main():
    parser = argparse.ArgumentParser(description="Build liblstmcore.")
    parser.add_argument("--prefix", type=Path, default=Path("build"))
    prefix = parser.parse_args().prefix
    compile_openmp, link_openmp = flags.find_openmp(builds)
    variant = flags.variant_flags()
    folder = Path("build") / f"library-{flags.PLATFORM}"
    folder.mkdir(parents=True, exist_ok=True)
    (prefix / "lib").mkdir(parents=True, exist_ok=True)
    (prefix / "include").mkdir(exist_ok=True)
    with open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two builds at once take turns
        extra = ["-fPIC", "-DLC_SHARED", *compile_openmp, *variant]
        objects = compile_core(folder, extra)
        link_flags = [*link_openmp, *variant, "-lm"]
        link(prefix / "lib", objects, link_flags)
    write_descriptions(prefix / "lib", link_flags)
    shutil.copy(HEADER, prefix / "include")


if __name__ == "__main__":
    main()
