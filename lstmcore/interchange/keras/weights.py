"""Weights of Keras's HDF5 files, found by their names and brought into this library's layout.

Two layouts. *By name*, in whole models (.h5) of all ages and weights files before Keras 2.12: the
attribute ``layer_names`` lists groups, and in each ``weight_names`` lists arrays, nested models
and wrappers flat. *By path*, in .keras files and .weights.h5 since: see `paths`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ... import layers, models
from ...layers.parameters import Param
from ...saving.safetensors_file import few
from ...saving.weights_file import no_common_layer
from ...validation import Array
from .ages import Age, age_of
from .arrays import arrays_of_leaf, check_padding
from .hdf5 import HDF5
from .paths import LAYERS, LAYERS_OF_2_12, Place, places


@dataclass
class Plan:
    """The arrays that a model's weights are to have, none of them assigned yet.

    Attributes
    ----------
    arrays : dict of Param to ndarray
    left : list of str
        Names of the weights that keep their values.
    """

    arrays: dict[Param, Array] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Leaf:
    """A layer that has arrays itself, not through layers inside.

    Parameters
    ----------
    layer : Layer
    names : tuple of str
        Its own name, and those of the wrappers around it, which its weights may be named after.
    params : list of Param
    """

    layer: Any
    names: tuple[str, ...]
    params: list[Param]


def leaves(layer: Any, around: tuple[str, ...] = ()) -> Iterator[Leaf]:
    """Yield the layers with arrays inside a layer, in the order of Keras's weights."""
    names = (layer.name, *around)
    if isinstance(layer, models.Model):
        for part in layer.layers:
            yield from leaves(part)
    elif not isinstance(layer, layers.Layer) or _has_arrays(layer) or not layer.sublayers():
        if layer.weights:
            yield Leaf(layer, names, list(layer.weights))
    else:
        for part in layer.sublayers():
            yield from leaves(part, names)


def _has_arrays(layer: Any) -> bool:
    """Return True if a layer is one in Keras's files, with all arrays inside of it in order."""
    return bool(layer._params) or not isinstance(
        layer, layers.Bidirectional | layers.RNN | layers.StackedRNNCells | layers.Wrapper
    )


# -- files that name layers and weights ----------------------------------------------------------


@dataclass(frozen=True)
class Entry:
    """An array of a file: the name that ``weight_names`` has for it, and its path."""

    name: str
    path: str


Listed = dict[str, list[Entry]]  # the arrays of each layer


def named_root(file: HDF5) -> str | None:
    """Return the group that lists the layers; None if there is none."""
    for path in ("model_weights", ""):
        if path in file.groups:
            attributes = file.groups[path].attrs
            if "layer_names" in attributes or "layer_names0" in attributes:
                return path
    return None


def entries_by_layer(file: HDF5) -> Listed | None:
    """Return the arrays of every layer that a file lists; None if it lists none."""
    root = named_root(file)
    if root is None:
        return None
    found: Listed = {}
    names = file.texts(root, "layer_names")
    if root + "/top_level_model_weights" in file.groups:
        names.append("top_level_model_weights")
    for name in names:
        group = f"{root}/{name}" if root else name
        if group not in file.groups or name in found:
            raise ValueError(f"layer_names: there is no group {name!r}, or it comes twice")
        entries = [Entry(n, f"{group}/{n}") for n in file.texts(group, "weight_names")]
        for entry in entries:
            if entry.path not in file.arrays:
                raise ValueError(f"layer {name!r}: there is no array {entry.name!r}")
        found[name] = entries
    listed = {entry.path for entries in found.values() for entry in entries}
    if unread := sorted(set(file.below(root)) - listed - _elsewhere(file, root)):
        raise ValueError(f"{unread[0]!r} is in no layer's weight_names")
    return found


def _elsewhere(file: HDF5, root: str) -> set[str]:
    """Return the arrays beside the weights: the optimizer's."""
    return set() if root else set(file.below("optimizer_weights"))


def stated_age(file: HDF5, given: str | None, listed: Listed | None = None) -> Age:
    """Return the age that a file states, or that the caller does, or that names show.

    Of a version that the caller gives, the file still says the backend.
    """
    for path in (named_root(file) or "", ""):
        version = file.attribute(path, "keras_version")
        if version is not None:
            backend = file.attribute(path, "backend")
            stated = age_of(version, backend)
            if given is not None and age_of(given).number == stated.number:
                return age_of(given, backend)
            return stated
    if given is not None:
        return age_of(given)
    names = [entry.name for entries in (listed or {}).values() for entry in entries]
    if any(name.removesuffix(":0").endswith(("_W", "_W_i", "_W_z")) for name in names):
        return Age("1.0.0")
    raise ValueError(
        "it does not say which version of Keras wrote it: give keras_version=, such as '2.2.4'"
    )


