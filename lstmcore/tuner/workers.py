"""A search in several processes on one machine, each with its share of the threads."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING, Any

from .. import _core
from .objective import SearchError
from .trial_loop import TrialLoop

if TYPE_CHECKING:
    from .tuner import Tuner

ENOUGH = 10.0  # seconds for a process to put its trial back
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def _work(job: bytes, threads: int, pipe: Connection) -> None:
    """What a process does; it tells its parent of every step."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to all; the parent decides

    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    try:
        _core.set_num_threads(threads)
        tuner, args, kwargs = _unpacked(job)
        signal.signal(signal.SIGTERM, stop)  # before, there is nothing to put back
        pipe.send(("ready", None))
        TrialLoop(tuner, args, kwargs, lambda line: pipe.send(("line", line))).run()
        pipe.send(("done", None))
    except (KeyboardInterrupt, BrokenPipeError):  # without a parent there is no one to work for
        pass
    except BaseException as error:
        with suppress(Exception):
            kind = "search" if isinstance(error, SearchError) else type(error).__name__
            pipe.send(("error", (kind, str(error))))


def _unpacked(job: bytes) -> Any:
    try:
        return pickle.loads(job)
    except (AttributeError, ImportError) as error:
        raise SearchError(
            f"n_jobs: other processes cannot import what is searched ({error}): put functions and "
            "classes at the top of a module or of a script, not in an interpreter or a notebook"
        ) from error


class _Crew:
    """The processes, and what they say."""

    def __init__(self, job: bytes, threads: int, say: Callable[[str], object]) -> None:
        self._job, self._threads, self._say = job, threads, say
        self._context = multiprocessing.get_context("spawn")
        self.members: dict[Connection, Any] = {}
        self.ready: set[Connection] = set()

    def hire(self) -> None:
        """Start a process."""
        mine, its = self._context.Pipe(duplex=False)
        process = self._context.Process(
            target=_work, args=(self._job, self._threads, its), daemon=True
        )
        with _environment(dict.fromkeys(THREADS, str(self._threads))):
            process.start()
        its.close()
        self.members[mine] = process

    def listen(self) -> Iterator[tuple[str, Any]]:
        """What they say, until all have ended: "line", "done", "error", or "died"."""
        while self.members:
            for pipe in wait(list(self.members)):
                assert isinstance(pipe, Connection)
                try:
                    kind, told = pipe.recv()
                except (EOFError, OSError):
                    process = self.members.pop(pipe)
                    process.join()
                    if process.exitcode:
                        yield "died", (process.exitcode, pipe in self.ready)
                    continue
                if kind == "ready":
                    self.ready.add(pipe)
                yield kind, told

    def dismiss(self) -> None:
        """End all: what they were doing goes back into the queue."""
        for process in self.members.values():
            process.terminate()
        for process in self.members.values():
            process.join(ENOUGH)
            if process.is_alive():
                process.kill()
                process.join()


def search_in_processes(
    tuner: Tuner,
    jobs: int,
    threads: int,
    args: Any,
    kwargs: dict[str, Any],
    say: Callable[[str], object],
) -> None:
    """Run a search in several processes.

    Parameters
    ----------
    tuner : Tuner
    jobs : int
        How many processes.
    threads : int
        Of each.
    args, kwargs
        Those of `search`.
    say : callable
        Called with every line of progress.
    """
    crew = _Crew(_packed(tuner, args, kwargs), threads, say)
    study_trials = tuner.study_trials
    study_trials.put_back_the_dead(tuner.most_deaths)
    left = jobs
    if tuner.max_trials is not None:
        left = tuner.max_trials - len(study_trials.drawn()) + study_trials.waiting()
    deaths = 0  # since the last trial that came to its end
    try:
        for _ in range(min(jobs, left)):
            crew.hire()
        for kind, told in crew.listen():
            if kind == "line":
                deaths = 0
                say(told)
            elif kind == "error":
                raise _error(*told)
            elif kind == "died":
                deaths += 1
                _check_death(tuner, deaths, *told)
                study_trials.put_back_the_dead(tuner.most_deaths)
                crew.hire()
    finally:
        crew.dismiss()


def _packed(tuner: Tuner, args: Any, kwargs: dict[str, Any]) -> bytes:
    if not isinstance(tuner.storage, str | os.PathLike | None):
        raise ValueError(
            "n_jobs: other processes cannot use this storage: give storage as a URL or a path"
        )
    try:
        return pickle.dumps((tuner, args, kwargs))
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise ValueError(
            f"n_jobs: other processes need all that is searched, and {error}: put functions and "
            "classes at the top of a module, and give arrays as data"
        ) from error


def _check_death(tuner: Tuner, deaths: int, code: int, was_ready: bool) -> None:
    if not was_ready:
        raise RuntimeError(
            "n_jobs: a process ended before it could begin: its error is above; functions have to "
            'be in a module or a script with `if __name__ == "__main__":`, not in an interpreter'
        )
    if deaths > tuner.max_consecutive_failed_trials:
        raise RuntimeError(
            f"search: {deaths} processes were killed one after the other (the last with exit code "
            f"{code}): is there enough memory for n_jobs={tuner.n_jobs}?"
        )


def _error(kind: str, text: str) -> Exception:
    if kind == "search":
        return SearchError(text)
    return RuntimeError(text if kind == "RuntimeError" else f"{kind}: {text}")


@contextmanager
def _environment(entries: dict[str, str]) -> Iterator[None]:
    """Set what a process started in this block finds in its environment."""
    before = {name: os.environ.get(name) for name in entries}
    os.environ.update(entries)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
