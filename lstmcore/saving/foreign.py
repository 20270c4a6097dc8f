"""Files of other libraries: whose they are, and how their weights are taken over."""

from __future__ import annotations

import os

_HDF5, _ZIP = b"\x89HDF\r\n\x1a\n", b"PK\x03\x04"
_ARRAYS = "model.set_weights(list(numpy.load('weights.npz').values()))"
FROM_KERAS = (
    "in Keras write numpy.savez('weights.npz', *model.get_weights()); here make the same layers "
    f"and write {_ARRAYS}"
)


def refuse_foreign(path: str, start: bytes) -> None:
    """Raise ValueError if a file that begins so is another library's model.

    Parameters
    ----------
    path : str
    start : bytes
        The first eight bytes of the file.
    """
    import zipfile

    if start == _HDF5:
        raise ValueError(f"it is an HDF5 file, as Keras writes .h5: {FROM_KERAS}")
    if not start.startswith(_ZIP):
        return
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError):
        return  # cut short
    if "model.weights.h5" in names or "metadata.json" in names:
        raise ValueError(f"it is Keras's .keras file: {FROM_KERAS}")
    if any(name.endswith("data.pkl") for name in names):
        raise ValueError("it is PyTorch's: its weights are arrays for layer.set_weights")
    if names and all(name.endswith(".npy") for name in names):
        write = _ARRAYS.replace("weights.npz", os.path.basename(path))
        raise ValueError(f"it is NumPy's file of arrays: write {write}")
    raise ValueError("it is a zip archive")


def no_file(who: str, path: str) -> FileNotFoundError:
    """Return the error for a path that leads to no file; a folder may be TensorFlow's model."""
    if not os.path.isdir(path):
        return FileNotFoundError(f"{who}: no file {path}")
    saved = os.path.exists(os.path.join(path, "saved_model.pb"))
    whose = f", TensorFlow's SavedModel: {FROM_KERAS}" if saved else ""
    return FileNotFoundError(f"{who}: no file {path}: it is a folder{whose}")
