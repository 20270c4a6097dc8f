"""A fast LSTM engine for CPUs: a small C core, a Keras-shaped Python API, NumPy in and out."""

from ._binding import loader as _loader  # first: it loads the core  # noqa: F401  # isort: skip
from . import (
    _moved,
    activations,
    callbacks,
    config,
    constraints,
    initializers,
    inspection,
    layers,
    losses,
    metrics,
    models,
    optimizers,
    regularizers,
    saving,
    text,
    utils,
)
from . import refused as _refused
from ._core import get_num_threads, set_num_threads
from ._version import __version__
from .config import DTypePolicy
from .initializers import Initializer
from .layers import Input, InputSpec, Layer
from .layers.symbolic import SymbolicTensor as KerasTensor
from .layers.variables import Variable
from .losses import Loss
from .metrics import Metric
from .models import Model, Sequential
from .optimizers import Optimizer
from .regularizers import Regularizer
from .saving import load_model
from .utils import num_threads, show_config

FloatDTypePolicy = DTypePolicy  # Keras's other name

__all__ = [
    "DTypePolicy",
    "FloatDTypePolicy",
    "Initializer",
    "Input",
    "InputSpec",
    "KerasTensor",
    "Layer",
    "Loss",
    "Metric",
    "Model",
    "Optimizer",
    "Regularizer",
    "Sequential",
    "Variable",
    "__version__",
    "activations",
    "callbacks",
    "config",
    "constraints",
    "get_num_threads",
    "initializers",
    "inspection",
    "layers",
    "load_model",
    "losses",
    "metrics",
    "models",
    "num_threads",
    "optimizers",
    "preprocessing",
    "regularizers",
    "saving",
    "set_num_threads",
    "show_config",
    "text",
    "utils",
    "version",
]


def version() -> str:
    """Return the version of the library."""
    return __version__


_moved.install()  # old pickles find their classes

# with which names of Keras that are not here are refused, and say what to use instead
_refused.install(*(f"{__name__}.{name}" for name in _refused.MODULES))

LATER = (
    "backend",
    "classification",
    "data",
    "datasets",
    "distribution",
    "dtype_policies",
    "estimators",
    "mixed_precision",
    "onnx",
    "ops",
    "plotting",
    "preprocessing",
    "reference",
    "tuner",
)


# of lstmcore.interchange.pytorch
FROM_PYTORCH = ("from_torch", "layers_from_torch", "read_torch", "to_torch")

layers.symbolic.late_ops = lambda: __getattr__("ops")


def __getattr__(name: str) -> object:
    """Import on first use the packages that not every program needs; refuse other names."""
    if name in LATER:
        import importlib

        return importlib.import_module(f".{name}", __name__)
    if name in FROM_PYTORCH:
        import importlib

        return getattr(importlib.import_module(".interchange.pytorch", __name__), name)
    if name == "GradientTape":
        from .autodiff.gradient_tape import GradientTape

        return GradientTape
    return _refused.missing(__name__, name)
