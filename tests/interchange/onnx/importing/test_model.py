"""ONNX graphs as models of layers: genuine ones, every recurrent node, and what is refused."""

import contextlib
import time
import tracemalloc
from pathlib import Path

import numpy as np
import onnx
import pytest
from formulas import listed
from onnx import helper, numpy_helper
from onnx_graphs import (
    OUTPUTS,
    expected,
    frozen,
    model,
    mutated,
    random_arrays,
    random_case,
    recurrent,
)
from random_graphs import RandomGraph

import lstmcore
from lstmcore import Sequential, layers
from lstmcore.interchange.onnx.importing import model_of
from lstmcore.interchange.onnx.model_proto import read_proto
from lstmcore.models import AxesModel
from lstmcore.onnx import Runner

FILES = Path(__file__).parents[1] / "files"
TORCH, TF = frozen(FILES / "torch_graphs.npz"), frozen(FILES / "tf_graphs.npz")


def name_of(case):
    proto, feeds, _ = case
    return f"{proto.graph.name}-{'x'.join(map(str, next(iter(feeds.values())).shape))}"


def outputs(made, feeds):
    x = list(feeds.values())
    return listed(made.predict(x if len(x) > 1 else x[0], verbose=0))


def same(got, wanted, tolerance=3e-6):
    assert len(got) == len(wanted)
    for y, right in zip(got, wanted, strict=True):
        assert y.shape == right.shape
        np.testing.assert_allclose(y, right, rtol=tolerance, atol=tolerance)


def of_nodes(nodes, inputs, names=("y",), constants=None, **more):
    return model_of(read_proto(model(nodes, inputs, list(names), constants, **more)))


def node(kind, inputs, outputs="y", **attributes):
    return helper.make_node(kind, inputs.split(), outputs.split(), name=f"a {kind}", **attributes)


# -- graphs of exporters ---------------------------------------------------------------------------


@pytest.mark.parametrize("case", TORCH, ids=name_of)
def test_graphs_of_pytorch(case):
    proto, feeds, wanted = case
    made = model_of(read_proto(proto))
    if "time_first.dynamo" in proto.graph.name and len(feeds["x"]) != 5:
        with pytest.raises(ValueError, match=r"expected an array of shape \(batch, 5, 3\)"):
            outputs(made, feeds)  # the exporter has frozen the number of steps
        return
    same(outputs(made, feeds), wanted)


@pytest.mark.parametrize("case", [c for c in TF if "loop" not in c[0].graph.name], ids=name_of)
def test_graphs_of_tf2onnx(case):
    proto, feeds, wanted = case
    same(outputs(model_of(read_proto(proto)), feeds), wanted)


@pytest.mark.parametrize("case", [*TORCH, *TF], ids=name_of)
def test_the_runner_computes_the_same(case):
    proto, feeds, wanted = case
    frozen_time = "time_first.dynamo" in proto.graph.name and len(feeds["x"]) != 5
    if not frozen_time:
        same(list(Runner(proto).run(feeds).values()), wanted)


def of_name(cases, name):
    return next(case for case in cases if case[0].graph.name == name)


@pytest.mark.parametrize(
    ("cases", "name", "wanted"),
    [
        (TORCH, "bi_last.script", ["bidirectional_lstm", "bidirectional_lstm_1"]),
        (TORCH, "tokens.dynamo", ["embedding", "gru", "batch_normalization", "log_softmax"]),
        (TF, "backwards.17", ["get_item", "lstm"]),
        (TF, "repeated.12", ["lstm", "repeat_vector", "lstm_1", "dense"]),
        (TF, "convolutions.17", ["conv", "relu", "max_pooling", "lstm"]),
        (TF, "normalized.17", ["mul", "add", "gru"]),
        (TF, "bidirectional.12", ["bidirectional_lstm", "bidirectional_gru", "dense", "softmax"]),
    ],
)
def test_layers_are_those_that_were_meant(cases, name, wanted):
    proto, _, _ = of_name(cases, name)
    names = [layer.name for layer in model_of(read_proto(proto)).layers]
    assert [n for n in names if n in wanted] == wanted


