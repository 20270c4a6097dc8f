"""Objectives: their direction, and what says too little."""

import re

import numpy as np
import pytest
from tuner_scores import dummy

import lstmcore.tuner as kt

# --- objectives ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "direction"),
    [
        ("val_loss", "min"),
        ("val_mae", "min"),
        ("val_accuracy", "max"),
        ("loss", "min"),
        ("auc", "max"),
    ],
)
def test_the_direction_follows_from_the_name(here, name, direction):
    assert kt.RandomSearch(dummy, name).objective == kt.Objective(name, direction)


def test_objectives_that_say_too_little(here):
    with pytest.raises(ValueError, match=re.escape("give Objective('val_x', 'min') or")):
        kt.RandomSearch(dummy, "val_x")
    with pytest.raises(ValueError, match="expected 'min' or 'max', got 'up'"):
        kt.Objective("val_loss", "up")
    with pytest.raises(ValueError, match="objective: name one"):
        kt.RandomSearch(dummy)
    with pytest.raises(TypeError, match="expected a name"):
        kt.RandomSearch(dummy, ["val_loss", "val_mae"])


@pytest.mark.slow
def test_an_objective_that_is_not_in_the_logs(here):
    tuner = kt.RandomSearch(dummy, "val_loss")
    with pytest.raises(ValueError, match=r"no 'val_loss' .* give search validation_data"):
        tuner.search(np.ones((4, 1)), np.ones(4), verbose=0)
    tuner.search(np.ones((4, 1)), np.ones(4), validation_split=0.5, verbose=0)
    assert list(tuner.trials) == ["0001"]


# --- callbacks, models, words, pictures ---------------------------------------------------------

pytestmark = pytest.mark.usefixtures("one_thread")
