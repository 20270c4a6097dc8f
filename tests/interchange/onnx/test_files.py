"""ONNX files at the door."""

import numpy as np
import pytest
from onnx_graphs import model, random_arrays, recurrent, save

import lstmcore
from lstmcore.interchange.onnx import files


@pytest.fixture
def path(tmp_path):
    arrays = random_arrays(np.random.default_rng(0), "GRU", 1, names=("X", "W", "R"))
    proto, _ = recurrent("GRU", arrays, {"hidden_size": 3}, outputs=["Y"])
    proto.producer_name, proto.producer_version = "tests", "1"
    return save(proto, tmp_path / "m.onnx")


def test_load_model(path):
    assert isinstance(lstmcore.load_model(path).get_layer("gru"), lstmcore.layers.GRU)


def test_weights_that_are_not_finite(tmp_path):
    arrays = random_arrays(np.random.default_rng(0), "GRU", 1, names=("X", "W", "R"))
    arrays["W"][0, 0, 0] = np.nan
    file = save(recurrent("GRU", arrays, outputs=["Y"])[0], tmp_path / "m.onnx")
    with pytest.raises(ValueError, match="weight 'gru/kernel' is NaN or infinite"):
        lstmcore.load_model(file)
    made = lstmcore.load_model(file, allow_nonfinite=True)
    assert np.isnan(made.get_layer("gru").get_weights()[0]).any()


def test_weights_alone_make_no_model(path):
    made = lstmcore.load_model(path)
    with pytest.raises(ValueError, match=r"an ONNX graph has no weights by layer: .*load_model"):
        made.load_weights(path)


def test_describe(path, tmp_path):
    said = files.describe(path)
    assert said["opsets"] == {"ai.onnx": 14}
    assert said["producer"] == "tests 1"
    assert said["inputs"] == [("X", (4, 3, 2), "float32")]
    assert said["operators"] == {"GRU": 1}
    assert said["refused"] is None
    from onnx import helper

    node = helper.make_node("Det", ["x"], ["y"], "d")
    other = save(model([node], {"x": ("float32", (2, 2))}, ["y"]), tmp_path / "d.onnx")
    assert files.describe(other)["refused"].startswith("node 'd' (Det)")
    assert lstmcore.saving.describe_file(other)["format"] == "an ONNX file"


def test_an_error_names_the_file(tmp_path):
    bad = tmp_path / "bad.onnx"
    bad.write_bytes(b"\x08\x08" + bytes(40))
    with pytest.raises(ValueError, match=r"bad\.onnx: no model can be read"):
        lstmcore.load_model(bad)
