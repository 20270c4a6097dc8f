"""What is true of every layer: `tests/support/layer_zoo.py` has small instances of each."""

import contextlib
import copy
import inspect
import json
import pickle
import re

import numpy as np
import pytest
from formulas import listed, wave
from layer_zoo import BATCH, TEXTS, ZOO

from lstmcore import Input, Model, Sequential, context, layers, load_model, registry
from lstmcore.layers.convolution.window_layer import WindowLayer
from lstmcore.layers.rnn.cell import Cell
from lstmcore.models import Model as AnyModel
from lstmcore.saving.stored_weights import rounded_floats
from lstmcore.utils import set_random_seed

CLASSES = {cls.__name__: cls for cls in layers.registry.classes()}
CASES = [
    pytest.param(one, id=f"{name}-{i}") for name, ones in ZOO.items() for i, one in enumerate(ones)
]


def cases(which):
    """Mark a test for the instances of which this is true."""
    return pytest.mark.parametrize("one", [c for c in CASES if which(c.values[0])])


every_case = cases(lambda one: True)
every_class = pytest.mark.parametrize("cls", CLASSES.values(), ids=CLASSES)
LENGTHS = np.array([5, 2, 4, 3])
REAL = np.arange(5) < LENGTHS[:, None]


def test_every_layer_is_in_the_zoo():
    assert set(ZOO) == set(CLASSES)
    empty = {name for name, ones in ZOO.items() if not ones}
    # the samples of TextReader are texts, too; Lambda is nothing without a function
    assert empty == {*TEXTS, "TextReader", "Lambda"}


# -- running one layer -----------------------------------------------------------------------------


def alone(parts):
    """The one part, or the list of them."""
    return parts[0] if len(parts) == 1 else list(parts)


def made(one, dtype="float32", **kwargs):
    """The layer, built, with weights of its own that are nowhere 0."""
    layer = one.make(dtype=dtype, **kwargs)
    layer.build_for(alone([x.shape for x in one.inputs(dtype)]), dtype)
    layer.materialize()
    for i, param in enumerate(layer.weights):
        value = param.value + wave(param.shape, 1.1 + 0.1 * i)
        param.assign(np.abs(value) + 0.3 if "variance" in param.name else value)
    return layer


def ran(layer, one, dtype="float32", training=False, inputs=None, mask=None):
    """Outputs, the backward function and the mask of the output; the same draws every time."""
    set_random_seed(3)
    inputs = one.inputs(dtype) if inputs is None else inputs
    mask = mask if mask is None or not layer.several_inputs else [mask] * len(inputs)
    y, back, real = layer.run(alone(inputs), training, mask)
    return listed(y), back, real


def gone_back(layer, back, ys):
    """The gradients of the inputs; those of the weights begin at 0."""
    for param in layer.weights:
        param.grad[...] = 0
    dys = [wave(y.shape, 0.37 + 0.05 * i).astype(y.dtype) for i, y in enumerate(ys)]
    return listed(back(tuple(dys) if len(ys) > 1 else dys[0]))


def graph_of(layer, one, dtype):
    """A functional model of the one layer, and its inputs."""
    arrays = one.inputs(dtype)
    inputs = [Input(x.shape[1:], dtype=str(x.dtype)) for x in arrays]
    return Model(inputs, layer(alone(inputs))), arrays


def same(ours, theirs):
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(a, b)


def is_called(one):
    """False for where graphs begin."""
    return not isinstance(one.make(), layers.InputLayer)


def learns(one):
    """Whether it has weights that training changes."""
    return bool(made(one).trainable_weights)


# -- shapes and types ------------------------------------------------------------------------------


@every_case
def test_shapes_and_types(one, dtype):
    dtype = dtype.name
    layer, arrays = made(one, dtype), one.inputs(dtype)
    ys, back, _ = ran(layer, one, dtype)
    assert back is None or isinstance(layer, layers.InputLayer)
    shapes = alone([x.shape for x in arrays])
    wanted = layer.compute_output_shape(shapes)
    if not isinstance(layer, layers.InputLayer):  # which knows its batch from nobody
        assert [y.shape for y in ys] == (list(wanted) if len(ys) > 1 else [wanted])
    assert all(np.isfinite(y).all() for y in ys)
    whole = getattr(layer, "output_mode", None) == "int" or isinstance(layer, layers.Discretization)
    assert whole or {str(y.dtype) for y in ys} == {dtype}
    open_shapes = alone([(None, *x.shape[1:]) for x in arrays])
    opened = layer.compute_output_shape(open_shapes)
    assert [s[0] for s in (opened if len(ys) > 1 else [opened])] == [None] * len(ys)
    assert [s[1:] for s in (opened if len(ys) > 1 else [opened])] == [y.shape[1:] for y in ys]
    if dtype == "float64" and not one.below:
        narrow = made(one, "float32")
        narrow.set_weights(layer.get_weights())
        for y, less in zip(ys, ran(narrow, one)[0], strict=True):
            np.testing.assert_allclose(less, y, rtol=2e-5, atol=2e-5)


