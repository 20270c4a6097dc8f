"""The package as a whole: its version, the environment it leaves alone, flat memory."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import lstmcore
from lstmcore import _core

ROOT = Path(__file__).parents[2]


def test_the_header_has_the_version_of_the_package():
    header = (ROOT / "src_c" / "lstmcore.h").read_text()
    major, minor, patch = (int(n) for n in lstmcore.__version__.split("."))
    assert f'#define LC_VERSION_TEXT "{lstmcore.__version__}"\n' in header
    assert f"#define LC_VERSION {10000 * major + 100 * minor + patch} " in header


def test_what_git_ignores_is_not_in_the_repository():
    """For instance what an example has saved."""
    if not shutil.which("git") or not (ROOT / ".git").exists():
        pytest.skip("needs git and a clone")
    command = ["git", "ls-files", "--cached", "--ignored", "--exclude-standard"]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.split() == []


def test_environment_is_left_as_it_was():
    code = (
        "import os; before = dict(os.environ); import lstmcore; assert dict(os.environ) == before"
    )
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("OMP", "GOMP"))}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)


@pytest.mark.parametrize("batch", [1, 2, 32])
def test_inference_memory_does_not_grow_with_time(batch):
    """What a call takes from the pool is bounded: the same for 10 times as many steps."""
    rng = np.random.default_rng(0)
    weights = tuple(rng.standard_normal(s).astype("f4") for s in ((8, 256), (64, 256)))
    packed = _core.pack(_core.Cell(), weights)
    x = rng.standard_normal((batch, 200, 8)).astype("f4")
    taken = []
    for steps in (20_000, 2_000):
        _core.trim()
        long = np.lib.stride_tricks.as_strided(x, (batch, steps, 8), (x.strides[0], 0, 4))
        _core.forward(packed, long)
        taken.append(_core.pooled_bytes())
    _core.trim()
    assert taken[0] == taken[1]


def test_the_package():
    lines = []
    lstmcore.show_config(print_fn=lines.append)
    text = "\n".join(lines)
    for word in (
        lstmcore.__version__,
        "NumPy",
        "instruction set",
        "dot products",
        "threads",
        "BLAS",
    ):
        assert word in text
    assert lstmcore.get_num_threads() >= 1
    for name in lstmcore.__all__:
        assert getattr(lstmcore, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = lstmcore.nothing


def test_importing_the_package_is_cheap():
    program = (
        "import sys, lstmcore; "
        "print([m for m in ('scipy', 'safetensors', 'tqdm', 'matplotlib') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout.split() == [b"[]"]
