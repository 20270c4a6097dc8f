"""The binding: every wrong array is one clear error; nothing crashes, leaks or hangs."""

import os
import platform
import re
import subprocess
import sys
import threading

import numpy as np
import pytest
from helpers import lstm_backward, lstm_forward, lstm_pack, memory_counts

from lstmcore import _core

B, T, I, H = 3, 4, 5, 6
RNG = np.random.default_rng(0)


def weights(dtype=np.float32):
    return [RNG.standard_normal(s).astype(dtype) for s in ((I, 4 * H), (H, 4 * H), (4 * H,))]


W, R, BIAS = weights()
X = RNG.standard_normal((B, T, I)).astype(np.float32)


def trained(sequences=True):
    packed = lstm_pack(W, R, BIAS)
    return packed, lstm_forward(packed, X, sequences=sequences, training=True)


def backward(packed, tape, x=X, **changed):
    arrays = {
        "dkernel": np.zeros_like(W),
        "drecurrent": np.zeros_like(R),
        "dbias": np.zeros_like(BIAS),
    }
    return lstm_backward(packed, x, tape, **{**arrays, **changed})


def read_only(a):
    a = a.copy()
    a.flags.writeable = False
    return a


PACK = [
    ("kernel", (W[:, :-1].copy(), R, BIAS), "kernel: expected shape"),
    ("kernel", (W[0], R, BIAS), "kernel: expected 2 dimensions"),
    ("kernel", (np.asfortranarray(W), R, BIAS), "kernel: .*contiguous"),
    ("kernel", (W[:, ::-1], R, BIAS), "kernel: its last axis must be contiguous"),
    (
        "kernel",
        (W.astype(">f4"), R, BIAS),
        "kernel: expected float32 or float64 in native byte order",
    ),
    ("kernel", (W.astype(int), R, BIAS), "kernel: expected float32 or float64"),
    ("kernel", (W.astype(np.float16), R, BIAS), "kernel: expected float32 or float64"),
    ("kernel", (W.astype(complex), R, BIAS), "kernel: expected float32 or float64"),
    ("kernel", (W.tolist(), R, BIAS), "kernel: expected a NumPy array, got list"),
    ("kernel", (None, R, BIAS), "kernel: expected a NumPy array, got NoneType"),
    ("kernel", (W[:0], R, BIAS), "kernel, recurrent_kernel: expected no empty dimension"),
    ("recurrent", (W, R.astype(np.float64), BIAS), "recurrent_kernel: expected float32"),
    ("recurrent", (W, R[:, :-4].copy(), BIAS), "recurrent_kernel: expected shape"),
    ("bias", (W, R, BIAS[:-1]), "bias: expected shape"),
    ("bias", (W, R, BIAS[::2]), "bias: "),
]


@pytest.mark.parametrize(
    ("_", "arguments", "message"), PACK, ids=lambda v: v if isinstance(v, str) else ""
)
def test_pack_refuses(_, arguments, message):
    with pytest.raises((TypeError, ValueError), match=message):
        lstm_pack(*arguments)


FORWARD = [
    (X[0], "x: expected 3 dimensions"),
    (X[:, :, :-1], r"x: expected \(batch, steps, 5\), got \(3, 4, 4\)"),
    (X.astype(np.float64), "x: expected float32"),
    (X[:0], "x: expected no empty dimension"),
    (X[:, :0], "x: expected no empty dimension"),
    (np.asfortranarray(X), "x: its last axis must be contiguous"),
    (X[:, :, ::-1], "x: its last axis must be contiguous"),
    (
        np.frombuffer(b"\0" * (4 * X.size + 1), np.uint8)[1:].view(np.float32).reshape(X.shape),
        "x: .*aligned",
    ),
    (np.broadcast_to(X[:1, :1], (1 << 40, 1, I)), "too large"),
    (np.lib.stride_tricks.as_strided(X, (2, 2, I), (6, 4 * I, 4)), "x: its strides"),
]


