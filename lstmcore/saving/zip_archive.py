"""Zip archives from outside: the directory is found to be small before `zipfile` reads it.

`zipfile` makes an object of some 700 bytes of every entry, and a hostile directory has an entry in
each 50 bytes. A directory stands at the end of the archive; its size is said by the record behind
it, and by a second one for large archives (PKWARE's APPNOTE, 4.3.14 to 4.3.16).
"""

from __future__ import annotations

import os
import struct
import zipfile

LARGEST_DIRECTORY = 8 << 20  # bytes; an entry of PyTorch's takes about 100
_END, _END64, _LOCATOR = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"
_SIZE_END, _SIZE_END64, _SIZE_LOCATOR = 22, 56, 20  # bytes
_LONGEST_COMMENT = 1 << 16


def open_zip(path: str) -> zipfile.ZipFile:
    """Open an archive for reading.

    Raises
    ------
    ValueError
        If its directory is too large, or if it is no zip archive or a damaged one.
    """
    largest = max(_said_sizes(path), default=0)
    if largest > LARGEST_DIRECTORY:
        wanted = f"{LARGEST_DIRECTORY} is the most"
        raise ValueError(f"its zip directory has {largest} bytes, {wanted}")
    try:
        return zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, NotImplementedError) as error:
        raise ValueError(f"it is a zip archive, and damaged or cut short: {error}") from error


def _said_sizes(path: str) -> list[int]:
    """Return the sizes of the directory that `zipfile` may find at the end of a file."""
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        file.seek(max(0, size - _LONGEST_COMMENT - _SIZE_END - _SIZE_LOCATOR - _SIZE_END64))
        end = file.read()
    # `zipfile` takes the record at the very end, or else the last that has its first bytes
    places = {end.rfind(_END), len(end) - _SIZE_END}
    found = []
    for at in places:
        if at < 0 or end[at : at + 4] != _END or at + _SIZE_END > len(end):
            continue
        number = struct.unpack_from("<I", end, at + 12)[0]
        locator = at - _SIZE_LOCATOR
        second = locator - _SIZE_END64
        if second >= 0 and end[locator : locator + 4] == _LOCATOR and end[second:][:4] == _END64:
            number = struct.unpack_from("<Q", end, second + 40)[0]  # which then counts
        found.append(number)
    return found
