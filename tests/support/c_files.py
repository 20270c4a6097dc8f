"""Exported C files, compiled and called."""

import ctypes
import os
import platform
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import pytest

from lstmcore import _core

STRICT = ("-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror")
COMPILER = os.environ.get("CC", "cc").split()[0]
ISAS = {"plain": "base", "fma": "avx2"}

needs_compiler = pytest.mark.skipif(
    shutil.which(COMPILER) is None, reason=f"no C compiler {COMPILER!r} to compile exported files"
)


def needs(*tools):
    """Skip a test where one of these programs is not installed."""
    lacking = [tool for tool in tools if shutil.which(tool) is None]
    return pytest.mark.skipif(bool(lacking), reason=f"not installed: {', '.join(lacking)}")


def run(*command, cwd=None):
    """Run a program; its output is the error's if it fails."""
    done = subprocess.run([*map(str, command)], cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}"
    return done.stdout


def machine_flags(arithmetic):
    """The flags with which the machine's fmaf is one instruction; without it is slow, and right."""
    return ["-mfma"] if arithmetic == "fma" and "avx2" in _core.isas() else []


class CModel:
    """Calls of one model in a compiled library."""

    def __init__(self, library, name, model):
        model = getattr(model, "model_", model)  # of a forecaster, a classifier
        self.library, self.name, self.outputs = library, name, model.output_shape[-1]
        self.tokens = len(model.input_shape) == 2
        if hasattr(library, f"{name}_predict"):
            self._call("predict").restype = ctypes.c_size_t
        self.state = self.new_state()

    def new_state(self):
        """Memory for a state, with NaN wherever nobody wrote."""
        return np.full(1 << 20, np.nan, np.float32)

    def _call(self, function):
        return getattr(self.library, f"{self.name}_{function}")

    def reset(self, state=None):
        self._call("reset")(_at(self.state if state is None else state))

    def step(self, x, state=None):
        y = np.empty(self.outputs, np.float32)
        x = ctypes.c_int32(int(x)) if self.tokens else _at(_plain(x))
        self._call("step")(_at(self.state if state is None else state), x, _at(y))
        return y

    def steps(self, xs):
        """The outputs of all steps of a sequence, one call for each."""
        self.reset()
        return np.array([self.step(x) for x in xs])

    def feed(self, xs, rows):
        self.reset()
        y = np.full((rows, self.outputs), np.nan, np.float32)
        xs = np.ascontiguousarray(xs, np.int32 if self.tokens else np.float32)
        self._call("feed")(_at(self.state), _at(xs), ctypes.c_size_t(len(xs)), _at(y))
        return y

    def predict(self, xs, rows):
        y = np.empty((rows, self.outputs), np.float32)
        xs = np.ascontiguousarray(xs, np.int32 if self.tokens else np.float32)
        call = self._call("predict")
        written = call(_at(self.state), _at(xs), ctypes.c_size_t(len(xs)), _at(y))
        return y[:written]

    def selftest(self):
        return self._call("selftest")()


def _plain(x):
    return np.array(x, np.float32)


def _at(array):
    return array.ctypes.data_as(ctypes.c_void_p)


def compiled(models, folder, arithmetic="plain", flags=("-O0",), **options):
    """Export models by their names and compile them into one library; a dict of `CModel`."""
    sources, names = [], list(models)
    for name, model in models.items():
        source = Path(folder) / f"{name}.c"
        model.export(source, arithmetic=arithmetic, **options)
        sources.append(source)
    tests = [f"-D{name.upper()}_SELFTEST" for name in names]
    with tempfile.NamedTemporaryFile(dir=folder, suffix=".so", delete=False) as file:
        target = file.name
    command = [COMPILER, *STRICT, *flags, *machine_flags(arithmetic), *tests]
    run(*command, "-shared", "-fPIC", "-o", target, *sources, "-lm")
    library = ctypes.CDLL(target)
    return {name: CModel(library, name, model) for name, model in models.items()}


def bits(array):
    """The bits of float32 numbers."""
    return np.ascontiguousarray(array, np.float32).view(np.uint32)


def randomized(model, seed=0):
    """The model, with every weight moved: none is 0, variances stay positive."""
    draws = np.random.default_rng(seed)
    for weight in model.weights:
        move = 0.1 * draws.standard_normal(weight.shape).astype("f4")
        weight.assign(weight.value + (abs(move) if "variance" in weight.name else move))
    return model


class forced_isa:
    """The kernels of an instruction set in the block."""

    def __init__(self, name):
        self.name = name

    def __enter__(self):
        if self.name == "base" and platform.machine().lower() not in ("x86_64", "amd64"):
            pytest.skip("the baseline of this machine fuses products")
        self.before = _core.isa()
        _core.set_isa(self.name)

    def __exit__(self, *_):
        _core.set_isa(self.before)
