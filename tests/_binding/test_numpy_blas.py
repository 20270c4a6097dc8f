"""NumPy's BLAS keeps to the library's number of threads, and gets its own number back."""

import os
import subprocess
import sys
import threading

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

import lstmcore
from lstmcore import initializers, layers
from lstmcore._binding import numpy_blas
from lstmcore.data import SeasonalCurve
from lstmcore.optimizers import SGD

NUMPYS = [
    i["filepath"] for i in threadpool_info() if "numpy" in i["filepath"].split(os.sep)[-2].lower()
]


def blas_threads():
    """How many threads NumPy's BLAS would use now."""
    return next(i["num_threads"] for i in threadpool_info() if i["filepath"] in NUMPYS)


@pytest.fixture(autouse=True)
def pool_of_four():
    with threadpool_limits(4, "blas"):
        if not NUMPYS or blas_threads() != 4:
            pytest.skip("NumPy's BLAS is no OpenBLAS of its own")
        yield
        assert blas_threads() == 4


@pytest.fixture
def seen(monkeypatch):
    """The numbers of threads at each call of NumPy's products and factorizations."""
    numbers = []

    def watch(owner, name):
        original = getattr(owner, name)

        def watched(*args, **kwargs):
            numbers.append(blas_threads())
            return original(*args, **kwargs)

        monkeypatch.setattr(owner, name, watched)

    for owner, name in [(np.linalg, "qr"), (np.linalg, "lstsq"), (np, "matmul"), (np, "dot")]:
        watch(owner, name)
    return numbers


@pytest.fixture
def team_of_three():
    before = lstmcore.get_num_threads()
    lstmcore.set_num_threads(3)
    yield
    lstmcore.set_num_threads(before)


def test_orthogonal_weights_are_made_on_one_thread(seen):
    initializers.Orthogonal(seed=1)((30, 120))
    layers.GRU(8)(np.zeros((1, 2, 3), "f4"))
    assert seen == [1, 1]


def test_orthogonal_weights_do_not_depend_on_the_pool():
    made = []
    for size in (1, 2, 4):
        with threadpool_limits(size, "blas"):
            made.append(initializers.Orthogonal(seed=1)((300, 1200), "float64").tobytes())
    assert made[0] == made[1] == made[2]


X = np.random.default_rng(0).standard_normal((2, 6, 4))
LAYERS = {
    "dot": lambda t: (layers.Dot(axes=2, dtype=t), [X, X]),
    "cell": lambda t: (layers.RNN(layers.GRUCell(4, reset_after=False, dtype=t), dtype=t), X),
}


@pytest.mark.skipif(not lstmcore._core.has_openmp, reason="one thread always")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", LAYERS)
def test_layers_multiply_on_as_many_threads_as_the_core(name, dtype, seen, team_of_three):
    layer, x = LAYERS[name](dtype)
    x = [part.astype(dtype) for part in x] if isinstance(x, list) else x.astype(dtype)
    layer(x)
    for limit, wanted in [(None, 3), (2, 2), (1, 1)]:
        seen.clear()
        with lstmcore.num_threads(limit or 9):
            y, back, _ = layer.run(x, True)
            back(np.ones_like(y))
        assert seen
        assert set(seen) == {wanted if dtype == "float32" else 1}


def test_the_rest_of_the_library_multiplies_on_one_thread(seen):
    SeasonalCurve.fit(np.arange(40.0), 4)
    model = lstmcore.Sequential([layers.Dense(3)])
    model.compile(SGD(0.1, clipnorm=1.0), "mse")
    model.train_on_batch(X[0], X[0, :, :3])
    lstmcore.regularizers.OrthogonalRegularizer().gradient(X[0])
    assert len(seen) >= 4
    assert set(seen) == {1}


def test_calls_that_overlap_give_the_number_back():
    """The pool is as small as the smallest wants it; the last to leave restores it."""
    with numpy_blas.held(3):
        assert blas_threads() == 3
        first = numpy_blas.held(1)
        first.__enter__()
        with numpy_blas.held(2):
            assert blas_threads() == 1
            first.__exit__(None, None, None)
            assert blas_threads() == 2
        assert blas_threads() == 3
        with pytest.raises(np.linalg.LinAlgError), numpy_blas.held():
            raise np.linalg.LinAlgError
        assert blas_threads() == 3
    with threadpool_limits(2, "blas"), numpy_blas.held(8):
        assert blas_threads() == 2  # never more than the user's own


def test_many_threads_leave_the_number_as_it_was():
    def work():
        for _ in range(200):
            numpy_blas.matmul(X, X.swapaxes(1, 2))
            initializers.Orthogonal()((4, 4))

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert blas_threads() == 4


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_forked_children_get_the_number_back():
    code = """
import os, numpy as np
from threadpoolctl import threadpool_info, threadpool_limits
from lstmcore import initializers
from lstmcore._binding import numpy_blas
threads = lambda: {i["num_threads"] for i in threadpool_info() if "numpy" in i["filepath"]}
with threadpool_limits(4, "blas"):
    with numpy_blas.held():
        child = os.fork()
        if not child:
            initializers.Orthogonal()((4, 4))
            os._exit(threads() != {4})
        assert os.waitpid(child, 0)[1] == 0
    assert threads() == {4}
"""
    run = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", code]
    done = subprocess.run(run, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
