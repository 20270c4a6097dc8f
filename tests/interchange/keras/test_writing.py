"""Tests of `.keras` and `.weights.h5` files: as Keras writes them, and read again."""

import importlib.util
import io
import json
import re
import sys
import zipfile
from pathlib import Path

import h5py
import layer_zoo
import numpy as np
import pytest

import lstmcore
from lstmcore import Input, Model, Sequential, activations, layers, losses, ops
from lstmcore.callbacks import ModelCheckpoint
from lstmcore.interchange.keras.slots import slots
from lstmcore.registry import clear_session
from lstmcore.structure import flatten

FILES = Path(__file__).parent / "files"
FROZEN = json.loads((FILES / "written.json").read_text())
_spec = importlib.util.spec_from_file_location("written_models", FILES / "written_models.py")
written_models = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(written_models)
# What Keras writes and this library has not, or what has no effect; its Huber forgets `delta`.
LEFT_OUT = {"shared_object_id", "quantization_config", "ragged", "data_format", "build_config"}
LEFT_OUT |= {"run_eagerly", "steps_per_execution", "jit_compile", "renorm_clipping", "delta"}
LEFT_OUT |= {"flash_attention", "seed"}
# Pairs of ours and Keras's that mean the same: None is the default of all arguments left out.
SAME = [("nothing", None), ("nothing", False), ("nothing", {}), (None, [1]), ("nothing", "float32")]


def read(path):
    """The config, and by path the arrays and the names of the groups."""
    with zipfile.ZipFile(path) as archive:
        config = json.loads(archive.read("config.json"))
        weights = archive.read("model.weights.h5")
    arrays, names = {}, {}

    def visit(place, entry):
        if isinstance(entry, h5py.Dataset):
            arrays[place] = entry[()]
            assert h5py.h5g.get_objinfo(entry.id).mtime == 0  # no time is noted
        elif "name" in entry.attrs:
            names[place] = entry.attrs["name"]

    with h5py.File(io.BytesIO(weights)) as file:
        file.visititems(visit)
    return config, arrays, names


def differences(own, its, path=""):
    """Where a config says something else than Keras's."""
    if isinstance(its, dict) and isinstance(own, dict):
        for key in {*own, *its} - LEFT_OUT:
            yield from differences(
                own.get(key, "nothing"), its.get(key, "nothing"), f"{path}/{key}"
            )
    elif isinstance(its, list) and isinstance(own, list) and len(own) == len(its):
        for i, (a, b) in enumerate(zip(own, its, strict=True)):
            yield from differences(a, b, f"{path}/{i}")
    elif isinstance(own, float) and isinstance(its, float):
        assert own == pytest.approx(its, rel=1e-7), path  # Keras rounds the learning rate
    elif own != its and (own, its) not in SAME:
        yield path, own, its


@pytest.mark.filterwarnings("ignore:layer .*SpectralNormalization")  # differs in Keras
@pytest.mark.parametrize("name", written_models.MODELS)
def test_a_file_is_the_one_that_keras_writes(name, tmp_path):
    clear_session()
    model = written_models.MODELS[name](lstmcore)
    model.save(tmp_path / "m.keras")
    config, arrays, names = read(tmp_path / "m.keras")
    frozen = FROZEN["models"][name]
    assert list(differences(config, frozen["config"])) == []
    its_shapes = frozen["arrays"]
    assert {k: list(v.shape) for k, v in arrays.items()} == its_shapes
    # what Keras has beside these are layers without weights inside a layer
    assert names.items() <= frozen["names"].items()
    assert {path.rpartition("/")[0] for path in its_shapes} <= {*names, "optimizer/vars"}


@pytest.mark.parametrize("name", written_models.OPTIMIZERS)
def test_variables_of_an_optimizer_are_in_keras_order(name):
    clear_session()
    model = written_models.small(lstmcore)
    optimizer = getattr(lstmcore.optimizers, name)(**written_models.OPTIMIZERS[name])
    model.compile(optimizer, "mse")
    names = {
        param: f"sequential_{path.replace('/', '_')}_" for path, param, _ in model.named_params()
    }
    words = {"offset": "momentum", "product": "variable"}  # what Keras calls them
    found = [names.get(p, "") + words.get(kind, kind) for kind, p in slots(optimizer, model)]
    assert found == FROZEN["optimizers"][name]


