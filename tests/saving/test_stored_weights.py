"""Files of quantized models: their bytes, what they give back, and files that lie."""

import json
import math
import tracemalloc

import numpy as np
import pytest
from kinds_of_files import KINDS, RHYME, TEXTS
from quantized_models import MODELS, SERIES, TOKENS, streamed, tokens
from safetensors.numpy import save_file

from lstmcore import Input, Sequential, layers, load_model
from lstmcore.quantization.quantize import storages
from lstmcore.quantization.storage import FORMATS
from lstmcore.saving import describe_file, load_weights, safetensors_file
from lstmcore.saving.safetensors_format import open_tensors


def same(model, other, x):
    return np.array_equal(model.predict(x), other.predict(x))


def arrays_of(path):
    with open_tensors(path, 1 << 20) as file:
        return {name: file.read(name) for name in file.entries}, file.metadata


@pytest.mark.parametrize("mode", FORMATS)
@pytest.mark.parametrize("name", MODELS)
def test_a_file_gives_the_same_outputs_to_the_bit(tmp_path, name, mode):
    make, x = MODELS[name]
    model = make()
    model.quantize(mode, verbose=0)
    model.save(tmp_path / "m.safetensors")
    other = load_model(tmp_path / "m.safetensors")
    assert storages(other) == storages(model)
    assert same(model, other, x)
    other.save(tmp_path / "again.safetensors")
    content = (tmp_path / "m.safetensors").read_bytes()
    assert (tmp_path / "again.safetensors").read_bytes() == content
    other.dequantize()  # float32 weights, the rounded ones
    other.quantize(mode, verbose=0)
    assert same(model, other, x)


@pytest.mark.parametrize(("mode", "most"), [("int8", 0.3), ("bfloat16", 0.51), ("float16", 0.51)])
def test_sizes(tmp_path, mode, most):
    model = Sequential(
        [
            Input((None, 64)),
            layers.LSTM(128, return_sequences=True),
            layers.LSTM(64),
            layers.Dense(9),
        ]
    )
    model.save(tmp_path / "float.safetensors")
    model.quantize(mode, verbose=0)
    model.save(tmp_path / "small.safetensors")
    sizes = [(tmp_path / f"{name}.safetensors").stat().st_size for name in ("small", "float")]
    assert sizes[0] <= most * sizes[1]


def test_what_stands_in_a_file(tmp_path):
    model = tokens()
    model.quantize("int8", filters="both/forward|embedding|dense", verbose=0)
    model.save(tmp_path / "m.safetensors")
    found, metadata = arrays_of(tmp_path / "m.safetensors")
    lstm = "weights/both/forward_lstm/"
    assert found[f"{lstm}kernel"].dtype == np.int8
    assert found[f"{lstm}bias"].dtype == np.float32
    scale = found[f"{lstm}kernel_scale"]
    assert scale.shape == (1, 32)
    assert np.array_equal(scale, found[f"{lstm}recurrent_kernel_scale"])
    assert found["weights/embedding/embeddings_scale"].shape == (30, 1)
    assert found["weights/gru/kernel"].dtype == np.float32
    table = model.layers[0].embeddings.value
    stored = found["weights/embedding/embeddings"] * found["weights/embedding/embeddings_scale"]
    assert np.abs(stored - table).max() <= np.abs(table).max() / 127 / 2 * (1 + 2**-14)
    assert json.loads(metadata["config"])["storage"] == storages(model)
    described = describe_file(tmp_path / "m.safetensors")["tensors"]
    assert described[f"{lstm}kernel"] == ((12, 32), "int8")


