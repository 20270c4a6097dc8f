"""Functional models of all ages of Keras: the calls of their layers, taken in order again."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ... import context, layers, models
from ...layers.symbolic import SymbolicTensor, symbolic_tensors_in
from ...names import snake_case
from ...registry import get_registered_object
from .ages import Age
from .values import plain

LayerOf = Callable[[Any, Age], Any]  # configs.layer_of, which has graphs made here
_MOST_CALLS = 100_000
_LARGEST_TRIAL = 10_000_000  # numbers of an operation's input, a sample of it


def functional(class_name: str, config: dict[str, Any], age: Age, layer_of: LayerOf) -> Any:
    """Return the model that the config of a graph describes.

    Parameters
    ----------
    class_name : str
        The name under which the class is found, if it is a user's.
    config : dict
        With ``layers``, ``input_layers`` and ``output_layers``.
    age : Age
    layer_of : callable
        Makes a layer of its entry in the config.
    """
    entries = config["layers"]
    if not isinstance(entries, list) or not all(isinstance(e, dict) for e in entries):
        raise ValueError(f"layers: expected a list of layers, got {entries!r:.80}")
    ends = [config["input_layers"], config["output_layers"]]
    graph = _Graph(entries, ends, age, layer_of)
    graph.make_calls()
    inputs, outputs = (_single(graph.ends(end)) for end in ends)
    kept = {key: config[key] for key in ("name", "trainable") if config.get(key) is not None}
    own = get_registered_object(class_name)
    return (own or models.Functional)(inputs, outputs, **kept)


def merged_models(entries: list[dict[str, Any]], age: Age, layer_of: LayerOf) -> Any:
    """Return the model of a Sequential of Keras 1 that begins with a Merge of models.

    Each model inside has inputs of its own, in the order in which Keras took the samples.
    """
    merge, *rest = entries
    inside = [layer_of(part, age) for part in (merge.get("config") or {}).get("layers") or []]
    for model in inside:
        if not isinstance(model, models.Model):
            raise ValueError(f"Merge: layers: expected models, got a {type(model).__name__}")
    inputs = [
        [layers.Input(tensor.shape[1:], dtype=tensor.dtype) for tensor in model.inputs]
        for model in inside
    ]
    ends = [model(_single(xs)) for model, xs in zip(inside, inputs, strict=True)]
    y = layer_of(merge, age)(ends)
    for part in rest:
        y = layer_of(part, age)(y)
    return models.Functional([x for xs in inputs for x in xs], y)


def _single(form: Any) -> Any:
    """Return the one entry of a list, as Keras 1 and 2 wrote single inputs and outputs."""
    return form[0] if isinstance(form, list) and len(form) == 1 else form


class _Graph:
    """The layers of a config, and the outputs of each of their calls."""

    def __init__(
        self, entries: list[dict[str, Any]], ends: list[Any], age: Age, layer_of: LayerOf
    ) -> None:
        self.made: dict[str, Any] = {}
        self.calls: dict[str, list[Any]] = {}
        self.outputs: dict[str, list[Any]] = {}  # a flat list of tensors for each call
        for entry in entries:
            name = entry.get("name") or (entry.get("config") or {}).get("name")
            if not isinstance(name, str) or name in self.made:
                raise ValueError(f"layers: expected layers of different names, got {name!r} twice")
            self.made[name] = _operation(entry) or layer_of(entry, age)
            calls = entry.get("inbound_nodes") or []
            self.calls[name], self.outputs[name] = list(calls), []
        if sum(map(len, self.calls.values())) > _MOST_CALLS:
            raise ValueError(f"expected at most {_MOST_CALLS} calls of layers")
        self.first, self.first_of_ends = self._first_calls(ends, age)

    def _first_calls(self, ends: list[Any], age: Age) -> tuple[dict[str, int], dict[str, int]]:
        """Return the number of each layer's first call, as calls and as ``ends`` refer to it.

        The first call of a nested model is its own making: elsewhere its calls begin with 1. Keras
        3 counts so in ``output_layers`` alone; Keras 3.0 counted the calls in other graphs too.
        """
        used: dict[str, list[int]] = {name: [] for name in self.made}
        for name, number in self._references(list(self.calls.values())):
            used[name].append(number)
        if age.number < 3:
            for name, number in self._references(ends):
                used[name].append(number)
        first = dict.fromkeys(self.made, 0)
        for name, numbers in used.items():
            nested = isinstance(self.made[name], models.Model)
            if nested and (age.number < 3 or max(numbers, default=0) >= len(self.calls[name])):
                first[name] = min(numbers, default=0)
        if age.number < 3:
            return first, first
        counted = {n: int(isinstance(layer, models.Functional)) for n, layer in self.made.items()}
        return first, counted

    def _references(self, form: Any) -> Iterator[tuple[str, int]]:
        for reference in _places(form, self.made):
            yield reference[0], reference[1]

    # -- calls -----------------------------------------------------------------------------------

    def make_calls(self) -> None:
        """Call every layer as the config says, each call after those whose outputs it takes."""
        for name, layer in self.made.items():
            if isinstance(layer, layers.InputLayer):
                self.outputs[name] = [[layer.symbolic_tensor()]]
                self.calls[name] = []
        waiting = [(name, call) for name, calls in self.calls.items() for call in calls]
        while waiting:
            left: list[tuple[str, Any]] = []
            blocked: set[str] = set()  # the calls of one layer keep their order
            for name, call in waiting:
                if name in blocked or not self._ready(call):
                    blocked.add(name)
                    left.append((name, call))
                else:
                    self._call(name, call)
            if len(left) == len(waiting):
                name, call = left[0]
                raise ValueError(f"layer {name!r}: its inputs are no layer's outputs: {call!r:.80}")
            waiting = left

    def _ready(self, call: Any) -> bool:
        return all(
            place[1] - self.first[place[0]] < len(self.outputs[place[0]])
            for place in _places(call, self.made)
        )

    def _call(self, name: str, call: Any) -> None:
        layer = self.made[name]
        if isinstance(call, dict):  # of Keras 3
            given = [self._value(part) for part in call.get("args", [])]
            options = {key: self._value(v) for key, v in (call.get("kwargs") or {}).items()}
            options.pop("training", None)  # a model's call overrides it
        else:
            given, options = self._old_call(call)
            if isinstance(layer, layers.Bidirectional) and len(given) > 1:
                given, options = given[:1], {**options, "initial_state": given[1:]}
            if len(given) > 1 or (_takes_list(layer) and "value" not in options):
                given = [given]
        options = {key: value for key, value in options.items() if value is not None}
        try:
            self.outputs[name].append(_tensors(layer(*given, **options)))
        except (TypeError, ValueError) as error:
            raise ValueError(f"layer {name!r}: {error}") from error

    def _old_call(self, call: Any) -> tuple[list[Any], dict[str, Any]]:
        """Return the inputs and the other arguments of a call in the form of Keras 1 and 2."""
        if isinstance(call, dict) or not isinstance(call, list):
            raise ValueError(f"inbound_nodes: expected a list, got {call!r:.80}")
        parts = [call] if _is_place(call, self.made) else call
        given, options = [], {}
        for part in parts:
            if not _is_place(part, self.made):
                raise ValueError(f"inbound_nodes: {part!r:.80} is not understood")
            given.append(self.tensor(part))
            if len(part) == 4 and part[3]:
                options.update({key: self._old_value(value) for key, value in part[3].items()})
        return given, options

    def _old_value(self, value: Any) -> Any:
        if _is_place(value, self.made):
            return self.tensor(value)
        if isinstance(value, list):
            return [self._old_value(part) for part in value]
        return plain(value)

    def _value(self, value: Any) -> Any:
        """Return an argument of a call in the form of Keras 3."""
        if isinstance(value, list):
            return [self._value(part) for part in value]
        if not isinstance(value, dict):
            return value
        kind = value.get("class_name")
        config: Any = value.get("config")
        if kind == "__keras_tensor__":
            return self.tensor(config["keras_history"])
        if kind == "__tuple__":
            return tuple(self._value(part) for part in config)
        if kind in ("__tensor__", "__numpy__"):
            return np.array(config["value"], config.get("dtype"))
        if kind == "__slice__":
            return slice(config["start"], config["stop"], config["step"])
        if kind == "__ellipsis__":
            return ...
        if kind is not None:
            raise ValueError(f"an argument of class {kind!r} is not understood")
        return {key: self._value(part) for key, part in value.items()}

    # -- tensors ---------------------------------------------------------------------------------

    def tensor(self, place: Any, *, end: bool = False) -> SymbolicTensor:
        """Return the output that a layer's name, the number of a call and a position name."""
        name, node, position = place[:3]
        if name not in self.made:
            raise ValueError(f"there is no layer {name!r}")
        calls = self.outputs[name]
        node -= (self.first_of_ends if end else self.first)[name]
        if not 0 <= node < len(calls) or not 0 <= position < len(calls[node]):
            raise ValueError(f"layer {name!r} has no output {position} of a call {node}")
        found: SymbolicTensor = calls[node][position]
        return found

    def ends(self, form: Any) -> Any:
        """Return the tensors of ``input_layers`` or ``output_layers``, in their structure."""
        if _is_place(form, self.made):
            return self.tensor(form, end=True)
        if isinstance(form, list):
            return [self.ends(part) for part in form]
        if isinstance(form, dict):
            return {key: self.ends(part) for key, part in form.items()}
        raise ValueError(f"inputs and outputs of the graph: {form!r:.80} is not understood")


