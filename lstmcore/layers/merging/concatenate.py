"""Concatenate and Dot; the functional forms of all merging layers."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from ... import _core
from ..._binding.numpy_blas import matmul
from ...validation import Array
from ..base import Back, Shape, registry
from ..calls import expand_mask
from .elementwise import Add, Average, Maximum, Merge, Minimum, Multiply, Subtract

_EPSILON = 1e-7  # Keras's backend.epsilon(): the least norm that a vector is divided by


@registry.add()
class Concatenate(Merge):
    """Concatenate the inputs along an axis.

    Along the time axis the masks are concatenated too; along another, a step is unmasked if it
    is unmasked in any input (`unmasked`).

    Parameters
    ----------
    axis : int, default -1
        The axis to concatenate; the inputs must agree in all others.
    **kwargs
        `unmasked`: see `Merge`; `name`, `dtype`, `trainable`: see `Layer`.

    Examples
    --------
    >>> import numpy as np
    >>> from lstmcore.layers import Concatenate
    >>> Concatenate()([np.zeros((2, 5, 3)), np.zeros((2, 5, 1))]).shape
    (2, 5, 4)
    """

    takes_whole: ClassVar[bool] = True

    def __init__(self, axis: int = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if isinstance(axis, bool) or not isinstance(axis, int | np.integer):
            raise self.error("axis", "an int", repr(axis))
        self.axis = int(axis)

    def compute_output_shape(self, input_shape: Any) -> Shape:
        """Return the shape of the first input with the sizes along the axis added up."""
        shapes = self.check_inputs(input_shape)
        ndim = len(shapes[0])
        if not -ndim <= self.axis < ndim:
            raise self.mismatch(f"inputs with an axis {self.axis}", shapes)
        axis = self.axis % ndim
        for shape in shapes:
            others = zip(shape, shapes[0], range(ndim), strict=False)
            if len(shape) != ndim or any(
                i != axis and None not in (a, b) and a != b for a, b, i in others
            ):
                raise self.mismatch(f"inputs that agree in all axes but {self.axis}", shapes)
        along = [shape[axis] for shape in shapes]
        known = [n for n in along if n is not None]
        total = sum(known) if len(known) == len(along) else None
        return (*shapes[0][:axis], total, *shapes[0][axis + 1 :])

    def compute_mask(self, x: Any, mask: Any) -> Any:
        """Return the masks, combined along the same axis as the inputs."""
        if mask is None or self.unmasked is None or all(m is None for m in mask):
            return None
        axis = self.axis % x[0].ndim
        ndim = max(m.ndim for m in mask if m is not None)
        if axis >= ndim:
            return self.combined(mask)
        masks = [
            np.broadcast_to(True if m is None else expand_mask(m, ndim), part.shape[:ndim])
            for m, part in zip(mask, x, strict=True)
        ]
        return np.concatenate(masks, axis=axis)

    def call_output_shape(self, input_shape: Any, **options: Any) -> Shape:
        """Return the shape of the output in a graph, where the batch axis must stay."""
        if self.axis % len(self.check_inputs(input_shape)[0]) == 0:
            wanted = "an axis after the first, the batch: a model has an output for each sample"
            raise self.error("axis", wanted, f"{self.axis} in a graph")
        return self.compute_output_shape(input_shape)

    def forward(self, x: list[Array], grad: bool = False) -> tuple[Array, Back | None]:
        """Concatenate the inputs; the backward function splits the gradient."""
        axis = self.axis
        try:
            y = _concatenated(x, axis)
        except ValueError:
            self.compute_output_shape([part.shape for part in x])  # raises a clearer error
            raise
        if not grad:
            return y, None

        def back(dy: Array, need_dx: bool = True) -> list[Array]:
            ends = itertools.accumulate(part.shape[axis] for part in x)
            head = (slice(None),) * (axis % y.ndim)
            pairs = zip(x, ends, strict=True)
            windows = ((*head, slice(end - part.shape[axis], end)) for part, end in pairs)
            parts = [dy[window] for window in windows]
            return parts if dy.ndim > 2 else [np.ascontiguousarray(part) for part in parts]

        return y, back


def _concatenated(x: list[Array], axis: int) -> Array:
    """Return the arrays as one, on memory from the core's pool where NumPy would take its own.

    Not where NumPy keeps another order of the axes in memory, as it does if all inputs have it.
    """
    first, ndim = x[0], x[0].ndim
    pooled = first.dtype.char in "fd" and -ndim <= axis < ndim
    if not pooled or any(part.dtype != first.dtype or part.ndim != ndim for part in x):
        return np.concatenate(x, axis=axis)
    if not any(part.flags.c_contiguous for part in x):
        return np.concatenate(x, axis=axis)
    shape = list(first.shape)
    shape[axis] = sum(part.shape[axis] for part in x)
    return np.concatenate(x, axis=axis, out=_core.empty(tuple(shape), first.dtype))


@registry.add()
class Dot(Merge):
    """Dot products of the vectors along an axis of each of two inputs, for each sample.

    The output has the remaining axes of the first input, then those of the second, or one axis of
    size 1 if none remain. It has no mask, as in Keras: masked steps count like any others.

    Parameters
    ----------
    axes : int or (int, int)
        The axis of both inputs, or one for each; not the batch axis.
    normalize : bool, default False
        Normalize the vectors to length 1 first, so that the products are cosines.
    **kwargs
        `name`, `dtype`, `trainable`: see `Layer`.

    Examples
    --------
    >>> import numpy as np
    >>> from lstmcore.layers import Dot
    >>> Dot(axes=(1, 2))([np.ones((2, 3, 5)), np.ones((2, 10, 3))]).shape
    (2, 5, 10)
    """

    least, most = 2, 2

    dropped: ClassVar[tuple[str, ...]] = ("unmasked",)

    def __init__(self, axes: int | Sequence[int], normalize: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        pair: list[Any] = list(axes) if isinstance(axes, list | tuple) else [axes, axes]
        whole = (isinstance(a, int | np.integer) and not isinstance(a, bool) for a in pair)
        if len(pair) != 2 or not all(whole) or 0 in pair:
            raise self.error("axes", "an int or two, and not 0, the batch", repr(axes))
        self.axes = tuple(pair) if isinstance(axes, list | tuple) else axes
        self.normalize = bool(normalize)
        self._pair = pair

    def _check_axes(self, shapes: Sequence[Shape]) -> tuple[int, int]:
        """Return both axes counted from the front; raise ValueError unless they match."""
        axes = []
        for axis, shape in zip(self._pair, shapes, strict=True):
            if not -len(shape) < axis < len(shape):
                raise self.mismatch(f"inputs with the axes {self.axes}", shapes)
            axes.append(axis % len(shape))
        (a, b), (one, other) = axes, shapes
        if None not in (one[0], other[0]) and one[0] != other[0]:
            raise self.mismatch("inputs of one number of samples", shapes)
        if None not in (one[a], other[b]) and one[a] != other[b]:
            wanted = f"inputs of one size along the axes {a} and {b}"
            raise self.mismatch(wanted, shapes)
        return a, b

    def compute_output_shape(self, input_shape: Any) -> Shape:
        """Return the batch axis, then the remaining axes of the first and the second input."""
        one, other = shapes = self.check_inputs(input_shape)
        a, b = self._check_axes(shapes)
        rest = (*one[1:a], *one[a + 1 :], *other[1:b], *other[b + 1 :])
        return (one[0], *(rest or (1,)))

    def compute_mask(self, x: Any, mask: Any) -> None:
        """Return None."""

    def forward(self, x: list[Array], grad: bool = False) -> tuple[Array, Back | None]:
        """Compute the products and the backward function."""
        shapes = [part.shape for part in x]
        shape: Any = self.compute_output_shape(shapes)
        axes = self._check_axes(shapes)
        moved = [np.moveaxis(part, axis, -1) for part, axis in zip(x, axes, strict=True)]
        rows = [part.reshape(len(part), -1, part.shape[-1]) for part in moved]
        lengths = [_norms(part) if self.normalize else None for part in rows]
        pairs = zip(rows, lengths, strict=True)
        a, b = (part if length is None else part / length for part, length in pairs)
        y = matmul(a, b.swapaxes(1, 2)).reshape(shape)
        if not grad:
            return y, None

        def back(dy: Array, need_dx: bool = True) -> list[Array]:
            dy = dy.reshape(len(dy), a.shape[1], b.shape[1])
            gradients = [matmul(dy, b), matmul(dy.swapaxes(1, 2), a)]
            parts = zip(gradients, (a, b), lengths, moved, axes, strict=True)
            dx = []
            for d, unit, length, part, axis in parts:
                if length is not None:
                    along = (d * unit).sum(axis=-1, keepdims=True) * unit
                    d = np.where(length > _EPSILON, d - along, d) / length
                dx.append(np.ascontiguousarray(np.moveaxis(d.reshape(part.shape), -1, axis)))
            return dx

        return y, back


def _norms(x: Array) -> Array:
    """Return the Euclidean norms along the last axis, at least `_EPSILON`."""
    lengths: Array = np.maximum(np.sqrt((x * x).sum(axis=-1, keepdims=True)), _EPSILON)
    return lengths


def add(inputs: Any, **kwargs: Any) -> Any:
    """Return ``Add(**kwargs)(inputs)``."""
    return Add(**kwargs)(inputs)


def average(inputs: Any, **kwargs: Any) -> Any:
    """Return ``Average(**kwargs)(inputs)``."""
    return Average(**kwargs)(inputs)


def subtract(inputs: Any, **kwargs: Any) -> Any:
    """Return ``Subtract(**kwargs)(inputs)``."""
    return Subtract(**kwargs)(inputs)


def multiply(inputs: Any, **kwargs: Any) -> Any:
    """Return ``Multiply(**kwargs)(inputs)``."""
    return Multiply(**kwargs)(inputs)


def maximum(inputs: Any, **kwargs: Any) -> Any:
    """Return ``Maximum(**kwargs)(inputs)``."""
    return Maximum(**kwargs)(inputs)


def minimum(inputs: Any, **kwargs: Any) -> Any:
    """Return ``Minimum(**kwargs)(inputs)``."""
    return Minimum(**kwargs)(inputs)


def concatenate(inputs: Any, axis: int = -1, **kwargs: Any) -> Any:
    """Return ``Concatenate(axis, **kwargs)(inputs)``."""
    return Concatenate(axis, **kwargs)(inputs)


def dot(inputs: Any, axes: int | Sequence[int] = -1, **kwargs: Any) -> Any:
    """Return ``Dot(axes, **kwargs)(inputs)``."""
    return Dot(axes, **kwargs)(inputs)
