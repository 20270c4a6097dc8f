"""Callbacks that write files: checkpoints, CSV, TensorBoard."""

import csv
import sys

import numpy as np
import pytest
from helpers import X, Y, small

from lstmcore import Input, Sequential, callbacks, load_model
from lstmcore.callbacks import Callback, CSVLogger, ModelCheckpoint, TensorBoard
from lstmcore.layers import LSTM, Dense


def fit(model, *given, **kwargs):
    kwargs = {"epochs": 3, "batch_size": 10, "verbose": 0} | kwargs
    return model.fit(X, Y, callbacks=list(given), **kwargs)


def same_weights(a, b):
    for x, y in zip(a.get_weights(), b.get_weights(), strict=True):
        np.testing.assert_array_equal(x, y)


# -- ModelCheckpoint -----------------------------------------------------------------------


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
    with pytest.raises(ValueError, match="no 'val_loss' after a batch, only loss"):
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
@pytest.mark.parametrize("name", ["m.keras", "m.h5", "{epoch}.weights.h5"])
def test_another_format_is_refused_before_training(tmp_path, name, weights):
    model = small()
    before = model.get_weights()
    with pytest.raises(ValueError, match=r"ModelCheckpoint: save.* names another format") as info:
        fit(model, ModelCheckpoint(tmp_path / name, save_weights_only=weights))
    assert ("model.weights.safetensors" in str(info.value)) == weights
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


# -- CSVLogger -----------------------------------------------------------------------------


def rows(path, delimiter=","):
    with open(path, newline="") as file:
        return list(csv.reader(file, delimiter=delimiter))


def test_csv(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("an old file")
    model, logger = small(), CSVLogger(path)
    history = fit(model, logger, validation_split=0.2).history
    written = rows(path)
    assert written[0] == ["epoch", "loss", "val_loss"]
    for i, row in enumerate(written[1:]):
        assert [float(v) for v in row] == [i, history["loss"][i], history["val_loss"][i]]
    fit(model, CSVLogger(path, ";", append=True), epochs=1)
    assert rows(path)[:4] == written
    assert rows(path, ";")[4][0::2] == ["0", "NA"]  # keys for a validation that may come, as Keras
    fit(model, logger, epochs=1)
    assert rows(path)[0] == ["epoch", "loss", "val_loss"]
    assert len(rows(path)) == 2
    with pytest.raises(FileNotFoundError):
        fit(model, CSVLogger(tmp_path / "no folder" / "log.csv"))


# -- TensorBoard ---------------------------------------------------------------------------


def read(folder):
    """All that event files have: {tag: [(step, number or histogram), ...]}."""
    Event = pytest.importorskip("tensorboardX.proto.event_pb2").Event
    found = {}
    for path in sorted(folder.iterdir()):
        content = path.read_bytes()
        while content:  # records: length, its checksum, an event, its checksum
            end = 12 + int.from_bytes(content[:8], "little")
            event = Event.FromString(content[12:end])
            for value in event.summary.value:
                what = value.histo if value.HasField("histo") else value.simple_value
                found.setdefault(value.tag, []).append((event.step, what))
            content = content[end + 4 :]
    return found


def test_tensorboard_files(tmp_path):
    pytest.importorskip("tensorboardX")
    model = Sequential([Input((6, 2)), LSTM(3, name="l"), Dense(1, name="d")])
    model.compile("adam", "mse", metrics=["mae"])
    board = TensorBoard(tmp_path, histogram_freq=2, update_freq=2, write_steps_per_second=True)
    history = fit(model, board, validation_split=0.2).history  # 4 steps an epoch
    assert sorted(p.name for p in tmp_path.iterdir()) == ["train", "validation"]
    train = read(tmp_path / "train")
    assert {"epoch_loss", "epoch_learning_rate", "epoch_steps_per_second"} <= train.keys()
    for name in (name for name in history if not name.startswith("val_")):
        np.testing.assert_allclose([v for _, v in train[f"epoch_{name}"]], history[name], 1e-6)
        assert [s for s, _ in train[f"batch_{name}"]] == [2, 4, 6, 8, 10, 12]
    assert train["epoch_learning_rate"] == [(e, pytest.approx(1e-3)) for e in range(3)]
    assert len(train["batch_steps_per_second"]) == 6
    histograms = train["l/kernel/histogram"]
    assert [(step, h.num) for step, h in histograms] == [(0, 2 * 12), (2, 2 * 12)]
    validation = read(tmp_path / "validation")
    np.testing.assert_allclose([v for _, v in validation["epoch_loss"]], history["val_loss"], 1e-6)
    assert [s for s, _ in validation["evaluation_loss_vs_iterations"]] == [4, 8, 12]


def test_tensorboard_itself_reads_them(tmp_path):
    pytest.importorskip("tensorboardX")
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    history = fit(small(), TensorBoard(tmp_path, histogram_freq=1)).history
    events = accumulator.EventAccumulator(str(tmp_path / "train")).Reload()
    scalars = events.Scalars("epoch_loss")
    assert [e.step for e in scalars] == [0, 1, 2]
    np.testing.assert_allclose([e.value for e in scalars], history["loss"], 1e-6)
    assert len(events.Tags()["histograms"]) == 5


def test_tensorboard_after_epochs_alone_hears_no_batch(tmp_path):
    pytest.importorskip("tensorboardX")
    board = TensorBoard(tmp_path, write_graph=False)
    assert not board.listens("on_train_batch_end")
    assert TensorBoard(tmp_path, update_freq="batch").listens("on_train_batch_end")
    model = small()
    fit(model, board)
    fit(model, board, epochs=5, initial_epoch=3)  # another file in the same second
    model.evaluate(X, Y, verbose=0, callbacks=[board])
    train = read(tmp_path / "train")
    assert [s for s, _ in train["epoch_loss"]] == [0, 1, 2, 3, 4]
    assert not [tag for tag in train if tag.startswith("batch")]
    assert [s for s, _ in read(tmp_path / "validation")["evaluation_loss_vs_iterations"]] == [25]


def test_tensorboard_says_what_it_lacks(tmp_path, monkeypatch):
    for name in ("write_images", "profile_batch", "embeddings_freq"):
        with pytest.raises(ValueError, match=f"TensorBoard: {name}: expected nothing, got 1"):
            TensorBoard(tmp_path, **{name: 1})
    with pytest.raises(ValueError, match="update_freq: expected 'epoch', 'batch' or a number"):
        TensorBoard(update_freq="batches")
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(ImportError, match=r"pip install lstmcore\[tensorboard\]"):
        fit(small(), TensorBoard(tmp_path))
