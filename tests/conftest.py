"""What all tests share: the instruction sets and number types to run on."""

import gc
import os

# NumPy's own BLAS spins against its siblings when the machine is busy: seconds become minutes.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pytest

from lstmcore import _core, num_threads
from lstmcore.config import policies
from lstmcore.config.settings import Settings

# What is collected stays: looking through it for garbage took a third of the collection's time.
gc.disable()


def pytest_collection_finish():
    """Garbage is collected again while the tests run."""
    gc.enable()


def pytest_report_header():
    """Say which binary is tested and on what, so that no run can pass for another."""
    threads = _core.get_num_threads()
    return f"lstmcore: {_core.__file__}, isas {' '.join(_core.isas())}, {threads} thread(s)"


@pytest.fixture(params=_core.isas())
def isa(request):
    """Run the test once for every instruction set this machine has, with that one forced."""
    before = _core.isa()
    _core.set_isa(request.param)
    yield request.param
    _core.set_isa(before)


@pytest.fixture
def widened():
    """No dot products: stored weights are widened, inputs are as they are."""
    _core.set_dot_product("none")
    yield
    _core.set_dot_product(None)


@pytest.fixture(params=["float32", "float64"])
def dtype(request):
    """Run the test once for every number type of the core."""
    return np.dtype(request.param)


@pytest.fixture
def fenced():
    """Every buffer of the test starts as NaN and has a fence that nobody may touch."""
    _core.guard(True)
    yield
    assert _core.guard(False) == 0, "something was written outside its buffer"


@pytest.fixture
def with_products(monkeypatch):
    """Policies of bfloat16 can be made, whatever this CPU has; nothing is computed with them."""
    monkeypatch.setattr(policies, "bfloat16_products", lambda: "of a test")


@pytest.fixture
def without_products(monkeypatch):
    """The CPU counts as one without dot products of bfloat16."""
    monkeypatch.setattr(policies, "bfloat16_products", lambda: None)
    monkeypatch.setattr(policies._core, "dot_products", lambda storage: ["none"])


@pytest.fixture
def default_settings(monkeypatch):
    """The test begins with the default settings of the process and leaves them."""
    monkeypatch.setattr(Settings, "floatx", "float32")
    monkeypatch.setattr(Settings, "policy", None)
    monkeypatch.setattr(Settings, "bars", True)


@pytest.fixture
def one_thread():
    """The core computes with one thread: small models are fastest so."""
    with num_threads(1):
        yield
