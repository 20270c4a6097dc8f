"""Runner: graphs by their inputs and outputs."""

import numpy as np
import pytest
from onnx import helper
from onnx_graphs import expected, model, random_arrays, recurrent, save

from lstmcore.onnx import Runner


@pytest.fixture
def graph():
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["z"]),
        helper.make_node("Relu", ["z"], ["y"], name="relu"),
        helper.make_node("Shape", ["y"], ["n"]),
    ]
    inputs = {"x": ("float32", ("batch", 2)), "w": ("float32", (2, 3))}
    return model(nodes, inputs, {"y": "float32", "n": "int64"}, {"w": np.ones((2, 3), "float32")})


def test_inputs_and_outputs(graph):
    runner = Runner(graph)
    assert runner.inputs == [("x", ("batch", 2), "float32")]  # w has a default
    assert [(t.name, t.dtype) for t in runner.outputs] == [("y", "float32"), ("n", "int64")]
    assert repr(runner) == "<Runner of ['x'] to ['y', 'n']>"
    got = runner.run({"x": [[1, 2]]})
    assert got["y"].tolist() == [[3, 3, 3]]
    assert got["n"].tolist() == [1, 3]
    assert list(runner.run({"x": [[1, 2]]}, ["n"])) == ["n"]


def test_from_path_bytes_and_memory(graph, tmp_path):
    path = tmp_path / "m.onnx"
    save(graph, path)
    for source in (path, str(path), path.read_bytes(), graph):
        assert Runner(source).run({"x": [[1, -2]]})["y"].tolist() == [[0, 0, 0]]


@pytest.mark.parametrize(
    ("feeds", "message"),
    [
        ({}, r"feeds\['x'\]: expected an array, got nothing"),
        ({"x": [[1, 2]], "z": 1}, "feeds: no input 'z'"),
        ({"x": [1, 2]}, r"feeds\['x'\]: expected shape \('batch', 2\), got \(2,\)"),
        ({"x": [[1, 2, 3]]}, r"feeds\['x'\]: expected shape \('batch', 2\), got \(1, 3\)"),
        ({"x": [[1j, 2]]}, r"feeds\['x'\]: expected float32, got complex128"),
        ({"x": [["a", "b"]]}, r"feeds\['x'\]: expected float32, got <U1"),
    ],
)
def test_feeds_that_do_not_fit(graph, feeds, message):
    with pytest.raises(ValueError, match=message):
        Runner(graph).run(feeds)


def test_arguments(graph, tmp_path):
    with pytest.raises(TypeError, match=r"feeds: expected a dict with .'x'"):
        Runner(graph).run([1])
    with pytest.raises(ValueError, match="outputs: no 'q'"):
        Runner(graph).run({"x": [[1, 2]]}, ["q"])
    with pytest.raises(TypeError, match="source: expected a path"):
        Runner(3)
    with pytest.raises(FileNotFoundError, match="no file"):
        Runner(tmp_path / "none.onnx")
    with pytest.raises(ValueError, match=r"Runner: source: .*no ONNX model"):
        Runner(b"")


def test_a_node_that_fails_is_a_value_error():
    nodes = [helper.make_node("Concat", ["x", "w"], ["y"], axis=0)]
    inputs = {"x": ("float32", (None, None))}
    runner = Runner(model(nodes, inputs, ["y"], {"w": np.ones((2, 3), "float32")}))
    with pytest.raises(ValueError, match="run: "):
        runner.run({"x": np.ones((2, 2))})


def test_nested_graphs_have_our_operators():
    """An If whose branches have recurrent nodes of other lengths, as silero-vad has."""
    rng = np.random.default_rng(0)
    arrays = random_arrays(rng, "LSTM", 1, names=("X", "W", "R", "B"))
    weights = {name: arrays[name] for name in "WRB"}
    branches = {
        f"{kind}_branch": helper.make_graph(
            [helper.make_node("LSTM", ["x", *"WRB"], [kind], hidden_size=3, direction=direction)],
            kind,
            [],
            [helper.make_tensor_value_info(kind, 1, None)],
        )
        for kind, direction in (("then", "forward"), ("else", "reverse"))
    }
    node = helper.make_node("If", ["c"], ["y"], **branches)
    inputs = {"x": ("float32", (None, None, 2)), "c": ("bool", ())}
    runner = Runner(model([node], inputs, ["y"], weights))
    for c, direction in ((True, "forward"), (False, "reverse")):
        right = expected("LSTM", arrays, {"direction": direction})[0]
        got = runner.run({"x": arrays["X"], "c": c})["y"]
        np.testing.assert_allclose(got, right, atol=1e-6)


def test_functions_of_a_graph():
    opsets = [helper.make_opsetid("", 17)]
    function = helper.make_function(
        "own", "Twice", ["a"], ["b"], [helper.make_node("Add", ["a", "a"], ["b"])], opsets
    )
    nodes = [helper.make_node("Twice", ["x"], ["y"], domain="own")]
    proto = model(nodes, {"x": ("float32", (2,))}, ["y"], functions=[function])
    proto.opset_import.append(helper.make_opsetid("own", 1))
    assert Runner(proto).run({"x": [1, 2]})["y"].tolist() == [2, 4]


def test_operators_that_the_standard_defines_by_others():
    nodes = [helper.make_node("Gelu", ["x"], ["y"])]
    proto = model(nodes, {"x": ("float32", (None,))}, ["y"], opset=20)
    y = Runner(proto).run({"x": [-1.0, 0.0, 2.0]})["y"]
    np.testing.assert_allclose(y, [-0.15865526, 0, 1.9544997], atol=1e-6)


def test_results_of_a_run_do_not_change_the_graph():
    arrays = random_arrays(np.random.default_rng(1), "LSTM", 1)
    proto, feeds = recurrent("LSTM", arrays, {"hidden_size": 3})
    runner = Runner(proto)
    kept = {name: a.copy() for name, a in feeds.items()}
    first = runner.run(feeds)
    wanted = {name: a.copy() for name, a in first.items()}
    for a in first.values():
        a += 1
    for name, a in runner.run(feeds).items():
        np.testing.assert_array_equal(a, wanted[name])
    for name, a in feeds.items():
        np.testing.assert_array_equal(a, kept[name])


def test_the_onnx_package_is_asked_for(monkeypatch, graph):
    import sys

    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match=r"pip install 'lstmcore\[onnx\]'"):
        Runner(b"x")
