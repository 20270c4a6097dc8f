"""Files from outside: whatever is in them, the answer is a model or one ValueError of one line."""

import json
import time
import tracemalloc
import zlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.numpy import save_file

from lstmcore import Input, Sequential, load_model
from lstmcore.layers import LSTM, Dense
from lstmcore.saving import safetensors_file

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
        (layer(1, dtype="object"), "dtype: expected 'float32', 'float64'"),
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
