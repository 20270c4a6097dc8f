"""The core's preconditions: a debug build checks them, the usual one does not pay for it."""

import shutil
import signal
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def broken_call(folder, *flags):
    """What becomes of a program that breaks a precondition."""
    if not shutil.which("gcc"):
        pytest.skip("needs gcc")
    files = sorted(str(p.relative_to(ROOT)) for p in (ROOT / "src_c").rglob("*.c"))
    target = folder / "broken"
    command = ["gcc", "-std=gnu11", "-O0", *flags, "-Isrc_c", "tests/core/broken_call.c", *files]
    subprocess.run([*command, "-lm", "-o", str(target)], cwd=ROOT, check=True)
    return subprocess.run([target], capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_a_debug_build_says_which_precondition_is_broken(tmp_path):
    done = broken_call(tmp_path, "-DLC_DEBUG")
    assert done.returncode == -signal.SIGABRT
    assert "core.c" in done.stderr
    assert "does not hold: lc_aligned(packed)" in done.stderr


@pytest.mark.slow
def test_the_usual_build_checks_nothing(tmp_path):
    done = broken_call(tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
