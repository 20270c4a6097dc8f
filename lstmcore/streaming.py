"""Streams: inference with a trained model step by step, with its states stored in between."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self

import numpy as np

from . import _core
from .layers.base import Layer, unstreamable
from .layers.core.embedding import Embedding
from .names import is_builtin
from .validation import Array, as_array, entries


class StreamProgram:
    """The layers of a model and their weights at one moment, shared by all its streams.

    Parameters
    ----------
    model : Sequential
        A built model.

    Raises
    ------
    ValueError
        If a layer cannot be streamed; the message names it and gives the reason.
    """

    def __init__(self, model: Any) -> None:
        self.lookup, inputs, chain = stream_parts(model)
        if self.lookup is not None:
            self.table = self.lookup.look_up(np.arange(self.lookup.input_dim))
        self.names = [path for path, _, part in chain if isinstance(part[0], _core.Packed)]
        self.program = _core.Program(inputs, [part for *_, part in chain])

    def token_vectors(self) -> Array:
        """Return the first layer's input for each token: its embedding, or a one-hot vector."""
        if self.lookup is None:
            return np.eye(self.program.inputs, dtype=self.program.dtype)
        table: Array = self.table
        return table


def stream_parts(model: Any) -> tuple[Embedding | None, int, list[tuple[str, Layer, Any]]]:
    """Return how a model is streamed: a first embedding, the width behind it, and the layers.

    Returns
    -------
    lookup : Embedding or None
    inputs : int
        The features of the first layer behind it.
    chain : list of (path, layer, part)
        `part` is that of `Layer.stream_part`; layers that do nothing are left out.

    Raises
    ------
    ValueError
        If a layer cannot be streamed; the message names it and gives the reason.
    """
    lookup: Embedding | None = None
    flat, inputs, axes = list(_flattened(model)), model.input_shape[-1], len(model.input_shape)
    if flat and isinstance(flat[0][1], Embedding):
        lookup = flat.pop(0)[1]
        if lookup.mask_zero:
            raise unstreamable(lookup, "mask_zero=True: a stream has no padding")
        inputs, axes = lookup.output_dim, axes + 1
    if axes != 3:
        wanted = "expected one that takes sequences, (batch, time, ...)"
        raise ValueError(f"model {model.name!r}: stream: {wanted}, got {model.input_shape}")
    parts = ((path, layer, layer.stream_part()) for path, layer in flat)
    chain = [(path, layer, part) for path, layer, part in parts if part is not None]
    if not chain:
        raise ValueError(f"model {model.name!r}: has no layer that could be streamed")
    return lookup, inputs, chain


