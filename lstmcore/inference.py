"""Samples through a model: predict."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from .arrays import Array, whole
from .batches import Ragged, Results
from .callbacks import Callback, CallbackList, progress
from .layers.base import Layer


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
