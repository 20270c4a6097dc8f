"""Searches in one process: what is tried, what comes out, what goes wrong."""

import random
import re

import numpy as np
import pytest
import tuner_models as models
from tuner_models import DATA, X, Y, build_model

import lstmcore
import lstmcore.tuner as kt
from lstmcore import Input, Sequential
from lstmcore.callbacks import BackupAndRestore, Callback, EarlyStopping
from lstmcore.layers import LSTM, Dense
from lstmcore.utils import generator, set_random_seed

optuna = pytest.importorskip("optuna")


@pytest.fixture(autouse=True)
def one_thread():
    with lstmcore.num_threads(1):
        yield


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def dummy(hp):
    """The smallest model: what is tested is which hyperparameters there are."""
    model = Sequential([Input((1,)), Dense(1)])
    model.compile("sgd", "mse")
    return model


class Scores(kt.HyperModel):
    """A function in the place of training."""

    def __init__(self, ask, score):
        super().__init__()
        self.ask, self.score = ask, score

    def build(self, hp):
        self.ask(hp)
        return dummy(hp)

    def fit(self, hp, model, *args, **kwargs):
        return self.score(hp)


def memory():
    """A storage without files, for what needs many trials."""
    return optuna.storages.InMemoryStorage()


def tried(tuner):
    return [trial.hyperparameters.values for trial in tuner.trials.values()]


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


# --- searches -----------------------------------------------------------------------------------


def test_a_seed_repeats_a_search(here):
    outcomes = []
    for name in "ab":
        tuner = models.make(here, project_name=name)
        tuner.search(**DATA, verbose=0)
        outcomes.append(models.outcome(tuner))
    assert outcomes[0] == outcomes[1]
    other = models.make(here, project_name="c", seed=6)
    other.search(**DATA, verbose=0)
    assert models.outcome(other) != outcomes[0]


def test_without_a_seed_the_library_gives_one(here):
    values = []
    for name in "abc":
        if name != "c":
            set_random_seed(1)
        tuner = kt.RandomSearch(
            Scores(lambda hp: hp.Float("x", 0, 1), lambda hp: hp["x"]),
            max_trials=2,
            project_name=name,
        )
        tuner.search(verbose=0)
        values.append(tried(tuner))
    assert values[0] == values[1] != values[2]


def test_random_numbers_of_the_program_go_on_as_if_nothing_had_been(here):
    def drawn():
        return generator().random(), random.random(), np.random.random()  # noqa: NPY002

    set_random_seed(3)
    expected = drawn()
    set_random_seed(3)
    models.make(here, max_trials=1).search(**DATA, verbose=0)
    assert drawn() == expected


@pytest.mark.slow
def test_grid_search_tries_all_in_order(here):
    def ask(hp):
        if hp.Choice("kind", ["a", "b"]) == "a":
            hp.Int("n", 1, 3)
        else:
            hp.Boolean("deep")
            hp.Int("size", 2, 8, step=2, sampling="log")

    tuner = kt.GridSearch(Scores(ask, lambda hp: len(hp.values)))
    tuner.search(verbose=0)
    values = [tuple(v.values()) for v in tried(tuner)]
    assert values == [
        *(("a", n) for n in (1, 2, 3)),
        *(("b", deep, size) for deep in (False, True) for size in (2, 4, 8)),
    ]
    tuner.search(verbose=0)  # there is nothing left
    assert len(tuner.trials) == 9


def test_grid_search_cuts_ranges_and_stops_at_max_trials(here):
    tuner = kt.GridSearch(
        Scores(lambda hp: hp.Float("x", 1, 100, sampling="log"), lambda hp: hp["x"]), max_trials=4
    )
    tuner.search(verbose=0)
    assert [v["x"] for v in tried(tuner)] == pytest.approx([100 ** (i / 9) for i in range(4)])


@pytest.mark.slow
def test_nothing_is_tried_twice(here):
    class Small(kt.HyperModel):
        def build(self, hp):
            hp.Choice("a", [1, 2, 3])
            hp.Boolean("b")
            return dummy(hp)

    tuner = kt.RandomSearch(Small(), "loss", max_trials=50, seed=1)
    tuner.search(np.ones((4, 1)), np.ones(4), verbose=0)
    values = [tuple(v.values()) for v in tried(tuner)]
    assert sorted(values) == [(a, b) for a in (1, 2, 3) for b in (False, True)]
    assert list(tuner.trials) != sorted(values)


