"""The model file: everything comes back, to the bit; training goes on; writing is whole."""

import os
import stat

import numpy as np
import pytest

from lstmcore import Input, Sequential, initializers, layers, load_model, losses, metrics, utils
from lstmcore.activations import Activation
from lstmcore.layers import LSTM, Dense, Dropout, Layer
from lstmcore.optimizers import SGD, Adam, RMSprop
from lstmcore.utils import set_random_seed

X = np.random.default_rng(1).standard_normal((20, 5, 2)).astype(np.float32)
Y = X.sum((1, 2))


def trained(optimizer="adam", loss="mse", metrics=("mae",), dtype=None):
    model = Sequential(
        [
            Input((5, 2)),
            LSTM(4, return_sequences=True, kernel_initializer=initializers.HeNormal(seed=3)),
            Dropout(0.2),
            LSTM(3, use_bias=False),
            Dense(1),
        ],
        dtype=dtype,
    )
    model.compile(optimizer, loss, metrics=list(metrics))
    model.fit(X, Y, epochs=2, verbose=0)
    return model


def same_weights(a, b):
    for x, y in zip(a.get_weights(), b.get_weights(), strict=True):
        assert x.dtype == y.dtype
        np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize(
    "optimizer",
    [
        SGD(0.01),
        SGD(0.01, 0.9, nesterov=True),
        RMSprop(centered=True, momentum=0.5),
        Adam(amsgrad=True, clipnorm=1.0),
    ],
    ids=repr,
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_training_goes_on_exactly(tmp_path, optimizer, dtype):
    model = trained(type(optimizer).from_config(optimizer.get_config()), dtype=dtype)
    model.save(tmp_path / "m.safetensors")
    again = load_model(tmp_path / "m.safetensors")
    same_weights(model, again)
    np.testing.assert_array_equal(model.predict(X), again.predict(X))
    assert again.get_config() == model.get_config()
    assert again.optimizer.get_config() == model.optimizer.get_config()
    histories = []
    for m in (model, again):
        set_random_seed(4)
        histories.append(m.fit(X, Y, epochs=3, verbose=0, validation_split=0.2).history)
    assert histories[0] == histories[1]
    same_weights(model, again)


def test_without_compile(tmp_path):
    model = trained()
    model.save(tmp_path / "m")
    again = load_model(tmp_path / "m", compile=False)
    same_weights(model, again)
    assert not again.compiled
    plain = Sequential([Input((5, 2)), LSTM(3)])
    plain.save(tmp_path / "m")
    again = load_model(tmp_path / "m")
    assert not again.compiled
    same_weights(plain, again)


def test_compiled_but_not_trained(tmp_path):
    model = Sequential([Input((5, 2)), LSTM(3), Dense(1)])
    model.compile(
        Adam(0.5), losses.MeanSquaredError("sum"), metrics=[metrics.BinaryAccuracy(threshold=1)]
    )
    model.save(tmp_path / "m")
    again = load_model(tmp_path / "m")
    assert again.optimizer.learning_rate == 0.5
    assert again.evaluate(X, Y, verbose=0) == model.evaluate(X, Y, verbose=0)


def test_a_model_in_a_model(tmp_path):
    inner = Sequential([LSTM(3, return_sequences=True), LSTM(2)], name="inner")
    model = Sequential([Input((5, 2)), inner, Dense(1)])
    model.compile("rmsprop", "mse")
    model.fit(X, Y, verbose=0)
    model.save(tmp_path / "m")
    again = load_model(tmp_path / "m")
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    assert again.layers[0].get_config() == inner.get_config()


def test_a_model_built_by_its_data_and_frozen_layers(tmp_path):
    model = Sequential([LSTM(3), Dense(2), Dense(1)])
    model.compile("adam", "mse")
    model.fit(X, Y, verbose=0)
    model.layers[1].trainable = False  # the optimizer's arrays are laid out for other weights
    model.save(tmp_path / "m")
    again = load_model(tmp_path / "m")
    assert again.input_shape == model.input_shape == (None, 5, 2)
    assert not again.layers[1].trainable
    for m in (model, again):
        m.fit(X, Y, verbose=0, shuffle=False)
    same_weights(model, again)
    assert again.predict(X[:, :3]).shape == (20, 1)


def test_the_file_is_plain_safetensors(tmp_path):
    from safetensors import safe_open

    model = trained()
    model.save(tmp_path / "m.safetensors")
    with safe_open(tmp_path / "m.safetensors", framework="np") as file:
        names = set(file.keys())
        lstm = model.layers[0]
        np.testing.assert_array_equal(
            file.get_tensor(f"weights/{lstm.name}/recurrent_kernel"), lstm.get_weights()[1]
        )
        assert file.metadata()["format"] == "lstmcore/1"
    assert {name for name in names if name.startswith("optimizer/")} == {
        "optimizer/momentum",
        "optimizer/velocity",
    }
    assert len(names) == len(model.weights) + 2


def test_saving_twice_gives_the_same_model_and_leaves_nothing_beside(tmp_path):
    model = trained()
    model.save(tmp_path / "a")
    load_model(tmp_path / "a").save(tmp_path / "b")
    same_weights(load_model(tmp_path / "b"), model)
    assert sorted(os.listdir(tmp_path)) == ["a", "b"]


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    model = trained()
    path = tmp_path / "m"
    model.save(path)
    before = path.read_bytes()

    def broken(*args):
        raise OSError("disk full")

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(OSError, match="disk full"):
        model.save(path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["m"]


def test_overwrite_and_bad_names(tmp_path):
    model = trained()
    model.save(tmp_path / "m")
    with pytest.raises(FileExistsError, match="overwrite is False"):
        model.save(tmp_path / "m", overwrite=False)
    with pytest.raises(ValueError, match="names another format"):
        model.save(tmp_path / "m.h5")
    with pytest.raises(FileNotFoundError, match="no folder"):
        model.save(tmp_path / "nowhere" / "m")
    with pytest.raises(FileNotFoundError, match="no file"):
        load_model(tmp_path / "nothing")
    with pytest.raises(ValueError, match="has no weights yet"):
        Sequential([LSTM(2)]).save(tmp_path / "n")


@pytest.mark.skipif(os.name != "posix", reason="modes and links are POSIX's")
def test_the_file_has_the_usual_mode_and_links_are_followed(tmp_path):
    model = trained()
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real" / "m")
    old = os.umask(0o022)
    try:
        model.save(tmp_path / "link")
    finally:
        os.umask(old)
    assert (tmp_path / "link").is_symlink()
    assert stat.S_IMODE((tmp_path / "real" / "m").stat().st_mode) == 0o644
    same_weights(load_model(tmp_path / "link"), model)


def test_two_weights_of_one_name_are_an_error(tmp_path):
    class Twice(Dense):
        def build(self, input_shape):
            super().build(input_shape)
            self.more = self.add_weight((3,), "ones", name="bias")

    model = Sequential([Input((2,)), Twice(2, name="d")])
    with pytest.raises(ValueError, match="two weights are named 'd/bias'"):
        model.save(tmp_path / "m")


class Scale(Layer):
    """A layer that the library does not know."""

    def __init__(self, by=2.0, **kwargs):
        super().__init__(**kwargs)
        self.by = by

    def forward(self, x, training=False):
        return x * self.by, lambda dy, need_dx=True: dy * self.by


def squared(y, p):
    return ((p - y) ** 2).sum(-1), 2 * (p - y)


def worst(y, p):
    return np.abs(y - p).max()


def test_things_of_the_users_own_need_his_leave(tmp_path):
    cube = Activation("cube", lambda x: x**3, lambda dy, x, y: 3 * x * x * dy)
    model = Sequential([Input((5, 2)), LSTM(3), Scale(by=3.0), Dense(1, activation=cube)])
    model.compile("sgd", squared, metrics=[worst])
    model.fit(X, Y, verbose=0)
    path = tmp_path / "m"
    model.save(path)
    with pytest.raises(ValueError, match="unknown layer 'Scale'"):
        load_model(path)
    own = {"Scale": Scale, "cube": cube}
    with pytest.raises(ValueError, match="unknown loss 'squared'"):
        load_model(path, own)
    again = load_model(path, own | {"squared": squared, "worst": worst})
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    assert again.layers[1].by == 3.0
    assert again.evaluate(X, Y, verbose=0) == model.evaluate(X, Y, verbose=0)


def test_a_class_with_a_built_in_name_is_never_taken_for_it(tmp_path):
    class Attention(Scale):
        pass

    model = Sequential([Input((2,)), Attention(by=3.0), Dense(1)])
    model.save(tmp_path / "m")
    x = np.ones((4, 2), np.float32)
    with pytest.raises(ValueError, match=r"unknown layer 'Custom>Attention'.*'Attention': Att"):
        load_model(tmp_path / "m")
    again = load_model(tmp_path / "m", {"Attention": Attention})
    np.testing.assert_array_equal(again.predict(x), model.predict(x))
    assert type(again.layers[0]) is Attention
    utils.register_keras_serializable()(Attention)
    try:
        assert type(load_model(tmp_path / "m").layers[0]) is Attention
        assert type(layers.get("Attention")) is layers.Attention
    finally:
        utils.get_custom_objects().clear()


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_no_numbers_are_read_only_on_request(tmp_path, value):
    model = Sequential([Input((5, 2)), LSTM(3)])
    weights = model.get_weights()
    weights[0][1, 2] = value
    model.set_weights(weights)
    with pytest.warns(UserWarning, match="have NaN or infinities"):
        model.save(tmp_path / "m")
    with pytest.raises(ValueError, match="has NaN or infinities"):
        load_model(tmp_path / "m")
    same_weights(load_model(tmp_path / "m", allow_nonfinite=True), model)


def test_what_is_not_compiled_need_not_be_known(tmp_path):
    def own(y_true, y_pred):
        return ((y_true - y_pred) ** 2).mean(axis=-1)

    model = trained(loss=own, metrics=(own,))
    model.save(tmp_path / "m")
    with pytest.raises(ValueError, match="unknown loss 'own'"):
        load_model(tmp_path / "m")
    again = load_model(tmp_path / "m", compile=False)
    assert not again.compiled
    np.testing.assert_array_equal(again.predict(X), model.predict(X))


def test_a_lambda_is_given_again(tmp_path):
    model = Sequential([Input((5, 2)), layers.Lambda(lambda x: 2 * x), LSTM(3)])
    model.save(tmp_path / "m")
    with pytest.raises(ValueError, match=r"a lambda is in no file; .*custom_objects={'<lambda>'"):
        load_model(tmp_path / "m")
    again = load_model(tmp_path / "m", {"<lambda>": lambda x: 2 * x})
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
