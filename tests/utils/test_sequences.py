"""Sequences for models: padding, windows of a series."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keras_numbers import keras_numbers

from lstmcore import utils

KERAS = keras_numbers("utils")


# -- padding -------------------------------------------------------------------------------


@pytest.mark.parametrize("case", KERAS["pads"], ids=lambda c: str(c["options"]))
def test_padding_is_keras(case):
    out = utils.pad_sequences(KERAS["sequences"], **case["options"])
    np.testing.assert_array_equal(out, case["out"])
    assert out.dtype == case["options"].get("dtype", "int32")


@given(
    st.lists(st.lists(st.integers(1, 9), max_size=6), max_size=5),
    st.integers(0, 8),
    st.sampled_from(["pre", "post"]),
    st.sampled_from(["pre", "post"]),
)
def test_padding_keeps_one_end_of_each(sequences, maxlen, padding, truncating):
    out = utils.pad_sequences(sequences, maxlen, padding=padding, truncating=truncating)
    assert out.shape == (len(sequences), maxlen)
    for row, one in zip(out.tolist(), sequences, strict=True):
        kept = one[:maxlen] if truncating == "post" else one[len(one) - min(maxlen, len(one)) :]
        zeros = [0] * (maxlen - len(kept))
        assert row == (zeros + kept if padding == "pre" else kept + zeros)


def test_padding_of_steps_with_features():
    long, short = np.ones((3, 2)), 2 * np.ones((1, 2))
    out = utils.pad_sequences([long, [], short], dtype="float64", padding="post")
    assert out.shape == (3, 3, 2)
    np.testing.assert_array_equal(out[2], [[2, 2], [0, 0], [0, 0]])


def test_padding_of_strings():
    out = utils.pad_sequences([["a"], ["b", "c"]], dtype=object, value="-")
    assert out.tolist() == [["-", "a"], ["b", "c"]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([[1]], 2, "int32", "before"), "padding: expected 'pre' or 'post', got 'before'"),
        (([[1]], 2, "int32", "pre", "end"), "truncating: expected 'pre' or 'post', got 'end'"),
        (([[1], 2],), r"sequences\[1\]: expected a sequence, got 2"),
        ((iter([]),), "sequences: expected a list"),
        (([[1], [[2]]],), r"sequences\[1\]: expected steps of shape \(\), got \(1,\)"),
        (([[1]], 2, "int32", "pre", "pre", "x"), "value: 'x' does not go with dtype int32"),
    ],
)
def test_padding_errors(arguments, message):
    with pytest.raises(ValueError, match=message):
        utils.pad_sequences(*arguments)


# -- windows -------------------------------------------------------------------------------

DATA, TARGETS = np.arange(40).reshape(20, 2), np.arange(100, 120)


# -- create_sequences ----------------------------------------------------------------------


@given(st.integers(1, 5), st.integers(1, 3), st.integers(1, 4), st.integers(1, 3))
def test_create_sequences_is_the_usual_loop(length, horizon, stride, features):
    data = np.arange(12 * features).reshape(12, features)
    starts = range(0, 12 - length - horizon + 1, stride)
    x = [data[i : i + length] for i in starts]
    y = [data[i + length : i + length + horizon] for i in starts]
    ours = utils.create_sequences(data, length, horizon, stride=stride)
    np.testing.assert_array_equal(ours[0], x)
    np.testing.assert_array_equal(ours[1], np.array(y)[:, 0] if horizon == 1 else y)
    last = utils.create_sequences(data, length, horizon, stride=stride, target=-1)[1]
    np.testing.assert_array_equal(last, ours[1][..., -1])


def test_create_sequences_of_numbers():
    x, y = utils.create_sequences([1.0, 2.0, 3.0, 4.0], 2)
    np.testing.assert_array_equal(x, [[[1], [2]], [[2], [3]]])
    np.testing.assert_array_equal(y, [3, 4])
    assert utils.create_sequences(np.arange(9), 4, 2)[1].shape == (4, 2)
    assert utils.create_sequences(DATA, 4, 2, target=[0])[1].shape == (15, 2, 1)
    assert np.shares_memory(utils.create_sequences(DATA, 4)[0], DATA)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.zeros((2, 2, 2)), 1), "data: expected shape"),
        (([1, 2, 3], 0), "seq_length: expected a whole number >= 1, got 0"),
        (([1, 2, 3], 3), r"3 steps are fewer than the 3 \+ 1 of one window"),
        (([1, 2, 3], 1, 1.5), "horizon: expected a whole number >= 1, got 1.5"),
    ],
)
def test_create_sequences_errors(arguments, message):
    with pytest.raises(ValueError, match=message):
        utils.create_sequences(*arguments)
