"""Builds ``lstmcore._core``: the C core, each file with its own flags, and the Cython glue.

All else about the package stands in pyproject.toml.  The environment chooses a variant:

    LSTMCORE_OPENMP=auto|0|1     threads if the compiler has OpenMP (auto), never (0), always (1)
    LSTMCORE_DEBUG=1             -O1 -g, assertions on, LC_DEBUG defined
    LSTMCORE_SANITIZE=address,undefined     the same, and gcc's or clang's sanitizers
"""

import os
import sys
import sysconfig
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.errors import CompileError, LinkError

PLATFORM = sysconfig.get_platform()
# Free-threaded interpreters have no stable ABI; every other one from 3.11 on shares one binary.
ABI3 = not sysconfig.get_config_var("Py_GIL_DISABLED")

CORE_FLAGS = ["-std=gnu11", "-O3", "-g0", "-fno-math-errno", "-fno-trapping-math"]
CORE_FLAGS += ["-ffp-contract=fast", "-fvisibility=hidden", "-Wall", "-Wextra"]
GLUE_FLAGS = ["-O2", "-g0", "-w", "-fvisibility=hidden"]  # -w: Cython's code, Cython's warnings

# Files of src_c/kernels by the first part of their name; only these may use more than the baseline.
AVX2 = ["-mavx2", "-mfma"]
AVX512 = [*AVX2, "-mavx512f", "-mavx512dq", "-mavx512bw", "-mavx512vl", "-mprefer-vector-width=512"]
if PLATFORM.endswith(("x86_64", "amd64")):
    ISA_FLAGS = {"base": [], "avx2": AVX2, "avx512": AVX512}
elif PLATFORM.endswith(("aarch64", "arm64")):
    ISA_FLAGS = {"base": [], "neon": []}
else:
    ISA_FLAGS = {"base": []}


def core_sources():
    """Every C file of the core that belongs to this platform."""
    common, kernels = Path("src_c").glob("*.c"), Path("src_c/kernels").glob("*.c")
    kernels = [f for f in kernels if isa_of(f) in ISA_FLAGS]
    return sorted(f.as_posix() for f in [*common, *kernels])


def isa_of(source):
    """The instruction set of a file of kernels, ``avx2`` of ``avx2_f32.c``; None for all others."""
    source = Path(source)
    return source.stem.split("_")[0] if source.parent.name == "kernels" else None


def core_headers():
    """Everything whose change rebuilds the core: headers, lists, this file."""
    files = [f for f in Path("src_c").rglob("*") if f.suffix in {".h", ".def"}]
    return ["setup.py", *sorted(f.as_posix() for f in files)]


