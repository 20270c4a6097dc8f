"""One thread for each model, which computes the requests that go together as one batch.

There is no wait for others: the thread takes what has been queued while it computed the last batch,
those with the key of the request that has waited longest. As no bit of a row depends on the other
rows of its batch, neither does an answer.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

from .errors import UnavailableError

Execute = Callable[[list[Any]], Sequence[Any]]


@dataclass(eq=False, slots=True)
class Job:
    """A request that waits for its model.

    Parameters
    ----------
    payload : object
        What `execute` is given.
    execute : callable
        Takes a list of payloads, and returns for each its result, or an exception.
    key : hashable
        Jobs of equal keys, and the same `execute`, are computed together; None: alone.
    rows : int
    future : asyncio.Future
        Gets the result. A job whose future is done when its turn comes is left out.
    queued, started, ended : int
        Times in nanoseconds.
    together : int
        Rows that were computed with it, its own included.
    """

    payload: Any
    execute: Execute
    key: Hashable
    rows: int
    future: asyncio.Future[Any]
    queued: int = field(default_factory=time.perf_counter_ns)
    started: int = 0
    ended: int = 0
    together: int = 0


class Worker:
    """The thread of one model.

    `submit` belongs to the thread of the event loop, in which results are handed out as well.

    Parameters
    ----------
    name : str
        The thread's.
    max_batch : int
        Rows of a batch; a request of more is computed alone.
    max_queue : int
        Jobs that may wait.
    observe : callable, optional
        Called in the event loop with the jobs of each batch, after their results were handed out.
    """

    def __init__(
        self,
        name: str,
        max_batch: int,
        max_queue: int,
        observe: Callable[[list[Job]], None] | None = None,
    ) -> None:
        self.max_batch, self.max_queue, self.observe = max_batch, max_queue, observe
        self._queue: deque[Job] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def __len__(self) -> int:
        return len(self._queue)

    def submit(
        self, payload: Any, execute: Execute, *, key: Hashable = None, rows: int = 1
    ) -> asyncio.Future[Any]:
        """Queue a job and return the future of its result; see `Job`.

        Raises
        ------
        UnavailableError
            If `max_queue` jobs are waiting.
        """
        if len(self._queue) >= self.max_queue:
            raise UnavailableError(f"{self.max_queue} requests are waiting for this model")
        future = asyncio.get_running_loop().create_future()
        with self._changed:
            self._queue.append(Job(payload, execute, key, rows, future))
            self._changed.notify()
        return future

    def close(self) -> None:
        """Let the thread end when all that is queued has been computed."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    def join(self, timeout: float | None = None) -> None:
        """Wait for the thread to end."""
        self._thread.join(timeout)

    def _work(self) -> None:
        while jobs := self._next():
            self._compute(jobs)

    def _next(self) -> list[Job]:
        """Wait for the next batch; return none at the end."""
        while True:
            with self._changed:
                while not self._queue:
                    if self._closed:
                        return []
                    self._changed.wait()
                jobs = self._take()
            jobs = [job for job in jobs if not job.future.done()]  # those too late, or gone
            if jobs:
                return jobs

    def _take(self) -> list[Job]:
        first = self._queue.popleft()
        jobs, rows = [first], first.rows
        if first.key is None or not self._queue:
            return jobs
        left = deque[Job]()
        while self._queue:
            job = self._queue.popleft()
            fits = job.key == first.key and job.execute == first.execute
            if fits and rows + job.rows <= self.max_batch:
                jobs.append(job)
                rows += job.rows
            else:
                left.append(job)
                if fits:  # full: those behind it wait with it
                    break
        self._queue.extendleft(reversed(left))
        return jobs

    def _compute(self, jobs: list[Job]) -> None:
        started, together = time.perf_counter_ns(), sum(job.rows for job in jobs)
        results = _results(jobs)
        ended = time.perf_counter_ns()
        for job in jobs:
            job.started, job.ended, job.together = started, ended, together
        try:
            jobs[0].future.get_loop().call_soon_threadsafe(self._hand_out, jobs, results)
        except RuntimeError:  # the event loop has ended, and nobody waits any more
            self._closed = True

    def _hand_out(self, jobs: list[Job], results: Sequence[Any]) -> None:
        for job, result in zip(jobs, results, strict=True):
            if job.future.done():
                continue
            if isinstance(result, BaseException):
                job.future.set_exception(result)
            else:
                job.future.set_result(result)
        if self.observe is not None:
            self.observe(jobs)


def _results(jobs: list[Job]) -> Sequence[Any]:
    """Return a result or an exception for each; one that fails does not harm its neighbours."""
    try:
        return jobs[0].execute([job.payload for job in jobs])
    except Exception as error:
        if len(jobs) == 1:
            return [error]
    return [result for job in jobs for result in _results([job])]
