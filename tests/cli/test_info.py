"""``lstmcore info``: what it says of models, of other files and of the machine."""

import json

import numpy as np
import pytest

import lstmcore
from lstmcore import _core, cli
from lstmcore.layers import LSTM, Bidirectional, Dense
from lstmcore.saving import describe_file


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def both_ways(**options):
    model = lstmcore.Sequential(
        [
            lstmcore.Input((3, 2)),
            Bidirectional(LSTM(4, name="lstm"), name="both"),
            Dense(1, name="dense"),
        ]
    )
    model.compile(**({"optimizer": "adam", "loss": "mse", "metrics": ["mae"]} | options))
    return model


def run(capsys, *argv):
    code = cli.main(list(argv))
    out, err = capsys.readouterr()
    return code, out, err


def test_info_of_a_trained_model(folder, capsys):
    model = both_ways()
    model.fit(np.ones((8, 3, 2)), np.ones(8), epochs=3, batch_size=4, verbose=0)
    model.save("m.safetensors")
    code, out, err = run(capsys, "info", "m.safetensors")
    assert (code, err) == (0, "")
    size = (folder / "m.safetensors").stat().st_size
    assert f"file      m.safetensors, {size:,} bytes\n" in out
    assert f"format    lstmcore/1, written by lstmcore {lstmcore.__version__}\n" in out
    assert "both (Bidirectional)" in out
    assert f"Total params: {model.count_params()}" in out
    assert "input     (None, 3, 2)\n" in out
    assert "output    (None, 1)\n" in out
    assert "optimizer Adam, learning rate 0.001\n" in out
    assert "loss      mse\n" in out
    assert "metrics   mae\n" in out
    assert "training  6 steps done, fit goes on from there\n" in out


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"loss": "mse"}, "training  compiled, not trained\n"),
        ({"loss": lstmcore.losses.Huber()}, "loss      Huber\n"),
        (
            {"optimizer": lstmcore.optimizers.SGD(lstmcore.optimizers.schedules.CosineDecay(1, 5))},
            "optimizer SGD, learning rate CosineDecay\n",
        ),
    ],
)
def test_info_of_other_trainings(folder, capsys, options, expected):
    both_ways(**options).save("m.safetensors")
    assert expected in run(capsys, "info", "m.safetensors")[1]


def test_info_of_a_model_that_is_not_compiled(folder, capsys):
    lstmcore.Sequential([lstmcore.Input((3, 2)), Dense(1)]).save("m.safetensors")
    assert "training  not compiled\n" in run(capsys, "info", "m.safetensors")[1]


def test_info_as_json(folder, capsys):
    model = both_ways()
    model.save("m.safetensors")
    found = json.loads(run(capsys, "info", "m.safetensors", "--json")[1])
    assert found["format"] == "lstmcore/1"
    assert found["config"]["model"]["class_name"] == "Sequential"
    assert found["config"]["training"]["iterations"] == 0
    assert found["params"] == model.count_params()
    assert [layer["name"] for layer in found["layers"]] == ["both", "dense"]
    assert found["tensors"]["weights/dense/kernel"] == [[8, 1], "float32"]


def test_info_of_weights(folder, capsys):
    both_ways().save_weights("m.weights.safetensors")
    code, out, _ = run(capsys, "info", "m.weights.safetensors")
    assert code == 0
    assert "format    lstmcore-weights/1" in out
    assert "weights/dense/kernel  float32 (8, 1)\n" in out
    found = json.loads(run(capsys, "info", "m.weights.safetensors", "--json")[1])
    assert "layers" not in found


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "lstmcore: m.safetensors is no file; give the path of a model that was saved\n"),
        (b"x" * 99, "lstmcore: m.safetensors: no model or weights can be read from this file: it"),
        (b"", "lstmcore: m.safetensors: no model or weights can be read from this file: it"),
    ],
)
def test_info_of_no_model(folder, capsys, content, message):
    if content is not None:
        (folder / "m.safetensors").write_bytes(content)
    code, out, err = run(capsys, "info", "m.safetensors")
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert err.startswith(message)


