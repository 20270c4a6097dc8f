"""Archives from outside: a record is read if it is stored as torch.save stores it."""

import io
import json
import time
import tracemalloc
import zipfile

import numpy as np
import pytest
from torch_files import FILES, state, tensor, write

from lstmcore import read_torch

PICKLED = state(w=tensor(3, 0, (3,), (1,)))
CONTENT = np.arange(3, dtype="<f4").tobytes()


def refuse(path, match):
    with pytest.raises(ValueError, match=match) as info:
        read_torch(path)
    assert str(info.value).startswith(f"{path}: no tensors can be read from this file: ")


def safetensors(**entry):
    """A safetensors file whose header says this of its four bytes."""
    header = json.dumps({"w": entry}).encode()
    return len(header).to_bytes(8, "little") + header + b"\0" * 4


def changed(path, change, name="m/data/0"):
    """The archive with its central directory changed: `change` takes the entry's bytes."""
    content = bytearray(path.read_bytes())
    at = content.rindex(b"PK\x01\x02", 0, content.rindex(name.encode()))
    change(memoryview(content)[at:])
    path.write_bytes(content)
    return path


@pytest.fixture
def sound(tmp_path):
    return write(tmp_path / "f.pt", PICKLED, {"0": CONTENT})


def test_the_sound_file_is_sound(sound):
    np.testing.assert_array_equal(read_torch(sound)["w"], [0, 1, 2])


def test_compressed_records(tmp_path):
    for name in ("m/data/0", "m/data.pkl"):
        path = tmp_path / "f"
        with zipfile.ZipFile(path, "w") as archive:
            for record, content in (("m/data.pkl", PICKLED), ("m/data/0", CONTENT)):
                kind = zipfile.ZIP_DEFLATED if record == name else zipfile.ZIP_STORED
                archive.writestr(record, content, kind)
        refuse(path, "is compressed, which torch.save never does")


def test_a_bomb_takes_no_memory(tmp_path):
    path = tmp_path / "f"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("m/data.pkl", b"\0" * 50_000_000, zipfile.ZIP_DEFLATED)
    tracemalloc.start()
    refuse(path, "its records claim to be larger than the file")
    assert tracemalloc.get_traced_memory()[1] < 1e6
    tracemalloc.stop()


def test_claims_of_the_directory(sound):
    original = sound.read_bytes()

    def encrypted(entry):
        entry[8] |= 1

    def size(entry):
        entry[20:28] = (100_000_000).to_bytes(4, "little") * 2

    def four_terabytes(entry):
        entry[20:28] = b"\xff" * 8

    def elsewhere(entry):
        entry[42:46] = (7).to_bytes(4, "little")

    def method(entry):
        entry[10] = 99

    def smaller(entry):
        entry[20:28] = (8).to_bytes(4, "little") * 2

    for change, match in (
        (encrypted, "file: the record 'data/0' is encrypted"),
        (size, "larger than the file"),
        (four_terabytes, "larger than the file|damaged"),
        (elsewhere, "damaged"),
        (method, "compressed"),
        (smaller, "expected 12 bytes, as the pickle says, got 8"),
    ):
        sound.write_bytes(original)
        start = time.process_time()
        refuse(changed(sound, change), match)
        assert time.process_time() - start < 1


def test_a_changed_byte_of_a_tensor_is_found(sound):
    content = bytearray(sound.read_bytes())
    content[content.index(CONTENT) + 5] ^= 1
    sound.write_bytes(content)
    refuse(sound, "record 'data/0' is damaged")


def test_records_of_one_name(tmp_path):
    path = tmp_path / "f"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("m/data.pkl", PICKLED)
        archive.writestr("m/data/0", CONTENT)
        archive.filelist.append(archive.getinfo("m/data/0"))
    refuse(path, "it has the record 'data/0' twice")


def test_records_that_share_bytes(tmp_path):
    """Many entries of one stretch of bytes: together they are larger than the file."""
    path = tmp_path / "f"
    pickled = state(**{f"w{i}": tensor(5000, 0, (5000,), (1,), str(i)) for i in range(9)})
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("m/data.pkl", pickled)
        archive.writestr("m/data/0", b"\0" * 20_000)
        first = archive.getinfo("m/data/0")
        for i in range(1, 9):
            entry = zipfile.ZipInfo(f"m/data/{i}")
            entry.file_size = entry.compress_size = 20_000
            entry.CRC, entry.header_offset = first.CRC, first.header_offset
            archive.filelist.append(entry)
            archive.NameToInfo[entry.filename] = entry
    refuse(path, "larger than the file")


def test_other_archives(tmp_path):
    path = tmp_path / "f"
    for names, match in (
        ((), "without data.pkl"),
        (("m/x",), "without data.pkl"),
        (("m/data.pkl", "m/code/x.py"), "TorchScript"),
        (("m/constants.pkl", "m/data.pkl"), "TorchScript"),
        (("m/models/model.json",), r"torch\.export"),
        (("serialized_exported_program.json",), r"torch\.export|without data.pkl"),
    ):
        with zipfile.ZipFile(path, "w") as archive:
            for name in names:
                archive.writestr(name, b"N.")
        content = path.read_bytes()
        if content.startswith(b"PK\x03\x04"):
            refuse(path, match)
        else:
            refuse(path, "neither a file of torch.save nor")


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"", "neither a file of torch.save nor"),
        (b"PK\x03\x04", "damaged or cut short"),
        (b"PK\x03\x04" + b"\0" * 500, "damaged"),
        (b"\x80\x02}q\x00.", "it is a bare pickle"),
        (b"\0" * 257 + b"ustar" + b"\0" * 300, "a tar archive"),
        ((2**62).to_bytes(8, "little") + b"{}", "no safetensors file, or cut short"),
        ((2).to_bytes(8, "little") + b"{ ", "Expecting"),
        ((101 << 20).to_bytes(8, "little") + b"{}", "cut short"),
        (
            safetensors(dtype="F8_E4M3", shape=[4], data_offsets=[0, 4]),
            "NumPy has no numbers of type F8_E4M3",
        ),
        (safetensors(dtype="F32", shape=[2**40], data_offsets=[0, 4]), "has not 4 bytes"),
        (safetensors(dtype="BF16", shape=[2], data_offsets=[4, 8]), "expected it at byte"),
        ((300_000).to_bytes(8, "little") + b'{"a":' + b"[" * 299_995, "."),
        (b"hello, this is a text", "neither a file of torch.save nor"),
    ],
)
def test_other_files(tmp_path, content, match):
    path = tmp_path / "f"
    path.write_bytes(content)
    refuse(path, match)


@pytest.mark.parametrize("eighth", range(8))
def test_a_file_that_is_cut_short(tmp_path, eighth):
    whole = (FILES / "types.pt").read_bytes()
    path = tmp_path / "f"
    path.write_bytes(whole[: len(whole) * eighth // 8])
    refuse(path, ".")


def test_a_record_in_another_folder_is_not_taken(tmp_path):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("m/data.pkl", PICKLED)
        archive.writestr("other/data/0", CONTENT)
    path = tmp_path / "f"
    path.write_bytes(content.getvalue())
    refuse(path, "it lacks the record 'data/0'")