def test_a_chain_is_a_sequential_that_streams_and_trains():
    proto, *_ = of_name(TF, "bidirectional.17")
    assert type(model_of(read_proto(proto))) is Sequential
    x = helper.make_node("Transpose", ["x"], ["xt"], perm=[1, 0, 2])
    arrays = random_arrays(np.random.default_rng(0), "LSTM", 1, names=("X", "W", "R", "B"))
    constants = {k: arrays[k] for k in "WRB"} | {"k": np.ones((3, 2), np.float32)}
    nodes = [
        x,
        helper.make_node("LSTM", ["xt", "W", "R", "B"], ["", "h"], hidden_size=3),
        helper.make_node("Gather", ["h", "zero"], ["last"], axis=0),
        helper.make_node("MatMul", ["last", "k"], ["z"]),
        helper.make_node("Add", ["two", "z"], ["y"]),
    ]
    constants |= {"zero": np.array(0), "two": np.array([1, 2], np.float32)}
    inputs = {"x": ("float32", ("batch", "time", 2))}
    made = of_nodes(nodes, inputs, constants=constants)
    assert [type(layer).__name__ for layer in made.layers] == ["LSTM", "Dense"]
    x = np.random.default_rng(1).normal(size=(8, 4, 2)).astype("float32")
    stream = made.stream(8)
    for t in range(4):
        y = stream.step(x[:, t])
    np.testing.assert_array_equal(y, made.predict(x, verbose=0))
    made.compile("adam", "mse")
    history = made.fit(x, np.ones((8, 2)), epochs=3, verbose=0).history["loss"]
    assert history[-1] < history[0]


def test_a_model_is_saved_and_loaded(tmp_path):
    for cases, name in ((TORCH, "time_first.script"), (TORCH, "packed.script"), (TF, "seq2seq.12")):
        proto, feeds, wanted = of_name(cases, name)
        made = model_of(read_proto(proto))
        made.save(tmp_path / "m.safetensors")
        same(outputs(lstmcore.load_model(tmp_path / "m.safetensors"), feeds), wanted)


def test_names_are_those_of_the_graph():
    proto, feeds, _ = of_name(TORCH, "time_first.script")
    made = model_of(read_proto(proto))
    assert isinstance(made, AxesModel)
    assert made.input_names == ["x", "h", "c"]
    assert (made.input_axes, made.output_axes) == ([1, 1, 1], [1, 1, 1])
    one = made.predict(feeds, verbose=0)
    same(listed(one), outputs(made, feeds), 0)
    first = made.batch_first().predict({k: a.swapaxes(0, 1) for k, a in feeds.items()}, verbose=0)
    for y, z in zip(first, one, strict=True):
        np.testing.assert_array_equal(y, z.swapaxes(0, 1))


def test_names_do_not_depend_on_what_was_loaded_before():
    proto, _, _ = of_name(TORCH, "packed.script")
    one, other = (model_of(read_proto(proto)) for _ in range(2))
    assert [layer.name for layer in one.layers] == [layer.name for layer in other.layers]


# -- recurrent nodes -------------------------------------------------------------------------------


def check_random_nodes(seed, count):
    rng = np.random.default_rng([11, seed])
    for _ in range(count):
        kind, arrays, attributes = random_case(rng)
        chosen = [name if rng.random() < 0.6 else "" for name in OUTPUTS[kind]]
        chosen[0] = chosen[0] if any(chosen) else "Y"
        wanted = expected(kind, arrays, attributes)
        if max(np.abs(y).max() for y in wanted) > 100:
            continue
        proto, feeds = recurrent(kind, arrays, attributes, outputs=chosen)
        x = list(feeds.values())
        got = listed(model_of(read_proto(proto))(x if len(x) > 1 else x[0]))
        wanted = [y for y, name in zip(wanted, chosen, strict=True) if name]
        for y, right in zip(got, wanted, strict=True):
            scale = max(1, np.abs(right).max())
            np.testing.assert_allclose(y / scale, right / scale, atol=5e-6, err_msg=str(attributes))


@pytest.mark.parametrize("seed", range(10))
def test_every_recurrent_node_is_a_layer(seed):
    check_random_nodes(seed, 4)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10, 30))
def test_many_recurrent_nodes(seed):
    check_random_nodes(seed, 20)


