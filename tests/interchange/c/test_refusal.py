"""What has no C form is an error that names layer and option, and leaves no file."""

from functools import partial

import numpy as np
import pytest
from c_models import STEPS, WHOLE, chain, over

from lstmcore import Input, Model, Sequential, layers
from lstmcore.interchange.c.reading import program_of


def attention():
    x = Input((None, 4))
    return Model(x, layers.MultiHeadAttention(2, 2, name="heads")(x, x))


def two_outputs():
    x = Input((None, 4))
    return Model(x, [layers.Dense(2)(x), layers.Dense(3)(x)])


def initial_state():
    x = Input((None, 4))
    h = layers.Dense(3)(layers.LSTM(4)(x))
    return Model(x, layers.GRU(3, name="second")(x, initial_state=h))


def two_directions():
    x = Input((None, 4))
    both = layers.Bidirectional(layers.LSTM(3), merge_mode=None, name="b")(x)
    return Model(x, layers.Add()(both))


class Own(layers.Dense):
    """A user's layer."""

    def forward(self, x, grad=False):
        return x, None


def masked_sequences():
    rest = [layers.Embedding(5, 3, mask_zero=True), layers.LSTM(3, return_sequences=True)]
    return Sequential([Input((None,)), *rest])


REFUSED = {
    r"layer 'heads' \(MultiHeadAttention\)": attention,
    r"layer 'own' \(Own\) has no C form": partial(chain, partial(Own, 3, name="own")),
    r"one input and one output in C, got 1 and 2": two_outputs,
    r"layer 'second' \(GRU\): initial_state= in its call": initial_state,
    r"layer 'c' \(Conv1D\) has no C form": partial(chain, over("Conv1D", 3, 2, name="c")),
    r"layer 'd' \(Dense\): activation='gelu' has no C form": partial(
        chain, over("Dense", 3, "gelu", name="d")
    ),
    r"layer 'l' \(LSTM\): activation='silu' has no C form": partial(
        chain, over("LSTM", 3, "swish", name="l")
    ),
    r"layer 'b' \(Bidirectional\): more than one output": two_directions,
    r"layer 'm' \(Masking\) has no C form": partial(chain, over("Masking", name="m")),
    r"layer 'n' \(LayerNormalization\): axis=\[1, 2\]": lambda: Sequential(
        [Input((4, 3)), layers.LayerNormalization((1, 2), name="n")]
    ),
    r"mask_zero=True with an output for every step": masked_sequences,
    r"dtype='float64'": partial(chain, over("LSTM", 3, dtype="float64")),
    r"has no weights yet": lambda: Sequential([layers.Dense(3)]),
}


@pytest.mark.parametrize("message", REFUSED)
def test_models(message, tmp_path):
    with pytest.raises(ValueError, match=message):
        REFUSED[message]().export(tmp_path / "m.c", max_steps=5)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": "3d"}, "name: expected a word of letters, digits and _, got '3d'"),
        ({"weights": "int4"}, "weights: expected 'float32' or 'int8', got 'int4'"),
        ({"arithmetic": "fast"}, "arithmetic: expected 'plain' or 'fma', got 'fast'"),
        ({"max_steps": 5}, "max_steps: expected None, for the model goes step by step"),
        ({"calibrate": np.zeros((1, 3, 5))}, "calibrate: expected None, for weights='float32'"),
    ],
)
def test_options(options, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        STEPS["lstm"]().export(tmp_path / "m.c", **options)
    assert not list(tmp_path.iterdir())


def test_max_steps(tmp_path):
    with pytest.raises(ValueError, match="max_steps: expected the number of steps"):
        WHOLE["both"]().export(tmp_path / "m.c")
    with pytest.raises(ValueError, match="max_steps: expected 30, got 20"):
        WHOLE["forecaster"]().export(tmp_path / "m.c", max_steps=20)


def test_an_unknown_option_is_named(tmp_path):
    with pytest.raises(TypeError, match="stateful"):
        STEPS["lstm"]().export(tmp_path / "m.c", stateful=True)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_weights_that_are_not_finite(bad, tmp_path):
    model = STEPS["lstm"]()
    model.weights[0].assign(np.full(model.weights[0].shape, bad))
    with pytest.raises(ValueError, match=r"lstm.*kernel: expected finite weights"):
        model.export(tmp_path / "m.c")


def test_a_weight_that_is_not_written_is_an_error(monkeypatch):
    """As for an emitter that forgets its bias."""
    from lstmcore.interchange.c import simple, table

    monkeypatch.setitem(table.FORMS, layers.Dense, simple.nothing)
    with pytest.raises(ValueError, match="weights 'kernel', 'bias' have no C form"):
        program_of(chain(over("LSTM", 3), over("Dense", 3)), "float32")


def test_names_that_collide(tmp_path):
    model = chain(over("Dense", 3, name="a-b"), over("Dense", 3, name="a_b"))
    model.export(tmp_path / "m.c")
    assert "m_a_b_2_kernel" in (tmp_path / "m.c").read_text()
    model = chain(over("Dense", 3, name="a"), over("Dense", 3, name="a_kernel"))
    with pytest.raises(ValueError, match="got 'a_kernel' twice"):
        model.export(tmp_path / "m.c")


def test_equal_models_give_equal_files(tmp_path):
    model = STEPS["lstm"]()
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        model.export(tmp_path / name / "m.c")
    texts = [(tmp_path / name / "m.c").read_text() for name in ("one", "two")]
    assert texts[0] == texts[1]
