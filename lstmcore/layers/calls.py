"""Calls of layers: arguments by place and by name, inputs as arrays, outputs with their masks."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..names import nearest
from ..ragged import as_batch, is_ragged
from ..structure import flatten
from ..validation import Array

FIRST = ("x", "inputs", "sequences")  # names of the first argument: ours, and Keras's


def bind(
    layer: Any, x: Any, args: tuple[Any, ...], named: dict[str, Any]
) -> tuple[Any, bool | None, Any, dict[str, Any]]:
    """Return x, `training`, `mask` and the other arguments of a call.

    Arguments by place have the order of the layer's `call_order`, which is Keras's.

    Raises
    ------
    TypeError
        If there is no x, or an argument too many or twice.
    ValueError
        If `training` is not True, False or None.
    """
    where = f"layer {layer.name!r} ({type(layer).__name__})"
    options = dict(named)
    x = first_argument(layer, options) if x is None else x
    order = layer.call_order
    if len(args) > len(order):
        raise TypeError(
            f"{where}: the call takes at most {len(order) + 1} arguments by place, "
            f"({', '.join(('x', *order))}), got {len(args) + 1}"
        )
    for name, value in zip(order, args, strict=False):
        if options.get(name) is not None:
            raise TypeError(f"{where}: the call got {name!r} by place and by name")
        options[name] = value
    training = options.pop("training", None)
    if not (training is None or (np.ndim(training) == 0 and training in (True, False))):
        got = f"a {type(training).__name__} of shape {np.shape(training)}"
        raise layer.error("training", "True, False or None", got)
    mask = options.pop("mask", None)
    return x, None if training is None else bool(training), mask, options


def first_argument(layer: Any, named: dict[str, Any]) -> Any:
    """Return the first argument of a call that has it by name, and remove it from `named`."""
    own = list(inspect.signature(layer.call).parameters)[:1]
    given = next((name for name in (*FIRST, *own) if name in named), None)
    if given is None:
        where = f"layer {layer.name!r} ({type(layer).__name__})"
        raise TypeError(f"{where}: the call needs x, an array or a symbolic tensor")
    return named.pop(given)


def check_options(layer: Any, options: dict[str, Any]) -> None:
    """Raise TypeError for arguments of a call that the layer does not know."""
    given = options.keys() - {"training", "mask"}
    if not given:
        return
    own = inspect.signature(layer.forward).parameters.values()
    if any(p.kind is p.VAR_KEYWORD for p in own):
        return
    hooks = (type(layer).forward_with_mask, type(layer).run)
    more = [p for hook in hooks for p in inspect.signature(hook).parameters.values()]
    names = [p.name for p in (*own, *more) if p.kind is not p.VAR_KEYWORD]
    names = [name for name in names if name not in ("self", "x", "grad")]
    for key in sorted(given - set(names)):
        raise TypeError(
            f"layer {layer.name!r} ({type(layer).__name__}): the call has no argument {key!r}: "
            f"{nearest(key, names)}"
        )


def convert(layer: Any, x: Any, mask: Any) -> tuple[Any, Any]:
    """Convert a caller's x and mask to what the layer's `run` takes: arrays, or lists of them.

    Sequences of different lengths are padded with zeros to the longest, and get a mask.
    """
    what = f"layer {layer.name!r}: x"
    if not layer.several_inputs:
        return _convert_one(layer, x, mask, what)
    if not isinstance(x, list | tuple):
        raise layer.error("x", "a list of arrays", f"a {type(x).__name__}")
    given = [] if mask is None else mask
    if not isinstance(given, list | tuple) or len(given) > len(x):
        raise layer.error("mask", f"a list of at most {len(x)}", f"a {type(mask).__name__}")
    masks = [*given, *[None] * (len(x) - len(given))]
    pairs = [
        _convert_one(layer, part, m, f"{what}[{i}]")
        for i, (part, m) in enumerate(zip(x, masks, strict=True))
    ]
    masks = [m for _, m in pairs]
    return [part for part, _ in pairs], None if all(m is None for m in masks) else masks


def _convert_one(layer: Any, x: Any, mask: Any, what: str) -> tuple[Array, Any]:
    array, padding = as_batch(x, layer.input_dtype, what)
    if mask is None:
        return array, padding
    if is_ragged(x):
        raise ValueError(f"{what}: expected no mask beside sequences of different lengths")
    return array, layer.convert_mask(mask, array, what)


def convert_masks(layer: Any, x: Any, mask: Any) -> Any:
    """Convert the mask, or list of masks, of a call in a graph, for these arrays."""
    what = f"layer {layer.name!r}: x"
    if mask is None or not layer.several_inputs:
        return None if mask is None else layer.convert_mask(mask, x, what)
    if not isinstance(mask, list | tuple) or len(mask) > len(x):
        raise layer.error("mask", f"a list of at most {len(x)}", f"a {type(mask).__name__}")
    pairs = zip([*mask, *[None] * (len(x) - len(mask))], x, strict=True)
    return [None if m is None else layer.convert_mask(m, part, what) for m, part in pairs]


# -- outputs -----------------------------------------------------------------------------------


def masks_of_outputs(y: Any, mask: Any) -> list[Any]:
    """Return a mask or None for each output: of one mask for several outputs, the first has it."""
    count = len(flatten(y)) if isinstance(y, tuple) else 1
    given = list(mask) if isinstance(mask, list | tuple) else [mask]
    return [*given, *[None] * count][:count]


def gradients_of_outputs(dy: Any, y: Any) -> list[Any]:
    """Return the gradient, or None, for each of several outputs.

    Parameters
    ----------
    dy : list or tuple
        In the structure of y, any part of it None for no gradient; or flat.
    y : tuple
        The outputs; some may be lists, the states of one cell of a stack.
    """
    if len(dy) != len(y):
        return list(dy)  # flat already
    return list(_gradients(dy, y))


def _gradients(dy: Any, y: Any) -> Iterator[Any]:
    for gradient, part in zip(dy, y, strict=True):
        if not isinstance(part, list | tuple):
            yield gradient
        elif gradient is None:
            yield from [None] * len(flatten(part))
        elif isinstance(gradient, list | tuple):
            yield from _gradients(gradient, part)
        else:  # of a cell of one state
            yield gradient


def zero_masked(y: Array, mask: Any) -> Array:
    """Return y with masked steps set to 0; y itself if there is no mask of its steps."""
    if mask is None or mask.shape != y.shape[: mask.ndim]:
        return y
    return np.where(expand_mask(mask, y.ndim), y, y.dtype.type(0))


def expand_mask(mask: Array, ndim: int) -> Array:
    """Return a mask with axes of size 1 at the end, so that it has `ndim` axes."""
    return mask.reshape(mask.shape + (1,) * (ndim - mask.ndim))


def mask_of_steps(mask: Any) -> Any:
    """Return the mask (batch, time) of a mask of parts: a step is unmasked if any part of it is."""
    if mask is None or mask.ndim < 3:
        return mask
    return mask.reshape(*mask.shape[:2], -1).any(axis=2)


def all_unmasked(masks: list[Any]) -> Any:
    """Return the logical and of the masks that there are; None if there is none."""
    given = [m for m in masks if m is not None]
    if not given:
        return None
    ndim = max(m.ndim for m in given)
    combined = expand_mask(given[0], ndim)
    for m in given[1:]:
        combined = combined & expand_mask(m, ndim)
    return combined


def any_unmasked(masks: list[Any]) -> Any:
    """Return the logical or of masks of steps, or of parts of steps; None if one is None."""
    if any(m is None for m in masks):
        return None
    ndim = max(m.ndim for m in masks)
    combined = expand_mask(masks[0], ndim)
    for m in masks[1:]:
        combined = combined | expand_mask(m, ndim)
    return combined
