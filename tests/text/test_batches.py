"""Batches for truncated backpropagation through time, and how well a text is predicted."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sample_texts import RHYME

import lstmcore
from lstmcore import layers, text
from lstmcore.callbacks import Callback
from lstmcore.text.batches import nats
from lstmcore.utils import set_random_seed


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
