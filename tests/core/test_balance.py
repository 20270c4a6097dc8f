"""Whether a call has the team or runs alone, in a world of planted stalls and no clock."""

import ctypes
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MILLISECOND = 1_000_000


class Balance(ctypes.Structure):
    _fields_ = [(name, ctypes.c_int64) for name in ("credit", "rest", "times")]


@pytest.fixture(scope="module")
def core(tmp_path_factory):
    compiler = shutil.which("gcc") or shutil.which("clang")
    if not compiler or sys.platform == "win32":
        pytest.skip("needs a C compiler")
    library = tmp_path_factory.mktemp("balance") / "balance.so"
    command = [compiler, "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-Isrc_c"]
    subprocess.run([*command, "tests/core/balance.c", "-o", library], cwd=ROOT, check=True)
    found = ctypes.CDLL(str(library))
    found.full.restype = ctypes.c_int64
    nanoseconds = ctypes.c_int64
    found.was_together.argtypes = [ctypes.c_void_p, ctypes.c_int, *[nanoseconds] * 3]
    found.was_alone.argtypes = [ctypes.c_void_p, nanoseconds]
    found.rests.argtypes = [ctypes.c_void_p]
    return found


class World:
    """Calls of `alone` on one thread; one of `threads` is stalled for `stall(number)`.

    The others wait for it at barriers, or, if threads own rows, at the end, where the caller's wait
    alone is known.
    """

    def __init__(self, core, alone=MILLISECOND, threads=2, stall=lambda number: 0, rows=False):
        self.core, self.alone, self.threads, self.stall = core, alone, threads, stall
        self.rows = rows
        self.balance = Balance(core.full())
        self.number = 0

    def call(self):
        """Make a call; return how long it took, and whether the team had it."""
        self.number += 1
        at = ctypes.addressof(self.balance)
        if self.core.rests(at):
            self.core.was_alone(at, self.alone)
            return self.alone, False
        stall = self.stall(self.number)
        took = self.alone // self.threads + stall
        waits = (0, stall) if self.rows else ((self.threads - 1) * stall, 0)
        self.core.was_together(at, self.threads, took, *waits)
        return took, True

    def calls(self, n):
        return [self.call() for _ in range(n)]


def test_where_nobody_disturbs_all_calls_have_the_team(core):
    assert all(together for _, together in World(core).calls(10_000))


@pytest.mark.parametrize("threads", [2, 4, 16])
def test_a_stall_now_and_then_is_paid_from_gains(core, threads):
    world = World(core, threads=threads, stall=lambda number: 6 * MILLISECOND * (number % 500 == 0))
    assert all(together for _, together in world.calls(10_000))


@pytest.mark.parametrize("threads", [2, 4, 16])
@pytest.mark.parametrize("every", [1, 2, 5])
@pytest.mark.parametrize("alone", [MILLISECOND // 5, MILLISECOND, 3 * MILLISECOND])
@pytest.mark.parametrize("rows", [False, True])
def test_beside_a_neighbour_one_call_of_a_hundred_is_slow(core, threads, every, alone, rows):
    slice_ = 4 * MILLISECOND
    world = World(core, alone, threads, lambda number: slice_ * (number % every == 0), rows)
    world.calls(2000)  # the credit is lost first
    times = [took for took, _ in world.calls(10_000)]
    slow = sum(took > 1.5 * alone for took in times)
    if (every * alone) * (1 - 1 / threads) < slice_:  # else the team pays, with the stalls
        assert slow < 100
        assert sum(times) < 1.01 * 10_000 * alone


@pytest.mark.parametrize("stop", [100, 60_000])
def test_one_long_stop_costs_little(core, stop):
    world = World(core, stall=lambda number: stop * MILLISECOND * (number == 100))
    times = [took for took, _ in world.calls(20_000)]
    assert sum(times) - stop * MILLISECOND < 1.05 * 20_000 * MILLISECOND / 2
    assert world.balance.times == 0  # the next one finds the team as if nothing had been


def test_when_the_neighbour_is_gone_the_team_comes_back(core):
    world = World(core, stall=lambda number: 4 * MILLISECOND)
    world.calls(3000)
    world.stall = lambda number: 0
    back = next(i for i, (_, together) in enumerate(world.calls(3000)) if together)
    assert back <= 200 * 4
    assert all(together for _, together in world.calls(3000))


def test_who_gains_less_than_others_lose_rests_as_well(core):
    """Waits of a few microseconds in each call, which no time slice explains."""
    world = World(core, alone=MILLISECOND, stall=lambda number: MILLISECOND * 6 // 10)
    world.calls(2000)
    assert sum(together for _, together in world.calls(1000)) < 120
