"""Iterables of batches (generators, PyDatasets, other libraries' loaders), and their epochs."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from ..random.generator import generator
from .batches import Batch


def is_source(x: Any) -> bool:
    """Return True if this is an iterable of batches and not the samples themselves."""
    if isinstance(x, list | tuple | dict | str | bytes) or hasattr(x, "__array__"):
        return False
    return hasattr(x, "__iter__") or (hasattr(x, "__getitem__") and hasattr(x, "__len__"))


def batches_of(given: Any) -> Iterator[Any]:
    """Yield each batch of an iterable or a `PyDataset` once, in order."""
    if hasattr(given, "__iter__"):
        yield from given
    else:
        for i in range(len(given)):
            yield given[i]


class Source:
    """The converted batches of a user's generator, `PyDataset` or loader.

    Parameters
    ----------
    given : iterable of (x, y) or (x, y, sample_weight), or PyDataset
    convert : callable
        Makes a `Batch` of an entry.
    shuffle : bool, default False
        Draw a new order of a PyDataset's batches for each iteration.

    Attributes
    ----------
    steps : int or None
        Number of batches, if that is known.
    """

    def __init__(self, given: Any, convert: Callable[[Any], Batch], shuffle: bool = False) -> None:
        self.given, self.convert, self.shuffle = given, convert, shuffle
        indexed = hasattr(given, "__getitem__") and hasattr(given, "__len__")
        self._indexed = indexed and not isinstance(given, Iterator)
        # a PyDataset may say None: batches without end
        self.steps: int | None = len(given) if hasattr(given, "__len__") else None
        self.once = isinstance(given, Iterator)
        self.counted = False  # the number of batches that are taken is given

    def __iter__(self) -> Iterator[Batch]:
        given = self.given
        if self.counted and _has_no_end(given):
            yield from (self.convert(given[i]) for i in itertools.count())
        if not self._indexed:
            for entry in given:
                yield self.convert(entry)
            return
        n = len(given)
        for i in generator().permutation(n).tolist() if self.shuffle else range(n):
            yield self.convert(given[i])

    def peek(self) -> None:
        """Convert the first batch, which stays the first one."""
        if self._indexed:
            if len(self.given):
                self.convert(self.given[0])
            return
        entries = iter(self.given)
        first = list(itertools.islice(entries, 1))
        if self.once:
            self.given = itertools.chain(first, entries)
        for entry in first:
            self.convert(entry)

    def call_hook(self, name: str) -> None:
        """Call a PyDataset's ``on_epoch_begin`` or ``on_epoch_end``."""
        hook = getattr(self.given, name, None)
        if hook is not None:
            hook()


def _has_no_end(given: Any) -> bool:
    """Return True for a `PyDataset` that says nothing of its number of batches."""
    try:
        hasattr(given, "num_batches")
    except NotImplementedError:
        return True
    return False


class Epochs:
    """Batches divided into epochs.

    Parameters
    ----------
    batches : Batches or Source
    steps : int, optional
        Number of batches of an epoch; the default is all. Each epoch begins where the last one
        ended, and where the data ends the epoch does, with a warning, as in Keras.

    Attributes
    ----------
    steps : int or None
    exhausted : bool
        True if a generator ended before the epoch did.
    """

    def __init__(self, batches: Any, steps: int | None = None, argument: str = "steps") -> None:
        self.batches, self._wanted, self._argument = batches, steps, argument
        self._said = False
        self.steps: int | None = batches.steps if steps is None else steps
        self.exhausted = False
        self._running: Iterator[Batch] | None = None
        if isinstance(batches, Source):
            batches.counted = steps is not None

    def restart(self) -> None:
        """Begin the next epoch with the first batch, unless the data can be read only once."""
        if not getattr(self.batches, "once", False):
            self._running = None

    def __iter__(self) -> Iterator[Batch]:
        source = self.batches if isinstance(self.batches, Source) else None
        if source is not None:
            source.call_hook("on_epoch_begin")
        yield from self._epoch()
        if source is not None:
            source.call_hook("on_epoch_end")

    def _epoch(self) -> Iterator[Batch]:
        done, once = 0, getattr(self.batches, "once", False)
        while self._wanted is None or done < self._wanted:
            fresh = self._running is None
            if self._running is None:
                self._running = iter(self.batches)
            batch = next(self._running, None)
            if batch is not None:
                done += 1
                yield batch
                continue
            self._running = None
            if done == 0 and not fresh and not once:
                continue  # the data ended with the epoch before
            self.exhausted = done == 0 or (once and self._wanted is not None)
            self._say_where_it_ended(done)
            break

    def _say_where_it_ended(self, done: int) -> None:
        """Warn, once, that the data has fewer batches than the epoch wants."""
        if self._said or not (self.exhausted or self._wanted):
            return
        self._said = True
        if self.exhausted:
            then = "a generator has to go on for all epochs"
        else:
            then = f"the epoch ends there ({self._argument}), and the next begins the data again"
        of = f" of {self._wanted}" if self._wanted else ""
        warnings.warn(f"the data ended after {done} batches of an epoch{of}: {then}", stacklevel=3)
