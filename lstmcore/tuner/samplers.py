"""Optuna's samplers, so that a trial is the same whoever draws it, and in whatever order."""

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
    """A seed below 2**32 that follows from another and what it is for."""
    numbers = [zlib.crc32(p.encode()) if isinstance(p, str) else p for p in path]
    return int(np.random.SeedSequence([seed, *numbers]).generate_state(1)[0])


class Seeded(BaseSampler):
    """A sampler that begins anew for every trial, and for every hyperparameter of it.

    So trials do not depend on which process draws them, nor on whether the search was interrupted.

    Parameters
    ----------
    make : callable
        Given a seed, makes the sampler.
    seed : int
    place : callable
        Given an Optuna trial, its place among those that were drawn.
    """

    def __init__(
        self, make: Callable[[int], BaseSampler], seed: int, place: Callable[[Any], int]
    ) -> None:
        self._make, self._seed, self._place = make, seed, place

    def _at(self, trial: FrozenTrial, name: str = "") -> BaseSampler:
        with quiet():
            return self._make(seed_of(self._seed, self._place(trial), name))

    def infer_relative_search_space(
        self, study: optuna.Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        self._joint = self._at(trial)
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
        sampler = self._at(trial, param_name)
        return sampler.sample_independent(study, trial, param_name, param_distribution)


class Grid(BaseSampler):
    """All combinations, in order: the last hyperparameter varies first.

    Optuna's BruteForceSampler needs `Study.optimize` to stop, and fails for good after a trial that
    died before it had all of its hyperparameters.

    Attributes
    ----------
    exhausted : bool
        Whether the last trial had no combination left to try.
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
        known = list(trial.params)
        candidates = _candidates(param_distribution)
        for value in candidates:
            if not _exhausted(_those(others, param_name, value), [*known, param_name]):
                return value
        self.exhausted = True
        return candidates[0]


def is_tried(trial: Any) -> bool:
    """Whether a trial counts as one: it is not one that was thrown away, nor half of one."""
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


def _those(trials: list[FrozenTrial], name: str, value: Any) -> list[FrozenTrial]:
    def same(other: Any) -> bool:
        if isinstance(value, float) and not isinstance(other, bool | str):
            return bool(abs(other - value) <= 1e-9 * max(1.0, abs(value)))
        return bool(other == value)

    return [t for t in trials if name in t.params and same(t.params[name])]


def _exhausted(trials: list[FrozenTrial], known: list[str]) -> bool:
    """Whether nothing is left of what begins like these trials, which agree on the known names."""
    if not trials:
        return False
    names = ([n for n in t.params if n not in known] for t in trials)
    further = [(t, rest[0]) for t, rest in zip(trials, names, strict=True) if rest]
    if not further:
        return True
    trial, name = further[0]
    values = _candidates(trial.distributions[name])
    return all(_exhausted(_those(trials, name, value), [*known, name]) for value in values)


class quiet(warnings.catch_warnings):
    """No warnings of parts of Optuna that may change, and no lines for every study."""

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
    """Every value by itself."""
    return optuna.samplers.RandomSampler(seed)


def bayesian_sampler(startup: int) -> Callable[[int], BaseSampler]:
    """Tree-structured Parzen estimators; the first `startup` trials are random."""

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
    """Return Optuna's pruner for "median", "hyperband", None, or a pruner.

    Parameters
    ----------
    pruner : str, pruner or None
    epochs : int, optional
        The most that a trial may have, for Hyperband.
    factor : int, default 3
    """
    pruners = optuna.pruners
    with quiet():
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
