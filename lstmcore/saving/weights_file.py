"""Files of weights, and of the whole state of training, for an existing model.

metadata   format   "lstmcore-weights/1"; the rest as in every file (safetensors_file.py)
           config   JSON: weights (their names, in order), optimizer
tensors    weights/<layer>/<weight>
           optimizer/<slot>          one flat array each
           extra, arrays/<name>      data of the caller of `save_state`: JSON, and arrays
           states/<layer>/<state>    of stateful layers; layer and state are numbers
"""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from ..inspection import inner_layers
from ..layers.module import shapes_only
from ..quantization.quantize import storages
from ..validation import Array
from . import model_file
from .formats import KERAS_ARCHIVE, KERAS_HDF5, NATIVE, recognize, written_as
from .model_file import untrusted_file
from .protocol import SavableModel
from .safetensors_file import (
    check_name,
    check_tensors,
    few,
    open_file,
    read_config,
    warn_of_not_finite,
    write,
)
from .stored_weights import rounded_floats, widen

FORMAT = "lstmcore-weights/1"


def save_weights(
    model: SavableModel, filepath: str | os.PathLike[str], overwrite: bool = True
) -> None:
    """Write the weights and the optimizer's state; see `Model.save_weights`.

    Parameters
    ----------
    model : Model
    filepath : path-like
        For example ``model.weights.safetensors``.
    overwrite : bool, default True
        Replace an existing file. The write is atomic: there is always a complete file.
    """
    path = check_name(filepath, "save_weights", "save_weights", overwrite)
    kind = written_as(path, "save_weights")
    config, tensors = _describe(model)
    warn_of_not_finite("save_weights", tensors, "lstmcore.saving.load_weights")
    if kind is not NATIVE:
        kind.function("write_weights")(rounded_floats(model, "save_weights", kind.name), path)
        return
    write(path, FORMAT, config, tensors)


def load_weights(
    model: SavableModel,
    filepath: str | os.PathLike[str],
    skip_mismatch: bool = False,
    *,
    by_name: bool = False,
    allow_nonfinite: bool = False,
    keras_version: str | None = None,
) -> None:
    """Load weights of a file of this library's or of Keras's; see `Model.load_weights`.

    Weights are matched by name, or by order if only the layers' names differ. As in Keras, a file
    of weights also restores the state of the optimizer, if it is of the same class.

    Parameters
    ----------
    model : Model
    filepath : path-like
    skip_mismatch : bool, default False
        Skip weights that the file does not have in their shape, with a warning.
    by_name : bool, default False
        Load into the layers that have a name in common with the file, and leave the others.
    allow_nonfinite : bool, default False
        Accept weights that are NaN or infinite.
    keras_version : str, optional
        The version of Keras that wrote the file, if the file does not say it.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is damaged or does not fit; the model is then unchanged.
    """
    _need_weights(model, "load_weights")

    def load(path: str) -> list[str]:
        kind = recognize(path)
        if kind is not NATIVE:
            options: dict[str, Any] = {"by_name": by_name, "skip_mismatch": skip_mismatch}
            if kind in (KERAS_ARCHIVE, KERAS_HDF5):
                options["keras_version"] = keras_version
            found: list[str] = kind.function("read_weights")(
                model, path, **options, allow_nonfinite=allow_nonfinite
            )
            return found
        config, tensors, names = _read(path, allow_nonfinite)
        places = _match(
            model, {name: tensors[f"weights/{name}"] for name in names}, skip_mismatch, by_name
        )
        if by_name:
            _assign(model, tensors, places)
            return []
        left = [name for name, *_ in model.named_params() if name not in places]
        slots = {} if left else _slots_that_fit(model, config, tensors)
        _assign(model, tensors, places)
        if slots is not None and not left:
            _set_optimizer(model, config["optimizer"], slots)
        return left

    with untrusted_file("load_weights", filepath, "weights") as path:
        left = load(path)
    if left:
        warnings.warn(f"load_weights: left as they were: {', '.join(left)}", stacklevel=3)