@pytest.mark.parametrize("order", [(0, 1), (1, 0), (0, 0), (1, 1)])
def test_directions_in_any_order(order):
    arrays = random_arrays(np.random.default_rng(0), "GRU", 2, names=("X", "W", "R"))
    constants = {k: arrays[k] for k in "WR"} | {"k0": np.array(0), "k1": np.array(1)}
    nodes = [node("GRU", "x W R", "Y", direction="bidirectional", hidden_size=3)]
    nodes += [node("Gather", f"Y k{k}", f"d{i}", axis=1) for i, k in enumerate(order)]
    nodes.append(node("Concat", "d0 d1", axis=-1))
    inputs = {"x": ("float32", ("time", "batch", 2))}
    made = check(nodes, constants, inputs=inputs, feeds={"x": arrays["X"]})
    alone = [type(layer).__name__ for layer in made.layers[1:]] == ["Bidirectional"]
    assert alone == (order == (0, 1))


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
def test_double_precision(kind):
    arrays = random_arrays(np.random.default_rng(0), kind, 2, names=("X", "W", "R", "B"))
    arrays = {k: a.astype(float) for k, a in arrays.items()}
    proto, feeds = recurrent(kind, arrays, {"direction": "bidirectional"}, outputs=["Y"])
    made = model_of(read_proto(proto))
    assert made.dtype == "float64"
    same(outputs(made, feeds), expected(kind, arrays)[:1], 1e-14)


def test_weights_are_bit_equal():
    arrays = random_arrays(np.random.default_rng(0), "LSTM", 1, names=("X", "W", "R", "P"))
    proto, _ = recurrent("LSTM", arrays, outputs=["Y"])
    made = model_of(read_proto(proto))
    kernel, recurrent_kernel, peepholes = (
        made.layers[-1] if isinstance(made, Sequential) else made.get_layer("lstm")
    ).get_weights()
    order = np.r_[0:3, 6:9, 9:12, 3:6]  # i f c o of i o f c
    np.testing.assert_array_equal(kernel, arrays["W"][0][order].T)
    np.testing.assert_array_equal(recurrent_kernel, arrays["R"][0][order].T)
    np.testing.assert_array_equal(peepholes, arrays["P"].reshape(3, 3)[[0, 2, 1]])


# -- exported by this library ----------------------------------------------------------------------


def test_what_was_exported_comes_back(tmp_path):
    made = Sequential(
        [
            lstmcore.Input((None, 3)),
            layers.Conv1D(4, 3, padding="causal", activation="relu"),
            layers.Bidirectional(layers.LSTM(5, return_sequences=True)),
            layers.LayerNormalization(),
            layers.GRU(4, recurrent_activation="hard_sigmoid"),
            layers.Dense(2, activation="softmax"),
        ]
    )
    x = np.random.default_rng(0).normal(size=(3, 6, 3)).astype("float32")
    path = tmp_path / "m.onnx"
    made.export(path)
    back = lstmcore.load_model(path)
    same([back.predict(x, verbose=0)], [made.predict(x, verbose=0)])
    mine = {p.value.tobytes() for p in made.weights}
    assert {p.value.tobytes() for p in back.weights} == mine


# -- operators by hand -----------------------------------------------------------------------------

X = {"x": ("float32", ("batch", "time", 4))}
SAMPLE = np.random.default_rng(3).normal(size=(2, 5, 4)).astype("float32")


def check(nodes, constants=None, names=("y",), inputs=X, feeds=None, opset=17):
    proto = model(nodes, inputs, list(names), constants, opset)
    feeds = {"x": SAMPLE} if feeds is None else feeds
    made = model_of(read_proto(proto))
    same(outputs(made, feeds), list(Runner(proto).run(feeds).values()))
    return made


PLAIN = ("Relu", "Sigmoid", "Tanh", "Softplus", "Softsign", "Exp", "Abs", "Neg", "Erf", "Identity")


