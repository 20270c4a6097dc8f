"""Layers that change the shape of their input: Flatten, Reshape, Permute, RepeatVector."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from ...validation import Array
from ..base import Back, Layer, Shape, registry


class _Reshaping(Layer):
    """Base of the layers that change the shape, and drop the mask unless its axes stay."""

    takes_whole: ClassVar[bool] = True

    def keeps_axes(self, x: Array, ndim: int) -> bool:
        """Return True if the first `ndim` axes of the output are those of x."""
        return False

    def compute_mask(self, x: Any, mask: Any) -> Any:
        """Return the mask if the axes that it is of stay; else None, with a warning."""
        if mask is None or self.keeps_axes(x, mask.ndim):
            return mask
        self.warn_of_lost_mask("a recurrent or a global pooling layer before it uses the mask up")
        return None

    def build(self, input_shape: Shape) -> None:
        self.compute_output_shape(input_shape)


def _contiguous_reshape(x: Array, shape: tuple[int, ...]) -> Array:
    """Return x in a new shape, contiguous: layers need the last axis without gaps."""
    return np.ascontiguousarray(x.reshape(shape))


@registry.add()
class Flatten(_Reshaping):
    """Flatten each sample to one axis.

    Input ``(batch, ...)``; output ``(batch, size)``. The size of an input ``(batch,)`` is 1. The
    mask ends here, as in Keras: masked steps count like any others in what follows.

    Parameters
    ----------
    data_format : {"channels_last", "channels_first"}, optional
        With "channels_first", axis 1 is moved to the end first. Default "channels_last": the
        order of the elements does not change.
    **kwargs
        `name`, `dtype`, `trainable`, `input_shape`: see `Layer`.
    """

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        formats = ("channels_last", "channels_first")
        if data_format is not None and data_format not in formats:
            raise self.error("data_format", " or ".join(formats), repr(data_format))
        self.data_format = data_format or formats[0]

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return (batch, size of a sample)."""
        known = [n for n in input_shape[1:] if n is not None]
        whole = len(known) == len(input_shape) - 1
        return (input_shape[0], math.prod(known) if whole else None)

    def forward(self, x: Array, grad: bool = False) -> tuple[Array, Back | None]:
        """Reshape; the backward function reshapes the gradient."""
        first = self.data_format == "channels_first" and x.ndim > 2
        moved = np.moveaxis(x, 1, -1) if first else x
        y = _contiguous_reshape(moved, (len(x), math.prod(x.shape[1:])))
        if not grad:
            return y, None

        def back(dy: Array, need_dx: bool = True) -> Array:
            dx = dy.reshape(moved.shape)
            return np.ascontiguousarray(np.moveaxis(dx, -1, 1) if first else dx)

        return y, back


