"""Files of weights: they find their places, or nothing changes; damage is noticed."""

import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.numpy import save_file

from lstmcore import Input, Sequential
from lstmcore.layers import LSTM, Dense
from lstmcore.saving import load_weights, restore_state, safetensors_file, save_state, save_weights

X = np.random.default_rng(1).standard_normal((20, 5, 2)).astype(np.float32)
Y = X.sum((1, 2))


def model_of(units=3, heads=1, optimizer="adam", dtype=None, **names):
    layers = [Input((5, 2)), LSTM(units, name=names.get("lstm")), Dense(heads, name=names.get("d"))]
    model = Sequential(layers, dtype=dtype)
    model.compile(optimizer, "mse")
    return model


def trained(**kwargs):
    model = model_of(**kwargs)
    model.fit(X, np.repeat(Y[:, None], kwargs.get("heads", 1), 1), epochs=2, verbose=0)
    return model


def same(a, b):
    for x, y in zip(a.get_weights(), b.get_weights(), strict=True):
        assert x.dtype == y.dtype
        np.testing.assert_array_equal(x, y)


def untouched(model, before):
    for x, y in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("names", [{}, {"lstm": "a", "d": "b"}])
def test_weights_and_optimizer_come_back(tmp_path, dtype, names):
    model, path = trained(dtype=dtype, **names), tmp_path / "m.weights.safetensors"
    model.optimizer.learning_rate = 0.5
    save_weights(model, path)
    again = model_of(dtype=dtype, **names)  # without names: others than in the file
    load_weights(again, path)
    same(again, model)
    assert again.optimizer.learning_rate == 0.5  # as in Keras
    for m in (model, again):
        m.fit(X, Y, epochs=2, verbose=0, shuffle=False)
    same(again, model)


def test_the_methods_of_a_model(tmp_path):
    model, again = trained(), model_of()
    model.save_weights(tmp_path / "w")
    with pytest.raises(FileExistsError):
        model.save_weights(tmp_path / "w", overwrite=False)
    again.load_weights(tmp_path / "w")
    same(again, model)


@pytest.mark.parametrize("other", ["sgd", "not compiled", "frozen"])
def test_another_optimizer_is_left_alone(tmp_path, other):
    model = trained()
    save_weights(model, tmp_path / "w")
    again = model_of(optimizer="sgd" if other == "sgd" else "adam")
    if other == "not compiled":
        again = Sequential([Input((5, 2)), LSTM(3), Dense(1)])
    again.layers[0].trainable = other != "frozen"
    load_weights(again, tmp_path / "w")
    same(again, model)
    if again.optimizer is not None:
        assert again.optimizer.iterations == 0
        again.fit(X, Y, verbose=0)