def plan_by_name(
    file: HDF5, listed: Listed, model: Any, age: Age, *, by_name: bool, skip_mismatch: bool = False
) -> Plan:
    """Return what a model's weights are to be, by the names in a file.

    Layers are matched by name; if their names differ, those with weights by their order.
    """
    entries = {name: part for name, part in listed.items() if part}
    age = age.of_names(entry.name for part in entries.values() for entry in part)
    check_padding(model, age)
    plan = Plan()
    by_layer = _matched(entries, model, by_name)
    for place, layer, part in by_layer:
        filled = _distributed(place, layer, part)
        for leaf, own in filled:
            _fill(plan, file, leaf, own, age, skip_mismatch)
    _check_whole(plan, model, by_name)
    return plan


def _matched(
    entries: dict[str, list[Entry]], model: Any, by_name: bool
) -> list[tuple[str, list[Leaf], list[Entry]]]:
    """Return for each of the file's layers the leaves of the model's that has its weights."""
    own = {layer.name: list(leaves(layer)) for layer in model.layers}
    own = {name: found for name, found in own.items() if found}
    common = entries.keys() & own.keys()
    if by_name:
        if not common:
            raise no_common_layer(entries, own)
        return [(name, own[name], entries[name]) for name in entries if name in common]
    if entries.keys() == own.keys():
        return [(name, own[name], entries[name]) for name in entries]
    if len(entries) == len(own):
        both = zip(entries.items(), own.values(), strict=True)
        return [(name, found, part) for (name, part), found in both]
    if common and not own.keys() <= entries.keys():  # Keras 1's Merge of models has their weights
        return _with_merged(entries, own)
    raise ValueError(
        f"it has weights of {len(entries)} layers ({few(entries)}), the model has {len(own)} "
        f"layers with weights ({few(own)})"
    )


def _with_merged(
    entries: dict[str, list[Entry]], own: dict[str, list[Leaf]]
) -> list[tuple[str, list[Leaf], list[Entry]]]:
    loose = [leaf for name, found in own.items() if name not in entries for leaf in found]
    strangers = [name for name in entries if name not in own]
    if len(strangers) != 1:
        raise ValueError(f"layers {few(strangers)} are not in the model")
    pairs = [(name, own[name], entries[name]) for name in entries if name in own]
    return [*pairs, (strangers[0], loose, entries[strangers[0]])]


def _distributed(
    name: str, found: list[Leaf], entries: list[Entry]
) -> list[tuple[Leaf, list[Entry]]]:
    """Return for each leaf inside a layer its part of the layer's arrays."""
    if len(found) == 1:
        return [(found[0], entries)]
    by_leaf: dict[int, list[Entry]] = {}
    for entry in entries:
        at = _leaf_named(entry.name, found)
        if at is None:
            return _in_order(name, found, entries)
        by_leaf.setdefault(at, []).append(entry)
    if len(by_leaf) < len(found):
        return _in_order(name, found, entries)
    return [(leaf, by_leaf[i]) for i, leaf in enumerate(found)]


def _leaf_named(name: str, found: list[Leaf]) -> int | None:
    """Return which leaf a weight is named after: in its path, or as Keras 1 began its name."""
    parts = name.split("/")[:-1]
    for part in reversed(parts):
        at = [i for i, leaf in enumerate(found) if part in leaf.names]
        if len(at) == 1:
            return at[0]
    if parts:
        return None
    starts = [
        (len(own), i)
        for i, leaf in enumerate(found)
        for own in leaf.names
        if name.startswith(f"{own}_")
    ]
    best = max(starts, default=None)
    if best is None or sum(length == best[0] for length, _ in starts) > 1:
        return None
    return best[1]


