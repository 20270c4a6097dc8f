"""Calling the `call` that a user wrote: its arguments, its masks, its outputs as arrays."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import context
from ..autodiff.tensors import detached, mask_of, with_mask
from ..structure import flatten, is_nested
from ..validation import Array
from .input_spec import check_inputs

# Kinds of parameters that a call can fill by place.
_BY_PLACE = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


class Signature:
    """What a layer's `call` takes.

    Parameters
    ----------
    call : callable
        The function of the class, with `self`.
    """

    def __init__(self, call: Callable[..., Any]) -> None:
        parameters = list(inspect.signature(call).parameters.values())[1:]
        kinds = {p.kind for p in parameters}
        self.places = [p.name for p in parameters if p.kind in _BY_PLACE]
        self.names = {p.name for p in parameters}
        self.any_place = inspect.Parameter.VAR_POSITIONAL in kinds
        self.any_name = inspect.Parameter.VAR_KEYWORD in kinds

    def bind(self, layer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """Return the arguments behind the first one by name."""
        if len(args) > len(self.places[1:]):
            raise TypeError(f"{layer.describe()}: call takes {self.places}, got {len(args) + 1}")
        found = {**dict(zip(self.places[1:], args, strict=False)), **kwargs}
        for name in list(found):
            if name in self.names or self.any_name:
                continue
            if name not in ("training", "mask"):
                raise TypeError(f"{layer.describe()}: call has no argument {name!r}")
        return found


def signature(layer: Any) -> Signature:
    """Return what the layer's `call` takes; looked at once for a class."""
    cls = type(layer)
    found: Signature | None = cls.__dict__.get("_call_signature")
    if found is None:
        found = cls._call_signature = Signature(cls.call)
    return found


def invoke(layer: Any, x: Any, mask: Any, options: dict[str, Any]) -> Any:
    """Call `call`: with `training` and `mask` if it takes them."""
    if layer.input_spec is not None:
        check_inputs(layer, x)
    takes, arguments = signature(layer), dict(options)
    if "training" in takes.names:
        arguments.setdefault("training", bool(context.current().training))
    if "mask" in takes.names:
        arguments.setdefault("mask", mask)
    layer.forget_losses()
    policy = context.current().policy if layer.dtype is None else layer.dtype_policy
    with context.changed(policy=policy):  # of layers in it
        y = layer.call(x, **arguments)
    if y is None:
        raise layer.error("call", "an output", "None: does it end with `return`?")
    return y


def with_masks(x: Any, mask: Any) -> Any:
    """Return x with the mask, or each of several arrays with its own."""
    return x if mask is None else with_mask(x, mask)


def masks_in(x: Any) -> Any:
    """Return the mask that goes with x, or a list of them; None if there is none."""
    if not is_nested(x):
        return mask_of(x)
    masks = [mask_of(part) for part in flatten(x)]
    return None if all(m is None for m in masks) else masks


def output_mask(layer: Any, x: Any, mask: Any, y: Any) -> Any:
    """Return the mask of an output: by `compute_mask`, or the one that came with it."""
    if layer.overrides_compute_mask:
        return layer.compute_mask(x, mask)
    if layer.supports_masking:
        if not isinstance(mask, list | tuple) or is_nested(y):
            return mask
        return mask[0]  # of several inputs the first's, as in Keras
    own = [mask_of(part) for part in flatten(y)]
    if mask is not None and all(m is None for m in own):
        _warn_of_lost_mask(layer)
    return own if is_nested(y) else own[0]


def _warn_of_lost_mask(layer: Any) -> None:
    if layer.warned_of_mask or context.current().trial or "mask" in signature(layer).names:
        return
    layer.warned_of_mask = True
    warnings.warn(
        f"{layer.describe()}: the mask of its input ends here, and later layers see the padding: "
        "set self.supports_masking = True in __init__ if its output has the same time steps, or "
        "write compute_mask(self, x, mask)",
        stacklevel=2,
    )


def result(layer: Any, y: Any) -> Array:
    """Return an output as an array; real numbers in the layer's dtype."""
    array = np.asarray(detached(y))
    if array.dtype.kind != "f":
        return array
    copy = not array.flags.writeable  # a weight: it will change
    return array.astype(layer.dtype or layer.default_dtype, copy=copy)


def is_real(x: Any) -> bool:
    return isinstance(x, np.ndarray) and x.dtype.kind == "f"
