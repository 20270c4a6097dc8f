"""Hyperparameters that the searches try."""

import random

import numpy as np
import pytest
import tuner_models as models
from tuner_models import DATA, X, Y, build_model
from tuner_scores import Scores, dummy, memory, tried

import lstmcore
import lstmcore.tuner as kt
from lstmcore.callbacks import Callback
from lstmcore.utils import generator, set_random_seed

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


# --- callbacks, models, words, pictures ---------------------------------------------------------

pytestmark = pytest.mark.usefixtures("one_thread")
