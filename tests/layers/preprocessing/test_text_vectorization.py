"""Texts and vocabularies: what Keras's answers (test_preprocessing.py) do not say."""

import copy
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstmcore import Input, Model, Sequential, load_model
from lstmcore.layers import (
    LSTM,
    Concatenate,
    Dense,
    Embedding,
    IntegerLookup,
    StringLookup,
    TextVectorization,
    registry,
)
from lstmcore.layers.preprocessing import hashing
from lstmcore.layers.preprocessing.text_vectorization import lower_words
from lstmcore.registry import custom_objects
from lstmcore.utils import Dataset, set_random_seed

TEXTS = ["The cat sat.", "A cat ran!"]
VOCABULARY = ["", "[UNK]", "cat", "the", "sat", "ran", "a"]


def learned(**config):
    layer = TextVectorization(**config)
    layer.adapt(TEXTS)
    return layer


def test_texts_of_any_kind():
    layer = learned()
    want = layer(TEXTS)
    for texts in (
        tuple(TEXTS),
        np.array(TEXTS),
        np.array(TEXTS, object),
        [t.encode() for t in TEXTS],
        np.array(TEXTS).reshape(-1, 1),
    ):
        np.testing.assert_array_equal(layer(texts), want)
    latin = TextVectorization(encoding="latin-1", vocabulary=["\u00e9t\u00e9"])
    np.testing.assert_array_equal(latin(["\u00e9t\u00e9".encode("latin-1")]), [[2]])


@pytest.mark.parametrize(
    "data", [iter([TEXTS[:1], TEXTS[1:]]), np.array(TEXTS), (t for t in [TEXTS])]
)
def test_adapt_takes_batches(data):
    layer = TextVectorization()
    layer.adapt(data)
    assert layer.get_vocabulary() == VOCABULARY
    assert layer.get_vocabulary(include_special_tokens=False) == VOCABULARY[2:]


def test_adapt_takes_so_many_batches():
    layer = TextVectorization()
    layer.adapt(([t] for t in TEXTS), steps=1)
    assert layer.get_vocabulary() == ["", "[UNK]", "the", "sat", "cat"]


def test_adapting_again_forgets():
    layer = learned()
    layer.adapt(["other words"])
    assert layer.get_vocabulary() == ["", "[UNK]", "words", "other"]


def test_callables(tmp_path):
    def commas(texts):
        return np.char.split(texts, ",")

    layer = TextVectorization(standardize=np.strings.lower, split=commas)
    layer.adapt(["\u00c9t\u00e9,b c", "b c"])
    assert layer.get_vocabulary() == ["", "[UNK]", "b c", "\u00e9t\u00e9"]
    config = json.loads(json.dumps(layer.get_config()))
    assert config["split"] == {"function": "commas"}
    with pytest.raises(ValueError, match="unknown text function"):
        TextVectorization.from_config(config)
    with custom_objects({"commas": commas, "lower": np.strings.lower}):
        again = TextVectorization.from_config(config)
    np.testing.assert_array_equal(again(["B C,x"]), [[2, 1]])
    wrong = TextVectorization(split=lambda texts: [["a"]])
    with pytest.raises(ValueError, match="split: expected 2 lists of words from it, got 1"):
        wrong.adapt(TEXTS)


def test_ragged_is_what_models_take():
    layer = learned(ragged=True)
    ids = layer([*TEXTS, "cat cat cat cat"])
    assert [row.tolist() for row in ids] == [[3, 2, 4], [6, 2, 5], [2] * 4]
    cut = learned(ragged=True, output_sequence_length=2)
    assert [len(row) for row in cut(["a", "a cat ran"])] == [1, 2]
    model = Sequential([Embedding(7, 3, mask_zero=True), LSTM(2)])
    padded = model(learned()([*TEXTS, "cat cat cat cat"]))
    np.testing.assert_allclose(model(ids), padded, atol=1e-6)


