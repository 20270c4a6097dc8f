"""What users need around a model: padding, windows, datasets, classes, names."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keras_numbers import keras_numbers

from lstmcore import initializers, utils
from lstmcore.registry import Registry
from lstmcore.serialization import Configurable, to_json

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


# -- datasets ------------------------------------------------------------------------------


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


# -- numbers -------------------------------------------------------------------------------


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


# -- names of users' own -------------------------------------------------------------------


@pytest.fixture
def names():
    """The names that users have added, as they were before when the test is over."""
    known = utils.get_custom_objects()
    before = dict(known)
    yield known
    known.clear()
    known.update(before)


def test_registered_names(names):
    @utils.register_keras_serializable("mine", "Third")
    class Thirds(initializers.Initializer):
        def __call__(self, shape, dtype="float32"):
            return np.full(shape, 1 / 3, dtype)

    for name in ("Thirds", "Third", "mine>Third", to_json(Thirds())):
        assert isinstance(initializers.get(name), Thirds)
    assert utils.get_registered_name(Thirds) == "mine>Third"
    assert utils.get_registered_object("mine>Third") is Thirds
    assert utils.get_registered_name(Configurable) == "Configurable"
    assert utils.get_registered_object("nothing") is None
    assert names["mine>Third"] is Thirds


def test_names_for_a_while(names):
    registry = Registry("thing")
    with utils.custom_object_scope({"a": 1}):
        assert registry.find("a") == 1
        assert utils.get_registered_object("a") == 1
    with pytest.raises(ValueError, match="unknown thing 'a'"):
        registry.find("a")
    names["a"] = 2
    assert registry.find("a") == 2


def test_users_names_do_not_replace_ours(names):
    names["zeros"] = initializers.Ones
    assert isinstance(initializers.get("zeros"), initializers.Zeros)


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


def test_seeded_leaves_the_stream_where_it_was():
    utils.set_random_seed(1)
    expected = utils.generator().random(3)
    utils.set_random_seed(1)
    with utils.seeded(9):
        first = utils.generator().random()
    np.testing.assert_array_equal(utils.generator().random(3), expected)
    with utils.seeded(9):
        assert utils.generator().random() == first
    with utils.seeded(None):
        pass
