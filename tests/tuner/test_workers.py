"""Searches in several processes, searches that are killed, and their memory."""

import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import tuner_models as models
from tuner_models import DATA

import lstmcore
import lstmcore.tuner as kt
from lstmcore import Input, Sequential
from lstmcore.layers import LSTM, Dense

optuna = pytest.importorskip("optuna")

SCRIPT = Path(models.__file__)
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(lstmcore.__file__).parents[1])}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """Return the outcome of the search of `models.make` without interruptions."""
    with lstmcore.num_threads(1):
        tuner = models.make(tmp_path_factory.mktemp("undisturbed"))
        tuner.search(**DATA, verbose=0)
    return models.outcome(tuner)


def script(directory, kill="slowly", *more, **options):
    """Start a search in a process of its own."""
    command = [sys.executable, "-W", "error", SCRIPT, directory, kill, *more]
    return subprocess.Popen(command, env=ENVIRONMENT, text=True, stdout=subprocess.PIPE, **options)


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def finish(process):
    out, _ = process.communicate(timeout=100)
    return out


def stop(process, folder):
    """Stop a process where it does not hold the journal's lock: everybody would wait for it."""
    while True:
        process.send_signal(signal.SIGSTOP)
        with next(folder.rglob("*.flock")).open("ab") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                process.send_signal(signal.SIGCONT)
                time.sleep(0.01)


# --- killed -------------------------------------------------------------------------------------


def test_a_killed_search_goes_on_and_ends_as_if_it_had_not_been_killed(tmp_path, undisturbed):
    process = script(tmp_path, "3.1")  # the second execution of the second trial
    assert finish(process).count("Trial") == 1
    assert process.returncode == -signal.SIGKILL
    tuner = models.make(tmp_path)
    assert list(tuner.trials) == ["0000"]
    with lstmcore.num_threads(1):
        tuner.search(**DATA, verbose=0)
    assert models.outcome(tuner) == undisturbed
    states = [t.state.name for t in tuner.study.trials]
    assert states == ["COMPLETE", "FAIL", *["COMPLETE"] * 3]  # one more than there are trials
    assert not list((tmp_path / "untitled_project").glob("at-work-*"))


@pytest.mark.slow
def test_a_trial_that_is_running_is_left_alone(tmp_path):
    process = script(tmp_path)
    try:
        study = models.make(tmp_path).study
        wait_for(lambda: any(t.user_attrs.get("owner") for t in study.get_trials(deepcopy=False)))
        stop(process, tmp_path)
        tuner = models.make(tmp_path)
        running = [t for t in tuner.study.trials if t.state.name == "RUNNING"]
        assert tuner.study_trials.requeue_dead(1) == 0
    finally:
        process.send_signal(signal.SIGCONT)
        finish(process)
    assert len(running) <= 1
    assert len(models.make(tmp_path).trials) == 4


def test_what_kills_its_process_is_tried_twice_and_no_more(tmp_path):
    """As in keras-tuner#439: the rest of the search has to come about."""
    limits = {"max_trials": 8, "max_consecutive_failed_trials": 8}  # those of 4 units may follow
    tuner = models.make(tmp_path, n_jobs=2, executions_per_trial=1, **limits)
    tuner.search(**DATA, callbacks=[models.KillOnce(tmp_path, always=(4,))], verbose=0)
    trials = tuner.trials.values()
    assert len(trials) == 8
    deadly = [t for t in trials if t.hyperparameters["units"] == 4]
    assert deadly
    for trial in trials:
        if trial in deadly:
            assert (trial.status, trial.message) == ("FAILED", "its process died 2 times")
        else:
            assert trial.status == "COMPLETED"
    assert len(tuner.get_best_trials(9)) == 8 - len(deadly)


def test_a_search_whose_processes_are_all_killed_ends(tmp_path):
    tuner = models.make(tmp_path, executions_per_trial=1, n_jobs=2)
    tuner.max_consecutive_failed_trials = 1
    with pytest.raises(RuntimeError, match=r"2 processes were killed .*exit code -9"):
        tuner.search(**DATA, callbacks=[models.KillOnce(tmp_path, always=(2, 4, 6, 8))], verbose=0)


# --- several processes --------------------------------------------------------------------------


def test_n_jobs_gives_the_same_trials_and_divides_the_threads(tmp_path, undisturbed, capsys):
    before = lstmcore.get_num_threads()
    lstmcore.set_num_threads(4)
    try:
        tuner = models.make(tmp_path, n_jobs=2)
        tuner.search(**DATA)
    finally:
        lstmcore.set_num_threads(before)
    assert models.outcome(tuner) == undisturbed
    assert {t.threads for t in tuner.trials.values()} == {2}
    assert sorted(line[:10] for line in capsys.readouterr().out.splitlines()) == [
        f"Trial 000{i}" for i in range(4)
    ]
    pids = {t.user_attrs["owner"]["pid"] for t in tuner.study.trials}
    assert os.getpid() not in pids
    assert not {"OMP_NUM_THREADS", "MKL_NUM_THREADS"} & (set(os.environ) - set(ENVIRONMENT))


