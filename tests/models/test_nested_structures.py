"""Inputs and outputs of a functional model nested in lists, tuples and dicts, as Keras has them.

The names of losses and metrics are those of Keras 3.15 for the same models.
"""

import copy

import numpy as np
import pytest

from lstmcore import Input, Model, Sequential, load_model
from lstmcore.layers import LSTM, Add, Dense
from lstmcore.structure import flatten, map_structure

X = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")
Y = np.random.default_rng(1).normal(size=(8, 1)).astype("float32")
W = np.arange(8.0)

# the structure of the outputs a, b, c; names of losses; names of metrics
OUTPUTS = {
    "list": (lambda a, b, c: [a, [b]], ["da_loss", "1/db_loss"], ["da_mae", "db_mae"]),
    "dict": (lambda a, b, c: {"a": a, "b": {"c": b}}, ["a_loss", "b/c_loss"], ["da_mae", "db_mae"]),
    "deep": (
        lambda a, b, c: [a, {"z": b, "y": c}],
        ["da_loss", "1/y_loss", "1/z_loss"],
        ["da_mae", "dc_mae", "db_mae"],
    ),
    "tuple": (
        lambda a, b, c: (a, (b, c)),
        ["da_loss", "1/db_loss", "1/dc_loss"],
        ["da_mae", "db_mae", "dc_mae"],
    ),
    "flat dict": (lambda a, b, c: {"z": a, "a": b}, ["a_loss", "z_loss"], ["a_mae", "z_mae"]),
}
every_form = pytest.mark.parametrize("form", OUTPUTS)


def model_of(form):
    x = Input((3,), name="x")
    heads = [Dense(1, name=f"d{n}", kernel_initializer="ones")(x) for n in "abc"]
    return Model(x, OUTPUTS[form][0](*heads))


def like(model, value):
    return map_structure(lambda _: value, model.output)


def history(form, y, **compile_arguments):
    weight = compile_arguments.pop("sample_weight", None)
    model = model_of(form)
    model.compile("sgd", **compile_arguments)
    found = model.fit(X, y, sample_weight=weight, epochs=2, shuffle=False, verbose=0).history
    return {name: values[-1] for name, values in found.items()}, model


@every_form
def test_outputs_come_in_their_structure(form):
    model = model_of(form)
    y = model.predict(X)
    assert map_structure(lambda part: part.shape, y) == like(model, (8, 1))
    assert type(y) is type(model.output)
    for part in flatten(model(X)):
        np.testing.assert_allclose(part, X.sum(axis=1, keepdims=True), rtol=1e-5)
    assert map_structure(lambda part: part.shape, model(Input((3,)))) == like(model, (None, 1))


@every_form
def test_losses_metrics_targets_and_weights_in_the_structure(form):
    model = model_of(form)
    ys, ws = like(model, Y), like(model, W)
    nested, made = history(
        form, ys, loss=like(model, "mse"), metrics=like(model, ["mae"]), sample_weight=ws
    )
    count = len(made.outputs)
    flat, _ = history(
        form, [Y] * count, loss=["mse"] * count, metrics=[["mae"]] * count, sample_weight=W
    )
    assert nested == flat
    _, losses, metrics = OUTPUTS[form]
    assert set(nested) == {"loss", *losses, *metrics}
    evaluated = made.evaluate(X, ys, verbose=0, return_dict=True)
    assert set(evaluated) == set(nested)
    assert made.train_on_batch(X, ys, return_dict=True).keys() == nested.keys()
    batches = ((X, ys, ws) for _ in range(2))
    assert made.fit(batches, steps_per_epoch=2, verbose=0, validation_data=(X, ys)).history


@every_form
def test_weights_of_losses_in_the_structure(form):
    model = model_of(form)
    numbers = iter([1.0, 10.0, 100.0])
    weights = map_structure(lambda _: next(numbers), model.output)
    found, made = history(form, like(model, Y), loss="mse", loss_weights=weights)
    parts = [found[name] for name in [output.mean_loss.name for output in made._compiled.outputs]]
    want = sum(w * part for w, part in zip(flatten(weights), parts, strict=True))
    np.testing.assert_allclose(found["loss"], want, rtol=1e-5)


def test_parts_may_be_left_out():
    found, model = history("dict", {"a": Y}, loss={"a": "mse"})
    assert set(found) == {"loss"}
    assert [output.loss is None for output in model._compiled.outputs] == [False, True]
    found, _ = history("deep", [None, {"y": Y}], loss=[None, {"y": "mse"}])
    assert set(found) == {"loss"}


