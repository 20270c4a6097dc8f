"""Callbacks that end training decide as Keras's do."""

import numpy as np
import pytest
from helpers import X, Y, small
from keras_numbers import keras_numbers
from scripted_run import ZEROS, Script, case_id, run

from lstmcore import Input, Sequential
from lstmcore.callbacks import (
    Callback,
    EarlyStopping,
    LambdaCallback,
    TerminateOnNaN,
)
from lstmcore.layers import Dense
from lstmcore.optimizers import SGD


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_terminate_on_nan(bad, capsys):
    y = Y.copy()
    y[25] = bad
    seen = []
    watch = LambdaCallback(on_train_end=lambda logs: seen.append("end"))
    given = {"epochs": 3, "batch_size": 10, "verbose": 0, "shuffle": False}
    history = small().fit(X, y, callbacks=[TerminateOnNaN(), watch], **given)
    assert history.epoch == [0]
    assert seen == ["end"]
    assert capsys.readouterr().out == f"Batch 2: the loss is {bad}, training ends\n"
    with pytest.raises(RuntimeError, match="Batch 2: the loss is"):
        small().fit(X, y, callbacks=[TerminateOnNaN(raise_error=True), watch], **given)
    assert seen == ["end"]


KERAS = keras_numbers("callbacks")


@pytest.mark.parametrize("case", KERAS["stopping"], ids=case_id)
def test_early_stopping_is_keras(case):
    callback = EarlyStopping("score", restore_best_weights=True, **case["given"])
    model, history = run(callback, KERAS["sequences"][case["numbers"]])
    assert len(history.epoch) == case["epochs"]
    assert callback.stopped_epoch == case["stopped"]
    assert callback.best == case["best"]
    assert model.get_weights()[0].item() == case["weight"]


@pytest.mark.parametrize("how", ["the last epoch", "interrupt", "error"])
def test_the_best_weights_come_back_whatever_ends_training(how, capsys):
    class End(Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 3 and how != "the last epoch":
                raise KeyboardInterrupt if how == "interrupt" else RuntimeError("a user's mistake")

    model = Sequential([Input((1,)), Dense(1, use_bias=False)])
    model.compile(SGD(0.1), "mse")
    stop = EarlyStopping("score", mode="min", patience=99, verbose=1, restore_best_weights=True)
    given = [stop, Script([3.0, 1.0, 2.0, 4.0]), End()]
    given = [given[1], given[0], given[2]]
    try:
        model.fit(ZEROS, ZEROS, epochs=4, verbose=0, callbacks=given)
    except (KeyboardInterrupt, RuntimeError):
        assert how != "the last epoch"
    assert model.get_weights()[0].item() == 1
    assert capsys.readouterr().out == "Restoring the weights of the best epoch, 2\n"
    stop.close()  # nothing is left to be done
    assert capsys.readouterr().out == ""


def test_what_was_stopped_is_said_and_a_second_fit_begins_anew(capsys):
    stop = EarlyStopping("score", mode="min", verbose=1, restore_best_weights=True)
    for _ in range(2):
        model, history = run(stop, [2.0, 1.0, 3.0, 4.0])
        assert history.epoch == [0, 1, 2]
        assert model.get_weights()[0].item() == 1
        assert capsys.readouterr().out.splitlines() == [
            "Epoch 3: early stopping",
            "Restoring the weights of the best epoch, 2",
        ]