def save_state(
    model: SavableModel,
    filepath: str | os.PathLike[str],
    extra: Any = None,
    arrays: Mapping[str, Array] | None = None,
) -> None:
    """Write the whole state of training except random numbers, to continue exactly.

    Parameters
    ----------
    model : Model
    filepath : path-like
    extra : a value that JSON can hold, optional
    arrays : dict of str to ndarray, optional
    """
    path = check_name(filepath, "save_state", "save_weights")
    config, tensors = _describe(model)
    for i, layer in enumerate(_stateful(model)):
        tensors |= {f"states/{i}/{k}": state for k, state in enumerate(layer.states or ())}
    tensors |= {f"arrays/{name}": array for name, array in (arrays or {}).items()}
    # a tensor and not in the header, whose size is limited: the logs of many epochs are in it
    tensors["extra"] = np.frombuffer(json.dumps(extra, default=_to_python).encode(), np.uint8)
    write(path, FORMAT, config, tensors)


def restore_state(
    model: SavableModel, filepath: str | os.PathLike[str]
) -> tuple[Any, dict[str, Array]]:
    """Restore the state that `save_state` wrote to a model of the same architecture.

    The model must have been compiled in the same way.

    Returns
    -------
    extra : a value that JSON can hold
    arrays : dict of str to ndarray

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is damaged or does not fit; the model is then unchanged.
    """
    _need_weights(model, "restore_state")

    def restore(path: str) -> tuple[Any, dict[str, Array]]:
        config, tensors, names = _read(path, True)
        places = _match(model, {name: tensors[f"weights/{name}"] for name in names}, False)
        slots = _slots_that_fit(model, config, tensors)
        if slots is None:
            raise ValueError("its optimizer is another than the model's")
        extra = json.loads(tensors["extra"].tobytes()) if "extra" in tensors else None
        _assign(model, tensors, places)
        _set_optimizer(model, config["optimizer"], slots)
        for i, layer in enumerate(_stateful(model)):
            states = _with_prefix(f"states/{i}/", tensors)
            layer.states = [states[str(k)] for k in range(len(states))] or None
        return extra, _with_prefix("arrays/", tensors)

    with untrusted_file("restore_state", filepath, "weights") as path:
        return restore(path)


# -- writing -------------------------------------------------------------------------------


def _describe(model: SavableModel) -> tuple[str, dict[str, Array]]:
    """Return the config as JSON, and weights and slots by name."""
    optimizer, described = model.optimizer, None
    # an optimizer that accumulates gradients has a state before its first step
    started = optimizer is not None and bool(optimizer.iterations or optimizer.state())
    started = started and not storages(model)  # rounded weights begin a training anew
    tensors = model_file.weights_and_slots(model, "save_weights", started)
    if optimizer is not None and started:
        described = {
            "class_name": type(optimizer).__name__,
            "iterations": optimizer.iterations,
            "learning_rate": optimizer.fixed_rate,
            "trained": _trained(model),
            "state": optimizer.state(),
        }
    config = {"weights": [name for name, *_ in model.named_params()], "optimizer": described}
    return json.dumps(config), tensors


def _trained(model: SavableModel) -> list[int]:
    return [i for i, (*_, trainable) in enumerate(model.named_params()) if trainable]


def _stateful(model: SavableModel) -> list[Any]:
    return [layer for _, layer in inner_layers(model) if getattr(layer, "stateful", False)]


def _to_python(value: Any) -> Any:
    """Return a NumPy number or array as Python numbers, for JSON."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{value!r:.80} cannot be part of a file")


# -- reading -------------------------------------------------------------------------------


def _need_weights(model: SavableModel, who: str) -> None:
    if not model.built:
        raise ValueError(
            f"{who}: model {model.name!r} has no weights yet: give it an Input, or fit it, first"
        )
    model.materialize()


def _read(path: str, allow_nonfinite: bool) -> tuple[dict[str, Any], dict[str, Array], list[str]]:
    """Return the config, all tensors, and the names of the weights in order."""
    with shapes_only(), open_file(path) as file:
        config, text, crc32 = read_config(file, FORMAT, model_file.FORMAT)
        if "weights" not in config:  # a whole model
            names = [name for name, *_ in model_file.build(config, warn=False).named_params()]
            config = {"optimizer": None}
        else:
            names = config["weights"]
        tensors = {name: file.read(name) for name in file.entries}
    check_tensors(text, tensors, crc32, allow_nonfinite)
    tensors = widen(tensors)
    _check_optimizer(config["optimizer"])
    if missing := {f"weights/{name}" for name in names} - tensors.keys():
        raise ValueError(f"it lacks tensors: {few(missing)}")
    return config, tensors, names


def _match(
    model: SavableModel, found: Mapping[str, Array], skip: bool, by_name: bool = False
) -> dict[str, str]:
    """Return for each weight of the model the name of the file's weight to load."""
    wanted = {name: param.shape for name, param, _ in model.named_params()}
    kinds = [[name.rpartition("/")[2] for name in names] for names in (wanted, found)]
    if by_name:
        wanted, found = _common_layers(wanted, found)
    if wanted.keys() == found.keys() or kinds[0] != kinds[1]:
        pairs = {name: name for name in wanted if name in found}
    else:  # other names in the same order: layers' automatic names differ from run to run
        pairs = dict(zip(wanted, found, strict=True))
    if not skip:
        if missing := wanted.keys() - pairs.keys():
            raise ValueError(f"it lacks weights: {few(missing)}")
        if unknown := found.keys() - pairs.values():
            raise ValueError(f"it has unknown weights: {few(unknown)}")
    places = {}
    for name, source in pairs.items():
        array = found[source]
        if array.shape == wanted[name] and array.dtype.kind == "f":
            places[name] = source
        elif not skip:
            got = f"{array.dtype} {array.shape}"
            raise ValueError(f"{name!r}: expected shape {wanted[name]}, got {got}")
    return places


