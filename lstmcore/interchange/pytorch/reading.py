"""`read_torch`: the tensors of a PyTorch file, or of a safetensors file, as NumPy arrays."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ...quantization.storage import BFLOAT16, from_short
from ...saving.formats import ZIP_START
from ...saving.model_file import untrusted_file
from ...saving.safetensors_format import Reader, open_tensors
from ...validation import Array
from .archive import Archive, refuse_old
from .closed_list import NumpyArray
from .pickled import read_pickle
from .tensors import Storage, Tensor, as_numbers, widened

MOST_NESTED = 64
LARGEST_HEADER = 100 << 20  # bytes of a safetensors header, as that library has it


class State(dict[str, Array]):
    """Arrays by PyTorch's names of them, as ``state_dict()`` has them.

    Attributes
    ----------
    others : dict of str to object
        What a file has besides tensors, by its name: ``{"epoch": 3, "optimizer.param_groups.0.lr":
        0.001}``.
    modules : dict of str to str
        Of `to_torch`: by prefix the module of ``torch.nn`` that the arrays are for, as it must be
        constructed: ``{"norm.": "nn.LayerNorm(16, eps=0.001)"}``.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.others: dict[str, Any] = {}
        self.modules: dict[str, str] = {}


def read_torch(path: str | os.PathLike[str], key: str | None = None) -> State:
    """Read the tensors of a PyTorch file; PyTorch itself is not needed, and no code is run.

    Parameters
    ----------
    path : path-like
        A file of ``torch.save`` since PyTorch 1.6 (.pt, .pth, .bin, .ckpt), or a safetensors file
        of another library.
    key : str, optional
        Read only what stands under this key: ``"state_dict"`` of a checkpoint ``{"state_dict":
        ..., "optimizer": ..., "epoch": 3}``. Inner keys follow after dots, as in
        ``"model.encoder"``.

    Returns
    -------
    State
        A dict of arrays by name. Names in nested dicts and lists are joined by dots, so without
        `key` a checkpoint has ``"state_dict.lstm.weight_ih_l0"`` and what the optimizer has;
        a file of one tensor has the name ``""``. Numbers, texts and None are in its attribute
        `others`. float16 and bfloat16 become float32, other types stay as they are. Tensors that
        share memory in PyTorch share it here.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is damaged, of a form that is not read (TorchScript, torch.export, a whole
        pickled module, older than PyTorch 1.6), or its pickle names anything but tensors and
        containers; the message has the name. Quantized and sparse tensors are refused.

    Examples
    --------
    >>> import lstmcore
    >>> state = lstmcore.read_torch("model.pt")  # doctest: +SKIP
    >>> state["lstm.weight_ih_l0"].shape  # doctest: +SKIP
    (64, 8)
    """
    with untrusted_file("read_torch", path, "tensors") as name:
        return _read(name, key)


def _read(path: str, key: str | None) -> State:
    with open(path, "rb") as file:
        start = file.read(512)
    refuse_old(start)
    if not start.startswith(ZIP_START):
        return _read_safetensors(path, start, key)
    with Archive(path) as archive:
        tensors, others = _flattened(archive, key)
        for tensor in tensors.values():
            if isinstance(tensor, Tensor):
                archive.check_storage(tensor.storage)
        state = State(_arrays(archive, tensors))
    state.others = others
    return state


def _arrays(archive: Archive, tensors: dict[str, Any]) -> Iterator[tuple[str, Array]]:
    """Yield the arrays by name; each storage is read once."""
    contents: dict[str, Any] = {}
    numbers: dict[tuple[str, str], Array] = {}
    for name, found in tensors.items():
        if not isinstance(found, Tensor):
            yield name, found
            continue
        place = (found.storage.key, found.dtype)
        if place not in numbers:
            if found.storage.key in contents:
                raise ValueError(f"{name!r}: its storage has tensors of two types")
            contents[found.storage.key] = archive.storage(found.storage)
            content = contents[found.storage.key]
            size = found.storage.elements(found.dtype)
            numbers[place] = as_numbers(content, found.dtype, archive.byteorder)[:size]
        yield name, found.view(numbers[place])


