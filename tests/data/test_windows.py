"""Windows of a series."""

import numpy as np
import pytest

from lstmcore.data import (
    sliding_windows,
    windows_at,
)

# --- windows ------------------------------------------------------------------------------------


def test_windows_are_the_values_and_what_follows():
    x, y = sliding_windows(np.arange(10), 3, 2)
    assert x.tolist() == [[i, i + 1, i + 2] for i in range(6)]
    assert y.tolist() == [[i + 3, i + 4] for i in range(6)]
    assert np.shares_memory(x, y)  # views, not copies


@pytest.mark.parametrize("split", [5, 6, 8])
def test_a_split_parts_the_targets(split):
    values = np.arange(12)
    _, train = sliding_windows(values, 3, 2, stop=split)
    x, test = sliding_windows(values, 3, 2, start=split)
    assert train.max() == split - 1  # nothing of the held-out part is seen
    assert test[:, 0].tolist() == list(range(split, 11))  # each day of it is forecast
    assert x[0].tolist() == [split - 3, split - 2, split - 1]  # inputs may reach back


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"window": 0, "horizon": 1}, "at least 1"),
        ({"window": 9, "horizon": 2}, "no window of 9 \\+ 2"),
        ({"window": 2, "horizon": 3, "start": 8}, "no window"),
        ({"window": 2, "horizon": 2, "stop": 11}, "no part of 10"),
    ],
)
def test_windows_that_do_not_fit(kwargs, message):
    with pytest.raises(ValueError, match=message):
        sliding_windows(np.arange(10), **kwargs)


def test_windows_want_one_dimension():
    with pytest.raises(ValueError, match=r"shape \(5, 2\)"):
        sliding_windows(np.zeros((5, 2)), 2, 1)


# --- several columns, dates ahead ---------------------------------------------------------------


def test_windows_at_given_places():
    values = np.arange(20).reshape(10, 2)
    found = windows_at(values, np.array([3, 7]), 2, 1)
    np.testing.assert_array_equal(found, [values[1:4], values[5:8]])
    assert windows_at(values, np.array([], int), 2).shape == (0, 2, 2)
    for origins, before, after in (([1], 2, 0), ([9], 1, 2)):
        with pytest.raises(ValueError, match="no window"):
            windows_at(values, np.array(origins), before, after)
