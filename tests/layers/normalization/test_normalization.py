"""Normalizations: gradients, masks, moving averages, configs, and what is refused.

The numbers of Keras are in `test_keras_layers.py`.
"""

import copy

import numpy as np
import pytest
from gradients import check_backward
from helpers import numbers
from hypothesis import given, settings
from hypothesis import strategies as st

from lstmcore import Input, Sequential, layers
from lstmcore.layers import (
    LSTM,
    BatchNormalization,
    Dense,
    GroupNormalization,
    LayerNormalization,
    RMSNormalization,
    UnitNormalization,
)
from lstmcore.layers.normalization.layer_normalization import (
    SUM_BLOCK,
    column_sums,
    from_rows,
    rows_of,
)
from lstmcore.utils import set_random_seed

REAL = np.array([[1, 1, 1, 0], [0, 1, 0, 0]], bool)


def ready(layer, x):
    """Build for this array, with weights that are neither 0 nor 1."""
    layer.build_for(x.shape, str(x.dtype))
    layer.materialize()
    for p in layer.weights:
        p.assign(np.abs(numbers(*p.shape)) + 0.5)
    return layer


# -- gradients ---------------------------------------------------------------------------------


@pytest.mark.parametrize("axis", [-1, 1, [1, 2], [-1, 1]])
@pytest.mark.parametrize("options", [{}, {"center": False}, {"scale": False}])
def test_layer_normalization_backward(axis, options):
    x = numbers(2, 4, 3)
    check_backward(ready(LayerNormalization(axis, **options), x), x, training=True)


@pytest.mark.parametrize("axis", [-1, 1, [1, 2]])
def test_rms_normalization_backward(axis):
    x = numbers(2, 4, 3)
    check_backward(ready(RMSNormalization(axis, epsilon=0.01), x), x, training=True)


@pytest.mark.parametrize(("axis", "groups"), [(-1, 1), (-1, 2), (-1, -1), (1, 3)])
@pytest.mark.parametrize("mask", [None, REAL])
def test_group_normalization_backward(axis, groups, mask):
    x = numbers(2, 6, 4) if axis == 1 else numbers(2, 4, 6)
    mask = None if mask is None or axis == 1 else mask
    check_backward(ready(GroupNormalization(groups, axis, 0.1), x), x, mask, training=True)


@pytest.mark.parametrize("axis", [-1, 1])
@pytest.mark.parametrize("options", [{}, {"center": False, "scale": False}])
@pytest.mark.parametrize("mask", [None, REAL])
def test_batch_normalization_backward(axis, options, mask):
    # epsilon: where one step alone is real, the variance is 0 and 1 / sqrt too steep to measure
    layer = BatchNormalization(axis, epsilon=0.1, **options)
    x = numbers(2, 4, 3)
    check_backward(ready(layer, x), x, mask, training=True)


def test_batch_normalization_backward_without_training():
    layer = BatchNormalization(dtype="float64")
    layer.trainable = False
    x = numbers(2, 4, 3)
    check_backward(ready(layer, x), x, training=True)


@pytest.mark.parametrize("axis", [-1, 1, [1, 2]])
def test_unit_normalization_backward(axis):
    x = numbers(2, 4, 3)
    check_backward(ready(UnitNormalization(axis), x), x, training=True)


@pytest.mark.parametrize("make", [LayerNormalization, BatchNormalization])
def test_weights_have_their_gradients_where_no_dx_is_wanted(make):
    x = numbers(2, 4, 3)
    layer = ready(make(), x)
    grads = []
    for need_dx in (True, False):
        for p in layer.weights:
            p.grad[...] = 0
        y, back = layer.forward(x, True)
        assert (back(y, need_dx=need_dx) is not None) is need_dx
        grads.append([p.grad.copy() for p in layer.trainable_weights])
    for one, other in zip(*grads, strict=True):
        np.testing.assert_array_equal(one, other)


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_rows_and_back(data):
    shape = tuple(data.draw(st.lists(st.integers(1, 4), min_size=2, max_size=4)))
    axes = tuple(sorted(data.draw(st.sets(st.integers(1, len(shape) - 1), min_size=1))))
    x = np.arange(np.prod(shape)).reshape(shape)
    rows = rows_of(x, axes)
    others = tuple(a for a in range(len(shape)) if a not in axes)
    np.testing.assert_array_equal(rows.sum(1), x.sum(axes).reshape(-1))
    np.testing.assert_array_equal(rows.sum(0), x.sum(others).reshape(-1))
    np.testing.assert_array_equal(from_rows(rows, axes, shape), x)