@pytest.mark.filterwarnings("ignore:layer .*SpectralNormalization")  # differs in Keras
@pytest.mark.parametrize("name", written_models.MODELS)
def test_a_model_comes_back_as_it_was(name, tmp_path):
    model = written_models.MODELS[name](lstmcore)
    same_after_loading(model, tmp_path)
    loaded = lstmcore.load_model(tmp_path / "first.keras")
    loaded.save(tmp_path / "second.keras")
    first, second = (read(tmp_path / f"{name}.keras") for name in ("first", "second"))
    assert first[0]["config"] == second[0]["config"]
    assert first[1].keys() == second[1].keys()


def same_after_loading(model, folder):
    """Save and load a model: weights, types and names are the same."""
    path = folder / "first.keras"
    model.save(path)
    before = path.read_bytes()
    model.save(path)
    assert path.read_bytes() == before
    loaded = lstmcore.load_model(path)
    ours, its = list(model.named_params()), list(loaded.named_params())
    assert [name for name, *_ in ours] == [name for name, *_ in its]
    for (_, a, _), (_, b, _) in zip(ours, its, strict=True):
        assert a.value.dtype == b.value.dtype
        assert np.array_equal(a.value, b.value)
    model.save_weights(folder / "m.weights.h5")
    for param in loaded.weights:
        param.assign(np.zeros(param.shape))
    loaded.load_weights(folder / "m.weights.h5")
    for a, b in zip(model.get_weights(), loaded.get_weights(), strict=True):
        assert np.array_equal(a, b)
    return loaded


def training_data():
    rng = np.random.default_rng(5)
    return rng.normal(size=(6, 3)).astype(np.float32), rng.normal(size=(6, 2)).astype(np.float32)


@pytest.mark.parametrize("name", written_models.OPTIMIZERS)
@pytest.mark.parametrize("whole", [True, False], ids=["model", "weights"])
def test_training_goes_on_exactly(name, whole, tmp_path):
    model = written_models.small(lstmcore)
    optimizer = getattr(lstmcore.optimizers, name)(**written_models.OPTIMIZERS[name])
    model.compile(optimizer, "mse")
    x, y = training_data()
    for _ in range(3):
        model.train_on_batch(x, y)
    if whole:
        model.save(tmp_path / "m.keras")
        loaded = lstmcore.load_model(tmp_path / "m.keras")
    else:
        model.save_weights(tmp_path / "m.weights.h5")
        loaded = written_models.small(lstmcore)
        loaded.compile(type(optimizer)(**written_models.OPTIMIZERS[name]), "mse")
        loaded.load_weights(tmp_path / "m.weights.h5")
    assert loaded.optimizer.iterations == model.optimizer.iterations
    for _ in range(2):
        assert loaded.train_on_batch(x, y) == model.train_on_batch(x, y)
    for a, b in zip(model.get_weights(), loaded.get_weights(), strict=True):
        assert np.array_equal(a, b)


def of(layer, shape=(5, 3)):
    x = Input(shape)
    y = layer(x)
    return Model(x, y)


class Own(layers.Dense):
    """A user's layer."""