def test_weights_of_a_whole_model(tmp_path):
    model, again = trained(), model_of(dtype="float64")
    model.save(tmp_path / "m")
    load_weights(again, tmp_path / "m")
    for x, y in zip(again.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(x, y)


def test_what_does_not_fit_is_named_and_nothing_changes(tmp_path):
    save_weights(trained(lstm="a", d="b"), tmp_path / "w")
    for model, message in [
        (model_of(heads=2), r"'dense.*/kernel': expected shape \(3, 2\), got float32 \(3, 1\)"),
        (
            Sequential([Input((5, 2)), LSTM(3, name="a")]),
            "it has unknown weights: b/bias, b/kernel",
        ),
        (
            Sequential([Input((5, 2)), LSTM(3, name="a"), Dense(1, name="b"), Dense(1, name="c")]),
            "it lacks weights: c/bias, c/kernel",
        ),
    ]:
        before = model.get_weights()
        with pytest.raises(ValueError, match=message) as info:
            load_weights(model, tmp_path / "w")
        assert str(info.value).startswith(
            f"{tmp_path / 'w'}: no weights can be read from this file"
        )
        untouched(model, before)
    with pytest.raises(FileNotFoundError, match="load_weights: no file"):
        load_weights(model_of(), tmp_path / "nothing")
    with pytest.raises(ValueError, match=r"load_weights: model .* has no weights yet"):
        load_weights(Sequential([LSTM(3)]), tmp_path / "w")
    with pytest.raises(ValueError, match=r"'w.h5' names another format; write 'w.weights.h5'"):
        save_weights(model_of(), tmp_path / "w.h5")


@pytest.mark.parametrize("names", [{}, {"lstm": "a", "d": "b"}])
def test_skip_mismatch(tmp_path, names):
    model = trained(lstm="a", d="b")
    save_weights(model, tmp_path / "w")
    again = model_of(heads=2, **names)
    before = again.get_weights()
    with pytest.warns(UserWarning, match=r"load_weights: left as they were: .*/kernel, .*/bias"):
        load_weights(again, tmp_path / "w", skip_mismatch=True)
    for i in range(3):
        np.testing.assert_array_equal(again.get_weights()[i], model.get_weights()[i])
    for i in (3, 4):
        np.testing.assert_array_equal(again.get_weights()[i], before[i])
    assert again.optimizer.iterations == 0


def test_state_has_what_its_writer_adds(tmp_path):
    model = trained()
    extra = {"losses": [float("nan"), np.float32(0.5), np.arange(2)], "text": "é" * 2_000_000}
    save_state(model, tmp_path / "s", extra, {"a/b": np.arange(3), "c": np.zeros((0, 2))})
    again = model_of()
    found, arrays = restore_state(again, tmp_path / "s")
    same(again, model)
    assert again.optimizer.iterations == model.optimizer.iterations
    assert np.isnan(found["losses"][0])
    assert found["losses"][1:] == [0.5, [0, 1]]
    assert found["text"] == extra["text"]
    np.testing.assert_array_equal(arrays["a/b"], [0, 1, 2])
    assert arrays["c"].shape == (0, 2)
    load_weights(model_of(), tmp_path / "s")  # such a file has weights too


def test_nan_is_refused_but_in_a_state(tmp_path):
    model = trained()
    model.set_weights([np.full_like(w, np.nan) for w in model.get_weights()])
    save_state(model, tmp_path / "s")
    with pytest.raises(ValueError, match="has NaN or infinities"):
        load_weights(model_of(), tmp_path / "s")
    load_weights(model_of(), tmp_path / "s", allow_nonfinite=True)
    restore_state(model_of(), tmp_path / "s")


# -- hostile files -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    path = tmp_path_factory.mktemp("good") / "w"
    save_state(trained(lstm="a", d="b"), path, {"epoch": 3})
    return path.read_bytes()


def refuse(path, reader, match="file: ."):
    model = model_of(lstm="a", d="b")
    before = model.get_weights()
    with pytest.raises(ValueError, match=match) as info:
        reader(model, path)
    assert "\n" not in str(info.value)
    untouched(model, before)
    assert model.optimizer.iterations == 0
    assert not model.optimizer.slots


@pytest.mark.parametrize("reader", [load_weights, restore_state])
def test_damage_is_noticed(good, tmp_path, reader):
    path = tmp_path / "f"
    for at in range(0, len(good), max(1, len(good) // 60)):
        bad = bytearray(good)
        bad[at] ^= 0x41
        path.write_bytes(bytes(bad))
        refuse(path, reader)
        path.write_bytes(good[:at])
        refuse(path, reader)


def forge(good, tmp_path, change):
    """A file that says what it likes, with a checksum that is right."""
    (tmp_path / "good").write_bytes(good)
    with safe_open(tmp_path / "good", framework="np") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        config = json.loads(file.metadata()["config"])
    config = change(config, tensors) or config
    text = json.dumps(config)
    meta = {
        "format": "lstmcore-weights/1",
        "config": text,
        "crc32": safetensors_file.checksum(text, tensors),
    }
    save_file(tensors, tmp_path / "forged", meta)
    return tmp_path / "forged"


def to(key, value, inside=None):
    def change(config, tensors):
        (config if inside is None else config[inside])[key] = value

    return change


@pytest.mark.parametrize(
    "change",
    [
        to("weights", 7),
        to("weights", ["a/kernel"] * 5),
        to("weights", [None]),
        to("optimizer", []),
        to("iterations", -1, "optimizer"),
        to("iterations", 1e300, "optimizer"),
        to("iterations", "many", "optimizer"),
        to("learning_rate", "0.1", "optimizer"),
        to("learning_rate", -1, "optimizer"),
        to("class_name", None, "optimizer"),
        to("trained", [], "optimizer"),
        lambda config, tensors: [config],
        lambda config, tensors: tensors.update({"optimizer/velocity": np.zeros(3, "f4")}),
        lambda config, tensors: tensors.update({"extra": np.zeros(3, "u1")}),
        lambda config, tensors: tensors.__delitem__("optimizer/velocity"),
        lambda config, tensors: tensors.__delitem__("weights/a/kernel"),
        lambda config, tensors: tensors.update({"weights/a/kernel": np.zeros((2, 12), "i4")}),
    ],
)
def test_forged(good, tmp_path, change):
    refuse(forge(good, tmp_path, change), restore_state)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.binary(max_size=300))
def test_any_bytes(tmp_path, content):
    (tmp_path / "f").write_bytes(content)
    refuse(tmp_path / "f", load_weights)
