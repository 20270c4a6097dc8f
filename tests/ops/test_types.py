"""The types of results beside those that Keras has, which tests/keras/test_keras_ops.py holds."""

import numpy as np
import pytest

import lstmcore
import lstmcore.ops as ops
from lstmcore.autodiff.tape import Tape

SINGLE, DOUBLE = np.ones((2, 3), "float32"), np.ones((2, 3))
LONG = np.arange(3)


@pytest.mark.parametrize(
    ("result", "dtype"),
    [
        (lambda: ops.add(DOUBLE, 2), "float64"),
        (lambda: ops.mean(DOUBLE), "float64"),
        (lambda: ops.sqrt(DOUBLE), "float64"),
        (lambda: ops.add(SINGLE, DOUBLE), "float64"),
        (lambda: ops.add(LONG, SINGLE), "float32"),
        (lambda: ops.add(LONG, DOUBLE), "float64"),
        (lambda: ops.add(LONG, 1), "int64"),
        (lambda: ops.add(LONG, 1.5), "float32"),
        (lambda: ops.sum(LONG), "int64"),
        (lambda: ops.multiply(SINGLE, np.float64(2)), "float32"),
        (lambda: ops.divide(SINGLE, np.sqrt(2.0)), "float32"),
        (lambda: ops.power(SINGLE, np.int64(2)), "float32"),
        (lambda: ops.add(DOUBLE, np.float32(2)), "float64"),
        (lambda: ops.add(np.float64(1), np.float64(2)), "float64"),
        (lambda: ops.matmul(SINGLE, DOUBLE.T), "float64"),
        (lambda: ops.where(SINGLE > 0, SINGLE, 0), "float32"),
        (lambda: ops.where(DOUBLE > 0, DOUBLE, 0.0), "float64"),
        (lambda: ops.maximum(SINGLE, 0), "float32"),
        (lambda: ops.clip(SINGLE, 0, np.float64(1)), "float32"),
        (lambda: ops.concatenate([SINGLE, LONG[None]]), "float32"),
        (lambda: ops.stack([1.0, 2]), "float32"),
        (lambda: ops.convert_to_tensor([np.float64(1)]), "float64"),
        (lambda: ops.convert_to_tensor(2**40), "int64"),
        (lambda: ops.sigmoid(2), "float32"),
        (lambda: ops.mean([[1.0, 2.0]]), "float32"),
        (lambda: ops.cast(DOUBLE, float), "float32"),
        (lambda: ops.cast(DOUBLE, int), "int32"),
        (lambda: ops.dot(SINGLE, 2.0), "float32"),
    ],
)
def test_type(result, dtype):
    y = result()
    assert isinstance(y, np.ndarray)
    assert y.dtype == dtype


def test_lists_may_hold_boxes_and_weights():
    tape = Tape()
    with tape:
        x = tape.watch(np.array([1.0, 2.0], "float32"))
        pairs = ops.convert_to_tensor([[x[0], x[1]], [x[1], x[1]]])
        y = ops.sum(ops.multiply(pairs, [[1.0, 2.0], [3.0, 4.0]]))
    assert y.dtype == "float32"
    assert tape.backward([(y, 1.0)]).of(x).tolist() == [1, 9]


@pytest.mark.usefixtures("default_settings", "with_products")
def test_the_type_of_products_in_mixed_precision_is_float32_in_arrays():
    class Own(lstmcore.layers.Layer):
        def call(self, x):
            return ops.cast(x, self.compute_dtype) * ops.ones((3,), dtype=self.compute_dtype)

    layer = Own(dtype="mixed_bfloat16")
    x = np.array([[1.0, 1.001, 1 / 3]], np.float32)  # more bits than bfloat16 has
    assert layer.compute_dtype == "bfloat16"
    y = layer(x)
    assert y.dtype == np.float32
    assert np.array_equal(y, x)


def test_a_cast_is_derived_between_real_types():
    tape = Tape()
    with tape:
        x = tape.watch(SINGLE)
        y = ops.sum(ops.cast(x, "float64") * 3.0)
        steps = ops.cast(x, "int32")
    assert isinstance(steps, np.ndarray)
    gradient = tape.backward([(y, 1.0)]).of(x)
    assert gradient.dtype == "float32"
    assert (gradient == 3).all()