@pytest.mark.slow
def test_bayesian_optimization_finds_a_minimum(here):
    def ask(hp):
        hp.Float("x", -5, 5)
        with hp.conditional_scope("deep", [True]) if hp.Boolean("deep") else hp.name_scope("flat"):
            hp.Float("y", 1e-3, 1e3, sampling="log")

    def score(hp):
        y = hp.values.get("y", hp.values.get("flat/y"))
        return (hp["x"] - 2) ** 2 + np.log10(y) ** 2 + hp["deep"]

    best = {}
    for kind in (kt.BayesianOptimization, kt.RandomSearch):
        tuner = kind(Scores(ask, score), max_trials=40, seed=0, storage=memory())
        tuner.search(verbose=0)
        best[kind] = [t.score for t in tuner.get_best_trials(8)][-1]
    assert best[kt.BayesianOptimization] < 0.5 * best[kt.RandomSearch]


@pytest.mark.slow
def test_bayesian_optimization_repeats_itself_and_goes_on_where_it_was(here):
    hypermodel = Scores(lambda hp: hp.Float("x", -5, 5), lambda hp: hp["x"] ** 2)
    values = []
    for name, stops in (("a", [14]), ("b", [5, 12, 14])):
        for stop in stops:
            tuner = kt.BayesianOptimization(
                hypermodel, max_trials=stop, num_initial_points=4, seed=2, project_name=name
            )
            tuner.search(verbose=0)
        values.append(tried(tuner))
    assert values[0] == values[1]


@pytest.mark.slow
def test_hyperband_prunes_and_gives_the_best_all_epochs(here):
    tuner = kt.Hyperband(build_model, "val_loss", max_epochs=9, factor=3, seed=1, directory=here)
    count = Count()
    assert tuner.max_trials == 17  # 9 + 5 + 3, as in the paper
    tuner.search(X[:32], Y[:32], validation_data=(X[32:], Y[32:]), callbacks=[count], verbose=0)
    states = [t.status for t in tuner.trials.values()]
    assert states.count("PRUNED") >= 5
    best = tuner.get_best_trials(17)
    assert best[0].status == "COMPLETED"
    assert [t.status for t in best] == sorted(t.status for t in best)
    assert count.epochs.count(9) == states.count("COMPLETED")
    assert len(count.epochs) == 17


class Count(Callback):
    """Counts the epochs of every training."""

    def __init__(self):
        self.epochs = []

    def __deepcopy__(self, memo):
        return self

    def on_train_end(self, logs=None):
        self.epochs.append(len(self.model.history.epoch))


def test_the_median_pruner_ends_what_is_worse(here):
    def build(hp):
        model = dummy(hp)
        model.compile(lstmcore.optimizers.SGD(hp.Choice("rate", list(RATES))), "mse")
        return model

    RATES = [0.1, 0.09, 0.08, 0.07, 0.06, 0.05, 1e-7]
    tuner = kt.GridSearch(build, "loss", pruner="median", directory=here)
    tuner.search(np.ones((32, 1)), np.ones(32) * 4, epochs=6, verbose=0)
    states = [t.status for t in tuner.trials.values()]
    assert states[0] == "COMPLETED"
    assert states[-1] == "PRUNED"
    assert len(tuner.study.trials[-1].intermediate_values) < 6


# --- what is searched ---------------------------------------------------------------------------


@pytest.mark.slow
def test_hyperparameters_of_the_search_come_first(here):
    rules = kt.HyperParameters()
    rules.Fixed("units", 3)
    rules.Choice("extra", [7])
    seen = []

    class Told(kt.HyperModel):
        def build(self, hp):
            seen.append((hp.Int("units", 8, 64), hp.Float("rate", 0, 1, default=0.25)))
            return dummy(hp)

    tuner = kt.RandomSearch(
        Told(), "loss", 2, hyperparameters=rules, tune_new_entries=False, directory=here
    )
    tuner.search(np.ones((4, 1)), np.ones(4), verbose=0)
    assert set(seen) == {(3, 0.25)}
    assert tried(tuner) == [{"units": 3, "extra": 7, "rate": 0.25}]
    with pytest.raises(ValueError, match="'rate' is not among `hyperparameters`"):
        kt.RandomSearch(Told(), "loss", hyperparameters=rules, allow_new_entries=False)


