"""Keras's utilities: seeds, padding and windows, datasets, drawings, configuration.

What not every program needs is imported when first used.
"""

from typing import TYPE_CHECKING

from ..config import (
    disable_interactive_logging,
    enable_interactive_logging,
    is_interactive_logging_enabled,
)
from ..lazy import attributes
from ..random.generator import generator, seeded, set_random_seed
from ..registry import (
    CustomObjectScope,
    clear_session,
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)
from ..saving import deserialize_keras_object, serialize_keras_object
from .datasets import (
    PyDataset,
    Sequence,
    pack_x_y_sample_weight,
    unpack_x_y_sample_weight,
)
from .runtime import num_threads, show_config

if TYPE_CHECKING:
    from .dot import model_to_dot
    from .drawing import plot_model
    from .dtypes import is_keras_tensor, standardize_dtype
    from .files import get_file
    from .numerical import normalize, to_categorical
    from .pipeline import Dataset
    from .progbar import Progbar
    from .sequences import create_sequences, pad_sequences
    from .splitting import split_dataset
    from .text_files import text_dataset_from_directory
    from .timeseries import timeseries_dataset_from_array

__all__ = [
    "CustomObjectScope",
    "Dataset",
    "Progbar",
    "PyDataset",
    "Sequence",
    "clear_session",
    "create_sequences",
    "custom_object_scope",
    "deserialize_keras_object",
    "disable_interactive_logging",
    "enable_interactive_logging",
    "generator",
    "get_custom_objects",
    "get_file",
    "get_registered_name",
    "get_registered_object",
    "is_interactive_logging_enabled",
    "is_keras_tensor",
    "model_to_dot",
    "normalize",
    "num_threads",
    "pack_x_y_sample_weight",
    "pad_sequences",
    "plot_model",
    "register_keras_serializable",
    "seeded",
    "serialize_keras_object",
    "set_random_seed",
    "show_config",
    "split_dataset",
    "standardize_dtype",
    "text_dataset_from_directory",
    "timeseries_dataset_from_array",
    "to_categorical",
    "unpack_x_y_sample_weight",
]

__getattr__ = attributes(
    __name__,
    {
        "dot": ("model_to_dot",),
        "drawing": ("plot_model",),
        "dtypes": ("is_keras_tensor", "standardize_dtype"),
        "files": ("get_file",),
        "numerical": ("normalize", "to_categorical"),
        "pipeline": ("Dataset",),
        "progbar": ("Progbar",),
        "sequences": ("create_sequences", "pad_sequences"),
        "splitting": ("split_dataset",),
        "text_files": ("text_dataset_from_directory",),
        "timeseries": ("timeseries_dataset_from_array",),
    },
)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
