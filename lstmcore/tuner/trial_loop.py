"""The loop of one process of a search: take a trial, run it, note what came of it."""

from __future__ import annotations

import gc
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from .. import _core
from ..registry import clear_session
from .execution import TrialCallback, preserve_random_state, seeded
from .hyperparameters import HyperParameters
from .objective import SearchError
from .parameter_types import HyperParameter, Numeric
from .storage import Presence, optuna, undisturbed
from .trial import Trial, name_of, short

if TYPE_CHECKING:
    from .tuner import Tuner

RETRIES = 5  # draws of what was tried before, until the rest is looked for in order

Say = Callable[[str], object]


class _Tried(Exception):
    """The hyperparameters of a trial have been tried, or there are none left."""


class RunningTrial(Trial):
    """A trial that is being run.

    Attributes
    ----------
    callback : TrialCallback
        The callback that every training of it gets.
    place : int
    """

    def __init__(self, tuner: Tuner, trial: Any) -> None:
        self.place = tuner.study_trials.place(trial)
        super().__init__(name_of(self.place), HyperParameters(), "RUNNING")
        self.study_trial = trial
        self.callback = TrialCallback(
            tuner.objective, tuner.model_path(self.trial_id), trial, tuner.pruner is not None
        )
        self.model: Any = None  # built, but not trained


