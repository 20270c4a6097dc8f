"""Writing: tokens are drawn as the formula says, in pieces, up to a stop."""

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from lstmcore import Sequential, _core, layers, text
from lstmcore.text.generation import CHUNK
from lstmcore.text.sampling import Sampling, distribution, pick
from lstmcore.utils import set_random_seed

VOCABULARY = text.CharacterVocabulary([*"abcdefghijklmnopqrstuvwxyz", "\n"])


@pytest.fixture(autouse=True)
def seeded():
    set_random_seed(0)


def writer(activation=None, dtype="float32", one_hot=False, spread=6.0, **options):
    """Return a model with random weights and well separated outputs."""
    n = len(VOCABULARY)
    start = [layers.Input((None, n))] if one_hot else [layers.Input((None,))]
    if not one_hot:
        start.append(layers.Embedding(n, 8))
    recurrent = layers.LSTM(16, return_sequences=options.pop("return_sequences", True))
    model = Sequential([*start, recurrent, layers.Dense(n, activation=activation)], dtype=dtype)
    random = np.random.default_rng(1)
    for weight in model.weights:
        weight.assign(random.normal(size=weight.shape) * (spread / 6 if weight.shape[0] < 9 else 1))
    model.layers[-1].kernel.assign(random.normal(size=model.layers[-1].kernel.shape) * spread)
    return model


def by_formula(model, prompt, n, sampling, seed, logits, one_hot=False, never=0):
    """Return the text generated with `step` and the NumPy formula."""
    random, stream = np.random.default_rng(np.random.SFC64(seed)), model.stream()
    inputs = np.eye(len(VOCABULARY)) if one_hot else np.arange(len(VOCABULARY))
    for i in VOCABULARY.encode(prompt):
        y = stream.step(inputs[[i]])[0]
    out = []
    for _ in range(n):
        out.append(pick(*distribution(y, sampling, logits, never), random.random()))
        y = stream.step(inputs[[out[-1]]])[0]
    return VOCABULARY.decode(out)


WAYS = [
    {},
    {"temperature": 0.5},
    {"temperature": 3.0},
    {"temperature": 0},
    {"top_k": 1},
    {"top_k": 3},
    {"top_k": 1000},
    {"top_p": 0.4},
    {"top_p": 1.0},
    {"temperature": 1.5, "top_k": 5, "top_p": 0.7},
]


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.parametrize("activation", [None, "softmax"])
def test_texts_are_drawn_by_the_formula(way, activation, dtype):
    model = writer(activation, dtype.name)
    wanted = by_formula(model, "abc", 150, Sampling(**way), 7, activation is None)
    assert text.generate(model, "abc", 150, seed=7, vocabulary=VOCABULARY, **way) == wanted


def test_one_hot_models_and_models_of_the_last_step_write_too():
    for options in ({"one_hot": True}, {"return_sequences": False}):
        model = writer(**options)
        wanted = by_formula(model, "ab", 80, Sampling(), 1, True, "one_hot" in options)
        assert text.generate(model, "ab", 80, seed=1, vocabulary=VOCABULARY) == wanted


weights = st.lists(st.floats(-20, 20, allow_subnormal=False), min_size=2, max_size=40)


@given(weights, st.floats(0.1, 4), st.integers(1, 50), st.floats(0.01, 1), st.floats(0, 0.9999))
def test_what_may_be_drawn(logits, temperature, top_k, top_p, uniform):
    """The NumPy formula returns the most likely tokens with their probabilities."""
    sampling = Sampling(temperature, top_k, top_p)
    order, p = distribution(np.array(logits), sampling, logits=True)
    whole = np.exp((np.array(logits) - max(logits)) / temperature)
    assert 1 <= len(order) <= top_k
    assert p.sum() == pytest.approx(1)
    assert (np.diff(whole[order]) <= 0).all()
    assert p == pytest.approx(whole[order] / whole[order].sum())
    best = np.sort(whole)[::-1][:top_k]
    share = whole[order].sum() / best.sum()
    assert share >= top_p - 1e-9
    assert len(order) == 1 or share - p[-1] * share < top_p + 1e-9
    assert pick(order, p, uniform) in order


@given(
    weights,
    st.floats(0, 4, allow_subnormal=False),
    st.integers(0, 50),
    st.floats(0.01, 1),
    st.integers(-1, 1),
)
@example([0.0, 0.0, 4.0], 2.2250738585072014e-308, 0, 1.0, 0)
def test_the_core_draws_by_the_formula(logits, temperature, top_k, top_p, never):
    n = len(logits)
    kernel, bias = np.zeros((n, n)), np.array(logits)
    stream = _core.Stream(_core.Program(n, [(kernel, bias, "linear")]))
    sampling = Sampling(temperature, top_k or None, top_p)
    uniforms = np.random.default_rng(0).random(20)
    tokens, y = np.empty(20, np.int64), bias.copy()
    options = sampling.options(n)
    _core.sample(stream, np.eye(n), y, uniforms, tokens, logits=True, never=never, **options)
    refused = None if never < 0 else never
    _, p = distribution(bias, Sampling(temperature, top_k or None, 1.0), True, refused)
    assume(top_p == 1 or np.abs(np.cumsum(p) - top_p).min() > 1e-9)  # rounding decides at an edge
    order, p = distribution(bias, sampling, True, refused)
    sums = np.cumsum(p)
    for token, u in zip(tokens, uniforms, strict=True):
        if np.abs(sums - u).min() > 1e-9:  # rounding decides at an edge
            assert token == pick(order, p, u)
        assert token in order
    assert (y == bias).all()


