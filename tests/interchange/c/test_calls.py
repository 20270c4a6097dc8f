"""States, numbers that are too small, tokens that are not there: what a file does besides bits."""

import re

import numpy as np
import pytest
from c_files import bits, compiled, forced_isa, needs_compiler, randomized
from c_models import STEPS, chain, over

import lstmcore

pytestmark = needs_compiler


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    models = {name: randomized(STEPS[name]()) for name in ("lstm", "last", "gru", "tokens")}
    folder = tmp_path_factory.mktemp("c")
    return models, compiled(models, folder, flags=["-O2"]), folder


def test_interleaved_states_are_separate(files):
    models, c, _ = files
    draws = np.random.default_rng(0)
    count, steps = 1000, 12
    x = draws.standard_normal((count, steps, 5)).astype(np.float32)
    floats = int(re.search(r"LSTM_STATE_BYTES (\d+)", (files[2] / "lstm.h").read_text())[1]) // 4
    states = np.full((count, floats), np.nan, np.float32)
    for state in states:
        c["lstm"].reset(state)
    y = np.empty((count, steps, 4), np.float32)
    at = np.zeros(count, int)
    for row in draws.permutation(np.repeat(np.arange(count), steps)):
        y[row, at[row]] = c["lstm"].step(x[row, at[row]], states[row])
        at[row] += 1
    with forced_isa("base"):
        assert np.array_equal(bits(y), bits(models["lstm"].predict(x, verbose=0)))


def test_the_state_is_all_memory(files):
    """Nothing behind M_STATE_BYTES is written."""
    _, c, folder = files
    for name in ("lstm", "last", "gru"):
        size = int(re.search(r"_STATE_BYTES (\d+)", (folder / f"{name}.h").read_text())[1]) // 4
        state = c[name].new_state()
        c[name].reset(state)
        for _ in range(3):
            c[name].step(np.ones(5, np.float32), state)
        assert np.isnan(state[size:]).all()
        assert not np.isnan(state[:size]).any()


def test_reset_begins_anew(files):
    _, c, _ = files
    x = np.random.default_rng(2).standard_normal((20, 5)).astype(np.float32)
    assert np.array_equal(c["gru"].steps(x), c["gru"].steps(x))


def test_chunks_of_a_feed(files):
    models, c, _ = files
    x = np.random.default_rng(2).standard_normal((20, 5)).astype(np.float32)
    with forced_isa("base"):
        wanted = models["last"].predict(x[None], verbose=0)
    assert np.array_equal(c["last"].feed(x, 1), wanted)
    assert np.array_equal(c["last"].steps(x)[-1:], wanted)


def test_a_feed_of_no_rows_writes_none(files):
    _, c, _ = files
    assert np.isnan(c["last"].feed(np.zeros((0, 5)), 1)).all()


@pytest.mark.parametrize("token", [-1, 17, 2**31 - 1, -(2**31)])
def test_a_token_beyond_the_table_is_zeros(files, token):
    _, c, _ = files
    found = []
    for one in (token, 17):
        c["tokens"].reset()
        found.append(c["tokens"].step(one))
    assert np.isfinite(found).all()
    assert np.array_equal(*found)


def test_small_numbers(tmp_path):
    """The kernels take numbers without an exponent for 0, and so does the file."""
    lstmcore.utils.set_random_seed(3)
    models = {}
    for kind in ("LSTM", "GRU", "SimpleRNN"):
        models[kind] = chain(over(kind, 6, return_sequences=True), over("Dense", 3, "tanh"))
        for weight in models[kind].weights:
            if "bias" in weight.name:
                weight.assign(np.zeros(weight.shape, np.float32))
    files = compiled(models, tmp_path)
    for kind, model in models.items():
        for size in (1e-38, 1e-42, 1e-30):
            x = size * np.random.default_rng(3).standard_normal((50, 5)).astype(np.float32)
            y = files[kind].steps(x)
            with forced_isa("base"):
                wanted = model.predict(x[None], verbose=0)[0]
            # The kernels flush every product, the file what comes of a sum: nearly 0, of any sign.
            near = 0 if kind != "SimpleRNN" or size < 1e-31 else 1e-6
            np.testing.assert_allclose(y, wanted, rtol=near, atol=1e-36)


def test_inputs_that_are_too_small_are_0(tmp_path):
    """However large what they are multiplied with."""
    model = chain(over("Dense", 3))
    model.layers[0].kernel.assign(np.full((5, 3), 1e6, np.float32))
    x = np.full((2, 5), 1e-39, np.float32)
    y = compiled({"zeros": model}, tmp_path)["zeros"].steps(x)
    with forced_isa("base"):
        assert np.array_equal(y, model.predict(x[None], verbose=0)[0])
    assert not y.any()


def test_large_numbers_and_nan(files):
    models, c, _ = files
    x = np.array([[1e30, -1e30, 3, np.inf, -np.inf], [np.nan, 0, 0, 0, 0]], np.float32)
    with forced_isa("base"):
        wanted = models["lstm"].predict(x[None, :1], verbose=0)[0]
    y = c["lstm"].steps(x)
    assert np.array_equal(np.isnan(y[:1]), np.isnan(wanted))
    assert np.isnan(y[1]).any()


def test_what_the_header_says(files):
    import hashlib

    models, _, folder = files
    text = (folder / "tokens.h").read_text()
    weights = b"".join(w.astype("<f4").tobytes() for w in models["tokens"].get_weights())
    assert f'TOKENS_SHA256 "{hashlib.sha256(weights).hexdigest()}"' in text
    assert f'TOKENS_VERSION "{lstmcore.__version__}"' in text
    assert "#define TOKENS_INPUTS 1\n#define TOKENS_OUTPUTS 11\n" in text
