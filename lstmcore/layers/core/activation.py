"""Activation functions as layers: Activation, ReLU, LeakyReLU, ELU, PReLU, Softmax."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from ... import activations
from ...validation import Array, as_array
from ..base import Back, Layer, Shape, registry
from ..calls import expand_mask
from ..weight_options import set_weight_options, weight_options


class _ActivationLayer(Layer):
    """Base of the layers that apply an activation function; a subclass sets `function`."""

    function: activations.Activation

    def forward(self, x: Array, grad: bool = False) -> tuple[Array, Back | None]:
        """Compute the function and the backward function."""
        function = self.function
        y = function.forward(x)
        if not grad:
            return y, None
        return y, lambda dy, need_dx=True: function.gradient(dy, x, y)

    def check_number(self, argument: str, value: Any, least: float = 0.0) -> float:
        """Return a number as a float; raise ValueError unless it is finite and >= `least`."""
        number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
        if not number or not least <= value < np.inf:
            raise self.error(argument, f"a finite number >= {least:g}", repr(value))
        return float(value)


@registry.add()
class Activation(_ActivationLayer):
    """An activation function as a layer.

    Parameters
    ----------
    activation : str or Activation
        ``"relu"``, ``"softmax"``, ``lstmcore.activations.tanh``.
    **kwargs
        `name`, `dtype`, `trainable`, `input_shape`: see `Layer`.

    Examples
    --------
    >>> from lstmcore.layers import Activation
    >>> Activation("relu")([[-1.0, 2.0]])
    array([[0., 2.]], dtype=float32)
    """

    def __init__(self, activation: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.activation = self.function = self.check_activation("activation", activation, True)

    def build(self, input_shape: Shape) -> None:
        self.compute_output_shape(input_shape)  # which checks it

    def forward(self, x: Array, grad: bool = False) -> tuple[Array, Back | None]:
        if self.activation.halves:
            self.compute_output_shape(x.shape)
        return super().forward(x, grad)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        if not self.activation.halves:
            return input_shape
        axis = range(len(input_shape))[self.activation.options.get("axis", -1)]
        size = input_shape[axis]
        if axis == 0 or (size is not None and size % 2):
            raise self.error("x", f"an even size along axis {axis}, to halve", input_shape)
        half = None if size is None else size // 2
        return (*input_shape[:axis], half, *input_shape[axis + 1 :])

    def compute_mask(self, x: Any, mask: Any) -> Any:
        axis = range(x.ndim)[self.activation.options.get("axis", -1)]
        if mask is not None and self.activation.halves and axis == 1:
            raise self.error("axis", "not that of time, which is masked", axis)
        return mask


@registry.add()
class ReLU(_ActivationLayer):
    """max(x, 0), with optional maximum, threshold and slope below the threshold.

    Parameters
    ----------
    max_value : float, optional
        The largest output.
    negative_slope : float, default 0.0
        Below the threshold the output is this times ``x - threshold``.
    threshold : float, default 0.0
        The output is x from here on.
    **kwargs
        `name`, `dtype`, `trainable`, `input_shape`: see `Layer`.
    """

    def __init__(
        self,
        max_value: float | None = None,
        negative_slope: float = 0.0,
        threshold: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.max_value = None if max_value is None else self.check_number("max_value", max_value)
        self.negative_slope = self.check_number("negative_slope", negative_slope)
        self.threshold = self.check_number("threshold", threshold)
        options = {
            "negative_slope": self.negative_slope,
            "max_value": self.max_value,
            "threshold": self.threshold,
        }
        plain = max_value is None and not self.negative_slope and not self.threshold
        self.function = activations.relu if plain else activations.relu.using(**options)


@registry.add()
class LeakyReLU(_ActivationLayer):
    """x for x >= 0, and a small slope times x below 0.

    Parameters
    ----------
    negative_slope : float, default 0.3
    alpha : float, optional
        The older name of `negative_slope`.
    **kwargs
        `name`, `dtype`, `trainable`, `input_shape`: see `Layer`.
    """

    init_only = (*Layer.init_only, "alpha")

    def __init__(
        self, negative_slope: float = 0.3, *, alpha: float | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        slope = negative_slope if alpha is None else alpha
        self.negative_slope = self.check_number("negative_slope", slope)
        self.function = activations.leaky_relu.using(negative_slope=self.negative_slope)


@registry.add()
class ELU(_ActivationLayer):
    """x for x > 0, and alpha (exp(x) - 1) below 0.

    Parameters
    ----------
    alpha : float, default 1.0
    **kwargs
        `name`, `dtype`, `trainable`, `input_shape`: see `Layer`.
    """

    def __init__(self, alpha: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.alpha = self.check_number("alpha", alpha, float(np.finfo(np.float32).min))
        self.function = activations.elu.using(alpha=self.alpha)


@registry.add()
class PReLU(Layer):
    """x for x > 0, and a learned slope times x below 0.

    The weights are ``alpha``, of the shape of one sample.

    Parameters
    ----------
    alpha_initializer : str or Initializer
        Default ``"zeros"``.
    alpha_regularizer : str or Regularizer, optional
        Penalty on the slopes, added to the loss in training.
    alpha_constraint : str or Constraint, optional
        Applied to the slopes after each optimizer step.
    shared_axes : int or list of int, optional
        Axes along which one slope is shared: ``[1]`` for all steps of a sequence.
    **kwargs
        `name`, `dtype`, `trainable`, `input_shape`: see `Layer`.
    """

    def __init__(
        self,
        alpha_initializer: Any = "zeros",
        alpha_regularizer: Any = None,
        alpha_constraint: Any = None,
        shared_axes: int | Sequence[int] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        set_weight_options(self, locals(), "alpha")
        self.shared_axes: list[int] | None = None
        if shared_axes is not None:
            axes = list(shared_axes) if isinstance(shared_axes, list | tuple) else [shared_axes]
            self.shared_axes = [self.check_size("shared_axes", axis) for axis in axes]

    def build(self, input_shape: Shape) -> None:
        shape: list[int | None] = list(input_shape[1:])
        for axis in self.shared_axes or ():
            if axis > len(shape):
                wanted = f"axes from 1 to {len(shape)}, as x of shape {input_shape} has"
                raise self.error("shared_axes", wanted, axis)
            shape[axis - 1] = 1
        if None in shape:
            wanted = "sizes that are known but for the batch and `shared_axes`"
            raise self.error("x", wanted, f"shape {input_shape}")
        self.alpha = self.add_weight(
            tuple(self.check_size("size of x", n) for n in shape),
            name="alpha",
            **weight_options(self, "alpha"),
        )

    def forward(self, x: Array, grad: bool = False) -> tuple[Array, Back | None]:
        """Compute the output and the backward function."""
        alpha = self.alpha.value
        pairs = zip(x.shape[1:], alpha.shape, strict=False)
        if x.ndim != alpha.ndim + 1 or any(a not in (1, size) for size, a in pairs):
            wanted = f"an array for slopes of shape (batch, {', '.join(map(str, alpha.shape))})"
            raise self.error("x", wanted, f"shape {x.shape}")
        below = np.minimum(x, 0)
        y = np.maximum(x, 0)
        y += alpha * below
        if not grad:
            return y, None
        shared = tuple(i + 1 for i, n in enumerate(alpha.shape) if n == 1)

        def back(dy: Array, need_dx: bool = True) -> Array | None:
            dalpha = (dy * below).sum(axis=(0, *shared), keepdims=True)
            self.alpha.grad[...] += dalpha[0]
            return dy * np.where(x > 0, 1, alpha * (x < 0)) if need_dx else None

        return y, back


@registry.add()
class Softmax(Layer):
    """exp(x) divided by its sum over an axis.

    Called with a mask, it returns 0 where the mask is False; the rest sums to 1.

    Parameters
    ----------
    axis : int or list of int, default -1
    **kwargs
        `name`, `dtype`, `trainable`, `input_shape`: see `Layer`.

    Examples
    --------
    >>> from lstmcore.layers import Softmax
    >>> Softmax()([[1.0, 1.0, 5.0]], mask=[[True, True, False]])
    array([[0.5, 0.5, 0. ]], dtype=float32)
    """

    uses_mask: ClassVar[bool] = True
    call_order: ClassVar[tuple[str, ...]] = ("mask", "training")

    def __init__(self, axis: int | Sequence[int] = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        axes: list[Any] = list(axis) if isinstance(axis, list | tuple) else [axis]
        whole = (isinstance(a, int | np.integer) and not isinstance(a, bool) for a in axes)
        if not axes or not all(whole):
            raise self.error("axis", "an int or a list of them", repr(axis))
        self.axis = axes if isinstance(axis, list | tuple) else axis
        self._axes = tuple(int(a) for a in axes)
        self.function = activations.softmax.using(axis=self.axis)

    def build(self, input_shape: Shape) -> None:
        self._check_axes(len(input_shape))

    def _check_axes(self, ndim: int) -> None:
        for axis in self._axes:
            if not -ndim <= axis < ndim:
                raise self.error("axis", f"an axis of x, which has {ndim}", axis)

    def convert_mask(self, mask: Any, x: Array, what: str) -> Array:
        """Convert a mask of the shape of x, or one that broadcasts to it, or (batch, time)."""
        return as_array(mask, None, f"{what}: mask")

    def compute_mask(self, x: Any, mask: Any) -> Any:
        """Return the mask if it is one of steps, (batch, time), or of their parts."""
        steps = mask is not None and mask.dtype == np.bool_ and 2 <= mask.ndim < max(x.ndim, 3)
        return mask if steps and mask.shape == x.shape[: mask.ndim] else None

    @property
    def mixes_rows(self) -> bool:  # type: ignore[override]
        """True if one of the axes is the batch."""
        ndim = len(self._built_for or ())
        return any(axis in (0, -ndim) for axis in self._axes)

    def forward(
        self, x: Array, grad: bool = False, mask: Array | None = None
    ) -> tuple[Array, Back | None]:
        """Compute the output and the backward function.

        Parameters
        ----------
        x : ndarray
        training : bool, default False
        mask : ndarray of bool, optional
            True for the entries that count: (batch, time) for whole steps, or a shape that can be
            broadcast to that of x.
        """
        self._check_axes(x.ndim)
        z = x
        if mask is not None:
            mask = self._broadcast_mask(mask, x.shape)
            z = np.where(mask, x, x.dtype.type(-1e9))
        if self._axes == (-1,):
            y = activations.softmax.forward(z)
        else:
            y = np.exp(z - z.max(axis=self._axes, keepdims=True))
            y /= y.sum(axis=self._axes, keepdims=True)
        if mask is not None:  # where everything is masked, y is uniform until here
            y *= mask
        if not grad:
            return y, None

        def back(dy: Array, need_dx: bool = True) -> Array:
            dx: Array = dy - (dy * y).sum(axis=self._axes, keepdims=True)
            dx *= y
            return dx

        return y, back

    def _broadcast_mask(self, mask: Array, shape: tuple[int, ...]) -> Array:
        """Return the mask as bools in a shape that broadcasts to that of x."""
        if mask.dtype != np.bool_:
            mask = mask > 0.5
        if mask.ndim > 1 and mask.shape == shape[: mask.ndim]:
            return expand_mask(mask, len(shape))
        pairs = zip(mask.shape[::-1], shape[::-1], strict=False)
        if mask.ndim > len(shape) or any(n not in (1, size) for n, size in pairs):
            raise self.error("mask", f"a shape that spreads over that of x, {shape}", mask.shape)
        return mask
