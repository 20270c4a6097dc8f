"""`Model.quantize`, `dequantize`, and what a quantized model does and refuses."""

import copy
import pickle

import numpy as np
import pytest
from quantized_models import MODELS, SERIES, TOKENS, left_alone, streamed, tokens

from lstmcore import GradientTape, Input, Model, Sequential, _core, layers, load_model, ops
from lstmcore.models import clone_model
from lstmcore.quantization.quantize import all_layers, storages, weight_bytes
from lstmcore.quantization.storage import FORMATS, Product
from lstmcore.saving.stored_weights import rounded_floats
from lstmcore.utils import set_random_seed

ITEM = {"int8": 1, "bfloat16": 2, "float16": 2}


def made(name):
    """A model with the same weights every time, and its inputs."""
    set_random_seed(1)
    make, x = MODELS[name]
    return make(), x


def rounded(model):
    with pytest.warns(UserWarning, match="as float32, rounded to"):
        return rounded_floats(model, "test", "the copy")


@pytest.mark.parametrize("mode", FORMATS)
@pytest.mark.parametrize("name", MODELS)
def test_outputs_are_those_of_rounded_weights(name, mode, widened):
    model, x = made(name)
    before = model.predict(x)
    report = model.quantize(mode, sample=x, verbose=0)
    after = model.predict(x)
    expected = rounded(model).predict(x)
    # the same products of the same numbers; of int8 the scale comes after the sum
    np.testing.assert_allclose(after, expected, rtol=0, atol=3e-6 * np.abs(expected).max())
    apart = np.abs(np.float64(before) - after)
    assert apart.max() > 3e-5 * np.abs(expected).max()
    assert report.largest_change == apart.max()
    assert report.mean_change == pytest.approx(apart.mean())
    assert report.mean_size == pytest.approx(np.abs(before).mean())


@pytest.mark.parametrize("mode", FORMATS)
@pytest.mark.parametrize("name", MODELS)
def test_every_layer_takes_part(name, mode):
    model = MODELS[name][0]()
    report = model.quantize(mode, verbose=0)
    assert not report.left_alone
    assert all(layer.storage == mode for _, layer in all_layers(model) if layer._params)
    floats = ("bias", "peephole_kernel", "norm_gain", "state_norm")
    kept = [p for p in model.weights if p.name in floats]
    stored = sum(p.size for p in model.weights) - sum(p.size for p in kept)
    columns = sum(
        np.prod(product.scale_shape())
        for _, layer in all_layers(model)
        for product in layer.stored_products()
    )
    assert report.bytes_before == 4 * model.count_params()
    scales = 4 * columns if mode == "int8" else 0
    assert report.bytes_after == ITEM[mode] * stored + 4 * sum(p.size for p in kept) + scales
    assert report.bytes_after == sum(weight_bytes(model).values())


@pytest.mark.parametrize("name", MODELS)
def test_dequantize_gives_the_bits_back(name):
    model, x = made(name)
    before = model.predict(x)
    for mode in FORMATS:
        model.quantize(mode, verbose=0)
        once = model.predict(x)
        model.quantize(mode, verbose=0)
        assert np.array_equal(model.predict(x), once)
    model.dequantize()
    assert np.array_equal(model.predict(x), before)
    assert not storages(model)


def test_the_report_is_printed_and_returned(capsys):
    model = tokens()
    report = model.quantize("int8", sample=TOKENS)
    printed = capsys.readouterr().out
    assert printed == f"{report}\n"
    assert f"{report.bytes_before:,} bytes of float32 weights are {report.bytes_after:,}" in printed
    assert (
        "stored as int8: embedding, both/forward_lstm, both/backward_lstm, steps/step, " in printed
    )
    products = ", which rounds" if report.dot_product else "products: weights are widened"
    assert products in printed
    assert "largest change" in printed
    assert "largest change" not in str(model.quantize("int8", verbose=0))
    assert not capsys.readouterr().out


def test_a_report_says_how_products_are_made(widened):
    report = tokens().quantize("int8", verbose=0)
    assert report.dot_product is None
    assert "products: weights are widened to float32 on load" in str(report)
    for name in _core.dot_products("int8"):
        _core.set_dot_product(name)
        report = tokens().quantize("int8", verbose=0)
        assert report.dot_product == (None if name == "none" else name)
        assert (f"dot product ({name}), which rounds what" in str(report)) == (name != "none")


