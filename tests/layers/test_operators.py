"""Parts and sums of symbols: x[:, -1], a + b, 2 * a."""

import copy

import numpy as np
import pytest
from gradients import gradient
from helpers import numbers

from lstmcore import Input, Model, load_model
from lstmcore.layers import LSTM, Dense, GetItem, Masking, Rescaling
from lstmcore.optimizers import SGD

X = numbers(3, 5, 4)


@pytest.mark.parametrize(
    "key",
    [
        (slice(None), -1),
        (slice(None), slice(1, 4)),
        (slice(None), slice(None, None, 2), slice(2)),
        (slice(None), slice(None, None, -1), 0),
        (..., 0),
        (..., -1, slice(None)),
        (slice(None), None),
        (..., None),
        (slice(None), None, 2),
        (slice(None), ..., 1, None),
        (slice(None), np.int64(1), slice(np.int64(1), None)),
        ...,
    ],
    ids=str,
)
def test_a_part_of_a_symbol_is_that_of_the_array(key, tmp_path):
    x = Input((5, 4), dtype="float64")
    y = x[key]
    model = Model(x, y)
    assert y.shape == (None, *X[key].shape[1:])
    np.testing.assert_array_equal(model.predict(X), X[key])
    for again in (copy.deepcopy(model), Model.from_config(model.get_config())):
        np.testing.assert_array_equal(again.predict(X), X[key])
    model.save(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(load_model(tmp_path / "m.safetensors").predict(X), X[key])
    layer, slope = model.layers[-1], numbers(*X[key].shape)
    at = X.copy()
    dx = layer.forward(at, True)[1](slope)
    want = gradient(lambda: float((layer.forward(at)[0] * slope).sum()), at)
    np.testing.assert_allclose(dx, want, atol=1e-8)


def test_an_axis_of_any_size_stays_one():
    x = Input((None, 4))
    assert x[:, 1:].shape == (None, None, 4)
    assert x[:, -1].shape == (None, 4)
    assert x[:, :, 1:].shape == (None, None, 3)


def test_masks_follow():
    layer = GetItem([[None] * 3, [1, None, None]])
    mask = np.arange(5) < np.array([5, 3, 1])[:, None]
    np.testing.assert_array_equal(layer.run(X, False, mask)[2], mask[:, 1:])
    assert GetItem([[None] * 3, 0]).run(X, False, mask)[2] is None
    x = Input((5, 4), dtype="float64")
    h = LSTM(2, return_sequences=True, dtype="float64")(Masking()(x))
    last = Model(x, [h[:, -1], h])
    y, all_steps = last.predict(X)
    np.testing.assert_array_equal(y, all_steps[:, -1])


def test_masks_follow_new_axes_and_dots():
    mask = np.arange(5) < np.array([5, 3, 1])[:, None]

    def masked(key):
        layer = Input((5, 4))[key].node.layer
        y, _, out = layer.run(X, False, mask)
        return y.shape, out

    for key, want in [
        ((..., 0), mask),
        ((slice(None), slice(1, None), None), mask[:, 1:]),
        ((slice(None), slice(None, None, -1), ..., None), mask[:, ::-1]),
        ((slice(None), None), mask[:, None]),
        ((..., 0, slice(None)), None),
    ]:
        shape, out = masked(key)
        np.testing.assert_array_equal(out, want)
        assert out is None or out.shape == shape[: out.ndim]


NUMBERS = np.array([2.0, 0.5, -1.0, 4.0])
CONSTANTS = {
    "h * np.float32(2)": lambda h: h * np.float32(2),
    "np.float64(2) * h": lambda h: np.float64(2) * h,
    "h * np.int64(3)": lambda h: h * np.int64(3),
    "np.float32(3) - h": lambda h: np.float32(3) - h,
    "h - np.float32(3)": lambda h: h - np.float32(3),
    "h / np.float64(4)": lambda h: h / np.float64(4),
    "h * array": lambda h: h * NUMBERS,
    "array * h": lambda h: NUMBERS * h,
    "array + h": lambda h: NUMBERS + h,
    "array - h": lambda h: NUMBERS - h,
    "h - array": lambda h: h - NUMBERS,
    "h / array": lambda h: h / NUMBERS,
    "h * list": lambda h: h * NUMBERS.tolist(),
    "h * X.max()": lambda h: h * X.max(),
    "h * column": lambda h: h * np.arange(1.0, 6.0)[:, None],
    "h + array of one": lambda h: h + np.array(2.0),
    "True * h": lambda h: True * h,
    "-h": lambda h: -h,
}


@pytest.mark.parametrize("name", CONSTANTS)
def test_constants_of_numpy(name, tmp_path):
    x = Input((5, 4), dtype="float64")
    y = CONSTANTS[name](x)
    assert isinstance(y.node.layer, Rescaling)
    model, want = Model(x, y), CONSTANTS[name](X)
    assert y.shape == (None, 5, 4)
    np.testing.assert_allclose(model.predict(X), want, rtol=1e-15)
    model.save(tmp_path / "m.safetensors")
    np.testing.assert_allclose(load_model(tmp_path / "m.safetensors").predict(X), want, rtol=1e-15)


OPS = {
    "h ** 2": lambda h: h**2,
    "h ** 0.5": lambda h: (h * h) ** 0.5,
    "2 ** h": lambda h: 2**h,
    "h / (h + 9)": lambda h: h / (h + 9.0),
    "1 / h": lambda h: 1 / h,
    "array / h": lambda h: NUMBERS / h,
    "abs(h)": abs,
    "h @ array": lambda h: h @ np.arange(12.0).reshape(4, 3),
    "array @ h": lambda h: np.arange(15.0).reshape(3, 5) @ h,
    "h // 2": lambda h: h // 2,
    "h % 2": lambda h: h % 2,
    "5 % h": lambda h: 5 % h,
    "h > 0": lambda h: h > 0,
    "h <= array": lambda h: h <= NUMBERS,
    "array < h": lambda h: np.less(NUMBERS, h),
    "(h > 0) & (h < 1)": lambda h: (h > 0) & (h < 1),
    "~(h > 0)": lambda h: ~(h > 0),
    "h != 0": lambda h: h * (h > 0) != 0,
    "array != h": lambda h: np.not_equal(NUMBERS, h),
    "round(h)": lambda h: np.round(h) if isinstance(h, np.ndarray) else round(h),
    "round(h, 1)": lambda h: np.round(h, 1) if isinstance(h, np.ndarray) else round(h, 1),
    "h * (h > 0)": lambda h: h * (h > 0),
    "h * array of one": lambda h: h * np.full((1, 5, 1), 3.0),
    "h[:, list]": lambda h: h[:, [0, 3, 1]],
    "h[:, array of 3]": lambda h: h[:, np.array([0, 1, 2])],
    "h[..., array]": lambda h: h[..., np.array([2, 0])],
    "h[:, 1:, list]": lambda h: h[:, 1:, [1, -1]],
    "h[:, list, ...]": lambda h: h[:, [1, -1], ...],
    "h[..., None, array]": lambda h: h[..., None, np.array([2, 0])],
}


@pytest.mark.parametrize("name", OPS)
def test_ops(name, tmp_path):
    x = Input((5, 4), dtype="float64")
    y = OPS[name](x)
    model, want = Model(x, y), OPS[name](X)
    assert y.shape[1:] == want.shape[1:]
    np.testing.assert_allclose(model.predict(X), want, rtol=1e-13)
    model.save(tmp_path / "m.safetensors")
    again = load_model(tmp_path / "m.safetensors")
    np.testing.assert_allclose(again.predict(X), want, rtol=1e-13)


# Values and kinds of dtype of whole numbers 1, 0, 2, 3, from Keras 3.15.
WHOLE = {
    "j * 0.5": (lambda j: j * 0.5, [0.5, 0, 1, 1.5], "f"),
    "j / 2": (lambda j: j / 2, [0.5, 0, 1, 1.5], "f"),
    "j - 0.5": (lambda j: j - 0.5, [0.5, -0.5, 1.5, 2.5], "f"),
    "2.0 - j": (lambda j: 2.0 - j, [1, 2, 0, -1], "f"),
    "j * array": (lambda j: j * np.array([0.5, 1, 1, 1]), [0.5, 0, 2, 3], "f"),
    "(j > 1) * 0.5": (lambda j: (j > 1) * 0.5, [0, 0, 0.5, 0.5], "f"),
    "(j > 1) * 2": (lambda j: (j > 1) * 2, [0, 0, 2, 2], "i"),
    "-j": (lambda j: -j, [-1, 0, -2, -3], "i"),
    "j ** 2": (lambda j: j**2, [1, 0, 4, 9], "i"),
    "j + j": (lambda j: j + j, [2, 0, 4, 6], "i"),
    "j * 3": (lambda j: j * 3, [3, 0, 6, 9], "i"),
    "j % 2": (lambda j: j % 2, [1, 0, 0, 1], "i"),
    "~(j > 1)": (lambda j: ~(j > 1), [True, True, False, False], "b"),
}


@pytest.mark.parametrize("name", WHOLE)
def test_whole_numbers(name):
    apply, want, kind = WHOLE[name]
    j = Input((4,), dtype="int32")
    y = Model(j, apply(j)).predict(np.array([[1, 0, 2, 3]]))
    np.testing.assert_array_equal(y, [want])
    assert y.dtype.kind == kind


WEIGHTS = {
    "h * w": lambda h, w: h * w,
    "w * h": lambda h, w: w * h,
    "w - 2 * h": lambda h, w: w - 2 * h,
    "w / h": lambda h, w: w / h,
    "np.multiply(w, h)": np.multiply,
}


@pytest.mark.parametrize("name", WEIGHTS)
def test_a_weight_is_no_constant(name):
    x = Input((4,), dtype="float64")
    dense = Dense(4, bias_initializer="ones")
    h, bias = dense(x), dense.bias
    model = Model(x, WEIGHTS[name](h, bias))
    first = model.predict(X[:, 0])
    bias.assign(np.arange(2.0, 6.0))
    want = WEIGHTS[name](dense(X[:, 0]), bias.numpy())
    np.testing.assert_allclose(model.predict(X[:, 0]), want)
    assert not np.allclose(first, want)


def test_ops_are_derived():
    x = Input((4,), dtype="float64")
    h = Dense(4, kernel_initializer="identity", bias_initializer="ones")(x)
    model = Model(x, (h**2 / (abs(h) + 1)) @ np.ones((4, 1)))
    model.compile(SGD(0.5), "mse")
    at = numbers(6, 4)
    bias = model.layers[1].bias

    def value():
        h = at + bias.value
        return float(np.square((h**2 / (abs(h) + 1)).sum(axis=1)).mean())

    before, weights = value(), bias.numpy()
    slope = np.array([slope_of(value, bias, i) for i in range(4)])
    assert model.train_on_batch(at, np.zeros((6, 1))) == pytest.approx(before)
    np.testing.assert_allclose((weights - bias.value) / 0.5, slope, rtol=1e-6)


def slope_of(value, param, i, step=1e-5):
    """The numeric derivative of value() by one entry of a weight."""
    weights, found = param.numpy(), []
    for sign in (1, -1):
        moved = weights.copy()
        moved[i] += sign * step
        param.assign(moved)
        found.append(value())
    param.assign(weights)
    return (found[0] - found[1]) / (2 * step)


def test_sums_and_scales():
    a, b = Input((4,), dtype="float64"), Input((4,), dtype="float64")
    outputs = [a + b, a - b, a * b, 2 * a + 1, a / 4, 1 - a, -b, b - 3]
    x, y = numbers(3, 4), numbers(2, 4)[:1].repeat(3, 0)
    wanted = [x + y, x - y, x * y, 2 * x + 1, x / 4, 1 - x, -y, y - 3]
    for got, want in zip(Model([a, b], outputs).predict([x, y]), wanted, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-15)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Input((5, 4))[0], ValueError, r"key: expected all samples"),
        (lambda: Input((5, 4))[None], ValueError, r"key: expected all samples"),
        (lambda: Input(())[..., 0], ValueError, r"key: expected all samples"),
        (lambda: Input((5, 4))[..., ...], ValueError, r"key: expected at most one \.\.\."),
        (lambda: Input((5, 4))[:, 1.5], ValueError, "whole numbers, slices, None"),
        (lambda: Input((5, 4))["a"], ValueError, "whole numbers, slices, None"),
        (lambda: Input((5, 4))[:, 7], ValueError, "an axis with a place 7"),
        (lambda: Input((5,))[:, 1, 2], ValueError, "an array of 3 axes or more"),
        (lambda: Input((5,))[:, Input((5,))], TypeError, r"index: .*lstmcore\.ops\.take"),
        (lambda: Input((5,))[[0, 1]], TypeError, "index: expected all samples"),
        (lambda: Input((5,))[:, [0.5]], TypeError, "index: expected whole numbers"),
        (lambda: Input((5, 4))[:, [0], [1]], TypeError, "one array of whole numbers and slices"),
        (lambda: Input((5, 4))[:, 1, [1]], TypeError, "one array of whole numbers and slices"),
        (lambda: Input((5,)) + "a", TypeError, "unsupported operand"),
        (lambda: Input((5,)) * None, TypeError, "unsupported operand"),
        (lambda: np.exp(Input((5,))), TypeError, r"np\.exp: .*lstmcore\.ops"),
        (lambda: np.sum(Input((5,))), TypeError, r"np\.add\.reduce: .*lstmcore\.ops"),
        (lambda: list(Input((5, 4))), TypeError, r"x\[:, t\] for t in range"),
        (lambda: len(Input((5,))), TypeError, "has no length"),
        (lambda: bool(Input((5,))), TypeError, "neither true nor false"),
    ],
)
def test_refusals(make, error, message):
    with pytest.raises(error, match=message):
        make()
