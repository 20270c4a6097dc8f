"""The C core against the NumPy reference: every ISA, both types, odd shapes, all gradients."""

import math

import numpy as np
import pytest
from helpers import lstm_backward, lstm_forward, lstm_pack

from lstmcore import _core, reference

pytestmark = pytest.mark.usefixtures("fenced")

# (T, B, I, H): one, small and odd, one over a register, one over a tile; one row and many steps
SHAPES = [
    (1, 1, 1, 1),
    (2, 3, 1, 2),
    (3, 2, 3, 5),
    (1, 7, 17, 9),
    (7, 5, 4, 17),
    (5, 1, 9, 33),
    (12, 1, 3, 70),
    (4, 33, 5, 20),
    (6, 16, 300, 70),
    (9, 3, 2, 130),
    (40, 1, 20, 140),
    (40, 67, 3, 37),
    (3, 9, 400, 70),
]
NAMES = ("x", "W", "R", "b", "h0", "c0")


def make(shape, dtype, seed=0, time_major=False):
    """Random arguments of a layer: x, W, R, b, h0, c0; states are not zero."""
    T, B, I, H = shape
    rng = np.random.default_rng([seed, T, B, I, H])
    sizes = [
        (T, B, I) if time_major else (B, T, I),
        (I, 4 * H),
        (H, 4 * H),
        (4 * H,),
        (B, H),
        (B, H),
    ]
    x, W, R, b, h0, c0 = (rng.standard_normal(s).astype(dtype) for s in sizes)
    if time_major:
        x = x.swapaxes(0, 1)
    return x, W / np.sqrt(I).astype(dtype), R / np.sqrt(H).astype(dtype), b, h0, c0


def tolerance(shape, dtype, backward=False):
    """The one rule: rounding of a sum of so many terms over so many steps, relative to the norm."""
    T, _, I, H = shape
    return 4 * (2 if backward else 1) * math.ceil(math.log2((I + H) * T + 1)) * np.finfo(dtype).eps


def close(got, want, tol):
    """The distance of two arrays is within tol of the norm of the wanted one."""
    got, want = np.asarray(got, np.float64), np.asarray(want, np.float64)
    assert got.shape == want.shape
    distance, norm = np.linalg.norm(got - want), np.linalg.norm(want)
    assert distance <= tol * norm + 1e-30, f"off by {distance / max(norm, 1e-300):.3g} of the norm"


def run(arguments, gradients, threads=0):
    """Forward and backward by the core: outputs and gradients in the order of NAMES."""
    x, W, R, b, h0, c0 = arguments
    packed = lstm_pack(W, R, b)
    y, h, c, tape = lstm_forward(packed, x, h0, c0, sequences=True, training=True, threads=threads)
    outputs = y.copy(), h, c
    dW, dR, db = np.zeros_like(W), np.zeros_like(R), np.zeros_like(b)
    dx, dh0, dc0 = lstm_backward(
        packed, x, tape, *gradients, dkernel=dW, drecurrent=dR, dbias=db, threads=threads
    )
    return outputs, (dx, dW, dR, db, dh0, dc0)


def output_gradients(shape, dtype):
    T, B, _, H = shape
    rng = np.random.default_rng(7)
    return [rng.standard_normal(s).astype(dtype) for s in ((B, T, H), (B, H), (B, H))]