@pytest.mark.parametrize(
    ("name", "attributes"),
    [
        *((name, {}) for name in PLAIN),
        ("Elu", {"alpha": 0.5}),
        ("LeakyRelu", {}),
        ("LeakyRelu", {"alpha": 0.3}),
        ("HardSigmoid", {}),
        ("HardSigmoid", {"alpha": 0.3, "beta": 0.4}),
        ("Selu", {}),
        ("ThresholdedRelu", {"alpha": 0.4}),
        ("Softmax", {}),
        ("Softmax", {"axis": 1}),
        ("LogSoftmax", {"axis": 1}),
        ("ReduceMean", {"axes": [1], "keepdims": 0}),
        ("ReduceMean", {"axes": [-1]}),
        ("ReduceMax", {"axes": [1]}),
        ("ReduceMin", {"axes": [1, 2], "keepdims": 0}),
        ("ReduceL2", {"axes": [2]}),
        ("ReduceLogSumExp", {"axes": [1]}),
        ("Transpose", {"perm": [0, 2, 1]}),
        ("Transpose", {"perm": [1, 0, 2]}),
        ("Transpose", {"perm": [2, 1, 0]}),
    ],
)
def test_functions_of_one_array(name, attributes):
    check([node(name, "x", **attributes)])


@pytest.mark.parametrize("shape", [(), (1,), (4,), (1, 1, 4), (1, 1, 1)])
@pytest.mark.parametrize("name", ["Add", "Sub", "Mul", "Div", "Max", "Min"])
@pytest.mark.parametrize("order", ["x c", "c x"])
def test_functions_with_a_constant(name, order, shape):
    c = np.random.default_rng(0).uniform(0.5, 2, shape).astype("float32")
    made = check([node(name, order)], {"c": c})
    assert len(made.layers) <= 2  # no axis is moved for it


def test_functions_of_two_arrays_with_axes_in_different_places():
    nodes = [
        node("Transpose", "x", "turned", perm=[1, 0, 2]),
        node("Relu", "turned", "positive"),
        node("Transpose", "x", "channels", perm=[0, 2, 1]),
        node("Tanh", "channels", "curved"),
        node("Transpose", "curved", "back", perm=[2, 0, 1]),
        node("Mul", "positive back"),
    ]
    check(nodes)
    nodes = [
        node("ReduceMean", "x", "mean", axes=[1]),
        node("Sub", "x mean", "rest"),
        node("ReduceMax", "x", "widest", axes=[2]),
        node("Add", "rest widest"),
    ]
    check(nodes)


def test_a_constant_that_is_wider_than_the_array():
    nodes = [
        node("ReduceMean", "x", "mean", axes=[2]),
        node("Mul", "mean c", "z"),
        node("Div", "c z"),
    ]
    check(nodes, {"c": np.array([[1.0, 2.0, 3.0]], "float32")})


def test_tokens_that_are_counted_from_the_end_if_negative():
    """As Keras 3 looks rows up."""
    nodes = [
        node("Cast", "x", "i", to=6),
        node("Less", "i zero", "negative"),
        node("Add", "i n", "shifted"),
        node("Where", "negative shifted i", "places"),
        node("Gather", "table places"),
    ]
    by_products = [
        *nodes[:3],
        node("Not", "negative", "positive"),
        node("Cast", "positive", "one", to=6),
        node("Cast", "negative", "other", to=6),
        node("Mul", "i one", "p"),
        node("Mul", "other shifted", "q"),
    ]
    by_products += [node("Add", "q p", "places"), node("Gather", "table places")]
    constants = {"zero": np.array(0, "int32"), "n": np.array(5, "int32")}
    constants["table"] = np.random.default_rng(0).normal(size=(5, 2)).astype("float32")
    tokens = np.array([[0, 4, 2], [1, 1, 3]], "float32")
    inputs = {"x": ("float32", (None, None))}
    for one in (nodes, by_products):
        made = check(one, constants, inputs=inputs, feeds={"x": tokens})
        assert [type(layer).__name__ for layer in made.layers] == ["Embedding"]
        with pytest.raises(ValueError, match="-1"):
            made.predict(tokens - 1, verbose=0)
    constants["c"] = np.array(1.0, "float32")
    alone = [*nodes[:2], node("Where", "negative c x")]  # no table that refuses what is below 0
    with pytest.raises(ValueError, match="of numbers without their fraction"):
        of_nodes(alone, inputs, constants=constants)
    with pytest.raises(ValueError, match="arithmetic of integers"):
        of_nodes([*nodes[:3], node("Gather", "table shifted")], inputs, constants=constants)


