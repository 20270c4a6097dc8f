"""The library's own model file: one safetensors file with the architecture in its metadata.

    metadata   format   "lstmcore/1"
               config   JSON: model (class and constructor arguments), input_shape, training,
                        storage of quantized layers
               crc32    of the config and of all tensors, to detect damage
    tensors    weights/<layer>/<weight>      as in Keras: kernel, recurrent_kernel, bias
               optimizer/<slot>              one flat array each
               extra/<name>                  arrays of an application that wraps the model; its
                                             settings are in the config: extra

A file is data from outside. Reading one executes nothing and imports nothing: layers come from
the closed registry. Every size is checked against the file before memory is taken for it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np

from .. import layers
from .._version import __version__
from ..config import policies
from ..layers.base import LARGEST, Shape
from ..layers.module import shapes_only
from ..quantization.quantize import check_mode, storages
from ..refused.arguments import checked
from ..registry import custom_objects as with_custom_objects
from ..serialization import to_json
from ..validation import Array
from .formats import KERAS_ARCHIVE, KERAS_HDF5, NATIVE, no_file, recognize, written_as
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
from .safetensors_format import Reader
from .stored_weights import declare_storage, fill, quantize_loaded, rounded_floats, stored_products

FORMAT = "lstmcore/1"
T = TypeVar("T")


def save_model(
    model: SavableModel,
    filepath: str | os.PathLike[str],
    overwrite: bool = True,
    zipped: bool | None = None,
    *,
    extra: tuple[str, dict[str, Any], dict[str, Array]] | None = None,
) -> None:
    """Write a model to one file; see `Model.save`.

    Parameters
    ----------
    model, filepath, overwrite, zipped
        As for `Model.save`.
    extra : (kind, settings, arrays), optional
        Data of an application that wraps the model, for `load_with_extra`: a name, values that
        JSON can hold, and arrays of float64 by name.
    """
    path = check_name(filepath, "save", "save", overwrite)
    kind = written_as(path, "save")
    if kind is not NATIVE:
        if extra is not None:
            raise ValueError(f"save: {kind.name} has no place for {extra[0]}: write .safetensors")
        warn_of_not_finite("save", weights_and_slots(model, "save", False), "load_model")
        kind.function("write_model")(rounded_floats(model, "save", kind.name), path)
        return
    config, tensors = _describe(model, extra)
    warn_of_not_finite("save", tensors, "load_model")
    write(path, FORMAT, config, tensors)


@checked
def load_model(
    filepath: str | os.PathLike[str],
    custom_objects: Mapping[str, Any] | None = None,
    compile: bool = True,
    safe_mode: bool = True,
    *,
    weights: str | None = None,
    allow_nonfinite: bool = False,
    keras_version: str | None = None,
) -> Any:
    """Load a model from a file: one of `Model.save`, or of Keras 1 to 3, or an ONNX graph.

    The format is recognized by the content, whatever the name.

    Parameters
    ----------
    filepath : path-like
    custom_objects : dict of str to class or function, optional
        Classes and functions that the file may name besides the library's own.
    compile : bool, default True
        Compile the model and restore the optimizer's state: training continues exactly.
    safe_mode : bool, default True
        Accepted for compatibility with Keras: reading a file never runs code from it.
    weights : {"int8", "bfloat16", "float16"}, optional
        Quantize the model, as `Model.quantize` does. A file of quantized weights gives a quantized
        model at any rate.
    allow_nonfinite : bool, default False
        Accept weights that are NaN or infinite.
    keras_version : str, optional
        The version of Keras that wrote the file, such as ``"2.2.4"``, if the file does not say it.

    Returns
    -------
    Model

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is not a model file, is damaged or is inconsistent; the message says where.
    """
    if weights is not None:
        check_mode(weights, "load_model: weights")
    with (
        with_custom_objects(custom_objects),
        untrusted_file("load_model", filepath, "model") as path,
    ):
        kind = recognize(path)
        options: dict[str, Any] = {"compile": compile, "allow_nonfinite": allow_nonfinite}
        if kind in (KERAS_ARCHIVE, KERAS_HDF5):
            options["keras_version"] = keras_version
        elif keras_version is not None:
            raise ValueError(f"keras_version: expected None for {kind.name}")
        if kind is NATIVE:
            model: Any = _read(path, compile, allow_nonfinite)[0]
        else:
            model = kind.function("read_model")(path, **options)
        if weights is not None:
            quantize_loaded(model, weights)
        return model


def load_with_extra(
    filepath: str | os.PathLike[str], kind: str, build: Callable[[Any, Any, Any], T]
) -> T:
    """Load a model with the application data that was saved with it.

    Parameters
    ----------
    filepath : path-like
    kind : str
        The name that the data must have been saved under.
    build : callable
        Called with the model, the settings and the arrays; its result is returned.

    Raises
    ------
    FileNotFoundError, ValueError
        If the file is missing, invalid, or of another kind, as for `load_model`.
    """
    with untrusted_file("load", filepath, kind) as path:
        model, extra, arrays = _read(path, True, False)
        if extra is None or extra.get("kind") != kind:
            raise ValueError("there is a model alone, or one of something else")
        return build(model, extra["settings"], arrays)


@contextmanager
def untrusted_file(who: str, filepath: str | os.PathLike[str], what: str) -> Iterator[str]:
    """Report any error raised while reading an untrusted file as a ValueError about it.

    Yields the path; raises FileNotFoundError if there is no such file.
    """
    path = os.fspath(filepath)
    if not os.path.isfile(path):
        raise no_file(who, path)
    try:
        yield path
    except ImportError:  # an extra that is not installed
        raise
    except Exception as error:
        reason = str(error).splitlines() or [type(error).__name__]
        raise ValueError(f"{path}: no {what} can be read from this file: {reason[0]}") from error


def _describe(
    model: SavableModel, extra: tuple[str, dict[str, Any], dict[str, Array]] | None
) -> tuple[str, dict[str, Array]]:
    """Return the config as JSON, and all arrays by name."""
    storage, training = storages(model), model.get_training()
    started = model.optimizer is not None and model.optimizer.iterations > 0 and not storage
    tensors = weights_and_slots(model, "save", started)
    if storage and training is not None:  # rounded weights begin a training anew
        training = {"compile": training["compile"], "iterations": 0}
    config = {
        "model": to_json(model),
        "input_shape": model.input_shape,
        "training": training,
        "lstmcore": __version__,
    }
    if storage:
        config["storage"] = storage
    if extra is not None:
        kind, settings, arrays = extra
        shapes = {name: array.shape for name, array in arrays.items()}
        config["extra"] = {"kind": kind, "settings": settings, "arrays": shapes}
        tensors.update(
            {f"extra/{k}": np.ascontiguousarray(a, np.float64) for k, a in arrays.items()}
        )
    return _to_text(config), tensors


def _to_text(config: Any) -> str:
    """Return a config as JSON, in UTF-8 without escapes where that is possible."""
    text = json.dumps(config, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:  # half a pair of surrogates
        return json.dumps(config)
    return text


def weights_and_slots(model: SavableModel, who: str, started: bool) -> dict[str, Array]:
    """Return all weights by name as they are stored, and the optimizer's slots if it `started`."""
    if not model.built:
        raise ValueError(
            f"{who}: model {model.name!r} has no weights yet: give it an Input, or fit it, first"
        )
    model.materialize()  # the optimizer's arrays follow the weights that are trained now
    tensors: dict[str, Array] = {}
    for name, param, _ in model.named_params():
        if tensors.setdefault(f"weights/{name}", param.value) is not param.value:
            raise ValueError(f"{who}: two weights are named {name!r}: give the layers other names")
    for product in stored_products(model):
        tensors.update(product.arrays())
    optimizer = model.optimizer
    if optimizer is not None and started:
        size = sum(p.value.size for p in model.trainable_weights)
        optimizer.make_slots(size, np.dtype(model.dtype))
        names = optimizer.slot_names()
        tensors.update({f"optimizer/{name}": optimizer.slots[name] for name in names})
    return tensors