def states_a_policy(one):
    """False for inputs, and for graphs, whose layers have their own policies."""
    return is_called(one) and not hasattr(one.make(), "graph")


@cases(states_a_policy)
def test_in_mixed_precision_it_is_near_to_float32(one, with_products):
    plain, mixed = made(one), one.make(dtype="mixed_bfloat16")
    mixed.build_for(alone([x.shape for x in one.inputs("float32")]), "float32")
    mixed.materialize()
    mixed.set_weights(plain.get_weights())
    assert {str(param.value.dtype) for param in mixed.weights} <= {"float32"}
    assert mixed.dtype_policy.name == mixed.get_config()["dtype"] == "mixed_bfloat16"
    assert {part.compute_dtype for part in mixed.sublayers()} <= {"bfloat16"}
    for y, wanted in zip(ran(mixed, one)[0], ran(plain, one)[0], strict=True):
        assert y.dtype == wanted.dtype
        np.testing.assert_allclose(y, wanted, rtol=0.05, atol=0.03 * np.abs(wanted).max())


@cases(is_called)
def test_in_a_graph_it_is_what_it_is_alone(one, dtype):
    dtype = dtype.name
    layer = made(one, dtype)
    model, arrays = graph_of(layer, one, dtype)
    ys = ran(layer, one, dtype)[0]
    shapes = [(None, *y.shape[1:]) for y in ys]
    assert model.output_shape == (shapes[0] if len(ys) == 1 else shapes)
    same(listed(model.predict(alone(arrays), verbose=0)), ys)
    assert model.count_params() == sum(p.value.size for p in layer.weights)
    lines = []
    model.summary(print_fn=lines.append)
    assert any(layer.name[:10] in line for line in lines)


@cases(lambda one: not (one.draws or one.trains_apart))
def test_training_computes_what_inference_does(one):
    layer = made(one)
    same(ran(layer, one, training=True)[0], ran(layer, one)[0])


@every_case
def test_rows_do_not_see_each_other(one):
    layer = made(one)
    apart = layers.TimeDistributed | layers.SpectralNormalization
    assert layer.mixes_rows == one.trains_apart or isinstance(layer, apart)
    arrays, ys = one.inputs("float32"), ran(layer, one)[0]
    for i in range(BATCH):
        row = ran(layer, one, inputs=[x[i : i + 1] for x in arrays])[0]
        same(row, [y[i : i + 1] for y in ys])


# -- gradients -------------------------------------------------------------------------------------


