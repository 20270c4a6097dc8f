"""LSTM: values, gradients, weights, packing, and what it refuses."""

import numpy as np
import pytest
from gradients import check_backward, gradient
from helpers import numbers

from lstmcore import reference
from lstmcore.layers import LSTM

# -- LSTM ----------------------------------------------------------------------------------


def test_lstm_is_the_reference(isa, dtype):
    layer = LSTM(7, return_sequences=True, return_state=True, dtype=dtype)
    x, h0, c0 = numbers(3, 5, 4).astype(dtype), numbers(3, 7), numbers(3, 7)
    y, h, c = layer(x, initial_state=[h0, c0])
    kernel, recurrent, bias = (p.value.astype(float) for p in layer.weights)
    want_y, want_h, want_c = reference.lstm(x, kernel, recurrent, bias, h0, c0)
    tolerance = 1e-5 if dtype == np.float32 else 1e-13
    for got, want in ((y, want_y), (h, want_h), (c, want_c)):
        assert got.dtype == dtype
        np.testing.assert_allclose(got, want, atol=tolerance)
    plain = LSTM(7, dtype=dtype)
    plain(x)
    plain.set_weights(layer.get_weights())
    last = plain(x)
    assert last.shape == (3, 7)
    zero = np.zeros((3, 7))
    want = reference.lstm(x, kernel, recurrent, bias, zero, zero)[1]
    np.testing.assert_allclose(last, want, atol=tolerance)


@pytest.mark.parametrize("sequences", [False, True])
@pytest.mark.parametrize("use_bias", [False, True])
def test_lstm_backward(sequences, use_bias):
    layer = LSTM(3, return_sequences=sequences, use_bias=use_bias, dtype="float64")
    check_backward(layer, numbers(2, 4, 3))


def test_lstm_backward_through_states():
    layer = LSTM(3, return_sequences=True, return_state=True, dtype="float64")
    x, h0, c0 = numbers(2, 4, 2), numbers(2, 3), numbers(3, 2).T.copy()
    layer(x)
    r, rh, rc = numbers(2, 4, 3), numbers(2, 3) + 1, numbers(2, 3) - 1

    def loss():
        (y, h, c), _ = layer.forward(x, False, initial_state=(h0, c0))
        return float((y * r).sum() + (h * rh).sum() + (c * rc).sum())

    _, back = layer.forward(x, True, initial_state=(h0, c0))
    dx, (dh0, dc0) = back((r, rh, rc))
    for got, at in ((dx, x), (dh0, h0), (dc0, c0)):
        np.testing.assert_allclose(got, gradient(loss, at), atol=1e-8)


def test_lstm_initial_bias_and_weight_layout():
    layer = LSTM(2, bias_initializer="random_normal")
    layer(np.zeros((1, 1, 3)))
    kernel, recurrent, bias = layer.get_weights()
    assert kernel.shape == (3, 8)
    assert recurrent.shape == (2, 8)
    assert (bias[2:4] == 1).all()
    assert (bias[[0, 1, 4, 5, 6, 7]] != 0).all()
    plain = LSTM(2, unit_forget_bias=False)
    plain(np.zeros((1, 1, 3)))
    assert (plain.get_weights()[2] == 0).all()


def test_weights_are_packed_again_when_they_change():
    layer, x = LSTM(4), numbers(2, 3, 2)
    before = layer(x)
    layer.set_weights([2 * w for w in layer.get_weights()])
    after = layer(x)
    assert (before != after).all()
    layer.weights[0].assign(np.zeros((2, 16)))
    assert (layer(x) != after).all()
    with pytest.raises(ValueError, match="read-only"):
        layer.weights[0].value[0, 0] = 1


def test_the_instruction_set_forced_later_is_used():
    from lstmcore import _core

    layer, x = LSTM(4), numbers(2, 3, 2)
    before = _core.isa()
    try:
        for name in _core.isas():
            _core.set_isa(name)
            layer(x)
            assert layer._packed.get(layer, False).isa == name
    finally:
        _core.set_isa(before)


# -- what layers refuse --------------------------------------------------------------------


def test_lstm_refuses_states():
    layer = LSTM(2, name="l")
    x = np.ones((3, 4, 5))
    with pytest.raises(ValueError, match="initial_state: expected a pair"):
        layer(x, initial_state=np.ones((3, 2)))
    with pytest.raises(ValueError, match=r"layer 'l' \(LSTM\): h0: expected shape \(3, 2\)"):
        layer(x, initial_state=[np.ones((4, 2)), np.ones((3, 2))])
