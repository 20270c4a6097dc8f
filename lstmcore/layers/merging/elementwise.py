"""Element-wise merging layers: Add, Average, Subtract, Multiply, Maximum, Minimum."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np

from ...validation import Array
from ..base import Back, Layer, Shape, registry
from ..calls import all_unmasked, any_unmasked, expand_mask


def sum_to_shape(dy: Array, shape: tuple[int, ...]) -> Array:
    """Sum a gradient over the axes along which an array of this shape was broadcast."""
    if dy.shape == shape:
        return dy
    axes = tuple(i for i, n in enumerate(shape) if n == 1 and dy.shape[i] != 1)
    total: Array = dy.sum(axis=axes, keepdims=True)
    return total


class Merge(Layer):
    """Base of the layers that merge several inputs into one output.

    Parameters
    ----------
    unmasked : {"any", "all", None}, default "any"
        The inputs in which a step must be unmasked so that it is in the output: any of them, as
        in Keras 3, or all of them that have a mask, as in Keras 1 and 2. None: the output has no
        mask, as in Keras 3.0 to 3.3.
    **kwargs
        `name`, `dtype`, `trainable`: see `Layer`.
    """

    several_inputs: ClassVar[bool] = True
    least: ClassVar[int] = 1  # the number of inputs that are allowed
    most: ClassVar[float] = math.inf

    def __init__(self, *, unmasked: str | None = "any", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if unmasked not in ("any", "all", None):
            raise self.error("unmasked", "'any', 'all' or None", repr(unmasked))
        self.unmasked = unmasked

    def combined(self, masks: list[Any]) -> Any:
        """Return the mask of the output, of the inputs' masks."""
        return any_unmasked(masks) if self.unmasked == "any" else all_unmasked(masks)

    def build(self, input_shape: Any) -> None:
        self.compute_output_shape(input_shape)

    def check_inputs(self, shapes: Any) -> list[Shape]:
        """Return the inputs' shapes; raise ValueError unless there are `least` to `most`."""
        if not isinstance(shapes, list | tuple) or not all(
            isinstance(shape, list | tuple) for shape in shapes
        ):
            raise self.error("x", "a list of inputs", f"one of shape {shapes}")
        if not self.least <= len(shapes) <= self.most:
            wanted = f"{self.least}" if self.most == self.least else f"at least {self.least}"
            raise self.error("x", f"a list of {wanted} inputs", len(shapes))
        return [tuple(shape) for shape in shapes]

    def mismatch(self, wanted: str, shapes: Sequence[Shape]) -> ValueError:
        """Return the error for inputs whose shapes do not match."""
        return self.error("x", wanted, "shapes " + ", ".join(map(str, shapes)))


