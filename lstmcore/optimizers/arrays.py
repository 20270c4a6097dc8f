"""ArrayOptimizer: the base class of optimizers that look at each weight array as a whole.

They are computed in NumPy; the optimizers of single numbers are computed in the core.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .base import Optimizer

Array = NDArray[Any]


class Part(NamedTuple):
    """One weight array in the flat one, and its gradient.

    Parameters
    ----------
    name : str
    window : slice
    value, grad : ndarray
        Views of the weights' shape.
    """

    name: str
    window: slice
    value: Array
    grad: Array


class ArrayOptimizer(Optimizer):
    """The base class: subclass it and write `_update`, which loops over `_parts`."""

    _layout: tuple[Sequence[slice], Sequence[str], Sequence[tuple[int, ...]]] = ((), (), ())

    def step(
        self,
        param: Array,
        grad: Array,
        windows: Sequence[slice] = (),
        names: Sequence[str] = (),
        shapes: Sequence[tuple[int, ...]] = (),
    ) -> bool:
        """Update the weights in place by one step; see `Optimizer.step`.

        Without windows they count as one vector.
        """
        windows = windows or (slice(0, param.size),)
        given = list(shapes) or [(param[window].size,) for window in windows]
        if not len(windows) == len(given) == (len(names) or len(given)):
            raise ValueError(
                f"optimizer {self.name!r}: step: expected a window, a name and a shape for each "
                f"weight array, got {len(windows)}, {len(names)} and {len(given)}"
            )
        self._layout = windows, names, given
        return super().step(param, grad, windows, names)

    def _parts(self, param: Array, grad: Array) -> Iterator[Part]:
        """Yield the weight arrays."""
        windows, names, shapes = self._layout
        for i, (window, shape) in enumerate(zip(windows, shapes, strict=True)):
            name = names[i] if names else ""
            yield Part(name, window, param[window].reshape(shape), grad[window].reshape(shape))


def norm(x: Array) -> float:
    """Return the Euclidean norm of all numbers of an array."""
    return float(np.sqrt(np.add.reduce(np.square(x), axis=None)))


def rms(x: Array) -> float:
    """Return the root of the mean square of all numbers of an array."""
    return float(np.sqrt(np.mean(np.square(x))))
