"""Formats: whose a file is by its content, and which names are written in which format."""

import io
import json
import re
import zipfile

import numpy as np
import pytest

from lstmcore import Input, Sequential, callbacks, load_model
from lstmcore.layers import LSTM, Dense
from lstmcore.saving import describe_file, formats

HDF5 = b"\x89HDF\r\n\x1a\n" + bytes(200)


def zipped(*names):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in names:
            archive.writestr(name, "{}")
    return out.getvalue()


KERAS = zipped("metadata.json", "config.json", "model.weights.h5")


def model():
    return Sequential([Input((4, 2)), LSTM(3), Dense(1)])


def safetensors(metadata):
    header = json.dumps({"__metadata__": metadata}).encode()
    return len(header).to_bytes(8, "little") + header


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (HDF5, formats.KERAS_HDF5),
        (KERAS, formats.KERAS_ARCHIVE),
        (zipped("config.json"), formats.KERAS_ARCHIVE),
        (zipped("m/data.pkl", "m/version"), formats.PYTORCH),
        (zipped("m/code/x.py", "m/constants.pkl"), formats.PYTORCH),
        (b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.", formats.PYTORCH),
        (safetensors({}), formats.PYTORCH),
        (safetensors({"format": "pt"}), formats.PYTORCH),
        (safetensors({"format": "lstmcore/1"}), formats.NATIVE),
        (b"\x08\x08\x12\x07pytorch", formats.ONNX),
    ],
)
def test_a_format_is_known_by_the_content(content, kind, tmp_path):
    path = tmp_path / "any.name"
    path.write_bytes(content)
    assert formats.recognize(str(path)) is kind


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (zipped("notes.txt"), "it is a zip archive, and of none of files of lstmcore"),
        (KERAS[:50], "it is a zip archive, and damaged or cut short"),
        (b"PK\x03\x04" + bytes(9), "it is a zip archive, and damaged or cut short"),
        (b"\xff" * 8 + b"{}", "it is no safetensors file, or cut short"),
        (b'{"class_name": "Sequential"}', "it is JSON: an architecture is read by"),
        (b"", "its first bytes, b'', are of none of files of lstmcore (.safetensors), Keras"),
        (b"hello there", "its first bytes, b'hello th', are of none of files of lstmcore"),
    ],
    ids=["zip", "cut", "short", "header", "json", "empty", "text"],
)
def test_what_is_no_model_file(content, words, tmp_path):
    path = tmp_path / "any.name"
    path.write_bytes(content)
    for read in (load_model, model().load_weights, describe_file):
        with pytest.raises(ValueError, match=re.escape(words)) as error:
            read(path)
        assert "\n" not in str(error.value)


def test_the_advice_works(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    there, here = model(), model()
    np.savez("weights.npz", *there.get_weights())
    with pytest.raises(ValueError, match="it is NumPy's file of arrays") as error:
        load_model("weights.npz")
    code = str(error.value).partition("write ")[2]
    exec(code, {"model": here, "numpy": np})
    for ours, theirs in zip(here.get_weights(), there.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_folder_may_be_tensorflow_s_model(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no file .*: it is a folder$"):
        load_model(tmp_path)
    (tmp_path / "saved_model.pb").write_bytes(b"")
    for read in (load_model, model().load_weights):
        with pytest.raises(
            FileNotFoundError, match="it is a folder, TensorFlow's SavedModel: load"
        ):
            read(tmp_path)


@pytest.mark.parametrize(
    ("method", "name", "instead"),
    [
        ("save", "m.H5", "m.keras"),
        ("save", "m-{epoch:02d}.hdf5", "m-{epoch:02d}.keras"),
        ("save", "m.weights.h5", "m.keras"),
        ("save_weights", "m.keras", "m.weights.h5"),
        ("save_weights", "m.h5", "m.weights.h5"),
        ("save", ".h5", "model.keras"),
        ("save", "m.pt", "m.safetensors"),
        ("save_weights", "m.onnx", "m.weights.safetensors"),
    ],
)
def test_names_of_other_formats_are_refused_with_the_right_one(method, name, instead, tmp_path):
    words = re.escape(f"{method}: {name!r} names another format; write {instead!r} instead")
    with pytest.raises(ValueError, match=words):
        getattr(model(), method)(tmp_path / name)
    checkpoint = callbacks.ModelCheckpoint(name, save_weights_only=method == "save_weights")
    made = model()
    made.compile("sgd", "mse")
    before = made.get_weights()
    with pytest.raises(ValueError, match=f"ModelCheckpoint: {words}"):
        made.fit(np.ones((4, 4, 2)), np.ones(4), callbacks=[checkpoint], verbose=0)
    np.testing.assert_array_equal(before[0], made.get_weights()[0])  # before any training
    assert not list(tmp_path.iterdir())


def test_layers_of_the_same_name_alone(tmp_path):
    there, here = model(), Sequential([Input((4, 2)), LSTM(3, name="lstm_of_mine"), Dense(1)])
    here.layers[1].name = there.layers[1].name
    there.save_weights(tmp_path / "m.safetensors")
    before = here.get_weights()
    here.load_weights(tmp_path / "m.safetensors", by_name=True)
    for i, (ours, theirs) in enumerate(zip(here.get_weights(), there.get_weights(), strict=True)):
        np.testing.assert_array_equal(ours, before[i] if i < 3 else theirs)
    for layer in here.layers:
        layer.name = f"other_{layer.name}"
    with pytest.raises(ValueError, match="by_name: no layer of the file"):
        here.load_weights(tmp_path / "m.safetensors", by_name=True)
