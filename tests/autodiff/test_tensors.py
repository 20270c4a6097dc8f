"""Tensors: arrays of eager calls, with numpy() and their masks."""

import pickle

import numpy as np

from lstmcore import layers, losses
from lstmcore.autodiff.tensors import Number, Tensor, mask_of, tensor, with_mask

MASK = np.array([[True, False]])


def test_an_array_that_is_returned_has_its_mask_and_no_other():
    x = np.ones((1, 2, 3), "f4")
    y = with_mask(x, MASK)
    assert isinstance(y, np.ndarray)
    assert mask_of(y) is MASK
    assert mask_of(x) is None  # the user's own array
    for other in (y * 2, y[:, :1], y.copy(), np.concatenate([y, y]), y.numpy()):
        assert mask_of(other) is None
    assert type(y.numpy()) is np.ndarray
    assert np.shares_memory(y.numpy(), y)
    assert repr(tensor(np.ones(2))) == "array([1., 1.])"
    assert str(tensor(np.ones(2))) == "[1. 1.]"
    again = pickle.loads(pickle.dumps(y))
    np.testing.assert_array_equal(again, y)


def test_structures():
    a, b = with_mask((np.ones(2), np.ones(3)), [None, MASK])
    assert mask_of(a) is None
    assert mask_of(b) is MASK
    found = with_mask({"a": np.ones(2)}, MASK)
    assert mask_of(found["a"]) is MASK
    assert isinstance(tensor(np.float32(2)), Tensor)
    assert tensor([np.ones(2)])[0].numpy().tolist() == [1, 1]


def test_layers_in_turn_on_arrays_are_masked():
    ids = np.array([[1, 2, 0, 0], [3, 4, 5, 6]])
    embedding, lstm = layers.Embedding(9, 5, mask_zero=True), layers.LSTM(4)
    y = lstm(embedding(ids))
    np.testing.assert_allclose(y[:1], lstm(embedding(ids[:1, :2])), atol=1e-6)
    masked = layers.Masking()(np.ones((2, 3, 1)) * [[[1], [1], [0]]])
    assert mask_of(masked).tolist() == [[True, True, False]] * 2
    assert mask_of(layers.Dense(2)(masked)).tolist() == [[True, True, False]] * 2


def test_a_loss_is_a_float_with_numpy():
    loss = losses.MeanSquaredError()([1.0, 2.0], [1.0, 4.0])
    assert isinstance(loss, float)
    assert isinstance(loss, Number)
    assert loss.numpy() == 2.0
