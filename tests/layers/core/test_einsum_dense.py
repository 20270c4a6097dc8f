"""EinsumDense: any equation, held to NumPy's einsum; what is refused."""

import numpy as np
import pytest
from gradients import check_backward
from helpers import numbers

from lstmcore import Input, Sequential
from lstmcore.layers import LSTM, Dense, EinsumDense, Masking

EQUATIONS = {
    "ab,bc->ac": ((3, 4), 5),
    "abc,cd->abd": ((3, 2, 4), (None, 5)),
    "abc,cd->adb": ((3, 2, 4), (5, None)),
    "abc,cde->abde": ((3, 2, 4), (2, 5, 3)),
    "abc,bcd->ad": ((3, 2, 4), 5),
    "abc,bcd->abd": ((3, 2, 4), (2, 5)),
    "abc,bd->acdb": ((3, 2, 4), (4, 5, 2)),
    "abc,cd->ad": ((3, 2, 4), 5),
    "abc,bc->abc": ((3, 2, 4), (2, 4)),
    "abc,d->abcd": ((3, 2, 4), (2, 4, 3)),
    "...x,xy->...y": ((3, 2, 4), 5),
    "...xy,yxz->...z": ((3, 2, 2, 4), 5),
    "ab...,bc->ac...": ((3, 2, 4), 5),
}


@pytest.mark.parametrize("equation", EQUATIONS)
def test_it_is_einsum(equation):
    shape, output_shape = EQUATIONS[equation]
    y_axes = equation.split("->")[1].strip(".")
    bias_axes = y_axes[-1] if y_axes[0] != y_axes[-1] else None
    layer = EinsumDense(equation, output_shape, "tanh", bias_axes, dtype="float64")
    x = numbers(*shape)
    layer(x)
    bias = 0 if layer.bias is None else layer.bias.value + 0.3
    if layer.bias is not None:
        layer.bias.assign(bias)
    want = np.tanh(np.einsum(equation, x, layer.kernel.value) + bias)
    assert layer.compute_output_shape((None, *shape[1:])) == (None, *want.shape[1:])
    np.testing.assert_allclose(layer(x), want, atol=1e-14)
    check_backward(layer, x)


def test_it_is_a_dense_layer():
    x = numbers(2, 5, 3)
    one, other = Dense(4, "relu"), EinsumDense("abc,cd->abd", (None, 4), "relu", "d")
    y = one(x)
    other(x)
    other.set_weights(one.get_weights())
    np.testing.assert_array_equal(other(x), y)


def test_masks_are_passed_on_where_the_steps_stay():
    x, mask = numbers(2, 4, 3), np.array([[1, 1, 0, 0], [1, 1, 1, 1]], bool)
    for equation, shape, kept in (
        ("abc,cd->abd", (None, 5), True),
        ("...c,cd->...d", 5, True),
        ("abc,cd->adb", (5, None), False),
        ("abc,bcd->ad", 5, False),
    ):
        layer = EinsumDense(equation, shape)
        layer(x)
        after = layer.run(x.astype("float32"), False, mask)[2]
        assert (after is mask) is kept
    model = Sequential([Input((None, 3)), Masking(), EinsumDense("...c,cd->...d", 3), LSTM(2)])
    x[0, 2:] = 0
    np.testing.assert_allclose(
        model.predict(x, verbose=0)[:1], model.predict(x[:1, :2], verbose=0), atol=1e-7
    )


def test_sizes_of_steps_may_be_unknown():
    model = Sequential([Input((None, 3)), EinsumDense("abc,cd->abd", (None, 4), None, "d")])
    assert model.output_shape == (None, None, 4)
    assert model.predict(numbers(2, 5, 3), verbose=0).shape == (2, 5, 4)
    with pytest.raises(ValueError, match="size of axis 'b' of 'abc,bd->ad'"):
        Sequential([Input((None, 3)), EinsumDense("abc,bd->ad", 4)])


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: EinsumDense("ab,bc", 3), "equation: expected 'ab,bc->ac', with"),
        (lambda: EinsumDense("...b,bc->c...", 3), "equation: expected 'ab,bc->ac', with"),
        (lambda: EinsumDense("abb,bc->ac", 3), "equation: expected each letter once in 'abb'"),
        (lambda: EinsumDense("ab,bc->ad", 3), "equation: expected an axis 'd' of the input or"),
        (lambda: EinsumDense("ab,bcd->ac", 3), "equation: expected an axis 'd' of the input or"),
        (lambda: EinsumDense("ab,bc->ac", 3, bias_axes="b"), "bias_axes: expected letters of"),
        (lambda: EinsumDense("ab,bc->ac", "3"), "output_shape: expected a whole number"),
        (
            lambda: EinsumDense("abc,cd->abd", 3)(numbers(2, 4, 3)),
            "output_shape: expected a size for each of 'abd' but the batch axis",
        ),
        (
            lambda: EinsumDense("abc,cd->abd", (5, 3))(numbers(2, 4, 3)),
            "x: expected 5 for axis 'b' of 'abc,cd->abd', as output_shape has, got 4",
        ),
        (
            lambda: EinsumDense("abc,cd->abd", (None, 3))(numbers(2, 4)),
            "x: expected an array of 3 axes, as in 'abc,cd->abd', got 2 axes",
        ),
        (
            lambda: EinsumDense("ab,bc->ca", 3)(numbers(2, 4)),
            "equation: expected the batch axis first",
        ),
    ],
)
def test_errors(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_other_inputs_than_it_was_built_for():
    layer = EinsumDense("...c,cd->...d", 4)
    layer(numbers(2, 5, 3))
    assert layer(numbers(2, 3)).shape == (2, 4)
    with pytest.raises(ValueError, match="x: expected 3 for axis 'c'"):
        layer(numbers(2, 5, 2))
