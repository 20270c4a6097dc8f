"""Every layer as an ONNX graph: it computes what `predict` does, or it is refused by name."""

import json
import sys
import zlib

import numpy as np
import onnx
import pytest
from formulas import listed
from layer_zoo import ZOO
from onnx_exports import checked, exported, refused_by_name, same

from lstmcore import Input, Model, Sequential, layers, text
from lstmcore.interchange.onnx.exporting import export_model, model_bytes
from lstmcore.interchange.onnx.exporting.table import EXPORTS
from lstmcore.models import Model as AnyModel
from lstmcore.models.texts import TextReader
from lstmcore.names import is_builtin
from lstmcore.onnx import Runner
from lstmcore.utils import set_random_seed

# What no graph of standard operators says, by class; others by their options.
NEVER = {"CRF", "Hashing", "HashedCrossing", "ConvLSTM1D", "MelSpectrogram", "STFTSpectrogram"}
ARGUMENTS = (292, 1621844406)  # their number, and the sum of their names
MUTATIONS = {"MUT1Cell", "MUT2Cell", "MUT3Cell"}
SIZED = {"EinsumDense-2", "Reshape-0"}  # graphs of these need the number of steps
CASES = [(name, i) for name, ones in ZOO.items() for i in range(len(ones)) if name != "InputLayer"]
FIRST = [case for case in CASES if case[1] == 0]


def refused_option(layer):
    """The option that the error names; None for a layer that is exported."""
    if type(layer).__name__ in NEVER:
        return "class"
    cell = getattr(layer, "cell", layer)
    if type(cell).__name__ in MUTATIONS:
        return "cell"
    if not isinstance(layer, layers.LSTM | layers.GRU | layers.SimpleRNN):
        return None
    names = ("recurrent_activation", "activation", "output_activation")
    functions = {name: getattr(layer, name, None) for name in names}
    without = (n for n, f in functions.items() if f is not None and f.__name__ in ("silu", "gelu"))
    return next(without, None)


def model_of(one, free):
    """A model of one layer, with steps of any number or as many as the zoo says."""
    set_random_seed(1)
    arrays = one.inputs("float32")
    shapes = [(None, *x.shape[2:]) if free and x.ndim > 2 else x.shape[1:] for x in arrays]
    pairs = zip(shapes, arrays, strict=True)
    inputs = [Input(shape, dtype=str(x.dtype)) for shape, x in pairs]
    alone = len(inputs) == 1
    model = Model(inputs[0] if alone else inputs, one.make()(inputs[0] if alone else inputs))
    for k, param in enumerate(model.weights):  # none of them 0 or 1
        value = param.numpy() + 0.3 * np.sin(np.arange(param.value.size) + k).reshape(param.shape)
        param.assign(np.abs(value) + 0.3 if "variance" in param.name else value)
    return model


def with_any_steps(name, i):
    """A model of one layer, free in its steps if the layer can be, and whether it is."""
    one = ZOO[name][i]
    try:
        if f"{name}-{i}" in SIZED:
            return model_of(one, False), False
        return model_of(one, True), any(len(shape) > 1 for shape in one.shapes)
    except ValueError:  # the layer has to know its sizes
        return model_of(one, False), False


def check(name, i, batch=3, steps=None, **options):
    one = ZOO[name][i]
    model, free = with_any_steps(name, i)
    layer = model.layers[-1]
    option = refused_option(layer)
    if option is not None:
        refused_by_name(model, layer, option, **options)
        return
    arrays = one.inputs("float32", batch)
    if free and steps:
        shapes = ((steps, *x.shape[2:]) if x.ndim > 2 else x.shape[1:] for x in arrays)
        arrays = type(one)(one.make, tuple(shapes), one.below).inputs("float32", batch)
    try:
        wanted = model.predict(arrays if len(arrays) > 1 else arrays[0], verbose=0)
    except ValueError:
        assert steps  # the layer takes no others
        return
    same(exported(model, **options).run(arrays), listed(wanted))


@pytest.mark.parametrize(("name", "i"), FIRST)
def test_layers(name, i):
    check(name, i)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("batch", "steps", "opset"),
    [(1, 5, 17), (3, 8, 18), (2, 2, onnx.defs.onnx_opset_version() - 3)],
)
@pytest.mark.parametrize(("name", "i"), CASES)
def test_layers_at_all_sizes(name, i, batch, steps, opset):
    check(name, i, batch, steps, opset=opset)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*its input has a mask, which is dropped here")
