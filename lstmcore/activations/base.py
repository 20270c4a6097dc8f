"""Activation: a function with its gradient; `lstmcore.activations` has all of them."""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import _core, context
from ..names import nearest, snake_case
from ..registry import Registry
from ..validation import plain_array

Array = NDArray[Any]
registry: Registry = Registry("activation")

KERNELS = {*_core.activations, "softmax"}
_STEEPEST = 1e30  # of the kernels' hard_sigmoid


def kernel_form(name: str, options: dict[str, Any]) -> Any:
    """Return how the kernels take the library's activation of this name, or None.

    It is the name or, of a hard_sigmoid with options, ``(name, slope, offset)``.
    """
    if name not in KERNELS or not options:
        return name if name in KERNELS else None
    if name != "hard_sigmoid":
        return None
    slope, offset = float(options.get("slope", 1 / 6)), float(options.get("offset", 0.5))
    fits = slope != 0 and max(abs(slope), abs(offset)) <= _STEEPEST
    return (name, slope, offset) if fits else None


def _signature(function: Callable[..., Any]) -> inspect.Signature:
    """Return a function's signature; NumPy's own functions have none before NumPy 2.4."""
    if isinstance(function, np.ufunc):
        return inspect.Signature([inspect.Parameter("x", inspect.Parameter.POSITIONAL_ONLY)])
    return inspect.signature(function)


class Activation:
    """A function on arrays and its gradient.

    Parameters
    ----------
    name : str
        Its name in configs and for `get`.
    forward : callable
        ``forward(x) -> y``, of the shape and dtype of x. It may have options, with defaults.
    gradient : callable
        ``gradient(dy, x, y) -> dx``: the gradient of the loss with respect to x, given the
        gradient with respect to y. It takes the same options as `forward`.

    Attributes
    ----------
    options : dict
        The options set by `using`.
    halves : bool
        The last axis of y is half of that of x, or another one with the option `axis`.
    convert : dict
        For options that are no plain numbers, functions that check and convert their values.
    derived_from : callable or None
        The function of `lstmcore.ops` that a user gave.

    Examples
    --------
    >>> import numpy as np
    >>> from lstmcore.activations import Activation
    >>> square = Activation("square", lambda x: x * x, lambda dy, x, y: 2 * x * dy)
    >>> square(np.array([3.0]))
    array([9.])
    """

    def __init__(
        self,
        name: str,
        forward: Callable[..., Array],
        gradient: Callable[..., Array],
    ) -> None:
        self.__name__ = name
        self.registry = registry
        self.__doc__ = forward.__doc__
        self.forward = forward
        self.gradient = gradient
        self.options: dict[str, Any] = {}
        self.halves = False
        self.derived_from: Any = None
        self.convert: dict[str, Callable[[Any], Any]] = {}
        self._without_options = self

    def __call__(self, x: Any, *args: Any, **options: Any) -> Array:
        if args:
            names = self._option_names()
            if len(args) > len(names):
                raise TypeError(f"{self.__name__} takes at most {len(names)} options: {names}")
            options = {**dict(zip(names, args, strict=False)), **options}
        f = self.using(**options) if options else self
        tape = context.current().tape
        if tape is not None and hasattr(x, "_node"):
            box: Array = f._on_tape(tape, x)
            return box
        return f.forward(plain_array(x, "x"))

    def _on_tape(self, tape: Any, box: Any) -> Any:
        """Return the activation of a box, as one node of the tape."""
        x = np.asarray(box._value)
        y = self.forward(x)
        return tape.record([box], [y], lambda dys: [self.gradient(np.asarray(dys[0]), x, y)])[0]

    def using(self, **options: Any) -> Activation:
        """Return this activation with other options: ``relu.using(max_value=6)``.

        Raises
        ------
        TypeError
            If there is no such option.
        ValueError
            If an option cannot have this value.
        """
        plain = self._without_options
        options = {
            **self.options,
            **{name: plain._take_option(name, value) for name, value in options.items()},
        }
        made = Activation(
            plain.__name__,
            functools.partial(plain.forward, **options),
            functools.partial(plain.gradient, **options),
        )
        made.__doc__, made.options, made._without_options = plain.__doc__, options, plain
        made.halves = plain.halves
        return made

    def _take_option(self, name: str, value: Any) -> Any:
        """Return the value of an option; raise an error for a wrong name or value."""
        known = list(_signature(self.forward).parameters.values())[1:]
        found = next((p for p in known if p.name == name), None)
        if found is None:
            hint = nearest(name, [p.name for p in known])
            raise TypeError(f"activation {self.__name__} has no option {name!r}: {hint}")
        if isinstance(found.default, float) and not is_finite(value):
            raise ValueError(
                f"activation {self.__name__}: {name}: expected a finite number, got {value!r}"
            )
        convert = self.convert.get(name)
        return value if convert is None else convert(value)

    def lacks(self) -> list[str]:
        """Return the names of options that have no default and are not set."""
        parameters = _signature(self._without_options.forward).parameters
        by_name = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
        wanted = [p.name for p in list(parameters.values())[1:] if p.kind in by_name]
        return [
            n
            for n in wanted
            if parameters[n].default is inspect.Parameter.empty and n not in self.options
        ]

    @property
    def __signature__(self) -> inspect.Signature:
        """The signature of `forward`, for `inspect.signature`."""
        return _signature(self._without_options.forward)

    def _option_names(self) -> list[str]:
        return list(_signature(self._without_options.forward).parameters)[1:]

    def __repr__(self) -> str:
        inside = "".join(f", {k}={v!r}" for k, v in self.options.items())
        return f"<activation {self.__name__}{inside}>"


