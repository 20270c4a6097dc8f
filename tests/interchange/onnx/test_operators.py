"""Operators in graphs: the numbers of ONNX Runtime, of onnx's node tests, and of the standard."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper
from onnx_graphs import expected, frozen, model, random_arrays, random_case, recurrent

from lstmcore.interchange.onnx import operators
from lstmcore.onnx import Runner

FILES = Path(__file__).parent / "files"


def check(proto, feeds, wanted, tolerance=2e-6):
    got = list(Runner(proto).run(feeds).values())
    assert len(got) == len(wanted)
    for y, right in zip(got, wanted, strict=True):
        assert np.shape(y) == right.shape
        assert np.asarray(y).dtype == right.dtype
        np.testing.assert_allclose(y, right, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("case", range(90))
def test_recurrent_nodes_are_those_of_onnxruntime(case):
    check(*frozen(FILES / "onnxruntime_numbers.npz")[case])


@pytest.mark.parametrize("case", range(18))
def test_node_tests_of_the_onnx_package(case):
    check(*frozen(FILES / "node_tests.npz")[case], 1e-6)


@pytest.mark.parametrize("part", range(4))
def test_other_operators_are_those_of_onnxruntime(part):
    cases = frozen(FILES / "operator_numbers.npz")
    assert len(cases) > 100
    for proto, feeds, wanted in cases[part::4]:
        check(proto, feeds, wanted)


@pytest.mark.slow
def test_frozen_node_tests_are_those_of_the_installed_onnx():
    import onnx.backend.test.case.node as nodes

    names = ("test_lstm_", "test_gru_", "test_rnn_", "test_simple_rnn_")
    with np.errstate(all="ignore"):
        found = [c for c in nodes.collect_testcases("") if c.name.startswith(names)]
    assert len(found) >= 18
    for case in found:
        inputs, outputs = case.data_sets[0]
        feeds = {v.name: a for v, a in zip(case.model.graph.input, inputs, strict=True)}
        check(case.model, feeds, outputs, 1e-6)


# -- every attribute, by the standard's own formulas ----------------------------------------------


@pytest.mark.parametrize("seed", range(40))
def test_random_nodes_compute_what_the_standard_says(seed):
    rng = np.random.default_rng([7, seed])
    for _ in range(4):
        kind, arrays, attributes = random_case(rng)
        proto, feeds = recurrent(kind, arrays, attributes)
        wanted = expected(kind, arrays, attributes)
        if max(np.abs(right).max() for right in wanted) > 100:
            continue  # gates without a bound let the state grow, and its rounding with it
        got = Runner(proto).run(feeds)
        for y, right in zip(got.values(), wanted, strict=True):
            scale = max(1, np.abs(right).max())
            np.testing.assert_allclose(y / scale, right / scale, atol=3e-6, err_msg=str(attributes))


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
@pytest.mark.parametrize("dtype", ["float64", "float16", "bfloat16"])
def test_number_types(kind, dtype):
    import ml_dtypes

    kinds = {"bfloat16": np.dtype(ml_dtypes.bfloat16)}
    number = kinds.get(dtype, dtype)
    arrays = random_arrays(np.random.default_rng(0), kind, 2)
    arrays = {k: a.astype(number) if k != "sequence_lens" else a for k, a in arrays.items()}
    attributes = {"direction": "bidirectional", "hidden_size": 3}
    proto, feeds = recurrent(kind, arrays, attributes, opset=22)
    wanted = expected(kind, arrays, attributes)
    tolerance = {"float64": 1e-14, "float16": 1e-3, "bfloat16": 1e-2}[dtype]
    for y, right in zip(Runner(proto).run(feeds).values(), wanted, strict=True):
        assert y.dtype == number
        np.testing.assert_allclose(y.astype(float), right, atol=tolerance)


@pytest.mark.parametrize("opset", [1, 3, 7, 14, 22])
@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
def test_every_opset(kind, opset):
    arrays = random_arrays(np.random.default_rng(1), kind, 1)
    attributes = {"hidden_size": 3, "output_sequence": 1} if opset < 7 else {"hidden_size": 3}
    if kind == "GRU" and opset == 3:
        attributes["linear_before_reset"] = 1
    proto, feeds = recurrent(kind, arrays, attributes, opset)
    wanted = expected(kind, arrays, attributes)
    for y, right in zip(Runner(proto).run(feeds).values(), wanted, strict=True):
        np.testing.assert_allclose(y, right, atol=1e-6)


def test_lengths_of_rows_that_do_not_depend_on_the_padding():
    arrays = random_arrays(np.random.default_rng(2), "LSTM", 2, steps=6, batch=4)
    arrays["sequence_lens"] = np.array([6, 3, 0, 1], np.int32)
    attributes = {"direction": "bidirectional", "hidden_size": 3}
    proto, feeds = recurrent("LSTM", arrays, attributes)
    y = Runner(proto).run(feeds)
    for row, length in enumerate(arrays["sequence_lens"]):
        feeds["X"][length:, row] = np.nan
    again = Runner(proto).run(feeds)
    for name in y:
        np.testing.assert_array_equal(y[name], again[name])
    assert not y["Y"][3:, :, 1].any()
    assert not y["Y_h"][:, 2].any()


@pytest.mark.parametrize("lengths", [[4, 4, -1], [5, 0, 0]])
def test_lengths_that_cannot_be(lengths):
    arrays = random_arrays(np.random.default_rng(2), "GRU", 1)
    arrays["sequence_lens"] = np.array(lengths, np.int32)
    proto, feeds = recurrent("GRU", arrays)
    with pytest.raises(ValueError, match=r"'cell' .GRU.: sequence_lens: expected lengths from 0 t"):
        Runner(proto).run(feeds)


@pytest.mark.parametrize("outputs", [("", "Y_h"), ("Y",), ("", "", "Y_c"), ("Y", "", "Y_c")])
def test_outputs_that_are_left_out(outputs):
    arrays = random_arrays(np.random.default_rng(3), "LSTM", 1)
    proto, feeds = recurrent("LSTM", arrays, {"hidden_size": 3}, outputs=outputs)
    wanted = dict(zip(("Y", "Y_h", "Y_c"), expected("LSTM", arrays), strict=True))
    got = Runner(proto).run(feeds)
    assert list(got) == [name for name in outputs if name]
    for name, y in got.items():
        np.testing.assert_allclose(y, wanted[name], atol=1e-6)


@pytest.mark.parametrize("sizes", [{"steps": 0}, {"batch": 0}])
def test_nothing_to_compute(sizes):
    arrays = random_arrays(np.random.default_rng(4), "LSTM", 1, **sizes, names=("X", "W", "R"))
    proto, feeds = recurrent("LSTM", arrays, {"hidden_size": 3})
    y, h, c = Runner(proto).run(feeds).values()
    assert (y.shape, h.shape, c.shape) == (
        (len(arrays["X"]), 1, arrays["X"].shape[1], 3),
        (1, arrays["X"].shape[1], 3),
        (1, arrays["X"].shape[1], 3),
    )


@pytest.mark.parametrize("name", ["W", "R", "B", "initial_h", "initial_c", "P", "sequence_lens"])
def test_a_shape_that_does_not_fit_is_named(name):
    arrays = random_arrays(np.random.default_rng(5), "LSTM", 1)
    arrays[name] = np.concatenate([arrays[name]] * 2, axis=-1)
    proto, feeds = recurrent("LSTM", arrays, {"hidden_size": 3})
    with pytest.raises(ValueError, match=f"'cell' .LSTM.: {name}: expected shape .* got shape"):
        Runner(proto).run(feeds)


def test_a_projection_that_was_lost_is_no_lstm():
    """PyTorch's newer exporter drops proj_size: c has 16 units, hidden_size is 4."""
    arrays = random_arrays(np.random.default_rng(6), "LSTM", 1, units=4)
    arrays["initial_c"] = np.zeros((1, 3, 16), np.float32)
    proto, feeds = recurrent("LSTM", arrays, {"hidden_size": 4})
    with pytest.raises(ValueError, match=r"initial_c: expected shape \(1, 3, 4\)"):
        Runner(proto).run(feeds)