@pytest.mark.parametrize("padding", ["any", "trailing"])
@pytest.mark.parametrize(("name", "i"), CASES)
def test_layers_with_lengths(name, i, padding):
    one = ZOO[name][i]
    model, free = with_any_steps(name, i)
    if refused_option(model.layers[-1]) is not None or not free:
        return
    arrays, lengths = one.inputs("float32", 4), np.array([5, 2, 4, 3])
    timed = [x for x in arrays if x.ndim > 2]
    if any(x.shape[1] != 5 for x in timed):  # attention of sequences of unlike lengths
        lengths = np.minimum(lengths, min(x.shape[1] for x in timed))
    masks = [np.arange(x.shape[1]) < lengths[:, None] for x in arrays]
    alone = len(arrays) == 1
    y = model.run(arrays[0] if alone else arrays, False, masks[0] if alone else masks)[0]
    graph = exported(model, lengths=True, padding=padding)
    same(graph.run([*arrays, *[lengths] * len(timed)]), listed(y))


def test_every_layer_is_exported_or_refused():
    """The table and the list of what is refused are all layers; cells run in RNN."""
    known = {cls for cls in layers.registry.classes() if is_builtin(cls)}
    models = {cls for cls in known if issubclass(cls, AnyModel)}
    cells = {"LSTMCell", "GRUCell", "SimpleRNNCell", "StackedRNNCells"}
    of_texts = {"StringLookup", "TextVectorization", "TextReader"}  # the last is imported late
    rest = {cls.__name__ for cls in known - models - set(EXPORTS)}
    assert rest | {"TextReader"} == cells | MUTATIONS | NEVER | of_texts | {"Lambda"}


def test_no_argument_is_overlooked():
    """A new argument of a layer is thought of in its export, and then counted here."""
    parts = ("initializer", "regularizer", "constraint")  # what training alone needs
    found = sorted(
        f"{cls.__name__}.{name}"
        for cls in EXPORTS
        for name in set(cls.arguments) - set(layers.Layer.arguments)
        if not name.endswith(parts)
    )
    assert (len(found), zlib.crc32(" ".join(found).encode())) == ARGUMENTS, found


# -- the file --------------------------------------------------------------------------------------


def small(**kwargs):
    set_random_seed(2)
    h = layers.LSTM(4, name="h", **kwargs)
    return Sequential([Input((None, 3)), h, layers.Dense(2, "softmax", name="y")])


def test_the_file_is_the_same_each_time_and_replaces_another(tmp_path):
    model, path = small(), tmp_path / "m.onnx"
    path.write_text("old")
    model.export(path)
    first = path.read_bytes()
    model.export(str(path), format="onnx", opset=17)
    assert path.read_bytes() == first == model_bytes(model)
    assert list(tmp_path.iterdir()) == [path]
    x = np.ones((2, 5, 3), "float32")
    graph = Runner(path)
    same([graph.run({graph.inputs[0].name: x})["y"]], [model.predict(x, verbose=0)])


