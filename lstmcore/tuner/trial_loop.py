"""The loop of one process of a search: take a trial, execute it, record its result."""

from __future__ import annotations

import gc
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from .. import _core
from ..random.generator import set_random_seed
from ..random.state import preserve_random_state
from ..registry import clear_session
from .execution import TrialCallback
from .hyperparameters import HyperParameters
from .objective import SearchError
from .parameter_types import HyperParameter, Numeric
from .storage import WorkerLease, interrupts_deferred, optuna
from .trial import Trial, name_of, short

if TYPE_CHECKING:
    from .tuner import Tuner

MAX_DUPLICATES = 5  # in a row, after which the remaining combinations are enumerated

Report = Callable[[str], object]


class _Duplicate(Exception):
    """The hyperparameters of a trial were tried before, or no combination is left."""


class RunningTrial(Trial):
    """Trial in execution.

    Attributes
    ----------
    callback : TrialCallback
        The callback of all its trainings.
    place : int
    """

    def __init__(self, tuner: Tuner, trial: Any) -> None:
        self.place = tuner.study_trials.place(trial)
        super().__init__(name_of(self.place), HyperParameters(), "RUNNING")
        self.optuna_trial = trial
        self.callback = TrialCallback(
            tuner.objective, tuner.model_path(self.trial_id), trial, tuner.pruner is not None
        )
        self.model: Any = None  # built, but not trained


