"""Keras's .h5 files: whole models of all ages, and weights."""

from __future__ import annotations

from typing import Any

from . import opening
from .ages import Age
from .hdf5 import HDF5
from .weights import named_root, stated_age
from .writing import write_weights

__all__ = ["describe", "read_model", "read_weights", "write_weights"]


def read_model(path: str, *, keras_version: str | None = None, **options: bool) -> Any:
    """Return the model that a file holds; the options are those of `opening.open_model`."""
    with HDF5(path) as file:
        config = file.json("", "model_config")
        if config is None:
            raise ValueError(
                "it has weights alone, no architecture: build the model in code, or from its JSON "
                "by lstmcore.models.model_from_json, and write model.load_weights(path)"
            )
        training, age = file.json("", "training_config"), stated_age(file, keras_version)
        return opening.open_model(config, training, file, age, **options)


def read_weights(model: Any, path: str, **options: Any) -> list[str]:
    """Load a file's weights into a model; the options are those of `opening.load_weights`."""
    with HDF5(path) as file:
        return opening.load_weights(model, file, **options)


def describe(path: str) -> dict[str, Any]:
    """Return what the file says of itself; see `lstmcore.saving.describe_file`."""
    with HDF5(path) as file:
        return {**said(file), "config": file.json("", "model_config")}


def said(file: HDF5) -> dict[str, Any]:
    """Return the version of Keras that a file states, and its arrays' shapes."""
    stated: Age | None = None
    if named_root(file) is not None:
        try:
            stated = stated_age(file, None)
        except ValueError:
            stated = None
    return {
        "keras_version": None if stated is None else stated.version,
        "tensors": {
            path: (tuple(array.shape), array.dtype.name) for path, array in file.arrays.items()
        },
    }
