"""Training by several processes: the numbers of one, whatever the model and the number of ranks."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("mpi4py")
import mpi_ranks as ranks

from lstmcore import Input, Sequential, layers

SCRIPT = Path(ranks.__file__)
MPIEXEC = Path(sys.executable).with_name("mpiexec")
MPIEXEC = str(MPIEXEC) if MPIEXEC.exists() else shutil.which("mpiexec")
needs_mpi = pytest.mark.skipif(MPIEXEC is None, reason="there is no mpiexec")
pytestmark = pytest.mark.timeout(300)


def run(what, folder, count, **environment):
    command = [sys.executable, str(SCRIPT), what, str(folder)]
    if count:
        command = [MPIEXEC, "-n", str(count), sys.executable, "-m", "mpi4py", *command[1:], "mpi"]
    done = subprocess.run(
        command,
        env={**os.environ, "LSTMCORE_NUM_THREADS": "1", **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def found(folder, name):
    return np.load(folder / f"{name}.npy"), json.loads((folder / f"{name}.json").read_text())


def same(folder, name):
    """Compare what ranks have with what one process has."""
    (a, history), (b, other) = found(folder, "alone"), found(folder, name)
    np.testing.assert_allclose(b, a, rtol=1e-5, atol=1e-6)
    assert history.keys() == other.keys()
    for key, values in history.items():
        np.testing.assert_allclose(other[key], values, rtol=1e-5, atol=1e-5, err_msg=key)


@needs_mpi
@pytest.mark.parametrize("what", ["plain", "ragged"])
def test_two_ranks_are_one_with_the_whole_batch(tmp_path, what):
    for count in (0, 2):
        code, said = run(what, tmp_path, count)
        assert code == 0, said
    same(tmp_path, "2")
    assert len((tmp_path / f"{what}.csv").read_text().splitlines()) == 4  # rank 0 alone writes


@needs_mpi
@pytest.mark.slow
@pytest.mark.parametrize("what", ["plain", "ragged", "several"])
def test_four_ranks_some_without_samples(tmp_path, what):
    for count in (0, 4):
        code, said = run(what, tmp_path, count)
        assert code == 0, said
    same(tmp_path, "4")


@needs_mpi
@pytest.mark.slow
def test_dropout_differs_by_rank_and_is_repeated(tmp_path):
    weights = []
    for _ in range(2):
        code, said = run("dropout", tmp_path, 2)
        assert code == 0, said
        weights.append(found(tmp_path, "2")[0])
    np.testing.assert_array_equal(*weights)


@needs_mpi
@pytest.mark.slow
def test_a_killed_rank_ends_all_and_any_number_goes_on(tmp_path):
    code, said = run("resumed", tmp_path, 0)
    assert code == 0, said
    shutil.rmtree(tmp_path / "backup", ignore_errors=True)
    code, said = run("resumed", tmp_path, 2, STOP="8")
    assert code != 0
    assert (tmp_path / "backup").exists(), said
    code, said = run("resumed", tmp_path, 4)
    assert code == 0, said
    a, b = found(tmp_path, "alone")[0], found(tmp_path, "4")[0]
    np.testing.assert_allclose(b, a, rtol=1e-5, atol=1e-6)


@needs_mpi
@pytest.mark.slow
def test_a_rank_that_fails_ends_all_with_its_message(tmp_path):
    code, said = run("broken", tmp_path, 2)
    assert code != 0
    assert "ValueError: rank 1 cannot go on" in said


def model(*more):
    made = Sequential([Input((4, 2)), *more, layers.LSTM(3), layers.Dense(1)])
    made.compile("sgd", "mse")
    return made


X, Y = np.zeros((6, 4, 2), np.float32), np.zeros((6, 1), np.float32)


@pytest.mark.parametrize(
    ("make", "data", "message"),
    [
        (lambda: model(), (iter([(X, Y)]),), "expected arrays to cut into parts"),
        (
            lambda: model(layers.LSTM(2, return_sequences=True, activity_regularizer="l2")),
            (X, Y),
            "an activity regularizer",
        ),
    ],
)
def test_what_cannot_be_cut_is_refused(make, data, message):
    from lstmcore.distribution import DataParallel

    made = make()
    before = made.get_weights()
    with pytest.raises(ValueError, match=message):
        made.fit(*data, verbose=0, distribution=DataParallel())
    for a, b in zip(before, made.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_losses_that_are_sums_and_stateful_layers_are_refused():
    from lstmcore import losses
    from lstmcore.distribution import DataParallel

    made = model()
    made.compile("sgd", losses.MeanSquaredError(reduction="sum"))
    with pytest.raises(ValueError, match="expected a mean as loss, got reduction 'sum'"):
        made.fit(X, Y, verbose=0, distribution=DataParallel())
    made = Sequential([Input(batch_shape=(6, 4, 2)), layers.LSTM(3, stateful=True)])
    made.compile("sgd", "mse")
    with pytest.raises(ValueError, match="is stateful"):
        made.fit(X, np.zeros((6, 3)), batch_size=6, verbose=0, distribution=DataParallel())


def test_one_process_is_a_rank_too(tmp_path):
    from lstmcore.distribution import DataParallel

    alone, history = ranks.train("plain", tmp_path, None)
    ranked, other = ranks.train("plain", tmp_path, DataParallel())
    for a, b in zip(alone.get_weights(), ranked.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    for name, values in history.items():
        np.testing.assert_allclose(other[name], values, rtol=1e-12)
    assert ranked.ranks is None
