"""The loss of a layer `CRF`: minus the log-likelihood of sequences of tags."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..validation import plain_array
from .base import Array, registry
from .regression import MEAN
from .whole_batch import Computed, WholeBatch


@registry.add()
class CRF(WholeBatch):
    """The negative log-likelihood of the tags, a value for each sequence; its mean over them.

    The output is that of a layer `CRF`, the last one of the model: it brings the scores of tags and
    transitions along. The targets are tags, (batch, time) or (batch, time, 1), whole numbers, or
    one-hot (batch, time, tags). Masked steps, and sequences without another step, do not count.
    """

    class_numbers = True

    def __init__(
        self, reduction: str | None = MEAN, name: str | None = "crf", dtype: str | None = None
    ) -> None:
        super().__init__(name, reduction, dtype)

    def align(self, y_true: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        """Return the tags as whole numbers (batch, time)."""
        given, steps = plain_array(y_true, f"{self.what}: y_true"), shape[:-1]
        if given.shape not in (steps, (*steps, 1), shape):
            raise ValueError(
                f"{self.what}: expected tags {steps} or one-hot {shape}, got {given.shape}"
            )
        if given.shape == shape and shape[-1] > 1:
            tags: Array = given.argmax(axis=-1)
            return tags
        y = given.reshape(steps).astype(np.int64)
        if (y != given.reshape(steps)).any():
            raise ValueError(f"{self.what}: expected whole numbers as tags, got fractions")
        return y

    def count_values(
        self, y_pred: Array, mask: Array | None = None, y_true: Array | None = None
    ) -> float:
        """Return the number of sequences with an unmasked step."""
        return len(y_pred) if mask is None else int(np.count_nonzero(mask.any(axis=1)))

    def compute(self, y_true: Array, y_pred: Array, mask: Array | None) -> Computed:
        chain = self._chain_of(y_pred)
        unmasked = np.ones(y_true.shape, np.bool_)
        own = unmasked if chain.mask is None else chain.mask
        if mask is not None and (mask != own).any():
            raise ValueError(f"{self.what}: mask: expected that of the layer CRF, got another one")
        tags, count = y_true[own], y_pred.shape[-1]
        if tags.size and not 0 <= tags.min() <= tags.max() < count:
            raise ValueError(
                f"{self.what}: expected tags from 0 to {count - 1} at unmasked steps, got "
                f"{tags.min()} to {tags.max()}"
            )
        values, back_of_values = chain.losses(y_true)

        def back(dvalues: Array) -> Array:
            if chain.tags is not None and not np.array_equal(chain.tags[own], tags):
                raise ValueError(f"{self.what}: expected one loss of an output, got two")
            chain.back, chain.tags = back_of_values, y_true
            dy = np.zeros(y_pred.shape, y_pred.dtype)
            dy[:, 0, 0] = dvalues  # the layer takes the gradients of the values from here
            return dy

        return values, chain.lengths > 0, back

    def _chain_of(self, y_pred: Any) -> Any:
        """Return the chains of the output of a layer CRF, or of an array that shares its memory."""
        found, place = y_pred, y_pred.__array_interface__["data"]
        while found is not None:
            chain = getattr(found, "chain", None)
            same = getattr(found, "shape", None) == y_pred.shape
            if chain is not None and same and found.__array_interface__["data"] == place:
                return chain
            found = getattr(found, "base", None)
        raise ValueError(
            f"{self.what}: expected the output of a layer CRF, the last one of the model, got an "
            f"array of shape {y_pred.shape}"
        )