class _Elementwise(Merge):
    """Base of the element-wise layers, with NumPy's broadcasting; a subclass writes `merge`.

    Inputs with fewer axes get axes of size 1 after the batch axis. A step of the output is
    unmasked if it is unmasked in any input (`unmasked`); all are if any input has no mask.
    """

    takes_whole: ClassVar[bool] = True

    def compute_output_shape(self, input_shape: Any) -> Shape:
        """Return the shape that all inputs are broadcast to."""
        shapes = self.check_inputs(input_shape)
        batches = {shape[0] for shape in shapes} - {None}
        if len(batches) > 1:
            raise self.mismatch("inputs of one number of samples", shapes)
        whole = functools.reduce(
            lambda a, b: self._broadcast_shape(a, b, shapes), (shape[1:] for shape in shapes)
        )
        return (batches.pop() if batches else None, *whole)

    def _broadcast_shape(self, one: Shape, other: Shape, shapes: Sequence[Shape]) -> Shape:
        longer, shorter = (one, other) if len(one) >= len(other) else (other, one)
        head = len(longer) - len(shorter)
        sizes = list(longer[:head])
        for a, b in zip(longer[head:], shorter, strict=True):
            if None not in (a, b) and 1 not in (a, b) and a != b:
                raise self.mismatch("inputs of one shape, or with 1 where they differ", shapes)
            sizes.append(None if a is None or b is None else b if a == 1 else a)
        return tuple(sizes)

    def compute_mask(self, x: Any, mask: Any) -> Any:
        """Return the logical or of the masks, None if an input has none; or their and."""
        return None if mask is None or self.unmasked is None else self.combined(mask)

    def merge(self, x: list[Array], mask: Any) -> tuple[Array, Callable[[Array], list[Array]]]:
        """Return the output and a function for the inputs' gradients, before `sum_to_shape`."""
        raise NotImplementedError

    def forward(
        self, x: list[Array], grad: bool = False, mask: Any = None
    ) -> tuple[Array, Back | None]:
        """Merge the inputs and return the backward function."""
        if self.unmasked != "any":  # masks do not change values: those of masked steps are masked
            mask = None
        shapes = [part.shape for part in x]
        alike = all(shape == shapes[0] for shape in shapes) and len(x) >= self.least
        if alike and len(x) <= self.most:
            y, input_gradients = self.merge(x, mask)
            return y, (lambda dy, need_dx=True: input_gradients(dy)) if grad else None
        ndim = len(self.compute_output_shape(shapes))
        if mask is not None:  # new axes after the batch: axis 1 is no longer time, so no mask
            mask = [m if part.ndim == ndim else None for m, part in zip(mask, x, strict=True)]
        x = [part.reshape(len(part), *(1,) * (ndim - part.ndim), *part.shape[1:]) for part in x]
        y, input_gradients = self.merge(x, mask)

        def back(dy: Array, need_dx: bool = True) -> list[Array]:
            parts = zip(input_gradients(dy), x, shapes, strict=True)
            return [sum_to_shape(d, part.shape).reshape(shape) for d, part, shape in parts]

        return y, back if grad else None


@registry.add()
class Add(_Elementwise):
    """The sum of the inputs.

    Inputs and output have one shape; axes of size 1 are broadcast.

    Parameters
    ----------
    **kwargs
        `unmasked`: see `Merge`; `name`, `dtype`, `trainable`: see `Layer`.

    Examples
    --------
    >>> from lstmcore.layers import Add
    >>> Add()([[[1.0, 2.0]], [[10.0, 20.0]]])
    array([[11., 22.]], dtype=float32)
    """

    def merge(self, x: list[Array], mask: Any) -> tuple[Array, Callable[[Array], list[Array]]]:
        """Return the sum."""
        return functools.reduce(np.add, x), lambda dy: [dy] * len(x)


@registry.add()
class Average(_Elementwise):
    """The mean of the inputs.

    Inputs and output have one shape; axes of size 1 are broadcast.

    Parameters
    ----------
    **kwargs
        `unmasked`: see `Merge`; `name`, `dtype`, `trainable`: see `Layer`.
    """

    takes_whole: ClassVar[bool] = False

    def merge(self, x: list[Array], mask: Any) -> tuple[Array, Callable[[Array], list[Array]]]:
        """Return the sum divided by the number of inputs."""
        return functools.reduce(np.add, x) / len(x), lambda dy: [dy / len(x)] * len(x)


@registry.add()
class Subtract(_Elementwise):
    """The first of two inputs minus the second.

    Inputs and output have one shape; axes of size 1 are broadcast.

    Parameters
    ----------
    **kwargs
        `unmasked`: see `Merge`; `name`, `dtype`, `trainable`: see `Layer`.
    """

    least, most = 2, 2

    def merge(self, x: list[Array], mask: Any) -> tuple[Array, Callable[[Array], list[Array]]]:
        """Return the difference."""
        return x[0] - x[1], lambda dy: [dy, -dy]


def _expand_masks(mask: Any, x: list[Array]) -> list[Array | None]:
    """Return the masks of all inputs, each in a shape that broadcasts to its input."""
    if mask is None:
        return [None] * len(x)
    pairs = zip(mask, x, strict=True)
    return [None if m is None else expand_mask(m, part.ndim) for m, part in pairs]


