"""Datasets: each method against NumPy on the same entries, iterations, and training on them."""

import numpy as np
import pytest

from lstmcore import Sequential, layers
from lstmcore.utils import Dataset, set_random_seed, timeseries_dataset_from_array

X, Y = np.arange(30.0).reshape(10, 3), np.arange(10)


def samples():
    return Dataset.from_tensor_slices((X, Y))


def numbers(dataset):
    """The second part of all entries."""
    return [np.asarray(y).tolist() for _, y in dataset]


def test_samples():
    made = samples()
    assert len(made) == made.cardinality() == 10
    assert numbers(made) == list(range(10))
    x, _ = made[3]
    assert np.array_equal(x, X[3])
    with pytest.raises(IndexError, match="entry 10 of 10"):
        made[10]


def test_arrays_have_a_method_numpy():
    for x, y in samples().batch(4).take(1):
        assert type(x.numpy()) is np.ndarray
        assert np.array_equal(x.numpy(), X[:4])
        assert y.numpy().tolist() == [0, 1, 2, 3]
    for _, y in samples().take(1):
        assert y.numpy() == 0
    windows = timeseries_dataset_from_array(X, Y, 4, batch_size=2)
    for x, _ in windows.take(1):
        assert x.numpy().shape == x.shape == (2, 4, 3)
    assert all(type(part) is np.ndarray for part in next(windows.as_numpy_iterator()))


def test_parts_and_batches():
    assert numbers(samples().skip(2).take(3)) == [2, 3, 4]
    assert numbers(samples().take(99)) == numbers(samples().take(-1)) == list(range(10))
    assert numbers(samples().skip(99)) == []
    assert numbers(samples().batch(4)) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert numbers(samples().batch(4, drop_remainder=True)) == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert len(samples().batch(4).skip(1)) == 2
    assert numbers(samples().batch(2).batch(2))[0] == [[0, 1], [2, 3]]
    assert samples().prefetch(2).cache().cardinality() == 10


def test_map():
    doubled = samples().map(lambda x, y: (x, 2 * y), num_parallel_calls=-1)
    assert numbers(doubled.batch(5)) == [[0, 2, 4, 6, 8], [10, 12, 14, 16, 18]]
    alone = Dataset.from_tensor_slices(Y).map(lambda y: y.numpy() + 1)
    assert [int(y) for y in alone] == list(range(1, 11))
    named = Dataset.from_tensor_slices({"a": X, "b": Y}).map(lambda entry: entry["b"] - 1)
    assert [int(y) for y in named] == list(range(-1, 9))


def test_shuffle():
    set_random_seed(3)
    mixed = samples().shuffle(1000)
    first, second = numbers(mixed), numbers(mixed)
    assert sorted(first) == sorted(second) == list(range(10))
    assert first != second
    assert first != list(range(10))
    assert all(np.array_equal(x, X[int(y)]) for x, y in mixed.take(4))
    kept = samples().shuffle(10, reshuffle_each_iteration=False).batch(3)
    assert numbers(kept) == numbers(kept)
    assert numbers(samples().shuffle(10, seed=1)) == numbers(samples().shuffle(10, seed=1))
    batches = samples().shuffle(10, seed=1).batch(3)
    assert numbers(batches) != numbers(batches)


def test_repeat():
    assert numbers(samples().take(3).repeat(2)) == [0, 1, 2, 0, 1, 2]
    endless = samples().take(3).repeat()
    assert endless.cardinality() == -1
    assert numbers(endless.take(7)) == [0, 1, 2, 0, 1, 2, 0]
    with pytest.raises(ValueError, match="shuffle: expected a dataset that ends"):
        endless.shuffle(3)


def test_cache_reads_once():
    calls = []
    kept = samples().map(lambda x, y: calls.append(int(y)) or (x, y)).cache()
    assert numbers(kept) == numbers(kept) == list(range(10))
    assert calls == list(range(10))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda d: d.take(-2), r"take: count: expected a whole number >= -1, got -2"),
        (lambda d: d.skip(1.5), r"skip: count: expected a whole number >= 0, got 1.5"),
        (lambda d: d.batch(0), r"batch: batch_size: expected a whole number >= 1, got 0"),
        (lambda d: d.repeat(0), r"repeat: count: expected a whole number >= 1, got 0"),
        (lambda d: d.from_tensor_slices((X, Y[:3])), r"arrays of one length, got \[3, 10\]"),
        (lambda d: d.from_tensor_slices(3), r"tensors: expected arrays, got 3"),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call(samples())


def model():
    set_random_seed(0)
    made = Sequential([layers.Dense(4, input_shape=(3,)), layers.Dense(1)])
    made.compile("adam", "mse")
    return made


def test_training_on_a_dataset_is_training_on_its_arrays():
    one, other = model(), model()
    plain = one.fit(X, Y, batch_size=4, epochs=2, shuffle=False, verbose=0).history["loss"]
    batches = samples().map(lambda x, y: (x, y)).batch(4).cache().prefetch(1)
    history = other.fit(batches, epochs=2, shuffle=False, verbose=0).history["loss"]
    np.testing.assert_allclose(history, plain)
    np.testing.assert_array_equal(other.predict(batches, verbose=0), one.predict(X, verbose=0))
    assert other.evaluate(batches, verbose=0) == pytest.approx(one.evaluate(X, Y, verbose=0))


def test_fit_draws_a_new_order_for_every_epoch():
    seen = []
    mixed = samples().shuffle(10, 1).batch(5).map(lambda x, y: seen.append(y.tolist()) or (x, y))
    model().fit(mixed, epochs=2, verbose=0, shuffle=False)
    assert sorted(seen[-2] + seen[-1]) == sorted(seen[-4] + seen[-3]) == list(range(10))
    assert seen[-2:] != seen[-4:-2]


def test_an_endless_dataset_takes_steps():
    history = model().fit(samples().batch(5).repeat(), steps_per_epoch=3, epochs=2, verbose=0)
    assert len(history.history["loss"]) == 2
