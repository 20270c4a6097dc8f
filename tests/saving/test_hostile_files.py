"""Files from outside: whatever is in them, the answer is a model or one ValueError of one line."""

import json
import time
import tracemalloc
import zlib

import numpy as np
import pytest
from forged_files import at_random, damaged, forge
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kinds_of_files import KINDS, save_all
from safetensors import safe_open
from safetensors.numpy import save_file

from lstmcore import Input, Sequential, load_model
from lstmcore.layers import LSTM, Dense
from lstmcore.saving import describe_file, restore_state, safetensors_file, save_state

X = np.random.default_rng(1).standard_normal((6, 5, 2)).astype(np.float32)


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """The bytes of a sound file."""
    model = Sequential([Input((5, 2)), LSTM(3, name="l"), Dense(1, name="d")], name="m")
    model.compile("adam", "mse")
    model.fit(X, X[:, 0, 0], verbose=0)
    path = tmp_path_factory.mktemp("good") / "m.safetensors"
    model.save(path)
    return path.read_bytes()


def refuse(path, content=None, match="file: ."):
    """The file is refused with one clear line."""
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ValueError, match=match) as info:
        load_model(path)
    text = str(info.value)
    assert text.startswith(f"{path}: no model can be read from this file: ")
    assert "\n" not in text
    return text


def forged(good, tmp_path, config=None, tensors=None, metadata=None, checksum=True):
    """A file that says what it likes, with a checksum that is right: only a vandal's is wrong."""
    source = tmp_path / "source"
    source.write_bytes(good)
    with safe_open(source, framework="np") as file:
        whole = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        text = file.metadata()["config"]
    (tensors or (lambda t: None))(whole)
    described = json.loads(text)
    (config or (lambda c: None))(described)
    text = json.dumps(described) if isinstance(described, dict) else described
    meta = {"format": "lstmcore/1", "config": text, "crc32": safetensors_file.checksum(text, whole)}
    meta.update(metadata or {})
    path = tmp_path / "forged"
    save_file(whole, path, meta)
    return path


def test_the_good_file_is_good(good, tmp_path):
    path = forged(good, tmp_path)
    assert load_model(path).predict(X).shape == (6, 1)


