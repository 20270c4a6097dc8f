"""Sequences: requests that continue each other, by the parameters of the sequence extension.

`sequence_id` is a whole number of 64 bits or a text, `sequence_start` opens it (again, if it was
open), `sequence_end` closes it with its last steps. Between requests it is a stream: the states of
the model's layers, and the weights of the moment of its start.

Requests of one sequence are computed in the order in which they arrived, those of many sequences
together. One that was not answered in time closes its sequence: nobody could say whether its steps
were taken.
"""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Mapping
from typing import Any

from ..validation import Array
from .engine import within
from .errors import BadRequestError, DeadlineError, ServingError, UnavailableError
from .served import Served
from .streams import ServedStream, stream_specs

Key = tuple[str, int | str]
MOST_CHARACTERS = 256  # of an id
_LARGEST = 2**64 - 1


class Sequence:
    """A sequence that is open.

    Parameters
    ----------
    stream : ServedStream
    now : float
        The time of its start.
    """

    __slots__ = ("stream", "turn", "under_way", "used")

    def __init__(self, stream: ServedStream, now: float) -> None:
        self.stream, self.turn = stream, asyncio.Lock()  # which is given in order of arrival
        self.under_way, self.used = 0, now

    @property
    def is_open(self) -> bool:
        """False once it has been closed, also for those who still wait for their turn."""
        return self.stream.is_open


class Sequences:
    """The sequences of all models.

    Parameters
    ----------
    idle : float, default 60.0
        Seconds without a request after which a sequence is closed.
    most : int, default 10000
        Sequences that may be open.
    """

    def __init__(self, idle: float = 60.0, most: int = 10_000) -> None:
        self.idle, self.most = idle, most
        self._open: OrderedDict[Key, Sequence] = OrderedDict()  # that used last at the end
        self._timer: asyncio.TimerHandle | None = None

    def counts(self) -> Mapping[str, int]:
        """Return the number of sequences that are open, by model."""
        return Counter(name for name, _ in self._open)

    async def infer(
        self, served: Served, inputs: Mapping[str, Array], parameters: Mapping[str, Any]
    ) -> tuple[Served, dict[str, Array]]:
        """Return the outputs of the next steps of a sequence, and the version that gave them."""
        loop = asyncio.get_running_loop()
        key = (served.name, _id(parameters))
        start, end = _flag(parameters, "sequence_start"), _flag(parameters, "sequence_end")
        due = loop.time() + served.limits.seconds(parameters)
        spec = stream_specs(served)[0]
        if list(inputs) != [spec.name]:
            raise BadRequestError(f"inputs: expected {spec.name!r} alone, got {list(inputs)!s:.80}")
        array = inputs[spec.name]
        sequence = self._begin(key, served, array) if start else self._find(key)
        x = sequence.stream.accept(array)
        sequence.under_way += 1
        if end:
            self._open.pop(key)  # a request that comes after it is too late
        try:
            y = await _in_turn(key[1], sequence, x, due)
        except (ValueError, TypeError, IndexError, UnavailableError):  # nothing was fed
            if end:
                self._open.setdefault(key, sequence)
            raise
        except BaseException:
            sequence.stream.close()
            if self._open.get(key) is sequence:
                del self._open[key]
            raise
        finally:
            sequence.under_way -= 1
            self._after(key, sequence, loop.time())
        return sequence.stream.served, {sequence.stream.output.name: y}

    def _begin(self, key: Key, served: Served, array: Array) -> Sequence:
        """Open a sequence; one of this id that is open ends when its requests are answered."""
        now = asyncio.get_running_loop().time()
        self._close_idle()
        if key not in self._open and len(self._open) >= self.most:
            raise UnavailableError(f"{self.most} sequences are open")
        rows = max(array.shape[0], 1) if array.ndim else 1
        served.limits.check_sizes(rows, 1)
        stream = ServedStream(served, rows)
        try:
            stream.accept(array)
        except ServingError:
            stream.close()
            raise
        old = self._open.pop(key, None)
        if old is not None:
            self._after(key, old, now)
        found = self._open[key] = Sequence(stream, now)
        if self._timer is None:
            self._wait()
        return found

    def _find(self, key: Key) -> Sequence:
        self._close_idle()
        found = self._open.get(key)
        if found is None:
            raise BadRequestError(
                f"sequence {key[1]!r:.80} is not open: its first request must have sequence_start "
                f"(or it was idle for {self.idle:g} s)"
            )
        return found

    def _after(self, key: Key, sequence: Sequence, now: float) -> None:
        """Note that a request has ended, or close a sequence that has no more to come."""
        if self._open.get(key) is sequence:
            sequence.used = now
            self._open.move_to_end(key)
        elif not sequence.under_way:
            sequence.stream.close()

    def _close_idle(self) -> None:
        """Close those that nobody has used for too long."""
        now = asyncio.get_running_loop().time()
        while self._open:
            key, sequence = next(iter(self._open.items()))
            if sequence.used + self.idle > now:
                return
            if sequence.under_way:
                sequence.used = now
                self._open.move_to_end(key)
            else:
                del self._open[key]
                sequence.stream.close()

    def _wait(self) -> None:
        """Close those that are idle now, and again when the next one may be."""
        self._close_idle()
        self._timer = None
        if self._open:
            oldest = next(iter(self._open.values()))
            loop = asyncio.get_running_loop()
            self._timer = loop.call_at(oldest.used + self.idle, self._wait)


async def _in_turn(name: int | str, sequence: Sequence, x: Array, due: float) -> Array:
    """Feed a sequence once the requests before have been answered."""
    loop = asyncio.get_running_loop()
    if sequence.under_way == 1:
        await sequence.turn.acquire()
    else:
        try:
            async with asyncio.timeout_at(due):
                await sequence.turn.acquire()
        except TimeoutError:
            raise DeadlineError(f"sequence {name!r:.80}: its turn did not come in time") from None
    try:
        if not sequence.is_open:
            raise BadRequestError(
                f"sequence {name!r:.80} is not open: the request before this one failed"
            )
        future = sequence.stream.feed(x)
        return await within(due - loop.time(), future)  # type: ignore[no-any-return]
    finally:
        sequence.turn.release()


def _id(parameters: Mapping[str, Any]) -> int | str:
    name: Any = parameters["sequence_id"]
    number = type(name) is int and 0 < name <= _LARGEST
    if not number and not (isinstance(name, str) and len(name) <= MOST_CHARACTERS):
        raise BadRequestError(
            f"parameters: sequence_id: expected a whole number up to 2**64 - 1, or a text of up to "
            f"{MOST_CHARACTERS} characters, got {name!r:.80}"
        )
    return name  # type: ignore[no-any-return]


def _flag(parameters: Mapping[str, Any], name: str) -> bool:
    value = parameters.get(name, False)
    if not isinstance(value, bool):
        raise BadRequestError(f"parameters: {name}: expected true or false, got {value!r:.80}")
    return value