def _in_order(name: str, found: list[Leaf], entries: list[Entry]) -> list[tuple[Leaf, list[Entry]]]:
    """Return the parts by the number of arrays, where only the order tells them apart."""
    counts = [len(leaf.params) for leaf in found]
    if any(not param.trainable for leaf in found for param in leaf.params):
        raise ValueError(f"layer {name!r}: its weights' names do not say whose they are")
    if len(entries) != sum(counts):
        even, rest = divmod(len(entries), len(found))
        if rest or len(set(counts)) > 1:  # Keras 1 had 12 arrays where there are 3
            raise ValueError(f"layer {name!r}: expected {sum(counts)} arrays, got {len(entries)}")
        counts = [even] * len(found)
    parts, start = [], 0
    for leaf, count in zip(found, counts, strict=True):
        parts.append((leaf, entries[start : start + count]))
        start += count
    return parts


def _fill(plan: Plan, file: HDF5, leaf: Leaf, entries: list[Entry], age: Age, skip: bool) -> None:
    given = [(entry.name, file.array(entry.path)) for entry in entries]
    arrays = arrays_of_leaf(leaf.layer, given, age)
    assign(plan, leaf.layer, leaf.params, arrays, skip)


def assign(plan: Plan, layer: Any, params: list[Param], arrays: list[Array], skip: bool) -> None:
    """Note the arrays of a layer's weights; raise ValueError unless they fit."""
    what = f"layer {layer.name!r} ({type(layer).__name__})"
    if len(arrays) != len(params):
        if skip:
            return
        raise ValueError(f"{what}: expected {len(params)} arrays, got {len(arrays)}")
    for param, array in zip(params, arrays, strict=True):
        if array.dtype.kind not in "fiu" or array.shape != tuple(param.shape):
            if skip:
                continue
            got = f"{array.dtype} {array.shape}"
            raise ValueError(
                f"{what}: {param.name}: expected shape {tuple(param.shape)}, got {got}"
            )
        if param.name == "moving_variance" and (array + layer.epsilon <= 0).any():
            raise ValueError(f"{what}: moving_variance: expected no negative numbers, got some")
        plan.arrays[param] = array


def _check_whole(plan: Plan, model: Any, by_name: bool) -> None:
    plan.left = [name for name, param, _ in model.named_params() if param not in plan.arrays]
    if by_name:
        plan.left = []


# -- files that number layers by class -----------------------------------------------------------

# Beside the weights: an optimizer's slots, metrics' sums, states of random generators.
_OTHERS = {"optimizer", "metrics", "seed_generator", "seed_generators"}


def plan_by_path(
    file: HDF5, model: Any, age: Age, *, by_name: bool, skip_mismatch: bool = False
) -> Plan:
    """Return what a model's weights are to be, by Keras 3's paths.

    By name, the name that Keras notes beside each layer's arrays leads to the layer.
    """
    plan = Plan()
    read: set[str] = set()
    container = LAYERS_OF_2_12 if LAYERS_OF_2_12 in file.groups else LAYERS
    named = _named_places(file, model) if by_name else places(model, container=container)
    for place in named:
        found = numbered_arrays(file, place.path)
        read.update(found)
        given = [(path, file.array(path)) for path in found]
        if given or place.params:
            arrays = arrays_of_leaf(place.layer, given, age)
            assign(plan, place.layer, place.params, arrays, skip_mismatch)
    ignored = {path for path in file.arrays if set(path.split("/")) & _OTHERS}
    if not by_name and (unread := sorted(set(file.arrays) - read - ignored)):
        raise ValueError(f"{unread[0]!r} is of no layer of the model")
    _check_whole(plan, model, by_name)
    return plan


def numbered_arrays(file: HDF5, layer: str) -> list[str]:
    """Return the paths of a layer's arrays 0, 1, 2 ...; attributes may begin with an underscore."""
    path = f"{layer}/vars" if layer else "vars"
    if path not in file.groups and layer:
        parent, _, name = layer.rpartition("/")
        path = f"{parent}/_{name}/vars"
    found: list[str] = []
    while f"{path}/{len(found)}" in file.arrays:
        found.append(f"{path}/{len(found)}")
    return found


def _named_places(file: HDF5, model: Any) -> Iterator[Place]:
    """Yield the places of the layers whose name the file notes."""
    noted: dict[str, str] = {}
    for path in file.groups:
        parts = path.split("/")
        if len(parts) == 3 and (parts[0], parts[2]) == ("layers", "vars"):
            name = file.attribute(path, "name")
            if name is not None:
                noted[str(name)] = f"layers/{parts[1]}"
    common = [layer for layer in model.layers if layer.name in noted]
    if not common:
        raise no_common_layer(noted, (layer.name for layer in model.layers))
    for layer in common:
        yield from places(layer, noted[layer.name])