def variant_flags():
    """Flags of a debug or sanitizer build: they go last, to every file and to the link."""
    sanitize = os.environ.get("LSTMCORE_SANITIZE", "")
    debug = os.environ.get("LSTMCORE_DEBUG", "0") not in ("", "0")
    flags = ["-O1", "-g", "-UNDEBUG", "-DLC_DEBUG"] if sanitize or debug else []
    if sanitize:
        flags += [f"-fsanitize={sanitize}", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"]
        flags += ["-Wno-maybe-uninitialized"]  # gcc sees ghosts in instrumented code
    return flags


OPENMP_PROBE = """#include <omp.h>
int main(void) { int n = 0;
#pragma omp parallel reduction(+:n)
n += omp_get_num_threads(); return n == 0; }
"""
OPENMP_FLAGS = [(["-fopenmp"], ["-fopenmp"])]  # to compile, to link
if sys.platform == "darwin":  # Apple's clang, with libomp installed beside it
    OPENMP_FLAGS.append((["-Xpreprocessor", "-fopenmp"], ["-lomp"]))


class BuildCore(build_ext):
    """``build_ext`` that first compiles the C core and then links it into the glue."""

    def build_extension(self, ext):
        if self.compiler.compiler_type == "msvc":
            raise SystemExit("lstmcore needs gcc or clang: its kernels use their vector types")
        if not self.builds("#include <Python.h>\nint main(void) { return 0; }\n", [], []):
            raise SystemExit(
                "lstmcore needs a C compiler and Python's C headers, and one of them is missing "
                "(Debian: apt install gcc python3-dev; Fedora: dnf install gcc python3-devel)"
            )
        compile_openmp, link_openmp = self.find_openmp()
        variant = variant_flags()
        flags = [*compile_openmp, *variant]
        # One folder for all interpreters, and for the editable build too: the core knows no Python.
        folder = Path("build") / f"core-{PLATFORM}"
        stamp = self.write_stamp(folder, [*self.compiler.compiler_so, *CORE_FLAGS, *flags])
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            compile_one = partial(self.compile_core, folder, stamp, flags)
            ext.extra_objects = list(pool.map(compile_one, core_sources()))
        ext.extra_compile_args = [*GLUE_FLAGS, *flags]
        ext.extra_link_args = [*link_openmp, *variant]
        ext.depends = [str(stamp), *ext.extra_objects, *map(str, Path("lstmcore").glob("*.px[di]"))]
        super().build_extension(ext)

    def compile_core(self, folder, stamp, flags, source):
        """Compile one C file of the core if what it depends on is newer; return the object."""
        target = folder / source.replace(".c", self.compiler.obj_extension)
        newest = max(os.path.getmtime(f) for f in [source, stamp, *core_headers()])
        if self.force or not target.exists() or target.stat().st_mtime <= newest:
            args = [*CORE_FLAGS, *ISA_FLAGS.get(isa_of(source), []), *flags]
            self.compiler.compile(
                [source], str(folder), include_dirs=["src_c"], extra_postargs=args
            )
        return str(target)

    @staticmethod
    def write_stamp(folder, words):
        """A file that changes when the compiler or its flags do, so that both rebuild the core."""
        stamp, text = folder / "flags.txt", " ".join(words)
        if not stamp.exists() or stamp.read_text() != text:
            folder.mkdir(parents=True, exist_ok=True)
            stamp.write_text(text)
        return stamp

    def find_openmp(self):
        """The compiler's and the linker's OpenMP flags, empty where there is or shall be none."""
        wanted = os.environ.get("LSTMCORE_OPENMP", "auto")
        if wanted not in ("auto", "0", "1"):
            raise SystemExit(f"LSTMCORE_OPENMP must be auto, 0 or 1, not {wanted!r}")
        for compile_flags, link_flags in OPENMP_FLAGS if wanted != "0" else []:
            if self.builds(OPENMP_PROBE, compile_flags, link_flags):
                return [*compile_flags, "-DLC_HAVE_OPENMP=1"], link_flags
        if wanted == "1":
            raise SystemExit("LSTMCORE_OPENMP=1, but this compiler cannot build an OpenMP program")
        if wanted == "auto":
            print("lstmcore: this compiler has no OpenMP: building for one thread", file=sys.stderr)
        return [], []

    def builds(self, program, compile_flags, link_flags):
        """Whether the real compiler compiles and links this program."""
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder) / "probe.c"
            source.write_text(program)
            try:
                objects = self.compiler.compile([str(source)], folder, extra_postargs=compile_flags)
                self.compiler.link_executable(
                    objects, str(source.with_suffix("")), extra_postargs=link_flags
                )
            except (CompileError, LinkError):
                return False
        return True


core = Extension(
    "lstmcore._core",
    ["lstmcore/_core.pyx"],
    include_dirs=["src_c"],
    define_macros=[("Py_LIMITED_API", "0x030B0000")] if ABI3 else [],
    py_limited_api=ABI3,
)
setup(
    ext_modules=cythonize([core], build_dir="build", compiler_directives={"language_level": 3}),
    cmdclass={"build_ext": BuildCore},
    options={"bdist_wheel": {"py_limited_api": "cp311"}} if ABI3 else {},
)
