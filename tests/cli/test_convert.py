"""``lstmcore convert``: what it writes, checks and refuses."""

import numpy as np
import pytest
from command_line import fails
from kinds_of_files import forecaster

from lstmcore import Input, Sequential, cli, layers, load_model
from lstmcore.interchange import checking


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def model(folder):
    made = Sequential([Input((None, 2), name="x"), layers.LSTM(3), layers.Dense(1)])
    made.compile("adam", "mse")
    made.save("m.safetensors")
    return made


def run(capsys, *argv):
    code = cli.main(["convert", *argv])
    out, err = capsys.readouterr()
    assert (code, err) == (0, "")
    return out.splitlines()


@pytest.mark.parametrize(
    "target", ["n.safetensors", "n.keras", "n.weights.safetensors", "n.weights.h5", "n.onnx"]
)
def test_each_format_is_written_and_checked(folder, model, capsys, target):
    if target.endswith(".onnx"):
        pytest.importorskip("onnx")
    if target.endswith((".keras", ".h5")):
        pytest.importorskip("h5py")
    lines = run(capsys, "m.safetensors", target, "--check")
    size = (folder / target).stat().st_size
    assert lines[0] == f"{target}: {size:,} bytes, {model.count_params()} weights"
    what = {
        "n.safetensors": [],
        "n.keras": [],
        "n.onnx": ["left behind: loss, metrics and optimizer"],
    }
    assert lines[1:-1] == what.get(target, ["left behind: the architecture"])
    begin = f"check of {target} on inputs of shape [(1, 5, 2)] and [(3, 11, 2)]: "
    assert lines[-1].startswith(begin)
    assert target.endswith(".onnx") or lines[-1] == f"{begin}equal to the bit"


def test_without_a_check_nothing_is_read_again(model, capsys, monkeypatch):
    monkeypatch.setattr(checking, "outputs_of_file", None)
    assert len(run(capsys, "m.safetensors", "n.safetensors")) == 1
    assert load_model("n.safetensors").compiled


def test_inputs_of_the_users_own(model, capsys):
    np.savez("probe.npz", x=np.ones((2, 7, 2), np.float32))
    lines = run(capsys, "m.safetensors", "n.safetensors", "--check", "--input", "probe.npz")
    assert lines[-1] == "check of n.safetensors on inputs of shape [(2, 7, 2)]: equal to the bit"
    np.savez("probe.npz", x=np.ones((2, 7, 3), np.float32))
    argv = ["convert", "m.safetensors", "n.safetensors", "--check", "--input"]
    code, _, err = fails(capsys, [*argv, "probe.npz"])
    assert (code, "expected an array of shape" in err) == (1, True)
    assert fails(capsys, [*argv, "none.npz"])[0] == 1
    for arrays in ({"x": 1}, {"y": [1], "z": [2]}):
        np.savez("probe.npz", **arrays)
        assert "expected ['x'], or 1 arrays, got {" in fails(capsys, [*argv, "probe.npz"])[2]


@pytest.mark.parametrize(("by", "code"), [(1e-6, 0), (1e-4, 1), (np.nan, 1)])
def test_a_difference_fails(model, capsys, monkeypatch, by, code):
    real = checking.outputs_of_file
    monkeypatch.setattr(checking, "outputs_of_file", lambda *a: [y + by for y in real(*a)])
    assert cli.main(["convert", "m.safetensors", "n.safetensors", "--check"]) == code
    out, err = capsys.readouterr()
    said = (err if code else out).partition("largest difference ")[2].split(",")[0]
    assert float(said) == pytest.approx(np.inf if np.isnan(by) else by, rel=0.2)
    assert ("more than 2e-06" in err) == bool(code)


def test_a_graph_that_is_read_is_checked_too(model, capsys):
    pytest.importorskip("onnx")
    model.export("m.onnx")
    lines = run(capsys, "m.onnx", "n.safetensors", "--check")
    assert [line.split(" on ")[0] for line in lines[-2:]] == [
        "check of m.onnx",
        "check of n.safetensors",
    ]


def test_from_keras_and_back(folder, model, capsys):
    pytest.importorskip("h5py")
    pytest.importorskip("onnx")
    model.fit(np.ones((4, 5, 2)), np.ones(4), verbose=0)
    model.save("m.keras")
    for source, target in (("m.keras", "n.safetensors"), ("n.safetensors", "n.keras")):
        lines = run(capsys, source, target, "--check")
        assert lines[-1].endswith("equal to the bit")
    again = load_model("n.keras")
    assert again.optimizer.iterations == 1
    for one, other in zip(again.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert run(capsys, "n.keras", "n.onnx", "--check")[-1].startswith("check of n.onnx")


def test_masks_of_a_graph(folder, capsys):
    pytest.importorskip("onnx")
    parts = layers.Embedding(9, 2, mask_zero=True), layers.LSTM(3)
    Sequential([Input((None,)), *parts]).save("m.safetensors")
    (*_, line) = run(capsys, "m.safetensors", "m.onnx", "--check")
    assert line.startswith("check of m.onnx on inputs of shape [(1, 5)] and [(3, 11)]")


def test_what_a_graph_cannot_say_is_refused(folder, capsys):
    pytest.importorskip("onnx")
    inputs = Input((None, 4, 2))
    Sequential([inputs, layers.ConvLSTM1D(3, 2, name="odd")]).save("m.safetensors")
    code, _, err = fails(capsys, ["convert", "m.safetensors", "m.onnx"])
    assert (code, "'odd'" in err, "ConvLSTM1D" in err) == (1, True, True)
    assert not (folder / "m.onnx").exists()


def test_what_a_format_has_no_place_for_is_said(folder, capsys):
    forecaster().save("f.safetensors")
    lines = run(capsys, "f.safetensors", "g.safetensors")
    assert lines[1] == "left behind: all of the forecaster but its network"


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["m.safetensors", "n.h5"], "n.h5: expected a name that ends in .safetensors, .keras"),
        (["m.safetensors", "n"], "n: expected a name that ends in"),
        (["m.safetensors", "m.safetensors"], "m.safetensors is the file to read"),
        (["m.safetensors", "link.safetensors"], "link.safetensors is the file to read"),
        (["none.h5", "n.safetensors"], "none.h5 is no file"),
        (["text.h5", "n.safetensors"], "text.h5: no model can be read from this file"),
        (["m.safetensors", "n.safetensors", "--input", "p.npz"], "--input is what --check"),
        (["m.safetensors", "none/n.safetensors"], "save: no folder"),
    ],
)
def test_refusals(folder, model, capsys, argv, message):
    (folder / "text.h5").write_text("a text")
    (folder / "link.safetensors").symlink_to("m.safetensors")
    code, out, err = fails(capsys, ["convert", *argv])
    assert (code, out) == (1, "")
    assert err.startswith(f"lstmcore: {message}")
    assert load_model("m.safetensors").count_params() == model.count_params()


def test_weights_of_int8(folder, model, capsys):
    lines = run(capsys, "m.safetensors", "n.safetensors", "--weights", "int8", "--check")
    assert lines[0].endswith("304 bytes of float32 weights are 167 now, 0.549 of them")
    assert lines[1].startswith("stored as int8: lstm")
    assert lines[-1].endswith("equal to the bit")
    assert load_model("n.safetensors").layers[0].storage == "int8"
    _, _, line = fails(capsys, ["convert", "m.safetensors", "n.keras", "--weights", "int8"])
    assert line.endswith("--weights: n.keras: expected a .safetensors file, which alone has them")