@pytest.mark.parametrize(("x", "message"), FORWARD, ids=range(len(FORWARD)))
def test_forward_refuses(x, message):
    packed = lstm_pack(W, R, BIAS)
    for training in (False, True):
        with pytest.raises((TypeError, ValueError), match=message):
            lstm_forward(packed, x, sequences=True, training=training)


def test_more_memory_than_there_is():
    packed = lstm_pack(W, R, BIAS)
    vast = np.broadcast_to(X[:1, :1], (1 << 20, 1 << 30, I))
    for training in (False, True):
        with pytest.raises(MemoryError):
            lstm_forward(packed, vast, sequences=True, training=training)


def test_sizes_beyond_64_bits():
    packed = lstm_pack(np.zeros((1, 64), np.float32), np.zeros((16, 64), np.float32))
    vast = np.broadcast_to(np.float32(0), (1 << 30, 1 << 30, 1))
    for training in (False, True):
        with pytest.raises(ValueError, match="too large"):
            lstm_forward(packed, vast, sequences=True, training=training)


def test_forward_refuses_states_and_packed():
    packed = lstm_pack(W, R, BIAS)
    good, bad = np.zeros((B, H), np.float32), np.zeros((B, H + 1), np.float32)
    with pytest.raises(ValueError, match="h0: expected shape"):
        lstm_forward(packed, X, bad, good)
    with pytest.raises(ValueError, match="c0: expected shape"):
        lstm_forward(packed, X, good, bad)
    with pytest.raises(TypeError, match="c0: expected float32"):
        lstm_forward(packed, X, good, good.astype(float))
    with pytest.raises(TypeError):
        lstm_forward(None, X)
    with pytest.raises(ValueError, match="inference only"):
        lstm_forward(lstm_pack(W, R, backward=False), X, training=True)


def test_backward_refuses():
    packed, (y, h, _, tape) = trained()
    with pytest.raises(ValueError, match=r"x: expected \(3, 4, 5\) as in forward"):
        backward(packed, tape, x=X[:2])
    with pytest.raises(ValueError, match=r"dy: expected \(3, 4, 6\)"):
        backward(packed, tape, dy=y[:, 1:])
    with pytest.raises(ValueError, match="dh: expected shape"):
        backward(packed, tape, dh=h[1:])
    with pytest.raises(ValueError, match="gradient of kernel: expected shape"):
        backward(packed, tape, dkernel=np.zeros_like(R))
    with pytest.raises(ValueError, match="gradient of recurrent_kernel: the array is read-only"):
        backward(packed, tape, drecurrent=read_only(R))
    with pytest.raises(TypeError, match="gradient of kernel: expected an array"):
        backward(packed, tape, dkernel=None)
    with pytest.raises(ValueError, match="not the weights that made the tape"):
        backward(lstm_pack(*weights(np.float64)), tape)
    backward(packed, tape, dy=y)  # none of these consumed the tape
    with pytest.raises(ValueError, match="tape: it was consumed"):
        backward(packed, tape, dy=y)


def test_dense_refuses():
    x, k = X, np.zeros((I, 2), np.float32)
    dy = np.zeros((B, T, 2), np.float32)
    for call, message in [
        (lambda: _core.dense_forward(x[:, :, 1:], k), "kernel: expected shape"),
        (lambda: _core.dense_forward(x[:0], k), "x: expected no empty dimension"),
        (lambda: _core.dense_forward(x.tolist(), k), "x: expected a NumPy array"),
        (lambda: _core.dense_forward(x, k, np.zeros(3, np.float32)), "bias: expected shape"),
        (lambda: _core.dense_forward(x.astype(int), k), "x: expected float32"),
        (lambda: _core.dense_backward(x, k, dy[1:], dkernel=np.zeros_like(k)), "dy: expected"),
        (lambda: _core.dense_backward(x, k, dy, dkernel=read_only(k)), "dkernel: .*read-only"),
        (lambda: _core.dense_backward(x, k, dy, dkernel=k[:1]), "dkernel: expected shape"),
        (lambda: _core.dense_backward(x, k, dy, dkernel=None), "dkernel"),
    ]:
        with pytest.raises((TypeError, ValueError), match=message):
            call()


