"""Hypermodels: hyperparameters, a hypermodel with its own fit, ranges."""

import numpy as np
import pytest
from tuner_models import X, Y, build_model
from tuner_scores import Scores, dummy, memory, tried

import lstmcore.tuner as kt

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


# --- callbacks, models, words, pictures ---------------------------------------------------------

pytestmark = pytest.mark.usefixtures("one_thread")