def test_a_refused_model_leaves_no_file(tmp_path):
    path = tmp_path / "m.onnx"
    path.write_text("old")
    with pytest.raises(ValueError, match=r"layer 'h' \(LSTM\): activation: .*, got .*gelu"):
        small(activation="gelu").export(path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_the_file_says():
    proto = onnx.load_from_string(model_bytes(small(), metadata={"classes": "a b", "b": 1}))
    assert [(o.domain, o.version) for o in proto.opset_import] == [("", 17)]
    assert (proto.ir_version, proto.producer_name) == (8, "lstmcore")
    said = {p.key: p.value for p in proto.metadata_props}
    assert said.pop("lstmcore").startswith('{"model": {"class_name": "Sequential"')
    assert said == {"classes": "a b", "b": "1"}
    dims = [
        [d.dim_param or d.dim_value for d in v.type.tensor_type.shape.dim]
        for v in (*proto.graph.input, *proto.graph.output)
    ]
    assert dims == [["batch", "time", 3], ["batch", 2]]
    assert [n.op_type for n in proto.graph.node].count("LSTM") == 1


def test_models_of_texts_tell_their_words():
    words = layers.TextVectorization(vocabulary=["good", "bad"], ragged=True)
    x = Input((None,))
    y = layers.Dense(2)(layers.LSTM(3)(layers.Embedding(4, 4, mask_zero=True)(x)))
    model = TextReader(x, y, vectorization=words, classes=["no", "yes"])
    proto = onnx.load_from_string(model_bytes(model))
    said = {p.key: p.value for p in proto.metadata_props}
    assert json.loads(said["vocabulary"]) == words.get_vocabulary()
    assert json.loads(said["classes"]) == ["no", "yes"]
    texts = ["good bad good", "bad"]
    rows = np.array([[2, 3, 2], [3, 0, 0]])
    same(exported(model).run([rows]), [model.predict(texts, verbose=0)])
    characters = text.CharacterVocabulary.learn("banana")
    model = text.TextModel([Input((None, 4)), layers.Dense(3)], vocabulary=characters)
    proto = onnx.load_from_string(model_bytes(model))
    said = {p.key: p.value for p in proto.metadata_props}
    assert "CharacterVocabulary" in said["vocabulary"]


def test_newer_opsets_need_newer_files():
    proto = onnx.load_from_string(model_bytes(small(), opset=22))
    assert proto.opset_import[0].version == 22
    assert proto.ir_version == 10
    checked(proto)


def test_weights_are_there_bit_by_bit():
    model = small()
    proto = onnx.load_from_string(model_bytes(model))
    found = {t.name: onnx.numpy_helper.to_array(t) for t in proto.graph.initializer}
    i, f, c, o = np.split(model.get_layer("h").kernel.numpy().T, 4)
    np.testing.assert_array_equal(found["h/W"][0], np.concatenate([i, o, f, c]))
    np.testing.assert_array_equal(found["y/kernel"], model.get_layer("y").kernel.numpy())


def test_doubles():
    set_random_seed(1)
    model = Sequential([Input((None, 3), dtype="float64"), layers.GRU(4), layers.Dense(2)])
    x = np.random.default_rng(0).normal(size=(2, 5, 3))
    (y,) = exported(model).run([x])
    assert y.dtype == np.float64
    np.testing.assert_allclose(y, model.predict(x, verbose=0), rtol=0, atol=1e-12)


def test_time_is_free_where_the_layers_allow_it():
    x = np.random.default_rng(0).normal(size=(2, 9, 3)).astype("float32")
    set_random_seed(1)
    lstm = layers.LSTM(4, return_sequences=True)
    free = Sequential([Input((7, 3)), lstm, layers.GlobalMaxPooling1D()])
    open_ended = Sequential([Input((None, 3)), lstm, layers.GlobalMaxPooling1D()])
    same(exported(free).run([x]), [open_ended.predict(x, verbose=0)])
    fixed = Sequential([Input((7, 3)), lstm, layers.Flatten(), layers.Dense(2)])
    graph = exported(fixed)
    assert graph.runner.inputs[0].shape == ("batch", 7, 3)
    same(graph.run([x[:, :7]]), [fixed.predict(x[:, :7], verbose=0)])


# -- what is refused -------------------------------------------------------------------------------


class Doubled(layers.Dense):
    def forward(self, x, grad=False):
        y, back = super().forward(x, grad)
        return 2 * y, back


def test_changed_classes_are_refused():
    model = Sequential([Input((3,)), Doubled(3, name="own")])
    with pytest.raises(ValueError, match=r"layer 'own' \(Doubled\): class: expected .* Dense is"):
        model_bytes(model)


def test_dropout_that_is_asked_for_is_refused():
    x = Input((3,))
    model = Model(x, layers.Dropout(0.5, name="d")(x, training=True))
    with pytest.raises(ValueError, match=r"layer 'd' \(Dropout\): training: expected None or"):
        model_bytes(model)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"opset": 16}, "opset: expected a whole number from 17 to"),
        ({"opset": True}, "opset: expected"),
        ({"opset": 10**6}, "opset: expected"),
        ({"padding": "left"}, "padding: expected 'any' or 'trailing', got 'left'"),
        ({"lengths": 3}, "lengths: expected True or False, got 3"),
        ({"stateful": "yes"}, "stateful: expected True or False"),
    ],
)
def test_options_are_checked(options, message):
    with pytest.raises(ValueError, match=message):
        model_bytes(small(), **options)


def test_what_is_needed_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match=r"pip install 'lstmcore\[onnx\]'"):
        model_bytes(small())


def test_unknown_options_are_named():
    with pytest.raises(TypeError, match=r"no option 'ops'.* did you mean 'opset'"):
        model_bytes(small(), ops=17)


def test_the_method_of_models(tmp_path):
    with pytest.raises(ValueError, match=r"a name that ends in \.onnx or .*, got 'm.tflite'"):
        small().export(tmp_path / "m.tflite")
    with pytest.raises(ValueError, match=r"format: expected 'onnx' or .*, got 'tf_saved_model'"):
        small().export(tmp_path / "m", format="tf_saved_model")
    with pytest.raises(ValueError, match="input_signature: expected None"):
        small().export(tmp_path / "m.onnx", input_signature=[1])
    with pytest.raises(ValueError, match="has no weights yet"):
        Sequential([layers.Dense(2)]).export(tmp_path / "m.onnx")
    with pytest.raises(FileNotFoundError, match="no folder"):
        export_model(small(), tmp_path / "none" / "m.onnx")
    small().export(tmp_path / "m", format="onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["m"]
