"""Streams and ResetStates: batches for truncated backpropagation through time."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sample_texts import RHYME, small_model

import lstmcore
from lstmcore import text
from lstmcore.callbacks import Callback
from lstmcore.utils import set_random_seed


@pytest.fixture(autouse=True)
def seeded():
    set_random_seed(0)


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
