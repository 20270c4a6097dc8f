"""Predictor: the mixin with `predict` and `trace`."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Any

import numpy as np

from ..callbacks import Callback, Listeners, progress
from ..callbacks.callback_list import listed
from ..inspection import Trace, inner_layers, watching
from ..ragged import Ragged, pad
from ..refused.arguments import checked
from ..validation import Array, whole
from .batches import BatchOutputs, joined, mask_or_list, one_or_list
from .iterables import batches_of, is_source
from .mixin import Mixin


class Predictor(Mixin):
    """The mixin that predicts, traces gates and resets states: all that needs no targets.

    It is for a class that is a `Layer` and writes `convert_inputs`.
    """

    def convert_inputs(self, x: Any, what: str = "x") -> list[Any]:
        """Convert a user's samples to the form the layers take; build the model if necessary.

        Returns
        -------
        list of ndarray or Ragged
            One for each input.
        """
        raise NotImplementedError

    def pack_outputs(self, outputs: list[Any]) -> Any:
        """Return outputs in the structure in which the model's own were given."""
        return outputs[0]

    @property
    def input_names(self) -> list[str]:
        """The names of the inputs."""
        return ["x"]

    def reset_states(self) -> None:
        """Reset the states of all stateful layers, nested ones included."""
        _reset_states(self)

    @checked
    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Any = "auto",
        steps: int | None = None,
        callbacks: Sequence[Callback] | None = None,
        *,
        out: Any = None,
    ) -> Any:
        """Return the output for samples.

        Any number of threads may predict at once.

        Parameters
        ----------
        x : array_like, (samples, ...), or list of sequences of different lengths
            For several inputs a list or dict of these. Or an iterable of batches: of x, ``(x,)``
            or ``(x, y, ...)``.
        batch_size : int, default 32
            Number of samples that go through the layers together; it does not change the results.
        verbose : {"auto", 0, 1, 2}
            "auto": a progress bar on a terminal if it takes over a second, and nothing elsewhere.
        steps : int, optional
            Number of batches to take of an iterable; the default is all.
        callbacks : list of Callback, optional
        out : ndarray or memmap, optional
            For a model of one output: an array of its shape and dtype to write the output to.

        Returns
        -------
        ndarray, (samples, ...)
            Of the model's dtype. For sequences of different lengths and an output with a time axis
            a list of arrays, each as long as its input, also for batches of different lengths. For
            several outputs a list or dict, in the structure the model was made with.
        """
        if is_source(x):
            if out is not None:
                raise ValueError("predict: out: expected None for batches from outside")
            return self._predict_source(x, steps, verbose, callbacks)
        columns = self.convert_inputs(x)
        samples, size = len(columns[0]), whole("batch_size", batch_size, 32)
        if steps is not None:
            samples = min(samples, whole("steps", steps, 1) * size)
            columns = [column[:samples] for column in columns]
        outputs = self._batch_outputs(columns, out)
        listeners = self._listeners(verbose, callbacks, math.ceil(samples / size))
        try:
            listeners.call("on_predict_begin", {})
            for i, start in enumerate(range(0, samples, size)):
                listeners.call("on_predict_batch_begin", i, {})
                part = slice(start, start + size)
                made = self._write(outputs, part, [column[part] for column in columns])
                listeners.call("on_predict_batch_end", i, {"outputs": self.pack_outputs(made)})
            listeners.call("on_predict_end", {})
        finally:
            listeners.close()
        return self.pack_outputs([output.out for output in outputs])

    @checked
    def predict_iter(self, x: Any, batch_size: int | None = None) -> Iterator[Any]:
        """Yield the output of one batch after another; see `predict`.

        Outputs are not collected, so all of them together need not fit into memory.
        """
        if is_source(x):
            for entry in batches_of(x):
                yield self.predict_on_batch(entry[0] if isinstance(entry, tuple) else entry)
            return
        columns, size = self.convert_inputs(x), whole("batch_size", batch_size, 32)
        for start in range(0, len(columns[0]), size):
            yield self._predict_columns([column[start : start + size] for column in columns])

    @checked
    def predict_on_batch(self, x: Any) -> Any:
        """Return the output for one batch of samples, as `predict` does."""
        return self._predict_columns(self.convert_inputs(x))

    def _predict_columns(self, columns: list[Any]) -> Any:
        return self.pack_outputs(self._outputs_of(columns))

    def _outputs_of(self, columns: list[Any]) -> list[Any]:
        """Return each output for one batch, without padding."""
        return self._write(self._batch_outputs(columns), slice(None), columns)

    def _write(self, outputs: list[BatchOutputs], part: slice, columns: list[Any]) -> list[Any]:
        """Compute a batch and write it to `outputs`; return each output without padding."""
        ys, masks = self._predict_batch(columns)
        triples = zip(outputs, ys, masks, strict=True)
        return [output.write(part, y, mask) for output, y, mask in triples]

    def _predict_source(self, x: Any, steps: Any, verbose: Any, callbacks: Any) -> Any:
        """Return the joined outputs for an iterable of batches."""
        limit = None if steps is None else whole("steps", steps, 1)
        known = limit or (len(x) if hasattr(x, "__len__") else None)
        listeners = self._listeners(verbose, callbacks, known)
        parts: list[Any] = []
        try:
            listeners.call("on_predict_begin", {})
            for i, entry in enumerate(islice(batches_of(x), limit)):
                listeners.call("on_predict_batch_begin", i, {})
                given = entry[0] if isinstance(entry, tuple) else entry
                parts.append(self._outputs_of(self.convert_inputs(given)))
                outputs = self.pack_outputs(parts[-1])
                listeners.call("on_predict_batch_end", i, {"outputs": outputs})
            listeners.call("on_predict_end", {})
        finally:
            listeners.close()
        if not parts:
            raise ValueError("predict: x: expected at least one batch, got none")
        return self.pack_outputs([joined(column) for column in zip(*parts, strict=True)])

    def _listeners(self, verbose: Any, callbacks: Any, steps: int | None) -> Listeners:
        shown = progress(verbose, delay=1, lines=verbose != "auto")
        params = {"verbose": verbose, "epochs": 1, "steps": steps}
        return Listeners([*listed(callbacks), *shown], self, params)

    def _batch_outputs(self, columns: list[Any], out: Any = None) -> list[BatchOutputs]:
        def shapes_for(inputs: list[Any]) -> list[Any]:
            shape: Any = self.compute_output_shape(one_or_list(inputs))
            return [shape] if self.single_output else list(shape)

        def alone(k: int, inputs: list[Any]) -> Any:
            return shapes_for(inputs)[k]

        shapes = shapes_for([column.shape for column in columns])
        if out is not None:
            self._check_out(out, shapes)
        return [
            BatchOutputs(columns, shape, partial(alone, k), out) for k, shape in enumerate(shapes)
        ]

    def _check_out(self, out: Any, shapes: list[Any]) -> None:
        if len(shapes) > 1:
            raise ValueError(f"predict: out: expected None for {len(shapes)} outputs")
        plain = isinstance(out, np.ndarray) and not isinstance(out, np.ma.MaskedArray)
        if not plain or not out.flags.writeable or out.dtype != self.dtype:
            got = f"{out.dtype} {out.shape}" if plain else type(out).__name__
            raise ValueError(f"predict: out: expected a writable {self.dtype} array, got {got}")
        if out.shape != tuple(shapes[0]):
            raise ValueError(f"predict: out: expected shape {shapes[0]}, got {out.shape}")

    def trace(self, x: Any, mask: Any = None) -> dict[str, Trace]:
        """Return all gates, cell states and outputs of the recurrent layers at every time step.

        Parameters
        ----------
        x : array_like, (samples, ...), or list of sequences of different lengths
            All in one batch; shorter sequences are padded with masked steps to the longest.
        mask : array_like of bool, (samples, time), optional
            True at unmasked steps.

        Returns
        -------
        dict of str to lstmcore.inspection.Trace
            One for each LSTM, GRU and SimpleRNN, in the order of use. The name of a nested layer
            is prefixed by the outer one's: ``"bidirectional/forward_lstm"``. Time is in the order
            of the layer's input. As in `predict` there is no dropout; the states of stateful
            layers do not change. `RNN`, whose cells may be any class, has no trace.

        Examples
        --------
        >>> import numpy as np
        >>> from lstmcore import Sequential, layers
        >>> model = Sequential([layers.LSTM(8, name="lstm"), layers.Dense(1)])
        >>> model.trace(np.zeros((2, 5, 3)))["lstm"].gates["f"].shape
        (2, 5, 8)
        """
        x, masks = self.padded(x, mask)
        with watching(self) as traces:
            self.run(x, False, masks)
        return traces

    def padded(self, x: Any, mask: Any = None) -> tuple[Any, Any]:
        """Return all samples as one padded batch, and the masks, in the form `run` takes."""
        columns = self.convert_inputs(x)
        given = mask if len(columns) > 1 and mask is not None else [mask] * len(columns)
        pairs = [pad(c, "x", m) for c, m in zip(columns, given, strict=True)]
        return one_or_list([x for x, _ in pairs]), mask_or_list([m for _, m in pairs])

    def kernel_info(self) -> dict[str, dict[str, Any] | None]:
        """Return how each recurrent layer's last call ran, None before the first.

        Names are as in `trace`; see `lstmcore.layers.LSTM.kernel_info`.
        """
        layers = inner_layers(self)
        recurrent = ((path, inner) for path, inner in layers if hasattr(type(inner), "core_cell"))
        return {path: inner.kernel_info() for path, inner in recurrent}

    def _predict_batch(self, columns: list[Any]) -> tuple[list[Array], list[Any]]:
        """Return the outputs of a batch, and their masks."""
        pairs = [c.padded() if isinstance(c, Ragged) else (c, None) for c in columns]
        masks = [mask for _, mask in pairs]
        y, _, out_mask = self.run(one_or_list([x for x, _ in pairs]), False, mask_or_list(masks))
        ys = list(y) if isinstance(y, tuple) else [y]
        given = list(out_mask) if isinstance(out_mask, list | tuple) else [out_mask]
        out_masks = [*given, *[None] * (len(ys) - len(given))]
        return ys, out_masks

    def check_order(self, masks: Sequence[Any], out_masks: Sequence[Any]) -> None:
        """Raise ValueError if the padding of an output is not where that of the input is."""
        mask = next((m for m in masks if m is not None), None)
        if mask is None:
            return
        for out in out_masks:
            if out is not None and out.shape == mask.shape and (out > mask).any():
                raise ValueError(
                    f"model {self.name!r}: expected an output in the order of the input, got one "
                    "with the padding elsewhere (go_backwards): x must be an array for that"
                )


def _reset_states(layer: Any) -> None:
    for inner in layer.sublayers():
        reset = getattr(inner, "reset_states", None)
        if reset is None:
            _reset_states(inner)
        else:
            reset()