def _read(
    path: str, compile: bool, allow_nonfinite: bool
) -> tuple[SavableModel, Any, dict[str, Array]]:
    """Return the model, the application's settings and its arrays."""
    with open_file(path) as file:
        config, text, crc32 = read_config(file, FORMAT)
        with shapes_only():
            model, training = _declared(config, compile)
            expected = _expected(model, training is not None)
        extra = config.get("extra")
        extra_shapes = (
            {} if extra is None else {f"extra/{k}": tuple(s) for k, s in extra["arrays"].items()}
        )
        expected.update({name: (shape, "float64") for name, shape in extra_shapes.items()})
        _compare(file, expected)  # before any memory is taken
        tensors = _read_tensors(file, model)
    check_tensors(text, tensors, crc32, allow_nonfinite)
    fill(model, tensors)
    slots = {name[10:]: a for name, a in tensors.items() if name.startswith("optimizer/")}
    arrays = {name[6:]: tensors[name] for name in extra_shapes}
    return model.set_training(training if compile else None, slots), extra, arrays


def _declared(config: Any, compile: bool) -> tuple[SavableModel, Any]:
    """Return a config's model, with its optimizer and without memory, and its training."""
    model = build(config)
    training = config["training"]
    if training is not None:
        checked = dict(_check_training(training))
        if not compile:  # losses and metrics need not be known; the optimizer has arrays
            checked["compile"] = {"optimizer": checked["compile"]["optimizer"], "loss": None}
        model.set_training(checked, {})
    return model, training


