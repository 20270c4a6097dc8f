"""Conversion of users' targets and sample weights to the form of a model's outputs."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..ragged import Ragged, as_ragged_like, has_ragged_steps, is_ragged, only_entry
from ..validation import Array, as_array, matching, real
from .compiled import Compiled


def convert_targets(
    model: Any,
    compiled: Compiled,
    columns: list[Any],
    y: Any,
    sample_weight: Any,
    class_weight: Any,
    prefix: str = "",
) -> tuple[list[Any], list[Any]]:
    """Convert targets and weights; return two lists with an entry for each output.

    Parameters
    ----------
    model : Model
    compiled : Compiled
    columns : list of ndarray or Ragged
        The samples, converted: an entry for each input.
    y, sample_weight, class_weight
        As `fit` takes them.
    prefix : str
        Prefix of the arguments' names in error messages.
    """
    x: Any
    own: Any
    given = [column.shape for column in columns]
    shapes = model.compute_output_shape(given[0] if len(given) == 1 else given)
    shapes = [shapes] if len(compiled.outputs) == 1 else list(shapes)
    x = next((c for c in columns if isinstance(c, Ragged)), columns[0])
    if len(compiled.outputs) == 1:
        y, sample_weight = _alone(y, x, shapes[0]), _alone(sample_weight, x, shapes[0][:2])
    several, ys, weights = len(compiled.outputs) > 1, [], []
    parts = zip(
        compiled.outputs,
        shapes,
        compiled.columns(y, f"{prefix}y"),
        compiled.columns(sample_weight, f"{prefix}sample_weight", all_alike=True),
        strict=True,
    )
    for output, shape, target, weight in parts:
        place = f"[{output.name!r}]" if several else ""
        own = _followed(columns, target) if has_ragged_steps(x, shape) else columns[0]
        ys.append(output.targets(own, target, shape, model.dtype, f"{prefix}y{place}"))
        what = f"{prefix}sample_weight{place}"
        if is_ragged(weight):
            weight = as_ragged_like(weight, own, model.dtype, what)
        elif weight is not None:
            weight = matching(as_array(weight, model.dtype, what), own, what)
        weights.append(weight)
    return ys, weigh_by_class(model, compiled, ys, weights, class_weight)


def weigh_by_class(
    model: Any, compiled: Compiled, ys: list[Any], weights: list[Any], class_weight: Any
) -> list[Any]:
    """Return the converted sample weights times the weights of the targets' classes."""
    if class_weight is None:
        return weights
    if len(ys) > 1:
        raise ValueError("class_weight: expected a model with one output; use sample_weight")
    return [_by_class(compiled.outputs[0].loss, ys[0], weights[0], class_weight, model.dtype)]


def _alone(value: Any, x: Any, shape: Any) -> Any:
    """Return the array in a list of one, which Keras accepts for a single output.

    If there is one sample, the list may be that of samples: it is, unless only the array in it
    fits the output's shape.
    """
    entry = only_entry(value)
    if entry is value or len(x) > 1:
        return entry
    sample = any(_agree(entry.shape, own) for own in (shape[1:], shape[1:-1]))
    fits = len(entry) == 1 and entry.ndim in (len(shape), len(shape) - 1)
    return entry if fits and not (sample and entry.ndim < len(shape)) else value


def _agree(shape: Any, wanted: Any) -> bool:
    """Return True if a shape is the wanted one, in which None stands for any size."""
    pairs = zip(shape, wanted, strict=False)
    return len(shape) == len(wanted) and all(w is None or n == w for n, w in pairs)


def _followed(columns: list[Any], target: Any) -> Any:
    """Return the sequences whose lengths an output has: of several those as long as the target."""
    ragged = [c for c in columns if isinstance(c, Ragged)]
    if len(ragged) > 1 and is_ragged(target):
        lengths = [len(part) for part in target]
        return next((c for c in ragged if c.lengths.tolist() == lengths), ragged[0])
    return ragged[0]


def _by_class(loss: Any, y: Any, weight: Any, class_weight: Any, dtype: Any) -> Any:
    """Return the sample weights times the weights of the targets' classes."""
    if not isinstance(class_weight, dict) or not class_weight:
        raise ValueError(f"class_weight: expected a dict of class to weight, got {class_weight!r}")
    if isinstance(y, Ragged):
        flat = _weights_of(_classes(loss, y.flat), class_weight, dtype)
        if isinstance(weight, Ragged):
            flat = flat * weight.flat
        elif weight is not None:
            flat = flat * np.repeat(weight, y.lengths)
        return Ragged(flat, y.lengths, y.starts)
    by_class = _weights_of(_classes(loss, y), class_weight, dtype)
    if weight is None:
        return by_class
    if weight.ndim < by_class.ndim:
        weight = weight.reshape(weight.shape + (1,) * (by_class.ndim - weight.ndim))
    return np.ascontiguousarray(weight * by_class)


def _classes(loss: Any, y: Array) -> Array:
    """Return the class of each sample or step: the number, or the argmax of a vector."""
    if y.ndim > 1 and (loss is None or not loss.class_numbers):
        y = y[..., 0] if y.shape[-1] == 1 else y.argmax(axis=-1)
    return np.rint(y).astype(np.int64)


def _weights_of(classes: Array, class_weight: dict[Any, Any], dtype: Any) -> Array:
    weights = np.ones(classes.shape, dtype)
    for key, value in class_weight.items():
        if isinstance(key, bool) or not isinstance(key, int | np.integer):
            raise ValueError(f"class_weight: expected class numbers as keys, got {key!r}")
        weights[classes == key] = real(f"class_weight: the weight of {key}", value)
    return weights
