"""Searches in one process: what comes out, what goes wrong, going on."""

import re

import numpy as np
import pytest
import tuner_models as models
from tuner_models import DATA, X, Y, build_model
from tuner_scores import Scores, dummy, memory

import lstmcore
import lstmcore.tuner as kt
from lstmcore import Input, Sequential
from lstmcore.callbacks import BackupAndRestore, Callback, EarlyStopping
from lstmcore.layers import LSTM, Dense

# --- what the issue says ------------------------------------------------------------------------


def test_it_runs_as_it_stands(here):
    tuner = kt.RandomSearch(
        build_model, objective="val_loss", max_trials=10, executions_per_trial=2
    )
    tuner.search(X[:32], Y[:32], epochs=1, validation_data=(X[32:], Y[32:]))
    best = tuner.get_best_models(num_models=1)[0]
    assert best.predict(X[:2], verbose=0).shape == (2, 1)
    assert len(tuner.trials) == 10
    assert (here / "untitled_project").is_dir()


def test_the_best_model_is_the_one_that_was_measured(here):
    tuner = models.make(here, executions_per_trial=1, max_trials=6)
    tuner.search(**{**DATA, "epochs": 12}, verbose=0)
    first, *others = tuner.get_best_trials(9)
    assert [t.score for t in others] == sorted(t.score for t in others)
    assert first.score <= others[0].score
    assert any(t.best_step < 12 for t in (first, *others))
    for trial, model in zip(tuner.get_best_trials(6), tuner.get_best_models(6), strict=True):
        measured = model.evaluate(X[32:], Y[32:], verbose=0, return_dict=True)
        assert measured["loss"] == trial.score
        assert measured["mae"] == trial.metrics["val_mae"]
        assert model.layers[0].units == trial.hyperparameters["units"]
    hp = tuner.get_best_hyperparameters(2)[0]
    assert hp.values == first.hyperparameters.values
    assert tuner.hypermodel.build(hp).layers[0].units == hp.get("units")


def test_the_score_is_the_best_epoch_and_the_mean_of_executions(here):
    class Falling(kt.HyperModel):
        losses = iter([[3.0, 1.0, 2.0], [9.0, 8.0, 5.0]])

        def build(self, hp):
            return dummy(hp)

        def fit(self, hp, model, *args, **kwargs):
            history = model.fit(*args, **kwargs)
            history.history["val_loss"] = next(self.losses)
            return history

    tuner = kt.RandomSearch(Falling(), "val_loss", 1, executions_per_trial=2)
    tuner.search(np.ones((4, 1)), np.ones(4), validation_split=0.5, verbose=0)
    assert tuner.trials["0000"].score == 3.0


# --- what goes wrong ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"max_trial": 3}, "did you mean 'max_trials'"),
        ({"max_trials": 0}, "max_trials: expected a whole number >= 1, got 0"),
        ({"n_jobs": 0}, "n_jobs: expected a whole number >= 1"),
        ({"executions_per_trial": 1.5}, "executions_per_trial: expected a whole number"),
        ({"pruner": "medium"}, "expected 'median', 'hyperband', one of Optuna's"),
        ({"hypermodel": 3}, "expected a function build_model"),
        ({"hyperparameters": {"units": 3}}, "hyperparameters: expected HyperParameters, got {"),
        ({"directory": 3}, "directory: expected a path, got 3"),
        ({"project_name": 3}, "project_name: expected a path, got 3"),
        ({"storage": 3}, "storage: expected a path, a URL or an Optuna storage, got 3"),
        ({"hypermodel": lambda hp: 3}, "expected it to return a model, got 3"),
    ],
)
def test_arguments(here, options, said):
    with pytest.raises((TypeError, ValueError), match=re.escape(said)):
        kt.RandomSearch(**{"hypermodel": dummy, "objective": "loss", **options})


def test_hyperband_iterations(here):
    with pytest.raises(ValueError, match="hyperband_iterations: expected a number, got 'all'"):
        kt.Hyperband(dummy, "loss", hyperband_iterations="all")


def test_keras_tuners_gaussian_process_is_refused(here):
    with pytest.raises(ValueError, match="alpha and beta"):
        kt.BayesianOptimization(dummy, "loss", alpha=1e-3)


def failing(hp):
    if hp.Int("n", 0, 5) in (1, 2):
        raise OSError("no such luck")
    return dummy(hp)


def test_a_trial_that_fails_is_passed_over(here, capsys):
    tuner = kt.GridSearch(failing, "loss", directory=here)
    tuner.search(np.ones((4, 1)), np.ones(4))
    assert [t.status for t in tuner.trials.values()] == [
        "COMPLETED",
        *["FAILED"] * 2,
        *["COMPLETED"] * 3,
    ]
    assert tuner.get_trial("0001").message == "OSError: no such luck"
    assert "Trial 0001 (2): failed, OSError: no such luck" in capsys.readouterr().out
    assert all(t.status == "COMPLETED" for t in tuner.get_best_trials(9))


