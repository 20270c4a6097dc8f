"""Classes as rows of 0 and 1, rows of length 1."""

import numpy as np
import pytest
from keras_numbers import keras_numbers

from lstmcore import utils

KERAS = keras_numbers("utils")


def test_classes_as_rows():
    np.testing.assert_array_equal(utils.to_categorical([[3], [0], [1]], 5), KERAS["to_categorical"])
    assert utils.to_categorical([0, 2]).tolist() == [[1, 0, 0], [0, 0, 1]]
    assert utils.to_categorical(np.zeros((2, 3)), 2).shape == (2, 3, 2)
    assert utils.to_categorical(1).tolist() == [0, 1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0, 3], 3), "expected whole numbers from 0 to 2, got 3"),
        (([0, -1],), "expected whole numbers from 0 to 0, got -1"),
        (([0.5],), "x: expected whole numbers"),
        (([],), "an empty x does not say how many"),
    ],
)
def test_errors_of_classes(arguments, message):
    with pytest.raises(ValueError, match=message):
        utils.to_categorical(*arguments)


@pytest.mark.parametrize("case", KERAS["normalize"], ids=str)
def test_normalize_is_keras(case):
    x = np.linspace(-1, 2, 12).reshape(3, 4)
    ours = utils.normalize(x, case["axis"], case["order"])
    np.testing.assert_allclose(ours, case["out"], rtol=1e-12)


def test_normalize_along_the_first_axis(dtype):
    """Keras takes 0 for the last axis."""
    x = np.array([[3, 0, 1], [4, 0, 0]], dtype)
    out = utils.normalize(x, axis=0)
    assert out.dtype == dtype
    np.testing.assert_allclose(out, [[0.6, 0, 1], [0.8, 0, 0]], rtol=1e-6)