def test_training_begins_anew(tmp_path):
    model = streamed()
    y = SERIES[..., :1].repeat(5, axis=2)
    model.compile("adam", "mse", metrics=["mae"])
    model.fit(SERIES, y, verbose=0)
    model.quantize("int8", verbose=0)
    model.save(tmp_path / "m.safetensors")
    model.save_weights(tmp_path / "w.safetensors")
    assert not any(
        name.startswith("optimizer") for name in arrays_of(tmp_path / "m.safetensors")[0]
    )
    assert not any(
        name.startswith("optimizer") for name in arrays_of(tmp_path / "w.safetensors")[0]
    )
    other = load_model(tmp_path / "m.safetensors")
    assert other.optimizer.iterations == 0
    assert other.evaluate(SERIES, y, verbose=0) == model.evaluate(SERIES, y, verbose=0)
    other.dequantize()
    assert math.isfinite(other.fit(SERIES, y, verbose=0).history["loss"][0])
    model.dequantize()
    assert model.optimizer.iterations > 0


@pytest.mark.parametrize("mode", FORMATS)
def test_weights_alone(tmp_path, mode):
    model, floats, quantized = streamed(), streamed(), streamed()
    model.quantize(mode, verbose=0)
    model.save_weights(tmp_path / "w.safetensors")
    quantized.quantize(mode, verbose=0)
    for other in (floats, quantized):
        other.load_weights(tmp_path / "w.safetensors")
    assert same(quantized, model, SERIES)
    assert not storages(floats)
    floats.quantize(mode, verbose=0)
    assert same(floats, model, SERIES)
    model.save(tmp_path / "m.safetensors")  # the weights of a whole model
    floats.set_weights([0 * w for w in floats.get_weights()])
    load_weights(floats, tmp_path / "m.safetensors")
    assert same(floats, model, SERIES)


@pytest.mark.parametrize("mode", FORMATS)
def test_load_model_quantizes(tmp_path, mode):
    model = tokens()
    model.save(tmp_path / "m.safetensors")
    other = load_model(tmp_path / "m.safetensors", weights=mode)
    model.quantize(mode, verbose=0)
    assert storages(other) == storages(model)
    assert same(model, other, TOKENS)
    model.save(tmp_path / "m.safetensors")
    assert same(load_model(tmp_path / "m.safetensors", weights=mode), model, TOKENS)
    wrong = FORMATS[FORMATS.index(mode) - 1]
    with pytest.raises(ValueError, match=f"weights: expected None, or what the file has, {mode}"):
        load_model(tmp_path / "m.safetensors", weights=wrong)


def test_load_model_refuses_other_formats(tmp_path):
    with pytest.raises(ValueError, match=r"load_model: weights: expected .* got 'int4'"):
        load_model(tmp_path / "nothing", weights="int4")
    Sequential([Input((5, 2)), layers.Conv1D(2, 2, name="conv")]).save(tmp_path / "m.safetensors")
    with pytest.raises(ValueError, match="a layer to store as int8, got none: conv: only products"):
        load_model(tmp_path / "m.safetensors", weights="int8")


def test_other_formats_get_the_rounded_weights(tmp_path):
    model, again = streamed(), streamed()
    for one in (model, again):
        while one.layers[-1].name != "rnn":  # Keras has no peepholes
            one.pop()
    before = model.get_weights()
    model.quantize("int8", verbose=0)
    with pytest.warns(
        UserWarning, match=r"save: Keras's \.keras file has the weights of lstm, bet"
    ):
        model.save(tmp_path / "m.keras")
    with pytest.warns(UserWarning, match="save_weights: Keras's HDF5 file has the weights of lstm"):
        model.save_weights(tmp_path / "m.weights.h5")
    with pytest.warns(UserWarning, match="export: an ONNX file has the weights of lstm, between"):
        model.export(tmp_path / "m.onnx")
    assert all(map(np.array_equal, model.get_weights(), before))
    assert len(storages(model)) == 4
    other = load_model(tmp_path / "m.keras", weights="int8")
    assert same(model, other, SERIES)
    other.dequantize()
    again.load_weights(tmp_path / "m.weights.h5")
    assert same(again, other, SERIES)
    assert same(load_model(tmp_path / "m.onnx"), other, SERIES)


