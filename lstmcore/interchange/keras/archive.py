"""Keras's .keras files: a zip archive of a config, metadata and an HDF5 file of weights."""

from __future__ import annotations

import json
import os
import zipfile
from typing import Any

from ...saving.zip_archive import open_zip
from . import opening
from .ages import Age, age_of
from .hdf5 import HDF5
from .hdf5_file import said
from .writing import write_model

__all__ = ["describe", "read_model", "read_weights", "write_model"]

_CONFIG, _METADATA, _WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
_MOST_TIMES = 10  # of the archive's size: what a member may grow to
_LEAST = 1 << 20  # bytes that a member may have in any archive


def read_model(path: str, *, keras_version: str | None = None, **options: bool) -> Any:
    """Return the model that a file holds; the options are those of `opening.open_model`."""
    with _open(path) as archive:
        config, age = _config(archive, path), _age(archive, path, keras_version)
        with HDF5(_member(archive, path, _WEIGHTS)) as file:
            return opening.open_model(config, config.get("compile_config"), file, age, **options)


def read_weights(
    model: Any, path: str, *, keras_version: str | None = None, **options: bool
) -> list[str]:
    """Load a file's weights into a model; the options are those of `opening.load_weights`."""
    with _open(path) as archive, HDF5(_member(archive, path, _WEIGHTS)) as file:
        version = _age(archive, path, keras_version).version
        return opening.load_weights(model, file, keras_version=version, **options)


def describe(path: str) -> dict[str, Any]:
    """Return what the file says of itself; see `lstmcore.saving.describe_file`."""
    with _open(path) as archive, HDF5(_member(archive, path, _WEIGHTS)) as file:
        config = _config(archive, path)
        return {**said(file), "keras_version": _age(archive, path, None).version, "config": config}


def _open(path: str) -> zipfile.ZipFile:
    archive = open_zip(path)
    names = archive.namelist()
    for name in (_CONFIG, _WEIGHTS):
        if names.count(name) != 1:
            archive.close()
            raise ValueError(f"it has {names.count(name)} members {name!r}, expected one")
    return archive


def _member(archive: zipfile.ZipFile, path: str, name: str) -> bytes:
    """Return a member's bytes; raise ValueError if it claims far more than the archive has."""
    claimed = archive.getinfo(name).file_size
    most = max(_MOST_TIMES * os.path.getsize(path), _LEAST)
    if claimed > most:
        raise ValueError(f"{name!r} claims {claimed} bytes, {most} is the most in this archive")
    with archive.open(name) as member:
        data = member.read(most + 1)
    if len(data) != claimed:
        raise ValueError(f"{name!r} has {len(data)} bytes, and claims {claimed}")
    return data


def _config(archive: zipfile.ZipFile, path: str) -> dict[str, Any]:
    config = json.loads(_member(archive, path, _CONFIG))
    if not isinstance(config, dict):
        raise ValueError(f"{_CONFIG}: expected a dict, got {config!r:.80}")
    return config


def _age(archive: zipfile.ZipFile, path: str, given: str | None) -> Age:
    if given is not None:
        return age_of(given)
    if _METADATA not in archive.namelist():
        raise ValueError(
            "it does not say which version of Keras wrote it: give keras_version=, such as '3.3.3'"
        )
    stated = json.loads(_member(archive, path, _METADATA))
    return age_of(stated.get("keras_version"), "tensorflow")