def test_words_to_a_prediction(tmp_path):
    """What a user does: learn words, train on their numbers, save both, load both."""
    layer = learned(output_sequence_length=4)
    model = Sequential(
        [
            Input((4,), dtype="int64"),
            Embedding(layer.vocabulary_size(), 4, mask_zero=True),
            LSTM(4),
            Dense(1),
        ]
    )
    model.compile("adam", "mse")
    model.fit(layer(TEXTS), np.array([[0.0], [1.0]]), epochs=2, verbose=0)
    model.save(tmp_path / "m.safetensors")
    (tmp_path / "words.json").write_text(json.dumps(layer.get_config()))
    words = TextVectorization.from_config(json.loads((tmp_path / "words.json").read_text()))
    again = load_model(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(again(words(TEXTS)), model(layer(TEXTS)))


def test_there_and_back():
    there = StringLookup(vocabulary=["a", "b", "\u00e9"])
    back = StringLookup(vocabulary=there.get_vocabulary(), invert=True)
    x = np.array([["a", "\u00e9"], ["zz", "b"]])
    np.testing.assert_array_equal(back(there(x)), [["a", "\u00e9"], ["[UNK]", "b"]])


def test_one_word():
    layer = StringLookup(vocabulary=["a", "b"])
    assert layer("b") == 2
    assert layer("b").shape == ()


def test_a_vocabulary_from_a_file(tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("cat\nthe\r\ndog\n\n", encoding="utf-8")
    for name in (path, str(path)):
        layer = TextVectorization(vocabulary=name)
        assert layer.get_vocabulary() == ["", "[UNK]", "cat", "the", "dog"]
        assert layer.get_config()["vocabulary"] == ["cat", "the", "dog"]  # not the path
    numbers = tmp_path / "numbers.txt"
    numbers.write_text("7\n12\n")
    assert IntegerLookup(vocabulary=numbers).get_vocabulary() == [-1, 7, 12]


def test_no_model_file_makes_us_read_another(tmp_path):
    from lstmcore.layers.module import shapes_only

    (tmp_path / "secret").write_text("words")
    for layer in (StringLookup, TextVectorization, IntegerLookup):
        with shapes_only(), pytest.raises(ValueError, match="tokens themselves in a model file"):
            layer(vocabulary=str(tmp_path / "secret"))


def test_a_vocabulary_may_be_set():
    layer = StringLookup(output_mode="tf_idf")
    layer.set_vocabulary(["a", "b"], idf_weights=[0.5, 1.5])
    np.testing.assert_allclose(layer(["a", "zz", "zz"]), [2.0, 0.5, 0.0])
    again = copy.deepcopy(layer)
    np.testing.assert_allclose(again(["a", "zz", "zz"]), [2.0, 0.5, 0.0])
    layer.set_vocabulary(["[UNK]", "a", "b", "c"], idf_weights=[9, 1, 2, 3])
    np.testing.assert_allclose(layer(["c", "zz"]), [9.0, 0, 0, 3.0])
    np.testing.assert_allclose(copy.deepcopy(layer)(["c", "zz"]), [9.0, 0, 0, 3.0])


# -- in models ----------------------------------------------------------------------------------

SAID = ["The cat sat.", "A cat ran!", "cat cat", "the", "A dog sat on the cat", "no"]
LIKED = np.array([1.0, 0.0, 1.0, 1.0, 0.0, 0.0])


def rest(words=12):
    return [Embedding(words, 4, mask_zero=True), LSTM(3), Dense(1, "sigmoid")]


def first():
    return Sequential([learned(), *rest()])


def declared():
    return Sequential([Input((1,), dtype="string"), learned(), *rest()])


def without_axis():
    return Sequential([Input((), dtype=str), learned(output_sequence_length=5), *rest()])


def functional():
    texts = Input((1,), dtype="string")
    y = learned()(texts)
    for layer in rest():
        y = layer(y)
    return Model(texts, y)


def around_a_model():
    inner = Sequential([Input((None,), dtype="int64"), *rest()])
    texts = Input((1,), dtype="string", name="texts")
    return Model({"texts": texts}, inner(learned()(texts)))


def nested():
    return Sequential([first(), Dense(1, "sigmoid")])


def of_counts():
    return Sequential([learned(output_mode="tf_idf"), Dense(1, "sigmoid")])


def ragged():
    return Sequential([learned(ragged=True), *rest()])


MODELS = [first, declared, without_axis, functional, around_a_model, nested, of_counts, ragged]


@pytest.mark.parametrize("make", MODELS)
def test_a_model_of_texts_trains_and_is_saved(make, tmp_path):
    set_random_seed(1)
    model = make()
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    texts = {"texts": SAID} if make is around_a_model else SAID
    losses = model.fit(texts, LIKED, batch_size=4, epochs=30, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    wanted = model.predict(texts, verbose=0)
    assert wanted.shape == (6, 1)
    for form in (SAID, tuple(SAID), np.array(SAID), np.array(SAID, object)[:, None]):
        given = {"texts": form} if make is around_a_model else form
        np.testing.assert_array_equal(model.predict(given, verbose=0), wanted)
        np.testing.assert_array_equal(model(given), wanted)
    assert model.evaluate(texts, LIKED, verbose=0)[0] < losses[0]
    model.save(tmp_path / "model.safetensors")
    loaded = load_model(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(loaded.predict(texts, verbose=0), wanted)
    np.testing.assert_array_equal(copy.deepcopy(model).predict(texts, verbose=0), wanted)
    loaded.fit(texts, LIKED, validation_split=0.5, verbose=0)


@pytest.mark.parametrize("make", [first, functional, ragged])
def test_it_computes_what_the_rest_does_on_looked_up_words(make):
    set_random_seed(2)
    model = make()
    ids = learned(ragged=make is ragged)(SAID)
    alone = Sequential([Input((None,), dtype="int64"), *rest()])
    model(SAID)
    alone.set_weights(model.get_weights())
    np.testing.assert_array_equal(model.predict(SAID, verbose=0), alone.predict(ids, verbose=0))


def test_batches_of_texts():
    set_random_seed(3)
    model = first()
    model.compile("adam", "mse")
    data = Dataset.from_tensor_slices((np.array(SAID), LIKED)).batch(3)
    model.fit(data, epochs=2, verbose=0)
    model.train_on_batch(SAID[:2], LIKED[:2])
    model.fit(([SAID[i]], LIKED[i : i + 1]) for i in range(6))
    np.testing.assert_allclose(
        model.predict(data, verbose=0), model.predict(SAID, batch_size=3, verbose=0)
    )


def test_texts_beside_numbers():
    words, numbers = Input((3,), dtype="string", name="words"), Input((2,), name="numbers")
    looked_up = StringLookup(vocabulary=["a", "b"], output_mode="multi_hot")(words)
    model = Model([words, numbers], Concatenate()([looked_up, numbers]))
    y = model.predict([[["a", "b", "c"], ["b", "b", "b"]], np.ones((2, 2))], verbose=0)
    np.testing.assert_array_equal(y, [[1, 1, 1, 1, 1], [0, 0, 1, 1, 1]])
    with pytest.raises(TypeError, match=r"x\[0\]: expected texts, got a float"):
        model.predict([np.ones((2, 3)), np.ones((2, 2))])
    with pytest.raises(TypeError, match=r"x\[1\]: expected real numbers, got an array of"):
        model.predict([[["a", "b", "c"]], [["a", "b"]]])


def test_words_as_outputs():
    places = Input((2,), dtype="int64")
    words = StringLookup(vocabulary=["a", "b"], invert=True)(places)
    assert words.dtype == "string"
    y = Model(places, words).predict(np.array([[1, 2], [0, 1]]), verbose=0)
    assert y.tolist() == [["a", "b"], ["[UNK]", "a"]]


def test_padding_of_ragged_words_is_masked():
    words = Sequential([learned(ragged=True), Embedding(12, 4), LSTM(3)])
    together = words.predict(["cat", "the cat sat", ""], verbose=0)
    alone = [words.predict([text], verbose=0)[0] for text in ("cat", "the cat sat")]
    np.testing.assert_allclose(together[:2], alone, rtol=1e-6)
    assert not together[2].any()
    assert words.predict([""], verbose=0).shape == (1, 3)


def test_texts_in_a_subclass_of_model():
    class Reader(Model):
        def __init__(self):
            super().__init__()
            self.words, self.inner = learned(), rest()

        def call(self, x):
            y = self.words(x)
            for layer in self.inner:
                y = layer(y)
            return y

    model = Reader()
    model.compile("adam", "mse")
    model.fit(np.array(SAID), LIKED, verbose=0)
    assert model.predict(np.array(SAID), verbose=0).shape == (6, 1)


TEXTS_IN = Input((1,), dtype="string", name="said")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Dense(1)(TEXTS_IN), r"\(Dense\): x: expected numbers, got the texts of 'said'"),
        (lambda: TEXTS_IN + 1, "expected numbers, got the texts of 'said'"),
        (
            lambda: learned()(Input((1,), dtype="float32", name="n")),
            r"expected texts, as Input\(shape=\(1,\), dtype='string'\) declares them, got the "
            "float32 numbers of 'n'",
        ),
        (lambda: learned()(Input((3,))), r"one text for each sample.*got shape \(None, 3\)"),
        (
            lambda: Sequential([TextVectorization(output_mode="count"), Dense(1)]).predict(SAID),
            "vocabulary: expected tokens, given or from adapt, before a model with 'count'",
        ),
        (
            lambda: Sequential([learned(), Embedding(12, 2)]).predict(SAID, batch_size=2),
            r"expected batches whose outputs are \(batch, 3, 2\).*got \(batch, 2, 2\)",
        ),
        (
            lambda: first().predict("a text"),
            "x: expected a list or an array of texts, got",
        ),
        (lambda: functional()("a text"), "x: expected a list or an array of texts, got"),
        (lambda: first().predict([]), r"x: expected at least one text, got shape \(0,\)"),
        (lambda: first().predict(["a", None]), "x: expected texts, got a NoneType"),
        (
            lambda: functional().predict([["a"], ["b", "c"]]),
            "expected texts, got a list: rows of different lengths",
        ),
    ],
)
def test_texts_and_numbers_are_not_mixed(make, words):
    with pytest.raises((ValueError, TypeError), match=words):
        make()


def test_a_built_layer_keeps_its_columns():
    layer = learned(output_mode="count")
    Sequential([layer, Dense(1)]).predict(SAID, verbose=0)
    with pytest.raises(ValueError, match="vocabulary: expected 6 tokens, as built for, got"):
        layer.adapt(["one two three four five six seven"])


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: TextVectorization()(["a"]), "given or from adapt, before a call"),
        (lambda: learned()([["a", "b"]]), r"one text for each sample.*got shape \(1, 2\)"),
        (lambda: learned(standardize="upper"), "standardize: expected 'lower' or"),
        (lambda: learned(split="words"), "split: expected 'whitespace' or 'character'"),
        (lambda: learned(ngrams=0), "ngrams: expected a whole number from 1"),
        (lambda: learned(ngrams="2"), "ngrams: expected an int, a tuple of int or None"),
        (lambda: learned(output_mode="words"), "output_mode: expected 'int' or 'tf_idf'"),
        (lambda: learned(output_sequence_length=0), "output_sequence_length: expected a whole"),
        (
            lambda: learned(output_mode="count", output_sequence_length=3),
            "output_sequence_length: expected None unless",
        ),
        (lambda: learned(output_mode="count", ragged=True), "ragged: expected False"),
        (lambda: learned(sparse=True), "sparse: expected False"),
        (lambda: learned(max_tokens=1), "max_tokens: expected more than 1"),
        (lambda: learned(pad_to_max_tokens=True), "max_tokens: expected a number"),
        (lambda: learned(vocabulary=["a"]), "adapt: expected a layer without a vocabulary"),
        (lambda: TextVectorization().adapt([""]), "data: expected at least one token"),
        (lambda: StringLookup(vocabulary=[]), "vocabulary: expected from 1"),
        (lambda: StringLookup(vocabulary=["a", "b", "a"]), r"token once, got \['a'\]"),
        (lambda: StringLookup(vocabulary=["a", ""], mask_token=""), "'' at 1"),
        (lambda: StringLookup(vocabulary=["a", "[UNK]"], invert=True), r"'\[UNK\]' at 1"),
        (lambda: StringLookup(3, vocabulary=["a", "b", "c"]), "at most max_tokens=3 tokens"),
        (lambda: StringLookup(vocabulary=["a"], num_oov_indices=0)(["b", "a"]), "num_oov_ind.*'b'"),
        (lambda: StringLookup(num_oov_indices=-1), "num_oov_indices: expected a whole number"),
        (lambda: StringLookup(invert=True, output_mode="count"), "expected 'int' with invert"),
        (lambda: StringLookup(vocabulary=["a"], output_mode="tf_idf"), "idf_weights: expected one"),
        (lambda: StringLookup(vocabulary=["a"], idf_weights=[1.0]), "idf_weights: expected None"),
        (
            lambda: StringLookup(vocabulary=["a"], idf_weights=[1.0, 2.0], output_mode="tf_idf"),
            "idf_weights: expected 1 numbers",
        ),
        (lambda: StringLookup(salt=[1]), "salt: expected an int or two"),
        (lambda: IntegerLookup(salt=1), "salt: expected None unless"),
        (lambda: IntegerLookup(oov_method="md5"), "oov_method: expected 'floormod' or"),
        (lambda: IntegerLookup(vocabulary_dtype="int32"), "vocabulary_dtype: expected 'int64'"),
        (lambda: IntegerLookup(vocabulary=[1])([[0.5]]), "expected whole numbers, got 0.5"),
        (lambda: IntegerLookup(oov_token=0.5), "token: expected a whole number, got 0.5"),
    ],
)
def test_errors(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_what_is_no_text():
    layer = StringLookup(vocabulary=["a"])
    with pytest.raises(TypeError, match="expected texts, got a list: rows of different lengths"):
        layer([["a", "b"], ["c"]])
    with pytest.raises(TypeError, match="expected texts, got a float"):
        layer(["a", float("nan")])
    with pytest.raises(TypeError, match="did you mean 'vocabulary'"):
        StringLookup(vocabulry=["a"])
    assert registry.find("TextVectorization") is TextVectorization


# As `tf.strings.to_hash_bucket_fast` and `to_hash_bucket_strong` (key 3, 5) of TensorFlow 2.21 have
# it for the first n letters of this text, in 2**62 buckets.
TEXT = ("The quick brown fox, \u00e9t\u00e9, jumps over the lazy dog; " * 4).encode()
HASHES = {
    0: (1936946117179621455, 3269837966603453289),
    1: (1366698271136253306, 3723738553106319837),
    3: (398699863598724093, 304878336858621496),
    4: (3813857490243172005, 4322418713128241287),
    7: (4268079096047479687, 2057089226664753074),
    8: (491173507650915335, 1514404730394053068),
    15: (4420331505753548199, 1166885770786905386),
    16: (4320848957565769301, 2787098765720443274),
    17: (550333784831045053, 4563570754548811923),
    24: (3791653599821851136, 2799934398314548093),
    32: (1647055693760046715, 1704130130451796917),
    33: (3289683216818731479, 779010223489726087),
    50: (2404709082243614861, 2833370655175489818),
    64: (4240276914963809289, 34675554828673902),
    65: (2813949651050847282, 3447327715102751573),
    100: (3395866520586000232, 699581635157678694),
    128: (1162050759520666598, 4324913962451234589),
    129: (3273932599669153528, 1565430134368827627),
    190: (1822549177487955409, 291807309870484637),
}


@pytest.mark.parametrize("n", HASHES)
def test_hashes_are_tensorflow_s(n):
    assert hashing.bucket(TEXT[:n], 1 << 62) == HASHES[n][0]
    assert hashing.bucket(TEXT[:n], 1 << 62, (3, 5)) == HASHES[n][1]


@given(st.lists(st.text(max_size=12), min_size=1, max_size=6))
def test_any_text(texts):
    layer = TextVectorization(standardize=None, split="character")
    if not any(texts):
        return
    layer.adapt(texts)
    ids, words = layer(texts), layer.get_vocabulary()
    assert ids.min() >= 0
    for text, row in zip(texts, ids, strict=True):
        assert "".join(words[i] for i in row) == text


# --- words ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("It's GREAT!! (really)", "it's great ! ! ( really )"),
        ("\u00d6sterreich, l\u2019\u00e9t\u00e9", "\u00f6sterreich , l\u2019\u00e9t\u00e9"),
        ("\u6211\u559c\u6b22 it", "\u6211 \u559c \u6b22 it"),
        (" \t\n", ""),
    ],
)
def test_lower_words(text, words):
    assert lower_words(np.array([text], object)).tolist() == [words]


# --- the command ----------------------------------------------------------------------------------

pytestmark = pytest.mark.usefixtures("one_thread")
