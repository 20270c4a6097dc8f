"""HDF5 files as data from outside: what is in them is checked before any array is read.

They are read by pyfive, which is Python: the HDF5 library itself, under h5py, stays in loops or
takes gigabytes for damaged files. Accepted are groups, attributes and arrays of numbers that stand
in the file itself. Links, arrays stored elsewhere or not at all, groups inside themselves, filters
other than HDF5's own, and arrays that claim far more memory than the file has are refused by name.
"""

from __future__ import annotations

import io
import itertools
import json
import struct
import zlib
from collections.abc import Iterator
from typing import Any, Self

import numpy as np

from ...validation import Array
from ..extras import needed

LARGEST_CLAIM = 10  # bytes of all arrays together, in multiples of the file's size
_DEEPEST = 40
_MOST_OBJECTS = 200_000
_COMPACT, _CONTIGUOUS, _CHUNKED = 0, 1, 2  # HDF5's classes of storage
_ATTRIBUTE, _ATTRIBUTE_INFO, _VARIABLE = 12, 21, 9  # HDF5's numbers of messages, and of a type
_GZIP, _SHUFFLE, _FLETCHER32 = 1, 2, 3  # HDF5's numbers of the filters that it has built in


class HDF5:
    """An HDF5 file that is open for reading.

    Parameters
    ----------
    source : str or bytes
        A path, or the content of a file.

    Attributes
    ----------
    arrays : dict of str to pyfive.Dataset
        By their path without the first slash.
    groups : dict of str to pyfive.Group
        The same; the root is "".
    size : int
        The bytes of the file.
    """

    def __init__(self, source: str | bytes) -> None:
        pyfive = needed("pyfive", "keras")
        if isinstance(source, str):  # all of it, so that nothing changes while it is read
            with open(source, "rb") as file:
                source = file.read()
        self.size = len(source)
        self._kinds = (pyfive.Group, pyfive.Dataset)
        self._file = pyfive.File(io.BytesIO(source))
        self.groups: dict[str, Any] = {}
        self.arrays: dict[str, Any] = {}
        self._walk()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    # -- what is in it ---------------------------------------------------------------------------

    def _walk(self) -> None:
        """List all groups and arrays; raise ValueError for what is not accepted."""
        claimed, left = 0, [("", self._file["/"], 0)]
        while left:
            path, group, depth = left.pop()
            self.groups[path] = group
            check_attributes(path, group)
            if depth > _DEEPEST or len(self.groups) + len(self.arrays) > _MOST_OBJECTS:
                raise ValueError(f"{path!r}: the file contains itself, or is nested too deep")
            for name in group:
                inner = f"{path}/{name}" if path else name
                found = group.get_lazy_view(name)
                if not isinstance(found, self._kinds) or found.name != f"/{inner}":
                    raise ValueError(f"{inner!r} is a link or a type, and neither group nor array")
                if isinstance(found, self._kinds[0]):
                    left.append((inner, found, depth + 1))
                else:
                    claimed += self._check(inner, found)
                    self.arrays[inner] = found
        if claimed > LARGEST_CLAIM * self.size:
            raise ValueError(f"its arrays claim {claimed} bytes in a file of {self.size}")

    def _check(self, path: str, array: Any) -> int:
        """Return the bytes of an array; raise ValueError unless it stands in the file."""
        stored = array.id
        if array.shape is None or array.dtype.kind not in "fiub":
            raise ValueError(f"{path!r}: expected numbers, got {array.dtype}")
        size = int(array.dtype.itemsize) * int(np.prod(array.shape, dtype=object))
        filters = [int(entry["filter_id"]) for entry in stored.filter_pipeline or ()]
        if strange := set(filters) - {_GZIP, _SHUFFLE, _FLETCHER32}:
            raise ValueError(f"{path!r}: HDF5's filter {strange.pop()} is not accepted")
        if stored.layout_class == _CONTIGUOUS:
            if size and stored.data_offset + size > self.size:
                raise ValueError(f"{path!r} is stored in another file, or not at all")
        elif stored.layout_class not in (_COMPACT, _CHUNKED):
            raise ValueError(f"{path!r} is stored in other files")
        return size

    # -- reading ---------------------------------------------------------------------------------

    def array(self, path: str) -> Array:
        """Return an array's numbers."""
        found = self.arrays[path]
        if found.id.layout_class == _CHUNKED:
            return _from_chunks(path, found)
        return np.array(found[()])

    def attribute(self, path: str, name: str) -> Any:
        """Return an attribute of a group: bytes as text, None if there is none."""
        value = self.groups[path].attrs.get(name)
        return value.decode() if isinstance(value, bytes) else value

    def json(self, path: str, name: str) -> Any:
        """Return an attribute that is JSON; None if there is none."""
        text = self.attribute(path, name)
        return None if text is None else json.loads(str(text))

    def texts(self, path: str, name: str) -> list[str]:
        """Return a list of texts, bytes or str; Keras cuts lists beyond 64 kB into several."""
        whole = self.attribute(path, name)
        parts = [whole] if whole is not None else self._cut(path, name)
        texts = [entry for part in parts for entry in np.asarray(part).reshape(-1).tolist()]
        return [text.decode() if isinstance(text, bytes) else str(text) for text in texts]

    def _cut(self, path: str, name: str) -> list[Any]:
        found: list[Any] = []
        while (part := self.attribute(path, f"{name}{len(found)}")) is not None:
            found.append(part)
        if not found:
            raise ValueError(f"{path or 'the root'!r} has no attribute {name!r}")
        return found

    def below(self, path: str) -> Iterator[str]:
        """Yield the paths of all arrays in a group and its groups."""
        start = f"{path}/" if path else ""
        return (name for name in self.arrays if name.startswith(start))


