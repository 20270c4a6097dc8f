"""Wrapper and Pipeline."""

import numpy as np
import pytest
from gradients import check_backward
from helpers import numbers

from lstmcore import Input, Model, Sequential, load_model
from lstmcore.layers import (
    LSTM,
    Concatenate,
    Dense,
    Dropout,
    Embedding,
    Layer,
    Masking,
    Pipeline,
    Rescaling,
    TimeDistributed,
    Wrapper,
    registry,
)
from lstmcore.registry import custom_objects


class Residual(Wrapper):
    """As Keras has it: `call`, which is derived."""

    def call(self, x):
        return x + 3 * self.layer(x)


class Doubled(Wrapper):
    """With a backward function of its own."""

    def compute_output_shape(self, input_shape):
        return self.layer.compute_output_shape(input_shape)

    def forward(self, x, grad=False):
        y, back, _ = self.layer.run(x, grad)
        return 2 * y, (lambda dy, need_dx=True: back(2 * dy, need_dx=need_dx)) if grad else None


@pytest.mark.parametrize("cls", [Residual, Doubled])
def test_a_wrapper_of_one_s_own(cls, tmp_path):
    x = numbers(4, 3)
    layer = cls(Dense(3, name="inside"), dtype="float64")
    y = layer(x)
    inner = x @ layer.layer.kernel.value + layer.layer.bias.value
    np.testing.assert_allclose(y, x + 3 * inner if cls is Residual else 2 * inner, rtol=1e-12)
    assert [p.name for p in layer.weights] == ["kernel", "bias"]
    check_backward(layer, x)
    model = Sequential([Input((3,)), cls(Dense(3)), Dense(1)])
    model.compile("sgd", "mse")
    model.fit(x, x[:, :1], verbose=0)
    model.save(tmp_path / "m.safetensors")
    with custom_objects({cls.__name__: cls}):
        loaded = load_model(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), model.predict(x, verbose=0))


def test_a_wrapper_of_nothing_but_a_layer():
    with pytest.raises(ValueError, match="layer: expected a layer, got 3"):
        Residual(3)
    with pytest.raises(NotImplementedError, match=r"\(Wrapper\): write call"):
        Wrapper(Dense(2))(numbers(2, 3))
    assert isinstance(TimeDistributed(Dense(2)), Wrapper)


def test_a_pipeline_is_its_layers_in_turn(tmp_path):
    x = numbers(3, 5, 2).astype("float32")
    x[1, 2:] = 0
    layers = [Masking(), Dense(4, "tanh"), LSTM(3, return_sequences=True)]
    pipeline = Pipeline(layers, name="row")
    y, _, mask = pipeline.run(x, False, None) if pipeline(x) is not None else ()
    step = x
    for layer in layers:
        step = layer(step)
    np.testing.assert_array_equal(y, step)
    np.testing.assert_array_equal(mask, (x != 0).any(axis=-1))
    model = Sequential([Input((5, 2)), pipeline, Dense(1)])
    model.save(tmp_path / "m.safetensors")
    loaded = load_model(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), model.predict(x, verbose=0))
    assert [layer.name for layer in loaded.get_layer("row").layers] == [la.name for la in layers]


def test_a_pipeline_trains_and_drops():
    x = numbers(8, 5, 3)
    pipeline = Pipeline([Dropout(0.5, seed=1), Dense(2)], dtype="float64")
    assert (pipeline(x, training=True) != pipeline(x)).any()
    check_backward(Pipeline([Dense(3), LSTM(2)], dtype="float64"), numbers(2, 4, 3))
    ids = np.array([[1, 2, 0]])
    assert Pipeline([Embedding(4, 2), Dense(3)])(ids).shape == (1, 3, 3)
    start = Input((5, 3))
    model = Model(start, Dense(1)(Pipeline([Dense(3), LSTM(2)])(start)))
    model.compile("adam", "mse")
    losses = model.fit(x, x[:, 0, :1], epochs=5, verbose=0).history["loss"]
    assert losses[-1] < losses[0]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Pipeline([]), "layers: expected a list of at least one layer"),
        (lambda: Pipeline([Dense(2), 3]), "layers: expected layers, got 3"),
        (lambda: Pipeline([Concatenate()]), "layers: expected layers of one input and one output"),
        (lambda: Pipeline([Rescaling(1.0, name="a")] * 2), "layers: expected names that differ"),
    ],
)
def test_what_is_no_pipeline(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_wrapper_is_no_layer_of_a_file():
    assert Wrapper not in registry.classes()
    assert issubclass(Wrapper, Layer)
