"""Variable: a number or an array that a metric accumulates."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import initializers
from ..layers.parameters import OwnMemory


class Variable(OwnMemory):
    """A number or an array that a metric accumulates: it belongs to no layer.

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
        initial = initializers.get(initializer)
        super().__init__(name, np.array(initial(shape, dtype), dtype), initial)

    def reset(self) -> None:
        """Set it to its initial value."""
        self.assign(self.initializer(self.shape, self.value.dtype))


def shape_of(shape: Any, what: str) -> tuple[int, ...]:
    """Return a shape as a tuple of sizes; raise ValueError for anything else."""
    sizes = tuple(shape) if isinstance(shape, list | tuple) else (shape,)
    for size in sizes:
        if isinstance(size, bool) or not isinstance(size, int | np.integer) or size < 0:
            hint = " (a name goes to name=)" if isinstance(shape, str) else ""
            raise ValueError(f"{what}: shape: expected a tuple of sizes, got {shape!r}{hint}")
    return tuple(int(size) for size in sizes)
