"""The weights of a model in another format and back: what `Model.quantize` does."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from .. import _core
from ..inspection import inner_layers
from ..names import is_builtin
from ..structure import flatten
from .report import QuantizationReport
from .storage import FORMATS, dtype_of, to_short

_CALLS = ("forward", "forward_with_mask", "run", "call")  # methods that a layer computes in
_OTHERS = "only products of dense and recurrent layers and embeddings are stored in fewer bytes"


def check_mode(mode: Any, what: str = "quantize: mode") -> str:
    """Return a format; raise ValueError if it is none."""
    if mode not in FORMATS:
        wanted = " or ".join(map(repr, FORMATS))
        raise ValueError(f"{what}: expected {wanted}, got {mode!r:.80}")
    return str(mode)


def quantize(
    model: Any, mode: Any, config: Any = None, filters: Any = None, sample: Any = None
) -> QuantizationReport:
    """Store the weights of a model's layers in a format, in place; see `Model.quantize`."""
    check_mode(mode)
    if config is not None:
        raise ValueError(
            f"quantize: config: expected None, for each mode has one rule, got {config!r:.80}"
        )
    wants = _filter(filters)
    if not model.built:
        raise ValueError(
            f"quantize: model {model.name!r} has no weights yet: give it an Input, or fit it, first"
        )
    model.materialize()
    if model.dtype == "float64":
        raise ValueError(
            f"quantize: model {model.name!r}: dtype: expected float32, got float64, which is "
            "chosen for its precision: give its weights to a model of float32 by set_weights"
        )
    kept = storages(model)
    dequantize(model)  # what is compared with is float32
    try:
        outputs = None if sample is None else _outputs(model, sample)
        floats = sum(weight_bytes(model).values())
    finally:
        set_storages(model, kept)
    report = QuantizationReport(model.name, mode, floats, floats)
    chosen = []
    for path, layer, reason in _candidates(model):
        why = reason or _why_not(layer, mode)
        if not why and not wants(path, layer):
            why = "filters leave it out" + (f", it stays {layer.storage}" if layer.storage else "")
        if why:
            report.left_alone[path or layer.name] = why
        else:
            chosen.append(layer)
            report.quantized.append(path or layer.name)
    if not chosen:
        reasons = "; ".join(f"{path}: {why}" for path, why in report.left_alone.items())
        raise ValueError(
            f"quantize: model {model.name!r}: expected a layer to store as {mode}, got none: "
            f"{reasons or 'there are no weights'}"
        )
    for layer in chosen:
        layer.storage = mode
    report.dot_product = _core.dot_product(mode)
    report.bytes_after = sum(weight_bytes(model).values())
    if outputs is not None:
        _compare(report, outputs, _outputs(model, sample))
    return report


def dequantize(model: Any) -> None:
    """Give all layers the float32 weights of their arrays back."""
    for _, layer in all_layers(model):
        layer.storage = None


def refuse_quantized(model: Any, method: str) -> None:
    """Raise ValueError if a layer of a model is quantized, which cannot be trained."""
    if found := storages(model):
        path, storage = next(iter(found.items()))
        raise ValueError(
            f"{method}: model {model.name!r}: expected float32 weights, got {path or model.name!r} "
            f"stored as {storage} for inference: model.dequantize() gives the float32 weights back"
        )


def storages(model: Any) -> dict[str, str]:
    """Return the formats of the quantized layers by their paths; "" is the model itself."""
    return {path: layer.storage for path, layer in all_layers(model) if layer.storage is not None}


def set_storages(model: Any, found: Mapping[str, str]) -> None:
    """Give layers the formats that `storages` returned.

    Raises
    ------
    ValueError
        If there is no such layer, it cannot be quantized, or a format is unknown.
    """
    candidates = {path: (layer, why) for path, layer, why in _candidates(model)}
    for path, storage in found.items():
        if not isinstance(storage, str) or storage not in FORMATS:
            raise ValueError(f"storage of {path!r}: expected one of {FORMATS}, got {storage!r:.80}")
        layer, why = candidates.get(path, (None, "there is no such layer"))
        why = why or _why_never(layer)
        if why:
            raise ValueError(f"storage of {path!r}: it cannot be {storage}: {why}")
        layer.storage = storage