@pytest.mark.parametrize("storage", [None, "sqlite:///{}/study.db"])
def test_searches_that_share_a_study_have_no_trial_too_many(tmp_path, storage):
    storage = storage and storage.format(tmp_path)
    tuners = [
        models.make(tmp_path, storage=storage, max_trials=5, executions_per_trial=1) for _ in "ab"
    ]

    def work(tuner):  # in threads, where a test can: each has its own connection and its own lock
        from lstmcore.tuner.trial_loop import TrialLoop

        TrialLoop(tuner, (), {**DATA}, lambda line: None).execute()

    threads = [threading.Thread(target=work, args=(tuner,)) for tuner in tuners]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(tuners[0].trials) == [f"000{i}" for i in range(5)]
    assert all(t.status == "COMPLETED" for t in tuners[0].trials.values())
    assert len(tuners[1].study_trials.counted()) == 5


@pytest.mark.slow
def test_two_programs_share_a_search(tmp_path, undisturbed):
    for process in [script(tmp_path), script(tmp_path)]:
        finish(process)
        assert process.returncode == 0
    assert models.outcome(models.make(tmp_path)) == undisturbed


def test_ctrl_c_with_several_processes(tmp_path, undisturbed):
    process = script(tmp_path, "slowly", "2", stderr=subprocess.PIPE, start_new_session=True)
    study = models.make(tmp_path).study

    def all_are_running():  # a process that is starting has Python's own handler of the signal
        states = [t.state.name for t in study.get_trials(deepcopy=False)]
        return states.count("RUNNING") == 2

    wait_for(all_are_running)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    _, error = process.communicate(timeout=100)
    assert process.returncode != 0
    # Optuna may be interrupted where it reads, and leaves a file to be closed by Python
    assert error.count("Traceback") - error.count("Exception ignored") == 1, error
    assert error.rstrip().endswith("KeyboardInterrupt")
    tuner = models.make(tmp_path)
    assert not [t for t in tuner.study.trials if t.state.name == "RUNNING"]
    with lstmcore.num_threads(1):
        tuner.search(**DATA, verbose=0)
    assert models.outcome(tuner) == undisturbed


def test_what_other_processes_cannot_have(tmp_path):
    tuner = models.make(tmp_path, n_jobs=2)
    with pytest.raises(ValueError, match=r"put functions and classes at the top of a module"):
        tuner.search(**{**DATA, "x": (x for x in [])}, verbose=0)
    memory = optuna.storages.InMemoryStorage()
    with pytest.raises(ValueError, match="give storage as a URL or a path"):
        models.make(tmp_path, n_jobs=2, storage=memory).search(**DATA)


@pytest.mark.slow
def test_errors_of_the_processes_are_those_of_the_search(tmp_path):
    tuner = models.make(tmp_path, n_jobs=2)
    with pytest.raises(ValueError, match="no 'val_loss'"):
        tuner.search(DATA["x"], DATA["y"], verbose=0)
    with pytest.raises(RuntimeError, match="trials in a row have failed"):
        tuner.search(DATA["x"][:, :3], DATA["y"], verbose=0)


@pytest.mark.slow
def test_a_function_of_an_interpreter(tmp_path):
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import tuner_models as models, lstmcore.tuner as kt\n"
        "def build(hp): return models.build_model(hp)\n"
        "kt.RandomSearch(build, 'val_loss', n_jobs=2).search(**models.DATA)\n"
    )
    command = [sys.executable, "-c", code, SCRIPT.parent]
    done = subprocess.run(command, cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True)
    assert "not in an interpreter or a notebook" in done.stderr.splitlines()[-1]


@pytest.mark.slow
def test_a_script_that_is_not_guarded_does_no_harm(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import tuner_models as models\n"
        "tuner = models.make('.', n_jobs=2, overwrite=True, max_trials=2)\n"
        "tuner.study.set_user_attr('mine', True)\n"
        "tuner.search(**models.DATA)\n"
    )
    command = [sys.executable, script, SCRIPT.parent]
    done = subprocess.run(command, cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True)
    assert done.returncode == 1
    assert 'if __name__ == "__main__"' in done.stderr
    assert models.make(tmp_path).study.user_attrs["mine"]


# --- memory -------------------------------------------------------------------------------------


def memory_of(trials, tmp_path):
    """Return the process's megabytes at the start of every trial, with models of some 4 MB."""
    if not os.path.exists("/proc/self/statm"):
        pytest.skip("the system does not say how much memory a process has")
    taken = []

    def build(hp):
        pages = Path("/proc/self/statm").read_text().split()[1]
        taken.append(int(pages) * os.sysconf("SC_PAGE_SIZE") / 2**20)
        model = Sequential([Input((4, 1)), LSTM(240 + hp.Int("units", 0, 16)), Dense(1)])
        model.compile("adam", "mse")
        hp.Float("any", 0, 1)
        return model

    x = np.ones((8, 4, 1), "f4")
    tuner = kt.RandomSearch(build, "loss", max_trials=trials, directory=tmp_path, seed=0)
    with lstmcore.num_threads(1):
        tuner.search(x, x[:, 0], epochs=1, verbose=0)
    assert len(tuner.trials) == trials
    return taken[-trials:]


def test_memory_stays_flat(tmp_path):
    taken = memory_of(20, tmp_path)
    assert taken[-1] - taken[8] < 8  # two models, where twelve were trained


@pytest.mark.slow
def test_memory_stays_flat_over_200_trials(tmp_path):
    taken = memory_of(200, tmp_path)
    assert taken[-1] - taken[20] < 12  # three models; the study's own records are some 2 MB