@pytest.mark.parametrize("mode", ["bfloat16", "int8"])
def test_outputs_of_dot_products_are_near(mode, widened):
    set_random_seed(1)  # eight layers, each of which rounds to 1/254 of a row's largest number
    model = streamed()
    model.quantize(mode, verbose=0)
    y = model.predict(SERIES)
    for name in _core.dot_products(mode)[1:]:
        _core.set_dot_product(name)
        other = copy.copy(model)
        near = other.predict(SERIES)
        assert not np.array_equal(near, y)
        np.testing.assert_allclose(near, y, rtol=0, atol=0.1 * np.abs(y).max())
        assert other.layers[0].kernel_info()["dot_product"] == name
        assert np.array_equal(other.stream(5).feed(SERIES), near)


def test_a_report_compares_with_float32():
    model, other = tokens(), tokens()
    other.set_weights(model.get_weights())
    model.quantize("int8", verbose=0)
    again = model.quantize("bfloat16", sample=TOKENS, verbose=0)
    assert again == other.quantize("bfloat16", sample=TOKENS, verbose=0)


def test_layers_left_alone_and_why():
    model = left_alone()
    report = model.quantize("int8", verbose=0)
    others = "only products of dense and recurrent layers and embeddings are stored in fewer bytes"
    assert report.quantized == ["dense"]
    assert report.left_alone == {
        "conv": others,
        "norm": others,
        "in_numpy": "it runs in NumPy: no kernel has activation='gelu'",
        "rnn/cell": "its cell runs in NumPy, step by step",
        "spectral": "its weights are divided by their spectral norm in every call",
        "spectral/inner": "its weights are divided by their spectral norm in every call",
        "doubled": "Doubled computes its output itself",
    }
    assert "left alone: doubled: Doubled computes its output itself" in str(report)


def test_weights_that_no_format_has():
    model = Sequential([Input((2,)), layers.Dense(2, name="one"), layers.Dense(2, name="two")])
    weights = model.get_weights()
    weights[0][0, 1] = 65520
    model.set_weights(weights)
    why = model.quantize("float16", verbose=0).left_alone
    assert why == {"one": "kernel has numbers beyond 65,504, the largest of float16"}
    assert not model.quantize("bfloat16", verbose=0).left_alone
    weights[0][0, 1] = np.nan
    model.set_weights(weights)
    for mode in FORMATS:
        why = model.quantize(mode, verbose=0).left_alone
        assert why == {"one": "kernel has NaN or infinities"}


@pytest.mark.parametrize(
    ("filters", "taken"),
    [
        ("lstm", ["both/forward_lstm", "both/backward_lstm"]),
        (["^gru$", "^embedding$"], ["embedding", "gru"]),
        ("^both/forward", ["both/forward_lstm"]),
        (lambda layer: layer.name == "dense", ["dense"]),
    ],
)
def test_filters(filters, taken):
    model = tokens()
    report = model.quantize("int8", filters=filters, verbose=0)
    assert report.quantized == taken == list(storages(model))
    assert set(report.left_alone.values()) == {"filters leave it out"}
    model.quantize("bfloat16", filters=lambda layer: layer.storage is None, verbose=0)
    assert set(storages(model).values()) == {"int8", "bfloat16"}
    assert all(storages(model)[path] == "int8" for path in taken)


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        (
            {"mode": "int4"},
            ValueError,
            "mode: expected 'float16' or 'bfloat16' or 'int8', got 'int4'",
        ),
        ({"mode": None}, ValueError, "mode: expected .* got None"),
        ({"mode": "int8", "config": 3}, ValueError, "config: expected None, for each mode"),
        ({"mode": "int8", "filters": 3}, TypeError, "filters: expected a regular expression, a"),
        ({"mode": "int8", "filters": "nix"}, ValueError, "got none: embedding: filters leave it"),
        ({"mode": "int8", "sample": TOKENS + 30}, ValueError, "'embedding' .*: x: expected whole"),
        ({"mode": "int8", "filter": "x"}, TypeError, "quantize has no argument 'filter': did you"),
    ],
)
def test_bad_arguments_change_nothing(options, error, match):
    model = tokens()
    model.quantize("float16", verbose=0)
    before = storages(model)
    with pytest.raises(error, match=match):
        model.quantize(**options)
    assert storages(model) == before


