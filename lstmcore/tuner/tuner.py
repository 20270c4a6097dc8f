"""Tuner: base class of searches, whose trials are executed in one or several processes."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from typing import Any

from .. import _core
from ..names import nearest
from ..random.generator import generator
from ..random.state import preserve_random_state
from ..validation import file_path, whole
from .execution import copy_callbacks
from .hypermodel import HyperModel, make_hypermodel
from .hyperparameters import HyperParameters, explore
from .objective import DEFAULT, Objective, SearchError, make_objective
from .results import SearchResults
from .storage import open_storage, optuna
from .study import StudyTrials
from .trial_loop import RunningTrial, TrialLoop, reset_session


class Tuner(SearchResults):
    """Base class of searches; use one of its subclasses.

    Parameters
    ----------
    hypermodel : callable, HyperModel or None
        A function ``build_model(hp)`` that returns a compiled model. None for a subclass that
        overrides `run_trial`.
    objective : str, Objective or None
        A name from which the direction follows, such as ``"val_loss"`` or ``"val_accuracy"``; or an
        `Objective`. None: the number that your own `HyperModel.fit` or `run_trial` returns, to be
        minimized.
    max_trials : int or None, default 10
        The number of combinations to try, including those of earlier calls of the search.
    seed : int, optional
        Makes a search repeatable: hyperparameters, initial weights, order of samples, dropout. By
        default it is drawn from the library's generator (`set_random_seed`).
    hyperparameters : HyperParameters, optional
        Definitions that replace those of the same names in `hypermodel`.
    tune_new_entries : bool, default True
        False: hyperparameters that are not in `hyperparameters` have their defaults.
    allow_new_entries : bool, default True
        False: hyperparameters that are not in `hyperparameters` are an error.
    max_retries_per_trial : int, default 0
        The number of times that a failed trial is retried; one more if its process died.
    max_consecutive_failed_trials : int, default 3
        The number of failed trials in a row after which the search ends with an error.
    executions_per_trial : int, default 1
        The number of models to train per trial, with different initial weights; the score is their
        mean.
    directory : path-like, default "."
    project_name : str, default "untitled_project"
        The folder in `directory` for the study and the models, and the study's name. A search with
        the name of an earlier one continues it, even if it was killed.
    overwrite : bool, default False
        Delete an earlier search with this name first.
    n_jobs : int, default 1
        The number of processes that execute trials in parallel, sharing the threads
        (`set_num_threads`). -1: one per thread. Functions and classes must be importable by other
        processes: at the top level of a module, or of a script with
        ``if __name__ == "__main__":`` around the rest.
    storage : str, path-like or Optuna storage, optional
        The storage of the study, to share it between hosts: ``"sqlite:///study.db"``,
        ``"postgresql://..."``, or the path of a journal file on a shared disk. By default a
        journal in the project's folder. The models are always in that folder.
    pruner : {"median", "hyperband"} or Optuna pruner, optional
        Stops the training of trials that are worse than others at the same epoch.
    sampler : Optuna sampler, optional
        Draws the hyperparameters instead of the class's own sampler.

    Notes
    -----
    Ctrl-C loses only the running trials, which are repeated first when the search is continued. A
    trial whose process was killed is repeated once, and fails if that process is killed too. With
    the callback `BackupAndRestore` passed to `search`, a repeated trial continues its training.
    """

    grid_search = False

    def __init__(
        self,
        hypermodel: Any = None,
        objective: Any = None,
        max_trials: int | None = 10,
        seed: int | None = None,
        hyperparameters: HyperParameters | None = None,
        tune_new_entries: bool = True,
        allow_new_entries: bool = True,
        max_retries_per_trial: int = 0,
        max_consecutive_failed_trials: int = 3,
        *,
        executions_per_trial: int = 1,
        directory: str | os.PathLike[str] | None = None,
        project_name: str | None = None,
        overwrite: bool = False,
        n_jobs: int = 1,
        storage: Any = None,
        pruner: Any = None,
        sampler: Any = None,
        **unknown: Any,
    ) -> None:
        self._check_call(unknown)
        self.max_trials = None if max_trials is None else whole("max_trials", max_trials, 1)
        self.executions_per_trial = whole("executions_per_trial", executions_per_trial, 1)
        self.max_retries_per_trial = whole(
            "max_retries_per_trial", max_retries_per_trial, 0, least=0
        )
        self.max_consecutive_failed_trials = whole(
            "max_consecutive_failed_trials", max_consecutive_failed_trials, 1
        )
        self.n_jobs = n_jobs if n_jobs == -1 else whole("n_jobs", n_jobs, 1)
        self.seed = None if seed is None else whole("seed", seed, 0, least=0)
        if not isinstance(hyperparameters, HyperParameters | None):
            raise TypeError(f"hyperparameters: expected HyperParameters, got {hyperparameters!r}")
        self.overrides, self.tune_new_entries = hyperparameters, bool(tune_new_entries)
        self.allow_new_entries = bool(allow_new_entries)
        self.directory = "." if directory is None else file_path("directory", directory)
        self.project_name = file_path("project_name", project_name or "untitled_project")
        self.storage, self.pruner, self.sampler = storage, pruner, sampler
        self.hypermodel: Any = None if hypermodel is None else make_hypermodel(hypermodel)
        self._verbose = 0
        self._explore(objective)
        self._open(bool(overwrite))

    # -- hypermodel and objective ----------------------------------------------------------

    def _check_call(self, unknown: dict[str, Any]) -> None:
        """Raise an error for unknown arguments, and in worker processes that import the script."""
        for name in unknown:
            hint = nearest(name, [*Tuner.__init__.__annotations__])
            raise TypeError(f"{type(self).__name__} has no argument {name!r}: {hint}")
        if getattr(multiprocessing.current_process(), "_inheriting", False):
            raise RuntimeError(
                'n_jobs: put what a script does under `if __name__ == "__main__":`, for the '
                "processes of a search read the script too"
            )
        optuna()

    @property
    def builds(self) -> bool:
        """True if a trial begins by building the hypermodel."""
        return self.hypermodel is not None and type(self).run_trial is Tuner.run_trial

    @property
    def all_in_build(self) -> bool:
        """True if building the model asks for all hyperparameters."""
        return self.builds and type(self.hypermodel).fit is HyperModel.fit

    @property
    def hypermodel_tunable(self) -> bool:
        """True if the hypermodel's hyperparameters are searched."""
        return bool(getattr(self.hypermodel, "tunable", True))

    @property
    def is_grid(self) -> bool:
        """True if ranges without steps are replaced by ten values."""
        return self.grid_search and self.sampler is None

    @property
    def max_deaths(self) -> int:
        """The number of times that a trial is repeated because its process died."""
        return 1 + self.max_retries_per_trial

    def _explore(self, objective: Any) -> None:
        """Find the hyperparameters by building with the defaults, which reveals errors early."""
        self.space: list[Any] = list(self.overrides.space) if self.overrides is not None else []
        models: list[Any] = []
        if self.hypermodel is not None:
            with preserve_random_state():

                def build(hp: HyperParameters) -> None:
                    models.append(self.hypermodel.build(hp))
                    del models[1:]

                self.space = explore(build, self.overrides, self.allow_new_entries)
            if not hasattr(models[0], "fit"):
                raise TypeError(f"hypermodel: expected it to return a model, got {models[0]!r:.80}")
        self.objective: Objective = make_objective(objective, models[0] if models else None)
        if self.objective.name == DEFAULT and self.all_in_build:
            raise ValueError("objective: name one, say objective='val_loss'")

    # -- the study -------------------------------------------------------------------------

    def make_sampler(self, seed: int) -> Any:
        """Return a new Optuna sampler; each trial has its own."""
        raise NotImplementedError(f"{type(self).__name__} is no search: use RandomSearch, say")

    def make_pruner(self) -> Any:
        """Return the Optuna pruner."""
        from .samplers import pruner_of

        return pruner_of(self.pruner)

    def _open(self, overwrite: bool) -> None:
        from .samplers import GridSampler, SeededSampler, optuna_quiet

        self.project_path.mkdir(parents=True, exist_ok=True)
        if overwrite:
            self._delete()
        with optuna_quiet():
            storage = open_storage(self.storage, self.project_path)
            direction = "minimize" if self.objective.direction == "min" else "maximize"
            study = optuna().create_study(
                storage=storage,
                study_name=self.project_name,
                direction=direction,
                load_if_exists=True,
                pruner=self.make_pruner(),
            )
        self.study_trials = StudyTrials(study)
        settings = study.user_attrs.get("search")
        own = {"objective": self.objective.name, "direction": self.objective.direction}
        if settings is None:
            seed = int(generator().integers(2**32)) if self.seed is None else self.seed
            settings = {**own, "seed": seed}
            study.set_user_attr("search", settings)
        for name, value in own.items():
            if settings[name] != value:
                raise ValueError(
                    f"objective: the search in {self.project_dir} has the {name} "
                    f"{settings[name]!r}, not {value!r}: give overwrite=True to begin anew, "
                    "or another project_name"
                )
        self._seed = settings["seed"] if self.seed is None else self.seed
        self.grid = GridSampler()
        seeded = SeededSampler(self.make_sampler, self._seed, self.study_trials.place)
        self._default_sampler = self.sampler or (self.grid if self.grid_search else seeded)
        self.select_sampler(exhaustive=False)

    def _delete(self) -> None:
        """Delete the earlier search with this name, and nothing else in its folder."""
        for pattern in ("study.journal*", "trial_*.safetensors", ".trial_*.part", "at-work-*.lock"):
            for path in self.project_path.glob(pattern):
                path.unlink(missing_ok=True)
        if self.storage is not None:
            from .samplers import optuna_quiet

            with optuna_quiet():
                storage = open_storage(self.storage, self.project_path)
                names = [s.study_name for s in optuna().get_all_study_summaries(storage)]
                if self.project_name in names:
                    optuna().delete_study(study_name=self.project_name, storage=storage)

    def select_sampler(self, exhaustive: bool) -> None:
        """Use the search's own sampler, or an exhaustive one when few combinations are left."""
        self.study.sampler = self.grid if exhaustive else self._default_sampler
        if not exhaustive:
            self.grid.exhausted = False

    def __getstate__(self) -> dict[str, Any]:
        dropped = ("study_trials", "grid", "_default_sampler")
        return {name: value for name, value in self.__dict__.items() if name not in dropped}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._open(False)

    # -- searching -------------------------------------------------------------------------

    def search(self, *fit_args: Any, verbose: Any = "auto", **fit_kwargs: Any) -> None:
        """Execute trials until there are `max_trials`.

        Parameters
        ----------
        *fit_args, **fit_kwargs
            Arguments of `Model.fit`: ``search(x, y, epochs=10, validation_data=(x_val, y_val))``.
            Callbacks are copied for every training.
        verbose : {"auto", 0, 1, 2}
            0: silent. 1 and "auto": a line per trial. 2: also a line per epoch.

        Raises
        ------
        ValueError
            If the objective does not exist, or hyperparameters differ from the earlier search.
        RuntimeError
            If too many trials in a row fail.
        KeyboardInterrupt
            On Ctrl-C; finished trials are not lost.
        """
        if verbose not in ("auto", 0, 1, 2):
            raise ValueError(f"verbose: expected 'auto', 0, 1 or 2, got {verbose!r}")
        self._verbose = 2 if verbose == 2 else 0
        report: Callable[[str], object] = _nothing if verbose == 0 else _print
        done = len(self.study_trials.finished())
        if done:
            report(
                f"Going on after {done} trials of {self.project_dir} (overwrite=True begins anew)"
            )
        try:
            if self.n_jobs == 1:
                TrialLoop(self, fit_args, fit_kwargs, report).execute()
            else:
                from .workers import search_in_processes

                total = _core.get_num_threads()
                jobs = total if self.n_jobs == -1 else self.n_jobs
                search_in_processes(self, jobs, max(1, total // jobs), fit_args, fit_kwargs, report)
        except SearchError as error:
            raise ValueError(str(error)) from error

    def run_trial(self, trial: Any, *fit_args: Any, **fit_kwargs: Any) -> Any:
        """Execute one trial; override this where `HyperModel.fit` is not enough.

        Parameters
        ----------
        trial : Trial
            The trial with its `hyperparameters`.

        Returns
        -------
        History, number, dict of numbers with the objective, or list of these
            The score of a list is the mean.
        """
        results = []
        for execution in range(self.executions_per_trial):
            result = self._execute(trial, execution, fit_args, dict(fit_kwargs))
            results.append(result)
            if trial.callback.pruned:
                break
        return results

    def _execute(
        self, trial: RunningTrial, execution: int, args: Any, kwargs: dict[str, Any]
    ) -> Any:
        model = self.build_seeded(trial, execution)
        trial.callback.begin(execution == 0)
        kwargs["callbacks"] = [
            *copy_callbacks(kwargs.get("callbacks"), trial.trial_id, execution),
            trial.callback,
        ]
        kwargs["verbose"] = self._verbose
        result = self.hypermodel.fit(trial.hyperparameters, model, *args, **kwargs)
        score = self.objective.score(result)
        callback = trial.callback
        if callback.best_epoch is None and self.objective.better(score, callback.best):
            callback.best = score  # from a user's own fit that calls no callbacks
            callback.save(model)
        return score

    def build_seeded(self, trial: RunningTrial, execution: int) -> Any:
        """Return the initial model of a trial, with all random generators seeded for it."""
        from .samplers import seed_of

        model, trial.model = trial.model, None
        if model is None or execution:
            reset_session(seed_of(self._seed, trial.place, execution, "model"))
            model = self.hypermodel.build(trial.hyperparameters)
        return model


def _print(line: str) -> None:
    print(line, flush=True)


def _nothing(line: str) -> None:
    pass