def test_a_hypermodel_may_fit_in_its_own_way(here):
    class Own(kt.HyperModel):
        def build(self, hp):
            return build_model(hp)

        def fit(self, hp, model, *args, **kwargs):
            model.fit(*args, batch_size=hp.Choice("batch_size", [4, 8]), epochs=1, verbose=0)
            return {"mine": float(model.count_params())}

    tuner = kt.RandomSearch(Own(), kt.Objective("mine", "max"), 4, seed=0, directory=here)
    tuner.search(X[:32], Y[:32], verbose=0)
    trials = tuner.get_best_trials(4)
    assert trials[0].score == max(t.score for t in trials)
    assert {t.hyperparameters["batch_size"] for t in trials} <= {4, 8}
    assert tuner.get_best_models()[0].count_params() == trials[0].score


def test_run_trial_may_be_overridden(here):
    class Own(kt.RandomSearch):
        def run_trial(self, trial, scale):
            return [scale * trial.hyperparameters.Float("x", 0, 1), 0.0]

    tuner = Own(max_trials=3, seed=0, directory=here)
    tuner.search(2.0, verbose=0)
    assert [t.score for t in tuner.trials.values()] == [v["x"] for v in tried(tuner)]


@pytest.mark.slow
def test_ranges_in_a_search(here):
    def ask(hp):
        hp.Int("n", 1, 100, sampling="log")
        hp.Int("m", 3, 20, step=4)
        hp.Float("near 1", 0.5, 1.0, sampling="reverse_log")
        hp.Float("steps", 0, 1, step=0.3)

    tuner = kt.RandomSearch(
        Scores(ask, lambda hp: hp["n"]), max_trials=40, seed=0, storage=memory()
    )
    tuner.search(verbose=0)
    values = {name: [v[name] for v in tried(tuner)] for name in tried(tuner)[0]}
    assert all(type(n) is int and 1 <= n <= 100 for n in values["n"])
    assert sum(n <= 10 for n in values["n"]) >= 12
    assert set(values["m"]) <= {3, 7, 11, 15, 19}
    assert all(0.5 <= v <= 1 for v in values["near 1"])
    assert set(np.round(values["steps"], 9)) == {0, 0.3, 0.6, 0.9}


# --- objectives ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "direction"),
    [
        ("val_loss", "min"),
        ("val_mae", "min"),
        ("val_accuracy", "max"),
        ("loss", "min"),
        ("auc", "max"),
    ],
)
def test_the_direction_follows_from_the_name(here, name, direction):
    assert kt.RandomSearch(dummy, name).objective == kt.Objective(name, direction)


def test_objectives_that_say_too_little(here):
    with pytest.raises(ValueError, match=re.escape("give Objective('val_x', 'min') or")):
        kt.RandomSearch(dummy, "val_x")
    with pytest.raises(ValueError, match="expected 'min' or 'max', got 'up'"):
        kt.Objective("val_loss", "up")
    with pytest.raises(ValueError, match="objective: name one"):
        kt.RandomSearch(dummy)
    with pytest.raises(TypeError, match="expected a name"):
        kt.RandomSearch(dummy, ["val_loss", "val_mae"])


@pytest.mark.slow
def test_an_objective_that_is_not_in_the_logs(here):
    tuner = kt.RandomSearch(dummy, "val_loss")
    with pytest.raises(ValueError, match=r"no 'val_loss' .* give search validation_data"):
        tuner.search(np.ones((4, 1)), np.ones(4), verbose=0)
    tuner.search(np.ones((4, 1)), np.ones(4), validation_split=0.5, verbose=0)
    assert list(tuner.trials) == ["0001"]


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
        ({"hypermodel": lambda hp: 3}, "expected it to return a model, got 3"),
    ],
)
def test_arguments(here, options, said):
    with pytest.raises((TypeError, ValueError), match=re.escape(said)):
        kt.RandomSearch(**{"hypermodel": dummy, "objective": "loss", **options})


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