def test_settings_refuse():
    with pytest.raises(ValueError, match="isa: expected one of base"):
        _core.set_isa("mmx")
    before = _core.get_num_threads()
    wanted = r"set_num_threads: n: expected a whole number from 1 to 256, or None .*, got {}$"
    for n in (0, -1, 257, 10**30, "a", "2", 2.0, True, [2], float("nan")):
        with pytest.raises(ValueError, match=wanted.format(re.escape(repr(n)))):
            _core.set_num_threads(n)
    assert _core.get_num_threads() == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"activation": "tan"}, "activation: expected one of tanh, .*, got 'tan'"),
        ({"activation": ("tanh", 1, 2)}, r"expected a name or \('hard_sigmoid', slope, offset\)"),
        (
            {"recurrent_activation": ("hard_sigmoid", 0, 0.5)},
            "recurrent_activation: .* slope",
        ),
        ({"output_activation": ("hard_sigmoid", 1, 1e31)}, "output_activation: .* within 1e30"),
        ({"activation": ("hard_sigmoid", float("nan"), 1)}, "within 1e30"),
        ({"variant": "NOAF", "output_activation": "tanh"}, "expected None with NOAF, got 'tanh'"),
        ({"kind": "gru", "output_activation": "tanh"}, "only an LSTM has them, and this is 'gru'"),
    ],
    ids=str,
)
def test_cells_that_there_are_not(arguments, said):
    with pytest.raises(ValueError, match=said):
        _core.Cell(**arguments)


def test_odd_layouts_are_right():
    """Sliced, reversed and broadcast batches and times are read where they stand."""
    packed = lstm_pack(W, R, BIAS)
    for x in (X[:, ::-1], X[::-1], X[::2, 1:], np.broadcast_to(X[:1], (4, T, I)), X.swapaxes(0, 1)):
        view = lstm_forward(packed, x, sequences=True)[0]
        copy = lstm_forward(packed, x.copy(), sequences=True)[0]
        np.testing.assert_array_equal(view, copy)


def test_packed_memory_is_reused_only_where_it_fits():
    packed = lstm_pack(W, R, BIAS, backward=False)
    assert lstm_pack(W * 2, R, BIAS, backward=False, out=packed) is packed
    doubled = lstm_forward(lstm_pack(W * 2, R, BIAS), X)[0]
    np.testing.assert_array_equal(lstm_forward(packed, X)[0], doubled)
    lstm_pack(*weights(np.float64), out=packed)
    assert packed.dtype == "float64"
    assert packed.shape == (I, H)


def test_weights_packed_for_one_isa_stay_valid_for_it():
    packed, wanted = {}, {}
    for name in _core.isas():
        _core.set_isa(name)
        packed[name] = lstm_pack(W, R, BIAS)
        wanted[name] = lstm_forward(packed[name], X)[0]
    _core.set_isa(None)
    for name, p in packed.items():
        assert p.isa == name
        np.testing.assert_array_equal(lstm_forward(p, X)[0], wanted[name])


def test_output_outlives_its_tape():
    y = trained()[1][0]
    kept = y.copy()
    for _ in range(5):
        trained()
    np.testing.assert_array_equal(y, kept)


