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

sys.path.insert(0, str(Path(__file__).parent / "src_c"))
import flags as core

# Free-threaded interpreters have no stable ABI; every other one from 3.11 on shares one binary.
ABI3 = not sysconfig.get_config_var("Py_GIL_DISABLED")
GLUE_FLAGS = ["-O2", "-g0", "-w", "-fvisibility=hidden"]  # -w: Cython's code, Cython's warnings


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
        compile_openmp, link_openmp = core.find_openmp(self.builds)
        variant = core.variant_flags()
        flags = [*compile_openmp, *variant]
        # One folder for all interpreters, and for the editable build too: the core knows no Python.
        folder = Path("build") / f"core-{core.PLATFORM}"
        words = [*self.compiler.compiler_so, *core.CORE_FLAGS, *flags]
        stamp = core.write_stamp(folder, words)
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            compile_one = partial(self.compile_core, folder, stamp, flags)
            ext.extra_objects = list(pool.map(compile_one, core.core_sources()))
        ext.extra_compile_args = [*GLUE_FLAGS, *flags]
        ext.extra_link_args = [*link_openmp, *variant]
        ext.depends = [
            str(stamp),
            *ext.extra_objects,
            *map(str, Path("lstmcore/_binding").glob("*.px[di]")),
        ]
        super().build_extension(ext)

    def compile_core(self, folder, stamp, flags, source):
        """Compile one C file of the core if what it depends on is newer; return the object."""
        target = folder / source.replace(".c", self.compiler.obj_extension)
        if self.force or not core.is_fresh(target, source, stamp):
            args = [*core.flags_of(source, self.builds), *flags]
            self.compiler.compile(
                [source], str(folder), include_dirs=["src_c"], extra_postargs=args
            )
        return str(target)

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


extension = Extension(
    "lstmcore._core",
    ["lstmcore/_binding/_core.pyx"],
    include_dirs=["src_c"],
    define_macros=[("Py_LIMITED_API", "0x030B0000")] if ABI3 else [],
    py_limited_api=ABI3,
)
setup(
    ext_modules=cythonize(
        [extension], build_dir="build", compiler_directives={"language_level": 3}
    ),
    cmdclass={"build_ext": BuildCore},
    options={"bdist_wheel": {"py_limited_api": "cp311"}} if ABI3 else {},
)
