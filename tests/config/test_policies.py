"""Policies: their types, how layers and models come to theirs, and what is refused."""

import copy
import json
import pickle
import warnings
import zipfile

import numpy as np
import pytest

import lstmcore
from lstmcore import Input, Model, Sequential, config, layers
from lstmcore.config import policies
from lstmcore.layers.base import recreate

pytestmark = pytest.mark.usefixtures("default_settings")
MIXED = "mixed_bfloat16"
X = np.random.default_rng(0).normal(size=(4, 5, 3)).astype(np.float32)


def types(layer):
    """The name of a layer's policy, and the types that Keras's layer has, too."""
    policy = layer.dtype_policy
    assert (policy.compute_dtype, policy.variable_dtype) == (
        layer.compute_dtype,
        layer.variable_dtype,
    )
    return policy.name, layer.compute_dtype, layer.variable_dtype


@pytest.mark.usefixtures("with_products")
@pytest.mark.parametrize(
    ("name", "computes", "stores"),
    [
        ("float32", "float32", "float32"),
        ("float64", "float64", "float64"),
        (MIXED, "bfloat16", "float32"),
    ],
)
def test_a_policy_has_two_types(name, computes, stores):
    policy = config.DTypePolicy(name)
    assert (policy.name, policy.compute_dtype, policy.variable_dtype) == (name, computes, stores)
    assert policy.quantization_mode is None
    assert repr(policy) == f'<DTypePolicy "{name}">'
    assert policy == config.DTypePolicy(name)
    assert policy != config.DTypePolicy("float64" if name == MIXED else MIXED)
    assert len({policy, config.DTypePolicy(name)}) == 1
    assert config.DTypePolicy.from_config(policy.get_config()) == policy
    assert pickle.loads(pickle.dumps(policy)) == copy.deepcopy(policy) == policy
    assert types(layers.Dense(2, dtype=policy)) == (name, computes, stores)


@pytest.mark.usefixtures("with_products")
@pytest.mark.parametrize(
    "given",
    [
        MIXED,
        config.DTypePolicy,
        {"class_name": "DTypePolicy", "config": {"name": MIXED}},
        {  # as Keras 3 writes it
            "module": "keras",
            "class_name": "DTypePolicy",
            "config": {"name": MIXED},
            "registered_name": None,
        },
    ],
)
def test_a_layer_takes_a_name_a_policy_or_a_config(given):
    given = given(MIXED) if isinstance(given, type) else given
    assert policies.get(given).name == MIXED
    layer = layers.LSTM(3, dtype=given)
    assert layer.dtype == "float32"  # that of weights, as in Keras
    assert types(layer) == (MIXED, "bfloat16", "float32")
    assert layer.get_config()["dtype"] == MIXED
    for again in (
        layers.LSTM.from_config(layer.get_config()),
        copy.deepcopy(layer),
        pickle.loads(pickle.dumps(layer)),
        recreate(layer),
        layers.Bidirectional(layer).backward_layer,
    ):
        assert types(again) == (MIXED, "bfloat16", "float32")


def test_the_default_is_that_of_the_process(with_products):
    config.set_dtype_policy(MIXED)
    assert config.DTypePolicy().name == policies.get(None).name == MIXED
    layer, rest = layers.Dense(2), layers.Dense(1, dtype="float32")
    config.set_dtype_policy("float32")
    assert config.floatx() == "float32"
    model = Sequential([Input((3,)), layer, rest])
    assert types(layer)[0] == MIXED  # what held when it was made
    assert types(rest)[0] == types(model)[0] == types(layers.Dense(2))[0] == "float32"
    assert {w.value.dtype for w in model.weights} == {np.dtype("f4")}
    assert [entry["config"]["dtype"] for entry in model.get_config()["layers"][1:]] == [
        MIXED,
        "float32",
    ]


def nested_layers(model):
    return {layer.name: types(layer)[0] for _, layer in lstmcore.inspection.inner_layers(model)}


