"""Texts: vocabularies, streams of batches, how well a text is foretold, language models."""

import gzip
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import lstmcore
from lstmcore import Sequential, layers, text
from lstmcore.callbacks import Callback
from lstmcore.data import DataError
from lstmcore.text.batches import nats
from lstmcore.utils import set_random_seed

RHYME = "Jack and Jill went up the hill\nto fetch a pail of water.\n" * 40


@pytest.fixture(autouse=True)
def seeded():
    set_random_seed(0)


def small_model(vocabulary, units=12, activation=None, dtype=None):
    n = len(vocabulary)
    return text.TextModel(
        [
            layers.Input((None,)),
            layers.Embedding(n, 8),
            layers.LSTM(units, return_sequences=True, stateful=True),
            layers.Dense(n, activation=activation),
        ],
        vocabulary=vocabulary,
        dtype=dtype,
    )


# --- vocabularies -------------------------------------------------------------------------------


@given(st.text())
def test_words_put_together_are_the_text(sample):
    assert "".join(text.WordVocabulary.split(sample)) == sample


@given(st.text(min_size=1))
def test_a_learned_vocabulary_loses_nothing(sample):
    for kind in (text.CharacterVocabulary, text.WordVocabulary):
        vocabulary = kind.learn(sample)
        numbers = vocabulary.encode(sample)
        assert numbers.min() >= 1
        assert numbers.max() < len(vocabulary)
        assert vocabulary.decode(numbers) == sample


def test_frequent_tokens_come_first_and_rare_ones_are_unknown():
    vocabulary = text.WordVocabulary.learn("b a a c a b", max_tokens=2)
    assert vocabulary.tokens == [" a", " b"]  # the first b has no space before it
    assert vocabulary.encode("b a b zebra").tolist() == [0, 1, 2, 0]
    assert vocabulary.decode([1, 0, 2]) == " a <unk> b"
    assert text.CharacterVocabulary.learn("aabbc", min_count=2).tokens == ["a", "b"]


def test_vocabularies_refuse_what_they_cannot_do():
    vocabulary = text.CharacterVocabulary(["a", "b"])
    with pytest.raises(IndexError, match="0 to 2, got 3"):
        vocabulary.decode([1, 3])
    with pytest.raises(IndexError, match="0 to 2"):
        vocabulary.decode([-1])
    with pytest.raises(TypeError, match="expected a str, got bytes"):
        vocabulary.encode(b"ab")
    with pytest.raises(ValueError, match="'a' is there twice"):
        text.CharacterVocabulary(["a", "b", "a"])
    with pytest.raises(TypeError, match="sequence of texts"):
        text.WordVocabulary([1, 2])


# --- batches ------------------------------------------------------------------------------------


@given(st.integers(2, 200), st.integers(1, 9), st.integers(1, 20))
def test_rows_go_on_from_batch_to_batch(n, batch_size, steps):
    data = text.Streams(np.arange(n), batch_size, steps)
    batches = [data[i] for i in range(len(data))]
    x = np.concatenate([x for x, _ in batches], axis=1)
    y = np.concatenate([y for _, y in batches], axis=1)
    assert (y == x + 1).all()
    assert (np.diff(x, axis=1) == 1).all()
    assert x.size > n - 1 - len(x)  # less than one token a row is left out
    assert all(part.shape[1] <= steps for part, _ in batches)


def test_streams_refuse_a_text_without_a_next_token():
    with pytest.raises(ValueError, match="2 or more"):
        text.Streams([1])


def test_states_are_reset_at_an_epochs_begin_and_carried_within():
    seen = []

    class Watch(Callback):
        def on_train_batch_begin(self, batch, logs=None):
            state = self.model.layers[1].states
            seen.append(None if state is None else state[0].copy())

    vocabulary = text.CharacterVocabulary.learn(RHYME)
    model = small_model(vocabulary)
    model.compile("sgd", lstmcore.losses.SparseCategoricalCrossentropy(from_logits=True))
    data = text.Streams(vocabulary.encode(RHYME)[:101], 2, 20)
    model.fit(data, epochs=2, shuffle=False, verbose=0, callbacks=[text.ResetStates(), Watch()])
    assert [s is None for s in seen] == [True, False, False] * 2
    assert all(s.any(axis=1).all() for s in seen if s is not None)


