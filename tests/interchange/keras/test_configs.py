"""Configs of layers: what is not known is an error that names the layer."""

import json

import pytest

from lstmcore.models import model_from_json


def text(class_name, version="2.2.4", **config):
    shape = {"batch_input_shape": [None, 5, 3], "name": "first"}
    layers = [{"class_name": class_name, "config": {**shape, **config}}]
    whole = {"class_name": "Sequential", "config": {"name": "m", "layers": layers}}
    return json.dumps({**whole, "keras_version": version})


@pytest.mark.parametrize(
    ("class_name", "config", "words"),
    [
        ("LSTM", {"units": 2, "peepholes": True}, r"layer 'first': LSTM has no argument"),
        ("LSTM", {"units": 2, "time_major": True}, r"layer 'first' \(LSTM\): time_major: expected"),
        ("Conv2D", {"filters": 2}, r"layer 'first': there is no layer 'Conv2D' here"),
        ("Dense", {"units": 2, "lora_rank": 4}, r"'first' \(Dense\): lora_rank: expected None"),
        ("IntegerLookup", {"vocabulary": None}, r"'first' \(IntegerLookup\): vocabulary: it was"),
        (
            "Lambda",
            {"function": ["4wEA", None, None], "function_type": "lambda"},
            r"'first' \(Lambda\): its function is Python code in the file, which is never run",
        ),
    ],
)
def test_what_is_not_known_is_named(class_name, config, words):
    with pytest.raises(ValueError, match=words):
        model_from_json(text(class_name, **config))


def test_arguments_without_an_effect_are_left_out():
    dead = {"implementation": 2, "time_major": False, "lora_rank": None, "unroll": False}
    layer = model_from_json(text("LSTM", units=2, **dead)).layers[-1]
    assert (layer.name, layer.units) == ("first", 2)


def test_a_layer_that_computes_otherwise_than_in_keras_is_warned_of():
    inner = {"class_name": "Dense", "config": {"units": 2, "name": "inner"}}
    with pytest.warns(UserWarning, match=r"'first' \(SpectralNormalization\): its kernel is div"):
        model_from_json(text("SpectralNormalization", "3.15.1", layer=inner))


@pytest.mark.parametrize("start", ["[", '{"class_name":', '{"config":{"layers":['])
def test_configs_without_end_are_refused(start):
    with pytest.raises(ValueError, match="expected JSON"):
        model_from_json(start * 100_000)


def test_models_in_models_without_end_are_refused():
    start = '{"class_name":"Sequential","keras_version":"2.2.4","config":{"name":"s","layers":['
    with pytest.raises(ValueError, match="model_from_json"):
        model_from_json(start * 300 + "]}}" * 300)


def policy(name):
    return {"class_name": "DTypePolicy", "config": {"name": name}, "module": "keras"}


@pytest.mark.parametrize("name", ["mixed_float16", "bfloat16"])
def test_half_precision_is_computed_in_float32(name, with_products):
    given = text("LSTM", "3.15.1", units=2, dtype=policy(name))
    with pytest.warns(UserWarning, match=rf"'first' \(LSTM\): dtype: '{name}' is computed in"):
        model = model_from_json(given)
    assert model.layers[-1].dtype_policy.name == "float32"


def test_mixed_precision_is_kept_where_the_cpu_has_it(with_products):
    layers = [
        {"class_name": "InputLayer", "config": {"batch_shape": [None, 5, 3], "dtype": "bfloat16"}},
        {"class_name": "LSTM", "config": {"units": 2, "dtype": policy("mixed_bfloat16")}},
    ]
    whole = {"class_name": "Sequential", "config": {"name": "m", "layers": layers}}
    model = model_from_json(json.dumps({**whole, "keras_version": "3.15.1"}))
    assert model.layers[-1].dtype_policy.name == "mixed_bfloat16"
    assert model.dtype == model.layers[-1].dtype == "float32"


def test_mixed_precision_opens_in_float32_where_the_cpu_has_it_not(without_products):
    given = text("LSTM", "3.15.1", units=2, dtype=policy("mixed_bfloat16"))
    with pytest.warns(UserWarning, match=r"dtype: 'mixed_bfloat16' is computed in float32"):
        model = model_from_json(given)
    assert model.layers[-1].dtype_policy.name == "float32"