def is_finite(value: Any) -> bool:
    """Return True for a finite real number, which an array without axes may be."""
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if not number and not (isinstance(value, np.ndarray) and value.ndim == 0):
        return False
    if np.iscomplexobj(value):
        return False
    try:
        return math.isfinite(float(value))
    except (OverflowError, TypeError, ValueError):  # a long integer; no number
        return False


def derived(function: Callable[..., Any]) -> Activation:
    """Make an `Activation` of a function of an array that is made of `lstmcore.ops`."""

    def forward(x: Array) -> Array:
        with context.changed(tape=None):
            y = np.asarray(function(x), x.dtype)
        if getattr(function, "weights", None):  # of a layer, which by now is built
            raise TypeError(
                f"activation {own}: expected a function without weights, got a layer that has "
                "some: use it as a layer of its own after this one"
            )
        return y

    def gradient(dy: Array, x: Array, y: Array) -> Array:
        from ..autodiff.tape import differentiate

        return differentiate(function, x)[1](dy)

    own = getattr(function, "__name__", None) or snake_case(type(function).__name__)
    made = Activation(own, forward, gradient)
    made.__doc__, made.derived_from = function.__doc__, function
    return made


def with_gradient(
    gradient: Callable[..., Array], *aliases: str
) -> Callable[[Callable[..., Array]], Activation]:
    """Make an `Activation` of the decorated function and register it."""

    def make(forward: Callable[..., Array]) -> Activation:
        ours = forward.__name__ in KERNELS - {"linear"}
        run = _by_kernel(forward) if ours else forward
        return registry.add(*aliases)(Activation(forward.__name__, run, gradient))

    return make


def _by_kernel(formula: Callable[..., Array]) -> Callable[..., Array]:
    """Return a function that calls the core's kernel, the one that layers and streams use.

    The formula computes other dtypes, and calls with options that the kernel does not have.
    """

    @functools.wraps(formula)
    def forward(x: Array, **options: Any) -> Array:
        form = kernel_form(formula.__name__, options)
        if form is None or x.dtype not in (np.float32, np.float64):
            return formula(x, **options)
        y = np.array(x, order="C")
        _core.activate(form, y)
        return y

    return forward
