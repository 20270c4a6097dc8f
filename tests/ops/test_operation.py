"""What ops take: weights, boxes, lists of them, numbers; and what they say when they cannot."""

import numpy as np
import pytest

import lstmcore.ops as ops
from lstmcore.autodiff.tape import Tape, differentiate
from lstmcore.layers import Dense

X = np.array([[1.0, -2.0, 3.0], [0.5, 0.0, -1.0]])


def dense():
    layer = Dense(2, dtype="float64")
    layer(X)
    return layer


def test_weights_outside_a_tape_are_arrays():
    kernel = dense().kernel
    np.testing.assert_array_equal(ops.square(kernel), kernel.numpy() ** 2)
    np.testing.assert_array_equal(ops.matmul(X, kernel), X @ kernel.numpy())
    joined = ops.concatenate([kernel, kernel], axis=1)
    np.testing.assert_array_equal(joined, np.hstack([kernel.numpy()] * 2))


def test_weights_on_a_tape_have_gradients():
    layer = dense()
    kernel, bias = layer.kernel, layer.bias
    tape = Tape()
    with tape:
        x = tape.watch(X)
        y = ops.add(ops.matmul(x, kernel), bias)
        loss = ops.sum(ops.square(y)) + ops.sum(ops.stack([bias, bias]))
    found = tape.backward([(loss, 1.0)])
    dy = 2 * (X @ kernel.numpy() + bias.numpy())
    np.testing.assert_allclose(found.of(x), dy @ kernel.numpy().T)
    np.testing.assert_allclose(found.of_node(tape.leaves[kernel]), X.T @ dy)
    np.testing.assert_allclose(found.of_node(tape.leaves[bias]), dy.sum(axis=0) + 2)


@pytest.mark.parametrize(
    ("function", "what"),
    [
        (lambda x: float(ops.sum(x)), r"float\(x\)"),
        (lambda x: ops.sum(x).numpy(), r"x.numpy\(\)"),
        (lambda x: ops.convert_to_numpy(x), "conversion to a NumPy array"),
        (lambda x: ops.qr(x, mode="complete"), "ops.qr of"),
    ],
)
def test_what_cannot_be_derived_names_the_line(function, what):
    with pytest.raises(TypeError, match=rf"{what}.* cannot be differentiated \(.*test_operation"):
        differentiate(function, X)


def test_stop_gradient_and_steps_have_no_derivative():
    def function(x):
        return x * ops.stop_gradient(x) + ops.round(x) + ops.sign(x) + ops.cast(x > 0, x.dtype)

    y, vjp = differentiate(function, X)
    np.testing.assert_array_equal(vjp(np.ones_like(y)), X)


def test_custom_gradient():
    @ops.custom_gradient
    def clipped(x, scale):
        def grad(*args, upstream=None):
            (upstream,) = args or (upstream,)
            return ops.clip(upstream, -1, 1) * scale, ops.sum(upstream * x)

        return x * scale, grad

    assert clipped(X, 2.0).tolist() == (2 * X).tolist()
    y, vjp = differentiate(lambda x: clipped(x, 2.0), X)
    assert y.tolist() == (2 * X).tolist()
    assert vjp(np.full_like(X, 5.0)).tolist() == np.full_like(X, 2.0).tolist()
    _, vjp = differentiate(lambda s: clipped(X, s), np.array(3.0))
    assert vjp(np.ones_like(X)) == X.sum()

    @ops.custom_gradient
    def by_name(x):
        return 1.0 * x, lambda *, upstream: 7 * upstream

    _, vjp = differentiate(by_name, X)
    assert vjp(np.ones_like(X)).tolist() == np.full_like(X, 7.0).tolist()


def test_loops_are_derived():
    def function(x):
        state, outputs = ops.scan(lambda s, row: (ops.tanh(s + row), s * row), x[0], x)
        doubled = ops.while_loop(lambda i, s: i < 3, lambda i, s: (i + 1, 2 * s), (0, state))[1]
        return ops.sum(doubled) + ops.sum(ops.map(ops.square, outputs))

    _, vjp = differentiate(function, X)
    found = vjp(1.0)
    for i in np.ndindex(X.shape):
        step = np.zeros_like(X)
        step[i] = 1e-6
        right = (differentiate(function, X + step)[0] - differentiate(function, X - step)[0]) / 2e-6
        assert found[i] == pytest.approx(right, abs=1e-7)


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: ops.stack([X, X[0]]), "stack: x: expected arrays of one shape"),
        (lambda: ops.split(X, 2, axis=1), "split: expected a size that 2 divides, got 3"),
        (lambda: ops.unstack(X, num=3), "unstack: num: expected 2"),
        (lambda: ops.where(X > 0, X), "where: expected both x1 and x2"),
        (lambda: ops.quantile(X, 0.5, method="cubic"), "quantile: method: expected one of"),
        (lambda: ops.one_hot([1], 3, sparse=True), "one_hot: sparse: expected False"),
        (lambda: ops.multi_hot([1]), "multi_hot: num_classes"),
        (lambda: ops.take(X, [0.5]), "take: indices: expected whole numbers"),
        (lambda: ops.glu(X), "glu: x: expected an even size"),
        (lambda: ops.norm(X, ord="x"), "norm: ord"),
        (lambda: ops.einsum("ij,jk", X), "einsum: 'ij,jk': expected 2 arrays, got 1"),
        (lambda: ops.cast(X, "float99"), "dtype: expected one of NumPy's"),
        (lambda: ops.conv(X, X), "conv: inputs: expected sequences of three axes"),
        (lambda: ops.max_pool(X[None], 2, padding="full"), "max_pool: padding: expected"),
        (lambda: ops.binary_crossentropy(X, X[0]), "expected target and output of one shape"),
        (lambda: ops.sparse_categorical_crossentropy([3, 0], X), "whole class numbers from 0 to 2"),
        (lambda: ops.ctc_loss([[0]], X[None], [1], [2]), "expected no blank"),
        (lambda: ops.stft(X, 4, 1, 2), "stft: fft_length: expected >= 4"),
        (lambda: ops.fft(X[0]), "fft: x: expected a pair"),
        (lambda: ops.scatter_update(X, [[0, 0]], [1.0], "avg"), "scatter_update: reduction"),
        (lambda: ops.pad(X, 1, "edge", 0.0), "pad: constant_values: expected none"),
        (lambda: ops.dot_product_attention(X, X, X), r"expected arrays \(batch, time, heads"),
        (lambda: ops.average(X, weights=[1.0, 2.0]), "average: weights: expected the shape"),
        (lambda: ops.scan(None, 0.0), "scan: expected xs, or length"),
        (lambda: ops.cross(X[:, :2], X), "cross: expected vectors of 3"),
    ],
)
def test_errors_name_the_argument(call, match):
    with pytest.raises(ValueError, match=match):
        call()


@pytest.mark.slow
def test_a_loss_of_five_ops_costs_less_than_a_millisecond():
    import time

    target = X.repeat(16, axis=0).repeat(3, axis=1).astype("float32")

    def loss(p):
        error = ops.square(ops.subtract(p, target))
        return ops.mean(ops.where(ops.greater(p, 0.5), 2.0, 1.0) * error, axis=-1)

    def step():
        start = time.perf_counter()
        differentiate(loss, target)[1](np.ones(32, "float32"))
        return time.perf_counter() - start

    assert min(step() for _ in range(200)) < 1e-3