@pytest.mark.parametrize("eighth", range(8))
def test_truncated(good, tmp_path, eighth):
    refuse(tmp_path / "f", good[: len(good) * eighth // 8])
    refuse(tmp_path / "f", good[: len(good) * (eighth + 1) // 8 - 1])


def test_longer(good, tmp_path):
    refuse(tmp_path / "f", good + b"\0")


def test_every_flipped_byte_is_found(good, tmp_path):
    path = tmp_path / "f"
    step = max(1, len(good) // 200)
    for at in range(0, len(good), step):
        bad = bytearray(good)
        bad[at] ^= 0x41
        refuse(path, bytes(bad))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 8,
        b"PK\x03\x04" + b"\0" * 100,
        b"\x89HDF\r\n\x1a\n" + b"\0" * 100,
        b"\x80\x04cos\nsystem\n(S'true'\ntR." + b"\0" * 20,
        (5).to_bytes(8, "little") + b"{} x}",
        (2).to_bytes(8, "little") + b"{}",
        (2**63).to_bytes(8, "little") + b"{}",
        (200_000).to_bytes(8, "little") + b"[" * 200_000,
    ],
)
def test_other_files(tmp_path, content):
    refuse(tmp_path / "f", content)


def test_a_huge_header_is_not_read(tmp_path):
    size = 60 << 20
    path = tmp_path / "f"
    with open(path, "wb") as file:
        file.write(size.to_bytes(8, "little"))
        file.truncate(size + 8)
    tracemalloc.start()
    refuse(path, match="its header has 62914560 bytes")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20


def layer(index, **arguments):
    def change(config):
        config["model"]["config"]["layers"][index]["config"].update(arguments)

    return change


def rename(index, name):
    def change(config):
        config["model"]["config"]["layers"][index]["class_name"] = name

    return change


def optimizer(**arguments):
    return lambda config: config["training"]["compile"]["optimizer"]["config"].update(arguments)


def nested(config):
    for _ in range(300):
        config["model"] = {"class_name": "Sequential", "config": {"layers": [config["model"]]}}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (rename(1, "Exec"), "unknown layer 'Exec'"),
        (rename(1, "os.system"), "unknown layer 'os.system'"),
        (rename(1, "__reduce__"), "unknown layer"),
        (rename(1, "FunctionLoss"), "unknown layer"),
        (rename(1, 7), "config must be"),
        (rename(1, "Dropout"), "no argument"),
        (layer(1, units=1 << 19), r"expected float32 \(2, 2097152\), got float32 \(2, 12\)"),
        (layer(1, units=10**12), "units: expected a whole number"),
        (layer(1, units=-3), "units: expected a whole number"),
        (layer(1, units="3"), "units: expected a whole number"),
        (layer(1, units=4), "expected float32"),
        (layer(1, dtype="float64"), "dtype: expected float64|dtype: expected float32"),
        (layer(1, dtype="object"), "dtype: expected float32 or float64"),
        (layer(1, name="x"), "lacks tensors: weights/x/bias"),
        (layer(1, name="../x"), "name: expected a str without '/'"),
        (layer(1, use_bias=False), "unknown tensors: weights/l/bias"),
        (layer(1, go_sideways=True), "LSTM has no argument 'go_sideways'"),
        (layer(1, activation={"function": "LSTM"}), "activation"),
        (layer(1, activation={"class_name": "system", "config": {}}), "unknown activation"),
        (layer(1, kernel_initializer={"class_name": "LSTM", "config": {}}), "unknown initializer"),
        (layer(0, shape=[5, 10**9]), "a whole number from 1 to"),
        (layer(0, shape=[5, 3]), "x: expected an array of shape"),
        (lambda c: c["model"].update(class_name="Dense"), "no argument"),
        (lambda c: c["model"].update(config=[]), "config must be"),
        (lambda c: c.pop("training"), "no model, input_shape and training"),
        (lambda c: c.update(model=None), "expected a layer"),
        (lambda c: c.update(input_shape=[None, 5, 2**40]), "input_shape: expected sizes"),
        (lambda c: c.update(input_shape=[None, 5, True]), "input_shape: expected sizes"),
        (lambda c: c.update(input_shape=7), "not iterable"),
        (lambda c: c.update(training=None), "unknown tensors: optimizer/momentum"),
        (lambda c: c.update(training={}), "training: expected compile and iterations"),
        (lambda c: c["training"].update(iterations=-1), "iterations: expected a whole number"),
        (lambda c: c["training"].update(iterations=0), "unknown tensors: optimizer"),
        (lambda c: c["training"]["compile"].update(loss="system"), "unknown loss 'system'"),
        (lambda c: c["training"]["compile"].update(metrics=["system"]), "unknown metric"),
        (lambda c: c["training"]["compile"].update(run=1), "run"),
        (optimizer(amsgrad=True), "lacks tensors: optimizer/velocity_hat"),
        (optimizer(learning_rate="x"), "learning_rate: expected a number"),
        (optimizer(learning_rate=float("nan")), "NaN in the config"),
        (nested, "."),
    ],
)
def test_forged_configs(good, tmp_path, change, message):
    refuse(forged(good, tmp_path, config=change), match=message)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.update(more=np.zeros(3)), "unknown tensors: more"),
        (lambda t: t.pop("weights/d/bias"), "lacks tensors: weights/d/bias"),
        (lambda t: t.pop("optimizer/momentum"), "lacks tensors: optimizer/momentum"),
        (lambda t: t.update({"weights/d/bias": np.zeros(2, "f")}), r"float32 \(1,\), got .*\(2,\)"),
        (lambda t: t.update({"weights/d/bias": np.zeros((1, 1), "f")}), r"got float32 \(1, 1\)"),
        (lambda t: t.update({"weights/d/bias": np.zeros(1)}), "got float64"),
        (lambda t: t.update({"weights/d/bias": np.zeros(1, "i4")}), "got int32"),
        (lambda t: t.update({"optimizer/momentum": np.zeros(9, "f")}), "got float32"),
        (lambda t: t["weights/d/bias"].fill(np.nan), "NaN or infinities"),
        (lambda t: t["optimizer/velocity"].fill(np.inf), "NaN or infinities"),
    ],
)
def test_forged_tensors(good, tmp_path, change, message):
    refuse(forged(good, tmp_path, tensors=change), match=message)


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({"format": "lstmcore/2"}, "expected format 'lstmcore/1', got 'lstmcore/2'"),
        ({"crc32": "00000000"}, "checksum is wrong"),
        ({"config": "["}, "Expecting value"),
        ({"config": "[" * 100_000}, "recursion"),
        ({"config": "9" * 10_000}, "."),
        ({"config": "3"}, "no model, input_shape and training"),
    ],
)
def test_forged_metadata(good, tmp_path, metadata, message):
    refuse(forged(good, tmp_path, metadata=metadata), match=message)


