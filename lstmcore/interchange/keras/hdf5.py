"""HDF5 files as data from outside: what is in them is checked before any array is read.

Accepted are groups, attributes and arrays of numbers that stand in the file itself. Links to other
files or objects, arrays stored elsewhere, groups that contain themselves, plug-in filters, and
arrays that claim far more memory than the file has bytes are refused by name.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self

import numpy as np

from ...validation import Array

LARGEST_CLAIM = 10  # bytes of all arrays together, in multiples of the file's size
_DEEPEST = 40
_MOST_OBJECTS = 200_000
_FILTERS = {1: "gzip", 2: "shuffle", 3: "fletcher32"}  # by HDF5's numbers: those it has built in


class HDF5:
    """An HDF5 file that is open for reading.

    Parameters
    ----------
    source : str or bytes
        A path, or the content of a file.

    Attributes
    ----------
    arrays : dict of str to h5py.Dataset
        By their path without the first slash.
    groups : dict of str to h5py.Group
        The same; the root is "".
    """

    def __init__(self, source: str | bytes) -> None:
        try:
            import h5py
        except ImportError as error:
            raise ImportError(
                "lstmcore[keras] is needed for this: pip install 'lstmcore[keras]'"
            ) from error
        self._h5py = h5py
        self.size = len(source) if isinstance(source, bytes) else os.path.getsize(source)
        self._file = h5py.File(io.BytesIO(source) if isinstance(source, bytes) else source, "r")
        self.groups: dict[str, Any] = {}
        self.arrays: dict[str, Any] = {}
        try:
            self._walk()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._file.close()

    # -- what is in it ---------------------------------------------------------------------------

    def _walk(self) -> None:
        """List all groups and arrays; raise ValueError for what is not accepted."""
        seen: set[Any] = set()
        claimed, left = 0, [("", self._file["/"], 0)]
        while left:
            path, group, depth = left.pop()
            self.groups[path] = group
            for name in group:
                inner = f"{path}/{name}" if path else name
                kind = type(group.get(name, getlink=True))
                if kind is not self._h5py.HardLink:
                    raise ValueError(f"{inner!r} is a {kind.__name__}, which is not followed")
                found = group[name]
                number = self._h5py.h5o.get_info(found.id).addr
                if number in seen or depth > _DEEPEST or len(seen) > _MOST_OBJECTS:
                    raise ValueError(f"{inner!r}: the file contains itself, or is nested too deep")
                seen.add(number)
                if isinstance(found, self._h5py.Group):
                    left.append((inner, found, depth + 1))
                elif isinstance(found, self._h5py.Dataset):
                    claimed += self._check(inner, found)
                    self.arrays[inner] = found
                else:
                    raise ValueError(f"{inner!r} is neither a group nor an array")
        if claimed > LARGEST_CLAIM * self.size:
            raise ValueError(f"its arrays claim {claimed} bytes in a file of {self.size}")

    def _check(self, path: str, array: Any) -> int:
        """Return the bytes of an array; raise ValueError unless it can be read safely."""
        if array.shape is None:
            raise ValueError(f"{path!r} has no value")
        if array.external or array.is_virtual:
            raise ValueError(f"{path!r} is stored in another file")
        if array.dtype.kind not in "fiub":
            raise ValueError(f"{path!r}: expected numbers, got {array.dtype}")
        plan = array.id.get_create_plist()
        for i in range(plan.get_nfilters()):
            number = plan.get_filter(i)[0]
            if number not in _FILTERS:
                raise ValueError(f"{path!r}: its filter, HDF5's number {number}, is not accepted")
        return int(array.dtype.itemsize) * int(np.prod(array.shape, dtype=object))

    # -- reading ---------------------------------------------------------------------------------

    def array(self, path: str) -> Array:
        """Return an array's numbers."""
        found: Array = self.arrays[path][()]
        return np.asarray(found)

    def attribute(self, path: str, name: str) -> Any:
        """Return an attribute of a group: bytes as text, None if there is none."""
        attributes = self.groups[path].attrs
        if name not in attributes:
            return None
        found = attributes.get_id(name)
        if found.dtype.itemsize * int(np.prod(found.shape, dtype=object)) > self.size:
            raise ValueError(f"attribute {name!r} claims more bytes than the file has")
        value = attributes[name]
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