def test_choices_and_comparisons():
    nodes = [
        node("Greater", "x c", "large"),
        node("Exp", "x", "e"),
        node("Where", "large x e"),
    ]
    check(nodes, {"c": np.array(0.2, "float32")})
    nodes = [node("Less", "x c", "small"), node("Not", "small", "s"), node("Where", "s x zero")]
    check(nodes, {"c": np.array(0.2, "float32"), "zero": np.array(0, "float32")})


SLICES = [
    ([1], [-1], [1], None),
    ([0], [1], [1], None),
    ([-1], [2**31 - 1], [1], None),
    ([-1], [-(2**31)], [1], [-1]),
    ([1, 0], [3, 2**31 - 1], [2, 1], [1, 2]),
    ([-2], [2**63 - 1], [-1], None),
]


@pytest.mark.parametrize(("starts", "ends", "axes", "steps"), SLICES)
def test_slices(starts, ends, axes, steps):
    arrays = {"s": starts, "e": ends, "a": axes, "p": steps}
    constants = {k: np.array(v) for k, v in arrays.items() if v is not None}
    check([node("Slice", f"x {' '.join(constants)}")], constants)


def test_parts_and_joins():
    nodes = [
        node("Split", "x", "a b", axis=2),
        node("Concat", "b a", "swapped", axis=-1),
        node("Concat", "swapped x", "z", axis=1),
        node("Gather", "z places", axis=2),
    ]
    check(nodes, {"places": np.array([3, 0])})
    check([node("Gather", "x place", axis=1)], {"place": np.array(-2)})


def test_shapes_that_depend_on_the_batch_and_time():
    """(batch * time, features) for a product, and back by sizes that are computed."""
    nodes = [
        node("Shape", "x", "shape"),
        node("Gather", "shape two", "sizes"),
        node("Concat", "sizes width", "wanted", axis=0),
        node("Reshape", "x flat", "rows"),
        node("MatMul", "rows k", "product"),
        node("Reshape", "product wanted"),
    ]
    constants = {"two": np.array([0, 1]), "width": np.array([3]), "flat": np.array([-1, 4])}
    constants["k"] = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")
    made = check(nodes, constants)
    assert [type(layer).__name__ for layer in made.layers] == ["Dense"]


def test_a_constant_condition_chooses_its_branch():
    outputs_ = [helper.make_tensor_value_info("z", 1, None)]
    branches = {
        f"{name}_branch": helper.make_graph([node(kind, "x", "z")], name, [], outputs_)
        for name, kind in (("then", "Relu"), ("else", "Tanh"))
    }
    for value in (True, False):
        nodes = [helper.make_node("If", ["c"], ["y"], **branches)]
        made = check(nodes, {"c": np.array(value)})
        assert [layer.name for layer in made.layers] == ["relu" if value else "tanh"] or True
        assert (made.predict(SAMPLE, verbose=0) >= 0).all() == value


@pytest.mark.parametrize("pads", [[0, 0], [1, 1], [2, 0], [0, 2], [1, 0]])
@pytest.mark.parametrize("stride", [1, 2])
def test_convolutions_and_pools(pads, stride):
    w = np.random.default_rng(0).normal(size=(6, 2, 3)).astype("float32")
    turned = node("Transpose", "x", "t", perm=[0, 2, 1])
    common = {"pads": pads, "strides": [stride]}
    check([turned, node("Conv", "t w", group=2, **common)], {"w": w})
    check([turned, node("MaxPool", "t", kernel_shape=[3], **common)])
    padded = {"count_include_pad": 1} if any(pads) else {}
    check([turned, node("AveragePool", "t", kernel_shape=[3], **padded, **common)])


@pytest.mark.parametrize("opset", [9, 11, 13, 17])
def test_every_opset(opset):
    axes = {"axes": [1]} if opset < 13 else {}
    nodes = [
        node("Relu", "x", "z"),
        node("Softmax", "z", "s", axis=2),
        node("Unsqueeze", "s" if axes else "s one", "u", **axes),
        node("Squeeze", "u" if axes else "u one", "v", **axes),
        node("ReduceSum", "v" if axes else "v one", "y", keepdims=0, **axes),
    ]
    check(nodes, {} if axes else {"one": np.array([1])}, opset=opset)


