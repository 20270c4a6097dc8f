"""TensorBoard: the files, read again."""

import sys

import numpy as np
import pytest
from helpers import X, Y, small

from lstmcore import Input, Sequential
from lstmcore.callbacks import TensorBoard
from lstmcore.layers import LSTM, Dense


def fit(model, *given, **kwargs):
    kwargs = {"epochs": 3, "batch_size": 10, "verbose": 0} | kwargs
    return model.fit(X, Y, callbacks=list(given), **kwargs)


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
