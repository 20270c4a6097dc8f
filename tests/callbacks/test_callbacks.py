"""What all callbacks share: when they are called, what they may do, interrupts."""

import io

import numpy as np
import pytest
from helpers import X, Y, small

from lstmcore import Input, Sequential, callbacks
from lstmcore.callbacks import (
    Callback,
    CallbackList,
    EarlyStopping,
    History,
    LambdaCallback,
)
from lstmcore.layers import LSTM, Dense
from lstmcore.optimizers import Adam


def fit(model, **kwargs):
    kwargs = {"epochs": 3, "batch_size": 16, "verbose": 0} | kwargs
    return model.fit(X, Y, **kwargs)


class Calls(Callback):
    def __init__(self):
        self.calls = []


def _record(hook):
    def method(self, *args):
        self.calls.append((hook, *[sorted(a) if isinstance(a, dict) else a for a in args]))

    return method


for _hook in callbacks.HOOKS:
    setattr(Calls, _hook, _record(_hook))


def test_callbacks_are_called_in_keras_order():
    calls = Calls()
    fit(small(), epochs=1, batch_size=32, callbacks=[calls], validation_split=0.5)
    assert calls.calls == [
        ("on_train_begin", []),
        ("on_epoch_begin", 0, []),
        ("on_train_batch_begin", 0, []),
        ("on_train_batch_end", 0, ["loss"]),
        ("on_test_begin", []),
        ("on_test_batch_begin", 0, []),
        ("on_test_batch_end", 0, ["loss"]),
        ("on_test_end", ["loss"]),
        ("on_epoch_end", 0, ["loss", "val_loss"]),
        ("on_train_end", ["loss", "val_loss"]),
    ]
    calls = Calls()
    small().predict(X[:1], callbacks=[calls])
    assert [c[0] for c in calls.calls] == [
        "on_predict_begin",
        "on_predict_batch_begin",
        "on_predict_batch_end",
        "on_predict_end",
    ]


