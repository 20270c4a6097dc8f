"""Samples through a model: predict, trace."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from .arrays import Array, whole
from .batches import Ragged, Results, pad
from .callbacks import Callback, CallbackList, progress
from .inspection import Trace, inner_layers, watching
from .layers.base import Layer
from .layers.recurrent import Recurrent


class Runner(Layer):
    """What every model can do with samples alone.

    A subclass writes `prepare`, and what a `Layer` needs.
    """

    uses_mask = True

    def prepare(self, x: Any, what: str = "x") -> Array | Ragged:
        """Turn what the user gave into what the layers take, building the model if need be."""
        raise NotImplementedError

    def reset_states(self) -> None:
        """Have every stateful layer, however deep, begin again without a past."""
        _reset_states(self)

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Any = "auto",
        *,
        callbacks: Sequence[Callback] | None = None,
    ) -> Any:
        """Return the output for samples. Any number of threads may predict at once.

        Parameters
        ----------
        x : array_like, (samples, ...), or list of sequences of different lengths
        batch_size : int, default 32
            How many samples go through the layers together; the results do not depend on it.
        verbose : {"auto", 0, 1, 2}
            "auto": a bar on a terminal if it takes more than a second, and nothing elsewhere.
        callbacks : list of Callback, optional

        Returns
        -------
        ndarray, (samples, ...)
            Of the model's dtype. For sequences of different lengths and an output for each step
            a list of arrays, each as long as its input.
        """
        x = self.prepare(x)
        samples, size = len(x), whole("batch_size", batch_size, 32)
        results = Results(x, self.compute_output_shape)
        shown = progress(verbose, delay=1, lines=verbose != "auto")
        params = {"verbose": verbose, "epochs": 1, "steps": math.ceil(samples / size)}
        everyone = CallbackList([*(callbacks or ()), *shown], self, params)
        try:
            everyone.call("on_predict_begin", {})
            for i, start in enumerate(range(0, samples, size)):
                everyone.call("on_predict_batch_begin", i, {})
                part = slice(start, start + size)
                y = self._predict_batch(x[part])
                results.put(part, y)
                everyone.call("on_predict_batch_end", i, {"outputs": y})
            everyone.call("on_predict_end", {})
        finally:
            everyone.close()
        return results.out

    def predict_on_batch(self, x: Any) -> Any:
        """Return the output for one batch of samples, as `predict` does."""
        x = self.prepare(x)
        results = Results(x, self.compute_output_shape)
        results.put(slice(None), self._predict_batch(x))
        return results.out

    def trace(self, x: Any, mask: Any = None) -> dict[str, Trace]:
        """Return every gate, cell state and output of every step of the recurrent layers.

        Parameters
        ----------
        x : array_like, (samples, ...), or list of sequences of different lengths
            All in one batch; sequences are padded with masked steps to the longest.
        mask : array_like of bool, (samples, time), optional
            Which steps are real.

        Returns
        -------
        dict of str to lstmcore.inspection.Trace
            One for each LSTM, GRU and SimpleRNN, in the order of use. The name of a layer inside
            another has that one's before it: ``"bidirectional/forward_lstm"``. Time is in the
            order of the layer's input. As `predict` it knows no dropout, and stateful layers
            stay where they are. `RNN`, whose cells may be anything, is not among them.

        Examples
        --------
        >>> import numpy as np
        >>> from lstmcore import Sequential, layers
        >>> model = Sequential([layers.LSTM(8, name="lstm"), layers.Dense(1)])
        >>> model.trace(np.zeros((2, 5, 3)))["lstm"].gates["f"].shape
        (2, 5, 8)
        """
        array, mask = pad(self.prepare(x), "x", mask)
        with watching(self) as traces:
            self.run(array, False, mask)
        return traces

    def kernel_info(self) -> dict[str, dict[str, Any] | None]:
        """Return how the last call of each recurrent layer ran, None before the first.

        Names are as in `trace`; see `lstmcore.layers.LSTM.kernel_info`.
        """
        layers = inner_layers(self)
        return {path: inner.kernel_info() for path, inner in layers if isinstance(inner, Recurrent)}

    def _predict_batch(self, x: Array | Ragged) -> Array:
        array, mask = x.padded() if isinstance(x, Ragged) else (x, None)
        y, _, real = self.run(array, False, mask)
        if mask is not None:
            self._check_order(mask, real)
        result: Array = y
        return result

    def _check_order(self, mask: Array, real: Array | None) -> None:
        """See to it that the steps of the output, if it has any, are those of the input."""
        if real is not None and real.shape == mask.shape and (real > mask).any():
            raise ValueError(
                f"model {self.name!r}: expected an output in the order of the input, got one with "
                "the padding elsewhere (go_backwards): x must be an array for that"
            )


def _reset_states(layer: Layer) -> None:
    for inner in layer.sublayers():
        reset = getattr(inner, "reset_states", None)
        if reset is None:
            _reset_states(inner)
        else:
            reset()
