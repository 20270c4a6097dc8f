"""Files that genuine Keras of every age wrote give here what they gave there.

The files are those that make_keras1.py and make_keras.py made, in the folder files.
"""

import zipfile
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest

from lstmcore import load_model
from lstmcore.interchange.keras.ages import age_of
from lstmcore.models import model_from_json

PACKS = {path.stem: path for path in sorted((Path(__file__).parent / "files").glob("*.zip"))}
# layers that are not here: by the file's name, what the error names
REFUSED = {"maxout": "'MaxoutDense'"}
ANEW = "the optimizer begins anew"
OLD = ("1.", "2.2.", "2.3.")  # computed by Theano and by TensorFlow 1.15: errors of up to 1e-5


def members():
    for pack, path in PACKS.items():
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                stem = name.partition(".")[0]
                if name.endswith((".h5", ".keras")) and stem not in REFUSED:
                    yield pack, name


def unpacked(pack, name, folder):
    """The file of this name, with those of the same model beside it, and inputs and outputs."""
    stem = name.partition(".")[0]
    with zipfile.ZipFile(PACKS[pack]) as archive:
        for other in archive.namelist():
            if other.partition(".")[0] == stem:
                archive.extract(other, folder)
    with np.load(folder / f"{stem}.npz") as arrays:
        x, y = ([arrays[key] for key in sorted(arrays) if key[0] == kind] for kind in "xy")
    return folder / name, x, y


def opened(path, **options):
    """The model of a whole file, or of weights and an architecture beside them."""
    if path.name.endswith(".weights.h5"):
        text = path.with_name(path.name.replace(".weights.h5", ".json")).read_text()
        model = model_from_json(text)
        model.load_weights(path)
        return model
    return load_model(path, **options)


def trained_by_keras_1(pack, name):
    """True if the optimizer's state is of twelve arrays a layer: it is not taken over."""
    return pack.startswith("keras_1.") and name == "graph.h5"


def error(model, x, y):
    """The largest difference of the outputs, relative to those that are larger than 1."""
    outputs = model.predict(x if len(x) > 1 else x[0])
    outputs = outputs if isinstance(outputs, list) else [outputs]
    assert [a.shape for a in outputs] == [a.shape for a in y]
    return max(
        np.max(np.abs(a - b) / np.maximum(1, np.abs(b))) for a, b in zip(outputs, y, strict=True)
    )


@pytest.mark.parametrize(("pack", "name"), list(members()))
def test_outputs(pack, name, tmp_path):
    path, x, y = unpacked(pack, name, tmp_path)
    version = pack.split("_")[1]
    with pytest.warns(UserWarning, match=ANEW) if trained_by_keras_1(pack, name) else nullcontext():
        model = opened(path)
    assert error(model, x, y) <= (1e-5 if version.startswith(OLD) else 2e-6)


@pytest.mark.parametrize(
    ("pack", "name", "version"),
    [
        ("keras_2.3.1", "masked.h5", "2.4.0"),  # masked steps of a Bidirectional are 0
        ("keras_2.15.0", "masked.keras", "3.15.1"),  # other masks of merging layers
        ("keras_2.15.0", "stack.keras", "3.15.1"),  # another hard_sigmoid
    ],
)
def test_the_age_decides(pack, name, version, tmp_path):
    path, x, y = unpacked(pack, name, tmp_path)
    assert error(load_model(path, keras_version=version), x, y) > 1e-3


def test_hard_sigmoid_of_an_architecture_and_of_weights_are_of_one_age(tmp_path):
    path, *_ = unpacked("keras_3.15.1", "stack.weights.h5", tmp_path)
    text = path.with_name("stack.json").read_text()
    old = unpacked("keras_2.2.4", "cudnn.weights.h5", tmp_path)[0]
    assert "hard_sigmoid" in text
    with pytest.raises(ValueError, match=r"hard_sigmoid was clip\(0.2 x \+ 0.5, 0, 1\)"):
        model_from_json(text).load_weights(old)


@pytest.mark.parametrize("stem", list(REFUSED))
def test_a_layer_that_is_not_here_is_named(stem, tmp_path):
    path, _, _ = unpacked("keras_1.2.2_theano", f"{stem}.h5", tmp_path)
    with pytest.raises(ValueError, match=REFUSED[stem]):
        load_model(path)


def test_a_version_that_leaves_masked_steps_open_is_warned_of(tmp_path):
    path, x, y = unpacked("keras_2.21.0", "masked.h5", tmp_path)
    assert error(load_model(path, keras_version="2.4.0"), x, y) <= 2e-6
    with pytest.warns(UserWarning, match="keras_version='2.4.0' gives 0"):
        model = load_model(path, keras_version="2.3.0-tf")
    assert error(model, x, y) > 1e-3


@pytest.mark.parametrize(
    ("version", "kind", "config", "carries"),
    [
        ("1.2.2", "LSTM", {}, True),
        ("2.3.1", "SimpleRNN", {}, True),
        ("2.4.0", "LSTM", {}, False),
        ("3.15.1", "LSTM", {}, False),
        ("2.2.4-tf", "LSTM", {}, True),  # of TensorFlow 2.0
        ("2.2.4-tf", "LSTM", {"recurrent_activation": "hard_sigmoid"}, False),
        ("2.2.4-tf", "LSTM", {"implementation": 1}, False),  # of TensorFlow 1.15
        ("2.2.4-tf", "GRU", {"reset_after": True}, True),
        ("2.2.4-tf", "GRU", {"reset_after": False}, False),
        ("2.2.4-tf", "SimpleRNN", {}, False),
    ],
)
def test_masked_steps_of_a_bidirectional(version, kind, config, carries):
    """The sources of TensorFlow 1.15, 2.1 and 2.2; files of the first two gave the same."""
    fast = {"activation": "tanh", "recurrent_activation": "sigmoid", "recurrent_dropout": 0.0}
    fast |= {"unroll": False, "use_bias": True, "implementation": 2}
    inner = {"class_name": kind, "config": {**fast, **config}}
    assert age_of(version).carries_masked_steps_on(inner) is carries


def test_the_backend_of_keras_1_is_seen_in_names():
    assert age_of("1.2.2").of_names(["conv_W", "conv_b"]).backend == "theano"
    assert age_of("1.2.2").of_names(["conv_W:0"]).backend == "tensorflow"


@pytest.mark.parametrize("version", ["0.3.3", "4.0", "", None, "two"])
def test_a_version_that_is_not_known(version):
    with pytest.raises(ValueError, match=r"keras_version: expected 1\.x to 3\.x"):
        age_of(version)