def _is_place(value: Any, names: dict[str, Any]) -> bool:
    """Return True for ``[layer, call, position]``, with a dict of arguments behind or not."""
    if not isinstance(value, list) or len(value) not in (3, 4) or not isinstance(value[0], str):
        return False
    if len(value) == 4 and not isinstance(value[3], dict):
        return False
    return value[0] in names and type(value[1]) is int and type(value[2]) is int


def _places(value: Any, names: dict[str, Any]) -> Iterator[list[Any]]:
    """Yield every reference to an output in a call, in the form of any age."""
    left = [value]
    while left:
        part = left.pop()
        if _is_place(part, names):
            yield part
            left.extend(part[3:])
        elif isinstance(part, list):
            left.extend(part)
        elif isinstance(part, dict):
            left.extend(part.values())


def _takes_list(layer: Any) -> bool:
    return bool(getattr(layer, "several_inputs", False))


def _tensors(result: Any) -> list[Any]:
    """Return the outputs of a call as a flat list."""
    if isinstance(result, SymbolicTensor):
        return [result]
    return [tensor for part in result for tensor in _tensors(part)]


# -- operations of keras.ops ---------------------------------------------------------------------


def _operation(entry: dict[str, Any]) -> Callable[..., Any] | None:
    """Return the function of `lstmcore.ops` for an operation in a graph of Keras 3, or None."""
    if not _is_operation(entry):
        return None
    from ... import ops

    name, config = snake_case(str(entry.get("class_name"))), dict(entry.get("config") or {})
    config = {key: plain(value) for key, value in config.items() if key not in ("name", "dtype")}
    function = None if name.startswith("_") else getattr(ops, name, None)
    if name == "get_item":
        function = _item
    if not callable(function):
        raise ValueError(f"operation {entry.get('name')!r}: there is no lstmcore.ops.{name}")
    before = [config.pop("subscripts")] if "subscripts" in config else []  # of einsum

    def call(*args: Any, **kwargs: Any) -> Any:
        for tensor in symbolic_tensors_in([args, kwargs]):
            if math.prod(n or 1 for n in tensor.shape) > _LARGEST_TRIAL:
                raise ValueError(f"an input of shape {tensor.shape} is too large")
        with context.changed(shapes_only=False):  # its output's shape is found by a trial
            result = function(*before, *args, **{**config, **kwargs})
        for tensor in _tensors(result):
            tensor.node.layer.name = str(entry["name"])
        return result

    return call


def _item(x: Any, key: Any) -> Any:
    return x[tuple(key) if isinstance(key, list) else key]  # JSON has no tuples


def _is_operation(entry: dict[str, Any]) -> bool:
    """Return True for an operation; .h5 files leave its module out, but only layers are trained."""
    module = entry.get("module")
    if module is not None:
        return str(module).startswith("keras") and ".ops" in str(module)
    calls = entry.get("inbound_nodes") or []
    if not calls or not isinstance(calls[0], dict) or "trainable" in (entry.get("config") or {}):
        return False
    return _has_op(str(entry.get("class_name")))


def _has_op(class_name: str) -> bool:
    from ... import ops

    return class_name == "GetItem" or hasattr(ops, snake_case(class_name))