@pytest.mark.usefixtures("with_products")
def test_a_model_s_policy_is_that_of_layers_that_state_none():
    inner = Sequential([layers.Dense(3, name="inner")], name="sequential_inside")
    model = Sequential(
        [
            Input((5, 3)),
            layers.Bidirectional(layers.GRU(2, return_sequences=True), name="both"),
            layers.RNN(layers.LSTMCell(4, name="cell"), return_sequences=True, name="rnn"),
            layers.TimeDistributed(inner, name="steps"),
            layers.Dense(1, dtype="float32", name="last"),
        ],
        dtype=MIXED,
    )
    found = nested_layers(model)
    assert found.pop("last") == "float32"
    assert {"inner", "cell", "both"} < found.keys()
    assert set(found.values()) == {MIXED}
    assert types(model) == (MIXED, "bfloat16", "float32")
    assert Sequential.from_config(model.get_config()).dtype_policy.name == MIXED
    model.add(layers.Dense(2, name="more"))
    assert nested_layers(model)["more"] == MIXED


class Own(lstmcore.Model):
    """A model of one's own, whose layers state nothing."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.lstm = layers.LSTM(2)
        self.attention = layers.MultiHeadAttention(1, 2)

    def call(self, x):
        return self.lstm(self.attention(x, x))


@pytest.mark.usefixtures("with_products")
def test_layers_of_users_models_and_parts_of_layers_have_the_policy_around_them():
    model = Own(dtype=MIXED)
    model.build((None, 5, 3))
    found = nested_layers(model)
    assert len(found) > 4  # with the projections of the attention
    assert set(found.values()) == {MIXED}


@pytest.mark.usefixtures("with_products")
def test_the_policy_of_a_layer_can_be_set():
    layer = layers.Dense(2)
    layer.dtype_policy = "float64"
    layer.dtype_policy = "float32"
    layer(X)
    before = layer.get_weights()
    layer.dtype_policy = MIXED
    assert types(layer) == (MIXED, "bfloat16", "float32")
    assert all(np.array_equal(a, b) for a, b in zip(before, layer.get_weights(), strict=True))
    with pytest.raises(ValueError, match="dtype_policy: expected a policy of float32 weights"):
        layer.dtype_policy = "float64"
    with pytest.raises(ValueError, match="dtype_policy: expected 'mixed_bfloat16' or 'float32'"):
        layer.dtype_policy = "mixed_float16"
    layer.dtype_policy = config.DTypePolicy("float32")
    assert types(layer)[0] == layer.get_config()["dtype"] == "float32"


@pytest.mark.usefixtures("with_products")
def test_types_of_weights_do_not_mix():
    with pytest.raises(ValueError, match="dtype: expected float64, as the model has, got float32"):
        Sequential([Input((3,)), layers.Dense(2, dtype=MIXED)], dtype="float64")
    x = Input((3,))
    y = layers.Dense(2, dtype=MIXED)(x)
    assert Model(x, y).layers[-1].dtype_policy.name == MIXED
    with pytest.raises(ValueError, match=r"dtype: expected .*layers of a graph have their own"):
        Model(x, y, dtype=MIXED)
    with pytest.raises(ValueError, match="dtype: expected 'float32', 'float64', whole numbers or"):
        Input((3,), dtype=MIXED)


REFUSED = [
    ("mixed_float16", "'mixed_bfloat16' or 'float32': float16 ends at 65504"),
    ("float16", "'mixed_bfloat16' or 'float32': weights of float16"),
    ("bfloat16", "'mixed_bfloat16' or 'float32': weights of bfloat16"),
    ("int8_from_float32", "'float32', and then the model"),
    ("floaty", "'float32', 'float64' or 'mixed_bfloat16'"),
]


@pytest.mark.parametrize(("name", "instead"), REFUSED)
def test_policies_that_are_not_here_are_refused_with_advice(name, instead):
    told = f": expected {instead}.*, got '{name}'$"
    with pytest.raises(ValueError, match=f"^DTypePolicy: name{told}"):
        config.DTypePolicy(name)
    with pytest.raises(ValueError, match=f"^set_dtype_policy: policy{told}"):
        config.set_dtype_policy(name)
    with pytest.raises(ValueError, match=rf"^layer '\w+' \(GRU\): dtype{told}"):
        layers.GRU(3, dtype=name)
    assert config.dtype_policy().name == "float32"


def test_what_is_no_policy_is_refused():
    with pytest.raises(ValueError, match=r"DTypePolicy: name: expected a policy, .* got \[1\]"):
        policies.get([1])
    quantized = {
        "class_name": "QuantizedDTypePolicy",
        "config": {"mode": "int8", "source_name": "x"},
    }
    with pytest.raises(ValueError, match="got 'int8_from_x'"):
        policies.get(quantized)


def test_a_cpu_without_dot_products_says_so(without_products):
    told = r": expected 'float32': this CPU has no dot products of bfloat16 \(AVX512-BF16, AMX or "
    with pytest.raises(ValueError, match=f"^set_dtype_policy: policy{told}"):
        config.set_dtype_policy(MIXED)
    with pytest.raises(ValueError, match=rf"^layer '\w+' \(LSTM\): dtype{told}"):
        layers.LSTM(2, dtype=MIXED)
    with pytest.raises(ValueError, match=rf"^layer '\w+' \(Sequential\): dtype{told}"):
        Sequential([layers.LSTM(2)], dtype=MIXED)
    assert lstmcore._core.isa() in policies.instead_of(MIXED)


def mixed_model():
    inner = layers.Bidirectional(layers.GRU(2, return_sequences=True))
    rest = [layers.LayerNormalization(), layers.LSTM(3), layers.Dense(1, dtype="float32")]
    return Sequential([Input((5, 3)), inner, *rest], dtype=MIXED)


@pytest.mark.usefixtures("with_products")
@pytest.mark.parametrize("name", ["model.safetensors", "model.keras"])
def test_files_keep_policies(name, tmp_path, monkeypatch):
    model = mixed_model()
    model.save(tmp_path / name)
    loaded = lstmcore.load_model(tmp_path / name)
    wanted = [types(layer)[0] for layer in model.layers]
    assert [types(layer)[0] for layer in loaded.layers] == wanted == [MIXED] * 3 + ["float32"]
    assert types(loaded.layers[0].backward_layer)[0] == MIXED
    monkeypatch.setattr(policies, "bfloat16_products", lambda: None)
    with pytest.warns(UserWarning, match="'mixed_bfloat16'.* is computed in float32"):
        without = lstmcore.load_model(tmp_path / name)
    assert {types(layer)[0] for layer in without.layers} == {"float32"}
    assert types(without.layers[0].backward_layer)[0] == "float32"
    plain = Sequential.from_config(policies.computable(model.get_config(), warn=False))
    plain.set_weights(model.get_weights())
    assert np.array_equal(without.predict(X, verbose=0), plain.predict(X, verbose=0))
    if name == "model.safetensors":  # weights alone have no policy, and nothing is said of one
        plain.set_weights([0 * w for w in plain.get_weights()])
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            plain.load_weights(tmp_path / name)
        assert np.array_equal(without.predict(X, verbose=0), plain.predict(X, verbose=0))


@pytest.mark.usefixtures("with_products")
def test_a_policy_is_written_as_keras_has_it(tmp_path):
    mixed_model().save(tmp_path / "model.keras")
    with zipfile.ZipFile(tmp_path / "model.keras") as file:
        written = json.loads(file.read("config.json"))["config"]["layers"]
    assert written[0]["config"]["dtype"] == "float32"  # of the input
    policy = {
        "module": "keras",
        "class_name": "DTypePolicy",
        "config": {"name": MIXED},
        "registered_name": None,
    }
    both = written[1]["config"]
    assert (
        both["dtype"] == both["layer"]["config"]["dtype"] == written[2]["config"]["dtype"] == policy
    )
    assert written[-1]["config"]["dtype"] == {**policy, "config": {"name": "float32"}}