def test_models_that_cannot_be_quantized():
    with pytest.raises(ValueError, match="model 'm' has no weights yet: give it an Input"):
        Sequential([layers.Dense(2)], name="m").quantize("int8")
    double = Sequential([Input((2,)), layers.Dense(2, dtype="float64")], name="m")
    with pytest.raises(ValueError, match="'m': dtype: expected float32, got float64, which is"):
        double.quantize("int8")
    with pytest.raises(ValueError, match="to store as int8, got none: there are no weights"):
        Sequential([Input((2,)), layers.Identity()]).quantize("int8")
    with pytest.raises(AttributeError, match=r"write model\.quantize\(mode, filters=layer\.name\)"):
        layers.Dense(2).quantize("int8")


def test_training_is_refused_and_goes_on_after_dequantize():
    model, other = streamed(), streamed()
    other.set_weights(model.get_weights())
    y = SERIES[..., :1].repeat(5, axis=2)
    for one in (model, other):
        one.compile("adam", "mse")
        one.fit(SERIES, y, shuffle=False, verbose=0)
    model.quantize("int8", filters="fgr", verbose=0)
    message = "expected float32 weights, got 'fgr' stored as int8 for inference: model.dequantize"
    for method in ("fit", "train_on_batch"):
        with pytest.raises(ValueError, match=f"{method}: model 'streamed': {message}"):
            getattr(model, method)(SERIES, y)
    with pytest.raises(ValueError, match=f"train_step: model 'streamed': {message}"):
        model.train_step((SERIES, y))
    assert model.evaluate(SERIES, y, verbose=0) > 0
    model.dequantize()
    for one in (model, other):
        one.fit(SERIES, y, shuffle=False, verbose=0)
    assert all(map(np.array_equal, model.get_weights(), other.get_weights()))


@pytest.mark.parametrize("name", MODELS)
def test_every_quantized_layer_refuses_a_backward_function(name):
    model, x = made(name)
    for path in list(storages_after(model)):
        model.dequantize()
        model.quantize("bfloat16", filters=f"^{path}$", verbose=0)
        own = path.rpartition("/")[2]
        with pytest.raises(ValueError, match=f"layer '{own}' .*: training: expected float32 w"):
            model(x, training=True)


def storages_after(model):
    model.quantize("int8", verbose=0)
    return storages(model)


@pytest.mark.parametrize("mode", FORMATS)
def test_set_weights_quantizes_the_new_ones(mode):
    model, other = tokens(), tokens()
    model.quantize(mode, verbose=0)
    other.quantize(mode, verbose=0)
    model.predict(TOKENS)
    truth = other.get_weights()
    model.set_weights(truth)
    assert np.array_equal(model.predict(TOKENS), other.predict(TOKENS))
    assert all(map(np.array_equal, model.get_weights(), truth))
    model.layers[-1].kernel.assign_add(1)
    assert not np.array_equal(model.predict(TOKENS), other.predict(TOKENS))