REFUSED = {
    "variant": (lambda: of(layers.LSTM(4, variant="CIFG")), "layer 'lstm' (LSTM): variant: "),
    "peephole": (lambda: of(layers.LSTM(4, peephole=True)), "layer 'lstm' (LSTM): peephole: "),
    "cell_clip": (lambda: of(layers.LSTM(4, cell_clip=3.0)), "layer 'lstm' (LSTM): cell_clip: "),
    "projection": (lambda: of(layers.LSTM(4, projection=3)), "layer 'lstm' (LSTM): projection: "),
    "layer_norm": (lambda: of(layers.LSTM(4, layer_norm=True)), "layer 'lstm' (LSTM): layer_norm"),
    "output_activation": (
        lambda: of(layers.LSTM(4, output_activation="relu")),
        "layer 'lstm' (LSTM): output_activation: ",
    ),
    "zoneout_h": (lambda: of(layers.GRU(4, zoneout_h=0.1)), "layer 'gru' (GRU): zoneout_h: "),
    "zoneout_c": (lambda: of(layers.LSTM(4, zoneout_c=0.1)), "layer 'lstm' (LSTM): zoneout_c: "),
    "weight_dropout": (
        lambda: of(layers.SimpleRNN(4, weight_dropout=0.1)),
        "layer 'simple_rnn' (SimpleRNN): weight_dropout: ",
    ),
    "input_noise": (lambda: of(layers.GRU(4, input_noise=0.1)), "layer 'gru' (GRU): input_noise: "),
    "unit_forget_bias": (
        lambda: of(layers.LSTM(4, unit_forget_bias=2.0)),
        "layer 'lstm' (LSTM): unit_forget_bias: expected True or False",
    ),
    "hard_sigmoid": (
        lambda: of(layers.GRU(4, recurrent_activation=activations.HardSigmoid(0.2, 0.5))),
        "layer 'gru' (GRU): recurrent_activation: expected an activation that Keras has",
    ),
    "inner": (
        lambda: of(layers.Bidirectional(layers.RNN(layers.LSTMCell(3, variant="NP")))),
        "(LSTMCell): variant: ",
    ),
    "masked steps": (
        lambda: of(layers.Bidirectional(layers.GRU(3), zero_output_for_mask=False)),
        "layer 'bidirectional' (Bidirectional): zero_output_for_mask: ",
    ),
    "tf_idf": (
        lambda: of(
            layers.IntegerLookup(vocabulary=[1, 2], output_mode="tf_idf", idf_weights=[1, 2])
        ),
        "layer 'integer_lookup' (IntegerLookup): output_mode: ",
    ),
    "use_mask": (
        lambda: of(layers.Conv1D(3, 2, use_mask=True)),
        "layer 'conv1d' (Conv1D): use_mask: ",
    ),
    "class": (lambda: of(layers.CRF(3)), "layer 'crf' (CRF): class: expected a layer that Keras"),
    "own class": (lambda: of(Own(3)), "layer 'own' (Own): class: expected a layer that Keras has"),
    "function": (
        lambda: of(layers.Dense(3, kernel_initializer=lambda shape, dtype: np.ones(shape))),
        "layer 'dense' (Dense): kernel_initializer: ",
    ),
    "lambda": (
        lambda: of(layers.Lambda(lambda x: x)),
        "'lambda' (Lambda): class: expected a layer",
    ),
    "op": (lambda: of(lambda x: ops.diff(x, axis=1)), "op: expected an op that Keras can record"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_keras_has_not_is_refused_by_name(name, tmp_path):
    clear_session()
    make, message = REFUSED[name]
    model = make()
    with pytest.raises(ValueError, match=re.escape(message)):
        model.save(tmp_path / "m.keras")
    assert list(tmp_path.iterdir()) == []


def test_a_mask_that_keras_leaves_in_the_order_of_the_input_is_refused(tmp_path):
    turned = layers.LSTM(3, return_sequences=True, go_backwards=True)
    same_after_loading(Sequential([Input((5, 3)), turned]), tmp_path)  # there is no mask
    masked = Sequential([Input((5, 3)), layers.Masking(), turned])
    with pytest.raises(ValueError, match=r"\(LSTM\): reverse_mask: expected False, as Keras"):
        masked.save(tmp_path / "m.keras")
    turned.reverse_mask = False
    same_after_loading(masked, tmp_path)
    both = layers.Bidirectional(layers.LSTM(3, return_sequences=True))
    same_after_loading(Sequential([Input((5, 3)), layers.Masking(), both]), tmp_path)


def test_a_name_that_keras_gives_an_op_of_masks_is_not_written(tmp_path):
    x = Input((5, 3))
    for inside, name in ((layers.Masking()(x), "concatenate_layer"), (x, "concatenate")):
        steps = layers.LSTM(2, return_sequences=True)(inside)
        both = layers.Concatenate(name="concatenate")([inside, steps])
        Model(x, layers.GRU(2)(both)).save(tmp_path / "m.keras")
        config, *_ = read(tmp_path / "m.keras")
        assert name in [entry["name"] for entry in config["config"]["layers"]]
        lstmcore.load_model(tmp_path / "m.keras").get_layer(name)


def test_masked_steps_that_keras_counts_are_refused(tmp_path):
    last = Sequential([Input((5, 3)), layers.Masking(), layers.GRU(2, zero_output_for_mask=True)])
    with pytest.raises(ValueError, match=r"\(GRU\): zero_output_for_mask: expected False"):
        last.save(tmp_path / "m.keras")
    parts = [layers.Masking(), layers.GroupNormalization(1), layers.LSTM(2)]
    with pytest.raises(ValueError, match=r"\(GroupNormalization\): mask: expected none"):
        Sequential([Input((5, 3)), *parts]).save(tmp_path / "m.keras")
    same_after_loading(Sequential([Input((5, 3)), *parts[1:]]), tmp_path)


def test_arguments_without_an_effect_are_left_out(tmp_path):
    layer = layers.LSTM(4, peephole=False, cell_clip=None, zoneout_h=0.0)
    same_after_loading(of(layer), tmp_path)
    config, *_ = read(tmp_path / "first.keras")
    assert not {"peephole", "variant", "zoneout_h"} & config["config"]["layers"][1]["config"].keys()


def own_loss(y, y_pred):
    return ops.mean(ops.square(y - y_pred), axis=-1)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"loss": losses.GaussianNLL()}, "compile: loss: expected a loss that Keras has, got Gau"),
        ({"loss": own_loss}, "compile: loss: expected a loss that Keras has, got 'own_loss'"),
        ({"loss": "mse", "metrics": ["perplexity"]}, "compile: metrics: expected a metric that"),
    ],
    ids=["class", "function", "metric"],
)
def test_what_keras_cannot_compile_is_refused(given, message, tmp_path):
    model = of(layers.Dense(2), (3,))
    model.compile("sgd", **given)
    with pytest.raises(ValueError, match=re.escape(message)):
        model.save(tmp_path / "m.keras")
    model.save_weights(tmp_path / "m.weights.h5")
    model.compile("sgd")  # as the message says
    model.save(tmp_path / "m.keras")
    assert lstmcore.load_model(tmp_path / "m.keras").optimizer is not None


