"""Paths of weights in Keras 3's files: in .keras archives, and in .weights.h5 since Keras 2.12.

A model's layers are in ``layers``, each under its class's name in snake case, numbered from the
second one on: ``layers/lstm_1/cell/vars/0``. A layer's own arrays are in ``vars``, by number; the
layers inside it are under the names of the attributes that Keras keeps them in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from ... import layers, models
from ...layers.parameters import Param
from ...names import snake_case

LAYERS, LAYERS_OF_2_12 = "layers", "_layer_checkpoint_dependencies"
# Our class names that are not Keras's.
KERAS_CLASSES = {"GroupQueryAttention": "GroupedQueryAttention"}
_WITH_CELL = (layers.LSTM, layers.GRU, layers.SimpleRNN, layers.ConvLSTM1D)
# Attributes of the attention layers, by the names of the layers in them.
_PROJECTIONS: dict[Any, dict[str, str]] = {
    layers.MultiHeadAttention: {
        "query": "query_dense",
        "key": "key_dense",
        "value": "value_dense",
        "attention_output": "output_dense",
        "gate": "_gate_dense",
    },
    layers.GroupQueryAttention: {
        "query": "_query_dense",
        "key": "_key_dense",
        "value": "_value_dense",
        "attention_output": "_output_dense",
        "gate": "_gate_dense",
    },
}


class Place(NamedTuple):
    """The group of one layer's own arrays: they are in ``path/vars``, numbered."""

    path: str
    layer: Any
    params: list[Param]


def places(
    layer: Any, path: str = "", done: set[int] | None = None, container: str = LAYERS
) -> Iterator[Place]:
    """Yield the places of a model or layer and of all inside it, those without arrays too.

    They come in the order of Keras's walk, in which a layer that is met again is left out.
    `container` is the name under which models have their layers: LAYERS or LAYERS_OF_2_12.
    """
    done = set() if done is None else done
    if id(layer) in done:
        return
    done.add(id(layer))
    start = f"{path}/" if path else ""
    if isinstance(layer, _WITH_CELL):
        yield Place(path, layer, [])
        yield Place(f"{start}cell", layer, list(layer._params))
        return
    yield Place(path, layer, list(layer._params))
    if isinstance(layer, models.Sequential | models.Functional):
        yield from _numbered(layer.layers, f"{start}{container}", done, container)
    elif isinstance(layer, layers.StackedRNNCells):
        yield from _numbered(layer.cells, f"{start}cells", done)
    elif isinstance(layer, layers.Pipeline):
        yield from _numbered(layer.layers, f"{start}layers", done)
    else:
        for name, inner in _inside(layer):
            yield from places(inner, f"{start}{name}", done, container)


def _inside(layer: Any) -> Sequence[tuple[str, Any]]:
    """Return the layers inside a layer by the attributes that Keras keeps them in."""
    if isinstance(layer, layers.Wrapper):
        return [("layer", layer.layer)]
    if isinstance(layer, layers.RNN):
        return [("cell", layer.cell)]
    if isinstance(layer, layers.Bidirectional):
        both = layer.backward_layer, layer.forward_layer
        return list(zip(("backward_layer", "forward_layer"), both, strict=True))
    for kind, names in _PROJECTIONS.items():
        if isinstance(layer, kind):
            return [(names.get(name, name), inner) for name, inner in layer.named_sublayers()]
    return list(layer.named_sublayers())


def _numbered(
    inside: Sequence[Any], path: str, done: set[int], container: str = LAYERS
) -> Iterator[Place]:
    """Yield the places of layers in a list: each class counts by itself.

    Keras 2.12 counted layers with weights twice: it had them in its list under two names.
    """
    seen: Counter[str] = Counter()
    for layer in inside:
        own = type(layer).__name__
        name = snake_case(KERAS_CLASSES.get(own, own))
        number = seen[name]
        twice = path.endswith(LAYERS_OF_2_12) and bool(layer.weights)
        seen[name] += 2 if twice else 1
        inner = f"{path}/{name}_{number}" if number else f"{path}/{name}"
        yield from places(layer, inner, done, container)