@registry.add()
class Reshape(_Reshaping):
    """Give each sample another shape.

    The mask is passed on if the steps stay as they are, ``(batch, time, 6)`` becoming ``(batch,
    time, 2, 3)``, say. Else it ends here, as it always does in Keras: masked steps count like any
    others in what follows.

    Parameters
    ----------
    target_shape : tuple of int
        The shape of a sample; one size may be -1 and is inferred.
    **kwargs
        `name`, `dtype`, `trainable`, `input_shape`: see `Layer`.

    Examples
    --------
    >>> import numpy as np
    >>> from lstmcore.layers import Reshape
    >>> Reshape((-1, 3))(np.zeros((5, 12))).shape
    (5, 4, 3)
    """

    def __init__(self, target_shape: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        sizes = target_shape if isinstance(target_shape, list | tuple) else None
        if sizes is None or list(sizes).count(-1) > 1:
            wanted = "a tuple of sizes, at most one of them -1"
            raise self.error("target_shape", wanted, repr(target_shape))
        self.target_shape = tuple(
            -1 if n == -1 else self.check_size("target_shape", n) for n in sizes
        )

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the batch axis and the target shape; -1 is inferred if the input is known."""
        batch, *sample = input_shape
        if None in sample:
            return (batch, *(None if n == -1 else n for n in self.target_shape))
        return (batch, *self._sizes(tuple(sample)))

    def keeps_axes(self, x: Array, ndim: int) -> bool:
        """Return True if the first `ndim` axes have the same sizes, and others follow."""
        shape = (len(x), *self._sizes(x.shape[1:]))
        return len(shape) > ndim and shape[:ndim] == x.shape[:ndim]

    def _sizes(self, sample: tuple[Any, ...]) -> tuple[int, ...]:
        """Return the target shape for samples of this shape."""
        count, known = math.prod(sample), math.prod(n for n in self.target_shape if n != -1)
        fits = count % known == 0 if -1 in self.target_shape else count == known
        if not fits:
            wanted = f"samples that go into the shape {self.target_shape}"
            raise self.error("x", wanted, f"samples of shape {sample}")
        return tuple(count // known if n == -1 else n for n in self.target_shape)

    def forward(self, x: Array, grad: bool = False) -> tuple[Array, Back | None]:
        """Reshape; the backward function reshapes the gradient."""
        y, shape = _contiguous_reshape(x, (len(x), *self._sizes(x.shape[1:]))), x.shape
        return y, (lambda dy, need_dx=True: _contiguous_reshape(dy, shape)) if grad else None


@registry.add()
class Permute(_Reshaping):
    """Permute the axes of each sample.

    The mask is passed on if the axis of time stays where it is. Else it ends here, as it always
    does in Keras: masked steps count like any others in what follows.

    Parameters
    ----------
    dims : tuple of int
        For each axis of the output, the axis of the input, counted from 1: ``(2, 1)`` swaps two.
    **kwargs
        `name`, `dtype`, `trainable`, `input_shape`: see `Layer`.
    """

    def __init__(self, dims: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        listed = dims if isinstance(dims, list | tuple) else ()
        self.dims = tuple(self.check_size("dims", n) for n in listed)
        if not self.dims or sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise self.error("dims", "each number from 1 up to the last once", repr(dims))
        self._order = (0, *self.dims)
        self._inverse = tuple(int(i) for i in np.argsort(self._order))

    def keeps_axes(self, x: Array, ndim: int) -> bool:
        """Return True if the first `ndim` axes stay."""
        return self._order[:ndim] == tuple(range(ndim))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape with its axes permuted."""
        if len(input_shape) != len(self._order):
            wanted = f"an array of {len(self._order)} axes, the batch and {len(self.dims)}"
            raise self.error("x", wanted, f"shape {input_shape}")
        return tuple(input_shape[axis] for axis in self._order)

    def forward(self, x: Array, grad: bool = False) -> tuple[Array, Back | None]:
        """Transpose; the backward function applies the inverse permutation."""
        if x.ndim != len(self._order):
            self.compute_output_shape(x.shape)  # raises ValueError
        y = np.ascontiguousarray(x.transpose(self._order))
        if not grad:
            return y, None
        return y, lambda dy, need_dx=True: np.ascontiguousarray(dy.transpose(self._inverse))


@registry.add()
class RepeatVector(_Reshaping):
    """Repeat a vector for n steps: input ``(batch, features)``, output ``(batch, n, features)``.

    Parameters
    ----------
    n : int
    **kwargs
        `name`, `dtype`, `trainable`, `input_shape`: see `Layer`.
    """

    def __init__(self, n: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.n = self.check_size("n", n)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return (batch, n, features)."""
        if len(input_shape) != 2:
            raise self.error("x", "an array of shape (batch, features)", f"shape {input_shape}")
        return (input_shape[0], self.n, input_shape[1])

    def forward(self, x: Array, grad: bool = False) -> tuple[Array, Back | None]:
        """Repeat; the backward function sums the gradient over the repetitions."""
        if x.ndim != 2:
            self.compute_output_shape(x.shape)  # raises ValueError
        y = np.repeat(x[:, None], self.n, axis=1)
        return y, (lambda dy, need_dx=True: dy.sum(axis=1)) if grad else None
