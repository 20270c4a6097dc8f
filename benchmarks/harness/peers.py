"""Libraries that lstmcore is compared with, and their interpreters.

As a script it creates one virtual environment per library:

    python -m benchmarks.harness.peers [name ...]
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]  # of the checkout
OURS = "lstmcore"


@dataclass(frozen=True)
class Library:
    """A measured library.

    worker : module in benchmarks/workers that measures it
    modules : modules that its interpreter must be able to import
    packages : packages to install with pip
    training : True if it can train
    precision : of products; that of all but float32 is in the library's name
    environment : name of the library whose environment it shares
    """

    worker: str
    modules: tuple[str, ...]
    packages: tuple[str, ...] = ()
    training: bool = True
    precision: str = "float32"
    environment: str | None = None


LIBRARIES = {
    OURS: Library("ours", ("lstmcore",)),
    "lstmcore-float16": Library("ours", ("lstmcore",), training=False, precision="float16"),
    "lstmcore-bfloat16": Library("ours", ("lstmcore",), precision="bfloat16"),
    "lstmcore-int8": Library("ours", ("lstmcore",), training=False, precision="int8"),
    "torch": Library("torch_", ("torch",), ("torch==2.13.0", "numpy")),
    "onnxruntime": Library(
        "onnxruntime_", ("onnxruntime", "onnx"), ("onnxruntime", "onnx", "numpy"), training=False
    ),
    "openvino": Library(
        "openvino_", ("openvino", "onnx"), ("openvino", "onnx", "numpy"), training=False
    ),
    "openvino-bfloat16": Library(  # what it takes by default where the CPU has bfloat16
        "openvino_",
        ("openvino", "onnx"),
        training=False,
        precision="bfloat16",
        environment="openvino",
    ),
    "keras-jax": Library("keras_jax", ("keras", "jax"), ("keras", "jax", "numpy")),
}


def folder() -> Path:
    """Return the folder of the environments: $LSTMCORE_PEERS, or `peers` beside the checkout."""
    return Path(os.environ.get("LSTMCORE_PEERS") or ROOT.parent / "peers")


def is_ours(name: str) -> bool:
    """Return whether this is lstmcore, in any precision."""
    return LIBRARIES[name].worker == LIBRARIES[OURS].worker


def _interpreter(name: str) -> Path:
    return folder() / (LIBRARIES[name].environment or name) / "bin" / "python"


def find_python(name: str) -> str | None:
    """Return an interpreter that has the library, or None if it is not installed."""
    if is_ours(name):
        return sys.executable
    if _interpreter(name).exists():
        return str(_interpreter(name))
    modules = LIBRARIES[name].modules
    return sys.executable if all(map(importlib.util.find_spec, modules)) else None


def main() -> None:
    """Create the environments named on the command line, by default all."""
    names = [name for name, library in LIBRARIES.items() if library.packages]
    parser = argparse.ArgumentParser(description=f"Make the peers' environments in {folder()}.")
    parser.add_argument("names", nargs="*", metavar="name", help=f"of {', '.join(names)}; all")
    wanted = parser.parse_args().names or names
    if unknown := set(wanted) - set(names):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    for name in wanted:
        print(f"{folder() / name}: {' '.join(LIBRARIES[name].packages)}", flush=True)
        venv.create(folder() / name, with_pip=True)
        install = ["-m", "pip", "install", "--quiet", *LIBRARIES[name].packages]
        subprocess.run([_interpreter(name), *install], check=True)


if __name__ == "__main__":
    main()
