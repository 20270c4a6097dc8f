"""Graphs from outside: what is checked before anything is computed."""

import contextlib
import time
import tracemalloc

import numpy as np
import onnx
import pytest
from onnx import helper
from onnx_graphs import model, mutated, random_arrays, recurrent

from lstmcore.interchange.onnx.model_proto import read_proto
from lstmcore.onnx import Runner

X = {"x": ("float32", (2,))}


def add(*names, **attributes):
    return helper.make_node("Add", names[:2], [names[2]], name=f"make {names[2]}", **attributes)


def refused(proto, message):
    with pytest.raises(ValueError, match=message):
        read_proto(proto)
    with pytest.raises(ValueError, match=message):
        Runner(proto.SerializeToString())


def test_circles_and_order():
    refused(model([add("x", "b", "a"), add("a", "a", "b")], X, ["b"]), "'make a' .Add.: its input")
    refused(model([add("a", "a", "b"), add("x", "x", "a")], X, ["b"]), "a circle, or is not in ord")
    refused(model([add("x", "x", "a")], X, ["b"]), "output 'b' is made by no node")
    refused(model([add("x", "x", "a"), add("x", "x", "a")], X, ["a"]), "'a' is made twice")
    refused(model([add("x", "x", "x")], X, ["x"]), "'x' is made twice")


def test_unknown_operators_and_attributes():
    node = helper.make_node("Frobnicate", ["x"], ["y"], name="f")
    refused(model([node], X, ["y"]), "node 'f' .Frobnicate.: opset 17 has no operator")
    refused(model([add("x", "x", "y", broadcast=1)], X, ["y"]), "broadcast: opset 17 has no such")
    refused(model([helper.make_node("Gelu", ["x"], ["y"])], X, ["y"]), "opset 17 has no operator")
    node = helper.make_node("Relu", ["x", "x"], ["y"], name="r")
    refused(model([node], X, ["y"]), "node 'r' .Relu.: expected 1 to 1 inputs, got 2")
    node = helper.make_node("Relu", ["x"], ["y", "z"], name="r")
    refused(model([node], X, ["y"]), "node 'r' .Relu.: expected at most 1 outputs, got 2")
    node = helper.make_node(
        "DynamicQuantizeLSTM", ["x"], ["y"], name="q", domain="com.microsoft", hidden_size=3
    )
    refused(model([node], X, ["y"]), "com.microsoft.DynamicQuantizeLSTM is ONNX Runtime's own")


def test_types_of_attributes():
    node = helper.make_node("Softmax", ["x"], ["y"], name="s", axis="1")
    refused(model([node], X, ["y"]), "node 's' .Softmax.: axis: expected one of type INT")
    node = helper.make_node("Concat", ["x"], ["y"], name="c")
    refused(model([node], X, ["y"]), "node 'c' .Concat.: axis: expected a value, got nothing")


@pytest.mark.parametrize("version", [0, 99])
def test_versions_of_the_standard(version):
    proto = model([add("x", "x", "y")], X, ["y"])
    proto.opset_import[0].version = version
    refused(proto, f"opset_import: expected versions 1 to .* got {version}")
    del proto.opset_import[:]
    refused(proto, "opset_import: expected the version")


def weights():
    return model([add("x", "w", "y")], X, ["y"], {"w": np.ones(2, np.float32)})


def test_external_data_is_named_and_never_opened(tmp_path, monkeypatch):
    proto = weights()
    tensor = proto.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "/etc/passwd"
    path = tmp_path / "m.onnx"
    path.write_bytes(proto.SerializeToString())
    opened = []

    def watched(name, *args, _open=open, **kwargs):
        opened.append(str(name))
        return _open(name, *args, **kwargs)

    monkeypatch.setattr("builtins.open", watched)
    refused(proto, "tensor 'w': its numbers are in another file, '/etc/passwd'")
    with pytest.raises(ValueError, match="another file"):
        Runner(path)
    assert "/etc/passwd" not in opened


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.dims.__setitem__(0, 2**40), "takes .* bytes or numbers, it has 8"),
        (lambda t: t.dims.__setitem__(0, -2), "expected sizes >= 0"),
        (lambda t: t.dims.append(2**62), "takes .* bytes or numbers, it has 8"),
        (lambda t: setattr(t, "raw_data", b"123"), "it has 3"),
        (lambda t: setattr(t, "data_type", 99), "unknown type of numbers 99"),
        (lambda t: setattr(t, "data_type", 0), "unknown type of numbers 0"),
        (lambda t: setattr(t.segment, "begin", 1), "tensors in segments"),
        (lambda t: t.ClearField("raw_data"), "it has 0"),
    ],
)
def test_sizes_are_checked_before_memory_is_taken(change, message):
    proto = weights()
    change(proto.graph.initializer[0])
    refused(proto, f"tensor 'w': .*{message}")


