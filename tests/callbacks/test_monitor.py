"""Callbacks that watch a number: what is better, and what there is to watch."""

import numpy as np
import pytest
from helpers import X, Y, small
from scripted_run import ZEROS, run

from lstmcore.callbacks import Callback, EarlyStopping, ModelCheckpoint, ReduceLROnPlateau


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
def test_an_unknown_monitor_is_warned_of_once_with_what_there_is(make, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = small()
    fit = {"epochs": 3, "verbose": 0}
    with pytest.warns(UserWarning, match="no 'val_los' after an epoch, only loss, val_lo") as told:
        history = model.fit(X, Y, validation_split=0.2, callbacks=make("val_los"), **fit)
    assert len(told) == 1
    assert "did you mean 'val_loss'?" in str(told[0].message)
    assert len(history.history["loss"]) == 3  # it goes on, as in Keras
    assert (tmp_path / "m").exists() == isinstance(make("loss"), ModelCheckpoint)
    with pytest.warns(UserWarning, match=r"no 'val_loss' .*\(there was no validation\)"):
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
