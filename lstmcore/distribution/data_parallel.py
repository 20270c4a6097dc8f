"""DataParallel: one model, trained by several processes on parts of every batch."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from .._core import get_num_threads, set_num_threads
from ..callbacks import Callback
from ..random.generator import generator, seeded
from ..validation import Array, whole

if TYPE_CHECKING:
    from ..layers.parameters import Flat, Param
    from ..training.compiled import Compiled

THREADS = ("LSTMCORE_NUM_THREADS", "OMP_NUM_THREADS")  # a user's own choice


class DataParallel:
    """Data-parallel training over MPI: each process, or rank, has the model and a part of a batch.

    ``model.fit(..., distribution=DataParallel())`` in a script that is run by ``mpiexec -n N python
    -m mpi4py script.py`` is the same training as by one process: each batch is cut into contiguous
    parts, one for each rank; their gradients are added up, so that all ranks make the same step.
    Results differ from those of one process by the rounding of these sums, and with dropout by its
    masks. Weights, optimizer and random state begin as those of rank 0, whose callbacks alone write
    files and the progress; ``BackupAndRestore`` goes on with any number of ranks. A rank that fails
    ends all of them, with its message, as mpi4py's runner has it.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm, optional
        The ranks that train together; by default all of them.
    check_every : int, default 1000
        Steps after which the ranks compare checksums of their weights.

    Attributes
    ----------
    rank, size : int
        The number of this process, and how many there are.

    Raises
    ------
    ImportError
        If mpi4py is not installed.

    Notes
    -----
    Each rank needs the same data. Ranks of one machine share its cores, unless LSTMCORE_NUM_THREADS
    or OMP_NUM_THREADS says how many threads each has.
    """

    def __init__(self, comm: Any = None, check_every: int = 1000) -> None:
        try:
            from mpi4py import MPI
        except (ImportError, RuntimeError) as error:
            raise ImportError(
                f"DataParallel needs mpi4py and an MPI library: pip install lstmcore[mpi] ({error})"
            ) from None
        self._sum, self._in_place = MPI.SUM, MPI.IN_PLACE
        self.comm = MPI.COMM_WORLD if comm is None else comm
        self.rank, self.size = self.comm.Get_rank(), self.comm.Get_size()
        self.check_every = whole("check_every", check_every, 1000)
        self._steps = 0
        if not any(os.environ.get(name) for name in THREADS):
            here = self.comm.Split_type(MPI.COMM_TYPE_SHARED).Get_size()
            set_num_threads(max(get_num_threads() // here, 1))

    # -- before and after ------------------------------------------------------------------

    def prepare(self, model: Any, compiled: Compiled, data: Any) -> None:
        """Have the data give out this rank's part of each batch.

        Raises
        ------
        ValueError
            If the data or the model cannot be trained so.
        """
        from ..training.batches import Batches
        from ..training.step import ParameterGroups

        what = "fit: distribution: DataParallel"
        if not isinstance(data, Batches):
            raise ValueError(
                f"{what}: expected arrays to cut into parts, got an iterable of batches"
            )
        if model.has_own_step():
            raise ValueError(f"{what}: model {model.name!r} has a training step of its own")
        groups = ParameterGroups(model)
        if groups.stateful:
            name = groups.stateful[0].name
            raise ValueError(f"{what}: layer {name!r} is stateful: its states are of whole batches")
        if groups.has_penalties:
            raise ValueError(
                f"{what}: an activity regularizer, or a layer that may call add_loss, sees whole "
                "batches"
            )
        for output in compiled.outputs:
            reduction = getattr(output.loss, "reduction", None)
            if output.loss is not None and reduction not in ("sum_over_batch_size", "mean"):
                raise ValueError(f"{what}: expected a mean as loss, got reduction {reduction!r}")
        data.part = (self.rank, self.size)

    def callbacks(self, given: Sequence[Callback]) -> list[Callback]:
        """Return those of this rank: what writes is rank 0's."""
        return [c for c in given if not (self.rank and getattr(c, "writes", False))]

    def begin(self, model: Any, compiled: Compiled, flat: Flat) -> None:
        """Give all ranks the state of rank 0, also where its callbacks have restored it."""
        optimizer = compiled.optimizer
        optimizer.make_slots(flat.size, flat.value.dtype)
        state = None
        if not self.rank:
            state = {
                "optimizer": optimizer.state(),
                "iterations": optimizer.iterations,
                "slots": optimizer.slots,
                "rate": optimizer.fixed_rate,
                "random": model.random_state,
                "resume": model.resume_at,
            }
        state = self.comm.bcast(state)
        self.comm.Bcast(flat.value)
        flat.version += 1
        model.resume_at = state["resume"]
        if not self.rank:
            return
        optimizer.set_state(state["optimizer"])
        optimizer.slots = {name: np.array(slot) for name, slot in state["slots"].items()}
        optimizer.iterations = state["iterations"]
        if state["rate"] is not None:
            optimizer.learning_rate = state["rate"]
        model.random_state = state["random"]

    def end_epoch(self, model: Any, compiled: Compiled, flat: Flat) -> None:
        """Have all ranks go on, or stop, as rank 0 does."""
        optimizer = compiled.optimizer
        stop, rate = self.comm.bcast((model.stop_training, optimizer.fixed_rate))
        model.stop_training = stop
        if self.rank and rate is not None and rate != optimizer.fixed_rate:
            optimizer.learning_rate = rate
        self.check(flat)

    def end(self, flat: Flat) -> None:
        """Give all ranks the weights of rank 0, which a callback may have chosen."""
        self.comm.Bcast(flat.value)
        flat.version += 1

    def check(self, flat: Flat) -> None:
        """Raise RuntimeError unless the weights of all ranks are the same."""
        sums = self.comm.allgather(zlib.crc32(flat.value.data))
        if len(set(sums)) > 1:
            other = next(rank for rank, found in enumerate(sums) if found != sums[0])
            raise RuntimeError(
                f"DataParallel: the weights of rank {other} are no longer those of rank 0: do all "
                "ranks run the same program on the same data and kind of CPU?"
            )

    def reduce_metrics(self, compiled: Compiled) -> None:
        """Add up what the metrics of all ranks have seen."""
        metrics = compiled.metrics
        states = self.comm.allgather([metric.get_state() for metric in metrics])
        for i, metric in enumerate(metrics):
            metric.set_state(_sum_of([state[i] for state in states]))

    # -- a step ----------------------------------------------------------------------------

    @contextmanager
    def random(self, step: int) -> Iterator[None]:
        """Draw random numbers of this rank's own for a step; the shared ones stay as they are."""
        shared: Any = generator().bit_generator.state
        numbers = np.ravel(list(shared["state"].values())).tolist()
        with seeded([*map(int, numbers), step, self.rank]):
            yield

    def weigh(
        self, parts: Sequence[tuple[float, float]], dys: Sequence[Array | None], rows: int
    ) -> tuple[float, float]:
        """Scale gradients of this rank's means to those of the means of all ranks, in place.

        Parameters
        ----------
        parts : sequence of (float, float)
            The mean loss of each output here, and the number of its values.
        dys : sequence of ndarray or None
            The gradients; empty if this rank has no samples.
        rows : int
            Samples of this rank.

        Returns
        -------
        loss, weight in the mean : float
            Of all ranks; the weight is what `Compiled.evaluate` returns.
        """
        numbers = np.array([*((value * n, n) for value, n in parts), (0, rows)], np.float64)
        counts = numbers[:, 1].copy()
        self.comm.Allreduce(self._in_place, numbers, self._sum)
        for dy, mine, n in zip(dys, counts, numbers[:, 1], strict=False):
            if dy is not None and n:
                dy *= mine / n
        losses = numbers[:, 0] / np.maximum(numbers[:, 1], 1)
        alone = len(parts) == 1 and numbers[0, 1] > 0
        return float(losses.sum()), float(numbers[0 if alone else -1, 1])

    def add_up(self, flat: Flat) -> None:
        """Add up the gradients of all ranks, in place."""
        self.comm.Allreduce(self._in_place, flat.grad[: flat.size], self._sum)
        self._steps += 1

    def average(self, moving: Sequence[Param], flat: Flat, rows: int) -> None:
        """Average what layers changed themselves, such as moving averages, by samples."""
        total = self.comm.allreduce(rows)
        for p in moving:
            value = np.asarray(p.value, np.float64) * rows
            self.comm.Allreduce(self._in_place, value, self._sum)
            flat.view(p)[...] = value / total

    def after_step(self, flat: Flat) -> None:
        """Compare the weights now and then."""
        if self._steps % self.check_every == 0:
            self.check(flat)


def _sum_of(states: Sequence[Any]) -> Any:
    """Add up states of metrics, number by number."""
    first = states[0]
    if isinstance(first, dict):
        return {name: _sum_of([state[name] for state in states]) for name in first}
    if isinstance(first, list):
        return [_sum_of(parts) for parts in zip(*states, strict=True)]
    return first if isinstance(first, str) or first is None else sum(states[1:], first)