def test_what_is_not_finite(tmp_path):
    model = Sequential([Input((2,)), layers.Dense(2, name="d")])
    model.quantize("int8", verbose=0)
    model.set_weights([np.float32([[1, np.nan], [2, 3]]), np.zeros(2)])
    with pytest.warns(UserWarning, match="save: weights/d/kernel_scale have NaN or infinities"):
        model.save(tmp_path / "m.safetensors")
    with pytest.raises(ValueError, match="'weights/d/kernel_scale' has NaN or infinities"):
        load_model(tmp_path / "m.safetensors")
    other = load_model(tmp_path / "m.safetensors", allow_nonfinite=True)
    assert np.isnan(other.get_weights()[0]).tolist() == [[False, True], [False, True]]


# -- files that lie ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """The arrays and the metadata of a sound file of int8."""
    model = Sequential(
        [Input((5, 2)), layers.LSTM(3, name="l"), layers.Dense(1, name="d", activation="gelu")]
    )
    model.quantize("int8", verbose=0)
    path = tmp_path_factory.mktemp("sound") / "m.safetensors"
    model.save(path)
    return arrays_of(path)


def forged(sound, path, tensors, config):
    whole, metadata = dict(sound[0]), dict(sound[1])
    described = json.loads(metadata["config"])
    tensors(whole)
    config(described)
    metadata["config"] = json.dumps(described)
    metadata["crc32"] = safetensors_file.checksum(metadata["config"], whole)
    save_file({name: np.ascontiguousarray(array) for name, array in whole.items()}, path, metadata)


def changed(**changes):
    def change(found):
        for name, value in changes.items():
            if value is None:
                del found[name]
            else:
                found[name] = value(found[name]) if callable(value) else value

    return change


KERNEL, SCALE = "weights/l/kernel", "weights/l/kernel_scale"


def at(index, value):
    def change(array):
        array = array.copy()
        array[index] = value
        return array

    return change


