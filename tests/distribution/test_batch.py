"""The jobs of docs/batch.md, where their engines are installed: the bits of plain `predict`."""

import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import lstmcore
from lstmcore import Input, Sequential, layers

DOCUMENT = Path(__file__).parents[2] / "docs" / "batch.md"
JOBS = {"dask": "distributed", "spark": "pyspark", "ray": "ray"}
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def job(name):
    """Return the code of a job."""
    blocks = re.findall(r"```py\n(.*?)```", DOCUMENT.read_text(), re.S)
    return next(block for block in blocks if block.startswith(f"# {name}_job.py"))


@pytest.fixture
def files(tmp_path):
    """Write a model and rows; return what the model gives for them."""
    lstmcore.utils.set_random_seed(0)
    model = Sequential([Input((28, 1)), layers.LSTM(32), layers.Dense(10, "softmax")])
    model.save(tmp_path / "m.safetensors")
    rows = np.random.default_rng(0).standard_normal((5003, 28, 1)).astype(np.float32)
    np.save(tmp_path / "rows.npy", rows)
    return model.predict(rows, verbose=0)


def run(name, folder, code):
    if importlib.util.find_spec(JOBS[name]) is None or (
        name == "spark" and not shutil.which("java")
    ):
        pytest.skip(f"{name} is not installed")
    (folder / f"{name}_job.py").write_text(code)
    command = [sys.executable, f"{name}_job.py", "m.safetensors", "rows.npy", "out.npy"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return np.load(folder / "out.npy")


@pytest.mark.parametrize("name", JOBS)
def test_a_job_gives_the_bits_of_predict(tmp_path, files, name):
    np.testing.assert_array_equal(run(name, tmp_path, job(name)), files)


@pytest.mark.parametrize("name", JOBS)
def test_a_part_that_fails_is_tried_again(tmp_path, files, name):
    mark = tmp_path / "failed"
    fails = (
        f"    import os, pathlib\n    mark = pathlib.Path({str(mark)!r})\n"
        "    if not mark.exists():\n        mark.touch()\n        os._exit(1)\n"
    )
    code = job(name)
    where = {"dask": "def predict(rows, path):\n", "spark": "    def parts(frames):\n"}
    where["ray"] = "    def predict(self, rows):\n"
    indent = "" if name == "dask" else "    "
    fails = "".join(indent + line + "\n" for line in fails.splitlines())
    code = code.replace(where[name], where[name] + fails)
    assert mark.name in code
    np.testing.assert_array_equal(run(name, tmp_path, code), files)
    assert mark.exists()
