"""Callbacks that set the learning rate decide as Keras's do."""

import numpy as np
import pytest
from keras_numbers import keras_numbers
from scripted_run import case_id, run

from lstmcore import callbacks
from lstmcore.callbacks import ReduceLROnPlateau
from lstmcore.optimizers import SGD

KERAS = keras_numbers("callbacks")


@pytest.mark.parametrize("case", KERAS["plateau"], ids=case_id)
def test_reduce_lr_on_plateau_is_keras(case):
    callback = ReduceLROnPlateau("score", **case["given"])
    _, history = run(callback, KERAS["sequences"][case["numbers"]])
    np.testing.assert_allclose(history.history["learning_rate"], case["rates"], rtol=1e-6)


def test_learning_rate_scheduler(capsys):
    seen = []

    def schedule(epoch, rate):
        seen.append((epoch, rate))
        return rate * 0.5

    _, history = run(callbacks.LearningRateScheduler(schedule, verbose=1), [1.0] * 3)
    assert seen == [(0, 0.1), (1, 0.05), (2, 0.025)]
    assert history.history["learning_rate"] == [0.05, 0.025, 0.0125]
    assert (
        "Epoch 3: LearningRateScheduler sets the learning rate to 0.0125" in capsys.readouterr().out
    )
    _, history = run(callbacks.LearningRateScheduler(lambda epoch: 1 / (1 + epoch)), [1.0] * 3)
    assert history.history["learning_rate"] == [1, 1 / 2, 1 / 3]
    with pytest.raises(ValueError, match="schedule: expected a number, got None"):
        run(callbacks.LearningRateScheduler(lambda epoch: None), [1.0])


def test_plateau_says_what_it_does_and_refuses_a_factor_of_1(capsys):
    run(ReduceLROnPlateau("score", mode="min", patience=1, verbose=1), [1.0, 1.0])
    assert capsys.readouterr().out == "Epoch 2: ReduceLROnPlateau sets the learning rate to 0.01\n"
    with pytest.raises(ValueError, match="factor: expected 0 to below 1, got 1"):
        ReduceLROnPlateau(factor=1)


def test_a_schedule_cannot_be_set(monkeypatch):
    schedule = {"class_name": "CosineDecay", "config": {}}
    monkeypatch.setattr(SGD, "get_config", lambda self: {"learning_rate": schedule})
    for callback in (ReduceLROnPlateau("score"), callbacks.LearningRateScheduler(lambda e: 1.0)):
        with pytest.raises(ValueError, match="follows a schedule: give the optimizer"):
            run(callback, [1.0])