class TrialLoop:
    """One process's part in a search.

    Parameters
    ----------
    tuner : Tuner
    args, kwargs
        Those of `search`.
    say : callable
        Called with every line of progress.
    """

    def __init__(self, tuner: Tuner, args: Any, kwargs: dict[str, Any], say: Say) -> None:
        self.tuner, self.args, self.kwargs, self.say = tuner, args, kwargs, say
        self.study_trials = tuner.study_trials
        self._states = optuna().trial.TrialState
        self._repeated = self._ran = 0

    def run(self) -> None:
        """Run trials until all are taken, or none is left to try."""
        tuner = self.tuner
        with preserve_random_state(), presence(tuner) as here:
            self.study_trials.put_back_the_dead(tuner.most_deaths)
            more = True
            while more:
                try:
                    with undisturbed():
                        taken = self.study_trials.take(here, tuner.max_trials)
                    start = time.perf_counter()
                    more = self._died() if taken is None else self._one(taken)
                except (KeyboardInterrupt, SystemExit):
                    self._give_back(here)
                    raise
                here.trial = None
                self._collect(time.perf_counter() - start)

    def _give_back(self, here: Presence) -> None:
        """What was half done is done again by the search that goes on from here."""
        if here.trial is not None:
            with undisturbed(), suppress(Exception):  # or else it counts as one that died
                self.study_trials.put_back(here.trial, here.trial.user_attrs.get("deaths", 0))

    def _died(self) -> bool:
        """Whether there is something to do again after all, because other processes died."""
        while True:
            self.study_trials.put_back_the_dead(self.tuner.most_deaths)
            if self.study_trials.waiting() or not self.study_trials.unclaimed():
                return self.study_trials.waiting()
            time.sleep(0.2)

    def _collect(self, seconds: float) -> None:
        """Free the model: its callbacks know it, and it knows them, so that counting does not.

        Going through everything that a large program has takes a while: after short trials only
        what is new is gone through, and the rest every now and then.
        """
        self._ran += 1
        gc.collect(2 if seconds > 2 or self._ran % 16 == 0 else 1)

    def _one(self, taken: Any) -> bool:
        """Run one trial; False if there is nothing left to try."""
        trial = RunningTrial(self.tuner, taken)
        try:
            self._prepare(trial)
            self._try(trial)
        except _Tried:
            return self._drop(taken)
        except SearchError as error:
            with undisturbed():
                self.study_trials.discard(taken, str(error))
            raise
        self._repeated = 0
        self.tuner.sampler_for(ordered=False)
        return True

    def _drop(self, taken: Any) -> bool:
        """Let a trial not count whose hyperparameters were tried; False if all have been."""
        with undisturbed():
            self.study_trials.discard(taken, "tried before")
        self._repeated += 1
        exhausted = self.tuner.grid.exhausted
        if self._repeated > RETRIES:  # few are left, and chance would take long to find them
            self.tuner.sampler_for(ordered=True)
        if exhausted or self._repeated > 4 * RETRIES:
            self.say("All combinations of the hyperparameters have been tried")
            return False
        return True

    def _prepare(self, trial: RunningTrial) -> None:
        """Draw hyperparameters, and build the model if that says what they are."""
        tuner, again = self.tuner, "deaths" in trial.study_trial.user_attrs
        hp = trial.hyperparameters
        hp._searched(
            self._draw(trial, again), tuner.rules, tuner.tune_new_entries, tuner.allow_new_entries
        )
        if not tuner.builds:
            return
        try:
            trial.model = tuner.build_seeded(trial, 0)
        except (_Tried, SearchError):
            raise
        except Exception:
            return  # it will be the same when the trial is run
        if not again and tuner.all_in_build and self.study_trials.is_repeated(trial.study_trial):
            raise _Tried

    def _draw(self, trial: RunningTrial, again: bool) -> Callable[[HyperParameter], Any]:
        tuner, taken = self.tuner, trial.study_trial

        def draw(entry: HyperParameter) -> Any:
            if not tuner.hypermodel_tunable:
                return entry.default
            with undisturbed():
                raw = self._suggest(taken, entry, tuner.is_grid)
            if tuner.grid.exhausted and not again:
                raise _Tried
            return entry.decode(raw)

        return draw

    def _suggest(self, taken: Any, entry: HyperParameter, grid: bool) -> Any:
        choices = entry.choices(grid)
        try:
            if choices is not None:
                return taken.suggest_categorical(entry.key, choices)
            assert isinstance(entry, Numeric)
            ladder, log = entry.ladder(), entry.sampling != "linear"
            high = entry.max_value if ladder is None else ladder[-1]
            step = None if ladder is None else (entry.step or 1)
            if entry.number is int:
                return taken.suggest_int(entry.key, entry.min_value, high, step=step or 1, log=log)
            return taken.suggest_float(entry.key, entry.min_value, high, step=step, log=log)
        except ValueError as error:
            raise SearchError(
                f"hyperparameter {entry.name!r} had other values in {self.tuner.project_dir}: "
                "give overwrite=True to begin anew, or another project_name"
            ) from error

    def _try(self, trial: RunningTrial) -> None:
        """Run a trial, once more if it fails and may, and note what came of it."""
        tuner, start = self.tuner, time.perf_counter()
        result: dict[str, Any] = {"threads": _core.get_num_threads()}
        error: Exception | None = None
        state, score = self._states.COMPLETE, math.nan
        for _ in range(tuner.max_retries_per_trial + 1):
            error = None
            try:
                score = tuner.objective.score(
                    tuner.run_trial(trial, *self.args, **dict(self.kwargs))
                )
                break
            except FloatingPointError as diverged:
                error = diverged
                break
            except (_Tried, SearchError):
                raise
            except Exception as failed:
                error = failed
        trial.model = None
        callback = trial.callback
        if error is not None:
            lines = str(error).splitlines() or [""]
            result["error"] = f"{type(error).__name__}: {lines[0]}"
            state = self._states.FAIL
        elif math.isnan(score):
            result["error"] = f"{tuner.objective.name} is NaN"
        if "error" not in result:
            result |= {
                "score": score,
                "epoch": callback.best_epoch,
                "logs": _plain(callback.best_logs),
            }
        if callback.pruned or ("error" in result and _diverged(error)):
            state = self._states.PRUNED
        result |= {
            "hp": trial.hyperparameters.get_config(),
            "seconds": round(time.perf_counter() - start, 3),
        }
        self._note(trial, state, score, result)
        self._count(error, result)

    def _note(self, trial: RunningTrial, state: Any, score: float, result: dict[str, Any]) -> None:
        trial.score, trial.message = result.get("score"), result.get("error")
        trial.status, trial.seconds = state.name, result["seconds"]
        try:
            complete = state == self._states.COMPLETE
            with undisturbed():
                trial.study_trial.set_user_attr("result", result)
                self.study_trials.study.tell(
                    trial.study_trial, score if complete else None, state=state
                )
        except (ValueError, optuna().exceptions.UpdateFinishedTrialError):
            self.say(f"Trial {trial.trial_id}: another process has taken it over")
            return
        self.say(self._line(trial))

    def _count(self, error: Exception | None, result: dict[str, Any]) -> None:
        """Give up where one trial after the other fails."""
        if error is None or _diverged(error):
            return
        most = self.tuner.max_consecutive_failed_trials
        latest = self.study_trials.latest(most)
        if len(latest) == most and all(t.state == self._states.FAIL for t in latest):
            raise RuntimeError(
                f"search: {most} trials in a row have failed, the last with {result['error']}"
            ) from error

    def _line(self, trial: RunningTrial) -> str:
        tuner, name = self.tuner, self.tuner.objective.name
        done, most = len(self.study_trials.done()), tuner.max_trials
        if trial.score is None:
            outcome = f"failed, {trial.message}" if trial.status == "FAIL" else trial.message
        else:
            best = tuner.get_best_trials(1)
            outcome = f"{name} {trial.score:.5g}" + ", pruned" * (trial.status == "PRUNED")
            if best and best[0].score is not None:
                outcome += f", best {best[0].score:.5g} of trial {best[0].trial_id}"
        of = f" of {most}" if most is not None else ""
        told = short(trial.hyperparameters)
        return f"Trial {trial.trial_id} ({done}{of}): {outcome} - {trial.seconds:.2f}s - {told}"


@contextmanager
def presence(tuner: Tuner) -> Iterator[Presence]:
    """Be at work on a search."""
    here = Presence(tuner.project_path)
    try:
        yield here
    finally:
        here.close()


def _diverged(error: Exception | None) -> bool:
    """Whether a trial came to nothing by its numbers, and not by a mistake."""
    return error is None or isinstance(error, FloatingPointError)


def _plain(logs: dict[str, Any]) -> dict[str, float]:
    return {name: float(v) for name, v in logs.items() if isinstance(v, int | float)}


def begin(seed: int) -> None:
    """Begin everything that a training draws and counts."""
    clear_session()
    seeded(seed)
