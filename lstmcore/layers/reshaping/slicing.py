"""GetItem: indexing and slicing as a layer, such as ``x[:, -1]`` of a symbolic tensor."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from ...validation import Array
from ..base import Back, Layer, Shape, registry

_ALL = [None, None, None]  # a whole axis


def _index(parts: list[Any]) -> tuple[Any, ...]:
    return tuple(slice(*part) if isinstance(part, list) else part for part in parts)


@registry.add()
class GetItem(Layer):
    """Index or slice the input: ``GetItem([[None, None, None], -1])(x)`` is ``x[:, -1]``.

    Slices of steps have their mask. Where steps are counted masked steps count like any others:
    ``x[:, -1]`` is the last step of the array, which is padding where a row is shorter (of a
    recurrent layer's outputs it is the last state, carried on).

    Parameters
    ----------
    key : list
        For each axis, batch axis first, an index or ``[start, stop, step]``, any of them None;
        further axes are taken whole. None alone is a new axis of size 1, ``"..."`` stands for the
        axes that are not named.
    **kwargs
        `name`, `dtype`, `trainable`: see `Layer`.

    Examples
    --------
    >>> from lstmcore import Input
    >>> Input((10, 3))[:, -1].shape
    (None, 3)
    """

    takes_whole: ClassVar[bool] = True

    def __init__(self, key: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        parts = list(key) if isinstance(key, list | tuple) else [key]
        self.key = [self._part(part) for part in parts]
        if not self.key or self.key[0] not in (_ALL, "..."):
            raise self.error("key", "all samples (x[:, ...])", repr(key))
        if self.key.count("...") > 1:
            raise self.error("key", "at most one ...", repr(key))

    def _part(self, part: Any) -> Any:
        if part is None or part is Ellipsis or (isinstance(part, str) and part == "..."):
            return None if part is None else "..."
        if isinstance(part, slice):
            part = [part.start, part.stop, part.step]
        numbers = part if isinstance(part, list | tuple) and len(part) == 3 else [part]
        whole = (isinstance(n, int | np.integer) and not isinstance(n, bool) for n in numbers)
        if not all(n is None or fits for n, fits in zip(numbers, whole, strict=True)):
            raise self.error("key", "whole numbers, slices, None and ...", repr(part))
        found = [None if n is None else int(n) for n in numbers]
        return found if len(found) == 3 else found[0]

    def _parts(self, shape: Shape) -> list[Any]:
        """Return the key for an input of this shape, without ``"..."``."""
        named = sum(part is not None and part != "..." for part in self.key)
        if named > len(shape):
            raise self.error("x", f"an array of {named} axes or more", f"shape {shape}")
        rest = [_ALL] * (len(shape) - named)
        at = self.key.index("...") if "..." in self.key else len(self.key)
        parts = [*self.key[:at], *rest, *self.key[at + 1 :]]
        if parts[0] != _ALL:
            raise self.error("key", "all samples (x[:, ...])", repr(self.key))
        return parts

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of the slice; None for axes whose size is unknown."""
        shape: list[int | None] = []
        sizes = iter(input_shape)
        for part in self._parts(input_shape):
            if part is None:
                shape.append(1)
                continue
            size = next(sizes)
            if isinstance(part, list):
                free = size is None and part != _ALL
                taken = None if size is None or free else len(range(*slice(*part).indices(size)))
                shape.append(taken)
            elif size is not None and not -size <= part < size:
                raise self.error("x", f"an axis with a place {part}", f"shape {input_shape}")
        return tuple(shape)

    def compute_mask(self, x: Any, mask: Any) -> Any:
        """Return the mask of what is selected; None if the axes that it is of are indexed away."""
        if mask is None:
            return None
        own: list[Any] = []  # of the axes that the mask is of, with those that come between
        for part in self._parts(x.shape):
            if sum(entry is not None for entry in own) == mask.ndim:
                break
            own.append(part)
        selected = mask[_index(own)]
        return selected if selected.ndim > 1 or mask.ndim == 1 else None

    def forward(self, x: Array, grad: bool = False) -> tuple[Array, Back | None]:
        """Return a contiguous copy of the slice; its backward function is 0 elsewhere."""
        shape, dtype = x.shape, x.dtype
        self.compute_output_shape(shape)
        index = _index(self._parts(shape))
        y = np.ascontiguousarray(x[index])
        if not grad:
            return y, None

        def back(dy: Array, need_dx: bool = True) -> Array:
            dx = np.zeros(shape, dtype)
            dx[index] = dy
            return dx

        return y, back
