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

STOP_TIMEOUT = 10.0  # seconds for a process to requeue its trial
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def _worker_main(job: bytes, threads: int, pipe: Connection) -> None:
    """Execute trials in a worker process, sending messages to the parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all; the parent handles it

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    try:
        _core.set_num_threads(threads)
        tuner, args, kwargs = _unpickle(job)
        signal.signal(signal.SIGTERM, interrupt)  # from now on there is a trial to requeue
        pipe.send(("ready", None))
        TrialLoop(tuner, args, kwargs, lambda line: pipe.send(("line", line))).execute()
        pipe.send(("done", None))
    except (KeyboardInterrupt, BrokenPipeError):  # or the parent has ended
        pass
    except BaseException as error:
        with suppress(Exception):
            kind = "search" if isinstance(error, SearchError) else type(error).__name__
            pipe.send(("error", (kind, str(error))))


def _unpickle(job: bytes) -> Any:
    try:
        return pickle.loads(job)
    except (AttributeError, ImportError) as error:
        raise SearchError(
            f"n_jobs: other processes cannot import what is searched ({error}): put functions and "
            "classes at the top of a module or of a script, not in an interpreter or a notebook"
        ) from error


class _WorkerPool:
    """Worker processes and their messages."""

    def __init__(self, job: bytes, threads: int, report: Callable[[str], object]) -> None:
        self._job, self._threads, self._report = job, threads, report
        self._context = multiprocessing.get_context("spawn")
        self.workers: dict[Connection, Any] = {}
        self.ready: set[Connection] = set()

    def start_worker(self) -> None:
        """Start a worker."""
        receiver, sender = self._context.Pipe(duplex=False)
        process = self._context.Process(
            target=_worker_main, args=(self._job, self._threads, sender), daemon=True
        )
        with _environment(dict.fromkeys(THREAD_VARIABLES, str(self._threads))):
            process.start()
        sender.close()
        self.workers[receiver] = process

    def messages(self) -> Iterator[tuple[str, Any]]:
        """Yield messages until all workers have ended: "line", "done", "error", or "died"."""
        while self.workers:
            for pipe in wait(list(self.workers)):
                assert isinstance(pipe, Connection)
                try:
                    kind, payload = pipe.recv()
                except (EOFError, OSError):
                    process = self.workers.pop(pipe)
                    process.join()
                    if process.exitcode:
                        yield "died", (process.exitcode, pipe in self.ready)
                    continue
                if kind == "ready":
                    self.ready.add(pipe)
                yield kind, payload

    def stop(self) -> None:
        """Stop all workers, which requeue their trials."""
        for process in self.workers.values():
            process.terminate()
        for process in self.workers.values():
            process.join(STOP_TIMEOUT)
            if process.is_alive():
                process.kill()
                process.join()


def search_in_processes(
    tuner: Tuner,
    jobs: int,
    threads: int,
    args: Any,
    kwargs: dict[str, Any],
    report: Callable[[str], object],
) -> None:
    """Search with several processes.

    Parameters
    ----------
    tuner : Tuner
    jobs : int
        The number of processes.
    threads : int
        The number of threads of each process.
    args, kwargs
        Arguments of `search`.
    report : callable
        Called with each line of progress.
    """
    pool = _WorkerPool(_pickle(tuner, args, kwargs), threads, report)
    study_trials = tuner.study_trials
    study_trials.requeue_dead(tuner.max_deaths)
    remaining = jobs
    if tuner.max_trials is not None:
        remaining = tuner.max_trials - len(study_trials.counted()) + study_trials.any_waiting()
    deaths = 0  # since a trial ended last
    try:
        for _ in range(min(jobs, remaining)):
            pool.start_worker()
        for kind, payload in pool.messages():
            if kind == "line":
                deaths = 0
                report(payload)
            elif kind == "error":
                raise _error(*payload)
            elif kind == "died":
                deaths += 1
                _check_death(tuner, deaths, *payload)
                study_trials.requeue_dead(tuner.max_deaths)
                pool.start_worker()
    finally:
        pool.stop()


def _pickle(tuner: Tuner, args: Any, kwargs: dict[str, Any]) -> bytes:
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
    deaths_of_a_failed_trial = tuner.max_deaths + 1
    if deaths >= tuner.max_consecutive_failed_trials * deaths_of_a_failed_trial:
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
    """Set environment variables for processes started in this block."""
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
