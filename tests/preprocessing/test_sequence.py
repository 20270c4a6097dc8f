"""The generator of windows that scripts for Keras 2 import."""

import numpy as np
import pytest
from keras_numbers import keras_numbers

from lstmcore import utils
from lstmcore.preprocessing import sequence

KERAS = keras_numbers("text")


@pytest.mark.parametrize("case", KERAS["generators"], ids=lambda c: str(c["options"]))
def test_the_generator_is_keras(case):
    data, targets = np.arange(32).reshape(16, 2), np.arange(16)
    made = sequence.TimeseriesGenerator(data, targets, **case["options"])
    assert len(made) == len(case["batches"])
    for (x, y), (want_x, want_y) in zip(made, case["batches"], strict=True):
        np.testing.assert_array_equal(x, want_x)
        np.testing.assert_array_equal(y, want_y)


def test_the_generator_draws():
    made = sequence.TimeseriesGenerator(np.arange(90), np.arange(90), 2, shuffle=True, workers=2)
    assert made.workers == 2
    utils.set_random_seed(4)
    x, y = made[0]
    assert len(set(y)) > 20
    np.testing.assert_array_equal(x, y[:, None] + [-2, -1])
    utils.set_random_seed(4)
    np.testing.assert_array_equal(made[0][1], y)
