"""Zip archives whose directory is larger than any archive of weights has."""

import struct
import time
import tracemalloc
import zipfile

import pytest

from lstmcore import load_model
from lstmcore.saving.zip_archive import LARGEST_DIRECTORY, open_zip

ENTRY = b"PK\x01\x02" + b"\0" * 24 + struct.pack("<HHHHHII", 5, 0, 0, 0, 0, 0, 0)


def archive(count, comment=b"", second=False, small=False, twice=False):
    """An archive with a directory of `count` entries.

    It is said by the record at its end; by a second one, which alone counts (`small`); or by a
    record that has the first bytes of a record inside it (`twice`).
    """
    entries = (ENTRY + b"entry") * count
    size, start = len(entries), 30
    end = b""
    if second:
        end += b"PK\x06\x06" + struct.pack(
            "<QHHIIQQQQ", 44, 45, 45, 0, 0, count, count, size, start
        )
        end += b"PK\x06\x07" + struct.pack("<IQI", 0, start + size, 1)
    said = 51 if small else size
    start = 0x06054B50 if twice else start
    numbers = (0, 0, count % 65536, count % 65536, said, start, len(comment))
    end += b"PK\x05\x06" + struct.pack("<HHHHIIH", *numbers)
    return b"PK\x03\x04" + b"\0" * 26 + entries + end + comment


MANY = LARGEST_DIRECTORY // 51 + 1


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"comment": b"x" * 65_535},
        {"second": True, "small": True},
        {"second": True, "small": True, "comment": b"y"},
        {"twice": True},
    ],
)
def test_a_large_directory_is_not_read(tmp_path, options):
    path = tmp_path / "f"
    path.write_bytes(archive(MANY, **options))
    tracemalloc.start()
    start = time.process_time()
    with pytest.raises(ValueError, match=r"its zip directory has \d+ bytes, 8388608 is the most"):
        load_model(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert time.process_time() - start < 0.5
    assert peak < 1e6


@pytest.mark.parametrize("second", [False, True])
@pytest.mark.parametrize("comment", [b"", b"what this is"])
def test_the_archive_would_be_read(tmp_path, second, comment):
    """These archives are such that `zipfile` opens them: what is refused above is their size."""
    path = tmp_path / "f"
    path.write_bytes(archive(9, comment, second))
    with open_zip(str(path)) as opened:
        assert len(opened.namelist()) == 9


def test_damaged_archives(tmp_path):
    path = tmp_path / "f"
    with zipfile.ZipFile(path, "w") as good:
        good.writestr("a", b"b")
    whole = path.read_bytes()
    for content in (b"", whole[:-1], whole[:40], b"PK\x05\x06", b"x" * 100_000):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="it is a zip archive, and damaged or cut short"):
            open_zip(str(path))
