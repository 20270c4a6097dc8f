"""Datasets of windows of a series: Keras's windows, batches, what is known ahead."""

import numpy as np
import pytest
from keras_numbers import keras_numbers

from lstmcore import utils

KERAS = keras_numbers("utils")


# -- windows -------------------------------------------------------------------------------

DATA, TARGETS = np.arange(40).reshape(20, 2), np.arange(100, 120)


@pytest.mark.parametrize("case", KERAS["windows"], ids=lambda c: f"{c['options']}-{c['targets']}")
def test_windows_are_keras(case):
    targets = TARGETS if case["targets"] else None
    made = utils.timeseries_dataset_from_array(DATA, targets, **case["options"])
    assert len(made) == len(case["batches"])
    for walked in (list(made), [made[i] for i in range(len(made))]):
        for ours, theirs in zip(walked, case["batches"], strict=True):
            parts = list(zip(ours, theirs, strict=True)) if case["targets"] else [(ours, theirs)]
            for a, b in parts:
                np.testing.assert_array_equal(a, b)


def test_shuffled_windows():
    def passes(seed, n=2):
        made = utils.timeseries_dataset_from_array(
            DATA, TARGETS, 3, batch_size=4, shuffle=True, seed=seed
        )
        return [np.concatenate([y for x, y in made]).tolist() for _ in range(n)], made

    (first, second), made = passes(5)
    assert sorted(first) == sorted(second) == list(range(100, 118))
    assert first != sorted(first)
    assert first != second
    assert passes(5)[0] == [first, second]
    assert passes(6)[0] != [first, second]
    for x, y in made:  # samples stay with their targets
        np.testing.assert_array_equal(x[:, 0, 0], 2 * (y - 100))
    utils.set_random_seed(1)
    free = passes(None)[0]
    utils.set_random_seed(1)
    assert passes(None)[0] == free


def test_windows_end_and_keep_their_type(dtype):
    made = utils.timeseries_dataset_from_array(DATA.astype(dtype), None, 5, batch_size=7)
    assert made[0].dtype == dtype
    assert [len(b) for b in made] == [len(b) for b in made] == [7, 7, 2]
    with pytest.raises(IndexError, match="batch 3 of 3"):
        made[3]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sequence_length": 0}, "sequence_length: expected a whole number >= 1, got 0"),
        ({"sequence_length": 21}, "no window of 21 values"),
        ({"sampling_rate": 20}, "sampling_rate: expected less than the 20 steps of the data"),
        ({"sequence_stride": 20}, "sequence_stride: expected less than the 20 steps"),
        ({"sequence_stride": 0.5}, "sequence_stride: expected a whole number >= 1, got 0.5"),
        ({"batch_size": 0}, "batch_size: expected a whole number >= 1"),
        ({"start_index": -1}, "start_index:end_index -1:20 is no part of 20 steps"),
        ({"end_index": 21}, "start_index:end_index 0:21 is no part of 20 steps"),
        ({"start_index": 5, "end_index": 5}, "start_index:end_index 5:5 is no part"),
        ({"format": "np"}, "format: expected 'tf' or 'grain'"),
    ],
)
def test_window_errors(options, message):
    with pytest.raises(ValueError, match=message):
        utils.timeseries_dataset_from_array(DATA, TARGETS, **{"sequence_length": 3, **options})


# -- several variables, what is known ahead --------------------------------------------------


def test_what_is_known_ahead_stands_beside_the_windows():
    data = np.arange(40.0).reshape(20, 2)
    (x, future), y = utils.create_sequences(data, 4, 3, target=0, stride=2, known_future=[1])
    assert x.shape == (7, 4, 2)
    assert future.shape == (7, 3, 1)
    for i in range(7):
        np.testing.assert_array_equal(future[i, :, 0], data[2 * i + 4 : 2 * i + 7, 1])
        np.testing.assert_array_equal(y[i], data[2 * i + 4 : 2 * i + 7, 0])


@pytest.mark.parametrize("start", [None, 3])
def test_batches_with_a_horizon(start):
    data = np.arange(60.0).reshape(30, 2)
    made = utils.timeseries_dataset_from_array(
        data, None, 4, 2, 2, 3, start_index=start, end_index=27, horizon=3, target=1, known_future=0
    )
    first, seen = start or 0, 0
    for (x, future), y in made:
        for one, ahead, targets in zip(x, future, y, strict=True):
            begin = first + 2 * seen
            np.testing.assert_array_equal(one, data[begin : begin + 8 : 2])
            np.testing.assert_array_equal(targets, data[begin + 7 : begin + 10, 1])
            np.testing.assert_array_equal(ahead, data[begin + 7 : begin + 10, :1])
            seen += 1
    assert first + 2 * (seen - 1) + 10 in (26, 27)


@pytest.mark.parametrize(
    ("targets", "options", "message"),
    [
        (TARGETS, {"horizon": 2}, "targets: expected None"),
        (None, {"horizon": 0}, "horizon: expected a whole number"),
        (None, {"target": 0}, "target and known_future go with horizon"),
        (None, {"horizon": 10**6}, "of one window and its targets"),
    ],
)
def test_horizons_that_do_not_fit(targets, options, message):
    with pytest.raises(ValueError, match=message):
        utils.timeseries_dataset_from_array(DATA, targets, 3, **options)
