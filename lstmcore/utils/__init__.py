"""Keras's utilities: seeds, padding and windows, datasets, drawings, configuration."""

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
from .datasets import PyDataset, Sequence, split_dataset
from .drawing import plot_model
from .numerical import normalize, to_categorical
from .runtime import num_threads, show_config
from .sequences import create_sequences, pad_sequences
from .timeseries import timeseries_dataset_from_array

__all__ = [
    "CustomObjectScope",
    "PyDataset",
    "Sequence",
    "clear_session",
    "create_sequences",
    "custom_object_scope",
    "generator",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "normalize",
    "num_threads",
    "pad_sequences",
    "plot_model",
    "register_keras_serializable",
    "seeded",
    "set_random_seed",
    "show_config",
    "split_dataset",
    "timeseries_dataset_from_array",
    "to_categorical",
]
