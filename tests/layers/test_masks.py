"""Masks beside the samples: which layers see them, and which hand them on."""

import numpy as np
import pytest
from helpers import RunningMean, numbers
from masked_series import X, Y

from lstmcore import Input, Model, Sequential, context
from lstmcore.layers import (
    LSTM,
    Dense,
    Dropout,
    Layer,
    Masking,
    MultiHeadAttention,
    TimeDistributed,
)

MASK = np.array([[1, 1, 0], [0, 1, 1]], bool)
FRONT = np.array([[1, 1, 0], [1, 1, 1]], bool)


class Spy(Layer):
    """Keeps the mask that it got, or notes that it got none."""

    uses_mask = True

    def forward(self, x, training=False, mask="none"):
        self.seen = mask
        return x, lambda dy, need_dx=True: dy


class Last(Layer):
    """Drops the time axis, and says nothing of the mask."""

    def forward(self, x, training=False):
        def back(dy, need_dx=True):
            dx = np.zeros_like(x)
            dx[:, -1] = dy
            return dx

        return x[:, -1], back

    def compute_output_shape(self, input_shape):
        return input_shape[0], input_shape[2]


def test_a_mask_goes_along_until_a_layer_ends_it():
    spies = [Spy() for _ in range(3)]
    inner = Sequential([Dense(4), spies[1], Dropout(0.1)])
    model = Sequential([spies[0], inner, RunningMean(), spies[2], Dense(1)])
    x = numbers(2, 3, 2)
    model(x, mask=MASK)
    assert spies[0].seen is spies[1].seen
    np.testing.assert_array_equal(spies[1].seen, MASK)
    assert spies[2].seen == "none"
    assert model.compute_mask(model.convert_inputs(x)[0], MASK) is None
    assert inner.compute_mask(model.convert_inputs(x)[0], MASK) is MASK
    assert inner.run(model.convert_inputs(x)[0], False, MASK)[2] is MASK


def test_layers_without_a_use_for_masks_get_none():
    x = numbers(2, 3, 2)
    layer = Dense(3)
    np.testing.assert_array_equal(layer(x, mask=MASK), layer(x))
    spy = Spy()
    spy(x)
    assert spy.seen == "none"
    spy(x, mask=MASK.astype(int).tolist())
    assert spy.seen.dtype == bool
    np.testing.assert_array_equal(spy.seen, MASK)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Dense(2, activity_regularizer="l2"),
        lambda: Sequential([Dense(2, activity_regularizer="l2")]),
        lambda: TimeDistributed(Dense(2, activity_regularizer="l2")),
        lambda: MultiHeadAttention(1, 2, activity_regularizer="l2"),
        lambda: LSTM(2, return_sequences=True, activity_regularizer="l2"),
    ],
)
def test_masked_steps_have_no_penalty(make):
    """A padded batch of two has the mean of the penalties of its rows alone, and its gradients."""
    x, layer, penalties, gradients = numbers(2, 3, 2).astype("f4"), make(), [], []
    x[~FRONT] = 3

    def run(part, mask):
        part = [part, part] if layer.several_inputs else part
        with context.changed(penalties=(found := [])):
            y, back, _ = layer.run(part, True, [mask] * 2 if layer.several_inputs else mask)
        for param in layer.weights:
            param.grad[...] = 0
        back(np.zeros_like(y))
        penalties.append(sum(found))
        gradients.append([param.grad.copy() for param in layer.weights])

    layer(x, x) if layer.several_inputs else layer(x)
    run(x, FRONT)
    for row, n in zip(x, FRONT.sum(1), strict=True):
        run(row[None, :n], None)
    assert penalties[0] == pytest.approx((penalties[1] + penalties[2]) / 2, rel=1e-5)
    for whole, *parts in zip(*gradients, strict=True):
        np.testing.assert_allclose(whole, sum(parts) / 2, rtol=1e-4, atol=1e-7)


def test_a_mask_of_the_callers_changes_the_result():
    model, x = Sequential([RunningMean(), Dense(2)]), numbers(2, 3, 2)
    y = model(x, mask=MASK)
    np.testing.assert_allclose(y[0], model(x[:1, :2])[0], rtol=1e-6)
    np.testing.assert_allclose(y[1], model(x[1:, 1:])[0], rtol=1e-6)


def test_a_mask_may_have_a_last_axis_of_1():
    x, layer, inputs, wide = numbers(2, 3, 2), LSTM(2), Input((3, 2)), MASK[..., None]
    model = Model(inputs, layer(inputs, mask=wide))
    for y in (layer(x, mask=wide), Sequential([layer])(x, mask=wide), model(x)):
        np.testing.assert_array_equal(y, layer(x, mask=MASK))


@pytest.mark.parametrize(
    ("mask", "error", "message"),
    [
        (MASK[:1], ValueError, r"x: mask: expected shape \(2, 3\), as x has, got \(1, 3\)"),
        (MASK[0], ValueError, r"x: mask: expected shape \(2, 3\), as x has, got \(3,\)"),
        (MASK[..., None] & [True, True], ValueError, r"got \(2, 3, 2\)"),
        (MASK.astype(str), TypeError, "x: mask: expected truth values, got an array of dtype <U"),
    ],
)
def test_masks_that_do_not_fit(mask, error, message):
    for call in (Spy(), Sequential([Spy(), Dense(1)])):
        with pytest.raises(error, match=message):
            call(numbers(2, 3, 2), mask=mask)


def test_a_layer_that_forgets_the_mask_is_told():
    model = Sequential([Masking(), Last(), Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match=r"mask of the output is \(12, 6\).* compute_mask"):
        model.fit(X, Y[:, 0], batch_size=12, verbose=0)
