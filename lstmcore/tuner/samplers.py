"""Optuna samplers whose draws do not depend on the process or the order of execution."""

from __future__ import annotations

import warnings
import zlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, TrialState

from .study import has_ended


def seed_of(seed: int, *path: int | str) -> int:
    """Return a seed below 2**32, derived from another one and a path of names and numbers."""
    numbers = [zlib.crc32(p.encode()) if isinstance(p, str) else p for p in path]
    return int(np.random.SeedSequence([seed, *numbers]).generate_state(1)[0])


class SeededSampler(BaseSampler):
    """Sampler that is created and seeded anew for every trial and every hyperparameter.

    Trials therefore do not depend on the process that draws them, nor on interruptions.

    Parameters
    ----------
    make : callable
        Returns a sampler for a seed.
    seed : int
    place : callable
        Returns the place of an Optuna trial among those drawn; see `study`.
    """

    def __init__(
        self, make: Callable[[int], BaseSampler], seed: int, place: Callable[[Any], int]
    ) -> None:
        self._make, self._seed, self._place = make, seed, place

    def _sampler(self, trial: FrozenTrial, name: str = "") -> BaseSampler:
        with optuna_quiet():
            return self._make(seed_of(self._seed, self._place(trial), name))

    def infer_relative_search_space(
        self, study: optuna.Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        self._joint = self._sampler(trial)
        return self._joint.infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        return self._joint.sample_relative(study, trial, search_space)

    def sample_independent(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        sampler = self._sampler(trial, param_name)
        return sampler.sample_independent(study, trial, param_name, param_distribution)


class GridSampler(BaseSampler):
    """Sampler of all combinations in order; the last hyperparameter varies fastest.

    Optuna's BruteForceSampler cannot be used: it needs `Study.optimize` to stop, and always fails
    after a trial that died before all of its hyperparameters were drawn.

    Attributes
    ----------
    exhausted : bool
        True if no combination was left for the last trial.
    """

    def __init__(self) -> None:
        self.exhausted = False

    def infer_relative_search_space(
        self, study: optuna.Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        self.exhausted = False
        return {}

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        return {}

    def sample_independent(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        others = [
            t
            for t in study.get_trials(deepcopy=False)
            if t.number != trial.number and is_tried(t) and trial.params.items() <= t.params.items()
        ]
        drawn = list(trial.params)
        candidates = _candidates(param_distribution)
        for value in candidates:
            if not _exhausted(_with_value(others, param_name, value), [*drawn, param_name]):
                return value
        self.exhausted = True
        return candidates[0]


def is_tried(trial: Any) -> bool:
    """Return True unless a trial was discarded or interrupted."""
    if "discarded" in trial.user_attrs:
        return False
    return trial.state != TrialState.FAIL or has_ended(trial)


def _candidates(distribution: BaseDistribution) -> Sequence[Any]:
    if isinstance(distribution, CategoricalDistribution):
        return distribution.choices
    low, high, step = (getattr(distribution, name) for name in ("low", "high", "step"))
    if step is None:
        raise ValueError("GridSearch: a range without steps has no grid")
    return [low + i * step for i in range(round((high - low) / step) + 1)]


def _with_value(trials: list[FrozenTrial], name: str, value: Any) -> list[FrozenTrial]:
    def same(other: Any) -> bool:
        if isinstance(value, float) and not isinstance(other, bool | str):
            return bool(abs(other - value) <= 1e-9 * max(1.0, abs(value)))
        return bool(other == value)

    return [t for t in trials if name in t.params and same(t.params[name])]


def _exhausted(trials: list[FrozenTrial], drawn: list[str]) -> bool:
    """Return True if trials, which agree on `drawn`, cover all combinations of the others."""
    if not trials:
        return False
    others = ([n for n in t.params if n not in drawn] for t in trials)
    further = [(t, rest[0]) for t, rest in zip(trials, others, strict=True) if rest]
    if not further:
        return True
    trial, name = further[0]
    values = _candidates(trial.distributions[name])
    return all(_exhausted(_with_value(trials, name, value), [*drawn, name]) for value in values)


class optuna_quiet(warnings.catch_warnings):
    """Context that hides Optuna's warnings of experimental features and its log lines."""

    def __enter__(self) -> Any:
        entered = super().__enter__()
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        self._level = optuna.logging.get_verbosity()
        optuna.logging.set_verbosity(max(self._level, optuna.logging.WARNING))
        return entered

    def __exit__(self, *args: Any) -> None:
        optuna.logging.set_verbosity(self._level)
        super().__exit__(*args)


def random_sampler(seed: int) -> BaseSampler:
    """Return a sampler that draws all values independently."""
    return optuna.samplers.RandomSampler(seed)


def bayesian_sampler(startup: int) -> Callable[[int], BaseSampler]:
    """Return a factory of samplers with tree-structured Parzen estimators.

    The first `startup` trials are random.
    """

    def make(seed: int) -> BaseSampler:
        return optuna.samplers.TPESampler(
            n_startup_trials=startup,
            multivariate=True,
            group=True,
            constant_liar=True,
            seed=seed,
        )

    return make


def pruner_of(pruner: Any, epochs: int | None = None, factor: int = 3) -> Any:
    """Return an Optuna pruner, created from its name if necessary.

    Parameters
    ----------
    pruner : str, pruner or None
    epochs : int, optional
        The largest number of epochs of a trial, for Hyperband.
    factor : int, default 3
    """
    pruners = optuna.pruners
    with optuna_quiet():
        if pruner is None:
            return pruners.NopPruner()
        if pruner == "median":
            return pruners.MedianPruner()
        if pruner == "hyperband":
            most: Any = "auto" if epochs is None else epochs
            return pruners.HyperbandPruner(1, most, factor)
    if not isinstance(pruner, pruners.BasePruner):
        wanted = "'median', 'hyperband', one of Optuna's, or None"
        raise TypeError(f"pruner: expected {wanted}, got {pruner!r}")
    return pruner