def check_attributes(path: str, group: Any) -> None:
    """Raise ValueError if an attribute claims more entries than it has bytes.

    An attribute (message 12) is a version, a free byte, the sizes in 2 bytes each of its name, its
    type and its shape, and these three; in version 1 each filled up to 8 bytes, in version 3 a
    byte for the characters' encoding before them. A shape is a version, the number of axes, and
    from byte 8 in version 1, or 4 in version 2, the axes in 8 bytes each (HDF5 File Format
    Specification 3.0, IV.A.2). Pyfive takes memory for the entries before it looks for them.
    """
    data, messages = group._dataobjects.msg_data, group._dataobjects.msgs
    for message in messages:
        at, size = message["offset_to_message"], message["size"]
        if message["type"] == _ATTRIBUTE_INFO and b"\xff" * 8 not in data[at : at + size]:
            raise ValueError(f"{path!r}: its attributes stand in a heap, which is not read")
        if message["type"] != _ATTRIBUTE:
            continue
        first = data[at] == 1
        sizes = struct.unpack_from("<HHH", data, at + 2)
        name, kind, _ = ((n + 7) // 8 * 8 if first else n for n in sizes)
        start = at + (8 if first else 9) + name
        if data[start] & 15 == _VARIABLE and data[start + 1] & 15 == 0:
            raise ValueError(f"{path!r}: an attribute is a sequence of sequences")
        shape = start + kind
        head = 8 if data[shape] == 1 else 4
        axes = struct.unpack_from(f"<{data[shape + 1]}Q", data, shape + head)
        if int(np.prod(axes, dtype=object)) > size:
            raise ValueError(f"{path!r}: an attribute claims {axes} entries in {size} bytes")


def _from_chunks(path: str, array: Any) -> Array:
    """Return an array that is stored in chunks; each may grow to its size and no further."""
    whole = np.empty(array.shape, array.dtype)
    size = array.chunks
    most = int(np.prod(size, dtype=object)) * array.dtype.itemsize
    if most > LARGEST_CLAIM * max(whole.nbytes, 1):
        raise ValueError(f"{path!r}: chunks of {size} are too large for its shape {array.shape}")
    corners = (range(0, n, step) for n, step in zip(array.shape, size, strict=True))
    for corner in itertools.product(*corners):
        mask, raw = array.id.read_direct_chunk(corner)
        if mask:
            raise ValueError(f"{path!r}: a chunk leaves out a filter")
        data = _unfiltered(path, raw, array.id.filter_pipeline or (), most, array.dtype.itemsize)
        window = tuple(slice(a, a + step) for a, step in zip(corner, size, strict=True))
        part = whole[window]
        chunk = np.frombuffer(data, array.dtype).reshape(size)
        part[...] = chunk[tuple(slice(n) for n in part.shape)]
    return whole


def _unfiltered(path: str, raw: bytes, filters: Any, most: int, itemsize: int) -> bytes:
    """Undo the filters of a chunk, the last one first."""
    data = bytes(raw)
    for entry in reversed(list(filters)):
        if entry["filter_id"] == _GZIP:
            data = zlib.decompressobj().decompress(data, most + 4)
        elif entry["filter_id"] == _FLETCHER32:
            data = data[:-4]
        else:
            planes = np.frombuffer(data, np.uint8).reshape(itemsize, -1)
            data = planes.T.tobytes()
    if len(data) != most:
        raise ValueError(f"{path!r}: a chunk has {len(data)} bytes, expected {most}")
    return data
