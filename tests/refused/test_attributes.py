"""Attributes of Keras's objects: they are here, or refused with what to use instead.

Keras's are frozen in tests/keras/data/keras_public.json.
"""

import copy
import pickle

import numpy as np
import pytest
from keras_numbers import keras_numbers

import lstmcore
from lstmcore import Input, Model, Sequential, callbacks, layers
from lstmcore.refused.attributes import entries, told

PUBLIC = keras_numbers("public")["attributes"]


def model():
    made = Sequential([Input((3, 4)), layers.LSTM(2), layers.Dense(1)])
    made.compile("adam", "mse")
    return made


def made(name):
    """An object of a class such as "layers.LSTM", built and called in a graph."""
    module, cls = name.split(".")
    if module == "callbacks":
        return getattr(callbacks, cls)(*["name"] * (cls == "ModelCheckpoint"))
    if module == "models":
        whole = model()
        return whole if cls == "Sequential" else Model(whole.input, whole.output)
    entry = getattr(getattr(lstmcore, module), cls)
    arguments = {"LSTM": [2], "GRU": [2], "Dense": [2], "LSTMCell": [2], "Embedding": [3, 2]}
    inner = {"Bidirectional": layers.LSTM(2), "RNN": layers.LSTMCell(2)}
    layer = entry(*([inner[cls]] if cls in inner else arguments.get(cls, [])))
    if module == "layers" and cls not in ("Layer", "LSTMCell"):
        layer(Input((3,) if cls in ("Dense", "Embedding") else (3, 4)))
    return layer


@pytest.mark.parametrize("name", PUBLIC)
def test_every_attribute_of_keras_is_here_or_refused(name):
    found, lacking = made(name), []
    for attribute in PUBLIC[name].split():
        if name in ("layers.Layer", "layers.LSTMCell") and attribute in ("input", "output"):
            continue  # of a layer in a graph
        if not hasattr(found, attribute):
            advice = told(type(found), attribute)
            if advice is None:
                lacking.append(attribute)
                continue
            with pytest.raises(AttributeError) as error:
                getattr(found, attribute)
            assert str(error.value) == f"{type(found).__name__} has no {attribute!r}: {advice}"
    assert not lacking


OBJECTS = {
    "layer": layers.Dense(1),
    "model": model(),
    "optimizer": lstmcore.optimizers.Adam(),
    "metric": lstmcore.metrics.Mean(),
    "initializer": lstmcore.initializers.Ones(),
}


def test_nothing_is_refused_that_is_here():
    stale = [(kind, name) for kind, name, _ in entries() if hasattr(OBJECTS[kind], name)]
    assert not stale, "take them out of lstmcore/refused/attributes.py"
    assert len(entries()) > 40


def test_other_attributes_are_plainly_absent():
    with pytest.raises(AttributeError, match=r"^'Dense' object has no attribute 'unit'"):
        _ = layers.Dense(1).unit
    with pytest.raises(AttributeError, match="has no 'parameters': read weights"):
        _ = model().parameters
    assert not hasattr(layers.Dense(1), "parameters")  # that is of models


def test_a_property_s_own_error_is_the_one_that_is_raised():
    with pytest.raises(AttributeError, match="was never called in a graph"):
        _ = layers.Dense(1).output


def test_objects_are_copied_and_pickled_as_before():
    dense = layers.Dense(2)
    dense.build((None, 3))
    for again in (copy.copy(dense), copy.deepcopy(dense), pickle.loads(pickle.dumps(dense))):
        assert again.units == 2


def test_dtypes():
    layer = layers.Dense(1, dtype="float64")
    assert (layer.compute_dtype, layer.variable_dtype) == ("float64", "float64")
    assert layer.dtype_policy.name == "float64"
    assert layers.LSTM(2).compute_dtype == "float32"


def test_compile_configs():
    whole = model()
    other = Sequential([Input((3, 4)), layers.LSTM(2), layers.Dense(1)])
    assert other.get_compile_config() is None
    other.compile_from_config(whole.get_compile_config())
    assert other.get_compile_config() == whole.get_compile_config()
    assert type(other.optimizer) is lstmcore.optimizers.Adam
    assert other.optimizer.iterations == 0


@pytest.mark.parametrize(("cls", "count"), [("LSTM", 2), ("GRU", 1), ("SimpleRNN", 1)])
def test_initial_states(cls, count):
    states = getattr(layers, cls)(5).get_initial_state(3)
    assert [s.shape for s in states] == [(3, 5)] * count
    assert not any(s.any() for s in states)


def test_a_monitor_of_one_s_own():
    class Doubled(callbacks.EarlyStopping):
        def get_monitor_value(self, logs):
            return 2 * logs["loss"]

    whole = model()
    stop = Doubled("nothing", patience=1, mode="min")
    history = whole.fit(np.ones((8, 3, 4)), np.ones(8), epochs=3, verbose=0, callbacks=[stop])
    assert stop.best == pytest.approx(2 * min(history.history["loss"]))
    assert callbacks.EarlyStopping("loss").get_monitor_value({"loss": 0.5}) == 0.5
