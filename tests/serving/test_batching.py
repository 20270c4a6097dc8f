"""The worker of a model: what is computed together, by which thread, and what of the rest."""

import asyncio
import threading

import pytest

from lstmcore.serving import batching
from lstmcore.serving.batching import Costs, Worker
from lstmcore.serving.errors import UnavailableError


def in_worker(action, **limits):
    """Run an action with a worker that has a gate: it computes when `gate` is set."""

    async def run():
        batches, gate = [], threading.Event()
        worker = Worker("test", **{"max_batch": 8, "max_queue": 100, **limits})

        def execute(payloads):
            gate.wait(10)
            batches.append((payloads, threading.current_thread() is threading.main_thread()))
            return [payload * 10 for payload in payloads]

        try:
            return await action(worker, execute, batches, gate)
        finally:
            gate.set()
            worker.close()
            await asyncio.to_thread(worker.join, 10)
            assert not worker._thread.is_alive()

    return asyncio.run(run())


async def begin(worker, execute, gate):
    """Give the worker a first job, and wait until it has begun with it."""
    first = worker.submit(0, execute)
    while len(worker):
        await asyncio.sleep(0.001)
    return first


def payloads_of(batches):
    return [payloads for payloads, _ in batches]


def test_what_has_been_queued_is_computed_together():
    async def action(worker, execute, batches, gate):
        first = await begin(worker, execute, gate)
        jobs = [worker.submit(i, execute, key="a") for i in range(1, 6)]
        gate.set()
        assert await asyncio.gather(first, *jobs) == [0, 10, 20, 30, 40, 50]
        assert payloads_of(batches) == [[0], [1, 2, 3, 4, 5]]

    in_worker(action)


def test_keys_stay_apart_in_the_order_of_the_oldest():
    async def action(worker, execute, batches, gate):
        first = await begin(worker, execute, gate)
        jobs = [worker.submit(i, execute, key=key) for i, key in enumerate("abcab")]
        alone = [worker.submit(i, execute, key=None) for i in (7, 8)]
        gate.set()
        await asyncio.gather(first, *jobs, *alone)
        assert payloads_of(batches) == [[0], [0, 3], [1, 4], [2], [7], [8]]

    in_worker(action)


def test_a_batch_has_a_largest_size_and_keeps_the_order():
    async def action(worker, execute, batches, gate):
        first = await begin(worker, execute, gate)
        sizes = [3, 3, 3, 1, 20, 2]
        jobs = [worker.submit(i, execute, key="a", rows=n) for i, n in enumerate(sizes)]
        gate.set()
        await asyncio.gather(first, *jobs)
        assert payloads_of(batches) == [[0], [0, 1], [2, 3], [4], [5]]

    in_worker(action)


def test_one_that_fails_does_not_harm_its_neighbours():
    async def action(worker, execute, batches, gate):
        def picky(payloads):
            gate.wait(10)
            if 2 in payloads:
                raise ValueError("two")
            return payloads

        first = await begin(worker, execute, gate)
        jobs = [worker.submit(i, picky, key="a") for i in range(4)]
        gate.set()
        await first
        results = await asyncio.gather(*jobs, return_exceptions=True)
        assert results[:2] + results[3:] == [0, 1, 3]
        assert isinstance(results[2], ValueError)

    in_worker(action)


def test_those_that_gave_up_are_left_out():
    async def action(worker, execute, batches, gate):
        first = await begin(worker, execute, gate)
        jobs = [worker.submit(i, execute, key="a") for i in range(3)]
        jobs[1].cancel()
        gate.set()
        assert await asyncio.gather(first, jobs[0], jobs[2]) == [0, 0, 20]
        assert payloads_of(batches) == [[0], [0, 2]]

    in_worker(action)


def test_a_full_queue_refuses():
    async def action(worker, execute, batches, gate):
        jobs = [await begin(worker, execute, gate)]
        jobs += [worker.submit(i, execute) for i in range(2)]
        with pytest.raises(UnavailableError, match="2 requests are waiting"):
            worker.submit(3, execute)
        gate.set()
        await asyncio.gather(*jobs)

    in_worker(action, max_queue=2)


def test_closing_lets_what_is_queued_finish():
    async def action(worker, execute, batches, gate):
        jobs = [await begin(worker, execute, gate)]
        jobs += [worker.submit(i, execute) for i in range(1, 4)]
        worker.close()
        gate.set()
        assert await asyncio.gather(*jobs) == [0, 10, 20, 30]

    in_worker(action)


def test_short_batches_are_computed_in_the_event_loop():
    async def action(worker, execute, batches, gate):
        gate.set()
        assert await worker.submit(1, execute) == 10
        assert [in_loop for _, in_loop in batches] == [False]  # nothing is known of it yet
        jobs = [worker.submit(i, execute, key="a") for i in range(2)]
        await asyncio.gather(*jobs)
        assert batches[1:] == [([0, 1], True)]
        for _ in range(3):
            await worker.submit(2, execute)
        assert all(in_loop for _, in_loop in batches[1:])

    in_worker(action)


def test_long_batches_are_left_to_the_thread(monkeypatch):
    monkeypatch.setattr(batching, "SHORT", 0)

    async def action(worker, execute, batches, gate):
        gate.set()
        for i in range(3):
            assert await worker.submit(i, execute) == 10 * i
        assert not any(in_loop for _, in_loop in batches)

    in_worker(action)


def test_no_job_is_lost_between_the_threads(monkeypatch):
    """Batches that seem short at one time and long at another go back and forth."""

    async def action(worker, execute, batches, gate):
        gate.set()
        seen = iter(range(10**9))
        monkeypatch.setattr(worker._costs, "is_short", lambda *_: next(seen) % 3 != 0)

        async def many(i):
            return [await worker.submit(i, execute, key=i % 2) for _ in range(200)]

        found = await asyncio.wait_for(asyncio.gather(*map(many, range(8))), 20)
        assert found == [[10 * i] * 200 for i in range(8)]
        assert {in_loop for _, in_loop in batches} == {False, True}

    in_worker(action)


def test_costs():
    costs = Costs()
    assert not costs.is_short(len, 4)
    costs.add(len, 4, batching.SHORT // 3)
    assert costs.is_short(len, 7)
    assert costs.is_short(len, 8)  # twice as long as half of it
    assert not costs.is_short(len, 16)
    assert not costs.is_short(sum, 4)
    for _ in range(40):
        costs.add(len, 4, 2 * batching.SHORT)
    assert not costs.is_short(len, 4)
