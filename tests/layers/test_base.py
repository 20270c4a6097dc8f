"""What all layers have: configs, names, copies, weights, a layer of the user's own, refusals."""

import copy
import pickle

import numpy as np
import pytest
from gradients import check_backward
from helpers import numbers

from lstmcore import Sequential, initializers, layers, load_model
from lstmcore.layers import GRU, LSTM, Bidirectional, Dense, Dropout, InputLayer, Layer

# -- configs, names, copies ----------------------------------------------------------------


@pytest.mark.parametrize(
    "layer",
    [
        LSTM(3, return_sequences=True, kernel_initializer=initializers.HeNormal(seed=2)),
        LSTM(3, use_bias=False, trainable=False, name="mine", dtype="float64"),
        Dense(2, "softmax", bias_initializer="ones", input_shape=(3,)),
        Dropout(0.3, seed=1),
        InputLayer((None, 3)),
    ],
)
def test_config_round_trip(layer):
    config = layer.get_config()
    again = type(layer).from_config(config)
    assert again.get_config() == config
    assert set(config) == set(type(layer).arguments) - set(layer.init_only)
    assert repr(again) == repr(layer)
    other = layers.get({"class_name": type(layer).__name__, "config": config})
    assert other.get_config() == config


def test_config_is_what_the_layer_is_now():
    layer = Dense(2)
    layer.trainable = False
    assert layer.get_config()["trainable"] is False
    assert layer.get_config()["name"] == layer.name


def test_a_layer_of_the_users_own():
    class Scale(Layer):
        def __init__(self, start=1.0, **kwargs):
            super().__init__(**kwargs)
            self.start = start

        def build(self, input_shape):
            self.factor = self.add_weight(
                (), lambda shape, dtype: np.full(shape, self.start), name="factor"
            )

        def forward(self, x, training=False):
            def back(dy, need_dx=True):
                self.factor.grad[...] += (dy * x).sum()
                return dy * self.factor.value

            return x * self.factor.value, back if training else None

    layer = Scale(3.0, name="s", dtype="float64")
    check_backward(layer, numbers(2, 3))
    assert layer.get_config() == {
        "start": 3.0,
        "name": "s",
        "dtype": "float64",
        "trainable": True,
        "activity_regularizer": None,
        "input_shape": None,
    }
    with pytest.raises(TypeError, match="Scale has no argument 'strat': did you mean 'start'"):
        Scale(strat=2)


def test_automatic_names_count_up():
    first, second = Dropout(0.1).name, Dropout(0.1).name
    assert first.startswith("dropout")
    number = int(first.rpartition("_")[2]) if "_" in first else 0
    assert second == f"dropout_{number + 1}"