def test_an_optimizer_without_a_place_warns_and_leaves_the_weights(tmp_path):
    model = written_models.small(lstmcore)
    model.compile(lstmcore.optimizers.Adafactor(), "mse")
    model.train_on_batch(*training_data())
    with pytest.raises(ValueError, match="no place for its state in Keras's files"):
        model.save(tmp_path / "m.keras")
    with pytest.warns(UserWarning, match="the weights alone are written"):
        model.save_weights(tmp_path / "m.weights.h5")
    loaded = written_models.small(lstmcore)
    loaded.load_weights(tmp_path / "m.weights.h5")
    assert np.array_equal(model.get_weights()[0], loaded.get_weights()[0])


def test_a_sequential_that_keras_cannot_have_is_a_graph(tmp_path):
    shared = layers.Dense(3)
    twice = Sequential([Input((3,)), shared, layers.Dense(3), shared])
    ends_with_states = Sequential([Input((5, 3)), layers.LSTM(2, return_state=True)])
    for model, shape in ((twice, (2, 3)), (ends_with_states, (2, 5, 3))):
        x = np.linspace(-1, 1, int(np.prod(shape))).reshape(shape).astype(np.float32)
        model.save(tmp_path / "m.keras")
        assert read(tmp_path / "m.keras")[0]["class_name"] == "Functional"
        loaded = lstmcore.load_model(tmp_path / "m.keras")
        pairs = zip(flatten(model.predict(x)), flatten(loaded.predict(x)), strict=True)
        assert all(np.array_equal(a, b) for a, b in pairs)