@registry.add()
class Multiply(_Elementwise):
    """The product of the inputs. A masked step counts as 1; if masked in all inputs, it gives 0.

    Inputs and output have one shape; axes of size 1 are broadcast.

    Parameters
    ----------
    **kwargs
        `unmasked`: see `Merge`; `name`, `dtype`, `trainable`: see `Layer`.
    """

    uses_mask = True

    def merge(self, x: list[Array], mask: Any) -> tuple[Array, Callable[[Array], list[Array]]]:
        """Return the product."""
        masks = _expand_masks(mask, x)
        pairs = zip(x, masks, strict=True)
        x = [part if m is None else np.where(m, part, part.dtype.type(1)) for part, m in pairs]
        y = functools.reduce(np.multiply, x)
        known = [m for m in masks if m is not None]
        unmasked = functools.reduce(np.logical_or, known) if len(known) == len(x) else None
        if unmasked is not None:
            y = np.where(unmasked, y, y.dtype.type(0))

        def input_gradients(dy: Array) -> list[Array]:
            if unmasked is not None:
                dy = dy * unmasked
            # prefix and suffix products instead of a division, which would fail at 0
            before: list[Any] = [dy]
            for part in x[:-1]:
                before.append(before[-1] * part)
            after: Any = None
            gradients: list[Array] = []
            for part, head, m in zip(x[::-1], before[::-1], masks[::-1], strict=True):
                gradient = head if after is None else head * after
                gradients.append(gradient if m is None else gradient * m)
                after = part if after is None else part * after
            return gradients[::-1]

        return y, input_gradients


class _Extreme(_Elementwise):
    """Base of Maximum and Minimum. Inputs that are equal share the gradient."""

    uses_mask = True
    choose: ClassVar[Any]
    better: ClassVar[Any]

    def merge(self, x: list[Array], mask: Any) -> tuple[Array, Callable[[Array], list[Array]]]:
        """Return the largest or smallest values, ignoring the masked steps of an input."""
        masks = _expand_masks(mask, x)
        y, unmasked = x[0], masks[0]
        pairs: list[tuple[Array, Array, Array | None, Array | None]] = []
        for part, m in zip(x[1:], masks[1:], strict=True):
            pairs.append((y, part, unmasked, m))
            best = self.choose(y, part)
            if m is not None:
                best = np.where(m, best, y)
            if unmasked is not None:  # masked in all inputs so far: take this one if unmasked
                best = np.where(unmasked if m is None else unmasked | ~m, best, part)
            y, unmasked = best, None if unmasked is None or m is None else unmasked | m

        def input_gradients(dy: Array) -> list[Array]:
            gradients: list[Array] = []
            for one, other, unmasked, m in reversed(pairs):
                share = self.better(other, one) + 0.5 * (other == one)  # the share of `other`
                if m is not None:
                    share = share * m
                if unmasked is not None:
                    share = np.where(unmasked if m is None else unmasked | ~m, share, 1)
                share = share.astype(dy.dtype)
                gradients.append(dy * share)
                dy = sum_to_shape(dy * (1 - share), one.shape)
            return [dy, *gradients[::-1]]

        return y, input_gradients


@registry.add()
class Maximum(_Extreme):
    """The element-wise maximum of the inputs. Masked steps do not count.

    Parameters
    ----------
    **kwargs
        `unmasked`: see `Merge`; `name`, `dtype`, `trainable`: see `Layer`.
    """

    choose, better = np.maximum, np.greater


@registry.add()
class Minimum(_Extreme):
    """The element-wise minimum of the inputs. Masked steps do not count.

    Parameters
    ----------
    **kwargs
        `unmasked`: see `Merge`; `name`, `dtype`, `trainable`: see `Layer`.
    """

    choose, better = np.minimum, np.less