@pytest.mark.parametrize("make_copy", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies_have_weights_of_their_own(make_copy):
    layer, x = LSTM(3, name="one"), numbers(2, 3, 2)
    y = layer(x)
    other = make_copy(layer)
    np.testing.assert_array_equal(other(x), y)
    other.set_weights([0 * w for w in other.get_weights()])
    np.testing.assert_array_equal(layer(x), y)
    assert other.name == "one"


def test_set_weights_changes_all_or_nothing():
    layer = LSTM(3)
    layer(np.zeros((1, 1, 2)))
    before = layer.get_weights()
    with pytest.raises(ValueError, match=r"weight 'bias': expected shape \(12,\), got \(3,\)"):
        layer.set_weights([before[0] + 1, before[1] + 1, np.zeros(3)])
    with pytest.raises(ValueError, match="expected 3 arrays, got 2"):
        layer.set_weights(before[:2])
    for a, b in zip(before, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


# -- what layers refuse --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: LSTM(3, retrun_sequences=True), TypeError, "did you mean 'return_sequences'"),
        (lambda: LSTM(3, dropout=1.2), ValueError, "dropout: expected a number from 0 to below 1"),
        (lambda: LSTM(3, zoneout_c=-0.1), ValueError, "zoneout_c: expected a number from 0"),
        (lambda: LSTM(3, droput=0.2), TypeError, "did you mean 'dropout'"),
        (lambda: LSTM(3, seed=-1), ValueError, "seed: expected an int"),
        (lambda: LSTM(3, activation="softpuls"), ValueError, "unknown activation 'softpuls'"),
        (lambda: LSTM(3, variant="CIFGG"), ValueError, "variant: expected one of vanilla"),
        (lambda: LSTM(3, variant="NP", peephole=True), ValueError, "peephole: expected False"),
        (lambda: LSTM(3, cell_clip=0), ValueError, "cell_clip: expected a number > 0"),
        (lambda: GRU(3, variant="NIG"), TypeError, "GRU has no argument 'variant'"),
        (lambda: LSTM(0), ValueError, "units: expected a whole number from 1"),
        (lambda: LSTM(2.5), ValueError, "units: expected a whole number from 1"),
        (lambda: LSTM(True), ValueError, "units: expected a whole number from 1"),
        (lambda: LSTM(1 << 40), ValueError, "units: expected a whole number from 1"),
        (lambda: Dense("8"), ValueError, "units: expected a whole number from 1"),
        (lambda: Dense(2, activation="relo"), ValueError, "activation 'relo': did you mean 'relu'"),
        (lambda: Dense(2, dtype="float16"), ValueError, "dtype: expected 'mixed_bfloat16' or"),
        (lambda: Dense(2, dtype="real"), ValueError, "dtype: expected 'float32', 'float64' or"),
        (lambda: Dense(2, name="a/b"), ValueError, "name: expected a str without '/'"),
        (lambda: Dense(2, input_shape=(0,)), ValueError, "input_shape: expected a whole number"),
        (lambda: Dropout(1.5), ValueError, "rate: expected a number from 0 to 1"),
        (lambda: Dropout(0.5, seed=-1), ValueError, "seed: expected an int"),
        (lambda: layers.get("LSTN"), ValueError, "unknown layer 'LSTN': did you mean 'LSTM'"),
        (lambda: layers.get(3), TypeError, "expected a layer"),
    ],
)
def test_constructors_refuse(make, error, message):
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize(
    ("layer", "x", "error", "message"),
    [
        (LSTM(2, name="l"), np.ones((3, 4)), ValueError, r"'l' \(LSTM\): x: expected .*time, 5\)"),
        (LSTM(2), np.ones((3, 4, 6)), ValueError, r"got shape \(3, 4, 6\)"),
        (Dense(2), np.ones((3, 4)), ValueError, r"\(batch, ..., 5\), got shape \(3, 4\)"),
        (Dense(2), np.ones(5), ValueError, "expected an array of shape"),
        (LSTM(2), np.ones((0, 4, 5)), ValueError, "at least one number"),
        (LSTM(2), np.full((2, 3, 5), "a"), TypeError, "real numbers, got an array of dtype <U1"),
        (LSTM(2), np.full((2, 3, 5), None), TypeError, "dtype object"),
        (LSTM(2), np.ones((2, 3, 5), complex), TypeError, "dtype complex128"),
        (LSTM(2), np.ones((2, 3, 5), "M8[s]"), TypeError, "dtype datetime64"),
        (LSTM(2), [[[1] * 5, [1]]] * 2, ValueError, "inhomogeneous"),
    ],
)
def test_layers_refuse(layer, x, error, message):
    layer(np.ones((2, 3, 5) if isinstance(layer, LSTM) else (2, 5)))
    with pytest.raises(error, match=message):
        layer(x)


def test_a_layer_that_computes_nothing_is_told_what_it_lacks():
    class Twice(layers.Layer):
        pass

    with pytest.raises(NotImplementedError, match=r"\(Twice\): write call\(self, x\)"):
        Twice()(np.zeros((1, 2)))


# -- the shape with its batch axis -----------------------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [
        lambda **kwargs: LSTM(3, **kwargs),
        lambda **kwargs: Dense(3, **kwargs),
        lambda **kwargs: Bidirectional(LSTM(3), **kwargs),
        lambda **kwargs: Bidirectional(LSTM(3, **kwargs)),
    ],
)
def test_the_batch_size_of_a_first_layer_stays(make, tmp_path):
    layer = make(batch_input_shape=(2, None, 4))
    assert layer.input_shape == (2, None, 4)
    assert type(layer).from_config(layer.get_config()).input_shape == (2, None, 4)
    model = Sequential([layer, Dense(1)])
    assert model.input_shape == model.input.shape == (2, None, 4)
    assert model.output_shape[0] == 2
    model.save(tmp_path / "m.safetensors")
    for again in (copy.deepcopy(model), load_model(tmp_path / "m.safetensors")):
        assert again.input_shape == (2, None, 4)
    assert make(batch_input_shape=(None, 5, 4)).input_shape == (5, 4)
    assert make(input_shape=(5, 4)).input_shape == (5, 4)


@pytest.mark.parametrize("shape", [5, (), (0, 3, 4), "ab", (2,)])
def test_other_batch_input_shapes_are_refused(shape):
    with pytest.raises((TypeError, ValueError), match=r"_shape: expected"):
        LSTM(3, batch_input_shape=shape)


def test_an_input_layer_has_its_shape_and_its_symbol():
    layer = InputLayer((5, 3), batch_size=2)
    assert layer.batch_shape == (2, 5, 3)
    assert layer.output is layer.input
    assert layer.output.shape == (2, 5, 3)
    assert InputLayer(batch_shape=(None, 4)).batch_shape == (None, 4)
