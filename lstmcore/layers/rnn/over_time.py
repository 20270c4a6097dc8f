"""OverTime, base of the layers that run over the steps of a sequence and have states."""

from __future__ import annotations

from typing import Any

from ...validation import Array
from ..base import Layer
from ..calls import mask_of_steps


class OverTime(Layer):
    """A layer that returns its output at all steps or at the last, and its states if asked.

    A subclass sets `return_sequences`, `return_state`, `go_backwards` and `states`, None before the
    first call of a stateful layer.

    Parameters
    ----------
    reverse_mask : bool, default True
        With `go_backwards` the outputs come from last to first, and so does their mask. False
        leaves the mask in the order of the input, as Keras does: then it is of other steps.
    **kwargs
        See `Layer`.
    """

    return_sequences: bool
    return_state: bool
    go_backwards: bool
    states: Any

    def __init__(self, *, reverse_mask: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.reverse_mask = bool(reverse_mask)

    def compute_mask(self, x: Any, mask: Array | None = None) -> Array | None:
        """Return the mask in the order of the outputs; None without `return_sequences`."""
        mask = mask_of_steps(mask)
        if mask is None or not self.return_sequences:
            return None
        return mask[:, ::-1] if self.go_backwards and self.reverse_mask else mask

    @property
    def single_output(self) -> bool:  # type: ignore[override]
        """False if the layer returns its states beside its output."""
        return not self.return_state

    def reset_states(self) -> None:
        """Begin the next call of a stateful layer with zeros."""
        self.states = None

    reset_state = reset_states  # Keras has both names
