"""Trials: a user's `call` on zeros, for the shapes of its outputs.

In a trial weights have no memory, no variable is assigned, and the random state is put back.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import context
from ..autodiff.tensors import detached, with_mask
from ..random.state import preserve_random_state
from ..structure import flatten, is_nested, map_structure
from .calls import convert
from .own_call import invoke, masks_in, result, signature
from .shape_structure import has_none, is_shape, leaves_of_shapes, like_shapes


def output_shapes(layer: Any, shapes: Any, options: dict[str, Any], dtypes: Any = None) -> Any:
    """Return (shape, dtype) of each output, for inputs of these shapes; see `trial`.

    The number of samples does not matter, so there is one trial for all of them.
    """
    leaves = leaves_of_shapes(shapes)
    batch = leaves[0][0] if leaves and leaves[0] else None
    if any(len(leaf) == 0 or leaf[0] != batch for leaf in leaves):
        return trial(layer, shapes, options, dtypes)
    key = None if options else (repr(like_shapes(shapes, [s[1:] for s in leaves])), str(dtypes))
    found = layer.trials.get(key) if key else None
    if found is None:
        free = like_shapes(shapes, [(None, *shape[1:]) for shape in leaves])
        found = trial(layer, free, options, dtypes)
        if key:
            layer.trials[key] = found
    return [((batch if s[:1] == (None,) else s[0], *s[1:]) if s else s, kind) for s, kind in found]


def trial(layer: Any, shapes: Any, options: dict[str, Any], dtypes: Any = None) -> Any:
    """Return the shapes and dtypes of the outputs, by calling the layer on zeros.

    Parameters
    ----------
    layer : Layer
    shapes : tuple of int or None, or a structure of them
        Of the inputs; where an axis is None, two trials with different sizes tell which axes of
        the outputs follow it.
    options : dict
        The call's other arguments; symbolic tensors among them become zeros, too.
    dtypes : str, or a structure of them, optional

    Returns
    -------
    list of (shape, dtype)
        Of the leaves of the output, whose structure is `layer.output_structure`.
    """
    first = _try(layer, shapes, options, dtypes)
    if not has_none(shapes) and not any(
        has_none(getattr(part, "shape", ())) for part in flatten(options)
    ):
        return [(y.shape, str(y.dtype)) for y in first]
    second = _trial(layer, shapes, options, dtypes, 2)
    return [
        (tuple(n if n == m else None for n, m in zip(a.shape, b.shape, strict=True)), str(a.dtype))
        for a, b in zip(first, second, strict=True)
    ]


def _try(layer: Any, shapes: Any, options: dict[str, Any], dtypes: Any) -> Any:
    """Try real numbers, and if the layer takes no such inputs, whole ones."""
    try:
        return _trial(layer, shapes, options, dtypes, 1)
    except (IndexError, TypeError):
        if dtypes is not None:
            raise
        try:
            found = _trial(layer, shapes, options, ["int64"] * len(leaves_of_shapes(shapes)), 1)
        except Exception:  # then the first error is the one to report
            found = None
        if found is None:
            raise
        layer.trial_kind = "int64"
        return found


def _trial(layer: Any, shapes: Any, options: dict[str, Any], dtypes: Any, factor: int) -> Any:
    def zeros(shape: Any, dtype: Any) -> Any:
        # sizes that a layer is unlikely to have by itself, and that can be halved
        sizes = [
            n if n is not None else factor * (2 if i == 0 else 12) for i, n in enumerate(shape)
        ]
        if dtype == "string":
            return np.full(sizes, "", object)
        return np.zeros(sizes, dtype or layer.dtype or layer.default_dtype)

    def value(a: Any) -> Any:
        return zeros(a.shape, a.dtype) if hasattr(a, "node") else a

    leaves = leaves_of_shapes(shapes)
    kinds = [layer.trial_kind] * len(leaves) if dtypes is None else dtypes
    arrays = [zeros(shape, kind) for shape, kind in zip(leaves, kinds, strict=True)]
    x = like_shapes(shapes, arrays)
    with (
        np.errstate(all="ignore"),
        preserve_random_state(),
        context.changed(training=False, tape=None, penalties=None, trial=True),
    ):
        y = _invoke_in_trial(layer, x, map_structure(value, options))
    layer.output_structure = y if is_nested(y) else None
    return [result(layer, part) for part in flatten(y)]


def _invoke_in_trial(layer: Any, x: Any, options: dict[str, Any]) -> Any:
    """Call `call` without a mask, or if it cannot do without one, with one of all steps."""
    try:
        return invoke(layer, x, None, options)
    except Exception:
        if "mask" not in signature(layer).names:
            raise
        masks = map_structure(lambda a: np.ones(a.shape[:2], np.bool_), x)
        try:
            return invoke(layer, x, masks, options)
        except Exception:  # then the first error is the one to report
            pass
        raise


def call_in_trial(
    layer: Any, x: Any, mask: Any, options: dict[str, Any], of_base: bool = False
) -> Any:
    """Call a layer with a `forward` of its own in a trial: build it, and return zeros.

    A layer without weights computes: its outputs may be whole numbers, or have another size. With
    `of_base` it is the base of a layer with a `call`, which is being built.
    """
    given = map_structure(detached, x)
    mask = masks_in(x) if mask is None else mask
    arrays, mask = convert(layer, given, mask)
    shapes = [a.shape for a in arrays] if layer.several_inputs else arrays.shape
    if not of_base and not layer.built:
        layer.build_for(shapes, layer.dtype or layer.default_dtype)
    options = {name: value for name, value in options.items() if value is not None}
    if not layer.weights:
        run = layer._base_run if of_base else layer.run
        y, _, out_mask = run(arrays, False, mask, **options)
        return with_mask(y, out_mask)
    if hasattr(layer, "call_layers"):  # a model: its layers are in the trial, too
        return layer.call_layers(with_mask(arrays, mask))
    if of_base and not layer.overrides_output_shape:
        found = shapes
    else:
        found = layer.call_output_shape(shapes, **options)
    # the layers of a model have no weights yet, with which it would find its mask
    out_mask = mask if hasattr(layer, "convert_inputs") else layer.compute_mask(arrays, mask)
    if is_shape(found):
        return with_mask(np.zeros(found, layer.dtype), out_mask)
    zeros = [np.zeros(shape, layer.dtype) for shape in leaves_of_shapes(found)]
    packed = like_shapes(found, zeros)  # its lists are the states of cells of a stack
    return with_mask(tuple(packed), out_mask)
