"""The settings of the process: default dtypes reach layers and models, and no others are taken."""

import io

import numpy as np
import pytest

import lstmcore
from lstmcore import config, layers, ops
from lstmcore.callbacks.progress import ProgbarLogger, progress

pytestmark = pytest.mark.usefixtures("default_settings")


X = np.random.default_rng(0).normal(size=(4, 5, 3))


def test_floatx_is_float32():
    assert config.floatx() == config.dtype_policy().name == "float32"
    assert layers.LSTM(2)(X).dtype == np.float32


def sequential():
    return lstmcore.Sequential([layers.LSTM(2), layers.Dense(1)])


def functional():
    inputs = lstmcore.Input((5, 3))
    return lstmcore.Model(inputs, layers.Dense(1)(layers.LSTM(2)(inputs)))


def nested():
    return lstmcore.Sequential([layers.Bidirectional(layers.GRU(2)), sequential_of_one()])


def sequential_of_one():
    return lstmcore.Sequential([layers.Dense(1)])


@pytest.mark.parametrize("make", [sequential, functional, nested])
@pytest.mark.parametrize("setter", [config.set_floatx, config.set_dtype_policy])
def test_the_default_dtype_is_that_of_new_models(make, setter):
    setter("float64")
    model = make()
    setter("float32")  # the model that was made keeps what held then
    assert model.predict(X, verbose=0).dtype == np.float64
    assert {w.value.dtype for w in model.weights} == {np.dtype("f8")}
    assert make().predict(X, verbose=0).dtype == np.float32


@pytest.mark.parametrize(
    "make",
    [
        lambda: layers.LSTM(2),
        lambda: layers.LSTMCell(2),
        lambda: layers.RNN(layers.SimpleRNNCell(2)),
        lambda: layers.Dense(2),
        lambda: layers.TimeDistributed(layers.Dense(2)),
        lambda: layers.LayerNormalization(),
        lambda: layers.Softmax(),
    ],
)
def test_layers_alone_have_the_default_dtype_too(make):
    config.set_floatx("float64")
    layer = make()
    config.set_floatx("float32")
    x = X[:, 0] if isinstance(layer, layers.LSTMCell) else X
    y = layer(x, layer.get_initial_state(4))[0] if x.ndim == 2 else layer(x)
    assert y.dtype == np.float64


def test_what_states_a_dtype_keeps_it():
    config.set_floatx("float64")
    assert layers.LSTM(2, dtype="float32")(X).dtype == np.float32
    inputs = lstmcore.Input((5, 3), dtype="float32")
    model = lstmcore.Model(inputs, layers.Dense(1)(layers.LSTM(2)(inputs)[:, :1] * 2))
    assert model.predict(X, verbose=0).dtype == np.float32


def test_a_saved_model_keeps_its_dtype(tmp_path):
    model = sequential()
    wanted = model.predict(X, verbose=0)
    model.save(tmp_path / "m.safetensors")
    config.set_floatx("float64")
    loaded = lstmcore.load_model(tmp_path / "m.safetensors").predict(X, verbose=0)
    assert loaded.dtype == np.float32
    assert np.array_equal(loaded, wanted)


def test_the_policy_goes_before_floatx():
    config.set_dtype_policy(config.DTypePolicy("float64"))
    assert config.floatx() == "float32"
    policy = config.dtype_policy()
    assert (policy.name, policy.compute_dtype, policy.variable_dtype) == ("float64",) * 3
    assert layers.Dense(1)(X).dtype == np.float64


@pytest.mark.parametrize("setter", ["set_floatx", "set_dtype_policy"])
@pytest.mark.parametrize("value", ["float16", "mixed_float16", "bfloat16", np.int32, None, 3, "x"])
def test_other_dtypes_are_refused(setter, value):
    with pytest.raises(ValueError, match=rf"^{setter}: \w+: expected '.*float32'.*, got "):
        getattr(config, setter)(value)
    assert config.dtype_policy().name == "float32"


def test_numpy_s_types_are_taken():
    config.set_floatx(np.float64)
    assert config.floatx() == "float64"


def test_fixed_settings_take_what_they_are_and_refuse_the_rest():
    assert config.epsilon() == lstmcore.losses.EPSILON == 1e-7
    config.set_epsilon(1e-7)
    with pytest.raises(ValueError, match=r"set_epsilon: value: expected 1e-07, .* got 0.001"):
        config.set_epsilon(1e-3)
    assert config.image_data_format() == "channels_last"
    config.set_image_data_format("channels_last")
    with pytest.raises(ValueError, match="expected 'channels_last', got 'channels_first'"):
        config.set_image_data_format("channels_first")
    assert config.backend() == "numpy"
    assert not config.is_traceback_filtering_enabled()
    config.disable_traceback_filtering()


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("verbose", ["auto", 1])
def test_without_interactive_logging_there_is_no_bar(verbose):
    (shown,) = progress(verbose, Terminal())
    assert isinstance(shown, ProgbarLogger)
    lstmcore.utils.disable_interactive_logging()
    assert not lstmcore.utils.is_interactive_logging_enabled()
    (shown,) = progress(verbose, Terminal())
    assert not isinstance(shown, ProgbarLogger)
    lstmcore.utils.enable_interactive_logging()
    (shown,) = progress(verbose, Terminal())
    assert isinstance(shown, ProgbarLogger)
    assert len(progress(verbose, io.StringIO())) == 1  # a file gets plain lines, as before


class Own(lstmcore.Model):
    """A model of one's own, with numbers that ops make."""

    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(3)

    def call(self, x):
        return ops.sum(self.dense(x) * ops.array([0.1, 0.2, 0.3]) + ops.ones((3,)) / 3, axis=1)


def test_users_own_models_and_ops_have_the_default_dtype():
    config.set_floatx("float64")
    assert ops.zeros((2,)).dtype == ops.array([0.1]).dtype == ops.mean([1, 2]).dtype == np.float64
    assert ops.arange(0.0, 1.0, 0.1).dtype == ops.cast(1, float).dtype == np.float64
    assert ops.arange(3).dtype == np.int32
    model = Own()
    y = model.predict(X, verbose=0)
    assert y.dtype == np.float64
    kernel, bias = model.get_weights()
    wanted = ((X @ kernel + bias) * [0.1, 0.2, 0.3] + 1 / 3).sum(1)
    np.testing.assert_allclose(y, wanted, rtol=1e-13)  # nothing was rounded to float32
    config.set_floatx("float32")
    assert ops.zeros((2,)).dtype == ops.array([0.1]).dtype == np.float32
    assert model.predict(X, verbose=0).dtype == np.float64
