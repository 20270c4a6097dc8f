"""`text_dataset_from_directory`: texts in files, a folder for each class."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..random.generator import generator
from .pipeline import Array, Ending

_WHERE = "text_dataset_from_directory"


class TextFiles(Ending):
    """A dataset of the texts in files, read when asked for, and their labels."""

    def __init__(self, paths: list[Path], labels: Array | None, max_length: int | None) -> None:
        super().__init__()
        self.paths, self.labels, self.max_length = paths, labels, max_length

    def __len__(self) -> int:
        return len(self.paths)

    def _text(self, index: int) -> str:
        return self.paths[index].read_text(encoding="utf-8")[: self.max_length]

    def __getitem__(self, index: int) -> Any:
        text = np.array(self._text(self.inside(index)), object)
        return text if self.labels is None else (text, self.labels[index])

    def rows(self, numbers: Array) -> Any:
        """Return the texts of these numbers as a batch."""
        texts = np.array([self._text(int(i)) for i in numbers], object)
        return texts if self.labels is None else (texts, self.labels[numbers])


def text_dataset_from_directory(
    directory: Any,
    labels: Any = "inferred",
    label_mode: str | None = "int",
    class_names: Sequence[str] | None = None,
    batch_size: int | None = 32,
    max_length: int | None = None,
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    follow_links: bool = False,
    format: str = "tf",
    verbose: bool = True,
) -> Any:
    """Make a dataset of the texts in a folder, which has a folder for each class.

    Parameters
    ----------
    directory : path
        ``directory/class/any.txt``, in UTF-8; files with other endings are left out.
    labels : "inferred", None, or sequence of int
        "inferred": the number of the class's folder. A sequence has a label for each file in
        sorted order of the paths; then, as for None, folders mean nothing.
    label_mode : {"int", "categorical", "binary"} or None
        int32 numbers (batch,); one-hot vectors (batch, classes) or zeros and ones (batch, 1), in
        float32; no labels.
    class_names : sequence of str, optional
        The folders in the order of their numbers; by default all, sorted.
    batch_size : int or None, default 32
        With None, single texts.
    max_length : int, optional
        Cut texts to this number of characters.
    shuffle : bool, default True
        Draw a new order for each epoch; False is the sorted order.
    seed : int, optional
        The seed of the order, needed for a random `validation_split`.
    validation_split : float, optional
        The share of files that are for validation: the last ones of the order.
    subset : {"training", "validation", "both"}, optional
        The part to return, with `validation_split`; "both" returns two datasets.
    follow_links : bool, default False
        Go into folders behind links.
    format : {"tf", "grain"}
        Accepted for compatibility with Keras.
    verbose : bool, default True
        Print the numbers of files and classes.

    Returns
    -------
    Dataset or (Dataset, Dataset)
        Batches ``(texts, labels)``, or texts alone, which are arrays of str objects (batch,); with
        the attribute ``class_names``.

    Raises
    ------
    ValueError
        If an argument is not valid, or there are no texts.
    """
    _check(labels, label_mode, validation_split, subset, shuffle, seed, format)
    folder = Path(directory)
    if not folder.is_dir():
        raise ValueError(f"{_WHERE}: directory: expected a folder, got {str(directory)!r}")
    inferred = isinstance(labels, str)
    names = _classes(folder, class_names, inferred, labels)
    places = [folder / name for name in names] if inferred else [folder]
    found = [_texts_in(place, follow_links) for place in places]
    paths = [path for part in found for path in part]
    if inferred:
        numbers = np.repeat(np.arange(len(found)), [len(part) for part in found])
    else:
        numbers = _given(labels, paths)
    if verbose:
        classes = f" belonging to {len(names)} classes" if labels is not None else ""
        print(f"Found {len(paths)} files{classes}.")
    if not paths:
        raise ValueError(f"{_WHERE}: directory: expected .txt files, {str(folder)!r} has none")
    coded = None if labels is None else _coded(numbers, label_mode, len(names))
    order = generator(seed).permutation(len(paths)) if shuffle else np.arange(len(paths))
    held = int((validation_split or 0) * len(paths))
    parts = {"training": order[: len(paths) - held], "validation": order[len(paths) - held :]}
    if validation_split is None:
        parts = {"all": order}
    made = []
    for name in ("training", "validation") if subset == "both" else (subset or "all",):
        if verbose and name != "all":
            print(f"Using {len(parts[name])} files for {name}.")
        if not len(parts[name]):
            raise ValueError(f"{_WHERE}: validation_split: no file of {len(paths)} is for {name}")
        own = None if coded is None else coded[parts[name]]
        data: Any = TextFiles([paths[i] for i in parts[name]], own, max_length)
        data = data.shuffle(seed=seed) if shuffle else data
        data = data if batch_size is None else data.batch(batch_size)
        data.class_names = names
        made.append(data)
    return tuple(made) if subset == "both" else made[0]


def _check(
    labels: Any, mode: Any, share: Any, subset: Any, shuffle: Any, seed: Any, format: Any
) -> None:
    """Raise ValueError for arguments that are not valid, alone or together."""
    if isinstance(labels, str) and labels != "inferred":
        raise ValueError(f"{_WHERE}: labels: expected 'inferred', a list or None, got {labels!r}")
    if mode not in ("int", "categorical", "binary", None):
        wanted = "'int', 'categorical', 'binary' or None"
        raise ValueError(f"{_WHERE}: label_mode: expected {wanted}, got {mode!r}")
    if format not in ("tf", "grain"):
        raise ValueError(f"{_WHERE}: format: expected 'tf' or 'grain', got {format!r}")
    if (share is None) != (subset is None):
        raise ValueError(f"{_WHERE}: validation_split and subset: expected both or none")
    if subset not in (None, "training", "validation", "both"):
        wanted = "'training', 'validation' or 'both'"
        raise ValueError(f"{_WHERE}: subset: expected {wanted}, got {subset!r}")
    if share is not None and not (isinstance(share, float) and 0 < share < 1):
        wanted = "a share between 0 and 1"
        raise ValueError(f"{_WHERE}: validation_split: expected {wanted}, got {share!r}")
    if share is not None and shuffle and seed is None:
        raise ValueError(
            f"{_WHERE}: seed: expected an int beside validation_split and shuffle, so that the "
            "parts of two calls do not overlap, got None"
        )


def _classes(folder: Path, names: Any, inferred: bool, labels: Any) -> list[str]:
    """Return the names of the classes in the order of their numbers."""
    if not inferred:
        if names is not None:
            raise ValueError(f"{_WHERE}: class_names: expected None with labels={labels!r:.40}")
        return [] if labels is None else sorted({str(label) for label in labels})
    folders = sorted(p.name for p in folder.iterdir() if p.is_dir() and p.name[0] != ".")
    if names is None:
        return folders
    lacking = [name for name in names if name not in folders]
    if lacking:
        raise ValueError(f"{_WHERE}: class_names: expected some of {folders}, got {lacking}")
    return list(names)


def _texts_in(folder: Path, follow_links: bool) -> list[Path]:
    """Return the paths of all texts in a folder and in the folders inside of it, sorted."""
    found = []
    for place, _, files in sorted(os.walk(folder, followlinks=follow_links)):
        found += [Path(place) / name for name in sorted(files) if name.lower().endswith(".txt")]
    return found


def _given(labels: Any, paths: list[Path]) -> Array:
    if labels is None:
        return np.zeros(len(paths), int)
    if len(labels) != len(paths):
        raise ValueError(f"{_WHERE}: labels: expected {len(paths)}, one a file, got {len(labels)}")
    numbers: Array = np.asarray(labels)
    if numbers.dtype.kind not in "iu":
        raise ValueError(f"{_WHERE}: labels: expected whole numbers, got {numbers.dtype}")
    return numbers


def _coded(numbers: Array, mode: str | None, classes: int) -> Array | None:
    """Return labels in the form that `label_mode` says."""
    if mode == "binary":
        if classes != 2:
            raise ValueError(f"{_WHERE}: label_mode: 'binary' takes 2 classes, got {classes}")
        return numbers.astype(np.float32)[:, None]
    if mode == "categorical":
        return np.eye(classes, dtype=np.float32)[numbers]
    return None if mode is None else numbers.astype(np.int32)