def test_checkpoints_and_functions_write_them(tmp_path):
    x, y = training_data()
    model = of(layers.Dense(2), (3,))
    model.compile("adam", "mse")
    keeps = [
        ModelCheckpoint(tmp_path / "best.keras", monitor="loss"),
        ModelCheckpoint(tmp_path / "w.weights.h5", save_weights_only=True),
    ]
    model.fit(x, y, epochs=2, verbose=0, callbacks=keeps)
    lstmcore.models.save_model(model, tmp_path / "m.keras")
    for name in ("best.keras", "m.keras"):
        loaded = lstmcore.load_model(tmp_path / name)
        assert np.array_equal(loaded.predict(x), model.predict(x))
        assert loaded.optimizer.iterations == 2
    other = of(layers.Dense(2), (3,))
    other.load_weights(tmp_path / "w.weights.h5")
    assert np.array_equal(other.predict(x), model.predict(x))


def test_another_optimizer_keeps_its_own_state(tmp_path):
    model = of(layers.Dense(2), (3,))
    model.compile("adam", "mse")
    model.train_on_batch(*training_data())
    model.save_weights(tmp_path / "m.weights.h5")
    other = of(layers.Dense(2), (3,))
    other.compile("sgd", "mse")
    other.load_weights(tmp_path / "m.weights.h5")
    assert other.optimizer.iterations == 0
    with h5py.File(tmp_path / "m.weights.h5", "r+") as file:
        del file["optimizer/vars/5"]
    other.compile("adam", "mse")
    with pytest.warns(UserWarning, match="its state: expected 6 arrays, got 5"):
        other.load_weights(tmp_path / "m.weights.h5")


def test_h5py_is_asked_for_by_its_extra(tmp_path, monkeypatch):
    model = of(layers.Dense(2), (3,))
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(ImportError, match=r"pip install 'lstmcore\[keras\]'"):
        model.save(tmp_path / "m.keras")
    assert list(tmp_path.iterdir()) == []


NOT_KERAS = {"AxesModel", "CRF", "TextModel", "MUT1Cell", "MUT2Cell", "MUT3Cell"}


def has_option_of_ours(layer):
    """True if the layer, or one inside it, has an option in the zoo that Keras has not."""
    own = ("peephole", "output_activation", "zoneout_h", "projection", "layer_norm")
    masked = getattr(layer, "use_mask", False) and type(layer) is not layers.GlobalAveragePooling1D
    here = masked or getattr(layer, "variant", "vanilla") != "vanilla"
    carried = isinstance(layer, layers.Bidirectional) and not layer.zero_output_for_mask
    inside = any(has_option_of_ours(part) for part in layer.sublayers())
    return here or carried or inside or any(getattr(layer, name, None) for name in own)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:layer .*SpectralNormalization")  # differs from Keras
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", [n for n, entries in layer_zoo.ZOO.items() if entries])
def test_every_layer_comes_back_or_is_refused(name, dtype, tmp_path):
    for one in layer_zoo.ZOO[name]:
        layer = one.make(dtype=dtype)
        kind = "int64" if one.below else dtype
        inputs = [Input(shape, dtype=kind) for shape in one.shapes]
        if isinstance(layer, layers.InputLayer):
            continue
        y = layer(inputs if len(inputs) > 1 else inputs[0])
        model = Model(inputs, list(y) if isinstance(y, tuple) else y)
        model.set_weights([w + np.float32(0.25) for w in model.get_weights()])
        if name in NOT_KERAS or has_option_of_ours(layer):
            with pytest.raises(ValueError, match=r"(layer|model) '.*' \(\w+\): .*expected"):
                model.save(tmp_path / "m.keras")
            continue
        loaded = same_after_loading(model, tmp_path)
        x = one.inputs(dtype)
        pairs = zip(flatten(model.predict(x)), flatten(loaded.predict(x)), strict=True)
        assert all(np.array_equal(a, b, equal_nan=True) for a, b in pairs)
