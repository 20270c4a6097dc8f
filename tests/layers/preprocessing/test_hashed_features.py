"""Hashing and HashedCrossing: Keras's bins, in models and outside, what is refused.

The bins are those in the docstrings of Keras 3.15, whose layers need TensorFlow.
"""

import numpy as np
import pytest

from lstmcore import Input, Model, Sequential, load_model
from lstmcore.layers import Concatenate, Dense, Embedding, Flatten, HashedCrossing, Hashing

WORDS = [["A"], ["B"], ["C"], ["D"], ["E"]]
CROSSED = (["A", "B", "A", "B", "A"], [101, 101, 101, 102, 102])


@pytest.mark.parametrize(
    ("options", "x", "bins"),
    [
        ({}, WORDS, [1, 0, 1, 1, 2]),
        ({"mask_value": ""}, [["A"], ["B"], [""], ["C"], ["D"]], [1, 1, 0, 2, 2]),
        ({"salt": [133, 137]}, WORDS, [1, 2, 1, 0, 2]),
        ({"salt": 133}, WORDS, [0, 0, 2, 1, 0]),
    ],
)
def test_bins_are_keras_s(options, x, bins):
    layer = Hashing(3, **options)
    y = layer(x)
    assert y.dtype == np.int64
    assert y.tolist() == [[b] for b in bins]
    assert layer(np.array(x, object)).tolist() == y.tolist()
    assert layer(np.char.encode(np.array(x))).tolist() == y.tolist()
    again = Hashing.from_config(layer.get_config())
    assert again(x).tolist() == y.tolist()
    assert Hashing(3, **options, output_mode="one_hot")(x).argmax(axis=-1).tolist() == bins


def test_numbers_are_hashed_by_their_digits():
    x = [[1, 22], [-3, 1]]
    by_digits = Hashing(7)([["1", "22"], ["-3", "1"]])
    assert Hashing(7)(x).tolist() == by_digits.tolist()
    assert Hashing(7)(np.array(x, "float32")).tolist() == by_digits.tolist()
    masked = Hashing(7, mask_value=22)(x)
    assert masked[0, 1] == 0
    assert (masked > 0).sum() == 3
    with pytest.raises(ValueError, match=r"expected whole numbers, got 0\.5"):
        Hashing(7)([[0.5]])


def test_encodings():
    x = [["a", "b", "a"], ["c", "c", "c"]]
    ids = Hashing(4)(x)
    counts = Hashing(4, output_mode="count")(x)
    assert counts.tolist() == [np.bincount(row, minlength=4).tolist() for row in ids]
    assert Hashing(4, output_mode="multi_hot")(x).tolist() == (counts > 0).tolist()
    assert Hashing(4, output_mode="one_hot")(x).argmax(axis=-1).tolist() == ids.tolist()


def test_crosses_are_keras_s():
    assert HashedCrossing(5)(CROSSED).tolist() == [1, 4, 1, 1, 3]
    columns = [np.array(part)[:, None] for part in CROSSED]
    assert HashedCrossing(5)(columns).tolist() == [[1], [4], [1], [1], [3]]
    hot = HashedCrossing(5, output_mode="one_hot")(CROSSED)
    assert hot.dtype == np.float32
    assert hot.argmax(axis=-1).tolist() == [1, 4, 1, 1, 3]


@pytest.mark.parametrize("texts", [True, False])
def test_in_models(texts, tmp_path):
    x = np.array(WORDS, object) if texts else np.arange(5)[:, None]
    dtype = "string" if texts else "int64"
    rest = [Embedding(8, 3), Flatten(), Dense(1)]
    model = Sequential([Input((1,), dtype=dtype), Hashing(8, name="bins"), *rest])
    model.compile("adam", "mse")
    model.fit(x, np.ones(5), verbose=0)
    y = model.predict(x, verbose=0)
    step = Hashing(8)(x)
    for layer in rest:
        step = layer(step)
    np.testing.assert_array_equal(y, step)
    start = Input((1,), dtype=dtype)
    graph = Model(start, model.layers[-1](rest[1](rest[0](model.get_layer("bins")(start)))))
    np.testing.assert_array_equal(graph.predict(x, verbose=0), y)
    model.save(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(load_model(tmp_path / "m.safetensors").predict(x, verbose=0), y)


def test_crosses_in_a_graph():
    words, numbers = Input((1,), dtype="string"), Input((1,), dtype="int64")
    crossed = HashedCrossing(16, output_mode="one_hot")([words, numbers])
    alone = Hashing(4, output_mode="one_hot")(words)
    model = Model([words, numbers], Dense(1)(Concatenate()([crossed, alone])))
    assert crossed.shape == (None, 16)
    x = [np.array(CROSSED[0], object)[:, None], np.array(CROSSED[1])[:, None]]
    model.compile("sgd", "mse")
    losses = model.fit(x, np.arange(5.0), epochs=5, verbose=0).history["loss"]
    assert losses[-1] < losses[0]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Hashing(0), "num_bins: expected a whole number from 1"),
        (lambda: Hashing(3, mask_value=0.5), "mask_value: expected a str or a whole number"),
        (lambda: Hashing(3, salt="a"), "salt: expected an int or two"),
        (lambda: Hashing(3, output_mode="tf_idf"), "output_mode: expected 'int' or 'one_hot'"),
        (lambda: Hashing(3, output_mode="count", sparse=True), "sparse: expected False"),
        (lambda: HashedCrossing(3, "count"), "output_mode: expected 'int' or 'one_hot'"),
        (lambda: HashedCrossing(3)(["a"]), "x: expected two inputs or more of one shape"),
        (lambda: HashedCrossing(3)([["a", "b"], [1]]), "x: expected two inputs or more of one"),
        (lambda: HashedCrossing(3)([[["a", "b"]], [[1, 2]]]), "x: expected two inputs or more"),
    ],
)
def test_errors(make, words):
    with pytest.raises(ValueError, match=words):
        make()
