"""Derivatives at kinks, and their types, of what boxes do: operators, methods, NumPy functions."""

import autograd.numpy as anp
import numpy as np
import pytest

from lstmcore.autodiff.tape import Tape, differentiate

NAN = np.nan


def derivative(function, *numbers, dtype="float32"):
    """The derivative of the sum of the function's values."""
    x = np.array(numbers, dtype)
    y, vjp = differentiate(function, x)
    return vjp(np.ones_like(y)).tolist()


@pytest.mark.parametrize(
    ("function", "numbers", "right"),
    [
        (lambda x: anp.maximum(x, 0), (-1, 0, 2), [0, 0.5, 1]),
        (lambda x: anp.minimum(x, 0), (-1, 0, 2), [1, 0.5, 0]),
        (lambda x: anp.clip(x, 0, 1), (-1, 0, 0.5, 1, 2), [0, 0.5, 1, 0.5, 0]),
        (lambda x: x.clip(0, None), (-1, 0, 0.5, 9), [0, 0.5, 1, 1]),
        (lambda x: anp.max(x), (1, 3, 3), [0, 0.5, 0.5]),
        (lambda x: x.min(), (1, 1, 3), [0.5, 0.5, 0]),
        (lambda x: abs(x), (-2, 0, 3), [-1, 0, 1]),
        (lambda x: x**2, (-2, 0, 3), [-4, 0, 6]),
        (lambda x: x**0, (-2, 0, 3), [0, 0, 0]),
        (lambda x: x ** np.zeros(3, "float32"), (-2, 0, 3), [0, 0, 0]),
        (lambda x: 0.0**x, (1, 2), [0, 0]),
        (lambda x: x.std(), (2, 2, 2), [0, 0, 0]),
        (lambda x: anp.prod(x), (0, 2, -1), [-2, 0, 0]),
        (lambda x: anp.prod(x), (0, 2, 0), [0, 0, 0]),
        (lambda x: anp.hypot(x, x), (0, 0), [0, 0]),
        (lambda x: anp.logaddexp(x, -np.inf), (-np.inf, 1), [0, 1]),
        (lambda x: anp.sinc(x), (0, 1), [0, -1]),
        (lambda x: anp.where(x > 0, x, 0.0), (-1, 0, 2), [0, 0, 1]),
        (lambda x: anp.where(np.array([True, False]), x[0], x[1]), (5, 7), [1, 1]),
        (lambda x: anp.nan_to_num(x), (NAN, 1), [0, 1]),
        (lambda x: x[[0, 0, 1]], (5, 7), [2, 1]),
        (lambda x: x[1:] * x[:-1], (2, 3, 4), [3, 6, 3]),
    ],
)
def test_at_kinks(function, numbers, right):
    np.testing.assert_allclose(derivative(function, *numbers), right, atol=1e-6)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x**2,
        lambda x: x**0.5,
        lambda x: 2**x,
        lambda x: anp.maximum(x, 0.5),
        lambda x: x.mean(axis=0),
        lambda x: x.var(),
        lambda x: x.std(axis=1),
        lambda x: anp.max(x, axis=(0, 1)),
        lambda x: anp.log2(x) + anp.log10(x) + anp.exp2(x),
        lambda x: anp.where(x > 0.5, x, 0),
        lambda x: x / 3 - 1 / x,
        lambda x: x * np.float32(2),
        lambda x: abs(x),
        lambda x: (x @ np.ones((2, 2))).astype("float32"),
        lambda x: (np.ones(2) @ x).astype("float32"),
        lambda x: x[0, 0],
        lambda x: anp.prod(x, axis=1),
    ],
)
def test_gradients_stay_float32(function):
    tape = Tape()
    with tape:
        x = tape.watch(np.array([[0.3, 0.9], [0.7, 0.2]], "float32"))
        y = function(x)
    gradient = tape.backward([(y, 1.0)]).of(x)
    assert y.dtype == gradient.dtype == np.float32
    assert gradient.shape == x.shape


def test_a_branch_not_taken_may_be_nan():
    def function(x):
        return anp.where(x > 0, x, x + NAN)

    assert derivative(function, 1, 2) == [1, 1]


def test_a_gradient_is_summed_over_broadcast_axes():
    tape = Tape()
    with tape:
        a, b = tape.watch(np.ones((3, 1))), tape.watch(np.ones(4))
        y = a * b
    found = tape.backward([(y, np.ones((3, 4)))])
    assert found.of(a).tolist() == [[4], [4], [4]]
    assert found.of(b).tolist() == [3, 3, 3, 3]