def some(array):
    """The places of a few numbers."""
    return sorted({0, array.size // 2, array.size - 1}) if array.size else []


def slopes(layer, one, arrays, mask, param=None, k=None, eps=1e-6):
    """Differences of the loss to both sides, at a few numbers of a weight or of an input."""

    def loss():
        with context.changed(penalties=[]) as now:  # what regularizers of activities add
            ys = ran(layer, one, "float64", True, arrays, mask)[0]
        more = sum(now.penalties)
        return more + sum((y * wave(y.shape, 0.37 + 0.05 * i)).sum() for i, y in enumerate(ys))

    start = param.numpy() if param is not None else arrays[k].copy()
    for place in some(start):
        sides = []
        for step in (eps, -eps):
            moved = start.copy()
            moved.flat[place] += step
            if param is not None:
                param.assign(moved)
            else:
                arrays[k] = moved
            sides.append(loss())
        if param is not None:
            param.assign(start)
        else:
            arrays[k] = start
        yield place, (sides[0] - sides[1]) / (2 * eps)


@cases(lambda one: one.slope)
def test_gradients_are_the_slopes_of_the_loss(one):
    check_gradients(one, None)


@cases(lambda one: one.masks == "both")
def test_gradients_with_a_mask(one):
    check_gradients(one, REAL)


def check_gradients(one, mask):
    layer, arrays = made(one, "float64"), one.inputs("float64")
    ys, back, _ = ran(layer, one, "float64", True, mask=mask)
    dxs = gone_back(layer, back, ys)
    grads = [p.grad.copy() for p in layer.weights]
    for param, grad in zip(layer.weights, grads, strict=True):
        if param.trainable:
            for place, slope in slopes(layer, one, arrays, mask, param):
                assert abs(grad.flat[place] - slope) < 2e-6 * max(1, abs(slope)), param.name
    for k, dx in enumerate([] if one.below else dxs):
        assert dx.shape == arrays[k].shape
        assert dx.dtype == np.float64
        for place, slope in slopes(layer, one, arrays, mask, k=k):
            assert abs(dx.flat[place] - slope) < 2e-6 * max(1, abs(slope)), f"input {k}"


@cases(lambda one: learns(one) and one.slope and not one.draws)
def test_gradients_of_weights_add_up_over_two_uses(one):
    layer = made(one, "float64")
    parts = [one.inputs("float64"), [-x if not one.below else x[::-1] for x in one.inputs("f8")]]
    sums = [np.zeros(p.shape) for p in layer.weights]
    for arrays in parts:
        ys, back, _ = ran(layer, one, "float64", True, arrays)
        gone_back(layer, back, ys)
        for total, param in zip(sums, layer.weights, strict=True):
            total += param.grad
    inputs = [[Input(x.shape[1:], dtype=str(x.dtype)) for x in arrays] for arrays in parts]
    ends = [layer(alone(part)) for part in inputs]
    model = Model([s for part in inputs for s in part], [s for end in ends for s in listed(end)])
    ys, back, _ = model.run([x for part in parts for x in part], True, None)
    half = len(ys) // 2
    for param in layer.weights:
        param.grad[...] = 0
    dys = [wave(y.shape, 0.37 + 0.05 * (i % half)) for i, y in enumerate(ys)]
    back(tuple(dys))
    for total, param in zip(sums, layer.weights, strict=True):
        if param.trainable:
            np.testing.assert_allclose(param.grad, total, rtol=1e-11, atol=1e-12)


# -- masks -----------------------------------------------------------------------------------------


@cases(lambda one: one.masks)
@pytest.mark.parametrize("training", [False, True], ids=["inference", "training"])
def test_masked_steps_do_not_count(one, training):
    training &= not (one.draws or one.trains_apart)
    layer = made(one, "float64")
    arrays = one.inputs("float64")
    for x in arrays:
        x[~REAL] = np.nan
    with contextlib.nullcontext() if one.masks == "both" else np.errstate(all="ignore"):
        ys, back, real = ran(layer, one, "float64", training, arrays, REAL)
    reals = real if isinstance(real, list | tuple) else [real] * len(ys)
    for i, n in enumerate(LENGTHS):
        row = ran(layer, one, "float64", training, [x[i : i + 1, :n] for x in arrays])[0]
        for y, short, steps in zip(ys, row, reals, strict=True):
            part = y[i] if steps is None or y.ndim < 3 else y[i, steps[i]]
            np.testing.assert_allclose(part, short[0], rtol=1e-12, atol=1e-12)
    if training and one.masks == "both":
        dxs = gone_back(layer, back, ys)
        assert all(np.isfinite(p.grad).all() for p in layer.weights)
        assert all(np.isfinite(dx[REAL]).all() for dx in dxs)


@cases(lambda one: all(len(shape) == 2 and shape[0] == 5 for shape in one.shapes))
def test_a_row_without_any_real_step_gives_numbers(one):
    layer = made(one)
    mask = REAL & (np.arange(BATCH) != 1)[:, None]
    drops = isinstance(layer, WindowLayer) and not layer.use_mask
    drops |= isinstance(layer, layers.Flatten | layers.Permute | layers.Reshape)
    with pytest.warns(UserWarning, match="mask") if drops else contextlib.nullcontext():
        ys, back, _ = ran(layer, one, training=True, mask=mask)
    assert all(np.isfinite(y).all() for y in ys)
    if one.slope:
        dxs = gone_back(layer, back, ys)
        assert all(np.isfinite(p.grad).all() for p in layer.weights)
        assert all(np.isfinite(dx).all() for dx in dxs if dx is not None)


# -- configs, copies, files ------------------------------------------------------------------------


@every_case
def test_configs_and_copies(one):
    layer = made(one, name="its_name")
    config = layer.get_config()
    again = type(layer).from_config(json.loads(json.dumps(config)))
    assert again.get_config() == config
    assert layers.get(json.loads(json.dumps(registry.to_json(layer)))).get_config() == config
    again.build_for(alone([x.shape for x in one.inputs("float32")]), "float32")
    again.materialize()
    again.set_weights(layer.get_weights())
    ys = ran(layer, one)[0]
    for other in (again, copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert other.name == "its_name"
        assert [p.name for p in other.weights] == [p.name for p in layer.weights]
        same(ran(other, one)[0], ys)


@cases(is_called)
def test_a_file_has_all_of_it(one, tmp_path):
    layer = made(one, name="its_name")
    single = len(one.shapes) == 1 and layer.single_output
    if single and not one.below:
        model, arrays = Sequential([Input(one.shapes[0]), layer]), one.inputs("float32")
    else:
        model, arrays = graph_of(layer, one, "float32")
    model.save(tmp_path / "model.safetensors")
    loaded = load_model(tmp_path / "model.safetensors")
    x = alone(arrays)
    same(listed(loaded.predict(x, verbose=0)), listed(model.predict(x, verbose=0)))
    assert loaded.get_layer("its_name").get_config() == layer.get_config()


@cases(is_called)
def test_quantized_it_is_what_rounded_weights_make_it(one, widened):
    model, arrays = graph_of(made(one, name="its_name"), one, "float32")
    x = alone(arrays)
    refused = None
    try:
        report = model.quantize("int8", verbose=0)
    except ValueError as error:
        refused = str(error)
    if refused:
        assert re.search("a layer to store as int8, got none: (its_name|there)", refused)
        return
    for path in report.quantized:
        assert path.startswith("its_name")
    y = listed(model.predict(x, verbose=0))
    with pytest.warns(UserWarning, match="rounded to int8"):
        floats = rounded_floats(model, "test", "the copy")
    for ours, theirs in zip(y, listed(floats.predict(x, verbose=0)), strict=True):
        # of int8 the scale comes after the sum; weights are about 1, and there are few
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5 * (1 + np.abs(theirs).max()))


@pytest.mark.parametrize("name", TEXTS)
def test_layers_of_texts(name):
    make, texts = TEXTS[name]
    layer = make(name="its_name")
    y = layer(texts)
    config = layer.get_config()
    again = type(layer).from_config(json.loads(json.dumps(config)))
    assert again.get_config() == config
    same(again(texts), y)
    inputs = Input(np.shape(texts)[1:], dtype="string")
    same(Model(inputs, layer(inputs)).predict(texts, verbose=0), y)
    with pytest.raises(ValueError, match="its_name"):
        layer(Input((2,), dtype="float32"))


# -- what is wrong is said -------------------------------------------------------------------------


def names_within(layer):
    """The names of a layer and of all layers in it."""
    inner = [name for part in layer.sublayers() for name in names_within(part)]
    return [layer.name, *inner]


def put(layer, parts, place):
    """Give a layer these arrays, or symbols of their shapes, or a place behind such an Input."""
    if place == "alone":
        return layer(alone(parts))
    symbols = [Input(part.shape[1:], dtype=str(part.dtype)) for part in parts]
    row = place == "in a row" and len(parts) == 1 and layer.single_output
    return Sequential([symbols[0], layer]) if row else layer(alone(symbols))


@cases(lambda one: one.wrong)
@pytest.mark.parametrize("place", ["alone", "in a graph", "in a row"])
def test_shapes_that_do_not_fit_are_told(one, place):
    for shape in one.wrong:
        layer, (x, *others) = made(one), one.inputs("float32")
        with pytest.raises(ValueError, match=r"expected .*, got ") as raised:
            put(layer, [np.resize(x, (BATCH, *shape)), *others], place)
        said = str(raised.value)
        assert any(repr(name) in said for name in names_within(layer)), said
        assert type(layer).__name__ in said or layer.sublayers(), said


@every_class
def test_an_unknown_argument_is_an_error_that_names_the_nearest(cls):
    for wrong, right in (("naem", "name"), ("dtpye", "dtype")):
        with pytest.raises(TypeError, match=f"{cls.__name__} has no argument '{wrong}'") as raised:
            cls(**{wrong: 1})
        assert f"did you mean '{right}'" in str(raised.value)


# -- training --------------------------------------------------------------------------------------


@cases(lambda one: learns(one) and one.slope)
@pytest.mark.parametrize("trainable", [False, True], ids=["frozen", "trained"])
def test_what_training_moves(one, trainable):
    layer = made(one)
    layer.trainable = trainable
    assert bool(layer.trainable_weights) == trainable
    arrays = [*one.inputs("float32"), np.ones((BATCH, 1), "float32")]
    *inputs, other = [Input(x.shape[1:], dtype=str(x.dtype)) for x in arrays]
    ends = listed(layer(alone(inputs)))
    model = Model([*inputs, other], [*ends, layers.Dense(1)(other)])
    model.compile("sgd", "mse")
    before = layer.get_weights()
    ys = model.predict(arrays, verbose=0)
    model.train_on_batch(arrays, [y + wave(y.shape, 0.9) for y in ys])
    moved = {i for i, old in enumerate(before) if not np.array_equal(layer.weights[i].value, old)}
    taught = {
        i for i, p in enumerate(layer.weights) if any(p is q for q in layer.trainable_weights)
    }
    averages = {i for i, p in enumerate(layer.weights) if re.match("moving|vector_u", p.name)}
    assert moved & taught or not trainable
    assert moved <= (taught | averages if trainable else set())


def steps_through(one):
    """Whether `TimeDistributed` can have it, and gives at each step what it gives alone."""
    layer = one.make()
    single = layer.single_output and not layer.several_inputs
    return single and one.slope and not one.trains_apart and is_called(one)


@cases(steps_through)
def test_at_every_step(one):
    layer = made(one, "float64")
    (x,) = one.inputs("float64")
    steps = np.stack([x, x[::-1], x + (0 if one.below else 0.1)], axis=1)
    wrapped = layers.TimeDistributed(layer)
    assert wrapped.compute_output_shape(steps.shape)[:2] == (BATCH, 3)
    y = wrapped(steps)
    for t in range(3):
        np.testing.assert_allclose(y[:, t], layer(steps[:, t]), rtol=1e-13, atol=1e-14)


# -- documents -------------------------------------------------------------------------------------


@every_class
def test_docstrings_name_the_arguments(cls):
    text = inspect.getdoc(cls)
    assert "Parameters\n----------" in text
    section = text.split("Parameters\n----------\n")[1].split("\n---")[0]
    described = set(re.findall(r"[a-z_0-9]+", " ".join(re.findall(r"^\S.*", section, re.M))))
    own = inspect.signature(cls.__init__).parameters.values()
    if cls.__init__ is layers.Layer.__init__:
        own = [p for p in own if p.kind is p.VAR_KEYWORD]
    names = {p.name for p in own if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)} - {"self"}
    referred = set(re.findall(r"`(\w+)`", section))
    assert names <= described | referred, names - described - referred
    if any(p.kind is p.VAR_KEYWORD for p in own):
        assert "**kwargs" in section


@every_class
def test_docstrings_say_the_shapes(cls):
    if issubclass(cls, AnyModel | Cell):
        return
    whole = inspect.getdoc(cls).lower()
    assert re.search(r"\(batch|shape|as `|element-wise", whole)


# -- built by hand ---------------------------------------------------------------------------------


@every_case
def test_build_gives_weights_at_once_and_twice_is_once(one):
    layer, called = one.make(), one.make()
    inputs = one.inputs("float32")
    layer.build(alone([list(x.shape) for x in inputs]))
    called(alone(inputs))
    assert layer.built
    assert [w.shape for w in layer.get_weights()] == [w.shape for w in called.get_weights()]
    weights = [w + 1 if w.dtype.kind == "f" else w for w in layer.get_weights()]
    layer.set_weights(weights)
    layer.build(alone([x.shape for x in inputs]))
    for got, want in zip(layer.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(got, want)


# -- whole numbers in a graph ----------------------------------------------------------------------


@cases(lambda one: len(one.inputs("float32")) == 1 and not one.make().overrides_call)
def test_whole_numbers_of_an_input_count_as_the_reals_they_are(one):
    (x,) = one.inputs("float32")
    whole = np.rint(np.abs(x)).astype("int32")
    layer = made(one)
    if layer.input_dtype not in ("float32", "float64") or isinstance(layer, layers.InputLayer):
        return
    found = []
    for dtype in ("int32", None):
        symbol = Input(x.shape[1:], dtype=dtype)
        y = layer(symbol)
        found.append(listed(Model(symbol, y).predict(whole)))
    for got, want in zip(*found, strict=True):
        np.testing.assert_array_equal(got, want)
