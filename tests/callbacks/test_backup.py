"""A run that was killed and started again ends as the one that was not: to the last bit."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers import X, Y

import lstmcore
from lstmcore import Input, Sequential
from lstmcore.callbacks import BackupAndRestore, Callback, EarlyStopping
from lstmcore.layers import LSTM, Dense
from lstmcore.saving import restore_state
from lstmcore.utils import set_random_seed

SCRIPT = Path(__file__).with_name("resumed_run.py")


def start(out, backup, freq, kill="never"):
    environment = {**os.environ, "PYTHONPATH": str(Path(lstmcore.__file__).parents[1])}
    return subprocess.run(
        [sys.executable, SCRIPT, out, backup, str(freq), kill],
        env=environment,
        capture_output=True,
        text=True,
    )


def results(out):
    with np.load(f"{out}.npz") as file:
        arrays = [file[name] for name in file.files if name != "result"]
        return arrays, json.loads(str(file["result"])), Path(f"{out}.csv").read_text()


@pytest.fixture(scope="module")
def unkilled(tmp_path_factory):
    out = tmp_path_factory.mktemp("unkilled") / "run"
    done = start(out, "-", "epoch")
    assert done.returncode == 0, done.stderr
    return results(out)


@pytest.mark.parametrize(
    ("freq", "kills"),
    [
        ("epoch", ["0.2"]),  # before the first backup
        ("epoch", ["2.3", "2.3", "4.1"]),  # in mid-epoch, twice at the same place
        ("epoch", ["write.3"]),
        (1, ["0.3", "3.4", "4.4"]),  # 5 steps an epoch: the last of one, and the last of all
        (1, ["2.test"]),
        (3, ["1.4", "4.0"]),
        (2, ["write.1", "write.5"]),
    ],
)
def test_a_killed_run_ends_like_one_that_was_not(tmp_path, unkilled, freq, kills):
    out, backup = tmp_path / "run", tmp_path / "backup"
    for kill in kills:
        assert start(out, backup, freq, kill).returncode == -signal.SIGKILL
    done = start(out, backup, freq)
    assert done.returncode == 0, done.stderr
    weights, result, table = results(out)
    for a, b in zip(weights, unkilled[0], strict=True):
        np.testing.assert_array_equal(a, b)
    assert result == unkilled[1]
    assert table == unkilled[2]
    assert not backup.exists()


# -- in one process ------------------------------------------------------------------------


class Stop(Exception):
    pass


class StopAt(Callback):
    def __init__(self, epoch, batch=None):
        self.at, self.epoch = (epoch, batch), None

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch
        if self.at == (epoch, None):
            raise Stop

    def on_train_batch_end(self, batch, logs=None):
        if self.at == (self.epoch, batch):
            raise Stop


def model_of(*, stateful=False, units=3):
    model = Sequential([Input((6, 2)), LSTM(units, stateful=stateful, dropout=0.2), Dense(1)])
    model.compile("adam", "mse")
    return model


def fit(model, *given, **kwargs):
    kwargs = {"epochs": 4, "batch_size": 10, "verbose": 0} | kwargs
    return model.fit(X, Y, callbacks=list(given), **kwargs)


def interrupted(model, *given, at, **kwargs):
    with pytest.raises(Stop):
        fit(model, *given, StopAt(*at), **kwargs)


def same_weights(a, b):
    for x, y in zip(a.get_weights(), b.get_weights(), strict=True):
        np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize("freq", ["epoch", 2])
def test_stateful_layers_and_a_new_model_with_other_names(tmp_path, freq):
    set_random_seed(1)
    expected = model_of(stateful=True)
    history = fit(expected)
    set_random_seed(1)
    interrupted(model_of(stateful=True), BackupAndRestore(tmp_path / "b", freq), at=(2, 3))
    again = model_of(stateful=True)  # as in a notebook: the layers' numbers have gone up
    resumed = fit(again, BackupAndRestore(tmp_path / "b", freq))
    same_weights(again, expected)
    assert resumed.history == history.history
    assert resumed.epoch == [0, 1, 2, 3]
    for a, b in zip(again.layers[0].states, expected.layers[0].states, strict=True):
        np.testing.assert_array_equal(a, b)


def test_training_that_was_over_is_over(tmp_path):
    """Killed between the last epoch, or an early stop, and the end."""

    class End(Callback):
        late = True

        def on_train_end(self, logs=None):
            raise Stop

    stop = EarlyStopping("loss", min_delta=1e9, restore_best_weights=True)
    for given in ([], [stop]):
        set_random_seed(1)
        expected = model_of()
        history = fit(expected, *given)
        set_random_seed(1)
        with pytest.raises(Stop):
            fit(model_of(), End(), BackupAndRestore(tmp_path / "b"), *given)
        again = model_of()
        assert fit(again, BackupAndRestore(tmp_path / "b"), *given).history == history.history
        same_weights(again, expected)
    assert len(history.epoch) == 2


def test_the_second_last_backup_serves_if_the_last_is_damaged(tmp_path):
    set_random_seed(1)
    expected = model_of()
    fit(expected)
    for double in (True, False):
        folder = tmp_path / str(double)
        set_random_seed(1)
        backup = BackupAndRestore(folder, double_checkpoint=double)
        interrupted(model_of(), backup, at=(3, 1))
        latest = folder / "latest.safetensors"
        latest.write_bytes(latest.read_bytes()[:-5])
        again = model_of()
        if double:
            fit(again, backup)
            same_weights(again, expected)
            assert not folder.exists()
        else:
            with pytest.raises(ValueError, match=r"no weights can be read .* to begin anew\)"):
                fit(again, backup)


def test_the_backup_is_deleted_or_kept_and_other_files_are_left(tmp_path):
    folder = tmp_path / "b"
    fit(model_of(), BackupAndRestore(folder, delete_checkpoint=False))
    assert [p.name for p in folder.iterdir()] == ["latest.safetensors"]
    (folder / "mine").write_text("a user's")
    (folder / ".latest.safetensors.0123.part").write_text("what a killed run left")
    model = model_of()
    assert fit(model, BackupAndRestore(folder), epochs=6).epoch == [0, 1, 2, 3, 4, 5]
    assert model.optimizer.iterations == 30
    assert [p.name for p in folder.iterdir()] == ["mine"]


def test_what_does_not_fit_is_refused(tmp_path):
    backup = BackupAndRestore(tmp_path / "b", 2)
    interrupted(model_of(), backup, at=(1, 3))
    before = (tmp_path / "b" / "latest.safetensors").read_bytes()
    with pytest.raises(ValueError, match="with 5 steps an epoch, this one has 10"):
        fit(model_of(), backup, batch_size=5)
    with pytest.raises(ValueError, match=r"lstm.*/kernel': expected shape \(2, 16\)"):
        fit(model_of(units=4), backup)
    other = model_of()
    other.compile("sgd", "mse")
    with pytest.raises(ValueError, match="its optimizer is another than the model's"):
        fit(other, backup)
    assert (tmp_path / "b" / "latest.safetensors").read_bytes() == before
    with pytest.raises(ValueError, match="save_freq: expected 'epoch' or a number of batches"):
        BackupAndRestore(tmp_path, save_freq=False)
    with pytest.raises(ValueError, match="backup_dir: expected the name of a folder"):
        BackupAndRestore("")


def test_a_callback_of_ones_own_is_kept(tmp_path):
    class Count(Callback):
        def __init__(self):
            self.batches, self.array = 0, np.zeros(2)

        def on_epoch_begin(self, epoch, logs=None):
            self.array[1] += 1

        def on_train_batch_end(self, batch, logs=None):
            self.batches += 1
            self.array[0] += 0.1

        def get_state(self):
            return {"batches": self.batches, "array": self.array}

        def set_state(self, state):
            self.batches, self.array = state["batches"], state["array"].copy()

    folder = tmp_path / "b"
    interrupted(model_of(), Count(), BackupAndRestore(folder, 2), Count(), at=(1, 3))
    extra, _ = restore_state(model_of(), folder / "latest.safetensors")
    assert (extra["epoch"], extra["batch"]) == (1, 3)
    first, second = Count(), Count()
    fit(model_of(), first, second, BackupAndRestore(folder, 2))
    assert first.batches == second.batches == 20
    expected = Count()
    fit(model_of(), expected)
    np.testing.assert_array_equal(first.array, expected.array)


def test_nothing_is_heard_of_batches_after_epochs(tmp_path):
    assert not BackupAndRestore(tmp_path).listens("on_train_batch_end")
    assert BackupAndRestore(tmp_path, 5).listens("on_train_batch_end")