def test_many_that_fail_end_the_search(here):
    calls = []

    class Own(kt.RandomSearch):
        def run_trial(self, trial):
            calls.append(trial.trial_id)
            raise OSError("full")

    tuner = Own(max_trials=9, max_consecutive_failed_trials=2, max_retries_per_trial=1)
    with pytest.raises(
        RuntimeError, match=r"2 trials in a row have failed, the last with OSError: full"
    ):
        tuner.search(verbose=0)
    assert calls == ["0000", "0000", "0001", "0001"]
    with pytest.raises(RuntimeError, match=r"no trial in .* has a score yet"):
        tuner.get_best_models()


def test_trials_that_diverge_are_no_mistakes(here):
    def build(hp):
        model = dummy(hp)
        model.compile(
            lstmcore.optimizers.SGD(hp.Choice("rate", [1e-3, 1e20, 1e25, 1e30, 1e-2])), "mse"
        )
        return model

    tuner = kt.GridSearch(build, "loss", directory=here)
    tuner.search(np.full((64, 1), 10.0), np.zeros(64), epochs=4, verbose=0)
    states = [t.status for t in tuner.trials.values()]
    assert states == ["COMPLETED", *["PRUNED"] * 3, "COMPLETED"]
    assert [t.score for t in tuner.trials.values()][1:4] == [None] * 3
    assert "FloatingPointError" in tuner.get_trial("0001").message
    assert len(tuner.get_best_trials(9)) == 2


# --- going on -----------------------------------------------------------------------------------


def test_ctrl_c_loses_nothing_and_the_trial_is_done_again(here):
    whole = models.make(here, project_name="whole")
    whole.search(**DATA, verbose=0)
    tuner = models.make(here)
    with pytest.raises(KeyboardInterrupt):
        tuner.search(**DATA, callbacks=[models.Interrupt(5)], verbose=0)  # in the third trial
    done = models.outcome(tuner)
    assert list(done) == ["0000", "0001"]
    assert [t.state.name for t in tuner.study.trials[2:]] == ["FAIL", "WAITING"]
    assert len(tuner.get_best_models(2)) == 2
    again = models.make(here)
    assert models.outcome(again) == done
    again.search(**DATA, verbose=0)
    assert models.outcome(again) == models.outcome(whole)