@pytest.mark.parametrize("rows", [1, SUM_BLOCK - 1, SUM_BLOCK, SUM_BLOCK + 1, 1000, 100_000])
def test_column_sums_are_exact_to_rounding(rows):
    x = (np.random.default_rng(rows).random((rows, 3)) + 1).astype(np.float32)
    np.testing.assert_allclose(column_sums(x), x.sum(0, dtype=np.float64), rtol=3e-6)


# -- masks and averages ------------------------------------------------------------------------


def test_masked_steps_do_not_count(dtype):
    x = numbers(2, 4, 3).astype(dtype)
    results = []
    for other in (0.0, 9.0):
        layer = ready(BatchNormalization(momentum=0.5), x)
        parts = x.copy()
        parts[~REAL] = other
        y, back = layer.forward(parts, True, mask=REAL)
        dy = np.where(REAL[..., None], numbers(*x.shape), 0).astype(dtype)
        for p in layer.weights:
            p.grad[...] = 0
        dx = back(dy)
        assert (dx[~REAL] == 0).all()
        results.append([y[REAL], dx, *(p.grad for p in layer.weights), *layer.get_weights()])
    for one, two in zip(*results, strict=True):
        np.testing.assert_array_equal(one, two)
    # as the real steps alone, but for the small number that Keras adds to their count
    alone = ready(BatchNormalization(momentum=0.5), x)
    y, _ = alone.forward(x[REAL][:, None], True)
    np.testing.assert_allclose(results[0][0], y[:, 0], atol=1e-6)
    np.testing.assert_allclose(results[0][-1], alone.get_weights()[-1], atol=1e-6)


@pytest.mark.parametrize("groups", [1, 2])
def test_a_padded_sequence_is_normalized_as_it_is_alone(groups, dtype):
    x = numbers(2, 4, 6).astype(dtype)
    layer = ready(GroupNormalization(groups), x)
    mask = np.array([[1, 1, 1, 1], [1, 1, 0, 0]], bool)
    x[1, 2:] = np.nan
    y, _, after = layer.run(x, False, mask)
    assert after is mask
    np.testing.assert_allclose(y[1:, :2], layer(x[1:, :2]), rtol=1e-5)
    np.testing.assert_array_equal(y[1, 2:], np.broadcast_to(layer.beta.value, (2, 6)))


def test_rms_along_an_axis_that_is_not_the_last():
    """Keras broadcasts the scale along the last axis whatever the axis is."""
    x = numbers(2, 3, 3)
    layer = ready(RMSNormalization(1, epsilon=0.0), x)
    want = x / np.sqrt((x * x).mean(1, keepdims=True)) * layer.scale.value[:, None]
    np.testing.assert_allclose(layer(x), want, rtol=1e-12)


def test_nothing_real_is_no_nan(dtype):
    x = numbers(2, 4, 3).astype(dtype)
    layer = ready(BatchNormalization(), x)
    y, back = layer.forward(x, True, mask=np.zeros((2, 4), bool))
    assert np.isfinite(y).all()
    assert np.isfinite(back(np.ones_like(y))).all()
    assert all(np.isfinite(p.value).all() for p in layer.weights)


def test_averages_move_in_training_only(dtype):
    x = numbers(6, 3).astype(dtype)
    layer = BatchNormalization(momentum=0.9)
    first = layer(x)
    np.testing.assert_allclose(first, x / np.sqrt(1 + 1e-3), rtol=1e-5)
    assert (layer.moving_mean.value == 0).all()
    layer(x, training=True)
    mean = 0.1 * x.mean(0, dtype=float)
    np.testing.assert_allclose(layer.moving_mean.value, mean, rtol=1e-5, atol=1e-7)
    variance = 0.9 + 0.1 * x.var(0, dtype=float)
    np.testing.assert_allclose(layer.moving_variance.value, variance, rtol=1e-5)
    assert (layer(x) != first).any()
    assert [p.name for p in layer.non_trainable_weights] == ["moving_mean", "moving_variance"]


