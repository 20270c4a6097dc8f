"""Results of a search: trials, hyperparameters, models, summaries."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

from ..inspection import inner_layers
from ..names import nearest
from ..random.state import preserve_random_state
from ..registry import custom_objects
from .hyperparameters import HyperParameters
from .objective import Objective
from .study import StudyTrials
from .trial import Trial, name_of


class SearchResults:
    """Results of a `Tuner`, read from its study."""

    directory: str
    project_name: str
    hypermodel: Any
    objective: Objective
    study_trials: StudyTrials
    space: list[Any]

    @property
    def project_path(self) -> Path:
        """The folder of the study and the models."""
        return Path(self.directory) / self.project_name

    @property
    def project_dir(self) -> str:
        """The folder of the study and the models."""
        return str(self.project_path)

    def model_path(self, trial_id: str) -> Path:
        """Return the file of a trial's model."""
        return self.project_path / f"trial_{trial_id}.safetensors"

    @property
    def study(self) -> Any:
        """Optuna's study, for Optuna's own plots and dashboards."""
        return self.study_trials.study

    @property
    def oracle(self) -> Self:
        """The tuner itself, which has the methods of Keras Tuner's oracle."""
        return self

    def get_best_trials(self, num_trials: int = 1) -> list[Trial]:
        """Return the best trials, best first, pruned ones after all others."""
        trials = [Trial._of(t, self.study_trials.place(t)) for t in self.study_trials.finished()]
        scored = [t for t in trials if t.score is not None]
        sign = 1 if self.objective.direction == "min" else -1
        scored.sort(key=lambda t: (t.status != "COMPLETED", sign * (t.score or 0.0)))
        return scored[:num_trials]

    @property
    def trials(self) -> dict[str, Trial]:
        """All trials that have ended, by name, in order."""
        done = ((self.study_trials.place(t), t) for t in self.study_trials.finished())
        return {name_of(place): Trial._of(t, place) for place, t in done}

    def get_trial(self, trial_id: str) -> Trial:
        """Return a trial by its name, such as ``"0003"``."""
        trials = self.trials
        if trial_id not in trials:
            raise KeyError(f"no trial {trial_id!r}: {nearest(trial_id, trials)}")
        return trials[trial_id]

    def get_best_hyperparameters(self, num_trials: int = 1) -> list[HyperParameters]:
        """Return the hyperparameters of the best trials, for ``tuner.hypermodel.build(hp)``."""
        return [trial.hyperparameters for trial in self.get_best_trials(num_trials)]

    def get_best_models(self, num_models: int = 1) -> list[Any]:
        """Return the models of the best trials as they were in their best epochs.

        Raises
        ------
        RuntimeError
            If no trial has ended.
        FileNotFoundError
            If a model's file is missing in the project's folder.
        """
        trials = self.get_best_trials(num_models)
        if not trials:
            raise RuntimeError(f"get_best_models: no trial in {self.project_dir} has a score yet")
        return [self.load_model(trial) for trial in trials]

    def load_model(self, trial: Trial) -> Any:
        """Return the model of a trial."""
        from ..saving import load_model

        path = self.model_path(trial.trial_id)
        if not path.exists():
            raise FileNotFoundError(
                f"the model of trial {trial.trial_id} is not at {path}: machines that share a "
                "search need a common directory for its models"
            )
        try:
            return load_model(path)
        except ValueError:
            if self.hypermodel is None:
                raise
        # The model has classes of the user's own, which only the hypermodel knows.
        with preserve_random_state():
            model = self.hypermodel.build(trial.hyperparameters.copy())
        classes = {type(layer).__name__: type(layer) for _, layer in inner_layers(model)}
        with custom_objects(classes):
            model.load_weights(path)
        return model

    def reload(self) -> None:
        """Do nothing, for compatibility with Keras Tuner: results are always read anew."""

    def results_summary(self, num_trials: int = 10) -> None:
        """Print the best trials."""
        print("Results summary")
        print(f"Results in {self.project_dir}")
        print(f"Showing {num_trials} best trials")
        print(f"Objective(name={self.objective.name!r}, direction={self.objective.direction!r})")
        for trial in self.get_best_trials(num_trials):
            print()
            trial.summary()

    def search_space_summary(self, extended: bool = False) -> None:
        """Print the hyperparameters that are searched.

        Parameters
        ----------
        extended : bool, default False
            Accepted for compatibility with Keras Tuner; everything is always printed.
        """
        print("Search space summary")
        print(f"Default search space size: {len(self.space)}")
        for entry in self.space:
            print(entry)