@pytest.mark.parametrize("time_major", [False, True], ids=["batch-major", "time-major"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_forward(isa, dtype, shape, time_major):
    arguments = make(shape, dtype, time_major=time_major)
    x, W, R, b, h0, c0 = arguments
    wanted = reference.lstm(*[a.astype(np.float64) for a in arguments])
    packed = lstm_pack(W, R, b)
    tol = tolerance(shape, dtype)
    for training in (False, True):
        got = lstm_forward(packed, x, h0, c0, sequences=True, training=training)[:3]
        for a, w in zip(got, wanted, strict=True):
            close(a, w, tol)
    last, h, c, _ = lstm_forward(packed, x, h0, c0)
    assert last is h
    np.testing.assert_array_equal(h, got[1])
    np.testing.assert_array_equal(c, got[2])


@pytest.mark.parametrize("shape", SHAPES[:5], ids=str)
def test_no_bias_and_zero_states_are_the_defaults(isa, dtype, shape):
    x, W, R, b, h0, c0 = make(shape, dtype)
    some = lstm_forward(lstm_pack(W, R), x, sequences=True)[0]
    zeros = lstm_pack(W, R, np.zeros_like(b))
    full = lstm_forward(zeros, x, np.zeros_like(h0), np.zeros_like(c0), sequences=True)[0]
    np.testing.assert_array_equal(some, full)


@pytest.mark.parametrize("which", range(6), ids=NAMES)
@pytest.mark.parametrize("shape", SHAPES[:4], ids=str)
def test_gradient_of_every_element(isa, dtype, shape, which):
    arguments, gradients = make(shape, dtype), output_gradients(shape, dtype)
    dy, dh, dc = (g.astype(np.float64) for g in gradients)

    def loss(*args):
        y, h, c = reference.lstm(*args)
        return (y * dy).sum() + (h * dh).sum() + (c * dc).sum()

    _, got = run(arguments, gradients)
    wanted = reference.gradient(loss, [a.astype(np.float64) for a in arguments], which)
    close(got[which], wanted, tolerance(shape, dtype, backward=True))


@pytest.mark.parametrize("time_major", [False, True], ids=["batch-major", "time-major"])
@pytest.mark.parametrize("shape", SHAPES[4:], ids=str)
def test_gradient_along_a_direction(isa, dtype, shape, time_major):
    arguments = make(shape, dtype, time_major=time_major)
    gradients = output_gradients(shape, dtype)
    wide = [a.astype(np.float64) for a in arguments]
    dy, dh, dc = (g.astype(np.float64) for g in gradients)

    def loss(*args):
        y, h, c = reference.lstm(*args)
        return (y * dy).sum() + (h * dh).sum() + (c * dc).sum()

    _, got = run(arguments, gradients)
    rng = np.random.default_rng(1)
    for which, gradient in enumerate(got):
        direction = rng.standard_normal(gradient.shape)
        along = [direction if i == which else None for i in range(6)]
        wanted = reference.complex_step(loss, wide, along)
        scale = np.linalg.norm(gradient) * np.linalg.norm(direction)
        error = abs(float((gradient.astype(np.float64) * direction).sum()) - wanted)
        assert error <= tolerance(shape, dtype, backward=True) * scale, NAMES[which]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_each_output_gradient_alone(isa, dtype, shape):
    """The three gradients that come in add up, and a missing one is a zero."""
    arguments, gradients = make(shape, dtype), output_gradients(shape, dtype)
    _, together = run(arguments, gradients)
    alone = [
        run(arguments, [g if j == i else None for j, g in enumerate(gradients)])[1]
        for i in range(3)
    ]
    for i, whole in enumerate(together):
        parts = sum(a[i].astype(np.float64) for a in alone)
        scale = sum(np.linalg.norm(a[i]) for a in alone) / max(np.linalg.norm(whole), 1e-30)
        close(whole, parts, tolerance(shape, dtype, backward=True) * max(scale, 1))


def test_last_output_only(isa, dtype):
    """Without sequences, dy is the gradient of the last output; it adds to dh."""
    shape = (4, 3, 5, 17)
    x, W, R, b, h0, c0 = make(shape, dtype)
    _, dh, dc = output_gradients(shape, dtype)
    packed = lstm_pack(W, R, b)
    results = []
    for dy, states in ((dh, (None, dc)), (None, (dh, dc)), (dh / 2, (dh / 2, dc))):
        tape = lstm_forward(packed, x, h0, c0, training=True)[3]
        dW, dR, db = np.zeros_like(W), np.zeros_like(R), np.zeros_like(b)
        rest = lstm_backward(packed, x, tape, dy, *states, dkernel=dW, drecurrent=dR, dbias=db)
        results.append((dW, dR, db, *rest))
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(a, b)


def test_weight_gradients_are_added(isa, dtype):
    shape = (3, 4, 5, 18)
    arguments, gradients = make(shape, dtype), output_gradients(shape, dtype)
    x, W, R, b, h0, c0 = arguments
    _, (_, dW, dR, db, *_) = run(arguments, gradients)
    packed = lstm_pack(W, R, b)
    tape = lstm_forward(packed, x, h0, c0, sequences=True, training=True)[3]
    into = [np.full_like(W, 3), np.full_like(R, 3), np.full_like(b, 3)]
    names = ("dkernel", "drecurrent", "dbias")
    lstm_backward(packed, x, tape, *gradients, **dict(zip(names, into, strict=True)))
    for got, wanted in zip(into, (dW, dR, db), strict=True):
        close(got, wanted.astype(np.float64) + 3, tolerance(shape, dtype, backward=True))


@pytest.mark.parametrize(
    "shape", [(6, 8, 40, 150), (9, 1, 30, 260), (30, 2, 7, 140), (40, 67, 3, 37)], ids=str
)
def test_threads_do_not_change_a_bit(isa, dtype, shape):
    """1, 2, 3 and 4 threads give one result; so do fewer than were asked for."""
    before = _core.get_num_threads()
    _core.set_num_threads(4)
    try:
        arguments, gradients = make(shape, dtype), output_gradients(shape, dtype)
        x, W, R, b, h0, c0 = arguments
        first, packed = None, lstm_pack(W, R, b)
        for threads in (1, 2, 3, 4):
            outputs, grads = run(arguments, gradients, threads)
            inference = lstm_forward(packed, x, h0, c0, sequences=True, threads=threads)[:3]
            everything = (*outputs, *grads, *inference)
            first = first or everything
            for a, b in zip(first, everything, strict=True):
                np.testing.assert_array_equal(a, b)
    finally:
        _core.set_num_threads(before)


@pytest.mark.parametrize("shape", [(13, 1, 5, 33), (8, 5, 70, 20)], ids=str)
def test_cutting_time_or_batch_does_not_change_a_bit(isa, dtype, shape):
    """A stream equals the offline run, and a row equals the row alone."""
    x, W, R, b, h0, c0 = make(shape, dtype)
    packed = lstm_pack(W, R, b)
    whole, h_end, c_end, _ = lstm_forward(packed, x, h0, c0, sequences=True)
    for cut in (1, 3, shape[0] - 1):
        h, c, pieces = h0, c0, []
        for t in range(0, shape[0], cut):
            piece = x[:, t : t + cut]
            y, h, c, _ = lstm_forward(packed, piece, h, c, sequences=True)
            pieces.append(y)
        np.testing.assert_array_equal(np.concatenate(pieces, axis=1), whole)
        np.testing.assert_array_equal(h, h_end)
        np.testing.assert_array_equal(c, c_end)
    for row in range(shape[1]):
        alone = lstm_forward(
            packed, x[row : row + 1], h0[row : row + 1], c0[row : row + 1], sequences=True
        )[0]
        np.testing.assert_array_equal(alone[0], whole[row])


def test_extreme_sums(isa, dtype):
    """Saturated gates are 0 or 1, huge inputs do not overflow, NaN stays NaN in its row."""
    W, R = np.ones((1, 4), dtype), np.zeros((1, 4), dtype)
    packed = lstm_pack(W, R)
    x = np.array([1e30, -1e30, 50, -50, 0, np.nan, np.inf, -np.inf], dtype).reshape(-1, 1, 1)
    with np.errstate(all="ignore"):
        h = lstm_forward(packed, x)[1]
        wanted = reference.lstm(x.astype(float), W, R, np.zeros(4), *np.zeros((2, 8, 1)))[1]
    np.testing.assert_allclose(h, wanted, atol=4 * np.finfo(dtype).eps)
    assert np.isnan(h[5, 0])


def test_small_inputs_keep_their_digits(isa, dtype):
    """tanh of a tiny number is that number: relative, not only absolute accuracy."""
    W, R = np.zeros((1, 4), dtype), np.zeros((1, 4), dtype)
    W[0, 2] = 1
    bias = np.array([40, -40, 0, 40], dtype)  # i = o = 1, f = 0
    x = (10.0 ** -np.arange(1, 30, 4)).astype(dtype).reshape(-1, 1, 1)
    h = lstm_forward(lstm_pack(W, R, bias), x)[1]
    np.testing.assert_allclose(h, np.tanh(np.tanh(x[:, 0])), rtol=8 * np.finfo(dtype).eps)


def test_denormals_are_flushed_inside_and_kept_outside(isa):
    tiny = np.full((4, 20, 3), 1e-41, np.float32)
    lstm_forward(lstm_pack(*make((20, 4, 3, 8), np.float32)[1:4]), tiny)
    assert np.float32(1e-41) * np.float32(1) > 0


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize("units", [1, 3, 16, 64, 65, 200])
@pytest.mark.parametrize("inputs", [1, 5, 150])
def test_dense(isa, dtype, inputs, units, swapped):
    rng = np.random.default_rng(inputs * units)
    x = rng.standard_normal((13, 31, inputs)).astype(dtype)
    if swapped:
        x = np.ascontiguousarray(x.swapaxes(0, 1)).swapaxes(0, 1)
    W = rng.standard_normal((inputs, units)).astype(dtype)
    b = rng.standard_normal(units).astype(dtype)
    dy = rng.standard_normal((13, 31, units)).astype(dtype)
    tol = 4 * math.ceil(math.log2(403 + inputs + units)) * np.finfo(dtype).eps
    X, DY = (a.astype(np.float64).reshape(403, -1) for a in (x, dy))
    close(_core.dense_forward(x, W, b).reshape(403, units), X @ W + b, tol)
    dW, db = np.ones_like(W), np.ones_like(b)
    dx = _core.dense_backward(x, W, dy, dkernel=dW, dbias=db)
    close(dx.reshape(403, inputs), DY @ W.T.astype(np.float64), tol)
    close(dW, X.T @ DY + 1, tol)
    close(db, DY.sum(axis=0) + 1, tol)
    one = np.stack([_core.dense_forward(row, W, b) for row in x])
    np.testing.assert_array_equal(one, _core.dense_forward(x, W, b))


def test_dense_rows_of_each_thread(isa, dtype):
    """More threads than cores: then no stall of the machine sends the call to one thread."""
    rng = np.random.default_rng(0)
    x, W = (rng.standard_normal(s).astype(dtype) for s in ((403, 150), (150, 65)))
    before = _core.get_num_threads()
    _core.set_num_threads(before + 2)
    try:
        together = _core.dense_forward(x, W, threads=before + 2)
    finally:
        _core.set_num_threads(before)
    tol = 4 * math.ceil(math.log2(150)) * np.finfo(dtype).eps
    close(together, x.astype(np.float64) @ W.astype(np.float64), tol)
    np.testing.assert_array_equal(together, _core.dense_forward(x, W, threads=1))


def test_dense_by_blas(dtype):
    """Large gradients go through SciPy's BLAS; the number of threads does not change a bit."""
    rng = np.random.default_rng(0)
    x, W, dy = (
        rng.standard_normal(s).astype(dtype) for s in ((1100, 260), (260, 300), (1100, 300))
    )
    results = []
    for threads in (1, 2, 4):
        dW = np.zeros_like(W)
        dx = _core.dense_backward(x, W, dy, dkernel=dW, threads=threads)
        results.append((dx, dW))
    assert _core.blas_loaded()
    tol = 4 * math.ceil(math.log2(1100)) * np.finfo(dtype).eps
    close(results[0][0], dy.astype(np.float64) @ W.T.astype(np.float64), tol)
    close(results[0][1], x.T.astype(np.float64) @ dy.astype(np.float64), tol)
    for dx, dW in results[1:]:
        np.testing.assert_array_equal(dx, results[0][0])
        np.testing.assert_array_equal(dW, results[0][1])