def test_rows_begin_anew_as_often_as_asked():
    seen = []

    class Watch(Callback):
        def on_train_batch_begin(self, batch, logs=None):
            state = self.model.layers[1].states
            if state is not None:
                seen.append(~state[1].any(axis=1))
                assert (state[0].any(axis=1) == state[1].any(axis=1)).all()

    vocabulary = text.CharacterVocabulary.learn(RHYME)
    model = small_model(vocabulary)
    model.compile("sgd", lstmcore.losses.SparseCategoricalCrossentropy(from_logits=True))
    data = text.Streams(vocabulary.encode(RHYME), 16, 4)
    reset = text.ResetStates(0.25)
    model.fit(data, epochs=1, shuffle=False, verbose=0, callbacks=[reset, Watch()])
    assert 0.15 < np.mean(seen) < 0.35
    with pytest.raises(ValueError, match="from 0 to 1"):
        text.ResetStates(1.5)


# --- how well a text is foretold ----------------------------------------------------------------


def direct(model, numbers, first):
    """The same by `predict`, in one go."""
    model.reset_states()
    p = model.predict(numbers[None, :-1], verbose=0).astype(np.float64)[0]
    model.reset_states()
    if model.layers[-1].activation.__name__ == "linear":
        p = np.exp(p) / np.exp(p).sum(-1, keepdims=True)
    return -np.log(p[np.arange(len(p)), numbers[1:]])[first - 1 :].sum()


@pytest.mark.parametrize("activation", [None, "softmax"])
@pytest.mark.parametrize("context", [0, 1, 2, 300, 700])
def test_nats_in_one_go_are_those_of_predict(activation, context, dtype):
    vocabulary = text.CharacterVocabulary.learn(RHYME)
    model = small_model(vocabulary, activation=activation, dtype=dtype.name)
    numbers = vocabulary.encode(RHYME)[:800]
    wanted = direct(model, numbers, max(context, 1))
    tolerance = 1e-5 if dtype == np.float32 else 1e-12
    assert nats(model, numbers, context, rows=1) == pytest.approx(wanted, rel=tolerance)


@pytest.mark.parametrize("rows", [2, 3, 7])
@pytest.mark.parametrize("context", [0, 100, 600])
def test_parts_side_by_side_count_every_token_once(rows, context):
    vocabulary = text.CharacterVocabulary.learn(RHYME * 2)
    model = small_model(vocabulary)
    for weight in model.layers[1].weights:  # it sees one token back and no further
        weight.assign(weight.value * 0)
    model.layers[2].bias.assign(np.linspace(-2, 2, len(vocabulary)))
    numbers = vocabulary.encode(RHYME * 2)[:4001]
    whole = nats(model, numbers, context, rows=1)
    assert nats(model, numbers, context, rows=rows) == pytest.approx(whole, rel=1e-6)


def test_evaluation_leaves_the_states_of_training_alone():
    model = text.LanguageModel(units=8, layers=1)
    model.fit(RHYME, 1, verbose=0)
    layer = model.model.layers[1]
    before = [state.copy() for state in layer.states]
    model.evaluate(RHYME)
    assert all((a == b).all() for a, b in zip(before, layer.states, strict=True))


def test_measures_belong_together():
    model = text.LanguageModel("word", units=8, layers=1, max_tokens=8)
    model.fit(RHYME, 1, verbose=0)
    found = model.evaluate("Jill fetched a pail\n", context="Jack and")
    assert found["tokens"] == 5
    assert found["unknown"] >= 1
    total = found["nats_per_token"] * 5
    assert found["nats_per_character"] == pytest.approx(total / 20)
    assert found["bits_per_character"] == pytest.approx(total / 20 / math.log(2))
    assert found["perplexity"] == pytest.approx(math.exp(total / 5))
    with pytest.raises(ValueError, match="2 tokens or more"):
        model.evaluate("")


def test_counts_are_what_they_say():
    train, test = [0, 1, 0, 1, 0, 2], [0, 1, 1]
    found = text.count_baselines(train, test, 3)
    share = np.array([4, 3, 2]) / 9
    assert found["unigram"] == pytest.approx(-np.log(share[1]))
    follows = [(2 + 5 * share[1]) / (3 + 5), (0 + 5 * share[1]) / (2 + 5)]
    assert found["bigram"] == pytest.approx(-np.log(follows).mean())


# --- the whole ----------------------------------------------------------------------------------