def test_info_of_a_file_of_a_later_version(folder, capsys):
    from safetensors.numpy import save_file

    save_file({"a": np.ones(3)}, "m.safetensors", {"format": "lstmcore/9"})
    code, _, err = run(capsys, "info", "m.safetensors")
    assert code == 1
    assert "expected format 'lstmcore/1' or 'lstmcore-weights/1', got 'lstmcore/9'" in err
    with pytest.raises(ValueError, match="no model or weights can be read from this file"):
        describe_file("m.safetensors")


def test_info_of_the_machine_as_json(capsys):
    found = json.loads(run(capsys, "info", "--json")[1])
    assert found["lstmcore"] == lstmcore.__version__
    assert (found["isa"], found["threads"]) == (_core.isa(), _core.get_num_threads())


def test_info_of_a_file_of_pytorch(folder, capsys):
    from safetensors.numpy import save_file

    save_file({"lstm.weight_ih_l0": np.ones((8, 2), "f")}, "m.safetensors", {"format": "pt"})
    code, out, err = run(capsys, "info", "m.safetensors")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[1] == "format    PyTorch's file"
    assert lines[2] == "tensors   1 of 16 numbers, float32"
    assert lines[3].startswith("refused   it is a PyTorch state dict with 1 tensors")
    assert lines[-1] == "lstm.weight_ih_l0  float32 (8, 2)"
    found = json.loads(run(capsys, "info", "m.safetensors", "--json")[1])
    assert found["format"] == "PyTorch's file"
    assert found["tensors"] == {"lstm.weight_ih_l0": [[8, 2], "float32"]}
    assert found["refused"].startswith("it is a PyTorch state dict")


def test_info_of_a_file_of_keras(folder, capsys):
    h5py = pytest.importorskip("h5py")
    layer = {"units": 2, "batch_input_shape": [None, 3], "name": "d", "activation": "linear"}
    config = {"name": "m", "layers": [{"class_name": "Dense", "config": layer}]}
    with h5py.File("m.h5", "w") as file:
        file.attrs["keras_version"] = "2.2.4"
        file.attrs["model_config"] = json.dumps({"class_name": "Sequential", "config": config})
        weights = file.create_group("model_weights")
        weights.attrs.update({"layer_names": [b"d"], "keras_version": "2.2.4"})
        group = weights.create_group("d")
        group.attrs["weight_names"] = [b"d/kernel:0", b"d/bias:0"]
        group["d/kernel:0"], group["d/bias:0"] = np.ones((3, 2), "f"), np.ones(2, "f")
    code, out, err = run(capsys, "info", "m.h5")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[1] == "format    Keras's HDF5 file, written by Keras 2.2.4"
    assert lines[2] == "tensors   2 of 8 numbers, float32"
    assert "d (Dense)" in out
    assert "training  not compiled" in out
    found = json.loads(run(capsys, "info", "m.h5", "--json")[1])
    assert (found["keras_version"], found["params"]) == ("2.2.4", 8)
    assert "refused" not in found
    layer["activation"] = "unheard_of"
    with h5py.File("m.h5", "a") as file:
        file.attrs["model_config"] = json.dumps({"class_name": "Sequential", "config": config})
    lines = run(capsys, "info", "m.h5")[1].splitlines()
    assert lines[3].startswith("refused   ")
    assert "unheard_of" in lines[3]
    assert lines[-1].endswith("float32 (3, 2)")


def test_info_of_a_graph(folder, capsys):
    pytest.importorskip("onnx")
    both_ways().export("m.onnx")
    code, out, err = run(capsys, "info", "m.onnx")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[1] == "format    an ONNX file"
    rows = {line[:9].strip(): line[10:] for line in lines[1:8]}
    assert rows["opsets"] == "ai.onnx 17"
    assert rows["inputs"].endswith("(batch, time, 2) float32")
    assert "LSTM 1" in rows["operators"]
    assert "(Bidirectional)" in out
    found = json.loads(run(capsys, "info", "m.onnx", "--json")[1])
    assert found["operators"]["LSTM"] == 1
    assert found["refused"] is None
    assert found["params"] == both_ways().count_params()