def test_weights_are_packed_once_and_again_when_they_change():
    arrays = random_arrays(np.random.default_rng(7), "GRU", 1)
    proto, feeds = recurrent("GRU", arrays)
    runner = Runner(proto)
    runner.run(feeds)
    (node,) = runner._evaluator.rt_nodes_
    packed = node.packed
    runner.run(feeds)
    assert node.packed is packed is not None
    proto, feeds = recurrent("GRU", arrays, fed=("X", "W", "sequence_lens", "initial_h"))
    runner = Runner(proto)
    one = runner.run(feeds)["Y"]
    feeds["W"] *= 2  # the same array with other numbers
    assert np.abs(runner.run(feeds)["Y"] - one).max() > 0.01
    arrays["W"] = feeds["W"]
    np.testing.assert_allclose(runner.run(feeds)["Y"], expected("GRU", arrays)[0], atol=1e-6)


def test_what_nobody_can_write_to():
    a = np.zeros(3)
    assert not operators.is_constant(a)
    a.flags.writeable = False
    assert operators.is_constant(a)
    whole = np.zeros(3)
    view = whole[1:]
    view.flags.writeable = False
    assert not operators.is_constant(view)
    assert not operators.is_constant(np.frombuffer(bytearray(8)))
    assert operators.is_constant(np.frombuffer(bytes(8)))