@pytest.mark.parametrize("level", ["char", "word"])
def test_a_model_learns_a_rhyme_and_says_it(level):
    model = text.LanguageModel(level, units=48, layers=1, embedding=16, dropout=0)
    history = model.fit(RHYME, 30, batch_size=4, steps=32, learning_rate=0.02, verbose=0).history
    assert history["val_loss"][-1] < 0.2
    assert history["val_perplexity"][-1] == pytest.approx(math.exp(history["val_loss"][-1]))
    said = model.generate("Jack and Jill went", 60, temperature=0)
    assert said.startswith(" up the hill\nto fetch a pail of water.\n"[: len(said)])
    assert model.evaluate(RHYME)["nats_per_character"] < 0.2


def test_one_file_is_all(tmp_path):
    model = text.LanguageModel("word", units=8, layers=2, max_tokens=9)
    model.fit(RHYME, 2, verbose=0)
    path = tmp_path / "rhyme.safetensors"
    model.save(path)
    again = text.LanguageModel.load(path)
    assert again.level == "word"
    assert again.vocabulary.tokens == model.vocabulary.tokens
    assert again.generate("Jill", 40, seed=3) == model.generate("Jill", 40, seed=3)
    assert again.evaluate(RHYME) == model.evaluate(RHYME)
    loaded = lstmcore.load_model(path)  # a model like others
    assert text.generate(loaded, "Jill", 40, seed=3) == model.generate("Jill", 40, seed=3)
    again.fit(RHYME, 1, verbose=0)  # goes on


def test_training_repeats_itself():
    def trained():
        set_random_seed(5)
        model = text.LanguageModel(units=8, layers=2, dropout=0.3)
        losses = model.fit(RHYME, 2, verbose=0).history["val_loss"]
        return losses, model.generate("J", 30, seed=1)

    assert trained() == trained()


def test_the_best_epoch_is_kept_after_an_interrupt():
    class Stop(Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:  # and make it worse than the first
                self.model.set_weights([w * 10 for w in self.model.get_weights()])
            if epoch == 2:
                raise KeyboardInterrupt

    model = text.LanguageModel(units=8, layers=1)
    with pytest.raises(KeyboardInterrupt):
        model.fit(RHYME, 5, learning_rate=1e-4, verbose=0, callbacks=[Stop()])
    history = model.model.history.history["val_loss"]
    held = RHYME[round(len(RHYME) * 0.9) :]
    start = RHYME[: round(len(RHYME) * 0.9)][-2000:]
    assert model.evaluate(held, start)["nats_per_token"] == pytest.approx(min(history), abs=1e-6)


def test_language_models_refuse_what_they_cannot_do(tmp_path):
    model = text.LanguageModel()
    with pytest.raises(RuntimeError, match="fit it first"):
        model.generate("a")
    with pytest.raises(ValueError, match="'char' or 'word'"):
        text.LanguageModel("words")
    with pytest.raises(ValueError, match="2 tokens"):
        model.fit("a", validation_split=0, verbose=0)
    with pytest.raises(ValueError, match="a TextModel"):
        text.LanguageModel(model=Sequential([layers.Dense(1)]))
    plain = Sequential([layers.Input((None, 1)), layers.Dense(1)])
    plain.save(tmp_path / "plain.safetensors")
    with pytest.raises(ValueError, match="has no vocabulary"):
        text.LanguageModel.load(tmp_path / "plain.safetensors")


# --- files --------------------------------------------------------------------------------------


def test_texts_are_read(tmp_path):
    (tmp_path / "a.txt").write_bytes("\ufeffé\r\nb".encode())
    assert text.read_text(tmp_path / "a.txt") == "é\nb"
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress("é".encode()))
    assert text.read_text(tmp_path / "a.txt.gz") == "é"
    assert len(text.python_documentation()) > 100_000


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", b"caf\xe9", "not UTF-8 text .byte 3."),
        ("a.txt", b" \n", "is empty"),
        ("a.txt.gz", b"no gzip", "cannot be read"),
        ("a.txt.gz", gzip.compress(b"abc" * 99, mtime=0)[:-9], "cannot be read"),
    ],
)
def test_unreadable_texts_are_refused_in_one_line(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message) as found:
        text.read_text(tmp_path / name)
    assert "\n" not in str(found.value)
    with pytest.raises(DataError, match="cannot be read: No such file"):
        text.read_text(tmp_path / "none.txt")
