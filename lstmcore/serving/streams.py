"""Streams of served models: what sequences and sockets feed step by step.

Streams of the same weights that get equally many steps are fed as one batch, however far each has
come. As with `predict`, no bit of a row depends on the others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..streaming import Stream, feed_together
from ..validation import Array
from .adapter import fitted
from .errors import BadRequestError, UnavailableError
from .network import LENGTHS, Network
from .served import Served
from .tensors import TensorSpec


class ServedStream:
    """A stream of a version of a model, which it keeps alive until `close`.

    Parameters
    ----------
    served : Served
    rows : int, default 1

    Attributes
    ----------
    input, output : TensorSpec
        With a free number of steps.
    is_open : bool

    Raises
    ------
    BadRequestError
        If the model cannot be streamed.
    """

    def __init__(self, served: Served, rows: int = 1) -> None:
        self.served, self.rows = served, rows
        self.input, self.output = stream_specs(served)
        try:
            self.stream: Stream = served.adapter.model.stream(rows)
        except ValueError as error:
            raise BadRequestError(f"model {served.name!r} has no streams: {error}") from None
        except MemoryError:
            raise UnavailableError("there is not enough memory for another stream") from None
        served.hold()
        self.is_open = True

    def accept(self, array: Array) -> Array:
        """Return the next steps (rows, steps, ...) as they go in.

        Raises
        ------
        BadRequestError, TooLargeError
            If they do not fit.
        """
        array = fitted(array, self.input)
        self.served.limits.check_sizes(*array.shape[:2])
        if len(array) != self.rows:
            raise BadRequestError(
                f"input {self.input.name!r}: expected {self.rows} rows, as at its start, got "
                f"{len(array)}"
            )
        return array

    def feed(self, array: Array) -> asyncio.Future[Array]:
        """Queue steps that `accept` returned; the future gets the output.

        The next ones may be queued when it is done.
        """
        rows, steps = array.shape[:2]
        return self.served.worker.submit(
            (self.stream, array),
            _feed,
            key=(self.stream._program, steps),
            rows=rows,
            size=rows * steps,
        )

    def close(self) -> None:
        """Let the version go."""
        if self.is_open:
            self.is_open = False
            self.served.release()


def stream_specs(served: Served) -> tuple[TensorSpec, TensorSpec]:
    """Return what goes into a model's streams and comes out; raise BadRequestError without any."""
    adapter = served.adapter
    inputs = [spec for spec in adapter.inputs if spec.name != LENGTHS]
    one = isinstance(adapter, Network) and len(inputs) == 1 and len(inputs[0].shape) > 1
    if not one or not hasattr(adapter.model, "stream"):
        raise BadRequestError(
            f"model {served.name!r} has no streams: expected a Sequential model, got a "
            f"{type(adapter.model).__name__}"
        )
    spec = inputs[0]
    return TensorSpec(spec.name, spec.datatype, (-1, -1, *spec.shape[2:])), adapter.outputs[0]


def _feed(payloads: Sequence[tuple[Stream, Array]]) -> list[Array]:
    if len(payloads) == 1:
        stream, x = payloads[0]
        return [stream.feed(x)]
    streams: list[Any] = [stream for stream, _ in payloads]
    y = feed_together(streams, np.concatenate([x for _, x in payloads]))
    ends = np.cumsum([stream.batch_size for stream in streams])[:-1]
    return np.split(y, ends)