def test_a_frozen_layer_leaves_its_averages():
    x = numbers(6, 3)
    layer = ready(BatchNormalization(), x)
    layer.trainable = False
    before, inferred = layer.get_weights(), layer.forward(x)[0]
    np.testing.assert_array_equal(layer.forward(x, True)[0], inferred)
    for one, other in zip(before, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_moving_averages_leave_packed_weights_as_they_are():
    model = Sequential([Input((4, 2)), LSTM(3, return_sequences=True), BatchNormalization()])
    x = numbers(2, 4, 2).astype("float32")
    model(x)
    norm = model.layers[-1]
    flat = norm.moving_mean.flat
    assert flat is model.layers[0].kernel.flat
    version, before = flat.version, norm.moving_mean.numpy()
    model.run(x, True)
    assert flat.version == version
    assert (norm.moving_mean.value != before).any()
    with pytest.raises(ValueError, match="read-only"):
        norm.moving_mean.value[0] = 1


def test_a_model_with_normalizations_learns():
    set_random_seed(0)  # the averages depend on the order of the samples
    rng = np.random.default_rng(0)
    x = rng.standard_normal((64, 5, 3)).astype("float32") * 10 + 5
    y = x[:, -1, 0]
    model = Sequential(
        [
            Input((5, 3)),
            BatchNormalization(momentum=0.5),
            LSTM(8, return_sequences=True),
            LayerNormalization(),
            LSTM(8),
            UnitNormalization(),
            Dense(1),
        ]
    )
    model.compile("adam", "mse")
    history = model.fit(x, y, epochs=4, batch_size=16, verbose=0).history["loss"]
    assert history[-1] < history[0]
    norm = model.layers[0]
    np.testing.assert_allclose(norm.moving_mean.value, x.mean((0, 1)), rtol=0.2)
    assert np.isfinite(model.predict(x, verbose=0)).all()
    np.testing.assert_array_equal(copy.deepcopy(model).predict(x), model.predict(x, verbose=0))


# -- values ------------------------------------------------------------------------------------


def test_normalized_rows_have_mean_0_and_deviation_1(dtype):
    x = (numbers(3, 50, 7) * 40 + 1000).astype(dtype)
    y = LayerNormalization(epsilon=0, dtype=dtype)(x)
    assert y.dtype == dtype
    np.testing.assert_allclose(y.mean(-1), 0, atol=1e-4)
    np.testing.assert_allclose(y.std(-1), 1, rtol=1e-4)
    y = BatchNormalization(epsilon=0, dtype=dtype)(x, training=True)
    np.testing.assert_allclose(y.mean((0, 1)), 0, atol=1e-4)
    np.testing.assert_allclose(y.std((0, 1)), 1, rtol=1e-4)


def test_zeros_have_no_direction(dtype):
    x = np.zeros((2, 3), dtype)
    x[0] = [3, 0, 4]
    y, back = UnitNormalization(dtype=dtype).forward(x, True)
    np.testing.assert_allclose(y, [[0.6, 0, 0.8], [0, 0, 0]], rtol=1e-6)
    dx = back(np.ones_like(y))
    assert dx.dtype == dtype
    assert (dx[1] == 0).all()


@pytest.mark.parametrize("bare", [True, False])
def test_the_input_and_the_output_stay_as_they_are(bare):
    options = {"center": not bare, "scale": not bare}
    for layer in (LayerNormalization(**options), BatchNormalization(**options)):
        for training in (False, True):
            x = numbers(2, 4, 3).astype("float32")
            before = x.copy()
            y = layer(x, training=training)
            y, back = layer.forward(x, True)
            kept = y.copy()
            back(np.ones_like(y))
            np.testing.assert_array_equal(x, before)
            np.testing.assert_array_equal(y, kept)


@pytest.mark.parametrize("make", [LayerNormalization, BatchNormalization, UnitNormalization])
@pytest.mark.parametrize("axis", [-1, 1])
def test_arrays_may_lie_in_any_order(make, axis):
    """Outputs of recurrent layers have time before the batch in memory."""
    x = numbers(2, 4, 3)
    turned = np.ascontiguousarray(x.swapaxes(0, 1)).swapaxes(0, 1)
    layer = ready(make(axis), x)
    y, back = layer.forward(x, True)
    other, other_back = layer.forward(turned, True)
    np.testing.assert_allclose(y, other, rtol=1e-12)
    np.testing.assert_allclose(back(y), other_back(other), rtol=1e-9, atol=1e-12)


# -- layers as such ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "layer",
    [
        LayerNormalization([1, 2], 1e-4, gamma_regularizer="l2", beta_constraint="non_neg"),
        BatchNormalization(1, 0.5, center=False, moving_mean_initializer="ones"),
        UnitNormalization((1, 2)),
        GroupNormalization(2, 1, 1e-4, gamma_regularizer="l2"),
        RMSNormalization([1, 2], 1e-4),
    ],
    ids=lambda layer: layer.name,
)
def test_configs_and_copies_make_the_same_layer(layer):
    x = numbers(2, 4, 3).astype("float32")
    layer(x, training=True)
    config = layer.get_config()
    other = layers.get({"class_name": type(layer).__name__, "config": config})
    assert other.get_config() == config
    other(x)
    other.set_weights(layer.get_weights())
    np.testing.assert_array_equal(other(x), layer(x))
    np.testing.assert_array_equal(copy.deepcopy(layer)(x), layer(x))
    assert layer.compute_output_shape((None, 4, 3)) == (None, 4, 3)


