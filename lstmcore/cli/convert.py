"""``lstmcore convert``: a model's file into another format."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from ..quantization.storage import FORMATS
from .common import CommandError, read_model

SUFFIXES = (".safetensors", ".keras", ".onnx", ".weights.h5", ".weights.safetensors")
ALLOWED = 2e-6  # of a number's size, or of 1 for smaller ones
T = TypeVar("T")


def add(commands: Any) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "convert",
        help="write a model's file in another format",
        description=(
            "Read a model of this library, of Keras 1 to 3, or an ONNX graph, and write it as the\n"
            f"name of the new file says: {', '.join(SUFFIXES)}."
        ),
        epilog=(
            "examples:\n"
            "  lstmcore convert old_model.h5 model.keras --check\n"
            "  lstmcore convert model.safetensors model.onnx --check --input probe.npz\n"
            "  lstmcore convert model.safetensors small.safetensors --weights int8"
        ),
    )
    parser.set_defaults(execute=execute)
    parser.add_argument("source", metavar="IN", help="a file of a model; its content says which")
    parser.add_argument("target", metavar="OUT", help="the file to write")
    parser.add_argument(
        "--weights",
        choices=FORMATS,
        help="quantize the model: OUT, a .safetensors file, has its weights in one or two bytes",
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help=f"read OUT again, and fail if its outputs differ by more than {ALLOWED:g}",
    )
    parser.add_argument(
        "--input",
        metavar="NPZ",
        help="arrays to check with, by the inputs' names or in their order; by default random ones",
    )


def execute(args: argparse.Namespace) -> None:
    """Execute the command."""
    source, target = args.source, args.target
    name = os.path.basename(target).lower()
    if not name.endswith(SUFFIXES):
        raise CommandError(f"{target}: expected a name that ends in {', '.join(SUFFIXES)}")
    if args.input and not args.check:
        raise CommandError("--input is what --check compares with: give both")
    if os.path.exists(target) and os.path.realpath(source) == os.path.realpath(target):
        raise CommandError(f"{target} is the file to read: give another name")
    if args.weights and not name.endswith(".safetensors"):
        raise CommandError(
            f"--weights: {target}: expected a .safetensors file, which alone has them"
        )
    model = read_model(source)
    if args.weights:
        report = _refusing(partial(model.quantize, args.weights, verbose=0))
        print(report)
    left = _left_behind(source, model, name)
    _refusing(lambda: _write(model, target))
    print(f"{target}: {os.path.getsize(target):,} bytes, {model.count_params():,} weights")
    if left:
        print(f"left behind: {left}")
    if args.check:
        _check(source, target, model, args.input)


def _write(model: Any, target: str) -> None:
    from ..interchange.checking import is_of_weights

    if target.lower().endswith(".onnx"):
        model.export(target)
    elif is_of_weights(target):
        model.save_weights(target)
    else:
        model.save(target)


def _left_behind(source: str, model: Any, name: str) -> str:
    """Return what a file has beside its model, which the new file will not have."""
    from ..saving import describe_file

    config = describe_file(source).get("config")
    extra = config.get("extra") if isinstance(config, dict) else None
    found = []
    if isinstance(extra, dict) and "kind" in extra:
        found.append(f"all of the {extra['kind']} but its network")
    if model.optimizer is not None and name.endswith(".onnx"):
        found.append("loss, metrics and optimizer")
    elif name.endswith((".weights.h5", ".weights.safetensors")):
        found.append("the architecture")
    return "; ".join(found)


def _check(source: str, target: str, model: Any, given: str | None) -> None:
    """Compare the outputs of the new file, and of an ONNX graph that was read, with the model's."""
    from ..interchange import checking
    from ..saving.formats import ONNX, recognize

    def probes_of() -> list[list[Any]]:
        return checking.given_inputs(given, model) if given else checking.random_inputs(model)

    def apart(path: str) -> float:
        return max(
            checking.largest_difference(
                checking.outputs_of_file(path, model, x), checking.outputs_of_model(path, model, x)
            )
            for x in probes
        )

    probes = _refusing(probes_of)
    files = [target] if recognize(source) is not ONNX else [source, target]
    for path in files:
        worst = _refusing(partial(apart, path))
        shapes = " and ".join(str([array.shape for array in x]) for x in probes)
        said = "equal to the bit" if worst == 0 else f"largest difference {worst:.2g}"
        line = f"check of {path} on inputs of shape {shapes}: {said}"
        if worst > ALLOWED:
            raise CommandError(f"{line}, more than {ALLOWED:g}")
        print(line)


def _refusing(action: Callable[[], T]) -> T:
    """Return an action's result; what is wrong with a model or with inputs is an error line."""
    try:
        return action()
    except (ValueError, TypeError) as error:
        raise CommandError(str(error)) from None
