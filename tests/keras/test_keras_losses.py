"""Losses held to Keras's numbers, frozen by tests/keras/make_keras_losses.py."""

import json

import loss_cases as cases
import numpy as np
import pytest
from keras_numbers import keras_numbers

from lstmcore import losses

KERAS = keras_numbers("losses")
BOUND = {"float32": 1e-6, "float64": 1e-10}
CASES = list(zip(cases.LOSSES, KERAS, strict=True))
IDS = [f"{name}-{arguments}-{kind}" for name, arguments, kind in cases.LOSSES]
each_case = pytest.mark.parametrize(("case", "keras"), CASES, ids=IDS)
SATURATED = cases.LOSSES.index(("BinaryCrossentropy", {}, "saturated"))  # 1 - 1e-7 is no float32
both_types = pytest.mark.parametrize("dtype", ["float32", "float64"])


def given(case, dtype, reduction="sum_over_batch_size"):
    name, arguments, kind = case
    loss = getattr(losses, name)(reduction=reduction, **arguments)
    y, p = cases.inputs(kind)
    p = p.astype(dtype)
    return loss, loss.align(y, p.shape, p.dtype), p


def skip_saturated(case, dtype):
    if case == cases.LOSSES[SATURATED] and dtype == "float32":
        pytest.skip("1 - 1e-7 is rounded to 1 - 1.2e-7, as in Keras's float32")


def close(got, wanted, dtype, scale=1.0):
    """Within the bound of the larger of 1, the number, and `scale`, the size of what is summed."""
    wanted = np.asarray(wanted)
    bound = BOUND[dtype] * np.maximum(np.maximum(1, scale), np.abs(wanted))
    off = np.abs(np.reshape(got, wanted.shape) - wanted) / bound
    assert (off <= 1).all(), f"{off.max()} bounds off"


def settings(case):
    masks = {"all": None, "masked": cases.MASK}
    weights = {"none": None, "sample": cases.sample_weights(*case[:2]), "step": cases.WEIGHT}
    if not cases.masked(*case[:2]):
        del masks["masked"], weights["step"]
    if weights["sample"] is None:
        del weights["sample"]
    return [(w, m, weights[w], masks[m]) for w in weights for m in masks]


@both_types
@each_case
def test_values_and_gradients_are_keras(case, keras, dtype):
    skip_saturated(case, dtype)
    scale = np.abs(keras["each"]).max()
    for reduction in cases.REDUCTIONS:
        loss, y, p = given(case, dtype, reduction)
        for which, real, weight, mask in settings(case):
            wanted = keras[f"{which}, {real}"]
            weight = None if weight is None else weight.astype(dtype)
            value, slope = loss.forward(y, p, weight, mask=mask)
            assert slope.dtype == dtype
            assert slope.shape == p.shape
            more = 12 if reduction == "sum" else 1  # as many numbers are summed
            close(value, wanted["values"][cases.REDUCTIONS.index(reduction)], dtype, scale * more)
            if reduction == "sum_over_batch_size" and which != "sample":
                steep = np.abs(wanted["gradient"]).max()
                close(slope.ravel(), wanted["gradient"], dtype, 4 * steep)


@both_types
@each_case
def test_plain_functions_are_keras(case, keras, dtype):
    skip_saturated(case, dtype)
    name, arguments, kind = case
    y, p = cases.inputs(kind)
    function = next(f for f, c in losses._FUNCTIONS.items() if c.__name__ == name)
    values = function(y, p.astype(dtype), **arguments)
    assert values.dtype == dtype
    close(values.ravel(), keras["each"], dtype, np.abs(keras["each"]).max())
    assert getattr(losses, function.__name__) is function
    assert (
        type(losses.get(function)) is type(losses.get(function.__name__)) is getattr(losses, name)
    )


@both_types
@each_case
def test_masked_steps_never_count(case, keras, dtype):
    skip_saturated(case, dtype)
    if not cases.masked(*case[:2]):
        return
    loss, y, p = given(case, dtype)
    wanted = keras["none, masked"]["values"][0]
    for bad in (np.nan, np.inf, -np.inf, 0):
        worse, worse_y = p.copy(), y.copy()
        worse[~cases.MASK] = bad
        if y.dtype.kind == "f":
            worse_y[~cases.MASK] = bad
        value, slope = loss.forward(worse_y, worse, mask=cases.MASK)
        close(value, wanted, dtype, np.abs(keras["each"]).max())
        assert (slope[~cases.MASK] == 0).all()
        assert np.isfinite(slope).all()


@each_case
def test_a_view_of_any_strides_gives_the_same(case, keras):
    loss, y, p = given(case, "float64")
    turned = np.ascontiguousarray(p.swapaxes(0, 1)).swapaxes(0, 1)
    value, slope = loss.forward(y, turned)
    again, slope_again = loss.forward(y, p)
    assert value == pytest.approx(again, rel=1e-14)
    np.testing.assert_allclose(slope, slope_again, rtol=1e-12, atol=1e-15)


@each_case
def test_arguments_are_left_alone_and_the_gradient_belongs_to_the_caller(case, keras):
    loss, y, p = given(case, "float32")
    before = y.copy(), p.copy()
    slope = loss.forward(y, p)[1]
    slope[...] = 7
    np.testing.assert_array_equal(y, before[0])
    np.testing.assert_array_equal(p, before[1])


@each_case
def test_config_round_trip(case, keras):
    loss, y, p = given(case, "float64", "sum")
    config = json.loads(json.dumps(losses.serialize(loss)))
    again = losses.deserialize(config)
    assert again.get_config() == loss.get_config()
    assert again.forward(y, p)[0] == loss.forward(y, p)[0]


@each_case
def test_a_type_to_compute_in(case, keras):
    name, arguments, kind = case
    y, p = cases.inputs(kind)
    loss = getattr(losses, name)(dtype="float64", **arguments)
    aligned = loss.align(y, p.shape, p.dtype)
    value, slope = loss.forward(aligned, p)
    close(value, keras["none, all"]["values"][0], "float64")
    assert slope.dtype == np.float32
    close(slope.ravel(), keras["none, all"]["gradient"], "float32")
