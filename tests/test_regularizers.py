"""Regularizers: Keras's numbers, gradients, names, errors."""

import json

import numpy as np
import pytest
from formulas import wave32
from gradients import gradient
from helpers import numbers
from keras_numbers import agree, case_name, keras_numbers

from lstmcore import regularizers
from lstmcore.registry import custom_objects

KERAS = keras_numbers("regularizers")
PENALTIES = [c for c in KERAS["cases"] if c["kind"] == "regularizer"]
SOME = [
    regularizers.L1(0.3),
    regularizers.L2(0.2),
    regularizers.L1L2(0.3, 0.2),
    regularizers.OrthogonalRegularizer(0.4),
    regularizers.OrthogonalRegularizer(0.4, mode="columns"),
]


@pytest.mark.parametrize("case", PENALTIES, ids=case_name)
def test_regularizers_are_keras(case, dtype):
    made = getattr(regularizers, case["name"])(**case["options"])
    x = wave32(case["shape"], 1.3).astype(dtype)
    want = np.reshape(case["out"], x.shape)
    grad = made.gradient(x)
    assert grad.dtype == dtype
    agree(grad, want, dtype)
    agree(made(x), case["value"], dtype)
    total = np.ones_like(x)
    agree(made.add_to(x, total), case["value"], dtype)
    agree(total, 1 + want, dtype)


@pytest.mark.parametrize("made", SOME, ids=repr)
def test_gradients_are_differences(made):
    x = numbers(6, 5)
    np.testing.assert_allclose(made.gradient(x), gradient(lambda: made(x), x), atol=1e-8)


@pytest.mark.parametrize("made", SOME[:3], ids=repr)
@pytest.mark.parametrize("size", [0, 1, 8191, 8192, 8193, 20_000])
def test_blocks_do_not_show(made, size, dtype):
    x = numbers(20_000)[:size].astype(dtype)
    wide = x.astype("f8")
    want = made.l1 * np.abs(wide).sum() + made.l2 * (wide**2).sum()
    assert made(x) == pytest.approx(want, rel=1e-5 if dtype == "float32" else 1e-12)
    total = np.full(size, 3.0, dtype)
    assert made.add_to(x, total) == made(x)
    agree(total, 3 + made.l1 * np.sign(wide) + 2 * made.l2 * wide, dtype)


@pytest.mark.parametrize("made", SOME, ids=repr)
def test_windows_of_larger_arrays(made):
    x, total = numbers(8, 10)[:, ::2], np.zeros((8, 10))
    made.add_to(x, total[:, 1::2])
    np.testing.assert_array_equal(total[:, 1::2], made.gradient(np.ascontiguousarray(x)))
    assert not total[:, ::2].any()


@pytest.mark.parametrize("made", SOME, ids=repr)
def test_zero_weights_have_no_gradient(made, dtype):
    x = np.zeros((3, 4), dtype)
    assert made(x) == 0
    np.testing.assert_array_equal(made.gradient(x), x)


def test_a_single_row_is_orthogonal():
    assert regularizers.OrthogonalRegularizer()(np.ones((1, 3))) == 0


def test_nan_shows():
    x = np.array([1.0, np.nan])
    for made in SOME[:3]:
        assert np.isnan(made(x))
        assert np.isnan(made.gradient(x)[1])


class Quartic(regularizers.Regularizer):
    def __init__(self, factor=1.0):
        self.factor = factor

    def __call__(self, x):
        return self.factor * float((x**4).sum())

    def gradient(self, x):
        return 4 * self.factor * x**3


def test_regularizers_of_users():
    x, total = numbers(3, 2), np.ones((3, 2))
    made = regularizers.get(Quartic)
    assert made.add_to(x, total) == made(x)
    np.testing.assert_allclose(total, 1 + 4 * x**3)
    with custom_objects({"Quartic": Quartic}):
        assert regularizers.get(regularizers.serialize(Quartic(2))).factor == 2
    assert regularizers.deserialize(regularizers.serialize(made), {"Quartic": Quartic}).factor == 1


@pytest.mark.parametrize("made", SOME, ids=repr)
def test_regularizer_configs(made):
    again = regularizers.get(json.loads(json.dumps(regularizers.serialize(made))))
    assert type(again) is type(made)
    assert again.get_config() == made.get_config()


def test_names_of_regularizers():
    for name in ("l1", "L1", "l2", "L2", "l1_l2", "L1L2", "orthogonal_regularizer"):
        assert isinstance(regularizers.get(name), regularizers.Regularizer)
    assert regularizers.get(None) is None
    assert regularizers.get("l2").l2 == regularizers.l2().l2 == 0.01
    assert regularizers.get("l1_l2").get_config() == {"l1": 0, "l2": 0}
    assert regularizers.L1L2(None, 2).get_config() == {"l1": 0, "l2": 2}
    made = regularizers.L2(1)
    assert regularizers.get(made) is made


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: regularizers.get("l1l3"), ValueError, "unknown regularizer 'l1l3': did you mean"),
        (lambda: regularizers.L1(l2=1), TypeError, "L1 has no argument 'l2': there is: l1"),
        (lambda: regularizers.L2(-1), ValueError, "L2: l2: expected a number >= 0, got -1"),
        (lambda: regularizers.L2(np.inf), ValueError, "L2: l2: expected a number >= 0, got inf"),
        (lambda: regularizers.L1("a"), ValueError, "L1: l1: expected a number >= 0, got 'a'"),
        (lambda: regularizers.get(dict), TypeError, "expected a regularizer"),
        (lambda: regularizers.get(3), TypeError, "expected a regularizer"),
        (lambda: regularizers.OrthogonalRegularizer(mode="a"), ValueError, "'rows' or 'columns'"),
        (lambda: SOME[3](np.ones(3)), ValueError, r"expected a matrix, got shape \(3,\)"),
        (lambda: regularizers.Regularizer()(1), NotImplementedError, "has no __call__"),
    ],
)
def test_regularizer_errors(call, error, message):
    with pytest.raises(error, match=message):
        call()
