"""Callbacks, progress on and off a terminal, interrupts."""

import io

import numpy as np
import pytest
from helpers import X, Y, small

from lstmcore import Input, Sequential, callbacks
from lstmcore.callbacks import Callback, History, ProgbarLogger, progress
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


def test_validation_freq_and_initial_epoch():
    history = fit(small(), epochs=5, initial_epoch=1, validation_split=0.2, validation_freq=2)
    assert history.epoch == [1, 2, 3, 4]
    assert len(history.history["loss"]) == 4
    assert len(history.history["val_loss"]) == 2


@pytest.mark.parametrize("verbose", ["auto", 1, 2])
def test_progress_off_a_terminal_is_a_line_an_epoch(capsys, verbose):
    fit(small(), epochs=2, verbose=verbose, validation_split=0.2)
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert err == ""
    assert [line.split(" - ")[0] for line in lines] == ["Epoch 1/2", "Epoch 2/2"]
    for line in lines:
        assert " loss: " in line
        assert "val_loss: " in line
        assert "ms/step" in line
    assert "\r" not in out
    assert "\x1b" not in out


def test_verbose_0_and_predict_are_silent(capsys):
    model = small()
    fit(model, verbose=0)
    model.evaluate(X, Y, verbose=0)
    model.predict(X)
    assert capsys.readouterr() == ("", "")
    model.evaluate(X, Y)
    model.predict(X, verbose=1)
    out = capsys.readouterr().out.splitlines()
    assert [line.split(" - ")[0] for line in out] == ["Evaluated", "Predicted"]
    with pytest.raises(ValueError, match="verbose: expected 'auto', 0, 1 or 2, got 3"):
        fit(model, verbose=3)


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_progress_on_a_terminal_is_a_bar(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr("sys.stdout", terminal)
    fit(small(), epochs=2, verbose="auto", batch_size=1, validation_split=0.2)
    text = terminal.getvalue()
    assert "Epoch 2/2: 100%" in text
    assert "40/40" in text
    assert "val_loss: " in text.rsplit("\r", 1)[1]


def test_progress_chooses_by_the_output():
    assert progress(0, Terminal()) == []
    assert isinstance(progress("auto", Terminal())[0], ProgbarLogger)
    assert not isinstance(progress(2, Terminal())[0], ProgbarLogger)


# -- interrupts ----------------------------------------------------------------------------


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
