"""ModelCheckpoint: which files it writes, what is in them, what it refuses."""

import numpy as np
import pytest
from helpers import X, Y, small
from keras_numbers import keras_numbers
from scripted_run import case_id, run

from lstmcore import callbacks, load_model
from lstmcore.callbacks import Callback, ModelCheckpoint


def fit(model, *given, **kwargs):
    kwargs = {"epochs": 3, "batch_size": 10, "verbose": 0} | kwargs
    return model.fit(X, Y, callbacks=list(given), **kwargs)


def same_weights(a, b):
    for x, y in zip(a.get_weights(), b.get_weights(), strict=True):
        np.testing.assert_array_equal(x, y)


def test_a_checkpoint_is_the_model_of_its_epoch(tmp_path, capsys):
    kept = []
    keep = callbacks.LambdaCallback(on_epoch_end=lambda e, logs: kept.append(model.get_weights()))
    path = tmp_path / "new" / "folder" / "m-{epoch:02d}-{loss:.3f}.safetensors"
    model = small()
    history = fit(model, keep, ModelCheckpoint(path, verbose=1)).history
    names = [f"m-{i + 1:02d}-{loss:.3f}.safetensors" for i, loss in enumerate(history["loss"])]
    assert sorted(p.name for p in path.parent.iterdir()) == names
    assert capsys.readouterr().out.splitlines()[2] == (
        f"Epoch 3: model saved to {path.parent / names[2]}"
    )
    for name, weights in zip(names, kept, strict=True):
        again = load_model(path.parent / name)
        for a, b in zip(again.get_weights(), weights, strict=True):
            np.testing.assert_array_equal(a, b)
    assert again.optimizer.iterations == 15


def test_checkpoints_after_batches(tmp_path):
    path = tmp_path / "{epoch}-{batch}.safetensors"
    fit(small(), ModelCheckpoint(path, save_freq=4))  # 5 steps an epoch
    names = sorted(p.name.removesuffix(".safetensors") for p in tmp_path.iterdir())
    assert names == ["1-4", "2-3", "3-2"]
    with pytest.warns(UserWarning, match="no 'val_loss' after a batch, only loss.*every model is"):
        fit(small(), ModelCheckpoint(path, save_best_only=True, save_freq=4))
    fit(small(), ModelCheckpoint(tmp_path / "best", "loss", 0, True, save_freq=2))
    assert (tmp_path / "best").exists()


def test_only_the_best_is_kept(tmp_path, capsys):
    class Script(Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["val_loss"] = [0.3, 0.2, 0.4][epoch]
            if epoch == 1:
                self.best = self.model.get_weights()

    path, script, model = tmp_path / "best", Script(), small()
    fit(model, script, ModelCheckpoint(path, verbose=1, save_best_only=True))
    same_weights(load_model(path), type("Best", (), {"get_weights": lambda s: script.best})())
    assert capsys.readouterr().out.splitlines() == [
        f"Epoch 1: val_loss improved from none to 0.30000, model saved to {path}",
        f"Epoch 2: val_loss improved from 0.30000 to 0.20000, model saved to {path}",
        "Epoch 3: val_loss has not improved from 0.20000",
    ]


@pytest.mark.parametrize("weights", [False, True])
@pytest.mark.parametrize("name", ["m.hdf5", "m.h5", "{epoch}.onnx"])
def test_another_format_is_refused_before_training(tmp_path, name, weights):
    model = small()
    before = model.get_weights()
    with pytest.raises(ValueError, match=r"ModelCheckpoint: save.* names another format") as info:
        fit(model, ModelCheckpoint(tmp_path / name, save_weights_only=weights))
    assert (".weights." in str(info.value).partition("write ")[2]) == weights
    for a, b in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)


def test_what_else_is_wrong_with_a_checkpoint(tmp_path):
    with pytest.raises(ValueError, match=r"no 'vall_loss' to put into .*: did you mean 'val_loss'"):
        fit(small(), ModelCheckpoint(tmp_path / "{vall_loss}"), validation_split=0.2)
    with pytest.raises(
        ValueError, match=r"save_freq: expected 'epoch' or a number .*, got 'batch'"
    ):
        ModelCheckpoint(tmp_path / "m", save_freq="batch")
    with pytest.raises(IsADirectoryError, match=r"ModelCheckpoint: save: .* is a folder"):
        fit(small(), ModelCheckpoint(tmp_path))
    with pytest.raises(TypeError, match="no argument 'save_best': did you mean 'save_best_only'"):
        ModelCheckpoint("m", save_best=True)


KERAS = keras_numbers("callbacks")


@pytest.mark.parametrize("case", KERAS["checkpoint"], ids=case_id)
def test_model_checkpoint_is_keras(case, tmp_path):
    path = tmp_path / "{epoch:02d}-{score:.2f}.weights.safetensors"
    callback = ModelCheckpoint(
        path, "score", save_best_only=True, save_weights_only=True, **case["given"]
    )
    run(callback, KERAS["sequences"][case["numbers"]])
    files = sorted(p.name.removesuffix(".weights.safetensors") for p in tmp_path.iterdir())
    assert files == case["files"]
