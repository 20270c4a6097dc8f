"""Masking: what it masks, configs, files, and what it refuses."""

import copy

import numpy as np
import pytest
from helpers import numbers
from masked_series import X, stepwise

from lstmcore import Sequential, load_model
from lstmcore.layers import LSTM, Masking, TimeDistributed

MASK = np.array([[1, 1, 0], [0, 1, 1]], bool)
COUNTS = [[3, 2, 3], [3, 3, 1, 3]]  # of words in each sentence


@pytest.mark.parametrize("value", [0.0, 7, 0.1])
def test_masking(value, dtype):
    x = numbers(2, 4, 3).astype(dtype)
    x[0, 1] = x[1, 3] = value
    x[1, 0, :2] = value  # one feature differs: real
    layer, want = Masking(value, dtype=dtype), np.ones((2, 4), bool)
    want[0, 1] = want[1, 3] = False
    np.testing.assert_array_equal(layer.compute_mask(x), want)
    y, back, mask = layer.run(x, True)
    np.testing.assert_array_equal(mask, want)
    np.testing.assert_array_equal(y, x * want[..., None])
    np.testing.assert_array_equal(layer(x), y)
    np.testing.assert_array_equal(back(x + 1), (x + 1) * want[..., None])
    assert y.dtype == dtype
    assert layer.run(x)[1] is None


def test_masking_keeps_a_mask_it_is_given():
    x = numbers(2, 3, 2)
    x[0, 0] = 0
    y, _, mask = Masking().run(x, False, MASK)
    np.testing.assert_array_equal(mask, [[0, 1, 0], [0, 1, 1]])
    np.testing.assert_array_equal(y, x * mask[..., None])


@pytest.mark.parametrize("value", [np.nan, np.inf, "0", None, True])
def test_masking_refuses_values(value):
    with pytest.raises(ValueError, match="mask_value: expected a finite number"):
        Masking(value)


def test_masking_refuses_shapes():
    with pytest.raises(ValueError, match=r"expected an array of shape \(batch, ..., features\)"):
        Masking()(np.ones(3))


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 4, 5), (2, 3, 4, 5, 2)])
def test_masking_at_any_rank_is_over_the_last_axis(shape):
    x = numbers(*shape)
    x[1, ..., :] = 0 if len(shape) == 2 else x[1]
    x[0, 0] = 0
    y, back, mask = Masking().run(x, True)
    np.testing.assert_array_equal(mask, (x != 0).any(axis=-1))
    assert not mask.all()
    np.testing.assert_array_equal(y, x * mask[..., None])
    np.testing.assert_array_equal(back(x + 1), (x + 1) * mask[..., None])


def test_words_of_sentences_of_documents():
    """Each mask of words goes to the layer of words, a sentence without words is masked."""
    x = numbers(2, 4, 3, 2)
    x[0, 3], x[0, 1, 2], x[1, 2, 1:] = 0, 0, 0
    words, sentences = LSTM(3), LSTM(2)
    y = Sequential([Masking(), TimeDistributed(words), sentences])(x)
    each = [
        [words(x[b, s, :n][None])[0] for s, n in enumerate(row)] for b, row in enumerate(COUNTS)
    ]
    for b, vectors in enumerate(each):
        np.testing.assert_allclose(y[b], sentences(np.array([vectors]))[0], rtol=1e-5)


def test_config_copies_and_files(tmp_path):
    model = stepwise(Masking(0.5))
    y = model.predict(X)
    model.save(tmp_path / "m.safetensors")
    for again in (copy.deepcopy(model), load_model(tmp_path / "m.safetensors")):
        assert again.layers[0].mask_value == 0.5
        np.testing.assert_array_equal(again.predict(X), y)