def _expected(model: SavableModel, with_slots: bool) -> dict[str, tuple[tuple[int, ...], str]]:
    """Return the shape and the dtype of each tensor of a model in a file, by its name."""
    shapes = {f"weights/{name}": p.shape for name, p, _ in model.named_params()}
    if with_slots:
        shapes.update(_slots(model))
    expected = {name: (shape, str(model.dtype)) for name, shape in shapes.items()}
    for product in stored_products(model):
        expected.update(product.describe())
    return expected


def _read_tensors(file: Reader, model: SavableModel) -> dict[str, Array]:
    """Return all arrays of a file by name; float weights are the model's own memory."""
    model.materialize(initialize=False)
    weights = {f"weights/{name}": param for name, param, _ in model.named_params()}
    stored = {name for product in stored_products(model) for name in product.names}
    tensors = {}
    for name in file.entries:
        if name in weights and name not in stored:
            flat = weights[name].flat
            tensors[name] = flat.view(weights[name])
            file.read_into(name, tensors[name])
            flat.version += 1
        else:
            tensors[name] = file.read(name)
    return tensors


def build(config: Any, warn: bool = True) -> SavableModel:
    """Return the model of a config, its weights declared but without memory.

    Without `warn` nothing is said of a policy that this CPU cannot compute.
    """
    if not isinstance(config, dict) or not {"model", "input_shape", "training"} <= config.keys():
        raise ValueError("its config has no model, input_shape and training")
    model = layers.get(policies.computable(config["model"], warn))
    if not isinstance(model, SavableModel):
        raise ValueError(f"expected a model, got a layer of class {type(model).__name__}")
    given = config["input_shape"]
    if model.overrides_call:
        model.build_for(_shapes(given), model.common_dtype())
    elif model.several_inputs:
        model.build_for([_shape(entry) for entry in given], model.common_dtype())
    else:
        model.build_for(_shape(given), model.common_dtype())
    declare_storage(model, config.get("storage", {}))
    return model


def _shapes(given: Any) -> Any:
    """Return the shapes of a structure of inputs, checked."""
    if isinstance(given, dict):
        return {str(key): _shapes(part) for key, part in given.items()}
    if isinstance(given, list) and given and isinstance(given[0], list | dict):
        return [_shapes(part) for part in given]
    return _shape(given)


def _shape(given: Any) -> Shape:
    """Return the shape of an input; raise ValueError if it is not a valid one."""
    shape: Shape = tuple(given)
    if not shape or any(
        n is not None and (type(n) is not int or not 1 <= n <= LARGEST) for n in shape
    ):
        raise ValueError(f"input_shape: expected sizes from 1 to {LARGEST} or null, got {shape}")
    return shape


def _check_training(training: Any) -> dict[str, Any]:
    if not isinstance(training, dict) or not (
        {"compile", "iterations"} <= training.keys() <= {"compile", "iterations", "state"}
    ):
        raise ValueError(f"training: expected compile and iterations, got {training!r:.80}")
    done = training["iterations"]
    if type(done) is not int or not 0 <= done < 2**53:
        raise ValueError(f"iterations: expected a whole number, got {done!r:.80}")
    return training


def _slots(model: SavableModel) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the slots that a file must have: none before the first step."""
    optimizer = model.optimizer
    if optimizer is None or not optimizer.iterations:
        return {}
    size = sum(int(np.prod(p.shape)) for p in model.trainable_weights)
    return {f"optimizer/{name}": (size,) for name in optimizer.slot_names()}


def _compare(file: Reader, expected: Mapping[str, tuple[tuple[int, ...], str]]) -> None:
    """Raise ValueError unless the file has exactly these tensors, of these shapes and types."""
    names = set(file.entries)
    if missing := expected.keys() - names:
        raise ValueError(f"it lacks tensors: {few(missing)}")
    if unknown := names - expected.keys():
        raise ValueError(f"it has unknown tensors: {few(unknown)}")
    for name, (shape, dtype) in expected.items():
        kind, found = file.entries[name][:2]
        if found != shape or kind != dtype:
            raise ValueError(f"{name!r}: expected {dtype} {shape}, got {kind} {found}")
