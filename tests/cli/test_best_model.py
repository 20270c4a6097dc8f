"""The best model is kept, also at Ctrl-C."""

import numpy as np
import pytest

import lstmcore
from lstmcore import cli
from lstmcore.callbacks import LambdaCallback
from lstmcore.cli import common
from lstmcore.layers import LSTM, Dense


def tiny():
    lstmcore.utils.set_random_seed(0)
    model = lstmcore.Sequential([lstmcore.Input((3, 1)), LSTM(2), Dense(1)])
    model.compile(optimizer="adam", loss="mse")
    return model


X, Y = np.linspace(-1, 1, 24).reshape(8, 3, 1), np.linspace(0, 1, 8)


def interrupt(epoch, batch):
    """Return a callback that raises Ctrl-C after a batch of an epoch, both counted from 0."""
    now = [0]

    def began(number, logs):
        now[0] = number

    def ended(number, logs):
        if (now[0], number) == (epoch, batch):
            raise KeyboardInterrupt

    return LambdaCallback(on_epoch_begin=began, on_train_batch_end=ended)


def fit(model, best_model, *others, **options):
    model.fit(X, Y, batch_size=2, epochs=4, verbose=0, callbacks=[*others, best_model], **options)


def test_an_interrupt_keeps_the_best_model(tmp_path):
    model, path = tiny(), tmp_path / "m.safetensors"
    after = []
    record = LambdaCallback(on_epoch_end=lambda epoch, logs: after.append(model.get_weights()))
    best_model = common.best_model_callback(lambda: model.save(path), path)
    with pytest.raises(common.Interrupted) as stop, best_model:
        fit(model, best_model, record, interrupt(2, 1))
    assert str(stop.value).startswith("the best model so far (epoch 2, loss 0.")
    assert str(stop.value).endswith(f"is in {path}")
    for found in (model, lstmcore.load_model(path)):
        for a, b in zip(found.get_weights(), after[1], strict=True):
            np.testing.assert_array_equal(a, b)


def test_the_best_epoch_is_not_the_last(tmp_path):
    model, path = tiny(), tmp_path / "m.safetensors"
    best_model = common.best_model_callback(
        lambda: model.save(path), path, monitor="epoch", mode="min"
    )
    first = []

    def add(epoch, logs):
        logs["epoch"] = epoch
        if not epoch:
            first.extend(model.get_weights())

    with best_model:
        fit(model, best_model, LambdaCallback(on_epoch_end=add))
    assert best_model.best_epoch == 0
    for found in (model, lstmcore.load_model(path)):
        for a, b in zip(found.get_weights(), first, strict=True):
            np.testing.assert_array_equal(a, b)


def test_several_fits(tmp_path):
    model, path = tiny(), tmp_path / "m.safetensors"
    best_model = common.best_model_callback(lambda: model.save(path), path, monitor="n", mode="max")
    numbers, best = iter([1, 5, 2, 3]), []

    def add(epoch, logs):
        logs["n"] = next(numbers)
        if logs["n"] == 5:
            best.extend(model.get_weights())

    with best_model:
        for epoch in range(4):
            one = {"epochs": epoch + 1, "initial_epoch": epoch, "verbose": 0}
            model.fit(X, Y, callbacks=[LambdaCallback(on_epoch_end=add), best_model], **one)
    assert best_model.best_epoch == 1
    for found in (model, lstmcore.load_model(path)):
        for a, b in zip(found.get_weights(), best, strict=True):
            np.testing.assert_array_equal(a, b)


def test_what_is_watched():
    model = tiny()
    best_model = common.best_model_callback(None)
    fit(model, best_model, validation_split=0.25)
    assert best_model.monitor == "val_loss"
    with (
        pytest.raises(KeyboardInterrupt, match=r"\(epoch \d, val_loss \d\.\d+\) was not saved"),
        best_model,
    ):
        raise KeyboardInterrupt


def test_an_interrupt_in_the_first_epoch(tmp_path):
    model, path = tiny(), tmp_path / "m.safetensors"
    best_model = common.best_model_callback(lambda: model.save(path), path)
    with (
        pytest.raises(common.Interrupted, match="the model after 2 steps of its first epoch"),
        best_model,
    ):
        fit(model, best_model, interrupt(0, 2))
    for a, b in zip(lstmcore.load_model(path).get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_an_interrupt_before_the_first_step(tmp_path):
    path = tmp_path / "m.safetensors"
    with (
        pytest.raises(common.Interrupted, match=r"^nothing was trained yet$"),
        common.best_model_callback(lambda: path.touch(), path),
    ):
        raise KeyboardInterrupt
    assert not path.exists()


def test_the_exit_code_and_the_line(capsys, monkeypatch):
    def stop(*args, **kwargs):
        raise common.Interrupted("the best model so far is in m.safetensors")

    monkeypatch.setattr("lstmcore.cli.demo_run.forecast", stop)
    assert cli.main(["demo", "--no-plot", "-q"]) == 130
    line = "lstmcore: interrupted; the best model so far is in m.safetensors\n"
    assert capsys.readouterr() == ("", line)


@pytest.mark.parametrize("error", [FloatingPointError("the loss\n is NaN"), MemoryError()])
def test_what_happens_on_the_way_is_one_line(capsys, monkeypatch, error):
    def fail(*args, **kwargs):
        raise error

    monkeypatch.setattr("lstmcore.cli.demo_run.forecast", fail)
    assert cli.main(["demo", "--no-plot", "-q"]) == 1
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith("lstmcore: the")
