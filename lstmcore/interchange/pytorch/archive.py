"""The zip archive of a PyTorch file: its records, found and read without trust in their sizes."""

from __future__ import annotations

import os
import zipfile
from typing import Any

import numpy as np

from ...saving.zip_archive import open_zip
from .tensors import Storage

_LEGACY = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."  # the number that PyTorch < 1.6 begins with
CHUNK = 1 << 20  # bytes that are read at once, since each piece is copied
_AGAIN = "open it in PyTorch and write torch.save(state_dict, path) again"


def refuse_old(start: bytes) -> None:
    """Raise ValueError if a file that begins so is PyTorch's, but not a zip archive.

    Parameters
    ----------
    start : bytes
        At least the first 262 bytes.
    """
    if start.startswith(_LEGACY):
        raise ValueError(f"it is of the form that PyTorch wrote before version 1.6: {_AGAIN}")
    if start[257:262] == b"ustar":
        raise ValueError(f"it is a tar archive, as PyTorch wrote before version 0.1.10: {_AGAIN}")
    safetensors = start[4:9] == b"\0\0\0\0{"  # its length may begin as a pickle does
    if start[:1] == b"\x80" and b"\x02" <= start[1:2] <= b"\x05" and not safetensors:
        raise ValueError(f"it is a bare pickle, not a file of torch.save; {_AGAIN}")


class Archive:
    """The records of a zip archive that ``torch.save`` wrote.

    Parameters
    ----------
    path : str

    Raises
    ------
    ValueError
        If it is another archive, TorchScript or an exported program; if a record is compressed or
        encrypted, or they are larger than the file.
    """

    def __init__(self, path: str) -> None:
        size = os.path.getsize(path)
        self._zip = open_zip(path)
        try:
            self._records = self._find(size)
            self._refuse_programs()
            order = self.read("byteorder").decode("ascii") if "byteorder" in self else "little"
            if order not in ("little", "big"):
                raise ValueError(f"byteorder: expected little or big, got {order[:20]!r}")
            self.byteorder = order
        except BaseException:
            self._zip.close()
            raise

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    def __contains__(self, name: str) -> bool:
        return name in self._records

    def _find(self, size: int) -> dict[str, zipfile.ZipInfo]:
        """Return the records by their names within the archive's one folder."""
        entries = self._zip.infolist()
        pickles = [e.filename for e in entries if e.filename.rpartition("/")[2] == "data.pkl"]
        folder = min(pickles, key=len, default="").removesuffix("data.pkl")
        if not pickles:
            first = next(iter(entries), None)
            folder = "" if first is None else first.filename.partition("/")[0] + "/"
        records: dict[str, zipfile.ZipInfo] = {}
        for entry in entries:
            name = entry.filename.removeprefix(folder)
            if name in records:
                raise ValueError(f"it has the record {name[:80]!r} twice")
            records[name] = entry
        unchecked = all(entry.CRC == 0 for entry in entries)  # set_crc32_options(False)
        for entry in entries if unchecked else ():
            entry.CRC = None  # type: ignore[assignment]
        if sum(entry.file_size for entry in entries) > size and not self._has_code(records):
            raise ValueError("its records claim to be larger than the file")
        return records

    @staticmethod
    def _has_code(records: dict[str, Any]) -> bool:
        return "constants.pkl" in records or any(name.startswith("code/") for name in records)

    def _refuse_programs(self) -> None:
        """Raise ValueError for an archive that is no file of ``torch.save``."""
        names = self._records.keys()
        if self._has_code(self._records):
            raise ValueError(
                "it is TorchScript, a program (torch.jit.save): in PyTorch write "
                "torch.save(torch.jit.load(path).state_dict(), 'weights.pt')"
            )
        exported = ("archive_format", "serialized_exported_program.json", "models/model.json")
        if any(name in names for name in exported):
            raise ValueError(
                "it is a program of torch.export (.pt2): in PyTorch write "
                "torch.save(torch.export.load(path).state_dict, 'weights.pt')"
            )
        if "data.pkl" not in names:
            raise ValueError("it is a zip archive without data.pkl, not a file of torch.save")

    def _entry(self, name: str) -> zipfile.ZipInfo:
        entry = self._records.get(name)
        if entry is None:
            raise ValueError(f"it lacks the record {name[:80]!r}")
        if entry.flag_bits & 1:
            raise ValueError(f"the record {name[:80]!r} is encrypted")
        if entry.compress_type != zipfile.ZIP_STORED or entry.compress_size != entry.file_size:
            raise ValueError(f"the record {name[:80]!r} is compressed, which torch.save never does")
        return entry

    def read(self, name: str) -> bytes:
        """Return the content of a record."""
        return self.read_into(name, bytearray(self._entry(name).file_size)).tobytes()

    def read_into(self, name: str, content: bytearray) -> memoryview:
        """Fill a buffer of the record's size with its content; check its sum."""
        view, done = memoryview(content), 0
        try:
            with self._zip.open(self._entry(name)) as file:
                assert isinstance(file, zipfile.ZipExtFile)
                while count := file.readinto(view[done : done + CHUNK]):
                    done += count
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
            raise ValueError(f"the record {name[:80]!r} is damaged: {error}") from error
        if done != len(view):
            raise ValueError(f"the record {name[:80]!r} is cut short")
        return view

    def check_storage(self, storage: Storage) -> None:
        """Raise ValueError unless the record of a storage has the size that the pickle says."""
        held = self._entry(f"data/{storage.key}").file_size
        if held != storage.bytes():
            raise ValueError(
                f"storage {storage.key[:80]!r}: expected {storage.bytes()} bytes, as the pickle "
                f"says, got {held}"
            )

    def storage(self, storage: Storage) -> Any:
        """Return the bytes of a storage, a writable buffer, after `check_storage`."""
        self.check_storage(storage)
        content = np.empty(storage.bytes(), np.uint8)
        self.read_into(f"data/{storage.key}", content.data)  # type: ignore[arg-type]
        return content
