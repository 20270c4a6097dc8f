"""GetItem: indexing and slicing as a layer, such as ``x[:, -1]`` of a symbolic tensor."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...validation import Array
from ..base import Back, Layer, Shape, registry


@registry.add()
class GetItem(Layer):
    """Index or slice the input: ``GetItem([[None, None, None], -1])(x)`` is ``x[:, -1]``.

    Parameters
    ----------
    key : list
        For each axis, batch axis first, an index or ``[start, stop, step]``, any of them None;
        further axes are taken whole.
    **kwargs
        `name`, `dtype`, `trainable`: see `Layer`.

    Examples
    --------
    >>> from lstmcore import Input
    >>> Input((10, 3))[:, -1].shape
    (None, 3)
    """

    def __init__(self, key: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        parts = list(key) if isinstance(key, list | tuple) else [key]
        self.key = [self._part(part) for part in parts]
        whole = [None, None, None]
        if not self.key or self.key[0] != whole:
            raise self.error("key", "all samples (x[:, ...])", repr(key))

    def _part(self, part: Any) -> Any:
        if isinstance(part, slice):
            part = [part.start, part.stop, part.step]
        numbers = part if isinstance(part, list | tuple) and len(part) == 3 else [part]
        if not all(
            n is None or (isinstance(n, int | np.integer) and not isinstance(n, bool))
            for n in numbers
        ) or (len(numbers) == 1 and part is None):
            raise self.error("key", "whole numbers and slices", repr(part))
        found = [None if n is None else int(n) for n in numbers]
        return found if len(found) == 3 else found[0]

    def _index(self) -> tuple[Any, ...]:
        return tuple(slice(*part) if isinstance(part, list) else part for part in self.key)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of the slice; None for axes whose size is unknown."""
        if len(self.key) > len(input_shape):
            wanted = f"an array of {len(self.key)} axes or more"
            raise self.error("x", wanted, f"shape {input_shape}")
        shape: list[int | None] = []
        for part, size in zip(self.key, input_shape, strict=False):
            if isinstance(part, list):
                free = size is None and part != [None, None, None]
                taken = None if size is None or free else len(range(*slice(*part).indices(size)))
                shape.append(taken)
            elif size is not None and not -size <= part < size:
                raise self.error("x", f"an axis with a place {part}", f"shape {input_shape}")
        return (*shape, *input_shape[len(self.key) :])

    def compute_mask(self, x: Any, mask: Any) -> Any:
        """Return the mask of the selected steps; None if the time axis is indexed away."""
        if mask is None:
            return None
        selected = mask[self._index()[: mask.ndim]]
        return selected if selected.ndim > 1 or mask.ndim == 1 else None

    def forward(self, x: Array, grad: bool = False) -> tuple[Array, Back | None]:
        """Return a contiguous copy of the slice; its backward function is 0 elsewhere."""
        index, shape, dtype = self._index(), x.shape, x.dtype
        self.compute_output_shape(shape)
        y = np.ascontiguousarray(x[index])
        if not grad:
            return y, None

        def back(dy: Array, need_dx: bool = True) -> Array:
            dx = np.zeros(shape, dtype)
            dx[index] = dy
            return dx

        return y, back