def _flattened(model: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield (path, layer) for the layers of a model and of nested models."""
    _check_class(model)
    for layer in model.layers:
        if hasattr(layer, "stream") and not hasattr(layer, "graph"):  # a nested Sequential
            yield from _flattened(layer, f"{prefix}{layer.name}/")
        else:
            _check_class(layer)
            yield prefix + layer.name, layer


def _check_class(layer: Layer) -> None:
    """Raise ValueError for a user's class with its own `forward` but without `stream_part`."""
    for cls in type(layer).__mro__:
        if "stream_part" in vars(cls) or is_builtin(cls):
            return
        if "forward" in vars(cls) or "run" in vars(cls):
            raise unstreamable(layer, f"{cls.__name__} has a forward of its own")


class Stream(_core.Stream):
    """Inference with a trained model as its input arrives; from `Sequential.stream`.

    Feeding a sequence in pieces of any size gives results that are bit-identical to those of
    `predict` for the whole sequence. The weights are those at the time the stream was made. They
    are shared by all streams of the model, and do not change with it. A stream stores only its
    states, so there can be thousands of them. Only one thread at a time may use a stream.

    Attributes
    ----------
    batch_size : int
        The number of rows of its input.
    """

    def __new__(cls, program: StreamProgram, batch_size: int = 1) -> Self:
        return super().__new__(cls, program.program, batch_size, program.lookup is not None)

    def __init__(self, program: StreamProgram, batch_size: int = 1) -> None:
        self._program = program

    def _embed(self, numbers: Any, ndim: int) -> Array:
        layer, table = self._program.lookup, self._program.table
        assert layer is not None
        numbers = as_array(numbers, "int64", f"layer {layer.name!r} (Embedding): x")
        if numbers.ndim == ndim - 1 and self.batch_size == 1:
            numbers = numbers[None]
        if numbers.ndim != ndim or len(numbers) != self.batch_size:
            axes = f"({self.batch_size},)" if ndim == 1 else f"({self.batch_size}, steps)"
            raise layer.error("x", f"whole numbers of shape {axes}", numbers.shape)
        if not 0 <= numbers.min() <= numbers.max() < len(table):
            bad = numbers.min() if numbers.min() < 0 else numbers.max()
            raise layer.error("x", f"numbers from 0 to {len(table) - 1}", int(bad))
        vectors: Array = table.take(numbers, axis=0)
        return vectors

    # -- tokens ----------------------------------------------------------------------------

    def read(self, tokens: Any) -> Array:
        """Feed the indices of tokens, one after another; return the output after the last.

        For a stream of one row whose inputs are tokens, either indices for an `Embedding` or
        one-hot vectors.
        """
        numbers = as_array(tokens, "int64", "tokens")
        if self._program.lookup is None:
            table = self._program.token_vectors()
            if not 0 <= numbers.min() <= numbers.max() < len(table):
                raise ValueError(f"tokens: expected numbers from 0 to {len(table) - 1}")
            numbers = table[numbers]
        y = self.feed(numbers[None])
        return np.array(y[0, -1] if y.ndim == 3 else y[0])

    def sample(
        self, output: Array, uniforms: Array, *, logits: bool = False, never: int = -1, **how: Any
    ) -> Array:
        """Draw tokens one after another and feed each; all of it in C, without the GIL.

        Parameters
        ----------
        output : ndarray, (tokens,)
            The result of `read`, from which the first token is drawn. It is overwritten with the
            output after the last token.
        uniforms : ndarray of float64, (n,)
            A uniform random number in [0, 1) for each token.
        logits : bool, default False
            The outputs are logits, not probabilities.
        never : int, default -1
            A token that is never drawn.
        **how
            `temperature`, `top_k` (0: all) and `top_p`, see `lstmcore.text.generate`.

        Returns
        -------
        ndarray of int64, (n,)
        """
        table = self._program.token_vectors()
        if len(table) != self._program.program.outputs:
            raise ValueError(
                "sample: expected a model with an output for each of the tokens that go in, "
                f"got {len(table)} tokens and {self._program.program.outputs} outputs"
            )
        tokens = np.empty(len(uniforms), np.int64)
        _core.sample(self, table, output, uniforms, tokens, logits=logits, never=never, **how)
        return tokens

    # -- states ----------------------------------------------------------------------------

    @property
    def state(self) -> dict[str, tuple[Array, ...]]:
        """Copies of the states of every recurrent layer; assign them to restore them.

        A dict by the layer's name; for a layer of a nested model by its path, ``"inner/lstm"``.
        """
        own = self._named_arrays()
        return {name: tuple(a.copy() for a in arrays) for name, arrays in own.items()}

    @state.setter
    def state(self, state: Mapping[str, Sequence[Any]]) -> None:
        own = self._named_arrays()
        if not isinstance(state, Mapping) or set(state) != set(own):
            got = list(state) if isinstance(state, Mapping) else type(state).__name__
            raise ValueError(f"state: expected a dict of the layers {list(own)}, got {got}")
        pairs = [
            pair
            for name, arrays in own.items()
            for pair in _match_states(name, arrays, state[name])
        ]
        for mine, given in pairs:  # only after all were checked
            mine[...] = given

    def _named_arrays(self) -> dict[str, list[Array]]:
        return dict(zip(self._program.names, self.arrays(), strict=True))

    def reset(self, rows: Any = None) -> None:
        """Set the states to 0.

        Parameters
        ----------
        rows : int or sequence of int, optional
            Only these rows of the batch.
        """
        which: Any = slice(None)
        if rows is not None:
            which = np.asarray(rows)
            if which.dtype.kind not in "iu" and which.size:
                raise TypeError(f"rows: expected whole numbers, got {rows!r}")
            which = which.astype(np.intp)
            n = self.batch_size
            if not ((-n <= which) & (which < n)).all():
                raise IndexError(f"rows: expected numbers from 0 to {n - 1}, got {rows!r}")
        for arrays in self.arrays():
            for array in arrays:
                array[which] = 0

    def snapshot(self) -> Stream:
        """Return a second, independent stream with the present states."""
        other = type(self)(self._program, self.batch_size)
        other.copy_rows(self, 0, 0, self.batch_size)
        return other


def _match_states(name: str, arrays: list[Array], given: Any) -> list[tuple[Array, Array]]:
    """Return pairs of a layer's state arrays and their new values, after checking the shapes."""
    what = f"state[{name!r}]"
    if not isinstance(given, tuple | list) or len(given) != len(arrays):
        got = len(given) if isinstance(given, tuple | list) else type(given).__name__
        raise ValueError(f"{what}: expected a tuple of {len(arrays)}, got {got}")
    new = [as_array(array, mine.dtype, what) for mine, array in zip(arrays, given, strict=True)]
    for mine, array in zip(arrays, new, strict=True):
        if array.shape != mine.shape:
            raise ValueError(f"{what}: expected shape {mine.shape}, got {array.shape}")
    return list(zip(arrays, new, strict=True))


def step_together(streams: Sequence[Stream], x: Any) -> Array:
    """Feed one step to many streams of the same model as one batch.

    Parameters
    ----------
    streams : sequence of Stream
        All from the same model and weights, none of them twice.
    x : array_like, (rows, features)
        The rows of all streams, concatenated.

    Returns
    -------
    ndarray, (rows, outputs)
    """
    y: Array = _together(streams, "step", x)
    return y


def feed_together(streams: Sequence[Stream], chunk: Any) -> Array:
    """Feed several steps to many streams of the same model as one batch.

    Parameters
    ----------
    streams : sequence of Stream
        All from the same model and weights, none of them twice.
    chunk : array_like, (rows, steps, features)
        The rows of all streams, concatenated; whole numbers (rows, steps) for a model that begins
        with `Embedding`.

    Returns
    -------
    ndarray
        As of `Stream.feed`, for all rows.
    """
    y: Array = _together(streams, "feed", chunk)
    return y


def _together(streams: Sequence[Stream], method: str, x: Any) -> Any:
    """Call a method of one stream that has the states of all; an error leaves them as they were."""
    streams = entries("streams", streams, "streams")
    if not streams or len({id(s) for s in streams}) != len(streams):
        raise ValueError("streams: expected one or more, none of them twice")
    for stream in streams:
        if not isinstance(stream, Stream):
            raise TypeError(f"streams: expected streams, got {type(stream).__name__}")
    rows = [s.batch_size for s in streams]
    together = type(streams[0])(streams[0]._program, sum(rows))
    starts = np.cumsum([0, *rows[:-1]])
    for stream, start, n in zip(streams, starts, rows, strict=True):
        together.copy_rows(stream, 0, start, n)
    y = getattr(together, method)(x)
    for stream, start, n in zip(streams, starts, rows, strict=True):
        stream.copy_rows(together, start, 0, n)
    return y