def test_a_long_text_has_the_frequencies_of_the_distribution():
    n = 5
    p = np.array([0.0, 0.4, 0.3, 0.2, 0.1])
    stream = _core.Stream(_core.Program(n, [(np.zeros((n, n)), p, "linear")]))
    tokens = np.empty(20_000, np.int64)
    _core.sample(stream, np.eye(n), p.copy(), np.random.default_rng(0).random(20_000), tokens)
    assert np.bincount(tokens, minlength=n) / 20_000 == pytest.approx(p, abs=0.015)


def test_nothing_is_written_outside_the_buffers(fenced):
    assert len(text.generate(writer(), "ab", 100, 1.2, 7, 0.9, vocabulary=VOCABULARY)) == 100


def test_seeds():
    model = writer(spread=1.0)
    a = text.generate(model, "x", 100, seed=1, vocabulary=VOCABULARY)
    assert a == text.generate(model, "x", 100, seed=1, vocabulary=VOCABULARY)
    assert a != text.generate(model, "x", 100, seed=2, vocabulary=VOCABULARY)
    set_random_seed(3)
    b = text.generate(model, "x", 100, vocabulary=VOCABULARY)
    assert b != text.generate(model, "x", 100, vocabulary=VOCABULARY)
    set_random_seed(3)
    assert b == text.generate(model, "x", 100, vocabulary=VOCABULARY)


def test_a_longer_text_begins_like_a_shorter_one():
    model = writer(spread=1.0)
    texts = [text.generate(model, "x", n, seed=1, vocabulary=VOCABULARY) for n in (0, 1, 63, 200)]
    assert [len(t) for t in texts] == [0, 1, 63, 200]
    assert all(texts[-1].startswith(t) for t in texts)


def test_the_unknown_token_is_never_written():
    model = writer()
    model.layers[-1].bias.assign(np.where(np.arange(len(VOCABULARY)) == 0, 50.0, 0.0))
    for temperature in (0, 1):
        written = text.generate(model, "q", 200, temperature, vocabulary=VOCABULARY)
        assert VOCABULARY.unknown not in written


@pytest.mark.parametrize("length", [1, 2, 5, 70])
def test_stops_end_the_text_wherever_the_pieces_do(length):
    model = writer(spread=1.0)
    whole = text.generate(model, "x", 400, seed=4, vocabulary=VOCABULARY)
    for at in (0, CHUNK - length, CHUNK - 1, CHUNK, 3 * CHUNK - 1):
        stop = whole[at : at + length] if at >= 0 else whole[:length]
        short = text.generate(
            model, "x", 400, seed=4, stop=["\N{SNOWMAN}", stop], vocabulary=VOCABULARY
        )
        assert short == whole[: whole.find(stop)]
    same = text.generate(model, "x", 400, seed=4, stop="\N{SNOWMAN}" * 9, vocabulary=VOCABULARY)
    assert same == whole


def test_options_out_of_range_are_refused():
    model = writer()
    for option, message in (
        ({"temperature": -1}, "temperature: expected a number >= 0"),
        ({"temperature": float("nan")}, "temperature"),
        ({"top_k": 0}, "top_k: expected a whole number >= 1"),
        ({"top_p": 0}, "top_p: expected a number from 0 to 1, not 0"),
        ({"top_p": 1.5}, "top_p"),
        ({"n": -1}, "n: expected a whole number >= 0"),
        ({"seed": -1}, "seed"),
        ({"stop": ""}, "stop: expected texts that are not empty"),
    ):
        with pytest.raises(ValueError, match=message):
            text.generate(model, "a", **{"vocabulary": VOCABULARY, **option})


def test_models_that_cannot_write_are_refused():
    with pytest.raises(ValueError, match="has no vocabulary: give vocabulary="):
        text.generate(writer(), "a")
    with pytest.raises(ValueError, match="expected 3 outputs"):
        text.generate(writer(), "a", vocabulary=text.CharacterVocabulary(["a", "b"]))
    model = writer()
    model.layers[-1].bias.assign(np.full(len(VOCABULARY), np.nan))
    with pytest.raises(FloatingPointError, match="NaN or infinite"):
        text.generate(model, "a", vocabulary=VOCABULARY)
    arrays = (np.zeros((28, 8), "f4"), np.zeros(28, "f4"), np.zeros(1), np.zeros(1, np.int64))
    one, two = writer().stream(), writer().stream(2)
    with pytest.raises(ValueError, match="out of its range"):
        _core.sample(one, *arrays, top_p=0)
    with pytest.raises(ValueError, match="batch of 1"):
        _core.sample(two, *arrays)
