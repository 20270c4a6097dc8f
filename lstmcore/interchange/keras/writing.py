"""`.keras` and `.weights.h5` files, as Keras 3 reads them; written without Keras.

A `.keras` file is a zip archive: ``metadata.json``, ``config.json`` and ``model.weights.h5``.
The same model gives the same bytes: dates are fixed and HDF5 keeps no times.
"""

from __future__ import annotations

import io
import json
import warnings
import zipfile
from typing import Any

from ..._version import __version__
from ...saving.atomic import atomic_write
from ..extras import needed
from .keras3_names import version
from .written_configs import check_differences, model_config
from .written_training import compile_config, optimizer_state
from .written_weights import Stored, stored_weights

_EARLIEST = (1980, 1, 1, 0, 0, 0)  # the first date that a zip archive can have


def write_model(model: Any, path: str) -> None:
    """Write a model as a `.keras` file, with what `compile` was given and the optimizer's state.

    Raises
    ------
    ValueError
        For what Keras has not, such as a variant of the LSTM; the message names layer and option.
    """
    model.materialize()  # the optimizer's arrays follow the weights that are trained now
    check_differences(model)
    config = {**model_config(model), "compile_config": compile_config(model)}
    metadata = {"keras_version": version(), "written_by": f"lstmcore {__version__}"}
    weights = io.BytesIO()
    _write_hdf5(weights, model, optimizer_state(model))
    members = {
        "metadata.json": json.dumps(metadata).encode(),
        "config.json": json.dumps(config).encode(),
        "model.weights.h5": weights.getvalue(),
    }
    with atomic_write(path) as file, zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name, _EARLIEST), content)


def write_weights(model: Any, path: str) -> None:
    """Write the weights and the optimizer's state as a `.weights.h5` file.

    Warns
    -----
    UserWarning
        If the optimizer is not Keras's, or its state has no place in Keras's files.
    """
    model.materialize()
    try:
        state = optimizer_state(model)
    except ValueError as error:
        warnings.warn(f"save_weights: the weights alone are written: {error}", stacklevel=4)
        state = None
    with atomic_write(path) as file:
        _write_hdf5(file, model, state)


def _write_hdf5(file: Any, model: Any, optimizer: Stored | None) -> None:
    """Write weights, and the optimizer's state if there is one, into an empty file."""
    h5py = needed("h5py", "keras")
    stored = [*stored_weights(model), *([optimizer] if optimizer is not None else [])]
    with h5py.File(file, "w") as root:
        for path, name, arrays in stored:
            group = root.create_group(f"{path}/vars" if path else "vars")
            group.attrs["name"] = name
            for i, array in enumerate(arrays):
                group.create_dataset(str(i), data=array, track_times=False)