@pytest.mark.parametrize("mode", FORMATS)
def test_copies_and_clones(mode):
    model = tokens()
    floats = model.predict(TOKENS)
    model.quantize(mode, filters="both|gru", verbose=0)
    y = model.predict(TOKENS)
    for other in (copy.copy(model), copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert storages(other) == storages(model)
        assert np.array_equal(other.predict(TOKENS), y)
        other.dequantize()
        assert np.array_equal(other.predict(TOKENS), floats)
    inner = copy.copy(model.get_layer("both"))
    assert list(storages(inner).values()) == [mode, mode]
    clone = clone_model(model)
    assert not storages(clone)
    assert clone.get_config() == model.get_config()


@pytest.mark.parametrize("mode", FORMATS)
def test_a_stream_is_predict(mode):
    model = streamed()
    floats = model.stream(5)
    before = model.predict(SERIES)
    model.quantize(mode, verbose=0)
    after = model.predict(SERIES)
    stream = model.stream(5)
    assert np.array_equal(np.stack([stream.step(x) for x in SERIES.swapaxes(0, 1)], 1), after)
    assert not np.array_equal(after, before)
    assert np.array_equal(floats.feed(SERIES), before)  # its weights are those of then
    stream = model.stream(5)
    model.dequantize()
    parts = [stream.feed(SERIES[:, :3]), stream.feed(SERIES[:, 3:])]
    assert np.array_equal(np.concatenate(parts, 1), after)
    assert np.array_equal(model.stream(5).feed(SERIES), before)


@pytest.mark.parametrize("mode", FORMATS)
def test_a_stream_of_tokens_is_predict(mode):
    model = Sequential([Input((None,)), layers.Embedding(30, 8), layers.LSTM(8), layers.Dense(30)])
    model.quantize(mode, verbose=0)
    stream = model.stream()
    assert np.array_equal(stream.read(TOKENS[0]), model.predict(TOKENS[:1])[0])


@pytest.mark.parametrize("mode", FORMATS)
def test_rows_and_batches_do_not_change_a_bit(mode):
    model = tokens()
    model.quantize(mode, verbose=0)
    y = model.predict(TOKENS)
    assert np.array_equal(model.predict(TOKENS, batch_size=2), y)
    assert np.array_equal(model.predict(TOKENS[3:4]), y[3:4])


@pytest.mark.parametrize("mode", FORMATS)
def test_a_trace_is_of_the_rounded_weights(mode):
    model = streamed()
    model.quantize(mode, verbose=0)
    layer = model.layers[0]
    other = layers.LSTM(8, return_sequences=True)
    other.build(SERIES.shape)
    product = Product((layer.kernel, layer.recurrent_kernel))
    values = product.round(layer.get_weights()[:2], mode)
    other.set_weights([*values, layer.bias.value])
    assert np.array_equal(layer.trace(SERIES).output, other.trace(SERIES).output)


class Twice(Model):
    """A model with a `call`, which has a model and a shared layer inside."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.inner = Sequential([Input((None, 3)), layers.GRU(6, name="gru")], name="inner")
        self.shared = layers.Dense(6, name="shared")
        self.own = self.add_weight((6,), "ones", name="own")

    def call(self, x):
        return self.shared(self.shared(self.inner(x))) * self.own


def test_a_model_with_a_call_of_its_own(tmp_path):
    model = Twice(name="twice")
    before = model.predict(SERIES)
    report = model.quantize("int8", sample=SERIES, verbose=0)
    assert report.quantized == ["inner/gru", "shared"]
    assert report.left_alone == {"twice": "Twice computes its output itself"}
    after = model.predict(SERIES)
    assert np.abs(after - before).max() == np.float32(report.largest_change) > 0
    assert storages(copy.deepcopy(model)) == storages(model)
    model.save(tmp_path / "m.safetensors")
    other = load_model(tmp_path / "m.safetensors", custom_objects={"Twice": Twice})
    assert np.array_equal(other.predict(SERIES), after)
    with (
        GradientTape() as tape,
        pytest.raises(ValueError, match=r"layer 'gru' .*: training: expec"),
    ):
        tape.gradient(ops.sum(model(SERIES)), model.trainable_weights)
    model.dequantize()
    assert np.array_equal(model.predict(SERIES), before)


def test_a_stateful_model_keeps_its_states():
    model = Sequential([Input((None, 3), batch_size=5), layers.LSTM(4, stateful=True)])
    model.predict(SERIES, batch_size=5)
    before = model.layers[0].states
    model.quantize("int8", sample=SERIES, verbose=0)
    assert all(map(np.array_equal, model.layers[0].states, before))


def test_summary_says_what_is_stored():
    model = tokens()
    lines = []
    model.quantize("int8", filters="both|dense", verbose=0)
    model.summary(print_fn=lines.append)
    assert any(line.startswith(" both (Bidirectional, int8) ") for line in lines)
    assert any(line.startswith(" gru (GRU) ") for line in lines)
    size = sum(weight_bytes(model).values())
    assert f" Total params: {model.count_params():,} ({size / 1024:.2f} KB)" in lines
