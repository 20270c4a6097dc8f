"""Files of other libraries, and names that only they use: the error says what to write.

The bytes are what Keras 3.15 and PyTorch write at the beginning of their files.
"""

import io
import re
import zipfile

import numpy as np
import pytest

from lstmcore import Input, Sequential, callbacks, load_model
from lstmcore.layers import LSTM, Dense
from lstmcore.saving import describe_file

HDF5 = b"\x89HDF\r\n\x1a\n" + bytes(200)
ADVICE = (
    "in Keras write numpy.savez('weights.npz', *model.get_weights()); here make the same layers"
)


def zipped(*names):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in names:
            archive.writestr(name, "{}")
    return out.getvalue()


KERAS = zipped("metadata.json", "config.json", "model.weights.h5")


def model():
    return Sequential([Input((4, 2)), LSTM(3), Dense(1)])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (HDF5, f"it is an HDF5 file, as Keras writes .h5: {ADVICE}"),
        (KERAS, f"it is Keras's .keras file: {ADVICE}"),
        (zipped("m/data.pkl", "m/version"), "it is PyTorch's"),
        (zipped("notes.txt"), "it is a zip archive"),
        (KERAS[:50], "it is no safetensors file, or cut short"),
        (b"PK\x03\x04" + bytes(9), "it is no safetensors file, or cut short"),
    ],
    ids=["hdf5", "keras", "pytorch", "zip", "cut", "short"],  # a zip has the time in it
)
def test_whose_it_is(content, words, tmp_path):
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
        with pytest.raises(FileNotFoundError, match="it is a folder, TensorFlow's SavedModel: in"):
            read(tmp_path)


@pytest.mark.parametrize(
    ("method", "name", "instead"),
    [
        ("save", "m.keras", "m.safetensors"),
        ("save", "m.H5", "m.safetensors"),
        ("save", "m-{epoch:02d}.hdf5", "m-{epoch:02d}.safetensors"),
        ("save_weights", "m.weights.h5", "m.weights.safetensors"),
        ("save_weights", "m.h5", "m.weights.safetensors"),
        ("save", ".h5", "model.safetensors"),
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