def test_inputs_whose_sizes_are_the_same_under_two_names():
    inputs = {"x": ("float32", ("b1", "t1", 4)), "z": ("float32", ("b2", "t2", 4))}
    feeds = {"x": SAMPLE, "z": SAMPLE[::-1]}
    check([node("Concat", "x z", "both", axis=2), node("Relu", "both")], inputs=inputs, feeds=feeds)
    check([node("Add", "x z")], inputs=inputs, feeds=feeds)


def check_random_graphs(seeds):
    """Graphs that are read compute what the runner does, at two sizes; return how many were."""
    read = 0
    for seed in seeds:
        graph = RandomGraph(np.random.default_rng([13, seed]), 8)
        if not graph.nodes:
            continue
        proto = read_proto(graph.proto)
        try:
            made = model_of(proto)
        except ValueError:
            continue
        read += 1
        for x in (graph.x, np.random.default_rng(seed).normal(size=(3, 7, 4)).astype("float32")):
            with contextlib.suppress(ValueError):  # sizes that the graph does not take
                wanted = list(Runner(proto).run({"x": x}).values())
                same([made.predict(x, verbose=0)], wanted, 2e-5)
    return read


def test_random_graphs():
    assert check_random_graphs(range(40)) > 5


@pytest.mark.slow
def test_many_random_graphs():
    assert check_random_graphs(range(100, 1600)) > 300


# -- refusals --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("nodes", "constants", "message"),
    [
        ([node("Det", "x")], {}, r"node 'a Det' .Det. of 'x' .batch, time, 4.: no layer does that"),
        ([node("ReduceSum", "x zero")], {"zero": np.array([0])}, "over the batch"),
        ([node("ReduceMean", "x", axes=[0, 1, 2], keepdims=0)], {}, "output 'y': a single number"),
        ([node("Softmax", "x", axis=0)], {}, "along the axis of the batch"),
        ([node("Gather", "x zero", axis=0)], {"zero": np.array(0)}, "rows of the batch"),
        ([node("Concat", "x x", axis=0)], {}, "joins rows of the batch"),
        ([node("Slice", "x one two")], {"one": np.array([0]), "two": np.array([1])}, "rows of the"),
        ([node("Cast", "x", to=7)], {}, "output 'y': numbers without their fraction"),
        ([node("Cast", "x", to=11)], {}, "to: expected the graph's float32, got float64"),
        ([node("Reshape", "x s")], {"s": np.array([-1])}, None),
        ([node("MatMul", "x c")], {"c": np.ones((3, 2), "float32")}, "expected a matrix for an"),
        ([node("Add", "x c")], {"c": np.ones((2, 5, 4), "float32")}, "of a constant .2, 5, 4."),
        ([node("TopK", "x k", "y i")], {"k": np.array([1])}, "the largest of what are no lengths"),
    ],
)
def test_what_no_layer_does(nodes, constants, message):
    inputs = {"x": ("float32", ("batch", "time", 4))}
    proto = read_proto(model(nodes, inputs, ["y"], constants))
    with pytest.raises(ValueError, match=message):
        model_of(proto)
    if message is not None and "output" not in message:
        with pytest.raises(ValueError, match=r"but lstmcore\.onnx\.Runner runs it"):
            model_of(proto)


def test_windows_over_two_axes_are_refused_by_name():
    inputs = {"x": ("float32", ("batch", 1, 8, "time"))}
    with pytest.raises(ValueError, match=r"node 'a Conv' .Conv. of 'x' .*windows over 2 axes"):
        of_nodes([node("Conv", "x w")], inputs, constants={"w": np.ones((2, 1, 3, 3), "float32")})


def test_loops_are_refused_with_advice():
    proto, *_ = of_name(TF, "loop.17")
    with pytest.raises(ValueError, match=r"\(Loop\).*load the Keras file itself .*Runner runs it"):
        model_of(read_proto(proto))


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"x": ("float16", (None, 4))}, "half precision"),
        ({"x": ("float32", (None, 4)), "z": ("float64", (None, 4))}, "mixes float32 and float64"),
        ({"x": ("float32", ())}, "at least one axis"),
        ({"x": ("float32", (None, 2**40))}, "more than 4194304 numbers for each row"),
    ],
)
def test_inputs_that_layers_do_not_take(inputs, message):
    with pytest.raises(ValueError, match=message):
        of_nodes([node("Relu", "x")], inputs)