def test_a_file_without_metadata_is_another_library_s(tmp_path):
    path = tmp_path / "f"
    save_file({"w": np.zeros(3)}, path)
    refuse(path, match="PyTorch")


def test_no_memory_is_taken_for_what_a_file_only_claims(good, tmp_path):
    path = forged(good, tmp_path, config=layer(1, units=1 << 19))
    tracemalloc.start()
    start = time.perf_counter()
    refuse(path)
    assert time.perf_counter() - start < 2
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.data())
def test_random_damage(good, tmp_path, data):
    bad = bytearray(good)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(bad) - 1))
        bad[at] = data.draw(st.integers(0, 255))
    if bytes(bad) != good:
        refuse(tmp_path / "f", bytes(bad))


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.binary(max_size=300))
def test_random_headers(tmp_path, header):
    refuse(tmp_path / "f", len(header).to_bytes(8, "little") + header)


def test_the_checksum_covers_names_shapes_and_config():
    a, b = np.zeros(3, "f"), np.zeros((3, 1), "f")
    sums = [
        safetensors_file.checksum(c, t)
        for c, t in (("", {"a": a}), ("", {"b": a}), ("", {"a": b}), (" ", {"a": a}))
    ]
    assert len(set(sums)) == 4
    assert sums[0] == f"{zlib.crc32(a.tobytes(), zlib.crc32(b'a float32 (3,)')):08x}"


# -- thousands of files ------------------------------------------------------------------------


def larger():
    """A model whose file is a hundred times as large as the smallest."""
    model = Sequential([Input((5, 2)), LSTM(40, name="l"), Dense(1, name="d")], name="m")
    model.compile("adam", "mse")
    return model


@pytest.fixture(scope="module")
def readers(tmp_path_factory):
    """For each kind of file its bytes and what reads it."""
    folder, model = tmp_path_factory.mktemp("readers"), larger()
    model.fit(X, X[:, 0, 0], verbose=0)
    model.save(folder / "model")
    model.save_weights(folder / "weights")
    save_state(model, folder / "state", {"epoch": 3}, {"best": np.arange(5.0)})
    read = {
        "model": load_model,
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
    return {name: ((folder / names[name]).read_bytes(), read[name]) for name in read}


def refuses(path, read, size):
    """True if a file is refused, by one ValueError; it takes a second and ten times its size."""
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
    content, read = reader
    tracemalloc.start()
    try:
        for seed in seeds:
            bad = damaged(content, np.random.default_rng(seed))
            path.write_bytes(bad)
            if not refuses(path, read, len(content)) and read is not describe_file:
                # blanks at the end of the header may be others; a description has no checksum
                assert bad.split() == content.split()
    finally:
        tracemalloc.stop()


READERS = ["model", "weights", "state", "describe"]


@pytest.mark.parametrize("name", READERS)
def test_damaged_files(readers, tmp_path, name):
    read_damaged(tmp_path / "f", readers[name], range(125))


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("name", READERS)
def test_ten_thousand_damaged_files(readers, tmp_path, name):
    read_damaged(tmp_path / "f", readers[name], range(1000, 11_000))


def read_forged(path, reader, seeds):
    content, read = reader
    source = path.parent.parent / "source"
    source.write_bytes(content)
    tracemalloc.start()
    try:
        found = []
        for seed in seeds:
            forge(source, path, at_random(np.random.default_rng(seed)))
            found.append(refuses(path, read, len(content)))
    finally:
        tracemalloc.stop()
    assert any(found)


@pytest.fixture
def path(tmp_path):
    (tmp_path / "alone").mkdir()
    return tmp_path / "alone" / "f"


@pytest.mark.parametrize("name", READERS[:3])
def test_forged_at_random(readers, path, name):
    read_forged(path, readers[name], range(30))


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("name", READERS[:3])
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