def test_a_trial_goes_on_within_its_training(here):
    seen = []

    class Epochs(Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append(epoch)
            if seen == [0, 1, 2]:
                raise KeyboardInterrupt

    data = {**DATA, "epochs": 5}
    whole = models.make(here, project_name="whole", executions_per_trial=1, max_trials=1)
    whole.search(**data, verbose=0)
    backup = here / "backup"
    for _ in range(2):
        tuner = models.make(here, executions_per_trial=1, max_trials=1)
        try:
            tuner.search(**data, callbacks=[BackupAndRestore(backup), Epochs()], verbose=0)
        except KeyboardInterrupt:
            assert seen == [0, 1, 2]
    assert seen == [0, 1, 2, 2, 3, 4]
    assert models.outcome(tuner) == models.outcome(whole)


def test_more_trials_later(here, capsys):
    whole = models.make(here, project_name="whole")
    whole.search(**DATA, verbose=0)
    models.make(here, max_trials=2).search(**DATA, verbose=0)
    tuner = models.make(here, max_trials=4)
    capsys.readouterr()
    tuner.search(**DATA)
    assert "Going on after 2 trials" in capsys.readouterr().out
    assert models.outcome(tuner) == models.outcome(whole)


def test_overwrite(here):
    models.make(here, max_trials=2).search(**DATA, verbose=0)
    mine = here / "untitled_project" / "notes.txt"
    mine.write_text("mine")
    tuner = models.make(here, max_trials=2, overwrite=True)
    assert not tuner.trials
    assert [p.name for p in mine.parent.iterdir() if p.suffix == ".safetensors"] == []
    assert mine.exists()


def test_another_search_of_the_same_name(here):
    models.make(here, max_trials=1).search(**DATA, verbose=0)
    with pytest.raises(ValueError, match="has the objective 'val_loss', not 'val_mae'"):
        kt.RandomSearch(build_model, "val_mae", directory=here)
    with pytest.raises(ValueError, match="has the direction 'min', not 'max'"):
        kt.RandomSearch(build_model, kt.Objective("val_loss", "max"), directory=here)

    def other(hp):
        hp.Choice("units", [1, 2])
        return dummy(hp)

    tuner = kt.RandomSearch(other, "val_loss", directory=here)
    with pytest.raises(ValueError, match="'units' had other values in"):
        tuner.search(np.ones((4, 1)), np.ones(4), validation_split=0.5, verbose=0)


@pytest.mark.parametrize("storage", ["sqlite:///{}/study.db", "{}/elsewhere/study.journal"])
def test_storages(here, storage):
    storage = storage.format(here)
    tuner = models.make(here, max_trials=2, storage=storage)
    tuner.search(**DATA, verbose=0)
    again = models.make(here, max_trials=3, storage=storage)
    assert models.outcome(again) == models.outcome(tuner)
    again.search(**DATA, verbose=0)
    assert len(again.trials) == 3
    assert not (here / "untitled_project" / "study.journal").exists()
    assert not models.make(here, storage=storage, overwrite=True).trials


def test_storages_that_are_none(here):
    with pytest.raises(OSError, match=r"storage foo://host/x cannot be used"):
        models.make(here, storage="foo://me:secret@host/x")


def test_half_a_line_at_the_end_of_a_journal(here):
    tuner = models.make(here, max_trials=2)
    tuner.search(**DATA, verbose=0)
    with (here / "untitled_project" / "study.journal").open("ab") as file:
        file.write(b'{"op_code": 4, "wor')
    again = models.make(here, max_trials=2)
    assert models.outcome(again) == models.outcome(tuner)
    again.study.set_user_attr("works", True)
    assert models.make(here).study.user_attrs["works"]


# --- callbacks, models, words, pictures ---------------------------------------------------------


def test_callbacks_are_copied_for_every_training(here):
    callback = EarlyStopping("loss", patience=0, min_delta=1e9)
    tuner = models.make(here, max_trials=2, executions_per_trial=1)
    tuner.search(**{**DATA, "epochs": 9}, callbacks=callback, verbose=0)
    assert [t.best_step in (1, 2) for t in tuner.trials.values()] == [True, True]
    assert callback.best is None


def test_models_with_layers_of_ones_own(here):
    class Twice(lstmcore.layers.Layer):
        def forward(self, x, training):
            return 2 * x, lambda dy, need_dx=True: 2 * dy

        def compute_output_shape(self, input_shape):
            return input_shape

    def build(hp):
        model = Sequential([Input((5, 1)), Twice(), LSTM(hp.Int("units", 2, 4)), Dense(1)])
        model.compile("adam", "mse")
        return model

    tuner = kt.RandomSearch(build, "val_loss", 2, directory=here, seed=0)
    tuner.search(**DATA, verbose=0)
    best = tuner.get_best_models()[0]
    assert best.evaluate(X[32:], Y[32:], verbose=0) == tuner.get_best_trials()[0].score


def test_a_model_file_that_is_missing(here):
    tuner = models.make(here, max_trials=1)
    tuner.search(**DATA, verbose=0)
    tuner.model_path("0000").unlink()
    with pytest.raises(FileNotFoundError, match="need a common directory"):
        tuner.get_best_models()


def test_summaries(here, capsys):
    tuner = models.make(here, max_trials=2)
    tuner.search_space_summary()
    assert capsys.readouterr().out == (
        "Search space summary\n"
        "Default search space size: 2\n"
        "units (Int): default: 2, min_value: 2, max_value: 8, step: 2, sampling: linear\n"
        "learning_rate (Float): default: 0.001, min_value: 0.001, max_value: 0.1, step: None, "
        "sampling: log\n"
    )
    tuner.search(**DATA)
    lines = capsys.readouterr().out.splitlines()
    assert [line[:18] for line in lines] == ["Trial 0000 (1 of 2", "Trial 0001 (2 of 2"]
    tuner.results_summary()
    out = capsys.readouterr().out
    assert "Objective(name='val_loss', direction='min')" in out
    assert out.count("summary\nHyperparameters:\nunits: ") == 2
    assert f"Score: {tuner.get_best_trials()[0].score}\n" in out
    tuner.search(**DATA, verbose=0)
    assert capsys.readouterr().out == ""


def test_epochs_are_printed_if_wanted(here, capsys):
    models.make(here, max_trials=1, executions_per_trial=1).search(**DATA, verbose=2)
    assert capsys.readouterr().out.count("Epoch ") == 2


def test_pictures(here):
    pytest.importorskip("matplotlib")

    def ask(hp):
        hp.Float("matters", 0, 1)
        hp.Float("does not", 0, 1)

    tuner = kt.RandomSearch(
        Scores(ask, lambda hp: hp["matters"]), max_trials=40, seed=0, storage=memory()
    )
    with pytest.raises(ValueError, match="no trial has a score yet"):
        kt.plot_history(tuner)
    with pytest.raises(ValueError, match="expected two trials"):
        kt.plot_importance(tuner)
    tuner.search(verbose=0)
    assert kt.importances(tuner)["matters"] > 0.8
    axes = kt.plot_history(tuner, "history.png").axes[0]
    best = axes.lines[-1].get_ydata()
    assert best[-1] == tuner.get_best_trials()[0].score
    assert (np.diff(best) <= 0).all()
    kt.plot_importance(tuner, "importance.svg")
    assert (here / "history.png").stat().st_size > 1000
    assert (here / "importance.svg").stat().st_size > 1000


pytestmark = pytest.mark.usefixtures("one_thread")
