"""The tape: derivatives of users' own functions, with layers, losses and weights in them."""

import threading

import autograd
import numpy as np
import pytest
from gradients import gradient
from helpers import numbers

import lstmcore
from lstmcore import layers, losses, ops
from lstmcore.autodiff.tape import Tape, differentiate, is_box, unboxed


def check(function, x, rtol=1e-6):
    """Hold a derivative to numeric differences, with a gradient that is not 1."""
    y, vjp = differentiate(function, x)
    dy = numbers(*np.shape(y))
    want = gradient(lambda: float((np.asarray(function(x)) * dy).sum()), x)
    np.testing.assert_allclose(vjp(dy), want, rtol=rtol, atol=1e-8)
    return y


def test_arithmetic_of_numpy_and_of_ops_is_derived():
    x = numbers(3, 4)
    check(lambda a: np.exp(a) * ops.tanh(a) + 2 / (1 + a**2), x)
    check(lambda a: np.concatenate([a, a[::-1]]).mean(axis=0), x)
    check(lambda a: (a @ a.T).sum(), x)
    check(lambda a: sum(row * i for i, row in enumerate(a)), x)
    y, vjp = differentiate(lambda a: np.ones(3), x)  # does not depend on x
    assert not vjp(np.ones(3)).any()
    assert y.tolist() == [1, 1, 1]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_dtype_stays(dtype):
    x = numbers(3, 4).astype(dtype)
    y, vjp = differentiate(lambda a: ops.mean(ops.square(a) * 0.5, axis=-1), x)
    assert y.dtype == vjp(y).dtype == dtype


def test_layers_and_their_weights_are_derived_by_their_own_kernels():
    lstm = layers.LSTM(3, return_sequences=True, dtype="float64")
    dense = layers.Dense(2, activation="tanh", dtype="float64")
    x = numbers(2, 4, 3)
    dense(lstm(x))  # builds them
    check(lambda a: dense(lstm(a * 2)) ** 2, x)
    for param in (*lstm.weights, *dense.weights):
        param.flat.grad.fill(0)
    tape = Tape()
    with tape:
        y = ops.sum(dense(lstm(x)) ** 2) + ops.sum(lstm.kernel**2)
    found = tape.backward([(y, 1.0)])
    lstm.kernel.grad += found.of_node(tape.leaves[lstm.kernel])  # the weight that was used itself

    def value():
        return float((np.asarray(dense(lstm(x))) ** 2).sum() + (lstm.kernel.value**2).sum())

    for param in (*lstm.weights, *dense.weights):
        array = param.flat.view(param)
        array.flags.writeable = True

        def now(param=param):
            param.flat.version += 1  # packed weights are packed again
            return value()

        want = gradient(now, array)
        now()  # the packed weights are those from before the last difference, too
        np.testing.assert_allclose(param.grad, want, rtol=1e-6, atol=1e-8)


def test_several_outputs_states_and_one_that_nothing_depends_on():
    lstm = layers.LSTM(3, return_sequences=True, return_state=True, dtype="float64")
    other = layers.LSTM(3, dtype="float64")
    x = numbers(2, 4, 3)
    lstm(x)
    other(x)

    def function(a):
        y, h, c = lstm(a)
        return other(a * 0.5, initial_state=[h, c]) + y[:, 0]

    check(function, x)
    check(lambda a: lstm(a)[2], x)


def test_losses_of_ours_with_targets_weights_and_masks():
    p, y = numbers(4, 3, 2), numbers(4, 3, 2)
    mask = np.array([[1, 1, 1], [1, 0, 0], [1, 1, 0], [1, 1, 1]], bool)
    weight = np.array([1.0, 2, 0, 0.5])
    mse = losses.MeanSquaredError()
    check(lambda a: mse(y, a), p)
    check(lambda a: mse(y, a, sample_weight=weight, mask=mask), p)
    check(lambda a: losses.MeanSquaredError(reduction="none")(y, a), p)
    check(lambda a: losses.huber(y, a, delta=0.5), p)
    check(lambda a: mse(ops.stop_gradient(y), a), p)
    with pytest.raises(ValueError, match=r"write ops.stop_gradient\(y_true\)"):
        differentiate(lambda a: mse(2 * a, a), p)
    with pytest.raises(ValueError, match=r"write ops.stop_gradient\(y_true\)"):
        differentiate(lambda a: mse(a, 2 * a), p)[1](1.0)


def test_activations_of_ours():
    x = numbers(3, 4)
    check(lambda a: lstmcore.activations.softmax(a) * lstmcore.activations.gelu(a), x)


def test_tapes_in_tapes_and_autograd_in_a_tape():
    x = numbers(3)
    inner = layers.Lambda(lambda a: ops.tanh(a) * a, dtype="float64")
    check(lambda a: inner(inner(a)), x)
    slope = autograd.elementwise_grad(lambda a: a**3)
    check(lambda a: slope(a) * a, x)


def test_threads_have_tapes_of_their_own():
    x, results = numbers(50), [None] * 8

    def work(i):
        results[i] = [differentiate(lambda a: ops.sum(a**3), x * i)[1](1.0) for _ in range(20)]

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for i, found in enumerate(results):
        for got in found:
            np.testing.assert_allclose(got, 3 * (x * i) ** 2)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda a: a * float(a.sum()), r"float\(x\) cannot be differentiated"),
        (lambda a: a * int(a.sum()), r"int\(x\) cannot be differentiated"),
        (lambda a: a * a.sum().item(), r"x.item\(\) cannot be differentiated"),
        (lambda a: a * np.array(a.tolist()), r"x.tolist\(\) cannot be differentiated"),
        (lambda a: a.numpy() * 2, r"x.numpy\(\) cannot be differentiated"),
        (lambda a: np.asarray(a) * 2, "conversion to a NumPy array cannot be differentiated"),
        (lambda a: np.percentile(a, 50), "numpy.percentile cannot be differentiated"),
        (lambda a: a.__setitem__(0, 1.0), r"an assignment to x\[...\] cannot be differentiated"),
        (lambda a: np.interp(a, [0, 1], [0, 1]), "interp"),
    ],
)
def test_what_leaves_the_tape_is_said_with_the_line(function, message):
    x = numbers(3)
    with pytest.raises((TypeError, NotImplementedError), match=message) as caught:
        differentiate(function, x)
    if "interp" not in message:
        assert __file__.rsplit("/", 1)[-1] in str(caught.value)
        assert "ops" in str(caught.value)


def test_a_tape_that_has_ended_gives_its_numbers():
    tape = Tape()
    with tape:
        box = tape.watch(np.array([1.0, 2.0]))
        y = ops.sum(box)
    assert is_box(y)
    assert float(y) == 3.0
    np.testing.assert_array_equal(np.asarray(box) * 2, [2, 4])
    assert unboxed(y) == 3.0


def test_whole_numbers_and_comparisons_are_constants():
    x = numbers(5)
    check(lambda a: ops.where(a > 0, a, 0.1 * a) * ops.argmax(a), x)
    tape = Tape()
    with tape:
        assert not is_box(ops.argmax(tape.watch(x)))
        assert not is_box(tape.watch(x) > 0)
