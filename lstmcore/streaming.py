"""Streams: a trained model fed step by step, with its states kept in between."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np

from . import _core
from .arrays import Array
from .layers.base import Layer
from .layers.embedding import Embedding


class StreamPlan:
    """What the streams of one model share: its layers and their weights at one moment.

    Parameters
    ----------
    model : Sequential
        Built.

    Raises
    ------
    ValueError
        If a layer cannot be streamed; the message names it and says why.
    """

    def __init__(self, model: Any) -> None:
        layers = list(_flat(model.layers))
        self.lookup: Embedding | None = None
        if layers and isinstance(layers[0], Embedding):
            self.lookup = layers.pop(0)
            layers = self._checked_lookup(self.lookup, layers)
        parts: list[tuple[Any, ...]] = []
        self.names: list[str] = []
        inputs = self.lookup.output_dim if self.lookup is not None else model.input_shape[-1]
        for layer in layers:
            part = layer.stream_part()
            if part is None:
                continue
            parts.append(part)
            if isinstance(part[0], _core.Packed):
                self.names.append(layer.name)
        if not parts:
            raise ValueError(f"model {model.name!r}: has no layer that could be streamed")
        self.program = _core.Program(inputs, parts)

    def _checked_lookup(self, layer: Embedding, rest: list[Layer]) -> list[Layer]:
        if layer.mask_zero:
            raise _refusal(layer, "mask_zero=True: a stream has no padding")
        self.table = layer.embeddings.value.copy()
        return rest


def _flat(layers: Sequence[Any]) -> Any:
    for layer in layers:
        yield from _flat(layer.layers) if hasattr(layer, "layers") else (layer,)


def _refusal(layer: Layer, why: str) -> ValueError:
    return ValueError(f"layer {layer.name!r} ({type(layer).__name__}) cannot be streamed: {why}")


class Stream(_core.Stream):
    """A trained model that runs on as its input comes in; from `Sequential.stream`.

    Feeding a sequence in pieces of any size gives, to the last bit, what `predict` gives for the
    whole. The weights are those of the moment the stream was made, shared by all streams of the
    model and never changed, whatever becomes of the model; a stream has nothing of its own but
    its states, so thousands can live at once. A stream is for one thread at a time.

    Attributes
    ----------
    batch_size : int
        The number of rows that are fed together.
    """

    def __new__(cls, plan: StreamPlan, batch_size: int = 1) -> Self:
        return super().__new__(cls, plan.program, batch_size)

    def __init__(self, plan: StreamPlan, batch_size: int = 1) -> None:
        self._plan = plan

    def step(self, x: Any, out: Array | None = None) -> Array:
        """Feed one step.

        Parameters
        ----------
        x : array_like, (batch_size, features)
            With a batch of one also ``(features,)``; whole numbers ``(batch_size,)`` for a model
            that begins with `Embedding`.
        out : ndarray, (batch_size, outputs), optional
            Where the result goes, so that nothing is allocated.

        Returns
        -------
        ndarray, (batch_size, outputs)
            The model's output at this step.
        """
        if self._plan.lookup is not None:
            x = self._looked_up(x, 1)
        return super().step(x, out)

    def feed(self, chunk: Any) -> Array:
        """Feed several steps, with the interpreter free for other threads meanwhile.

        Parameters
        ----------
        chunk : array_like, (batch_size, steps, features)
            With a batch of one also ``(steps, features)``; whole numbers ``(batch_size, steps)``
            for a model that begins with `Embedding`.

        Returns
        -------
        ndarray
            ``(batch_size, steps, outputs)``, or ``(batch_size, outputs)`` after the last step
            where the model has no output for every step.
        """
        if self._plan.lookup is not None:
            chunk = self._looked_up(chunk, 2)
        return super().feed(chunk)

    def _looked_up(self, numbers: Any, ndim: int) -> Array:
        layer, table = self._plan.lookup, self._plan.table
        assert layer is not None
        numbers = np.asarray(numbers)
        if numbers.ndim == ndim - 1 and self.batch_size == 1:
            numbers = numbers[None]
        if numbers.ndim != ndim or numbers.dtype.kind not in "iu":
            axes = "(batch_size,)" if ndim == 1 else "(batch_size, steps)"
            got = f"{numbers.dtype} {numbers.shape}"
            raise layer.error("x", f"whole numbers of shape {axes}", got)
        if numbers.size and not 0 <= numbers.min() <= numbers.max() < len(table):
            bad = numbers.min() if numbers.min() < 0 else numbers.max()
            raise layer.error("x", f"numbers from 0 to {len(table) - 1}", int(bad))
        vectors: Array = table.take(numbers, axis=0)
        return vectors

    # -- states ----------------------------------------------------------------------------

    @property
    def state(self) -> dict[str, tuple[Array, ...]]:
        """The states of every recurrent layer, by its name: copies; set it to go back to them."""
        arrays = zip(self._plan.names, self.arrays(), strict=True)
        return {name: tuple(a.copy() for a in states) for name, states in arrays}

    @state.setter
    def state(self, state: Mapping[str, Sequence[Any]]) -> None:
        own = dict(zip(self._plan.names, self.arrays(), strict=True))
        if not isinstance(state, Mapping) or set(state) != set(own):
            got = sorted(state) if isinstance(state, Mapping) else type(state).__name__
            raise ValueError(f"state: expected a dict of the layers {sorted(own)}, got {got}")
        for name, arrays in own.items():
            if len(state[name]) != len(arrays):
                raise ValueError(f"state[{name!r}]: expected {len(arrays)} arrays")
            for mine, given in zip(arrays, state[name], strict=True):
                if np.shape(given) != mine.shape:
                    wanted = f"expected shape {mine.shape}, got {np.shape(given)}"
                    raise ValueError(f"state[{name!r}]: {wanted}")
        for name, arrays in own.items():  # only when all fits
            for mine, given in zip(arrays, state[name], strict=True):
                mine[...] = given

    def reset(self, rows: Any = None) -> None:
        """Begin anew: states of 0.

        Parameters
        ----------
        rows : int or sequence of int, optional
            Only these rows of the batch.
        """
        for arrays in self.arrays():
            for array in arrays:
                array[slice(None) if rows is None else rows] = 0

    def snapshot(self) -> Stream:
        """Return a second stream that goes on from here by itself."""
        other = type(self)(self._plan, self.batch_size)
        other.copy_rows(self, 0, 0, self.batch_size)
        return other


def step_together(streams: Sequence[Stream], x: Any) -> Array:
    """Feed one step to many streams of the same model as one batch.

    Parameters
    ----------
    streams : sequence of Stream
        All from the same model and weights, none of them twice.
    x : array_like, (rows, features)
        The rows of all streams one after the other.

    Returns
    -------
    ndarray, (rows, outputs)
    """
    if not streams or len({id(s) for s in streams}) != len(streams):
        raise ValueError("streams: expected one or more, none of them twice")
    rows = [s.batch_size for s in streams]
    together = type(streams[0])(streams[0]._plan, sum(rows))
    starts = np.cumsum([0, *rows[:-1]])
    for stream, start, n in zip(streams, starts, rows, strict=True):
        together.copy_rows(stream, 0, start, n)
    y = together.step(x)
    for stream, start, n in zip(streams, starts, rows, strict=True):
        stream.copy_rows(together, start, 0, n)
    return y