@pytest.mark.parametrize(
    ("tensors", "config", "match"),
    [
        ({SCALE: None}, {}, "it lacks tensors: weights/l/kernel_scale"),
        ({"weights/d/bias_scale": np.float32([1])}, {}, "it has unknown tensors: weights/d/bias_s"),
        (
            {SCALE: lambda a: a[0]},
            {},
            r"kernel_scale': expected float32 \(1, 12\), got float32 \(12",
        ),
        ({SCALE: np.float64}, {}, r"kernel_scale': expected float32 \(1, 12\), got float64"),
        ({KERNEL: np.int16}, {}, r"kernel': expected int8 \(2, 12\), got int16 \(2, 12\)"),
        ({KERNEL: np.float32}, {}, r"kernel': expected int8 \(2, 12\), got float32 \(2, 12\)"),
        (
            {KERNEL: at((0, 3), -128)},
            {},
            "'l': expected weights as they are rounded to int8, got o",
        ),
        ({KERNEL: lambda a: a // 2}, {}, "'l': expected weights as they are rounded to int8"),
        ({SCALE: lambda a: -a}, {}, "'l': expected weights as they are rounded to int8"),
        ({SCALE: at((0, 2), 1 / 3)}, {}, "'l': expected weights as they are rounded to int8"),
        ({SCALE: at((0, 2), np.inf)}, {}, "'weights/l/kernel_scale' has NaN or infinities"),
        ({}, {"storage": None}, r"kernel': expected float32 \(2, 12\), got int8|unknown tensors"),
        ({}, {"storage": []}, r"storage: expected a dict, got \[\]"),
        ({}, {"storage": {"l": "int4"}}, "storage of 'l': expected one of .* got 'int4'"),
        ({}, {"storage": {"l": ["int8"]}}, "storage of 'l': expected one of"),
        (
            {},
            {"storage": {"x": "int8"}},
            "storage of 'x': it cannot be int8: there is no such layer",
        ),
        (
            {},
            {"storage": {"l": "float16", "d": "int8"}},
            "it has unknown tensors: weights/l/kernel_",
        ),
    ],
)
def test_files_that_lie(tmp_path, sound, tensors, config, match):
    forged(sound, tmp_path / "f", changed(**tensors), changed(**config))
    with pytest.raises(ValueError, match=match) as info:
        load_model(tmp_path / "f")
    assert str(info.value).startswith(f"{tmp_path / 'f'}: no model can be read from this file: ")
    assert "\n" not in str(info.value)


def test_a_sound_file_is_read(tmp_path, sound):
    forged(sound, tmp_path / "f", changed(), changed())
    assert storages(load_model(tmp_path / "f")) == {"l": "int8", "d": "int8"}


def test_layers_that_are_never_quantized(tmp_path, sound):
    def runs_in_numpy(config):
        config["model"]["config"]["layers"][1]["config"]["activation"] = {"function": "gelu"}

    forged(sound, tmp_path / "f", changed(), runs_in_numpy)
    with pytest.raises(ValueError, match="'l': it cannot be int8: it runs in NumPy: no kernel has"):
        load_model(tmp_path / "f")

    def double(config):
        text = json.dumps(config["model"]).replace('"dtype": "float32"', '"dtype": "float64"')
        config["model"] = json.loads(text)

    forged(sound, tmp_path / "f", changed(), double)
    with pytest.raises(ValueError, match="storage: expected none in a model of float64, got d, l"):
        load_model(tmp_path / "f")


@pytest.mark.parametrize(
    ("tensors", "match"),
    [
        ({SCALE: None}, "it lacks tensors: weights/l/kernel_scale"),
        (
            {SCALE: lambda a: a[:, :5]},
            r"kernel_scale': expected float32 for \(2, 12\), got float32",
        ),
        ({SCALE: np.float64}, r"kernel_scale': expected float32 for \(2, 12\), got float64"),
        ({KERNEL: lambda a: a[:1]}, r"'l/kernel': expected shape \(2, 12\), got float32 \(1, 12\)"),
    ],
)
def test_weights_that_lie(tmp_path, sound, tensors, match):
    forged(sound, tmp_path / "f", changed(**tensors), changed())
    model = Sequential([Input((5, 2)), layers.LSTM(3, name="l"), layers.Dense(1, name="d")])
    before = model.get_weights()
    with pytest.raises(ValueError, match=match):
        model.load_weights(tmp_path / "f")
    assert all(map(np.array_equal, model.get_weights(), before))


@pytest.mark.parametrize("storage", ["int8", "float16"])
def test_no_memory_is_taken_for_what_is_claimed(tmp_path, sound, storage):
    def large(config):
        for entry in config["model"]["config"]["layers"]:
            entry["config"].update({"units": 1 << 20} if "units" in entry["config"] else {})
        config["storage"] = {"l": storage, "d": storage}

    forged(sound, tmp_path / "f", changed(), large)
    tracemalloc.start()
    with pytest.raises(ValueError, match=r"unknown tensors|kernel': expected int8 \(2, 4194304\)"):
        load_model(tmp_path / "f")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2e6


# -- what applications write ---------------------------------------------------------------

SAYS = {
    "network": lambda model: model.predict(np.ones((2, 5, 2))),
    "classifier": lambda model: model.predict_proba(TEXTS),
    "language_model": lambda model: [model.generate("Jack", n=20, seed=0), model.evaluate(RHYME)],
    "forecaster": lambda model: model.predict(3),
}


@pytest.mark.parametrize("kind", SAYS)
@pytest.mark.parametrize("mode", ["int8", "bfloat16"])
def test_applications_run_on_quantized_models(tmp_path, kind, mode):
    make, load = KINDS[kind]
    made = make()
    floats = str(SAYS[kind](made))
    inner = getattr(made, "model_", getattr(made, "model", made))
    inner.quantize(mode, verbose=0)
    said = str(SAYS[kind](made))
    assert said != floats
    made.save(tmp_path / "m.safetensors")
    assert str(SAYS[kind](load(tmp_path / "m.safetensors"))) == said
