"""Callbacks that watch a number decide as Keras's do; weights come back, whatever ends training."""

import numpy as np
import pytest
from helpers import X, Y, small
from keras_numbers import keras_numbers

from lstmcore import Input, Sequential, callbacks
from lstmcore.callbacks import Callback, EarlyStopping, ModelCheckpoint, ReduceLROnPlateau
from lstmcore.layers import Dense
from lstmcore.optimizers import SGD

KERAS = keras_numbers("callbacks")
ZEROS = np.zeros((1, 1))


class Script(Callback):
    """Puts numbers into the logs, and sets the one weight to the number of the epoch."""

    def __init__(self, numbers, name="score"):
        self.numbers, self.name = numbers, name

    def on_epoch_end(self, epoch, logs=None):
        logs[self.name] = self.numbers[epoch]
        self.model.set_weights([np.full((1, 1), float(epoch))])


def run(callback, numbers, name="score", **kwargs):
    model = Sequential([Input((1,)), Dense(1, use_bias=False, kernel_initializer="zeros")])
    model.compile(SGD(0.1), "mse")
    given = [Script(numbers, name), callback]
    kwargs = {"epochs": len(numbers), "verbose": 0, "callbacks": given} | kwargs
    return model, model.fit(ZEROS, ZEROS, **kwargs)


def case_id(case):
    return "-".join(map(str, (case["numbers"], *case["given"].values())))


@pytest.mark.parametrize("case", KERAS["stopping"], ids=case_id)
def test_early_stopping_is_keras(case):
    callback = EarlyStopping("score", restore_best_weights=True, **case["given"])
    model, history = run(callback, KERAS["sequences"][case["numbers"]])
    assert len(history.epoch) == case["epochs"]
    assert callback.stopped_epoch == case["stopped"]
    assert callback.best == case["best"]
    assert model.get_weights()[0].item() == case["weight"]


@pytest.mark.parametrize("case", KERAS["plateau"], ids=case_id)
def test_reduce_lr_on_plateau_is_keras(case):
    callback = ReduceLROnPlateau("score", **case["given"])
    _, history = run(callback, KERAS["sequences"][case["numbers"]])
    np.testing.assert_allclose(history.history["learning_rate"], case["rates"], rtol=1e-6)


@pytest.mark.parametrize("case", KERAS["checkpoint"], ids=case_id)
def test_model_checkpoint_is_keras(case, tmp_path):
    path = tmp_path / "{epoch:02d}-{score:.2f}.weights.safetensors"
    callback = ModelCheckpoint(
        path, "score", save_best_only=True, save_weights_only=True, **case["given"]
    )
    run(callback, KERAS["sequences"][case["numbers"]])
    files = sorted(p.name.removesuffix(".weights.safetensors") for p in tmp_path.iterdir())
    assert files == case["files"]


# -- what is better ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "up"),
    [
        ("val_loss", False),
        ("loss", False),
        ("val_accuracy", True),
        ("acc", True),
        ("mean_absolute_error", False),
        ("out_2_loss", False),
        ("auc_1", True),
        ("f1_score", True),
        ("sparse_categorical_crossentropy", False),
        ("sparse_top_k_categorical_accuracy", True),
        ("r2_score", True),
        ("val_rmse", False),
    ],
)
def test_auto_goes_by_the_name(name, up):
    numbers = [0.5, 0.4, 0.6]
    callback = EarlyStopping(name, patience=5, restore_best_weights=True)
    model, _ = run(callback, numbers, name)
    assert callback.best == (max if up else min)(numbers)
    assert model.get_weights()[0].item() == (2 if up else 1)


def test_auto_asks_the_metric_and_then_the_user():
    class Direction:
        name, _direction = "score", "up"

    callback = EarlyStopping("score")
    callback.model = type("Model", (), {"metrics": [Direction()]})
    assert callback.improved(2, 1)
    with pytest.raises(ValueError, match=r"'score' does not say .* give mode='min' or mode='max'"):
        run(EarlyStopping("score"), [1.0, 2.0])
    with pytest.raises(ValueError, match="EarlyStopping: mode: 'maxx': did you mean 'max'"):
        EarlyStopping("score", mode="maxx")


def test_nan_is_worse_than_any_number():
    callback = EarlyStopping("score", mode="min", patience=9, restore_best_weights=True)
    model, _ = run(callback, [np.nan, 3.0, np.nan, 4.0])
    assert callback.best == 3
    assert model.get_weights()[0].item() == 1


@pytest.mark.parametrize(
    "make", [EarlyStopping, ReduceLROnPlateau, lambda m: ModelCheckpoint("m", m, 0, True)]
)
def test_an_unknown_monitor_is_an_error_that_says_what_there_is(make, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = small()
    fit = {"epochs": 3, "verbose": 0}
    with pytest.raises(
        ValueError, match="no 'val_los' after an epoch, only loss, val_loss"
    ) as info:
        model.fit(X, Y, validation_split=0.2, callbacks=make("val_los"), **fit)
    assert "did you mean 'val_loss'?" in str(info.value)
    with pytest.raises(ValueError, match=r"no 'val_loss' .*\(there was no validation\)"):
        model.fit(X, Y, callbacks=make("val_loss"), **fit)
    several = type(
        "Several", (Callback,), {"on_epoch_end": lambda s, e, logs: logs.update(f1=ZEROS)}
    )
    with pytest.raises(ValueError, match=r"expected one number, got \(1, 1\) of them"):
        model.fit(X, Y, callbacks=[several(), make("f1")], **fit)


def test_a_validation_now_and_then_is_waited_for():
    callback = EarlyStopping("val_loss", patience=2)
    reduce = ReduceLROnPlateau(patience=1, min_delta=1e9)
    history = small().fit(
        *(X, Y),
        **{"epochs": 6, "verbose": 0, "validation_split": 0.2, "validation_freq": 2},
        callbacks=[callback, reduce],
    )
    assert callback.best == min(history.history["val_loss"])
    np.testing.assert_allclose(history.history["learning_rate"][-1], 1e-4)


# -- the best weights ----------------------------------------------------------------------


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


# -- rates ---------------------------------------------------------------------------------


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