def test_by_the_names_of_layers():
    found, _ = history(
        "tuple", {"da": Y, "db": Y, "dc": Y}, loss=dict.fromkeys(["da", "dc"], "mse")
    )
    assert set(found) == {"loss", "da_loss", "1/dc_loss"}


@pytest.mark.parametrize(
    ("y", "told"),
    [
        ({"a": Y, "q": Y}, "y: no output is named 'q'"),
        (
            {"a": Y, "b": {"d": Y}},
            r"y: expected a dict with the keys \['c'\], got one with \['d",
        ),
        ({"a": Y, "b": Y}, r"y: expected a dict with the keys \['c'\], got ndarray"),
        ([Y], "y: expected a list of 2 or a dict"),
        (Y, "y: expected a list of 2 or a dict"),
        ({"a": Y}, "expected targets for output 'db', got None"),
    ],
)
def test_targets_of_another_structure_are_refused(y, told):
    model = model_of("dict")
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match=told):
        model.fit(X, y, verbose=0)


@every_form
def test_files_and_copies(form, tmp_path):
    model = model_of(form)
    model.compile("sgd", like(model, "mse"))
    model.save(tmp_path / "m.safetensors")
    for again in (copy.deepcopy(model), load_model(tmp_path / "m.safetensors")):
        want, got = flatten(model.predict(X)), flatten(again.predict(X))
        np.testing.assert_array_equal(got, want)
        assert np.isfinite(again.evaluate(X, like(model, Y), verbose=0)).all()


# -- inputs ----------------------------------------------------------------------------------------

INPUTS = {
    "list": lambda a, b, c: [a, [b, c]],
    "dict": lambda a, b, c: {"a": a, "q": {"c": b, "b": c}},
    "deep": lambda a, b, c: [a, {"z": b, "y": c}],
    "tuple": lambda a, b, c: (a, [b], (c,)),
}


@pytest.mark.parametrize("form", INPUTS)
def test_inputs_in_their_structure(form, tmp_path):
    symbols = [Input((3,), name=n) for n in "abc"]
    structure = INPUTS[form](*symbols)
    scales = {"a": 1.0, "b": 10.0, "c": 100.0}
    outputs = Add()([scales[s.name] * s for s in symbols])
    model = Model(structure, outputs)
    data = {n: (i + 1) * X for i, n in enumerate("abc")}
    nested = map_structure(lambda s: data[s.name], structure)
    flat = [data[s.name] for s in model.inputs]
    want = 321 * X
    for x in (nested, flat, data):
        np.testing.assert_allclose(model.predict(x), want, rtol=1e-5)
        np.testing.assert_allclose(model(x), want, rtol=1e-5)
        np.testing.assert_allclose(model.predict([(x,)].__iter__()), want, rtol=1e-5)
    model.compile("sgd", "mse")
    assert model.evaluate(nested, want, verbose=0) < 1e-6
    assert model.evaluate([(nested, want)].__iter__(), verbose=0) < 1e-6
    outer = Model(structure, model(structure))
    np.testing.assert_allclose(outer.predict(nested), want, rtol=1e-5)
    model.save(tmp_path / "m.safetensors")
    np.testing.assert_allclose(load_model(tmp_path / "m.safetensors").predict(nested), want, 1e-5)


def test_a_nested_input_that_is_missing_is_named():
    a, b = Input((3,), name="a"), Input((3,), name="b")
    model = Model({"a": a, "q": {"c": b}}, Add()([a, b]))
    with pytest.raises(ValueError, match=r"x\['q'\]\['c'\]: expected samples for input 'b'"):
        model.predict({"a": X, "q": {"c": None}})
    with pytest.raises(ValueError, match=r"expected a dict with \['a', 'q'\], got one with"):
        model.predict({"a": X})


@pytest.mark.parametrize("make", [Sequential, lambda parts: Model(parts[0], parts[1](parts[0]))])
def test_symbols_without_a_last_axis_of_one(make):
    model = make([Input((5, 1)), LSTM(2)])
    x = np.ones((2, 5), "float32")
    for shape in ((5,), (5, 1), (5, 1, 1)):
        symbol = Input(shape)
        outer = Model(symbol, model(symbol))
        np.testing.assert_array_equal(outer.predict(x.reshape(2, *shape)), model.predict(x))
