"""HDF5 files as data from outside: what is refused, and what damage may cost."""

import random
import time
import tracemalloc

import numpy as np
import pytest

from lstmcore import load_model
from lstmcore.interchange.keras.hdf5 import HDF5

h5py = pytest.importorskip("h5py")
A = np.random.default_rng(0).normal(size=(37, 13)).astype("float32")


def written(path, write):
    with h5py.File(path, "w") as file:
        write(file)
    return str(path)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"chunks": (8, 13)},
        {"compression": "gzip"},
        {"chunks": (10, 5), "compression": "gzip", "shuffle": True, "fletcher32": True},
    ],
    ids=["contiguous", "chunks", "gzip", "all"],
)
def test_arrays_are_read_whatever_their_storage(tmp_path, options):
    path = written(tmp_path / "f", lambda file: file.create_dataset("a/b", data=A, **options))
    with HDF5(path) as file:
        np.testing.assert_array_equal(file.array("a/b"), A)


def test_attributes(tmp_path):
    def write(file):
        file.attrs.update(text="x", bytes=np.bytes_(b"y"), list=["a", "b"])
        file.attrs["fixed"] = np.array([b"ab", b"c"])
        file.attrs["cut0"], file.attrs["cut1"] = ["p", "q"], ["r"]
        file["none"], file["true"] = np.zeros((0, 4)), np.array([True, False])

    with HDF5(written(tmp_path / "f", write)) as file:
        assert [file.attribute("", name) for name in ("text", "bytes", "no")] == ["x", "y", None]
        lists = [file.texts("", name) for name in ("list", "fixed", "cut")]
        assert lists == [["a", "b"], ["ab", "c"], ["p", "q", "r"]]
        assert file.array("none").shape == (0, 4)
        assert file.array("true").tolist() == [True, False]
        with pytest.raises(ValueError, match="the root' has no attribute 'no'"):
            file.texts("", "no")


def virtual(file):
    layout = h5py.VirtualLayout((4,), "f4")
    layout[:] = h5py.VirtualSource("other.h5", "d", shape=(4,))
    file.create_virtual_dataset("v", layout)


def circle(file):
    file.create_group("a")["b"] = file["/"]


def soft(file):
    file["a"], file["s"] = A, h5py.SoftLink("/a")


ATTACKS = {
    "external": lambda f: f.create_dataset("w", (16,), "u1", external=[("secret", 0, 16)]),
    "link": lambda f: f.__setitem__("l", h5py.ExternalLink("w.h5", "/x")),
    "soft": soft,
    "dangling": lambda f: f.__setitem__("s", h5py.SoftLink("/nothing")),
    "virtual": virtual,
    "circle": circle,
    "texts": lambda f: f.create_dataset("s", data=["a", "b"]),
    "4 TB": lambda f: f.create_dataset("b", (1 << 40,), "f4", chunks=(1 << 20,)),
    "bomb": lambda f: f.create_dataset("z", data=np.zeros(3_000_000), compression="gzip"),
    "unwritten": lambda f: f.create_dataset("z", (100,), "f"),
    "plug-in": lambda f: f.create_dataset("z", data=A, compression="lzf"),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_what_is_refused(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secret").write_bytes(b"s" * 64)
    path = written(tmp_path / "f.h5", ATTACKS[name])
    tracemalloc.start()
    with pytest.raises(ValueError, match=r"f\.h5: no model can be read from this file: ."):
        load_model(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20 << 20


def whole_model(path):
    from lstmcore import Input, Sequential, layers

    model = Sequential([Input((4, 2)), layers.LSTM(3), layers.Dense(1)])
    model.compile("adam", "mse")
    model.save_weights(path)
    return model


def damaged(good, random_numbers):
    """The bytes of a file with one of four kinds of damage."""
    bad = bytearray(good)
    kind = random_numbers.random()
    at = random_numbers.randrange(len(bad))
    if kind < 0.6:
        for _ in range(random_numbers.choice([1, 2, 4, 16])):
            bad[random_numbers.randrange(len(bad))] = random_numbers.randrange(256)
    elif kind < 0.7:
        del bad[at:]
    elif kind < 0.85:
        size = random_numbers.choice([1, 2, 4, 8])
        bad[at : at + size] = random_numbers.choice([b"\xff", b"\0", b"\x7f", b"\x80"]) * size
    else:
        size, source = random_numbers.randrange(1, 64), random_numbers.randrange(len(bad))
        bad[at : at + size] = bad[source : source + size]
    return bytes(bad)


@pytest.mark.filterwarnings("ignore")  # pyfive's, of types that the damage has made
@pytest.mark.parametrize(
    "count", [pytest.param(30), pytest.param(10_000, marks=[pytest.mark.slow])]
)
@pytest.mark.timeout(900)
def test_damage_costs_an_error_and_no_more(tmp_path, count):
    model = whole_model(tmp_path / "w.weights.h5")
    good = (tmp_path / "w.weights.h5").read_bytes()
    path, refused = tmp_path / "bad.weights.h5", 0
    tracemalloc.start()
    for seed in range(count):
        path.write_bytes(damaged(good, random.Random(seed)))
        start = time.perf_counter()
        try:
            model.load_weights(path)
        except ValueError:
            refused += 1
        assert time.perf_counter() - start < 5
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count / 5 < refused < count
    assert peak < 20 << 20
    assert path.stat().st_size <= len(good)
