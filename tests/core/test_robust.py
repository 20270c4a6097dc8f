"""What must hold over a long life: many threads, many calls, forks, odd numbers, interruptions."""

import os
import pickle
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

import numpy as np
import pytest
from helpers import memory_counts

from lstmcore import Input, Sequential, _core
from lstmcore.callbacks import Callback
from lstmcore.layers import LSTM, Dense

needs_linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
# Forks of a process with threads are what is tested here; Python 3.12 warns of each.
forks = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
X = np.random.default_rng(5).standard_normal((96, 40, 16)).astype(np.float32)


def model(units=64, seed=0):
    """A model that is large enough for several threads, with weights of its own."""
    made = Sequential([Input((40, 16)), LSTM(units, return_sequences=True), LSTM(units), Dense(3)])
    rng = np.random.default_rng(seed)
    made.set_weights([rng.uniform(-0.2, 0.2, w.shape) for w in made.get_weights()])
    return made


@pytest.fixture
def team():
    """Set the number of threads; it comes back after the test."""
    before = _core.get_num_threads()
    yield _core.set_num_threads
    _core.set_num_threads(before)


def status(field):
    """A number out of /proc/self/status: threads, or kilobytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(field + ":")).split()[1])


def threads_now(at_most, seconds=5.0):
    """The threads of this process, when those that are about to end have had time to."""
    end = time.monotonic() + seconds
    while status("Threads") > at_most and time.monotonic() < end:
        time.sleep(0.01)
    return status("Threads")


def in_child(work, seconds=60):
    """Whether `work()` is true in a forked child, which may not hang."""
    pid = os.fork()
    if pid == 0:
        signal.alarm(seconds)  # kills it
        code = 1
        try:
            code = 0 if work() else 2
        finally:
            os._exit(code)
    return os.waitpid(pid, 0)[1] == 0


def alone(call):
    """What `call` returns on one thread."""
    before = _core.get_num_threads()
    _core.set_num_threads(1)
    try:
        return call()
    finally:
        _core.set_num_threads(before)


def everybody(count, work):
    """Run work(number) in `count` threads that begin together; the results in order."""
    start = threading.Barrier(count)

    def run(number):
        start.wait()
        return work(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


# ---- many threads -------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [8, pytest.param(64, marks=pytest.mark.slow)])
def test_threads_that_predict_at_once_get_what_one_alone_gets(team, count):
    m = model()
    sizes = [1 + 7 * n % 96 for n in range(count)]
    wanted = [alone(lambda n=n: m.predict(X[:n], verbose=0)) for n in sizes]
    team(4)
    got = everybody(count, lambda k: [m.predict(X[: sizes[k]], verbose=0) for _ in range(5)])
    for number in range(count):
        for y in got[number]:
            np.testing.assert_array_equal(y, wanted[number])


@pytest.mark.slow
def test_64_threads_get_as_much_done_as_one():
    m, calls = model(), 256

    def seconds(count):
        begin = time.perf_counter()
        everybody(count, lambda _: [m.predict(X, verbose=0) for _ in range(calls // count)])
        return time.perf_counter() - begin

    seconds(1), seconds(64)
    ratios = [seconds(64) / seconds(1) for _ in range(5)]
    assert median(ratios) < 1.05, ratios  # 0.05: the making of 64 threads, and noise


@needs_linux
def test_the_process_keeps_its_number_of_threads(team):
    m = model()
    team(4)
    x, kernel = np.ones((600, 300), np.float32), np.ones((300, 400), np.float32)
    for _ in range(300):  # an earlier stall may send calls alone for a while
        _core.dense_forward(x[:8], kernel, threads=4)
    m.predict(X, verbose=0)
    first = status("Threads")
    for size in (1, 3, 17, 96) * 5:
        m.predict(X[:size], verbose=0)
        for threads in (1, 2, 3, 4, 9, 0):
            _core.dense_forward(x[: size * 6], kernel, threads=threads)
        everybody(6, lambda _, size=size: m.predict(X[:size], verbose=0))
        assert threads_now(first) <= first
    for number in (2, 3, 1, 4, 2, 4):
        team(number)
        everybody(3, lambda _: m.predict(X, verbose=0))
        assert threads_now(first) <= first


# ---- many calls ---------------------------------------------------------------------------------


def resident_growth(calls):
    """Megabytes that `calls` predictions of one row add to the process."""
    m = model(8)
    rows = X[:1]
    for _ in range(2000):
        m.predict(rows, verbose=0)
    before = status("VmRSS")
    for _ in range(calls):
        m.predict(rows, verbose=0)
    return (status("VmRSS") - before) / 1024


@memory_counts
@needs_linux
def test_memory_stays_flat():
    assert resident_growth(20_000) < 0.5


@memory_counts
@needs_linux
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_memory_stays_flat_over_a_million_calls():
    assert resident_growth(1_000_000) < 1


# ---- forks --------------------------------------------------------------------------------------


@forks
@needs_fork
def test_a_child_computes_after_its_parent_did(team):
    m = model()
    team(4)
    wanted = m.predict(X, verbose=0)

    def work():
        one = _core.get_num_threads() == 1 and np.array_equal(m.predict(X, verbose=0), wanted)
        _core.set_num_threads(3)  # a team of its own
        return one and all(np.array_equal(m.predict(X, verbose=0), wanted) for _ in range(10))

    assert in_child(work)
    np.testing.assert_array_equal(m.predict(X, verbose=0), wanted)


@forks
@needs_fork
def test_children_of_a_process_whose_threads_compute(team):
    """The fork comes while other threads are inside the team; a child forks once more."""
    m = model()
    team(4)
    wanted = m.predict(X, verbose=0)
    ends = threading.Event()

    def busy():
        while not ends.is_set():
            np.testing.assert_array_equal(m.predict(X, verbose=0), wanted)

    def work():
        _core.set_num_threads(2)
        return np.array_equal(m.predict(X, verbose=0), wanted)

    with ThreadPoolExecutor(2) as pool:
        others = [pool.submit(busy) for _ in range(2)]
        try:
            assert all(in_child(work) for _ in range(10))
            assert in_child(lambda: work() and in_child(work))
        finally:
            ends.set()
        for other in others:
            other.result()


@forks
@needs_fork
def test_a_copy_in_a_child_trains_as_the_model_does():
    m = model(16)
    m.compile("adam", "mse")
    y = X[:, 0, :3]
    m.fit(X, y, epochs=1, verbose=0)
    packed = pickle.dumps(m)
    m.fit(X, y, epochs=1, shuffle=False, verbose=0)

    def work():
        copy = pickle.loads(packed)
        copy.fit(X, y, epochs=1, shuffle=False, verbose=0)
        pairs = zip(copy.get_weights(), m.get_weights(), strict=True)
        return all(np.array_equal(a, b) for a, b in pairs)

    assert in_child(work)
    assert all(everybody(4, lambda _: work()))


# ---- odd numbers --------------------------------------------------------------------------------


def spoiled(tiny):
    """A model and an input with `tiny` for every second number."""
    m, x = model(), X.copy()
    weights = m.get_weights()
    for array in (x, *weights):
        array.flat[::2] = tiny
    m.set_weights(weights)
    return m, x


def test_subnormal_numbers_give_the_same_on_any_number_of_threads(team):
    m, x = spoiled(1e-40)
    wanted = alone(lambda: m.predict(x, verbose=0))
    assert np.isfinite(wanted).all()
    for number in (2, 3, 4):
        team(number)
        np.testing.assert_array_equal(m.predict(x, verbose=0), wanted)
        assert np.float32(1e-40) * np.float32(0.5) != 0  # outside they are numbers as before


@pytest.mark.slow
def test_subnormal_numbers_cost_nothing():
    runs = [spoiled(1e-40), spoiled(0.01)]
    for m, _ in runs:
        m.compile("sgd", "mse")
    ratios = []
    for _ in range(40):
        times = []
        for m, x in runs:
            begin = time.perf_counter()
            m.predict(x, verbose=0)
            m.evaluate(x, x[:, 0, :3], verbose=0)
            times.append(time.perf_counter() - begin)
        ratios.append(times[0] / times[1])
    assert median(ratios) < 1.2, ratios


# ---- interruptions ------------------------------------------------------------------------------


class Interrupt(Callback):
    """Raises what it is told to after some batches, as Ctrl-C would."""

    def __init__(self, error, batches):
        super().__init__()
        self.error, self.left = error, batches

    def on_train_batch_end(self, batch, logs=None):
        self.left -= 1
        if not self.left:
            raise self.error


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
def test_a_fit_that_was_interrupted_leaves_everything_usable(team, error):
    team(2)
    m, y = model(), X[:, 0, :3]
    m.compile("adam", "mse")
    with pytest.raises(error):
        m.fit(X, y, batch_size=8, epochs=2, callbacks=[Interrupt(error, 5)], verbose=0)
    wanted = alone(lambda: m.predict(X, verbose=0))
    np.testing.assert_array_equal(m.predict(X, verbose=0), wanted)
    history = m.fit(X, y, batch_size=8, epochs=3, verbose=0).history["loss"]
    assert history[-1] < history[0]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # see below
@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs setitimer")
def test_signals_interrupt_calls(team):
    """Ctrl-C at any moment, also while the core computes."""
    team(4)
    m = model()
    wanted = m.predict(X, verbose=0)

    def until_interrupted(seconds):
        # again after a second: Python drops an exception that is raised while an object is freed
        signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)
        while True:
            m.predict(X, verbose=0)

    for microseconds in range(100, 8100, 400):
        before = signal.signal(signal.SIGALRM, signal.default_int_handler)
        try:
            with pytest.raises(KeyboardInterrupt):
                until_interrupted(microseconds * 1e-6)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
        np.testing.assert_array_equal(m.predict(X, verbose=0), wanted)


def test_refused_calls_leave_the_team_free(team):
    team(4)
    m = model()
    wanted = m.predict(X, verbose=0)

    def work(number):
        for _ in range(20):
            with pytest.raises(ValueError, match="expected an array of shape"):
                m.predict(X[:, :, : 1 + number], verbose=0)
            np.testing.assert_array_equal(m.predict(X, verbose=0), wanted)

    everybody(4, work)