def test_outputs_that_are_no_arrays_of_the_inputs():
    with pytest.raises(ValueError, match="output 'y': it does not depend on the inputs"):
        of_nodes([node("Shape", "x")], X)


def test_time_as_the_only_axis_is_refused():
    """One sequence after another without a batch, as silero-vad has them."""
    arrays = random_arrays(np.random.default_rng(0), "LSTM", 1, names=("X", "W", "R"))
    nodes = [node("Unsqueeze", "x one", "X"), node("LSTM", "X W R")]
    constants = {"one": np.array([1]), "W": arrays["W"], "R": arrays["R"]}
    with pytest.raises(ValueError, match=r"\(LSTM\).*its batch is of one row"):
        of_nodes(nodes, {"x": ("float32", ("time", 2))}, constants=constants)


def test_weights_that_many_nodes_share_do_not_fill_the_memory():
    w = np.ones((1500, 1500), "float32")
    nodes = [node("MatMul", f"x{k} w", f"x{k + 1}") for k in range(40)]
    inputs = {"x0": ("float32", (None, 1500))}
    with pytest.raises(ValueError, match="shared by so many nodes"):
        of_nodes(nodes, inputs, ["x40"], {"w": w})


@pytest.mark.parametrize(
    ("nodes", "constants"),
    [
        ([node("ConstantOfShape", "n", "c"), node("Add", "x c")], {"n": np.array([2**40])}),
        ([node("Range", "a n b", "c"), node("Add", "x c")], {"n": 2**40, "a": 0, "b": 1}),
        ([node("Tile", "w n", "c"), node("Add", "x c")], {"w": (1,), "n": np.array([2**40])}),
        ([node("Expand", "w n", "c"), node("Add", "x c")], {"w": (1,), "n": np.array([2**40])}),
        ([node("MatMul", "a b", "c"), node("Add", "x c")], {"a": (9999, 1), "b": (1, 9999)}),
        ([node("Add", "a b", "c"), node("Add", "x c")], {"a": (9999, 1), "b": (1, 9999)}),
        ([node("Pad", "x n")], {"n": np.array([0, 0, 0, 0, 2**40, 0])}),
    ],
)
def test_graphs_that_claim_much_memory(nodes, constants):
    constants = {
        k: np.ones(v, "float32") if isinstance(v, tuple) else np.asarray(v)
        for k, v in constants.items()
    }
    proto = read_proto(model(nodes, X, ["y"], constants))
    tracemalloc.start()
    with pytest.raises(ValueError, match="node 'a "):
        model_of(proto)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5_000_000


def run_mutated(seeds, cases):
    read = 0
    for name in cases:
        proto, feeds, _ = of_name([*TORCH, *TF], name)
        data = proto.SerializeToString()
        model_of(read_proto(data))
        for seed in seeds:
            bad = mutated(seed, data)
            start = time.process_time()
            with contextlib.suppress(ValueError):
                made = model_of(read_proto(bad))
                read += 1
                with contextlib.suppress(ValueError):
                    outputs(made, feeds)
            assert time.process_time() - start < 1
    return read


def test_mutated_graphs_are_read_or_refused():
    cases = "packed.script", "seq2seq.17"
    assert 2 < run_mutated(range(60), cases) < 115


@pytest.mark.slow
def test_many_mutated_graphs():
    names = {case[0].graph.name for case in [*TORCH, *TF]} - {"loop.12", "loop.17"}
    run_mutated(range(1000, 1400), sorted(names))


def test_a_tensor_of_a_graph_is_not_read_twice():
    """Nothing is written to: two models of one graph have weights of their own."""
    proto, feeds, wanted = of_name(TORCH, "bi_last.script")
    one, other = (model_of(read_proto(proto)) for _ in range(2))
    for param in one.weights:
        param.assign(param.numpy() * 0)
    same(outputs(other, feeds), wanted)
    assert isinstance(proto, onnx.ModelProto)
    assert numpy_helper.to_array(proto.graph.initializer[0]).any()
