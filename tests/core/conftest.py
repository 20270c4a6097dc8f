"""The C core as a library for C programs, built once for all tests that want it."""

import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COMPILER = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")


class Library:
    """What `make lib` leaves, elsewhere than it was built."""

    def __init__(self, prefix):
        self.prefix, self.lib, self.include = prefix, prefix / "lib", prefix / "include"
        text = (self.lib / "pkgconfig" / "lstmcore.pc").read_text()
        self.private = text.partition("Libs.private:")[2].split()

    def program(self, source, folder, *more):
        """Compile a program of the project and link it with the static library."""
        target = folder / Path(source).stem
        flags = ["-std=gnu11", "-O1", "-Wall", "-Wextra", "-Werror", f"-I{self.include}", *more]
        library = [str(self.lib / "liblstmcore.a"), *self.private]
        command = [*COMPILER, *flags, source, *library, "-lm", "-o", str(target)]
        subprocess.run(command, cwd=ROOT, check=True)
        return target


@pytest.fixture(scope="session")
def library(tmp_path_factory):
    if not shutil.which(COMPILER[0]):
        pytest.skip(f"needs {COMPILER[0]}")
    built = tmp_path_factory.mktemp("built") / "first"
    command = [sys.executable, "src_c/build_lib.py", "--prefix", str(built)]
    subprocess.run(command, cwd=ROOT, check=True)
    return Library(built.rename(built.with_name("moved")))
