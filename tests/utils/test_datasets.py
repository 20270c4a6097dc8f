"""Datasets of users, and splits of data."""

import numpy as np
import pytest
from keras_numbers import keras_numbers

from lstmcore import utils

KERAS = keras_numbers("utils")


class Ten(utils.PyDataset):
    """Ten samples in batches of 4."""

    def __len__(self):
        return 3

    def __getitem__(self, i):
        rows = np.arange(10)[4 * i : 4 * i + 4]
        return rows, {"double": 2 * rows}


def test_a_dataset_of_users():
    made = Ten(workers=2, use_multiprocessing=True, max_queue_size=3)
    assert (made.workers, made.use_multiprocessing, made.max_queue_size) == (2, True, 3)
    assert made.num_batches == 3
    assert [len(x) for x, _ in made] == [4, 4, 2]
    assert utils.Sequence is utils.PyDataset
    with pytest.raises(NotImplementedError, match="PyDataset has no __getitem__"):
        utils.PyDataset()[0]
    with pytest.raises(NotImplementedError, match="neither __len__ nor num_batches"):
        utils.PyDataset().num_batches  # noqa: B018


class Endless(utils.PyDataset):
    num_batches = None

    def __init__(self):  # without super().__init__(), as in many scripts
        self.first = 1

    def __getitem__(self, i):
        return self.first + i


def test_a_dataset_without_end():
    made = Endless()
    assert made.workers == 1
    assert [b for b, _ in zip(made, range(3), strict=False)] == [1, 2, 3]


@pytest.mark.parametrize("case", KERAS["splits"], ids=lambda c: str(c["sizes"]))
def test_split_sizes_are_keras(case):
    left, right = utils.split_dataset(np.arange(10), *case["sizes"])
    assert [len(left), len(right)] == case["out"]
    assert left.tolist() + right.tolist() == list(range(10))


def test_splits_of_nested_arrays():
    x, y = np.arange(10), {"y": 2 * np.arange(10)}
    left, right = utils.split_dataset((x, y), 0.7, shuffle=True, seed=3)
    assert type(left) is tuple
    np.testing.assert_array_equal(left[1]["y"], 2 * left[0])
    assert sorted([*left[0], *right[0]]) == list(range(10))
    assert left[0].tolist() != list(range(7))
    again, _ = utils.split_dataset((x, y), 0.7, shuffle=True, seed=3)
    np.testing.assert_array_equal(left[0], again[0])
    gap = utils.split_dataset([x], 2, 3)
    assert [half[0].tolist() for half in gap] == [[0, 1], [7, 8, 9]]


@pytest.mark.parametrize("make", [Ten, lambda: (batch for batch in Ten())])
def test_splits_of_batches(make):
    left, right = utils.split_dataset(make(), 0.5)
    assert [x.tolist() for x, _ in left] == [[0, 1, 2, 3], [4]]
    assert [y["double"].tolist() for _, y in right] == [[10, 12, 14, 16], [18]]
    assert len(left) == len(list(left)) == 2


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((np.arange(9),), ValueError, "left_size or right_size must be given"),
        ((np.arange(9), 9), ValueError, "left_size: expected 1 to 8 of 9 samples, got 9"),
        ((np.arange(9), 1.0), ValueError, "left_size: expected a share between 0 and 1, got 1.0"),
        ((np.arange(9), "a"), TypeError, "left_size: expected a number, got 'a'"),
        ((np.arange(9), 5, 5), ValueError, r"5 \+ 5 samples are more than the 9"),
        ((np.arange(9), 0.01), ValueError, "one side of 9 samples would be empty"),
        (([np.arange(9), np.arange(8)], 2), ValueError, r"different lengths: \[9, 8\]"),
        (([[1, 2]], 1), TypeError, "expected arrays, got 1"),
        ((3, 1), TypeError, "expected arrays or an iterable of batches, got int"),
        (((), 1), ValueError, "is empty"),
        ((iter(()), 1), ValueError, "has no batch"),
    ],
)
def test_split_errors(arguments, error, message):
    with pytest.raises(error, match=message):
        utils.split_dataset(*arguments)


@pytest.mark.parametrize(
    ("batch", "packed"),
    [((1,), 1), (([1, 2],), ([1, 2],)), ((1, 2), (1, 2)), ((1, 2, 3), (1, 2, 3))],
)
def test_batches_are_packed_and_unpacked(batch, packed):
    assert utils.pack_x_y_sample_weight(*batch) == packed
    assert utils.unpack_x_y_sample_weight(packed) == (*batch, None, None)[:3]


def test_a_batch_of_four_is_refused():
    with pytest.raises(ValueError, match=r"unpack_x_y_sample_weight: data: .*got 4 entries"):
        utils.unpack_x_y_sample_weight((1, 2, 3, 4))


def test_every_name_of_utils_is_there_and_listed():
    assert set(utils.__all__) <= set(dir(utils))
    assert all(getattr(utils, name) is not None for name in utils.__all__)
    with pytest.raises(AttributeError, match=r"did you mean 'plot_model'\?"):
        _ = utils.plot_modl
