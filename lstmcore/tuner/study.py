"""The trials of a study, shared by processes: the next one, dead ones, those that count.

A trial's Optuna number is not its position in the search: duplicates are discarded, and a trial
whose process died is executed again under a new number. Its *place*, the number of trials drawn
before it, stays the same. The place identifies the trial in everything else: its seed, its name,
its file.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from .storage import WorkerLease, is_dead, optuna

# User attributes of a trial:
#   owner      the process that executes it; beat: the time of that process's last heartbeat
#   deaths     the number of its processes that died; only requeued trials have this and
#   place      their place; that of other trials follows from their numbers
#   discarded  the reason why it does not count
#   result     see `trial_loop`


class StudyTrials:
    """The trials of one study, as one process sees them.

    Parameters
    ----------
    study : optuna.Study
    """

    def __init__(self, study: Any) -> None:
        self.study = study
        self._states = optuna().trial.TrialState
        self._places: dict[int, int] = {}  # of drawn trials, by Optuna's number

    def trials(self) -> list[Any]:
        """Return all trials of the study in their current state; treat them as read-only."""
        found: list[Any] = self.study.get_trials(deepcopy=False)
        return found

    def place(self, trial: Any) -> int:
        """Return the place of a trial; see the module's docstring."""
        attrs = trial.user_attrs
        if "place" in attrs:
            return int(attrs["place"])
        if trial.number not in self._places:
            new = (t.number for t in self.trials() if _is_new(t))
            self._places |= {number: place for place, number in enumerate(sorted(new))}
        return self._places[trial.number]

    def counted(self) -> list[Any]:
        """Return all trials that count, each once."""
        return [t for t in self.trials() if _is_new(t) and "discarded" not in t.user_attrs]

    def any_waiting(self) -> bool:
        """Return True if a requeued trial is waiting."""
        return any(t.state == self._states.WAITING for t in self.trials())

    def any_unclaimed(self) -> bool:
        """Return True if a running trial has no owner yet."""
        running = (t for t in self.trials() if t.state == self._states.RUNNING)
        return any("owner" not in t.user_attrs for t in running)

    def finished(self) -> list[Any]:
        """Return the trials that have ended, in order of their places."""
        return sorted(filter(has_ended, self.trials()), key=self.place)

    def latest(self, count: int) -> list[Any]:
        """Return the trials that ended last, in any process."""
        return sorted(filter(has_ended, self.trials()), key=lambda t: t.datetime_complete)[-count:]

    # -- changing --------------------------------------------------------------------------

    def next_trial(self, lease: WorkerLease, most: int | None) -> Any:
        """Return the next trial to execute, or None if all of them are taken.

        Parameters
        ----------
        lease : WorkerLease
        most : int or None
            The number of trials in the search.
        """
        while True:
            requeued = self.any_waiting()
            if not requeued and most is not None and len(self.counted()) >= most:
                return None
            trial = self.study.ask()
            trial.set_user_attr("owner", lease.describe())
            if "deaths" not in trial.user_attrs:
                before = [t for t in self.counted() if t.number < trial.number]
                if most is not None and len(before) >= most:  # another process was faster
                    self.discard(trial, "one too many")
                    continue
            lease.trial = trial
            return trial

    def discard(self, trial: Any, reason: str) -> None:
        """Mark a trial as one that does not count."""
        trial.set_user_attr("discarded", reason)
        self.study.tell(trial, state=self._states.FAIL)

    def is_duplicate(self, trial: Any) -> bool:
        """Return True if a trial drawn before this one has the same hyperparameters."""
        others = (t for t in self.trials() if t.number < trial.number)
        return any(t.params == trial.params and "discarded" not in t.user_attrs for t in others)

    def requeue(self, trial: Any, deaths: int) -> bool:
        """End a running trial and enqueue it again with its hyperparameters.

        Return False if another process has done so already.

        Parameters
        ----------
        trial : optuna.trial.FrozenTrial or Trial
        deaths : int
            The number of its processes that have died.
        """
        place = self.place(trial)
        try:
            self.study.tell(trial.number, state=self._states.FAIL)
        except (ValueError, optuna().exceptions.UpdateFinishedTrialError):  # another process did it
            return False
        self.study.enqueue_trial(trial.params, user_attrs={"place": place, "deaths": deaths})
        return True

    def requeue_dead(self, max_deaths: int) -> int:
        """Requeue trials whose processes have died, and return the number of deaths.

        A trial with more than `max_deaths` deaths fails: it probably kills its processes itself.
        """
        count = 0
        for trial in self.trials():
            if trial.state != self._states.RUNNING or not is_dead(trial):
                continue
            deaths = trial.user_attrs.get("deaths", 0) + 1
            if deaths <= max_deaths:
                count += self.requeue(trial, deaths)
                continue
            with suppress(Exception):  # another process was faster
                error = f"its process died {deaths} times"
                self._set(trial, "result", {"error": error, "hp": None})
                self.study.tell(trial.number, state=self._states.FAIL)
                count += 1
        return count

    def _set(self, trial: Any, name: str, value: Any) -> None:
        """Set an attribute of a trial of another process."""
        optuna().trial.Trial(self.study, trial._trial_id).set_user_attr(name, value)


def has_ended(trial: Any) -> bool:
    """Return True if a trial has ended and was not interrupted, even while reporting its result."""
    result = trial.user_attrs.get("result")
    if result is None or not trial.state.is_finished():
        return False
    return trial.state.name != "FAIL" or "error" in result


def _is_new(trial: Any) -> bool:
    """Return True if a trial was drawn and is not a requeued one."""
    return "deaths" not in trial.user_attrs
