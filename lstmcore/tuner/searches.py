"""Search algorithms: random, grid, Bayesian, Hyperband."""

from __future__ import annotations

import math
from typing import Any

from ..validation import real, whole
from .hyperparameters import HyperParameters
from .tuner import Tuner


class RandomSearch(Tuner):
    """Random search: hyperparameters are drawn independently; no combination is tried twice.

    The parameters are those of `Tuner`.
    """

    def make_sampler(self, seed: int) -> Any:
        """Return Optuna's RandomSampler."""
        from .samplers import random_sampler

        return random_sampler(seed)


class GridSearch(Tuner):
    """Grid search: all combinations in order, with ten values of a range without steps.

    Parameters
    ----------
    hypermodel, objective
        See `Tuner`, also for the other parameters.
    max_trials : int, optional
        By default all combinations.
    """

    grid_search = True

    def __init__(
        self,
        hypermodel: Any = None,
        objective: Any = None,
        max_trials: int | None = None,
        seed: int | None = None,
        hyperparameters: HyperParameters | None = None,
        tune_new_entries: bool = True,
        allow_new_entries: bool = True,
        max_retries_per_trial: int = 0,
        max_consecutive_failed_trials: int = 3,
        **options: Any,
    ) -> None:
        super().__init__(
            hypermodel,
            objective,
            max_trials,
            seed,
            hyperparameters,
            tune_new_entries,
            allow_new_entries,
            max_retries_per_trial,
            max_consecutive_failed_trials,
            **options,
        )


class BayesianOptimization(Tuner):
    """Bayesian optimization by Optuna's tree-structured Parzen estimators.

    Parameters
    ----------
    hypermodel, objective, max_trials
        See `Tuner`, also for the other parameters.
    num_initial_points : int, default 10
        The number of random trials at the beginning.
    alpha, beta : None
        Parameters of Keras Tuner's Gaussian process, which is not used here.
    """

    def __init__(
        self,
        hypermodel: Any = None,
        objective: Any = None,
        max_trials: int | None = 10,
        num_initial_points: int | None = None,
        alpha: None = None,
        beta: None = None,
        seed: int | None = None,
        hyperparameters: HyperParameters | None = None,
        tune_new_entries: bool = True,
        allow_new_entries: bool = True,
        max_retries_per_trial: int = 0,
        max_consecutive_failed_trials: int = 3,
        **options: Any,
    ) -> None:
        if alpha is not None or beta is not None:
            raise ValueError(
                "BayesianOptimization: alpha and beta are of a Gaussian process; this one has "
                "Parzen estimators: leave them out"
            )
        self.num_initial_points = whole("num_initial_points", num_initial_points, 10)
        super().__init__(
            hypermodel,
            objective,
            max_trials,
            seed,
            hyperparameters,
            tune_new_entries,
            allow_new_entries,
            max_retries_per_trial,
            max_consecutive_failed_trials,
            **options,
        )

    def make_sampler(self, seed: int) -> Any:
        """Return Optuna's TPESampler."""
        from .samplers import bayesian_sampler

        return bayesian_sampler(self.num_initial_points)(seed)


class Hyperband(Tuner):
    """Hyperband: many trials of few epochs, of which the better ones continue training.

    Hyperparameters are drawn at random; Optuna's HyperbandPruner stops a trial that is worse than
    others were after the same number of epochs. Trials do not wait for each other.

    Parameters
    ----------
    hypermodel, objective
        See `Tuner`, also for the other parameters.
    max_epochs : int, default 100
        The largest number of epochs of a trial, which replaces the `epochs` of `search`.
    factor : int, default 3
        One in `factor` trials continues.
    hyperband_iterations : float, default 1
        The number of passes over all brackets, which determines the number of trials.
    """

    def __init__(
        self,
        hypermodel: Any = None,
        objective: Any = None,
        max_epochs: int = 100,
        factor: int = 3,
        hyperband_iterations: float = 1,
        seed: int | None = None,
        hyperparameters: HyperParameters | None = None,
        tune_new_entries: bool = True,
        allow_new_entries: bool = True,
        max_retries_per_trial: int = 0,
        max_consecutive_failed_trials: int = 3,
        **options: Any,
    ) -> None:
        self.max_epochs = whole("max_epochs", max_epochs, 1)
        self.factor = whole("factor", factor, 2, least=2)
        self.hyperband_iterations = hyperband_iterations
        if not real("hyperband_iterations", hyperband_iterations) > 0:
            raise ValueError(
                f"hyperband_iterations: expected more than 0, got {hyperband_iterations!r}"
            )
        options.setdefault("pruner", "hyperband")
        super().__init__(
            hypermodel,
            objective,
            max(1, math.ceil(hyperband_iterations * self.bracket_sizes())),
            seed,
            hyperparameters,
            tune_new_entries,
            allow_new_entries,
            max_retries_per_trial,
            max_consecutive_failed_trials,
            **options,
        )

    def bracket_sizes(self) -> int:
        """Return the number of trials in all brackets together."""
        last = math.floor(math.log(self.max_epochs, self.factor) + 1e-9)
        return sum(math.ceil((last + 1) * self.factor**s / (s + 1)) for s in range(last + 1))

    def make_sampler(self, seed: int) -> Any:
        """Return Optuna's RandomSampler."""
        from .samplers import random_sampler

        return random_sampler(seed)

    def make_pruner(self) -> Any:
        """Return Optuna's HyperbandPruner, or the pruner that was given."""
        from .samplers import pruner_of

        return pruner_of(self.pruner, self.max_epochs, self.factor)

    def search(self, *fit_args: Any, verbose: Any = "auto", **fit_kwargs: Any) -> None:
        """Execute trials; see `Tuner.search`."""
        super().search(*fit_args, verbose=verbose, **{**fit_kwargs, "epochs": self.max_epochs})
