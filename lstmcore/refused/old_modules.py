"""Module paths of Keras 1 and 2, as ``keras.layers.embeddings``: what is in them is handed out."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

_ROOT = __package__.partition(".")[0]

# The old paths, without "lstmcore.", by the module that has their names now. Some are packages of
# ours, too: see `lstmcore.refused.names_within`.
_PATHS = {
    "layers": "layers.embeddings layers.advanced_activations layers.convolutional layers.merge "
    "layers.local layers.convolutional_recurrent layers.recurrent_v2 layers.cudnn_recurrent "
    "layers.base_layer layers.experimental layers.experimental.preprocessing engine.topology "
    "engine.base_layer engine.input_layer layers.core layers.normalization layers.attention "
    "layers.merging layers.rnn layers.regularization layers.reshaping",
    "models": "engine engine.training engine.sequential engine.functional",
    "utils": "utils.np_utils utils.vis_utils utils.data_utils utils.layer_utils "
    "utils.generic_utils utils.io_utils",
    "losses": "objectives",
    "initializers": "initializations",
    "optimizers": "optimizers.legacy optimizers.experimental optimizers.adam_v2 optimizers.adam_v1 "
    "optimizers.rmsprop_v2 optimizers.gradient_descent_v2 optimizers.adagrad_v2 "
    "optimizers.adadelta_v2 optimizers.nadam_v2",
    "optimizers.schedules": "optimizers.learning_rate_schedule",
    "preprocessing.sequence": "preprocessing.timeseries",
    "saving": "saving.hdf5_format saving.saved_model",
}
OLD_MODULES = {path: home for home, paths in _PATHS.items() for path in paths.split()}


def home_of(module: str) -> str | None:
    """Return the full name of the module that has the names of an old one; None for others."""
    home = OLD_MODULES.get(module.partition(".")[2])
    return None if home is None else f"{_ROOT}.{home}"


def names_of(home: str, error: Callable[[str], AttributeError]) -> Callable[[str], Any]:
    """Return a ``__getattr__`` that hands out what another module has, or raises this error."""

    def find(name: str) -> Any:
        try:
            if name[:1] != "_":
                return getattr(import_module(home), name)
        except AttributeError:
            pass
        raise error(name)

    return find


class OldModules:
    """The loader of stand-ins for old paths."""

    def __init__(self, error: Callable[[str, str], AttributeError]) -> None:
        self.error = error

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Return None: an ordinary, empty module serves."""
        return None

    def exec_module(self, module: ModuleType) -> None:
        """Have the module hand out what its successor has."""
        home = home_of(module.__name__)
        assert home is not None
        module.__path__ = []  # engine.topology is in engine
        own = module.__name__
        vars(module)["__getattr__"] = names_of(home, lambda name: self.error(own, name))
