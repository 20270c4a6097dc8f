"""200 random models are Keras's: outputs, losses, two steps of training."""

import numpy as np
import pytest
import random_models
from keras_numbers import keras_numbers

import lstmcore

FROZEN = keras_numbers("models")
# of max(1, x), after two steps at a rate of 0.1; Keras has losses and rates in float32
TOLERANCE = {"float64": 3e-7, "float32": 2e-4}


class Library:
    """lstmcore in the place of Keras."""

    tree = lstmcore.structure

    def __getattr__(self, name):
        return getattr(lstmcore, name)


def test_there_are_200():
    assert len(FROZEN) == 200


# In float32 a tenth of them: the kernels of both types are held to each other elsewhere.
CASES = [(seed, "float64") for seed in FROZEN] + [(seed, "float32") for seed in [*FROZEN][::10]]


@pytest.mark.parametrize(("seed", "dtype"), CASES)
def test_a_random_model(seed, dtype):
    lstmcore.config.set_floatx(dtype)
    try:
        found = random_models.play(Library(), int(seed))
    finally:
        lstmcore.config.set_floatx("float32")
    want = FROZEN[seed]
    assert found["shapes"] == want["shapes"]
    for name in ("losses", "outputs"):
        ours, theirs = np.array(found[name]), np.array(want[name])
        off = np.abs(ours - theirs) / np.maximum(1, np.abs(theirs))
        assert off.max() < TOLERANCE[dtype], (name, found[name], want[name])
