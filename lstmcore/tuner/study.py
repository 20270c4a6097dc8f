"""The trials of a study: who takes the next one, which died, which count.

A trial that Optuna numbers 7 need not be the seventh of the search: some are thrown away, because
their hyperparameters had been tried, and one that died with its process is done again under a new
number. Its *place* stays the same: the number of trials drawn before it. The place is the trial's
identity for everything else: its seed, its name, its file.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from .storage import Presence, is_dead, optuna

# What a trial's attributes say of it:
#   owner      the process that works on it; beat: when it last said so
#   deaths     how often its process died; a trial that has this is one that is done again,
#   place      and has this too; that of others follows from their numbers
#   discarded  why it does not count
#   result     what came out; see `execution`


class StudyTrials:
    """The trials of one study, as one process sees them.

    Parameters
    ----------
    study : optuna.Study
    """

    def __init__(self, study: Any) -> None:
        self.study = study
        self._states = optuna().trial.TrialState
        self._places: dict[int, int] = {}  # of those that were drawn, by Optuna's number

    def trials(self) -> list[Any]:
        """All trials of the study, as they are now; not to be changed."""
        found: list[Any] = self.study.get_trials(deepcopy=False)
        return found

    def place(self, trial: Any) -> int:
        """The place of a trial; see the module."""
        attrs = trial.user_attrs
        if "place" in attrs:
            return int(attrs["place"])
        if trial.number not in self._places:
            new = (t.number for t in self.trials() if _is_new(t))
            self._places |= {number: place for place, number in enumerate(sorted(new))}
        return self._places[trial.number]

    def drawn(self) -> list[Any]:
        """All trials that count, each once."""
        return [t for t in self.trials() if _is_new(t) and "discarded" not in t.user_attrs]

    def waiting(self) -> bool:
        """Whether a trial waits to be done again."""
        return any(t.state == self._states.WAITING for t in self.trials())

    def unclaimed(self) -> bool:
        """Whether a trial is running of which no process has said yet that it is its own."""
        running = (t for t in self.trials() if t.state == self._states.RUNNING)
        return any("owner" not in t.user_attrs for t in running)

    def done(self) -> list[Any]:
        """The trials that have come to their ends, in order of their places."""
        return sorted(filter(has_ended, self.trials()), key=self.place)

    def latest(self, count: int) -> list[Any]:
        """The trials that have come to their ends last, in whatever process."""
        return sorted(filter(has_ended, self.trials()), key=lambda t: t.datetime_complete)[-count:]

    # -- changing --------------------------------------------------------------------------

    def take(self, presence: Presence, most: int | None) -> Any:
        """Return the next trial to work on, or None when all of them are taken.

        Parameters
        ----------
        presence : Presence
        most : int or None
            How many trials there shall be.
        """
        while True:
            again = self.waiting()
            if not again and most is not None and len(self.drawn()) >= most:
                return None
            trial = self.study.ask()
            trial.set_user_attr("owner", presence.describe())
            if "deaths" not in trial.user_attrs:
                before = [t for t in self.drawn() if t.number < trial.number]
                if most is not None and len(before) >= most:  # another process was faster
                    self.discard(trial, "one too many")
                    continue
            presence.trial = trial
            return trial

    def discard(self, trial: Any, why: str) -> None:
        """Let a trial not count."""
        trial.set_user_attr("discarded", why)
        self.study.tell(trial, state=self._states.FAIL)

    def is_repeated(self, trial: Any) -> bool:
        """Whether another trial, drawn before this one, has the same hyperparameters."""
        others = (t for t in self.trials() if t.number < trial.number)
        return any(t.params == trial.params and "discarded" not in t.user_attrs for t in others)

    def put_back(self, trial: Any, deaths: int) -> bool:
        """End a trial that is running, and put it into the queue again with what it has.

        Only one process succeeds in this.

        Parameters
        ----------
        trial : optuna.trial.FrozenTrial or Trial
        deaths : int
            How often its process has died.
        """
        place = self.place(trial)
        try:
            self.study.tell(trial.number, state=self._states.FAIL)
        except (ValueError, optuna().exceptions.UpdateFinishedTrialError):  # someone else did it
            return False
        self.study.enqueue_trial(trial.params, user_attrs={"place": place, "deaths": deaths})
        return True

    def put_back_the_dead(self, most_deaths: int) -> int:
        """Put trials back whose processes have died, and return how many died.

        One that has died too often counts as failed: it may be what kills its processes.
        """
        count = 0
        for trial in self.trials():
            if trial.state != self._states.RUNNING or not is_dead(trial):
                continue
            deaths = trial.user_attrs.get("deaths", 0) + 1
            if deaths <= most_deaths:
                count += self.put_back(trial, deaths)
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
    """Whether a trial has come to its end, and was not interrupted, be it while it said so."""
    result = trial.user_attrs.get("result")
    if result is None or not trial.state.is_finished():
        return False
    return trial.state.name != "FAIL" or "error" in result


def _is_new(trial: Any) -> bool:
    """Whether a trial was drawn, and is not another one done again."""
    return "deaths" not in trial.user_attrs
