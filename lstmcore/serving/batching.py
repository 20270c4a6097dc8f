"""The worker of a model, which computes the requests that go together as one batch.

There is no wait for others. What has been queued while the last batch was computed is taken
together: all jobs with the key of the one that has waited longest. As no bit of a row depends on
the other rows of its batch, neither does an answer.

Each worker has a thread, so that the event loop goes on while a model computes. Handing a job to a
thread and its result back costs more than many a small model does, and the two threads are in each
other's way there, as both need the interpreter. So batches that have been seen to take less than
`SHORT` are computed in the thread of the event loop, in the turn after the one that read the
requests: all that came at the same time are together.
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
SHORT = 2_000_000  # nanoseconds; the event loop may be kept as long as this


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
    rows, size : int
        Rows, and a measure of how long they take, such as rows times steps.
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
    size: int
    future: asyncio.Future[Any]
    queued: int = field(default_factory=time.perf_counter_ns)
    started: int = 0
    ended: int = 0
    together: int = 0


class Worker:
    """The queue and the thread of one model.

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
        self._at_work = False  # a thread has the queue, or the event loop will have it next
        self._wanted = False  # that thread is the worker's own
        self._closed = False
        self._costs = Costs()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def __len__(self) -> int:
        return len(self._queue)

    def submit(
        self,
        payload: Any,
        execute: Execute,
        *,
        key: Hashable = None,
        rows: int = 1,
        size: int | None = None,
    ) -> asyncio.Future[Any]:
        """Queue a job and return the future of its result; see `Job`.

        Raises
        ------
        UnavailableError
            If `max_queue` jobs are waiting.
        """
        if len(self._queue) >= self.max_queue:
            raise UnavailableError(f"{self.max_queue} requests are waiting for this model")
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        job = Job(payload, execute, key, rows, rows if size is None else size, future)
        with self._changed:
            self._queue.append(job)
            if not self._at_work:
                self._at_work = True
                if self._costs.is_short(execute, job.size):
                    loop.call_soon(self._work_in_loop)
                else:
                    self._wake()
        return future

    def close(self) -> None:
        """Let the thread end when all that is queued has been computed."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    def join(self, timeout: float | None = None) -> None:
        """Wait for the thread to end."""
        self._thread.join(timeout)

    def _wake(self) -> None:
        self._wanted = True
        self._changed.notify()

    def _work(self) -> None:
        """Compute batches, in the worker's thread."""
        while True:
            with self._changed:
                while not self._wanted:
                    if self._closed and not self._at_work:
                        return
                    self._changed.wait()
            loop = None
            while jobs := self._take():
                loop = jobs[0].future.get_loop()
                results = self._compute(jobs)
                try:
                    loop.call_soon_threadsafe(self._hand_out, jobs, results)
                    if self._next_is_short():
                        self._wanted = False
                        loop.call_soon_threadsafe(self._work_in_loop)
                        break
                except RuntimeError:  # the event loop has ended, and nobody waits any more
                    return

    def _work_in_loop(self) -> None:
        """Compute a batch in the thread of the event loop, or leave it to the worker's."""
        with self._changed:
            if self._queue and not self._next_is_short():
                self._wake()
                return
        jobs = self._take()
        if jobs:
            self._hand_out(jobs, self._compute(jobs))
            if self._at_work:
                asyncio.get_running_loop().call_soon(self._work_in_loop)

    def _next_is_short(self) -> bool:
        """Return True if there is a next batch, and it may be computed in the event loop."""
        with self._changed:
            if not self._queue:
                return False
            first = self._queue[0]
            size = first.size
            if first.key is not None:
                size = sum(job.size for job in self._queue if job.key == first.key)
            return self._costs.is_short(first.execute, size)

    def _take(self) -> list[Job]:
        """Take the next batch; with none, the work is over."""
        with self._changed:
            while self._queue:
                jobs = self._first_batch()
                jobs = [job for job in jobs if not job.future.done()]  # those too late, or gone
                if jobs:
                    return jobs
            self._at_work = self._wanted = False
            self._changed.notify()
            return []

    def _first_batch(self) -> list[Job]:
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

    def _compute(self, jobs: list[Job]) -> Sequence[Any]:
        together = sum(job.rows for job in jobs)
        started, worked = time.perf_counter_ns(), time.thread_time_ns()
        results = _results(jobs)
        worked, ended = time.thread_time_ns() - worked, time.perf_counter_ns()
        self._costs.add(jobs[0].execute, sum(job.size for job in jobs), worked)
        for job in jobs:
            job.started, job.ended, job.together = started, ended, together
        return results

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


class Costs:
    """How long batches have taken, by what was computed and by size, in powers of two."""

    def __init__(self) -> None:
        self._nanoseconds: dict[tuple[Execute, int], float] = {}

    def add(self, execute: Execute, size: int, nanoseconds: int) -> None:
        """Take a measurement into account."""
        key = (execute, size.bit_length())
        last = self._nanoseconds.get(key)
        new = nanoseconds if last is None else last + 0.1 * (nanoseconds - last)
        self._nanoseconds[key] = new

    def is_short(self, execute: Execute, size: int) -> bool:
        """Return True if a batch of this size is expected to take less than `SHORT`.

        One size without a measurement is believed to take twice as long as half of it.
        """
        bits = size.bit_length()
        found = self._nanoseconds.get((execute, bits))
        if found is None:
            found = self._nanoseconds.get((execute, bits - 1))
            found = None if found is None else 2 * found
        return found is not None and found < SHORT


def _results(jobs: list[Job]) -> Sequence[Any]:
    """Return a result or an exception for each; one that fails does not harm its neighbours."""
    try:
        return jobs[0].execute([job.payload for job in jobs])
    except Exception as error:
        if len(jobs) == 1:
            return [error]
    return [result for job in jobs for result in _results([job])]
