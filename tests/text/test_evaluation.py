"""The cross-entropy of texts, and the measures that follow from it."""

import math

import numpy as np
import pytest
from sample_texts import RHYME, small_model

from lstmcore import text
from lstmcore.text.evaluation import nats
from lstmcore.utils import set_random_seed


@pytest.fixture(autouse=True)
def seeded():
    set_random_seed(0)


def direct(model, numbers, first):
    """Return the cross-entropy from `predict` on the whole text."""
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