class TrialLoop:
    """Loop over trials in one process of a search.

    Parameters
    ----------
    tuner : Tuner
    args, kwargs
        Arguments of `search`.
    report : callable
        Called with each line of progress.
    """

    def __init__(self, tuner: Tuner, args: Any, kwargs: dict[str, Any], report: Report) -> None:
        self.tuner, self.args, self.kwargs, self.report = tuner, args, kwargs, report
        self.study_trials = tuner.study_trials
        self._states = optuna().trial.TrialState
        self._duplicates = self._executed = 0

    def execute(self) -> None:
        """Execute trials until all are taken, or no combination is left."""
        tuner = self.tuner
        with preserve_random_state(), worker_lease(tuner) as lease:
            self.study_trials.requeue_dead(tuner.max_deaths)
            more = True
            while more:
                try:
                    with interrupts_deferred():
                        optuna_trial = self.study_trials.next_trial(lease, tuner.max_trials)
                    start = time.perf_counter()
                    if optuna_trial is None:
                        more = self._wait_for_requeued()
                    else:
                        more = self._execute(optuna_trial)
                except (KeyboardInterrupt, SystemExit):
                    self._requeue_interrupted(lease)
                    raise
                lease.trial = None
                self._collect(time.perf_counter() - start)

    def _requeue_interrupted(self, lease: WorkerLease) -> None:
        """Requeue the interrupted trial, for a search that continues this one."""
        if lease.trial is not None:
            # if this fails, the trial counts as one whose process died
            with interrupts_deferred(), suppress(Exception):
                self.study_trials.requeue(lease.trial, lease.trial.user_attrs.get("deaths", 0))

    def _wait_for_requeued(self) -> bool:
        """Wait for trials without owners; return True if a trial of a dead process was requeued."""
        while True:
            self.study_trials.requeue_dead(self.tuner.max_deaths)
            if self.study_trials.any_waiting() or not self.study_trials.any_unclaimed():
                return self.study_trials.any_waiting()
            time.sleep(0.2)

    def _collect(self, seconds: float) -> None:
        """Free the model, which is in reference cycles with its callbacks.

        A full collection takes a while in large programs, so after short trials only the younger
        generations are collected, with a full collection every 16 trials.
        """
        self._executed += 1
        gc.collect(2 if seconds > 2 or self._executed % 16 == 0 else 1)

    def _execute(self, optuna_trial: Any) -> bool:
        """Execute one trial; return False if no combination is left."""
        trial = RunningTrial(self.tuner, optuna_trial)
        try:
            self._draw_and_build(trial)
            self._train(trial)
        except _Duplicate:
            return self._discard_duplicate(optuna_trial)
        except SearchError as error:
            with interrupts_deferred():
                self.study_trials.discard(optuna_trial, str(error))
            raise
        self._duplicates = 0
        self.tuner.select_sampler(exhaustive=False)
        return True

    def _discard_duplicate(self, optuna_trial: Any) -> bool:
        """Discard a duplicate; return False if no combination is left."""
        with interrupts_deferred():
            self.study_trials.discard(optuna_trial, "tried before")
        self._duplicates += 1
        exhausted = self.tuner.grid.exhausted
        if self._duplicates > MAX_DUPLICATES:  # few combinations are left for random draws to find
            self.tuner.select_sampler(exhaustive=True)
        if exhausted or self._duplicates > 4 * MAX_DUPLICATES:
            self.report("All combinations of the hyperparameters have been tried")
            return False
        return True

    def _draw_and_build(self, trial: RunningTrial) -> None:
        """Draw the hyperparameters, building the model if that is what asks for them."""
        tuner, requeued = self.tuner, "deaths" in trial.optuna_trial.user_attrs
        hp = trial.hyperparameters
        hp._bind(
            self._draw_function(trial, requeued),
            tuner.overrides,
            tuner.tune_new_entries,
            tuner.allow_new_entries,
        )
        if not tuner.builds:
            return
        try:
            trial.model = tuner.build_seeded(trial, 0)
        except (_Duplicate, SearchError):
            raise
        except Exception:
            return  # it will be raised again when the trial is trained
        may_repeat = requeued or not tuner.all_in_build
        if not may_repeat and self.study_trials.is_duplicate(trial.optuna_trial):
            raise _Duplicate

    def _draw_function(
        self, trial: RunningTrial, requeued: bool
    ) -> Callable[[HyperParameter], Any]:
        tuner, optuna_trial = self.tuner, trial.optuna_trial

        def draw(entry: HyperParameter) -> Any:
            if not tuner.hypermodel_tunable:
                return entry.default
            with interrupts_deferred():
                raw = self._suggest(optuna_trial, entry, tuner.is_grid)
            if tuner.grid.exhausted and not requeued:
                raise _Duplicate
            return entry.decode(raw)

        return draw

    def _suggest(self, optuna_trial: Any, entry: HyperParameter, grid: bool) -> Any:
        choices = entry.choices(grid)
        try:
            if choices is not None:
                return optuna_trial.suggest_categorical(entry.key, choices)
            assert isinstance(entry, Numeric)
            steps, log = entry.steps(), entry.sampling != "linear"
            high = entry.max_value if steps is None else steps[-1]
            step = None if steps is None else (entry.step or 1)
            if entry.number is int:
                step = step or 1
                return optuna_trial.suggest_int(
                    entry.key, entry.min_value, high, step=step, log=log
                )
            return optuna_trial.suggest_float(entry.key, entry.min_value, high, step=step, log=log)
        except ValueError as error:
            raise SearchError(
                f"hyperparameter {entry.name!r} had other values in {self.tuner.project_dir}: "
                "give overwrite=True to begin anew, or another project_name"
            ) from error

    def _train(self, trial: RunningTrial) -> None:
        """Train a trial, retrying failures if allowed, and record the result."""
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
            except (_Duplicate, SearchError):
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
        self._record(trial, state, score, result)
        self._check_failures(error, result)

    def _record(
        self, trial: RunningTrial, state: Any, score: float, result: dict[str, Any]
    ) -> None:
        trial.score, trial.message = result.get("score"), result.get("error")
        trial.status, trial.seconds = state.name, result["seconds"]
        try:
            complete = state == self._states.COMPLETE
            with interrupts_deferred():
                trial.optuna_trial.set_user_attr("result", result)
                self.study_trials.study.tell(
                    trial.optuna_trial, score if complete else None, state=state
                )
        except (ValueError, optuna().exceptions.UpdateFinishedTrialError):
            self.report(f"Trial {trial.trial_id}: another process has taken it over")
            return
        self.report(self._line(trial))

    def _check_failures(self, error: Exception | None, result: dict[str, Any]) -> None:
        """Raise RuntimeError after too many failed trials in a row."""
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
        done, most = len(self.study_trials.finished()), tuner.max_trials
        if trial.score is None:
            outcome = f"failed, {trial.message}" if trial.status == "FAIL" else trial.message
        else:
            best = tuner.get_best_trials(1)
            outcome = f"{name} {trial.score:.5g}" + ", pruned" * (trial.status == "PRUNED")
            if best and best[0].score is not None:
                outcome += f", best {best[0].score:.5g} of trial {best[0].trial_id}"
        of = f" of {most}" if most is not None else ""
        values = short(trial.hyperparameters)
        return f"Trial {trial.trial_id} ({done}{of}): {outcome} - {trial.seconds:.2f}s - {values}"


@contextmanager
def worker_lease(tuner: Tuner) -> Iterator[WorkerLease]:
    """Hold a lease on a search."""
    lease = WorkerLease(tuner.project_path)
    try:
        yield lease
    finally:
        lease.close()


def _diverged(error: Exception | None) -> bool:
    """Return True if a trial failed because of NaN or infinity, not because of an error."""
    return error is None or isinstance(error, FloatingPointError)


def _plain(logs: dict[str, Any]) -> dict[str, float]:
    return {name: float(v) for name, v in logs.items() if isinstance(v, int | float)}


def reset_session(seed: int) -> None:
    """Reset random generators and counters of names before a training."""
    clear_session()
    set_random_seed(seed)