def test_weights_have_their_rules():
    layer = LayerNormalization(gamma_regularizer="l2", beta_constraint="non_neg")
    layer(np.zeros((2, 3)))
    assert layer.gamma.regularizer is not None
    assert layer.gamma.constraint is None
    assert layer.beta.constraint is not None
    layer = BatchNormalization(beta_regularizer="l1", gamma_constraint="unit_norm")
    layer(np.zeros((2, 3)))
    assert layer.beta.regularizer is not None
    assert layer.gamma.constraint is not None


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LayerNormalization("last"), "axis: expected a whole number or a list"),
        (lambda: LayerNormalization([]), "axis: expected a whole number or a list"),
        (lambda: LayerNormalization(epsilon=-1), "epsilon: expected a number >= 0"),
        (lambda: RMSNormalization(epsilon=-1), "epsilon: expected a number >= 0"),
        (lambda: GroupNormalization(0), "groups: expected a whole number from 1"),
        (lambda: GroupNormalization(axis=[1, 2]), "axis: expected a whole number, got"),
        (
            lambda: GroupNormalization(2)(np.zeros((2, 4, 3))),
            "groups: expected a divisor of the 3 features, got 2",
        ),
        (lambda: BatchNormalization([1, 2]), "axis: expected a whole number"),
        (lambda: BatchNormalization(momentum=2), "momentum: expected a number from 0 to 1"),
        (lambda: BatchNormalization(renorm=True), "renorm: expected False"),
        (lambda: BatchNormalization(synchronized=True), "synchronized: expected False"),
    ],
)
def test_what_is_no_option_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("axis", [0, 3, -4, [1, -2]])
def test_axes_have_to_be_there(axis):
    for make in (LayerNormalization, UnitNormalization, RMSNormalization):
        if make is UnitNormalization and axis == 0:
            continue  # as in Keras
        with pytest.raises(ValueError, match="axis: expected different axes of x, whose shape is"):
            make(axis)(np.zeros((2, 4, 3)))


@pytest.mark.parametrize("make", [LayerNormalization, BatchNormalization, RMSNormalization])
def test_wrong_shapes_say_what_is_wrong(make):
    layer = make(-1)
    layer(np.zeros((2, 4, 3)))
    with pytest.raises(ValueError, match=r"x: expected an array of shape \(batch, any, 3\), got"):
        layer(np.zeros((2, 4, 2)))
    with pytest.raises(ValueError, match=r"got shape \(2, 3\)"):
        layer(np.zeros((2, 3)))
    with pytest.raises(ValueError, match="size of axis 2 of x: expected a whole number"):
        make().build_for((None, 4, None), "float32")


def test_a_normalization_cannot_be_streamed():
    with pytest.raises(ValueError, match="cannot be streamed"):
        LayerNormalization().stream_part()


def test_an_unknown_option_suggests_the_nearest():
    with pytest.raises(TypeError, match="did you mean 'epsilon'"):
        LayerNormalization(epsilom=1)
