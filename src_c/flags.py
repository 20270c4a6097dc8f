"""How the C core is compiled: which files, each with which flags.

``setup.py`` builds the Python extension by it, ``build_lib.py`` the library for C programs.
"""

import os
import sys
import sysconfig
from pathlib import Path

PLATFORM = sysconfig.get_platform()

CORE_FLAGS = ["-std=gnu11", "-O3", "-g0", "-fno-math-errno", "-fno-trapping-math"]
CORE_FLAGS += ["-ffp-contract=fast", "-fvisibility=hidden", "-Wall", "-Wextra", "-Wcast-qual"]

# Files of src_c/kernels by the first part of their name; only these may use more than the baseline.
AVX2 = ["-mavx2", "-mfma", "-mf16c"]
AVX512 = [*AVX2, "-mavx512f", "-mavx512dq", "-mavx512bw", "-mavx512vl", "-mprefer-vector-width=512"]
if PLATFORM.endswith(("x86_64", "amd64")):
    ISA_FLAGS = {"base": [], "avx2": AVX2, "avx512": AVX512}
elif PLATFORM.endswith(("aarch64", "arm64")):
    ISA_FLAGS = {"base": [], "neon": []}
else:
    ISA_FLAGS = {"base": []}

# Of files of dot products, beside their instruction set's; a compiler that does not know them
# makes files without kernels.
DOT_FLAGS = {
    "avx512_bf16": ["-mavx512bf16"],
    "avx512_vnni": ["-mavx512vnni"],
    "avx512_amx": ["-mavx512bf16", "-mamx-tile", "-mamx-bf16", "-mamx-int8"],
    "avx2_vnni": ["-mavxvnni"],
    "neon_bf16": ["-march=armv8.2-a+bf16"],
    "neon_int8": ["-march=armv8.2-a+dotprod"],
}

OPENMP_PROBE = """#include <omp.h>
int main(void) { int n = 0;
#pragma omp parallel reduction(+:n)
n += omp_get_num_threads(); return n == 0; }
"""
OPENMP_FLAGS = [(["-fopenmp"], ["-fopenmp"])]  # to compile, to link
if sys.platform == "darwin":  # Apple's clang, with libomp installed beside it
    OPENMP_FLAGS.append((["-Xpreprocessor", "-fopenmp"], ["-lomp"]))


def core_sources():
    """Every C file of the core that belongs to this platform."""
    common, kernels = Path("src_c").glob("*.c"), Path("src_c/kernels").glob("*.c")
    kernels = [f for f in kernels if isa_of(f) in ISA_FLAGS]
    return sorted(f.as_posix() for f in [*common, *kernels])


def isa_of(source):
    """The instruction set of a file of kernels, ``avx2`` of ``avx2_f32.c``; None for all others."""
    source = Path(source)
    return source.stem.split("_")[0] if source.parent.name == "kernels" else None


def flags_of(source, builds=None):
    """The flags of one C file, before those of a variant.

    ``builds`` is as in `find_openmp`; without it the compiler is taken to know all flags.
    """
    dots = DOT_FLAGS.get(Path(source).stem, [])
    if dots and builds and not builds("int main(void) { return 0; }\n", dots, []):
        dots = []
    return [*CORE_FLAGS, *ISA_FLAGS.get(isa_of(source), []), *dots]


def core_headers():
    """Everything whose change rebuilds the core: headers, lists, the flags."""
    files = [f for f in Path("src_c").rglob("*") if f.suffix in {".h", ".def"}]
    return ["setup.py", "src_c/flags.py", *sorted(f.as_posix() for f in files)]


def is_fresh(target, source, *others):
    """Whether an object is newer than all that it is made of."""
    newest = max(os.path.getmtime(f) for f in [source, *others, *core_headers()])
    return target.exists() and target.stat().st_mtime > newest


def write_stamp(folder, words):
    """A file that changes when the compiler or its flags do, so that both rebuild the core."""
    stamp, text = folder / "flags.txt", " ".join(words)
    if not stamp.exists() or stamp.read_text() != text:
        folder.mkdir(parents=True, exist_ok=True)
        stamp.write_text(text)
    return stamp


def variant_flags():
    """Flags of a debug or sanitizer build: they go last, to every file and to the link."""
    sanitize = os.environ.get("LSTMCORE_SANITIZE", "")
    debug = os.environ.get("LSTMCORE_DEBUG", "0") not in ("", "0")
    # With -O1 alone gcc fuses no product with a sum, and bits differ from the usual build's.
    flags = ["-O1", "-fexpensive-optimizations", "-g", "-UNDEBUG", "-DLC_DEBUG"]
    flags = flags if sanitize or debug else []
    if sanitize:
        flags += [f"-fsanitize={sanitize}", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"]
        flags += ["-Wno-maybe-uninitialized"]  # gcc sees ghosts in instrumented code
    return flags


def find_openmp(builds):
    """The compiler's and the linker's OpenMP flags, empty where there is or shall be none.

    ``builds(program, compile_flags, link_flags)`` says whether the compiler makes a program.
    """
    wanted = os.environ.get("LSTMCORE_OPENMP", "auto")
    if wanted not in ("auto", "0", "1"):
        raise SystemExit(f"LSTMCORE_OPENMP must be auto, 0 or 1, not {wanted!r}")
    for compile_flags, link_flags in OPENMP_FLAGS if wanted != "0" else []:
        if builds(OPENMP_PROBE, compile_flags, link_flags):
            return [*compile_flags, "-DLC_HAVE_OPENMP=1"], link_flags
    if wanted == "1":
        raise SystemExit("LSTMCORE_OPENMP=1, but this compiler cannot build an OpenMP program")
    if wanted == "auto":
        print("lstmcore: this compiler has no OpenMP: building for one thread", file=sys.stderr)
    return [], []