def test_tensors_in_attributes_are_checked_too():
    proto = model([helper.make_node("Constant", [], ["c"], name="c"), add("x", "c", "y")], X, ["y"])
    value = onnx.numpy_helper.from_array(np.ones(2, np.float32))
    value.dims[0] = 2**40
    proto.graph.node[0].attribute.append(helper.make_attribute("value", value))
    refused(proto, "node 'c' .Constant.: tensor: .* it has 8")


def test_sparse_tensors():
    proto = weights()
    proto.graph.sparse_initializer.add()
    refused(proto, "sparse tensors are not read")


def test_names_that_are_no_text():
    data = weights().SerializeToString()
    for name in (b"make y", b"graph"):
        bad = data.replace(name, b"\xff" * len(name))
        assert bad != data
        with pytest.raises(ValueError, match="expected names of text"):
            read_proto(bad)


def unrolled(steps):
    """What PyTorch's newer exporter makes of nn.RNN."""
    nodes = [helper.make_node("SplitToSequence", ["x"], ["parts"], name="unbind", axis=0)]
    nodes += [helper.make_node("SequenceAt", ["parts", f"i{k}"], [f"s{k}"]) for k in range(steps)]
    nodes.append(helper.make_node("Concat", [f"s{k}" for k in range(steps)], ["y"], axis=0))
    constants = {f"i{k}": np.array(k) for k in range(steps)}
    return model(nodes, {"x": ("float32", ("t", 3))}, ["y"], constants)


def test_unrolled_loops_are_refused():
    refused(unrolled(7), "node 'unbind' .SplitToSequence.: .* unrolled for 7 steps when it was exp")


def test_graphs_within_graphs_are_checked():
    outputs = [helper.make_tensor_value_info("z", 1, None)]
    inner = helper.make_graph([add("x", "nowhere", "z")], "inner", [], outputs)
    node = helper.make_node("If", ["c"], ["y"], then_branch=inner, else_branch=inner)
    proto = model([node], {**X, "c": ("bool", ())}, ["y"])
    refused(proto, "'make z' .Add.: its input 'nowhere'")


def field(number, data):
    """A field of a protobuf message that holds bytes or another message."""
    size, out = len(data), bytearray([number << 3 | 2])
    while size > 127:
        out.append(size & 127 | 128)
        size >>= 7
    return bytes([*out, size]) + data


def test_deep_nesting_is_refused():
    graph = b""
    for _ in range(200):  # a graph with a node with an attribute that is a graph
        graph = field(1, field(5, field(6, graph)))
    with pytest.raises(ValueError, match="no ONNX model, or damaged"):
        Runner(field(7, graph))


def run_mutated(seeds):
    arrays = random_arrays(np.random.default_rng(0), "LSTM", 2, names=("X", "W", "R", "B"))
    proto, feeds = recurrent("LSTM", arrays, {"hidden_size": 3, "direction": "bidirectional"})
    data = proto.SerializeToString()
    Runner(data).run(feeds)  # what is imported once
    read = 0
    for seed in seeds:
        bad = mutated(seed, data)
        start = time.process_time()
        tracemalloc.start()
        try:
            runner = Runner(bad)
            read += 1
        except ValueError:
            continue
        finally:
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            assert time.process_time() - start < 1
            assert peak < 10 * len(bad) + 300_000
        with contextlib.suppress(ValueError):
            runner.run(feeds)
    return read


def test_mutated_files_are_read_or_refused():
    assert 20 < run_mutated(range(300)) < 280


@pytest.mark.slow
def test_many_mutated_files():
    run_mutated(range(300, 10_300))
