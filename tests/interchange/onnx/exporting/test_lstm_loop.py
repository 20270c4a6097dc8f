"""LSTMs that are no node of ONNX's: their steps as the body of a Scan."""

import numpy as np
import onnx
import pytest
from onnx_exports import SEQUENCES as X
from onnx_exports import attributes, checked, exported, of_one, refused_by_name, same

from lstmcore import Input, Model, Sequential, layers, load_model
from lstmcore.interchange.onnx.exporting import model_bytes
from lstmcore.structure import flatten
from lstmcore.utils import set_random_seed

EVERY = {"return_sequences": True, "return_state": True}
OPTIONS = {
    "projected": {"projection": 2},
    "wider": {"projection": 7, "use_bias": False, "activation": "gelu"},
    "both": {"layer_norm": True},
    "both, projected": {"layer_norm": True, "projection": 3, "use_bias": False},
    "sum": {"layer_norm": "sum", "peephole": True, "cell_clip": 0.5},
    "sum, coupled": {"layer_norm": "sum", "variant": "CIFG", "layer_norm_epsilon": 0.1},
    "no input gate": {"variant": "NIG", "projection": 2, "output_activation": "softsign"},
    "no forget gate": {"variant": "NFG", "peephole": False, "layer_norm": "sum"},
    "no output gate": {"variant": "NOG", "recurrent_activation": "hard_sigmoid"},
    "no activations": {"variant": "NIAF", "cell_clip": 0.3, "output_activation": "linear"},
    "full gate recurrence": {"variant": "FGR"},
    "unbounded output": {"variant": "NOAF", "cell_clip": 0.4},
}
every_option = pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)


def loops(model, **options):
    """The Scans of its graph."""
    proto = checked(onnx.load_from_string(model_bytes(model, **options)))
    return [n for n in proto.graph.node if n.op_type == "Scan"]


def check(layer, count=1, x=X):
    model = of_one(layer)
    assert len(loops(model)) == count
    same(exported(model).run([x]), flatten([model.predict(x, verbose=0)]))
    return model


@every_option
def test_outputs_are_the_layers(options):
    check(layers.LSTM(5, **options, **EVERY))


@pytest.mark.slow
@pytest.mark.parametrize("opset", [18, onnx.defs.onnx_opset_version() - 3])
@every_option
def test_at_other_opsets(options, opset):
    model = of_one(layers.LSTM(5, go_backwards=True, **options))
    same(exported(model, opset=opset).run([X]), [model.predict(X, verbose=0)])


@pytest.mark.parametrize("padding", ["any", "trailing"])
@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("options", [OPTIONS["both, projected"], {"variant": "FGR"}])
def test_masks_and_initial_states(options, backwards, padding):
    """Also of rows in which every step is masked: they keep the states they begin with."""
    set_random_seed(1)
    P = options.get("projection", 5)
    widths = (P, 5, 15) if "variant" in options else (P, 5)
    x, *states = Input((None, 4)), *(Input((n,)) for n in widths)
    lstm = layers.LSTM(5, go_backwards=backwards, **options, **EVERY)
    model = Model([x, *states], list(lstm(layers.Masking()(x), initial_state=states)))
    values = np.array(X)
    values[1, 4:] = values[2] = 0
    if padding == "any":
        values[0, 0] = values[1, 2] = 0
    given = [values, *(X[:, k, :1].repeat(n, 1) for k, n in enumerate(widths))]
    graph = exported(model, padding=padding)
    same(graph.run(given), flatten([model.predict(given, verbose=0)]))


def test_both_directions():
    h = {"return_sequences": True}
    check(layers.Bidirectional(layers.LSTM(3, projection=2, **h)), 2)
    other = layers.LSTM(3, go_backwards=True, layer_norm=True)
    check(layers.Bidirectional(layers.LSTM(3, name="f"), "sum", backward_layer=other), 1)


def test_cells_and_stacks():
    check(layers.RNN(layers.LSTMCell(3, layer_norm="sum"), return_state=True))
    stack = [layers.LSTMCell(5, projection=2), layers.GRUCell(3), layers.LSTMCell(4, variant="FGR")]
    check(layers.RNN(stack, **EVERY), 2)


def test_the_streaming_form_has_states_of_both_widths():
    model = of_one(layers.LSTM(5, projection=2, layer_norm=True, return_sequences=True, name="l"))
    runner = exported(model, stateful=True).runner
    assert [(t.name, t.shape[1]) for t in runner.inputs[1:]] == [("l_h", 2), ("l_c", 5)]
    states, found = {"l_h": np.zeros((3, 2)), "l_c": np.zeros((3, 5))}, []
    for part in (X[:, :2], X[:, 2:]):
        out = runner.run({runner.inputs[0].name: part, **states})
        states = {name: out[f"{name}_out"] for name in states}
        found.append(out["l"])
    same([np.concatenate(found, axis=1)], [model.predict(X, verbose=0)])


@every_option
def test_a_file_is_the_very_model(tmp_path, options):
    model = Sequential([Input((None, 4)), layers.LSTM(5, **options), layers.Dense(2)])
    model.export(tmp_path / "m.onnx")
    again = load_model(tmp_path / "m.onnx")
    for one, other in zip(again.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert again.layers[0].get_config() == model.layers[0].get_config()


def test_the_epsilon_is_the_layers():
    (node,) = loops(of_one(layers.LSTM(3, layer_norm="sum", layer_norm_epsilon=0.25)))
    inner = [n for n in attributes(node)["body"].node if n.op_type == "LayerNormalization"]
    assert [attributes(n)["epsilon"] for n in inner] == [0.25] * 4


def test_an_activation_that_onnx_cannot_say_is_refused():
    layer = layers.LSTM(3, activation=lambda z: np.tanh(z), layer_norm=True, name="a")
    refused_by_name(of_one(layer), layer, "activation")