# -- loops ----------------------------------------------------------------------------------------


def loop(limit, condition, steps_wanted):
    """x doubled at every step, all values as a scan output."""
    body = helper.make_graph(
        [
            helper.make_node("Add", ["x_in", "x_in"], ["x_out"]),
            helper.make_node("Identity", ["x_out"], ["scan"]),
            helper.make_node("Less", ["step", "last"], ["go_on"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("step", onnx.TensorProto.INT64, []),
            helper.make_tensor_value_info("go_on_in", onnx.TensorProto.BOOL, []),
            helper.make_tensor_value_info("x_in", onnx.TensorProto.FLOAT, [2]),
        ],
        [onnx.ValueInfoProto(name=name) for name in ("go_on", "x_out", "scan")],
        [onnx.numpy_helper.from_array(np.array(steps_wanted - 1), "last")],
    )
    inputs = ["limit" if limit is not None else "", "c" if condition is not None else "", "x"]
    constants = {"limit": np.array(limit)} if limit is not None else {}
    constants |= {"c": np.array(condition)} if condition is not None else {}
    node = helper.make_node("Loop", inputs, ["end", "all"], name="loop", body=body)
    return model([node], {"x": ("float32", (2,))}, ["end", "all"], constants)


@pytest.mark.parametrize(
    ("limit", "condition", "wanted", "steps"),
    [(3, None, 99, 3), (9, True, 4, 4), (None, True, 2, 2), (2, True, 99, 2)],
)
def test_loops(limit, condition, wanted, steps):
    got = Runner(loop(limit, condition, wanted)).run({"x": [1, 3]})
    np.testing.assert_array_equal(got["end"], np.array([1, 3]) * 2**steps)
    np.testing.assert_array_equal(
        got["all"], [np.array([1, 3]) * 2 ** (k + 1) for k in range(steps)]
    )


@pytest.mark.parametrize(("limit", "condition"), [(0, None), (3, False), (None, None)])
def test_loops_without_steps_or_end(limit, condition):
    with pytest.raises(ValueError, match=r"node 'loop' .Loop.: (no steps|it has neither)"):
        Runner(loop(limit, condition, 3)).run({"x": [1, 3]})


# -- refusals of the mended operators -------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "shapes", "attributes", "outputs", "message"),
    [
        ("Conv", [(1, 2, 5), (2, 3, 3)], {}, 1, "W: expected a kernel for inputs"),
        ("Conv", [(1, 2, 5), (2, 2, 3)], {"strides": [1, 1]}, 1, "kernel_shape: expected 1 sizes"),
        ("Conv", [(1, 2, 5), (2, 2, 3)], {"pads": [1]}, 1, "pads: cannot be read"),
        ("Conv", [(1, 2, 2), (2, 2, 3)], {}, 1, "a window of 3 steps does not fit into 2"),
        ("MaxPool", [(1, 2, 5)], {"kernel_shape": [0]}, 1, "expected sizes, strides and dilat"),
        ("MaxPool", [(1, 2, 5)], {"kernel_shape": [2]}, 2, "its second output, Indices"),
        ("BatchNormalization", [(2, 3)] + [(3,)] * 4, {}, 2, "only inference"),
    ],
)
def test_refusals(name, shapes, attributes, outputs, message):
    inputs = {f"x{k}": ("float32", shape) for k, shape in enumerate(shapes)}
    names = [f"y{k}" for k in range(outputs)]
    node = helper.make_node(name, list(inputs), names, name="node", **attributes)
    runner = Runner(model([node], inputs, names, opset=12 if name != "BatchNormalization" else 9))
    feeds = {name: np.ones(shape, np.float32) for name, (_, shape) in inputs.items()}
    with pytest.raises(ValueError, match=f"run: .*{message}"):
        runner.run(feeds)
