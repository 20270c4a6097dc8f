"""Thousands of damaged and forged files: each is refused by one ValueError, or can be used."""

import time
import tracemalloc

import numpy as np
import pytest
from forged_files import at_random, damaged, forge
from kinds_of_files import KINDS, save_all
from safetensors.numpy import save_file

from lstmcore import Input, Sequential, load_model
from lstmcore.layers import LSTM, Dense
from lstmcore.saving import describe_file, restore_state, save_state

X = np.random.default_rng(1).standard_normal((6, 5, 2)).astype(np.float32)


def larger(units=40):
    """A model whose file is a hundred times as large as the smallest."""
    model = Sequential([Input((5, 2)), LSTM(units, name="l"), Dense(1, name="d")], name="m")
    model.compile("adam", "mse")
    return model


@pytest.fixture(scope="module")
def readers(tmp_path_factory):
    """For each kind of file its bytes, what reads it, and the bytes of what a file is for."""
    folder, model = tmp_path_factory.mktemp("readers"), larger()
    model.fit(X, X[:, 0, 0], verbose=0)
    model.save(folder / "model")
    model.save_weights(folder / "weights")
    save_state(model, folder / "state", {"epoch": 3}, {"best": np.arange(5.0)})
    few_bytes = larger(120)
    few_bytes.quantize("int8", verbose=0)
    few_bytes.save(folder / "quantized")
    read = {
        "model": load_model,
        "quantized": load_model,
        "weights": model.load_weights,
        "state": lambda path: restore_state(model, path),
        "describe": describe_file,
    }
    for start in (
        b"\x08\x08\x12",
        b"\x89HDF\r\n\x1a\n",
        b"PK\x03\x04",
    ):  # their readers are imported
        (folder / "other").write_bytes(start + bytes(99))
        with pytest.raises((ValueError, ImportError)):
            load_model(folder / "other")
    save_file({"x": np.ones(3)}, folder / "other")
    with pytest.raises(ValueError, match="no model can be read"):
        load_model(folder / "other")
    names = {name: name for name in read} | {"describe": "model"}
    contents = {name: (folder / names[name]).read_bytes() for name in read}
    # float32 weights and their gradients take eight times what a file of int8 does
    sizes = {
        name: len(content) * (2 if name == "quantized" else 1) for name, content in contents.items()
    }
    return {name: (contents[name], read[name], sizes[name]) for name in read}


def refuses(path, read, size):
    """True if a file is refused, by one ValueError; it takes a second and ten times that size."""
    before = path.read_bytes()
    tracemalloc.reset_peak()
    taken, start, refused = tracemalloc.get_traced_memory()[0], time.perf_counter(), False
    try:
        read(path)
    except ValueError as error:
        refused = str(error)
    assert time.perf_counter() - start < 1
    assert tracemalloc.get_traced_memory()[1] - taken < 10 * size
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    assert not refused or (refused.startswith(f"{path}: no ") and "\n" not in refused)
    return bool(refused)


def read_damaged(path, reader, seeds):
    content, read, size = reader
    tracemalloc.start()
    try:
        for seed in seeds:
            bad = damaged(content, np.random.default_rng(seed))
            path.write_bytes(bad)
            if not refuses(path, read, size) and read is not describe_file:
                # blanks at the end of the header may be others; a description has no checksum
                assert bad.split() == content.split()
    finally:
        tracemalloc.stop()


READERS = ["model", "quantized", "weights", "state", "describe"]


@pytest.mark.parametrize("name", READERS)
def test_damaged_files(readers, tmp_path, name):
    read_damaged(tmp_path / "f", readers[name], range(125))


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("name", READERS)
def test_ten_thousand_damaged_files(readers, tmp_path, name):
    read_damaged(tmp_path / "f", readers[name], range(1000, 11_000))


def read_forged(path, reader, seeds):
    content, read, size = reader
    source = path.parent.parent / "source"
    source.write_bytes(content)
    tracemalloc.start()
    try:
        found = []
        for seed in seeds:
            forge(source, path, at_random(np.random.default_rng(seed)))
            found.append(refuses(path, read, size))
    finally:
        tracemalloc.stop()
    assert any(found)


@pytest.fixture
def path(tmp_path):
    (tmp_path / "alone").mkdir()
    return tmp_path / "alone" / "f"


@pytest.mark.parametrize("name", READERS[:-1])
def test_forged_at_random(readers, path, name):
    read_forged(path, readers[name], range(30))


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("name", READERS[:-1])
def test_many_forged_at_random(readers, path, name):
    read_forged(path, readers[name], range(1000, 4000))


# -- applications: what can be read can be used -----------------------------------------------

PARTS = {
    "classifier": ("vectorization", "classes", "counts"),
    "language_model": ("vocabulary",),
    "forecaster": ("extra",),
}


def use(name, model):
    if name == "classifier":
        model.evaluate(["good film", "what fun"], model.classes_[:2])
    elif name == "language_model":
        assert len(model.generate("Jill ", 5, seed=1)) <= 5
        model.evaluate("Zoé & Jack")
    else:
        model.append([20.0])
        assert np.isfinite(model.forecast().point).all()


@pytest.fixture(scope="module")
def applications(tmp_path_factory):
    folder = tmp_path_factory.mktemp("applications")
    save_all(folder)
    return folder


def use_forged(folder, path, name, seeds):
    read, used = KINDS[name][1], 0
    for seed in seeds:
        change = at_random(np.random.default_rng(seed), PARTS[name])
        forge(folder / f"{name}.safetensors", path, change)
        try:
            model = read(path)
        except ValueError:
            continue
        use(name, model)
        used += 1
    assert 0 < used < len(seeds)


@pytest.mark.parametrize("name", PARTS)
def test_what_can_be_read_can_be_used(applications, tmp_path, name):
    use_forged(applications, tmp_path / "f", name, range(25))


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("name", PARTS)
def test_of_thousands_what_can_be_read_can_be_used(applications, tmp_path, name):
    use_forged(applications, tmp_path / "f", name, range(1000, 4000))
