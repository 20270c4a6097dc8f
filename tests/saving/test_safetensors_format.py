"""The safetensors format against its own library; headers that lie; files that shrink."""

import contextlib
import json
import os
import threading
import time

import numpy as np
import pytest
import safetensors.numpy
from safetensors import safe_open

from lstmcore.quantization.storage import from_short, to_short
from lstmcore.saving.safetensors_format import (
    TYPES,
    in_order,
    make_header,
    open_tensors,
    write_arrays,
)

RNG = np.random.default_rng(1)
ARRAYS = {
    **{
        f"of {name}": RNG.integers(0, 2, (3, 5)).astype(name)
        for name in TYPES.values()
        if name != "bfloat16"
    },
    "number": np.array(2.5, "f4"),
    "empty": np.zeros((0, 3)),
    "no axes and bool": np.array(True),
    "größe": RNG.standard_normal(7),
}
METADATA = {"b": 'quotes " and \\', "a": "ü\n", "": ""}
MOST = 1 << 20


def write(path, arrays, metadata=METADATA):
    with open(path, "wb") as file:
        file.write(make_header(metadata, arrays))
        write_arrays(file, arrays)


def read(path, largest=MOST):
    with open_tensors(path, largest) as reader:
        return {name: reader.read(name) for name in reader.entries}, reader.metadata


def same(found, expected):
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        assert found[name].dtype == array.dtype.newbyteorder("=")
        assert found[name].shape == array.shape
        np.testing.assert_array_equal(found[name], array)


def test_the_library_reads_what_is_written_here(tmp_path):
    write(tmp_path / "f", ARRAYS)
    same(safetensors.numpy.load_file(tmp_path / "f"), ARRAYS)
    with safe_open(tmp_path / "f", framework="np") as file:
        assert file.metadata() == METADATA


@pytest.mark.parametrize("metadata", [METADATA, None])
def test_what_the_library_writes_is_read_here(tmp_path, metadata):
    safetensors.numpy.save_file(ARRAYS, tmp_path / "f", metadata)
    found, texts = read(tmp_path / "f")
    same(found, ARRAYS)
    assert texts == (metadata or {})


def test_arrays_of_any_layout(tmp_path):
    whole = RNG.standard_normal((4, 6))
    arrays = {
        "big": whole.astype(">f8"),
        "transposed": whole.T,
        "every other": whole[::2, ::-3],
        "fortran": np.asfortranarray(whole.astype("f4")),
    }
    write(tmp_path / "f", arrays)
    same(read(tmp_path / "f")[0], arrays)
    same(safetensors.numpy.load_file(tmp_path / "f"), arrays)


def test_the_same_contents_give_the_same_bytes_and_all_arrays_are_aligned(tmp_path):
    write(tmp_path / "f", ARRAYS)
    write(tmp_path / "g", dict(reversed(ARRAYS.items())))
    assert (tmp_path / "f").read_bytes() == (tmp_path / "g").read_bytes()
    with open_tensors(tmp_path / "f", MOST) as reader:
        for entry in reader.entries.values():
            assert entry.start % np.dtype(entry.dtype).itemsize == 0
        assert list(reader.entries) == in_order(ARRAYS)


def test_arrays_that_the_format_has_not():
    for array in (np.zeros(2, complex), np.array(["a"]), np.array([None]), np.zeros(2, "M8[s]")):
        with pytest.raises(ValueError, match="'x': expected numbers of a known type"):
            make_header({}, {"x": array})


def test_bfloat16(tmp_path):
    array = to_short(np.float32([[1, -2.5, 3e38], [0, 1e-40, 7]]), "bfloat16")
    write(tmp_path / "f", {"x": array, "bytes": np.zeros(3, np.int8)})
    with open_tensors(tmp_path / "f", MOST) as reader:
        assert reader.entries["x"][:2] == ("bfloat16", (2, 3))
        assert list(reader.entries) == ["x", "bytes"]
        found = reader.read("x")
    assert found.dtype == array.dtype
    assert found.tobytes() == array.tobytes()
    content = (tmp_path / "f").read_bytes()
    assert b'"x":{"dtype":"BF16","shape":[2,3]' in content
    assert content[-15:-3] == from_short(array).astype("<f4").view("<u2")[:, 1::2].tobytes()


def test_numbers_that_numpy_has_not(tmp_path):
    path = forge(tmp_path, {"x": entry("F8_E5M2", [3], 0, 3)}, bytes(3))
    with open_tensors(path, MOST) as reader:
        assert reader.entries["x"][:2] == ("F8_E5M2", (3,))
        with pytest.raises(ValueError, match="'x': NumPy has no numbers of type F8_E5M2"):
            reader.read("x")


def entry(dtype="F32", shape=(2, 3), start=0, end=24, **more):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [start, end], **more}


def forge(folder, header, data=bytes(24)):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    (folder / "f").write_bytes(len(text).to_bytes(8, "little") + text + data)
    return folder / "f"