def test_a_callback_can_stop_training_and_add_to_the_logs():
    class Stop(Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["own"] = epoch * 10
            self.model.stop_training = epoch == 1

    history = fit(small(), epochs=5, callbacks=Stop())
    assert history.history["own"] == [0, 10]
    assert history.epoch == [0, 1]


def test_a_history_that_is_given_is_used():
    own = History()
    assert fit(small(), epochs=1, callbacks=[own]) is own
    with pytest.raises(TypeError, match="expected Callback objects"):
        fit(small(), callbacks=[print])


def test_who_is_late_is_called_last():
    order = []

    class Say(Callback):
        def on_epoch_end(self, epoch, logs=None):
            order.append(type(self).__name__)

    class Late(Say):
        late = True

    fit(small(), epochs=1, callbacks=[Late(), Say()])
    assert order == ["Say", "Late"]


def test_keras_other_names_of_batch_hooks_are_heard():
    heard = []

    class Old(Callback):
        def on_batch_begin(self, batch, logs=None):
            heard.append(batch)

        def on_batch_end(self, batch, logs=None):
            heard.append(logs["loss"])

    class Both(Old):
        def on_train_batch_begin(self, batch, logs=None):
            heard.append("new")

        def on_train_batch_end(self, batch, logs=None):
            heard.append("new")

    fit(small(), epochs=1, batch_size=25, callbacks=[Old()])
    assert heard[::2] == [0, 1]
    assert all(isinstance(loss, float) for loss in heard[1::2])
    heard.clear()
    fit(small(), epochs=1, batch_size=50, callbacks=[Both()])
    assert heard == ["new", "new"]


def test_unknown_arguments_are_errors_with_the_nearest():
    with pytest.raises(TypeError, match=r"EarlyStopping has no argument 'patince': .* 'patience'"):
        EarlyStopping(patince=3)
    with pytest.raises(TypeError, match="no argument 'on_epoch_stop': did you mean 'on_epoch_end'"):
        LambdaCallback(on_epoch_stop=print)

    class Own(EarlyStopping):
        def __init__(self, **kwargs):
            self.mine = kwargs.pop("mine")
            super().__init__(**kwargs)

    assert Own(mine=1, patience=3).patience == 3


def test_lambda_callback():
    calls = []
    lambdas = LambdaCallback(
        on_epoch_begin=lambda epoch, logs: calls.append(("begin", epoch)),
        on_train_batch_end=lambda batch, logs: calls.append((batch, sorted(logs))),
        on_test_end=lambda logs: calls.append("tested"),
        on_train_end=lambda logs: calls.append(sorted(logs)),
    )
    fit(small(), epochs=1, batch_size=40, callbacks=[lambdas], validation_split=0.2)
    assert calls == [("begin", 0), (0, ["loss"]), "tested", ["loss", "val_loss"]]
    assert not lambdas.listens("on_train_batch_begin")
    fit(small(), epochs=1, callbacks=[LambdaCallback(on_batch_end=lambda b, logs: calls.append(b))])
    assert calls[-1] == 3


def test_a_loop_of_ones_own():
    calls, model = Calls(), small()
    everyone = CallbackList([calls], add_history=True, model=model, epochs=2, steps=1)
    assert calls.params == {"epochs": 2, "steps": 1}
    assert calls.model is model
    everyone.on_train_begin()
    for epoch in range(2):
        everyone.on_epoch_begin(epoch)
        everyone.on_train_batch_begin(0)
        logs = model.train_on_batch(X, Y, return_dict=True)
        everyone.on_batch_end(0, logs=logs)
        everyone.on_epoch_end(epoch, logs)
    everyone.on_train_end(logs)
    assert calls.calls[:3] == [
        ("on_train_begin", []),
        ("on_epoch_begin", 0, []),
        ("on_train_batch_begin", 0, []),
    ]
    assert calls.calls[-2:] == [("on_epoch_end", 1, ["loss"]), ("on_train_end", ["loss"])]
    assert len(model.history.history["loss"]) == 2
    late = Calls()
    everyone.append(late)
    everyone.on_test_begin()
    assert late.calls == [("on_test_begin", [])]
    with pytest.raises(AttributeError, match=r"no attribute 'on_epoch_start': .*'on_epoch_"):
        everyone.on_epoch_start(0)
    with pytest.raises(TypeError, match="add_history and add_progbar to be bool"):
        CallbackList([], model)


def test_validation_freq_and_initial_epoch():
    history = fit(small(), epochs=5, initial_epoch=1, validation_split=0.2, validation_freq=2)
    assert history.epoch == [1, 2, 3, 4]
    assert len(history.history["loss"]) == 4
    assert len(history.history["val_loss"]) == 2


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_an_interrupt_leaves_the_model_usable(monkeypatch):
    model = small()
    closed = []

    class Interrupt(Callback):
        def on_train_batch_end(self, batch, logs=None):
            raise KeyboardInterrupt

        def close(self):
            closed.append(True)

    terminal = Terminal()
    monkeypatch.setattr("sys.stdout", terminal)
    with pytest.raises(KeyboardInterrupt):
        fit(model, callbacks=[Interrupt()], verbose=1)
    assert closed == [True]
    monkeypatch.undo()
    y = model.predict(X)
    fresh = Sequential([Input((6, 2)), LSTM(3), Dense(1)])
    fresh.set_weights(model.get_weights())
    np.testing.assert_array_equal(fresh.predict(X), y)
    fit(model)


def test_an_interrupt_during_the_step_is_no_stale_weight(monkeypatch):
    model = small()
    model.predict(X)
    step = Adam.step

    def interrupted(self, *args):
        step(self, *args)
        raise KeyboardInterrupt

    monkeypatch.setattr(Adam, "step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fit(model)
    fresh = Sequential([Input((6, 2)), LSTM(3), Dense(1)])
    fresh.set_weights(model.get_weights())
    np.testing.assert_array_equal(fresh.predict(X), model.predict(X))
