"""Files of this library, whatever is in them: the same bytes each time; NaN; files that shrink."""

import os
import subprocess
import sys
import threading
import time
import tracemalloc
import warnings
from pathlib import Path

import kinds_of_files
import numpy as np
import pytest
from helpers import X, Y, small
from kinds_of_files import KINDS
from safetensors import safe_open

import lstmcore
from lstmcore import Input, Sequential, load_model
from lstmcore.callbacks import LambdaCallback, ModelCheckpoint
from lstmcore.layers import Dense
from lstmcore.models import clone_model
from lstmcore.saving import load_weights, restore_state, save_model, save_state


def make_in_a_process(folder, seed):
    """Let another Python, with another order of sets, write a file of each kind."""
    package = Path(lstmcore.__file__).parents[1]
    subprocess.run(
        [sys.executable, kinds_of_files.__file__, folder],
        check=True,
        timeout=100,
        env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(package)},
    )
    return folder


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The folder of a file of each kind."""
    return make_in_a_process(tmp_path_factory.mktemp("made"), "1")


# -- the same bytes ------------------------------------------------------------------------


@pytest.mark.parametrize("name", KINDS)
def test_a_model_saved_often_gives_one_file(made, tmp_path, name):
    path = made / f"{name}.safetensors"
    expected = path.read_bytes()
    model = KINDS[name][1](path)
    for _ in range(10):
        model.save(tmp_path / "m")
        assert (tmp_path / "m").read_bytes() == expected
        model = KINDS[name][1](tmp_path / "m")


def test_weights_and_states_saved_often_give_one_file(tmp_path):
    model = small()
    model.fit(X, Y, verbose=0)
    files = set()
    for _ in range(10):
        model.save_weights(tmp_path / "w")
        save_state(model, tmp_path / "s", {"b": 1, "a": [2.5]}, {"y": np.ones(3), "x": np.ones(2)})
        files.add((tmp_path / "w").read_bytes())
        files.add((tmp_path / "s").read_bytes())
        model.load_weights(tmp_path / "w")
        assert restore_state(model, tmp_path / "s")[0] == {"b": 1, "a": [2.5]}
    assert len(files) == 2


def test_every_process_writes_the_same_bytes(made, tmp_path):
    make_in_a_process(tmp_path, "2")
    for name in KINDS:
        file = f"{name}.safetensors"
        assert (tmp_path / file).read_bytes() == (made / file).read_bytes(), name


@pytest.mark.parametrize("name", KINDS)
def test_the_library_of_the_format_opens_every_file(made, name):
    with safe_open(made / f"{name}.safetensors", framework="np") as file:
        assert file.metadata().keys() == {"format", "config", "crc32"}
        assert all(np.isfinite(file.get_tensor(key)).all() for key in file.keys())  # noqa: SIM118


# -- NaN and infinities --------------------------------------------------------------------


def broken(value=np.nan):
    """A model one of whose weights is not finite."""
    model = small()
    weights = model.get_weights()
    weights[1][0, 2] = value
    model.set_weights(weights)
    return model


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_saving_says_that_weights_are_not_finite(tmp_path, value):
    model = broken(value)
    said = r"save: weights/lstm.*/recurrent_kernel have NaN or infinities.*load_model refuses"
    with pytest.warns(UserWarning, match=said) as seen:
        model.save(tmp_path / "m")
    assert [w.filename for w in seen] == [__file__]  # the line that the user can look at
    with pytest.raises(ValueError, match="has NaN or infinities"):
        load_model(tmp_path / "m")
    again = load_model(tmp_path / "m", allow_nonfinite=True)
    np.testing.assert_array_equal(again.get_weights()[1], model.get_weights()[1])
    said = r"save_weights: weights/lstm.*lstmcore.saving.load_weights refuses"
    with pytest.warns(UserWarning, match=said) as seen:
        model.save_weights(tmp_path / "w")
    assert [w.filename for w in seen] == [__file__]
    other = clone_model(model)
    with pytest.raises(ValueError, match="has NaN or infinities"):
        other.load_weights(tmp_path / "w")
    load_weights(other, tmp_path / "w", allow_nonfinite=True)
    np.testing.assert_array_equal(other.get_weights()[1], model.get_weights()[1])
    with pytest.warns(UserWarning, match="save: weights") as seen:
        save_model(model, tmp_path / "m")
    assert [w.filename for w in seen] == [__file__]


def test_the_optimizer_may_be_what_is_not_finite(tmp_path):
    model = small()
    model.fit(X, Y, verbose=0)
    model.optimizer.slots["velocity"][3] = np.inf
    with pytest.warns(UserWarning, match="save: optimizer/velocity have NaN"):
        model.save(tmp_path / "m")


@pytest.mark.parametrize("save_weights_only", [False, True])
def test_a_checkpoint_says_it_too(tmp_path, save_weights_only):
    model, bad = small(), broken().get_weights()
    breaks = LambdaCallback(on_epoch_end=lambda epoch, logs: model.set_weights(bad))
    checkpoint = ModelCheckpoint(tmp_path / "m", save_weights_only=save_weights_only)
    with pytest.warns(UserWarning, match=r"recurrent_kernel.* have NaN or infinities") as seen:
        model.fit(X, Y, verbose=0, callbacks=[breaks, checkpoint])
    assert {w.filename for w in seen} == {__file__}
    assert (tmp_path / "m").exists()


def test_warnings_that_are_errors_leave_the_file_before(tmp_path):
    small().save(tmp_path / "m")
    before = (tmp_path / "m").read_bytes()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserWarning, match="NaN or infinities"):
            broken().save(tmp_path / "m")
    assert (tmp_path / "m").read_bytes() == before


def test_a_state_is_saved_and_restored_without_a_word(tmp_path):
    model = broken()
    save_state(model, tmp_path / "s")
    restore_state(model, tmp_path / "s")


def test_a_config_that_no_reader_would_take_is_not_written(tmp_path):
    model = Sequential([Input((3,)), Dense(1, name="d" * 400_000)])
    with pytest.raises(ValueError, match=r"save: the config .* takes \d{7} bytes, 1048576 is the"):
        model.save(tmp_path / "m")
    assert os.listdir(tmp_path) == []


# -- memory --------------------------------------------------------------------------------


def peak_of(action):
    tracemalloc.start()
    action()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def test_saving_takes_no_memory_and_loading_none_beside_the_weights(tmp_path):
    model = Sequential([Input((500,)), Dense(1000), Dense(1000)])
    size = model.count_params() * 4
    assert peak_of(lambda: model.save(tmp_path / "m")) < 0.1 * size
    # an array of weights, and one of gradients that is not touched
    assert peak_of(lambda: load_model(tmp_path / "m")) < 2.1 * size
    model.save_weights(tmp_path / "w")
    assert peak_of(lambda: model.load_weights(tmp_path / "w")) < 1.1 * size


# -- files that change while they are read -------------------------------------------------


@pytest.mark.parametrize("name", ["network", "forecaster"])
def test_a_file_that_shrinks_while_it_is_read(made, tmp_path, name):
    content = (made / f"{name}.safetensors").read_bytes()
    path, stop, refused = tmp_path / "m", threading.Event(), []
    path.write_bytes(content)

    def change():
        size = 0
        while not stop.is_set():
            size = (size + 4097) % len(content)
            os.truncate(path, size)
            path.write_bytes(content)

    thread = threading.Thread(target=change)
    thread.start()
    try:
        until = time.monotonic() + 10
        while len(refused) < 20 and time.monotonic() < until:
            try:
                KINDS[name][1](path)
            except ValueError as error:
                refused.append(str(error))
    finally:
        stop.set()
        thread.join()
    assert len(refused) == 20  # with a memory map the process would have ended before
    assert all(text.startswith(f"{path}: no ") for text in refused)
    assert KINDS[name][1](path)
