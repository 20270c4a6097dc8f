"""``lstmcore info``: versions and hardware in use, and contents of model files."""

from __future__ import annotations

import argparse
import math
import os
from typing import Any

from .common import CommandError, print_json, read_model


def add(commands: Any) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "info",
        help="show the versions, the instruction set and the threads in use, or a model file",
        description=(
            "Show versions, processor, instruction set and threads; add this to bug reports.\n"
            "With a file of lstmcore, Keras 1 to 3, PyTorch or ONNX: format, version, layers,\n"
            "sizes and state of training, and why it is refused where it is."
        ),
        epilog=(
            "examples:\n"
            "  lstmcore info\n"
            "  lstmcore info model.safetensors\n"
            "  lstmcore info old_model.h5\n"
            "  lstmcore info model.safetensors --json"
        ),
    )
    parser.set_defaults(execute=execute)
    parser.add_argument("model", metavar="MODEL", nargs="?", help="a file of a model or of weights")
    parser.add_argument("--json", action="store_true", help="print JSON, with the whole config")


def execute(args: argparse.Namespace) -> None:
    """Execute the command."""
    if args.model is None:
        from ..utils import show_config

        if args.json:
            print_json(machine_info())
        else:
            show_config()
        return
    found = _describe(args.model)
    model, refused = _open(args.model, found)
    if args.json:
        more = {} if model is None else _model_json(model)
        more |= {} if refused is None else {"refused": refused}
        print_json({"file": args.model, **found, **more})
        return
    for name, value in _file_rows(args.model, found).items():
        print(f"{name:<9} {value}")
    if refused is not None:
        print(f"{'refused':<10}{refused}")
    print()
    if model is None:
        for name, (shape, dtype) in found.get("tensors", {}).items():
            print(f"{name}  {dtype} {tuple(shape)}")
        return
    model.summary(expand_nested=True)
    print()
    for name, value in _training_rows(model).items():
        print(f"{name:<10}{value}")


def _open(path: str, found: dict[str, Any]) -> tuple[Any, str | None]:
    """Return the model of a file, None without one, and why `load_model` refuses the file."""
    own = str(found["format"]).startswith("lstmcore")
    if own:
        return (read_model(path) if "model" in found["config"] else None), None
    try:
        return read_model(path), None
    except CommandError as error:
        started = f"{path}: no model can be read from this file: "
        return None, str(error).removeprefix(started)


def machine_info() -> dict[str, Any]:
    """Return versions, processor, instruction sets and threads for JSON."""
    import platform

    import numpy as np

    from .. import _core
    from .._version import __version__

    return {
        "lstmcore": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "numpy": np.__version__,
        "cpu": cpu_name(),
        "isa": _core.isa(),
        "isas": _core.isas(),
        "threads": _core.get_num_threads(),
        "openmp": _core.has_openmp,
    }


def cpu_name() -> str:
    """Return the name of the processor, as far as the system tells."""
    import platform

    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = [
                line.split(":", 1)[1].strip() for line in file if line.startswith("model name")
            ]
    except OSError:
        names = []
    return names[0] if names else platform.processor() or platform.machine()


def _describe(path: str) -> dict[str, Any]:
    from ..saving import describe_file

    try:
        return describe_file(path)
    except FileNotFoundError:
        raise CommandError(f"{path} is no file; give the path of a model that was saved") from None
    except ValueError as error:
        raise CommandError(str(error)) from None


def _file_rows(path: str, found: dict[str, Any]) -> dict[str, str]:
    """Return the rows about the file itself."""
    config, tensors = found.get("config"), found.get("tensors", {})
    by = ""
    if isinstance(config, dict) and "lstmcore" in config:
        by = f", written by lstmcore {config['lstmcore']}"
    elif found.get("keras_version"):
        by = f", written by Keras {found['keras_version']}"
    rows = {
        "file": f"{os.path.basename(path)}, {found['bytes']:,} bytes",
        "format": f"{found['format']}{by}",
    }
    if tensors:
        kinds = sorted({dtype for _, dtype in tensors.values()})
        numbers = sum(math.prod(shape) for shape, _ in tensors.values())
        rows["tensors"] = f"{len(tensors)} of {numbers:,} numbers, {', '.join(kinds)}"
    known = {"format", "bytes", "config", "tensors", "keras_version", "refused"}
    others = {name: value for name, value in found.items() if name not in known}
    return rows | {name: _said(value) for name, value in others.items() if value}


def _said(value: Any) -> str:
    """Return what a file says of itself: counts by name, tensors, or anything else, as a text."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {number}" for name, number in value.items())
    if isinstance(value, list):
        return ", ".join(_said(part) for part in value)
    if isinstance(value, tuple) and len(value) == 3:
        name, shape, dtype = value
        sizes = "(?)" if shape is None else f"({', '.join(map(str, shape))})"
        return f"{name} {sizes} {dtype}"
    return str(value)


def _training_rows(model: Any) -> dict[str, str]:
    """Return the rows about the model's shapes and its training."""
    rows = {
        "input": str(model.input_shape),
        "output": str(model.output_shape),
        "dtype": str(model.dtype),
    }
    training = model.get_training()
    if training is None:
        return {**rows, "training": "not compiled"}
    compiled, optimizer = training["compile"], model.optimizer
    rate = optimizer.get_config().get("learning_rate")
    rate = f"{rate:g}" if isinstance(rate, float) else _name(rate)
    rows["optimizer"] = f"{type(optimizer).__name__}, learning rate {rate}"
    rows["loss"] = _name(compiled.get("loss"))
    if compiled.get("metrics"):
        rows["metrics"] = _name(compiled["metrics"])
    done = training["iterations"]
    steps = f"{done:,} step{'s' * (done != 1)} done, fit goes on from there"
    return {**rows, "training": steps if done else "compiled, not trained"}


def _name(entry: Any) -> str:
    """Return a short name of a loss, metric or schedule in a config."""
    if isinstance(entry, list | tuple):
        return ", ".join(_name(one) for one in entry)
    if isinstance(entry, dict):
        short = entry.get("class_name") or entry.get("function")
        return str(short) if short else ", ".join(f"{k}: {_name(v)}" for k, v in entry.items())
    return "none" if entry is None else str(entry)


def _model_json(model: Any) -> dict[str, Any]:
    """Return shapes, parameters and layers of a model for JSON."""
    from ..quantization.quantize import storages, weight_bytes

    return {
        "input_shape": model.input_shape,
        "output_shape": model.output_shape,
        "dtype": model.dtype,
        "params": model.count_params(),
        "trainable_params": sum(p.value.size for p in model.trainable_weights),
        "bytes": sum(weight_bytes(model).values()),
        "storage": storages(model),
        "layers": [
            {
                "name": layer.name,
                "class": type(layer).__name__,
                "params": layer.count_params(),
                "weights": {p.name: list(p.value.shape) for p in layer.weights},
            }
            for layer in model.layers
        ],
    }
