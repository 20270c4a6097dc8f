"""`serialize_keras_object` and `deserialize_keras_object`: of every kind, there and back."""

import json

import numpy as np
import pytest

import lstmcore
from lstmcore import layers, losses, metrics, optimizers, saving
from lstmcore.saving import deserialize_keras_object, serialize_keras_object

OBJECTS = [
    layers.LSTM(3, kernel_regularizer="l2"),
    losses.Huber(2.0),
    losses.BinaryCrossentropy(from_logits=True),
    metrics.BinaryCrossentropy(from_logits=True),
    metrics.MeanAbsoluteError(name="m"),
    optimizers.Adam(optimizers.schedules.ExponentialDecay(0.1, 2, 0.3)),
    optimizers.schedules.CosineDecay(0.1, 10),
    lstmcore.initializers.RandomNormal(0.0, 0.2),
    lstmcore.regularizers.L1L2(0.1, 0.2),
    lstmcore.constraints.MaxNorm(3),
]


def round_trip(value):
    return deserialize_keras_object(json.loads(json.dumps(serialize_keras_object(value))))


@pytest.mark.parametrize("value", OBJECTS, ids=lambda v: type(v).__name__)
def test_objects(value):
    made = round_trip(value)
    assert type(made) is type(value)
    assert made is not value
    assert made.get_config() == value.get_config()


def test_a_model():
    model = lstmcore.Sequential([lstmcore.Input((4, 2)), layers.LSTM(3), layers.Dense(1)])
    made = round_trip(model)
    assert [w.shape for w in made.weights] == [w.shape for w in model.weights]
    assert made.layers[0].name == model.layers[0].name


@pytest.mark.parametrize("value", [losses.mse, lstmcore.activations.relu, metrics.binary_accuracy])
def test_functions(value):
    assert round_trip(value) is value


def test_plain_data():
    value = {"a": (1, 2.5, None), "b": ["x", True], "c": {"d": np.arange(6).reshape(2, 3)}}
    made = round_trip(value)
    assert np.array_equal(made["c"].pop("d"), np.arange(6).reshape(2, 3))
    assert made == {"a": (1, 2.5, None), "b": ["x", True], "c": {}}


class Plain:
    def __init__(self, factor):
        self.factor = factor

    def get_config(self):
        return {"factor": self.factor}


def test_a_class_of_the_user_s_own():
    described = serialize_keras_object(Plain(4))
    with pytest.raises(ValueError, match=r"unknown name 'Plain': give custom_objects="):
        deserialize_keras_object(described)
    assert deserialize_keras_object(described, {"Plain": Plain}).factor == 4
    with saving.custom_object_scope({"Plain": Plain}):
        assert deserialize_keras_object(described).factor == 4


def test_a_registered_class_is_named_by_its_package():
    registered = saving.register_keras_serializable("mine")(type("Mine", (Plain,), {}))
    described = serialize_keras_object(registered(5))
    assert described["registered_name"] == "mine>Mine" == saving.get_registered_name(registered)
    made = deserialize_keras_object(described)
    assert type(made) is registered
    assert made.factor == 5
    for key in ("mine>Mine", "Mine"):
        assert saving.get_custom_objects().pop(key) is registered


def test_a_name_of_two_kinds_needs_its_module():
    with pytest.raises(ValueError, match=r"'Poisson' is a loss and a metric: expected 'module'"):
        deserialize_keras_object({"class_name": "Poisson", "config": {}})
    for module, kind in (("keras.losses", losses.Poisson), ("lstmcore.metrics", metrics.Poisson)):
        config = {"class_name": "Poisson", "config": {}, "module": module}
        assert isinstance(deserialize_keras_object(config), kind)


def test_what_keras_writes():
    config = {
        "module": "keras.layers",
        "class_name": "Dense",
        "config": {"units": 3, "activation": "relu"},
        "registered_name": None,
    }
    assert deserialize_keras_object(config).units == 3


def test_what_is_no_object_is_refused():
    with pytest.raises(TypeError, match="cannot be part of a config"):
        serialize_keras_object(object())
    with pytest.raises(ValueError, match="expected a name"):
        deserialize_keras_object({"class_name": 3})


def test_layers_have_serialize_and_deserialize():
    dense = layers.Dense(3, name="d")
    made = layers.deserialize(layers.serialize(dense))
    assert made.get_config() == dense.get_config()
    own = type("Own", (layers.Dense,), {})
    with pytest.raises(ValueError, match="unknown layer 'Own'"):
        layers.deserialize(layers.serialize(own(2)))
    assert isinstance(layers.deserialize(layers.serialize(own(2)), {"Own": own}), own)
