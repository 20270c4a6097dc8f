"""Variable: a number or an array that a metric accumulates."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import context, initializers
from ..autodiff.tensors import detached
from ..layers.parameters import Param
from ..validation import Array, plain_array


class Variable(Param):
    """A `Param` with memory of its own: it belongs to no layer, and nothing trains it.

    Parameters
    ----------
    name : str
    shape : tuple of int
    initializer : str, Initializer or callable
        What `reset` sets it to.
    dtype : str
    """

    __slots__ = ()

    def __init__(self, name: str, shape: tuple[int, ...], initializer: Any, dtype: Any) -> None:
        super().__init__(name, shape, initializers.get(initializer), trainable=False)
        self._set(np.array(self.initializer(shape, dtype), dtype))

    @property
    def _value(self) -> Array:
        return self.value  # whoever asks: it always has memory

    def reset(self) -> None:
        """Set it to its initial value."""
        self.assign(self.initializer(self.shape, self.value.dtype))

    def assign(self, value: Any) -> None:
        """Set it to a number, or an array of its shape, of any dtype.

        Raises
        ------
        ValueError
            If the shape is another.
        """
        if context.current().trial:
            return
        array = plain_array(detached(value), f"variable {self.name!r}")
        if array.shape != self.shape:
            raise ValueError(
                f"variable {self.name!r}: expected shape {self.shape}, got {array.shape}"
            )
        self._set(array.astype(self.value.dtype))

    def assign_add(self, value: Any) -> None:
        """Add a number or an array."""
        self.assign(self.value + np.asarray(detached(value)))

    def assign_sub(self, value: Any) -> None:
        """Subtract a number or an array."""
        self.assign(self.value - np.asarray(detached(value)))

    def _set(self, array: Array) -> None:
        array.flags.writeable = False
        self.value = array


def shape_of(shape: Any, what: str) -> tuple[int, ...]:
    """Return a shape as a tuple of sizes; raise ValueError for anything else."""
    sizes = tuple(shape) if isinstance(shape, list | tuple) else (shape,)
    for size in sizes:
        if isinstance(size, bool) or not isinstance(size, int | np.integer) or size < 0:
            hint = " (a name goes to name=)" if isinstance(shape, str) else ""
            raise ValueError(f"{what}: shape: expected a tuple of sizes, got {shape!r}{hint}")
    return tuple(int(size) for size in sizes)