def all_layers(model: Any) -> Iterator[tuple[str, Any]]:
    """Yield (path, layer) for a layer itself, "", and those inside it, each once."""
    seen = set()
    for path, layer in [("", model), *inner_layers(model)]:
        if id(layer) not in seen:
            seen.add(id(layer))
            yield path, layer


def weight_bytes(model: Any) -> dict[Any, int]:
    """Return the bytes of each weight as it is stored, those of scales with the first of a product.

    Weights that have no memory yet count as float32, or as what the model's dtype says.
    """
    item = np.dtype(model.dtype or model.default_dtype).itemsize
    found = {param: item * math.prod(param.shape) for param in model.weights}
    for _, layer in all_layers(model):
        for product in layer.stored_products() if layer.storage is not None else ():
            for param in product.weights:
                found[param] = dtype_of(layer.storage).itemsize * math.prod(param.shape)
            if layer.storage == "int8":
                found[product.weights[0]] += 4 * math.prod(product.scale_shape())
    return found


# -- which layers --------------------------------------------------------------------------


def _candidates(model: Any) -> Iterator[tuple[str, Any, str]]:
    """Yield (path, layer, "") for layers with weights; for those in layers that forbid it, why."""
    reasons: dict[str, str] = {}
    for path, layer in all_layers(model):
        outer = next((r for p, r in reasons.items() if path.startswith(p)), "")
        if layer.keeps_floats and layer.sublayers():
            reasons[path + "/" if path else ""] = layer.keeps_floats
        if layer._params:
            yield path, layer, outer


def _why_never(layer: Any) -> str:
    """Return why a layer cannot be quantized, whatever its weights are."""
    own = next((cls for cls in type(layer).__mro__ if not _inherits_calls(cls)), None)
    if own is not None and not is_builtin(own):
        return f"{own.__name__} computes its output itself"
    if layer.keeps_floats:
        return str(layer.keeps_floats)
    return "" if layer.stored_products() else _OTHERS


def _inherits_calls(cls: type) -> bool:
    """Return True if a class has no method of its own that computes the output."""
    return not any(name in vars(cls) for name in _CALLS)


def _why_not(layer: Any, mode: str) -> str:
    """Return why a layer is left alone, or ""."""
    if why := _why_never(layer):
        return why
    for product in layer.stored_products():
        for param in product.weights:
            if not np.isfinite(param.value).all():
                return f"{param.name} has NaN or infinities"
            if mode == "float16" and not np.isfinite(to_short(param.value, mode)).all():
                return f"{param.name} has numbers beyond 65,504, the largest of float16"
    return ""


def _filter(filters: Any) -> Callable[[str, Any], bool]:
    """Return whether a layer is chosen, by its path and itself."""
    if filters is None:
        return lambda path, layer: True
    if isinstance(filters, str):
        filters = [filters]
    if isinstance(filters, list | tuple) and all(isinstance(f, str) for f in filters):
        patterns = [re.compile(pattern) for pattern in filters]
        return lambda path, layer: any(p.search(layer.name) or p.search(path) for p in patterns)
    if callable(filters):
        return lambda path, layer: bool(filters(layer))
    raise TypeError(
        "quantize: filters: expected a regular expression, a list of them or a callable of a "
        f"layer, got {filters!r:.80}"
    )


# -- the outputs ---------------------------------------------------------------------------


def _outputs(model: Any, sample: Any) -> Sequence[Any]:
    """Return the outputs as a list; the states of stateful layers stay as they are."""
    states = [(layer, layer.states) for _, layer in all_layers(model) if hasattr(layer, "states")]
    try:
        return flatten(model.predict(sample, verbose=0))
    finally:
        for layer, before in states:
            layer.states = before


def _compare(report: QuantizationReport, before: Sequence[Any], after: Sequence[Any]) -> None:
    pairs = zip(before, after, strict=True)
    changes = [np.abs(np.asarray(b, np.float64) - a).ravel() for b, a in pairs]
    change = np.concatenate(changes)
    size = np.concatenate([np.abs(np.asarray(b, np.float64)).ravel() for b in before])
    report.largest_change = float(change.max(initial=0))
    report.mean_change = float(change.mean()) if change.size else 0.0
    report.mean_size = float(size.mean()) if size.size else 0.0
