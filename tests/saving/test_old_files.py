"""Files of earlier versions: each opens, gives what it gave then, and training goes on."""

import io
import tarfile
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from lstmcore import load_model
from lstmcore.classification import TextClassifier
from lstmcore.forecasting import LSTMForecaster
from lstmcore.saving import describe_file
from lstmcore.text import LanguageModel

ARCHIVE = Path(__file__).with_name("files") / "old_files.tar.xz"
APPLICATIONS = ("classifier", "language_model", "forecaster")


@cache
def archive():
    """All files of the archive by their names."""
    with tarfile.open(ARCHIVE) as file:
        return {member.name: file.extractfile(member).read() for member in file.getmembers()}


@cache
def expected(version):
    with np.load(io.BytesIO(archive()[f"{version}/expected.npz"])) as file:
        return dict(file)


def names(applications):
    found = [name.removesuffix(".safetensors") for name in archive() if name.endswith("rs")]
    found = [name for name in sorted(found) if not name.endswith(".weights")]
    return [name for name in found if (name.partition("/")[2] in APPLICATIONS) == applications]


def arrays(name, letter):
    """The inputs, or the outputs, that a model had."""
    version, _, model = name.partition("/")
    found = expected(version)
    keys = sorted(key for key in found if key.startswith(f"{model}/{letter}"))
    return [found[key] for key in keys]


def unpack(name, folder):
    path = folder / name.partition("/")[2]
    path.write_bytes(archive()[f"{name}.safetensors"])
    return path


def close(found, wanted, tolerance=2e-6):
    """Equal but for the order of sums on another processor, and of the same type."""
    assert found.dtype == wanted.dtype
    assert found.shape == wanted.shape
    assert np.abs(found - wanted).max() <= tolerance * max(1, np.abs(wanted).max())


def outputs(model, inputs, count):
    """What a model gives; a stateful one is called again until there are `count` arrays."""
    found = []
    while len(found) < count:
        y = model.predict(inputs if len(inputs) > 1 else inputs[0], verbose=0)
        found += list(y.values()) if isinstance(y, dict) else y if isinstance(y, list) else [y]
    return found


def test_there_are_files_of_several_versions():
    count = {name.partition("/")[0] for name in archive()}
    assert len(count) == 5
    assert len(names(applications=False)) > 70
    assert len(names(applications=True)) == 9


@pytest.mark.parametrize("name", names(applications=False))
def test_a_model(name, tmp_path):
    path, inputs, wanted = unpack(name, tmp_path), arrays(name, "x"), arrays(name, "y")
    model = load_model(path)
    assert wanted
    for y, then in zip(outputs(model, inputs, len(wanted)), wanted, strict=True):
        close(y, then)
    assert describe_file(path)["format"] == "lstmcore/1"
    version, _, short = name.partition("/")
    if f"{name}.weights.safetensors" in archive():
        weights = unpack(f"{name}.weights", tmp_path)
        model.set_weights([0 * w for w in model.get_weights()])
        model.load_weights(weights)
        close(outputs(model, inputs, 1)[0], wanted[0])
        assert describe_file(weights)["format"] == "lstmcore-weights/1"
    if f"{short}/loss" in expected(version):
        done = model.fit(inputs[0], wanted[0], batch_size=2, shuffle=False, verbose=0)
        close(np.array(done.history["loss"]), expected(version)[f"{short}/loss"], 1e-5)
        close(outputs(model, inputs, 1)[0], expected(version)[f"{short}/after"], 1e-5)


@pytest.mark.parametrize("name", names(applications=True))
def test_an_application(name, tmp_path):
    path, wanted = unpack(name, tmp_path), arrays(name, "y")
    if name.endswith("classifier"):
        found = [TextClassifier.load(path).predict_proba(list(arrays(name, "x")[0]))]
    elif name.endswith("forecaster"):
        forecast = LSTMForecaster.load(path).forecast()
        found = [forecast.point, forecast.quantiles]
    else:
        text = LanguageModel.load(path).evaluate("Jill and Jack")
        found = [np.array(text["nats_per_token"])]
    for y, then in zip(found, wanted, strict=True):
        close(y, then)