def contents(path: str) -> tuple[dict[str, tuple[tuple[int, ...], str]], dict[str, Any]]:
    """Return the shapes and types of a file's tensors by name, and what else it has.

    No tensor is read.
    """
    with open(path, "rb") as file:
        start = file.read(512)
    refuse_old(start)
    if not start.startswith(ZIP_START):
        with _open_safetensors(path, start) as reader:
            said = {f"metadata.{name}": text for name, text in reader.metadata.items()}
            entries = reader.entries.items()
            return {name: (e.shape, e.dtype) for name, e in entries}, said
    with Archive(path) as archive:
        found, others = _flattened(archive, None)
    return {
        name: (tuple(t.shape), t.dtype if isinstance(t, Tensor) else t.dtype.name)
        for name, t in found.items()
    }, others


# -- names ---------------------------------------------------------------------------------------


def _flattened(archive: Archive, key: str | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what stands under a key: tensors, and other values, by names joined by dots."""
    content = archive.read("data.pkl")
    value = _under(read_pickle(content), key)
    tensors: dict[str, Any] = {}
    others: dict[str, Any] = {}
    # a container may stand in several places, but a file that is written so repeats it
    left = len(content)
    for name, leaf in _leaves(value, "", 0):
        left -= 1
        if left < 0:
            raise ValueError("its containers repeat each other, more often than it has bytes")
        if name in tensors or name in others:
            raise ValueError(f"it has two values of the name {name!r:.200}")
        if isinstance(leaf, NumpyArray):
            leaf = leaf.value
        if isinstance(leaf, Storage):
            raise ValueError(f"{name!r:.200} is a storage: save a tensor of it")
        (tensors if isinstance(leaf, Tensor | np.ndarray) else others)[name] = leaf
    return tensors, others


def _leaves(value: Any, name: str, depth: int) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        inside = [(str(key), part) for key, part in value.items()]
    elif isinstance(value, list | tuple):
        inside = [(str(i), part) for i, part in enumerate(value)]
    else:
        inside = []
    if not inside:
        yield name, value
    if inside and depth >= MOST_NESTED:
        raise ValueError(f"it has more than {MOST_NESTED} containers inside each other")
    for key, part in inside:
        yield from _leaves(part, f"{name}.{key}" if name else key, depth + 1)


def _under(value: Any, key: str | None) -> Any:
    """Return the part of a nested value under a key, whose parts may stand between dots."""
    if key is None:
        return value
    left = key
    while left:
        if not isinstance(value, dict):
            raise ValueError(f"key: there is nothing under {key!r}")
        names = {str(name): name for name in value}
        found = next((n for n in names if left == n or left.startswith(f"{n}.")), None)
        if found is None:
            there = ", ".join(repr(n) for n in list(names)[:8])
            raise ValueError(f"key: there is no {left!r}; there is {there}")
        value, left = value[names[found]], left[len(found) + 1 :]
    return value


# -- safetensors ---------------------------------------------------------------------------------


@contextmanager
def _open_safetensors(path: str, start: bytes) -> Iterator[Reader]:
    """Open a safetensors file of another library."""
    if start[8:9] != b"{":
        raise ValueError("it is neither a file of torch.save nor a safetensors file")
    with open_tensors(path, LARGEST_HEADER) as file:
        if file.metadata.get("format", "").startswith("lstmcore"):
            raise ValueError("it is lstmcore's own file: lstmcore.load_model or model.load_weights")
        yield file


def _read_safetensors(path: str, start: bytes, key: str | None) -> State:
    """Read a safetensors file of another library."""
    state = State()
    inside = "" if key is None else f"{key}."
    with _open_safetensors(path, start) as file:
        state.others = {f"metadata.{name}": text for name, text in file.metadata.items()}
        for name in file.entries:
            if not name.startswith(inside):
                continue
            array = file.read(name)
            if array.dtype == BFLOAT16:
                array = from_short(array)
            else:
                array = array.astype(widened(array.dtype.name), copy=False)
            state[name.removeprefix(inside)] = array
    if key is not None and not state:
        raise ValueError(f"key: there is no {key!r}")
    return state