def no_common_layer(of_file: Iterable[str], of_model: Iterable[str]) -> ValueError:
    """Return the error of a load by name, for the names of layers of a file and of a model."""
    return ValueError(
        f"by_name: no layer of the file ({few(of_file)}) has the name of one of the model's "
        f"({few(of_model)})"
    )


def _common_layers(wanted: dict[str, Any], found: Mapping[str, Array]) -> tuple[Any, Any]:
    """Return the weights of layers that both have."""
    first = [{name.partition("/")[0] for name in names} for names in (wanted, found)]
    common = first[0] & first[1]
    if not common:
        raise no_common_layer(first[1], first[0])
    both = [
        {n: w for n, w in names.items() if n.partition("/")[0] in common}
        for names in (wanted, found)
    ]
    return both[0], both[1]


def _slots_that_fit(
    model: SavableModel, config: Mapping[str, Any], tensors: Mapping[str, Array]
) -> dict[str, Array] | None:
    """Return the optimizer's slots; None if they do not fit the model's optimizer."""
    described, optimizer = config["optimizer"], model.optimizer
    slots = _with_prefix("optimizer/", tensors)
    if described is None:
        return {}
    if (
        optimizer is None
        or described["class_name"] != type(optimizer).__name__
        or described["trained"] != _trained(model)
        or slots.keys() != set(optimizer.slot_names())
    ):
        return None
    size = sum(p.value.size for p in model.trainable_weights)
    fits = (array.shape == (size,) and array.dtype == model.dtype for array in slots.values())
    return slots if all(fits) else None


def _check_optimizer(described: Any) -> None:
    """Raise ValueError unless this is a valid description of an optimizer, or None."""
    keys = {"class_name", "iterations", "learning_rate", "trained", "state"}
    if described is None:
        return
    if not isinstance(described, dict) or described.keys() != keys:
        raise ValueError(f"optimizer: expected {few(keys)}, got {described!r:.80}")
    done, rate = described["iterations"], described["learning_rate"]
    if type(done) is not int or not 0 <= done < 2**53:
        raise ValueError(f"iterations: expected a whole number, got {done!r:.80}")
    if rate is not None and not (type(rate) in (int, float) and 0 <= rate < float("inf")):
        raise ValueError(f"learning_rate: expected a number, got {rate!r:.80}")
    if not isinstance(described["state"], dict):
        raise ValueError(f"optimizer: state: expected a dict, got {described['state']!r:.80}")


def _with_prefix(prefix: str, tensors: Mapping[str, Array]) -> dict[str, Array]:
    return {name[len(prefix) :]: a for name, a in tensors.items() if name.startswith(prefix)}


def _assign(model: SavableModel, tensors: Mapping[str, Array], places: Mapping[str, str]) -> None:
    for name, param, _ in model.named_params():
        if name in places:
            param.assign(tensors[f"weights/{places[name]}"])


def _set_optimizer(model: SavableModel, described: Any, slots: Mapping[str, Array]) -> None:
    optimizer = model.optimizer
    if described is None or optimizer is None:
        return
    optimizer.slots.update(slots)
    optimizer.iterations = described["iterations"]
    if described["learning_rate"] is not None and optimizer.fixed_rate is not None:
        optimizer.learning_rate = described["learning_rate"]
    optimizer.set_state(described["state"])