def test_many_threads_share_one_packed():
    packed = lstm_pack(W, R, BIAS)
    wanted = lstm_forward(packed, X, sequences=True)[0]
    wrong = []

    def work():
        for _ in range(200):
            if not np.array_equal(lstm_forward(packed, X, sequences=True)[0], wanted):
                wrong.append(1)

    threads = [threading.Thread(target=work) for _ in range(16)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


def test_a_report_is_of_one_call():
    """Threads that share packed weights do not mix what their calls did."""
    packed = lstm_pack(W, R, BIAS)
    assert packed.report() is None
    prepared = [_core.prepare_forward(packed, X[:, :steps]) for steps in (1, 3)]
    _core.run_forward(*prepared)
    assert packed.report()["steps"] == 3 * B
    steps = [1, 2, 3, 4]

    def work(t):
        for _ in range(100):
            lstm_forward(packed, X[:, :t])
            seen.add(packed.report()["steps"])

    seen = set()
    threads = [threading.Thread(target=work, args=(t,)) for t in steps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen <= {B * t for t in steps}
    lstm_forward(packed, X[:1])
    assert packed.report()["steps"] == T


def resident():
    with open("/proc/self/statm") as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGESIZE")


@memory_counts
@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="needs /proc")
def test_memory_is_flat():
    packed = lstm_pack(W, R, BIAS)
    for rounds in range(4):
        for _ in range(3000):
            tape = lstm_forward(packed, X, sequences=True, training=True)[3]
            backward(packed, tape)
        if rounds == 0:
            before = resident()
    assert resident() - before < 1 << 20


def test_trim_returns_memory():
    trained()
    assert _core.pooled_bytes() > 0
    _core.trim()
    assert _core.pooled_bytes() == 0


def run_python(code, **environment):
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_computes():
    code = """
import os, numpy as np, lstmcore
from lstmcore import _core
_core.set_num_threads(4)
rng = np.random.default_rng(0)
W, R = (rng.standard_normal(s).astype('f4') for s in ((64, 512), (128, 512)))
x = rng.standard_normal((64, 40, 64)).astype('f4')
packed = _core.pack(_core.Cell(), (W, R))
wanted = _core.forward(packed, x)[0]
pid = os.fork()
if pid == 0:
    same = np.array_equal(_core.forward(packed, x)[0], wanted)
    os._exit(0 if same and _core.get_num_threads() == 1 else 1)
assert os.waitpid(pid, 0)[1] == 0
"""
    done = run_python(code)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(platform.machine() != "x86_64", reason="reads what Linux says of an x86")
@pytest.mark.skipif(not os.path.exists("/proc/cpuinfo"), reason="needs /proc")
def test_instruction_sets_are_those_of_the_cpu():
    with open("/proc/cpuinfo") as f:
        has = set(next(line for line in f if line.startswith("flags")).split())
    assert ("avx2" in _core.isas()) == ({"avx2", "fma"} <= has)
    avx512 = {"avx512f", "avx512dq", "avx512bw", "avx512vl"}
    assert ("avx512" in _core.isas()) == ({"avx2", "fma"} | avx512 <= has)


def test_the_environment_chooses_isa_and_threads():
    code = (
        "import lstmcore; from lstmcore import _core; print(_core.isa(), _core.get_num_threads())"
    )
    for name in _core.isas():
        assert (
            run_python(code, LSTMCORE_ISA=name, LSTMCORE_NUM_THREADS="3").stdout.split()[0] == name
        )
    if _core.has_openmp:
        assert run_python(code, LSTMCORE_NUM_THREADS="3").stdout.split()[1] == "3"
    refused = run_python(code, LSTMCORE_ISA="mmx")
    assert refused.returncode != 0
    assert re.search(r"LSTMCORE_ISA: expected auto or one of base", refused.stderr)
    refused = run_python(code, LSTMCORE_DOT="amx")
    assert "LSTMCORE_DOT: expected auto, none, vector or tiles, got 'amx'" in refused.stderr


def test_blas_is_held_at_one_thread_and_gets_its_number_back():
    code = """
import ctypes, numpy as np
from lstmcore import _core
threads, seen = [7], []
Gemm = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 13)
gemm = Gemm(lambda *_: seen.append(threads[0]))
put = ctypes.CFUNCTYPE(None, ctypes.c_int)(lambda n: threads.__setitem__(0, n))
get = ctypes.CFUNCTYPE(ctypes.c_int)(lambda: threads[0])
address = lambda f: ctypes.cast(f, ctypes.c_void_p).value
new = ctypes.pythonapi.PyCapsule_New
new.restype, new.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
capsule = new(address(gemm), b"gemm", None)
_core.set_blas(capsule, capsule, address(put), address(get))
x, W = np.ones((1100, 260), "f4"), np.ones((260, 300), "f4")
_core.dense_backward(x, W, np.ones((1100, 300), "f4"), dkernel=np.zeros_like(W))
assert len(seen) == 5 and set(seen) == {1}, seen  # blocks of 256 rows
assert threads == [7]
"""
    done = run_python(code)
    assert done.returncode == 0, done.stderr
