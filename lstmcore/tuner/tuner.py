"""What all searches are: trials of a study, run one by one or in several processes."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from typing import Any

from .. import _core
from ..names import nearest
from ..random.generator import generator
from ..validation import whole
from .execution import copy_callbacks, preserve_random_state
from .hypermodel import HyperModel, make_hypermodel
from .hyperparameters import HyperParameters, explore
from .objective import DEFAULT, Objective, SearchError, make_objective
from .results import SearchResults
from .storage import open_storage, optuna
from .study import StudyTrials
from .trial_loop import RunningTrial, TrialLoop, begin


class Tuner(SearchResults):
    """What all searches have in common; use one of its subclasses.

    Parameters
    ----------
    hypermodel : callable, HyperModel or None
        A function ``build_model(hp)`` that returns a compiled model. None for a subclass that
        overrides `run_trial`.
    objective : str, Objective or None
        ``"val_loss"``, ``"val_accuracy"``: a name that says which direction is better; or an
        `Objective`. None: the number that a `HyperModel.fit` or `run_trial` of your own returns,
        the less the better.
    max_trials : int or None, default 10
        How many combinations to try in all, those of earlier runs of the search included.
    seed : int, optional
        Repeats a search: hyperparameters, initial weights, order of samples, dropout. Without it
        the library's random stream gives one (`set_random_seed`).
    hyperparameters : HyperParameters, optional
        What is said here comes before what `hypermodel` says of the same names.
    tune_new_entries : bool, default True
        False: what is not among `hyperparameters` keeps its default.
    allow_new_entries : bool, default True
        False: what is not among `hyperparameters` is an error.
    max_retries_per_trial : int, default 0
        How often a trial that fails is run again; one more time if its process died.
    max_consecutive_failed_trials : int, default 3
        End the search with an error after so many failed trials in a row.
    executions_per_trial : int, default 1
        Train so many models for every trial, from other initial weights; the score is the mean.
    directory : path-like, default "."
    project_name : str, default "untitled_project"
        The folder in `directory` for the study and the models, and the study's name. A search of
        the same name goes on where the last one ended, also after it was killed.
    overwrite : bool, default False
        Delete an earlier search of this name first.
    n_jobs : int, default 1
        Processes that run trials side by side; each has its share of the threads
        (`set_num_threads`). -1: as many as threads. What is searched has to be importable by other
        processes: functions at the top of a module, and in a script ``if __name__ == "__main__":``
        around the rest.
    storage : str, path-like or Optuna storage, optional
        Where the study is kept, for several machines: ``"sqlite:///study.db"``,
        ``"postgresql://..."``, or the path of a journal file on a common disk. The default is a
        journal in the project's folder. The models are in the folder in any case.
    pruner : {"median", "hyperband"} or Optuna pruner, optional
        Ends the training of trials that are worse than others at the same epoch.
    sampler : Optuna sampler, optional
        Draws the hyperparameters in the place of the class's own.

    Notes
    -----
    Ctrl-C loses nothing but the trials that are running, and those are done again, first, when the
    search goes on. A trial whose process was killed is done again once; if that is killed too it
    counts as failed. Give `search` the callback `BackupAndRestore`, and a trial goes on within its
    training.
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
        self._refuse(unknown)
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
        self.rules, self.tune_new_entries = hyperparameters, bool(tune_new_entries)
        self.allow_new_entries = bool(allow_new_entries)
        self.directory = os.fspath(directory) if directory is not None else "."
        self.project_name = project_name or "untitled_project"
        self.storage, self.pruner, self.sampler = storage, pruner, sampler
        self.hypermodel: Any = None if hypermodel is None else make_hypermodel(hypermodel)
        self._verbose = 0
        self._explore(objective)
        self._open(bool(overwrite))

    # -- what a search is made of ----------------------------------------------------------

    def _refuse(self, unknown: dict[str, Any]) -> None:
        """Say what is wrong with arguments that there are not, and with where this is called."""
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
        """Whether a trial builds the hypermodel, and does nothing else before."""
        return self.hypermodel is not None and type(self).run_trial is Tuner.run_trial

    @property
    def all_in_build(self) -> bool:
        """Whether a built model has asked for all its hyperparameters."""
        return self.builds and type(self.hypermodel).fit is HyperModel.fit

    @property
    def hypermodel_tunable(self) -> bool:
        """Whether the hypermodel's hyperparameters are searched."""
        return bool(getattr(self.hypermodel, "tunable", True))

    @property
    def is_grid(self) -> bool:
        """Whether ranges without steps are cut into steps."""
        return self.grid_search and self.sampler is None

    @property
    def most_deaths(self) -> int:
        """How often a trial is done again whose process died."""
        return 1 + self.max_retries_per_trial

    def _explore(self, objective: Any) -> None:
        """Build with the defaults: what goes wrong there is said before the search begins."""
        self.space: list[Any] = list(self.rules.space) if self.rules is not None else []
        models: list[Any] = []
        if self.hypermodel is not None:
            with preserve_random_state():

                def build(hp: HyperParameters) -> None:
                    models.append(self.hypermodel.build(hp))
                    del models[1:]

                self.space = explore(build, self.rules, self.allow_new_entries)
            if not hasattr(models[0], "fit"):
                raise TypeError(f"hypermodel: expected it to return a model, got {models[0]!r:.80}")
        self.objective: Objective = make_objective(objective, models[0] if models else None)
        if self.objective.name == DEFAULT and self.all_in_build:
            raise ValueError("objective: name one, say objective='val_loss'")

    # -- the study -------------------------------------------------------------------------

    def make_sampler(self, seed: int) -> Any:
        """Return a new Optuna sampler of the class's kind; each trial has its own."""
        raise NotImplementedError(f"{type(self).__name__} is no search: use RandomSearch, say")

    def make_pruner(self) -> Any:
        """Return the Optuna pruner."""
        from .samplers import pruner_of

        return pruner_of(self.pruner)

    def _open(self, overwrite: bool) -> None:
        from .samplers import Grid, Seeded, quiet

        self.project_path.mkdir(parents=True, exist_ok=True)
        if overwrite:
            self._delete()
        with quiet():
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
        told = study.user_attrs.get("search")
        mine = {"objective": self.objective.name, "direction": self.objective.direction}
        if told is None:
            seed = int(generator().integers(2**32)) if self.seed is None else self.seed
            told = {**mine, "seed": seed}
            study.set_user_attr("search", told)
        for name, value in mine.items():
            if told[name] != value:
                raise ValueError(
                    f"objective: the search in {self.project_dir} has the {name} {told[name]!r}, "
                    f"not {value!r}: give overwrite=True to begin anew, or another project_name"
                )
        self._seed = told["seed"] if self.seed is None else self.seed
        self.grid = Grid()
        seeded = Seeded(self.make_sampler, self._seed, self.study_trials.place)
        self._usual = self.sampler or (self.grid if self.grid_search else seeded)
        self.sampler_for(ordered=False)

    def _delete(self) -> None:
        """Delete the earlier search of this name; whatever else is in the folder is not ours."""
        for pattern in ("study.journal*", "trial_*.safetensors", ".trial_*.part", "at-work-*.lock"):
            for path in self.project_path.glob(pattern):
                path.unlink(missing_ok=True)
        if self.storage is not None:
            from .samplers import quiet

            with quiet():
                storage = open_storage(self.storage, self.project_path)
                names = [s.study_name for s in optuna().get_all_study_summaries(storage)]
                if self.project_name in names:
                    optuna().delete_study(study_name=self.project_name, storage=storage)

    def sampler_for(self, ordered: bool) -> None:
        """Draw the next trials as the class does, or in order, where hardly any is left."""
        self.study.sampler = self.grid if ordered else self._usual
        if not ordered:
            self.grid.exhausted = False

    def __getstate__(self) -> dict[str, Any]:
        gone = ("study_trials", "grid", "_usual")
        return {name: value for name, value in self.__dict__.items() if name not in gone}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._open(False)

    # -- searching -------------------------------------------------------------------------

    def search(self, *fit_args: Any, verbose: Any = "auto", **fit_kwargs: Any) -> None:
        """Try combinations until there are `max_trials`.

        Parameters
        ----------
        *fit_args, **fit_kwargs
            What `Model.fit` takes: ``search(x, y, epochs=10, validation_data=(x_val, y_val))``.
            Callbacks are copied for every training.
        verbose : {"auto", 0, 1, 2}
            0: silent. 1 and "auto": a line for every trial. 2: a line for every epoch too.

        Raises
        ------
        ValueError
            If there is no such objective, or hyperparameters are not those of the earlier search.
        RuntimeError
            If one trial after the other fails.
        KeyboardInterrupt
            On Ctrl-C; what is done is kept.
        """
        if verbose not in ("auto", 0, 1, 2):
            raise ValueError(f"verbose: expected 'auto', 0, 1 or 2, got {verbose!r}")
        self._verbose = 2 if verbose == 2 else 0
        say: Callable[[str], object] = _nothing if verbose == 0 else _print
        done = len(self.study_trials.done())
        if done:
            say(f"Going on after {done} trials of {self.project_dir} (overwrite=True begins anew)")
        try:
            if self.n_jobs == 1:
                TrialLoop(self, fit_args, fit_kwargs, say).run()
            else:
                from .workers import search_in_processes

                total = _core.get_num_threads()
                jobs = total if self.n_jobs == -1 else self.n_jobs
                search_in_processes(self, jobs, max(1, total // jobs), fit_args, fit_kwargs, say)
        except SearchError as error:
            raise ValueError(str(error)) from error

    def run_trial(self, trial: Any, *fit_args: Any, **fit_kwargs: Any) -> Any:
        """Run one trial; to be overridden where `HyperModel.fit` is not enough.

        Parameters
        ----------
        trial : Trial
            With `hyperparameters`.

        Returns
        -------
        History, number, dict of numbers with the objective, or list of these
            For several the score is the mean.
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
            callback.best = score  # of a fit of the user's own, which calls no callbacks
            callback.save(model)
        return score

    def build_seeded(self, trial: RunningTrial, execution: int) -> Any:
        """Return the model of a trial, from which training goes on in the same way every time."""
        from .samplers import seed_of

        model, trial.model = trial.model, None
        if model is None or execution:
            begin(seed_of(self._seed, trial.place, execution, "model"))
            model = self.hypermodel.build(trial.hyperparameters)
        return model


def _print(line: str) -> None:
    print(line, flush=True)


def _nothing(line: str) -> None:
    pass
