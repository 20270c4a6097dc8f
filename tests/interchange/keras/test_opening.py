"""Weights of a file in a model of one's own: what the file does not say is asked for."""

import numpy as np
import pytest

from lstmcore import Input, Sequential
from lstmcore.activations import HardSigmoid
from lstmcore.interchange.keras.ages import Age
from lstmcore.interchange.keras.hdf5 import HDF5
from lstmcore.interchange.keras.weights import stated_age
from lstmcore.layers import LSTM

h5py = pytest.importorskip("h5py")


def model(function):
    return Sequential([Input((4, 2)), LSTM(3, recurrent_activation=function)])


def numbered(path, arrays, **extra):
    """A file as Keras 2.13 to 3.4 wrote it: nothing in it says which."""
    with h5py.File(path, "w") as file:
        for i, array in enumerate(arrays):
            file[f"layers/lstm/cell/vars/{i}"] = array
        for name, value in extra.items():
            file[name.replace("__", "/")] = value
    return path


def test_hard_sigmoid_of_an_age_that_is_not_known_is_asked_for(tmp_path):
    ours = model("hard_sigmoid")
    weights = [np.random.default_rng(0).normal(size=w.shape) for w in ours.get_weights()]
    path = numbered(tmp_path / "w.weights.h5", weights)
    before = ours.get_weights()
    with pytest.raises(ValueError, match=r"recurrent_activation: the file is of Keras 2 or 3.*"):
        ours.load_weights(path)
    for a, b in zip(ours.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)
    with pytest.raises(ValueError, match=r"the file is Keras 2\.15's; before 3 hard_sigmoid was"):
        ours.load_weights(path, keras_version="2.15")
    old = model(HardSigmoid(slope=0.2, offset=0.5))
    ours.load_weights(path, keras_version="3")
    for one in (old, model("sigmoid")):
        one.load_weights(path)
        np.testing.assert_allclose(one.get_weights()[0], weights[0], rtol=1e-6)
    np.testing.assert_allclose(ours.get_weights()[0], weights[0], rtol=1e-6)


def test_a_learning_rate_among_the_numbers_is_keras_3(tmp_path):
    ours = model("hard_sigmoid")
    state = {"optimizer__vars__0": np.int64(0), "optimizer__vars__1": np.float32(0.1)}
    ours.load_weights(numbered(tmp_path / "w.weights.h5", ours.get_weights(), **state))


def test_of_a_version_that_is_given_the_file_says_the_backend(tmp_path):
    with h5py.File(tmp_path / "f", "w") as file:
        file.attrs.update(keras_version="2.2.4", backend="theano", layer_names=["a"])
    with HDF5(str(tmp_path / "f")) as file:
        for given, version in ((None, "2.2.4"), ("2.1.0", "2.1.0"), ("3.0.0", "2.2.4")):
            assert stated_age(file, given) == Age(version, "theano")


def test_a_version_that_is_none(tmp_path):
    ours = model("sigmoid")
    path = numbered(tmp_path / "w.weights.h5", ours.get_weights())
    with pytest.raises(ValueError, match=r"keras_version: expected 1\.x to 3\.x, got '4\.0'"):
        ours.load_weights(path, keras_version="4.0")
