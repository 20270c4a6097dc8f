"""Graphs of this library's own: the same model, or none."""

import json

import numpy as np
import onnx
import pytest
from layer_zoo import ZOO
from onnx import numpy_helper

from lstmcore import Input, Model, Sequential, layers, load_model
from lstmcore.interchange.onnx.exporting import model_bytes
from lstmcore.interchange.onnx.own_graph import own_model
from lstmcore.utils import set_random_seed


def proto_of(model, **options):
    return onnx.load_from_string(model_bytes(model, **options))


def small():
    set_random_seed(1)
    x = Input((None,), dtype="int32", name="x")
    h = layers.Embedding(7, 4, mask_zero=True)(x)
    h = layers.Dropout(0.3)(layers.Bidirectional(layers.LSTM(3, return_sequences=True))(h))
    h = layers.BatchNormalization()(h)
    return Model(x, {"y": layers.Dense(2, "softmax")(layers.GRU(4)(h))}, name="m")


def same(model, other):
    assert model.get_config() == other.get_config()
    for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("options", [{}, {"opset": 20}, {"padding": "trailing"}], ids=str)
def test_it_is_the_same_model(options):
    model = small()
    same(model, own_model(proto_of(model, metadata={"more": "1"}, **options)))


def test_models_without_an_input():
    set_random_seed(1)
    model = Sequential([layers.LSTM(3, variant="peephole"), layers.Dense(2)])
    x = np.ones((2, 4, 3), "float32")
    y = model.predict(x, verbose=0)
    found = own_model(proto_of(model))
    same(model, found)
    np.testing.assert_array_equal(found.predict(x, verbose=0), y)


def test_the_door_gives_the_same_model(tmp_path):
    model, path = small(), tmp_path / "m.onnx"
    model.export(path)
    same(model, load_model(path))
    other = Sequential([Input((None, 3)), layers.GRU(2)])
    other.export(path, lengths=True)
    assert len(load_model(path).inputs) == 2  # read as any other graph


@pytest.mark.slow
def test_every_layer():
    lost = []
    for name, ones in ZOO.items():
        for i, one in enumerate(ones):
            arrays = one.inputs("float32")
            inputs = [Input(x.shape[1:], dtype=str(x.dtype)) for x in arrays]
            layer = one.make()
            if name == "InputLayer":
                continue
            model = Model(inputs, layer(inputs if len(inputs) > 1 else inputs[0]))
            try:
                proto = proto_of(model)
            except ValueError:  # refused: see exporting/test_exporting.py
                continue
            found = own_model(proto)
            if found is None:
                lost.append(f"{name}-{i}")
            else:
                same(model, found)
    # weights that no graph has: the layer's other table, and kernels before their division
    spectral = {f"SpectralNormalization-{i}" for i in range(3)}
    assert set(lost) == {"ReversibleEmbedding-1", *spectral}


# -- what is not believed --------------------------------------------------------------------------


def test_other_inputs_are_another_model():
    model = Sequential([Input((None, 3)), layers.LSTM(3)])
    assert own_model(proto_of(model, lengths=True)) is None
    assert own_model(proto_of(model, stateful=True)) is None


def node_changed(proto):
    node = next(n for n in proto.graph.node if n.op_type == "LSTM")
    for attribute in node.attribute:
        if attribute.name == "activations":
            attribute.strings[0] = b"HardSigmoid"


def weight_added(proto):
    proto.graph.initializer.append(numpy_helper.from_array(np.ones(3, "float32"), "more"))


def weight_of_another_shape(proto):
    kernel = next(t for t in proto.graph.initializer if t.name == "gru/W")
    kernel.dims[0], kernel.dims[1] = kernel.dims[1], kernel.dims[0]


def constant_changed(proto):
    epsilon = next(n for n in proto.graph.node if n.op_type == "BatchNormalization")
    epsilon.attribute[0].f = 0.5


def output_renamed(proto):
    proto.graph.output[0].name = "z"


CHANGES = (node_changed, weight_added, weight_of_another_shape, constant_changed, output_renamed)


@pytest.mark.parametrize("change", CHANGES)
def test_a_graph_that_was_changed_is_not(change):
    model = small()
    for layer in model.layers:
        layer.name = layer.name.rstrip("_0123456789")
    proto = proto_of(model)
    assert own_model(proto) is not None
    change(proto)
    assert own_model(proto) is None


def test_weights_that_were_changed_are_taken():
    model = small()
    proto = proto_of(model)
    for tensor in proto.graph.initializer:
        if tensor.name.endswith("embeddings"):
            table = numpy_helper.to_array(tensor) * 2
            tensor.CopyFrom(numpy_helper.from_array(table, tensor.name))
    np.testing.assert_array_equal(own_model(proto).get_weights()[0], 2 * model.get_weights()[0])


LARGE = {"class_name": "Dense", "config": {"units": 1 << 20}}
CONFIGS = {
    "none": None,
    "a_list": [],
    "no_options": {"model": {}},
    "other_options": {"options": {"opset": 17, "more": 1}},
    "wrong_options": {"options": {"opset": "x"}},
    "no_model": {"options": {}, "model": {"class_name": "os.system"}, "input_shape": [None, 3]},
    "too_large": {
        "options": {},
        "model": {"class_name": "Sequential", "config": {"layers": [LARGE]}},
        "input_shape": [None, 1 << 20],
    },
}


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_texts_of_others_are_no_models(config):
    proto = proto_of(Sequential([Input((3,)), layers.Dense(2)]))
    onnx.helper.set_model_props(proto, {"lstmcore": json.dumps(config)})
    assert own_model(proto) is None


def test_no_text_is_no_model():
    proto = proto_of(Sequential([Input((3,)), layers.Dense(2)]))
    for text in (None, "", "{", "[" * 100_000, "{}" + " " * (1 << 20)):
        del proto.metadata_props[:]
        if text is not None:
            onnx.helper.set_model_props(proto, {"lstmcore": text})
        assert own_model(proto) is None
