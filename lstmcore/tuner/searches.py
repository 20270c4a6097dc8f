"""The searches: what draws the hyperparameters, and how long a trial may train."""

from __future__ import annotations

import math
from typing import Any

from ..validation import whole
from .hyperparameters import HyperParameters
from .tuner import Tuner


class RandomSearch(Tuner):
    """Every hyperparameter drawn by itself; no combination is tried twice.

    The parameters are those of `Tuner`.
    """

    def make_sampler(self, seed: int) -> Any:
        """Return Optuna's RandomSampler."""
        from .samplers import random_sampler

        return random_sampler(seed)


class GridSearch(Tuner):
    """All combinations, in order; a range without steps is cut into ten values.

    Parameters
    ----------
    hypermodel, objective
        See `Tuner`, as for the others.
    max_trials : int, optional
        The default is all combinations.
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
    """Combinations like those that were good: Optuna's tree-structured Parzen estimators.

    Parameters
    ----------
    hypermodel, objective, max_trials
        See `Tuner`, as for the others.
    num_initial_points : int, default 10
        How many are drawn at random first.
    alpha, beta : None
        Keras Tuner's are of a Gaussian process, which this is not.
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
    """Many trials of few epochs, of which the better ones go on: Optuna's HyperbandPruner.

    Trials are drawn at random. One is pruned when it is worse than others were after the same
    number of epochs; there is no waiting for those others.

    Parameters
    ----------
    hypermodel, objective
        See `Tuner`, as for the others.
    max_epochs : int, default 100
        The most that a trial gets; `search` need not say `epochs`, and this counts if it does.
    factor : int, default 3
        One trial of so many goes on.
    hyperband_iterations : float, default 1
        How often to go through all brackets; this decides how many trials there are.
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
        if not hyperband_iterations > 0:
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
        """How many trials begin in all brackets together."""
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
        """Try combinations; see `Tuner.search`."""
        super().search(*fit_args, verbose=verbose, **{**fit_kwargs, "epochs": self.max_epochs})
