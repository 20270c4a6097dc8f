"""Layers that make one array of several, number by number: Add and its kin."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np

from ...validation import Array
from ..base import Back, Layer, Shape, registry


def spread_over(dy: Array, shape: tuple[int, ...]) -> Array:
    """Add a gradient up along the axes that an array of this shape was spread over."""
    if dy.shape == shape:
        return dy
    axes = tuple(i for i, n in enumerate(shape) if n == 1 and dy.shape[i] != 1)
    total: Array = dy.sum(axis=axes, keepdims=True)
    return total


class Merge(Layer):
    """What layers of several inputs have in common.

    Parameters
    ----------
    **kwargs
        `name`, `dtype`, `trainable`: see `Layer`.
    """

    several_inputs: ClassVar[bool] = True
    least: ClassVar[int] = 1  # how many inputs there must be
    most: ClassVar[float] = math.inf

    def build(self, input_shape: Any) -> None:
        self.compute_output_shape(input_shape)

    def check_inputs(self, shapes: Any) -> list[Shape]:
        """Return the shapes of the inputs, if they are a list of as many as there must be."""
        if not isinstance(shapes, list | tuple) or not all(
            isinstance(shape, list | tuple) for shape in shapes
        ):
            raise self.error("x", "a list of inputs", f"one of shape {shapes}")
        if not self.least <= len(shapes) <= self.most:
            wanted = f"{self.least}" if self.most == self.least else f"at least {self.least}"
            raise self.error("x", f"a list of {wanted} inputs", len(shapes))
        return [tuple(shape) for shape in shapes]

    def misfit(self, wanted: str, shapes: Sequence[Shape]) -> ValueError:
        """The complaint about inputs that do not fit together."""
        return self.error("x", wanted, "shapes " + ", ".join(map(str, shapes)))


class _Elementwise(Merge):
    """Number by number, with axes of size 1 spread as NumPy does; a subclass has `merge`.

    Inputs of fewer axes are given axes of size 1 behind the batch. A step of the output is real if
    it is so in any input; no mask for any of them stands for "all are".
    """

    def compute_output_shape(self, input_shape: Any) -> Shape:
        """Return the shape that all inputs spread over."""
        shapes = self.check_inputs(input_shape)
        batches = {shape[0] for shape in shapes} - {None}
        if len(batches) > 1:
            raise self.misfit("inputs of one number of samples", shapes)
        whole = functools.reduce(
            lambda a, b: self._common(a, b, shapes), (shape[1:] for shape in shapes)
        )
        return (batches.pop() if batches else None, *whole)

    def _common(self, one: Shape, other: Shape, shapes: Sequence[Shape]) -> Shape:
        longer, shorter = (one, other) if len(one) >= len(other) else (other, one)
        head = len(longer) - len(shorter)
        sizes = list(longer[:head])
        for a, b in zip(longer[head:], shorter, strict=True):
            if None not in (a, b) and 1 not in (a, b) and a != b:
                raise self.misfit("inputs of one shape, or with 1 where they differ", shapes)
            sizes.append(None if a is None or b is None else b if a == 1 else a)
        return tuple(sizes)

    def compute_mask(self, x: Any, mask: Any) -> Any:
        """Return which steps are real in any of the inputs; None if one has no mask."""
        if mask is None or any(m is None for m in mask):
            return None
        return functools.reduce(np.logical_or, mask)

    def merge(self, x: list[Array], mask: Any) -> tuple[Array, Callable[[Array], list[Array]]]:
        """Return the output, and what gives the gradients of the inputs, not yet added up."""
        raise NotImplementedError

    def forward(
        self, x: list[Array], grad: bool = False, mask: Any = None
    ) -> tuple[Array, Back | None]:
        """Merge, and make the way back."""
        shapes = [part.shape for part in x]
        alike = all(shape == shapes[0] for shape in shapes) and len(x) >= self.least
        if alike and len(x) <= self.most:
            y, slopes = self.merge(x, mask)
            return y, (lambda dy, need_dx=True: slopes(dy)) if grad else None
        ndim = len(self.compute_output_shape(shapes))
        if mask is not None:  # axes behind the batch: the steps are no steps any more
            mask = [m if part.ndim == ndim else None for m, part in zip(mask, x, strict=True)]
        x = [part.reshape(len(part), *(1,) * (ndim - part.ndim), *part.shape[1:]) for part in x]
        y, slopes = self.merge(x, mask)

        def back(dy: Array, need_dx: bool = True) -> list[Array]:
            parts = zip(slopes(dy), x, shapes, strict=True)
            return [spread_over(d, part.shape).reshape(shape) for d, part, shape in parts]

        return y, back if grad else None


@registry.add()
class Add(_Elementwise):
    """The sum of the inputs.

    Inputs and output have one shape; sizes of 1 spread over those of the other inputs.

    Parameters
    ----------
    **kwargs
        `name`, `dtype`, `trainable`: see `Layer`.

    Examples
    --------
    >>> from lstmcore.layers import Add
    >>> Add()([[[1.0, 2.0]], [[10.0, 20.0]]])
    array([[11., 22.]], dtype=float32)
    """

    def merge(self, x: list[Array], mask: Any) -> tuple[Array, Callable[[Array], list[Array]]]:
        """Add."""
        return functools.reduce(np.add, x), lambda dy: [dy] * len(x)


@registry.add()
class Average(_Elementwise):
    """The mean of the inputs.

    Inputs and output have one shape; sizes of 1 spread over those of the other inputs.

    Parameters
    ----------
    **kwargs
        `name`, `dtype`, `trainable`: see `Layer`.
    """

    def merge(self, x: list[Array], mask: Any) -> tuple[Array, Callable[[Array], list[Array]]]:
        """Add, and divide by the number of inputs."""
        return functools.reduce(np.add, x) / len(x), lambda dy: [dy / len(x)] * len(x)


@registry.add()
class Subtract(_Elementwise):
    """The first of two inputs less the second.

    Inputs and output have one shape; sizes of 1 spread over those of the other inputs.

    Parameters
    ----------
    **kwargs
        `name`, `dtype`, `trainable`: see `Layer`.
    """

    least, most = 2, 2

    def merge(self, x: list[Array], mask: Any) -> tuple[Array, Callable[[Array], list[Array]]]:
        """Subtract."""
        return x[0] - x[1], lambda dy: [dy, -dy]


def _over(mask: Array | None, x: Array) -> Array | None:
    """A mask of steps in a shape that spreads over x."""
    return None if mask is None else mask.reshape(mask.shape + (1,) * (x.ndim - mask.ndim))


def _aligned(mask: Any, x: list[Array]) -> list[Array | None]:
    """The masks of all inputs, each in a shape that spreads over its input."""
    if mask is None:
        return [None] * len(x)
    return [_over(m, part) for m, part in zip(mask, x, strict=True)]


@registry.add()
class Multiply(_Elementwise):
    """The product of the inputs. A masked step counts as 1, and is 0 if it is so in all inputs.

    Inputs and output have one shape; sizes of 1 spread over those of the other inputs.

    Parameters
    ----------
    **kwargs
        `name`, `dtype`, `trainable`: see `Layer`.
    """

    uses_mask = True

    def merge(self, x: list[Array], mask: Any) -> tuple[Array, Callable[[Array], list[Array]]]:
        """Multiply."""
        masks = _aligned(mask, x)
        pairs = zip(x, masks, strict=True)
        x = [part if m is None else np.where(m, part, part.dtype.type(1)) for part, m in pairs]
        y = functools.reduce(np.multiply, x)
        known = [m for m in masks if m is not None]
        real = functools.reduce(np.logical_or, known) if len(known) == len(x) else None
        if real is not None:
            y = np.where(real, y, y.dtype.type(0))

        def slopes(dy: Array) -> list[Array]:
            if real is not None:
                dy = dy * real
            # the products of all before and of all behind: no division, so that 0 is a number
            before: list[Any] = [dy]
            for part in x[:-1]:
                before.append(before[-1] * part)
            behind: Any = None
            found: list[Array] = []
            for part, head, m in zip(x[::-1], before[::-1], masks[::-1], strict=True):
                slope = head if behind is None else head * behind
                found.append(slope if m is None else slope * m)
                behind = part if behind is None else part * behind
            return found[::-1]

        return y, slopes


class _Extreme(_Elementwise):
    """Maximum and Minimum. Where inputs are equal, each has its share of the gradient."""

    uses_mask = True
    choose: ClassVar[Any]
    better: ClassVar[Any]

    def merge(self, x: list[Array], mask: Any) -> tuple[Array, Callable[[Array], list[Array]]]:
        """Choose, one input after another; a masked step leaves the choice to the others."""
        masks = _aligned(mask, x)
        y, real = x[0], masks[0]
        pairs: list[tuple[Array, Array, Array | None, Array | None]] = []
        for part, m in zip(x[1:], masks[1:], strict=True):
            pairs.append((y, part, real, m))
            best = self.choose(y, part)
            if m is not None:
                best = np.where(m, best, y)
            if real is not None:  # nothing so far: the other, if that is real
                best = np.where(real if m is None else real | ~m, best, part)
            y, real = best, None if real is None or m is None else real | m

        def slopes(dy: Array) -> list[Array]:
            found: list[Array] = []
            for one, other, real, m in reversed(pairs):
                share = self.better(other, one) + 0.5 * (other == one)  # of the other
                if m is not None:
                    share = share * m
                if real is not None:
                    share = np.where(real if m is None else real | ~m, share, 1)
                share = share.astype(dy.dtype)
                found.append(dy * share)
                dy = spread_over(dy * (1 - share), one.shape)
            return [dy, *found[::-1]]

        return y, slopes


@registry.add()
class Maximum(_Extreme):
    """The largest of the inputs, number by number. Masked steps do not count.

    Parameters
    ----------
    **kwargs
        `name`, `dtype`, `trainable`: see `Layer`.
    """

    choose, better = np.maximum, np.greater


@registry.add()
class Minimum(_Extreme):
    """The smallest of the inputs, number by number. Masked steps do not count.

    Parameters
    ----------
    **kwargs
        `name`, `dtype`, `trainable`: see `Layer`.
    """

    choose, better = np.minimum, np.less