def test_a_header_as_expected(tmp_path):
    same(read(forge(tmp_path, {"x": entry()}))[0], {"x": np.zeros((2, 3), "f4")})


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (b"", "Expecting value"),
        (b"[]", "not a dict"),
        (b"[" * 100_000, "recursion"),
        (b'{"x": ' * 100_000, "recursion"),
        (b"\xff\xfe", "decode"),
        (b'{"x": NaN}', "NaN in JSON"),
        (b'{"x": ' + b"9" * 10_000 + b"}", "."),
        (b'{"a": {}, "a": {}}', "twice"),
        ({"__metadata__": []}, "metadata are not texts"),
        ({"__metadata__": {"a": 1}, "x": entry()}, "metadata are not texts"),
        ({"x": None}, "'x': expected dtype, shape and data_offsets"),
        ({"x": entry(more=1)}, "'x': expected dtype, shape and data_offsets"),
        ({"x": {"dtype": "F32", "shape": [6]}}, "'x': expected dtype, shape and data_offsets"),
        ({"x": entry("F31")}, "unknown type 'F31'"),
        ({"x": entry([])}, r"unknown type \[\]"),
        ({"x": entry(shape=[2, -3])}, "expected a shape"),
        ({"x": entry(shape=[2, 3.0])}, "expected a shape"),
        ({"x": entry(shape=[True, 6])}, "expected a shape"),
        ({"x": entry(shape=[2**64, 0])}, "expected a shape"),
        ({"x": entry(shape=[1] * 65 + [6])}, "expected a shape"),
        ({"x": {**entry(), "shape": 6}}, "expected a shape"),
        ({"x": {**entry(), "data_offsets": [0, 24, 48]}}, "expected two offsets"),
        ({"x": {**entry(), "data_offsets": [-24, 0]}}, "expected two offsets"),
        ({"x": {**entry(), "data_offsets": 24}}, "expected two offsets"),
        ({"x": entry(end=20)}, r"F32 \(2, 3\) has not 20 bytes"),
        ({"x": entry(shape=[2**40, 2**40])}, "has not 24 bytes"),
        ({"x": entry(shape=[2**62, 2**62, 0])}, "has not 24 bytes"),
        ({"x": entry(start=24, end=0)}, "has not -24 bytes"),
        ({"x": entry(shape=[1], end=4)}, "describes .* bytes, it has"),
        ({"x": entry(shape=[7], end=28)}, "describes .* bytes, it has"),
        ({"x": entry(), "y": entry(shape=[1], start=20)}, "'y': expected it at byte"),
        ({"x": entry(shape=[1], end=4), "y": entry(shape=[4], start=8)}, "'y': expected it at"),
        ({"x": entry(shape=[5], start=4)}, "'x': expected it at byte"),
        ({}, "describes .* bytes, it has"),
    ],
)
def test_headers_that_lie(tmp_path, header, message):
    path = forge(tmp_path, header)
    with pytest.raises((ValueError, RecursionError), match=message):
        read(path)


def test_huge_claims(tmp_path):
    path = tmp_path / "f"
    path.write_bytes((2**60).to_bytes(8, "little") + b"{}")
    with pytest.raises(ValueError, match="cut short"):
        read(path)
    write(path, ARRAYS)
    with pytest.raises(ValueError, match=r"its header has .* bytes, 100 is the most"):
        read(path, 100)
    for size in range(8):
        path.write_bytes(bytes(size))
        with pytest.raises(ValueError, match="no safetensors file, or cut short"):
            read(path)


def test_bools_are_0_and_1(tmp_path):
    path = forge(tmp_path, {"x": entry("BOOL", [3], 0, 3)}, b"\0\1\2")
    with pytest.raises(ValueError, match="'x': expected 0 and 1 alone"):
        read(path)


def test_a_file_that_shrinks_after_its_header_was_read(tmp_path):
    path = tmp_path / "f"
    write(path, {"a": np.ones(1000), "b": np.ones(1000)})
    with open_tensors(path, MOST) as reader:
        os.truncate(path, os.path.getsize(path) - 9)
        assert reader.read("a").sum() == 1000
        with pytest.raises(ValueError, match="cut short, or another process is writing to it"):
            reader.read("b")


def test_a_file_that_shrinks_and_grows_all_the_time(tmp_path):
    path = tmp_path / "f"
    write(path, {"a": np.ones(300_000)})
    content = path.read_bytes()
    refused, stop = [], threading.Event()

    def change():
        while not stop.is_set():
            os.truncate(path, len(content) // 2)
            path.write_bytes(content)

    thread = threading.Thread(target=change)
    thread.start()
    try:
        until = time.monotonic() + 10
        while len(refused) < 20 and time.monotonic() < until:
            with contextlib.suppress(ValueError):
                refused.append(None)
                read(path)
                refused.pop()
    finally:
        stop.set()
        thread.join()
    assert len(refused) == 20  # with a memory map the process would have ended before
