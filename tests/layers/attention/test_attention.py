"""Attention: gradients, masks, dropout, configs, and what is refused.

The numbers of Keras are in `test_keras_layers.py`.
"""

import numpy as np
import pytest
from gradients import check_backward, gradient
from helpers import numbers

from lstmcore import Input, Model, layers, load_model
from lstmcore.layers import (
    LSTM,
    AdditiveAttention,
    Attention,
    Concatenate,
    Dense,
    Embedding,
    MultiHeadAttention,
)
from lstmcore.utils import set_random_seed

Q, V, K = (2, 3, 4), (2, 5, 3), (2, 5, 4)
QUERY_MASK = np.array([[1, 1, 0], [0, 1, 1]], bool)
VALUE_MASK = np.array([[1, 0, 1, 1, 0], [0, 1, 1, 1, 1]], bool)
NOTHING = np.array([[0, 0, 0, 0, 0], [1, 1, 0, 0, 0]], bool)


def make(kind, **options):
    if kind == "heads":
        return MultiHeadAttention(2, 3, **options)
    if kind == "additive":
        return AdditiveAttention(**options)
    mode = "concat" if kind == "concat" else "dot"
    return Attention(use_scale=kind != "plain", score_mode=mode, **options)


KINDS = ["plain", "dot", "concat", "additive", "heads"]


def ready(layer, x):
    """Build for these arrays, with weights that are not symmetric."""
    layer.build_for([a.shape for a in x], str(x[0].dtype))
    layer.materialize()
    layer.set_weights([numbers(*p.shape) + 0.5 for p in layer.weights])
    return layer


def call(layer, x, **options):
    return layer(*x, **options) if isinstance(layer, MultiHeadAttention) else layer(x, **options)


# -- gradients ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mask", [None, [QUERY_MASK, VALUE_MASK], [None, NOTHING]])
def test_backward(kind, mask):
    x = [numbers(*Q), numbers(*V), numbers(*K)]
    layer = ready(make(kind), x)
    check_backward(layer, x, mask, weight_atol=1e-7, return_attention_scores=True)


@pytest.mark.parametrize("kind", KINDS)
def test_backward_without_a_key_and_causal(kind):
    x = [numbers(*Q), numbers(*K)]
    check_backward(ready(make(kind), x), x, weight_atol=1e-7, use_causal_mask=True)


def test_backward_of_heads_with_all_their_options():
    layer = MultiHeadAttention(2, 3, 4, output_shape=(2, 2), sliding_window=2, use_bias=False)
    seen = np.random.default_rng(3).random((2, 2, 3, 5)) < 0.7
    x = [numbers(*Q), numbers(*V)]
    check_backward(ready(layer, x), x, weight_atol=1e-7, attention_mask=seen)


@pytest.mark.parametrize("kind", KINDS)
def test_a_gradient_of_one_output_only(kind):
    x = [numbers(*Q), numbers(*K)]
    layer = ready(make(kind), x)
    (y, scores), back, _ = layer.run(x, True, return_attention_scores=True)
    with_zeros = back((np.zeros_like(y), np.ones_like(scores) * 2))
    with_none = layer.run(x, True, return_attention_scores=True)[1]((None, np.full_like(scores, 2)))
    for one, other in zip(with_zeros, with_none, strict=True):
        np.testing.assert_array_equal(one, other)
    only_y = layer.run(x, True)[1](np.ones_like(y))
    also = layer.run(x, True, return_attention_scores=True)[1]((np.ones_like(y), None))
    for one, other in zip(only_y, also, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("kind", KINDS)
def test_weights_have_their_gradients_where_no_dx_is_wanted(kind):
    x = [numbers(*Q), numbers(*K)]
    layer = ready(make(kind), x)
    grads = []
    for need_dx in (True, False):
        for p in layer.weights:
            p.grad[...] = 0
        y, back, _ = layer.run(x, True)
        dx = back(np.ones_like(y), need_dx=need_dx)
        assert (dx is None) is not need_dx
        grads.append([p.grad.copy() for p in layer.weights])
    for one, other in zip(*grads, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("kind", KINDS)
def test_arrays_may_lie_in_any_order(kind):
    """Outputs of recurrent layers have time before the batch in memory."""
    x = [numbers(*s) for s in (Q, V, K)]
    turned = [np.ascontiguousarray(a.swapaxes(0, 1)).swapaxes(0, 1) for a in x]
    layer = ready(make(kind), x)
    y, back, _ = layer.run(x, True)
    other, other_back, _ = layer.run(turned, True)
    np.testing.assert_allclose(y, other, rtol=1e-12)
    turned_dy = np.ascontiguousarray(y.swapaxes(0, 1)).swapaxes(0, 1)
    for one, two in zip(back(y), other_back(turned_dy), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-9, atol=1e-12)


# -- masks -------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_masked_does_not_matter(kind, dtype):
    x = [numbers(*s).astype(dtype) for s in (Q, V, K)]
    layer = ready(make(kind), x)
    mask = [QUERY_MASK, VALUE_MASK, None]
    results = []
    for nonsense in (7.0, np.nan, np.inf):
        parts = [a.copy() for a in x]
        parts[0][~QUERY_MASK] = nonsense
        parts[1][~VALUE_MASK] = parts[2][~VALUE_MASK] = nonsense
        for p in layer.weights:
            p.grad[...] = 0
        y, back, real = layer.run(parts, True, mask)
        assert real is QUERY_MASK
        assert np.isfinite(y).all()
        dy = np.where(QUERY_MASK[..., None], numbers(*y.shape), 0).astype(dtype)
        dq, dv, dk = back(dy)
        results.append(
            [
                y[QUERY_MASK],
                dq[QUERY_MASK],
                dv,
                dk[VALUE_MASK],
                *(p.grad.copy() for p in layer.weights),
            ]
        )
    for other in results[1:]:
        for one, two in zip(results[0], other, strict=True):
            np.testing.assert_allclose(one, two, rtol=1e-5 if dtype == np.float32 else 1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_a_query_that_sees_nothing_gets_nothing(kind, dtype):
    x = [numbers(*s).astype(dtype) * 100 for s in (Q, K)]
    layer = ready(make(kind), x)
    y, back, _ = layer.run(x, True, [None, NOTHING], return_attention_scores=True)
    y, scores = y
    bias = layer.output_dense.bias.value if kind == "heads" else 0
    np.testing.assert_array_equal(y[0], np.broadcast_to(bias, y[0].shape))
    assert (scores[0] == 0).all()
    np.testing.assert_allclose(scores[1].sum(-1), 1, rtol=1e-5)
    assert (scores[1][..., 2:] == 0).all()
    assert all(np.isfinite(d).all() for d in back((np.ones_like(y), np.ones_like(scores))))


@pytest.mark.parametrize("kind", KINDS)
def test_the_causal_mask_hides_what_comes_later(kind):
    x = numbers(2, 6, 4)
    layer = ready(make(kind), [x, x])
    whole = call(layer, [x, x], use_causal_mask=True)
    for steps in (1, 3):
        part = np.ascontiguousarray(x[:, :steps])
        y = call(layer, [part, part], use_causal_mask=True)
        np.testing.assert_allclose(y, whole[:, :steps], rtol=1e-12, atol=1e-14)


def test_masks_of_heads_are_ands():
    x = [numbers(*Q), numbers(*K)]
    layer = ready(make("heads", dtype="float64"), x)
    seen = np.random.default_rng(1).random((2, 3, 5)) < 0.8
    whole = seen & VALUE_MASK[:, None] & NOTHING[:, None] & QUERY_MASK[..., None]
    want = layer(*x, attention_mask=whole)
    got = layer(
        *x,
        query_mask=QUERY_MASK,
        value_mask=VALUE_MASK,
        key_mask=NOTHING,
        attention_mask=seen.astype("int32"),
    )
    np.testing.assert_array_equal(want, got)
    listed = layer(*x, mask=[QUERY_MASK, VALUE_MASK & NOTHING], attention_mask=seen)
    np.testing.assert_array_equal(want, listed)
    assert np.abs(layer(*x) - want).max() > 0.01
    one = np.tri(3, 5, dtype=bool)  # for all samples and heads
    np.testing.assert_array_equal(
        layer(*x, attention_mask=one), layer(*x, use_causal_mask=True, attention_mask=None)
    )


# -- dropout -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_dropout_drops_its_share_of_the_weights(kind):
    x = [numbers(8, 20, 4), numbers(8, 30, 4)]
    layer = ready(make(kind, dropout=0.25, seed=5), x)
    (_, scores), _, _ = layer.run(x, True, return_attention_scores=True)
    (_, plain), _, _ = layer.run(x, False, return_attention_scores=True)
    if kind == "heads":  # as Keras does: its scores are those before dropout
        np.testing.assert_array_equal(scores, plain)
        return
    dropped = scores == 0
    assert 0.22 < dropped.mean() < 0.28
    np.testing.assert_allclose(scores[~dropped], plain[~dropped] / 0.75, rtol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_repeats_what_is_dropped(kind):
    x = [numbers(*Q), numbers(*K)]

    def run(**options):
        return ready(make(kind, dropout=0.5, **options), x).run(x, True)[0]

    np.testing.assert_array_equal(run(seed=3), run(seed=3))
    assert (run(seed=3) != run(seed=4)).any()
    set_random_seed(1)
    one = run()
    set_random_seed(1)
    np.testing.assert_array_equal(one, run())
    assert (one != run()).any()


@pytest.mark.parametrize("kind", KINDS)
def test_backward_through_dropout(kind):
    x = [numbers(*Q), numbers(*V), numbers(*K)]
    layer = ready(make(kind, dropout=0.4, seed=1), x)
    r = numbers(*layer.run(x)[0].shape)

    def run():
        layer._generator = np.random.Generator(np.random.SFC64(9))  # the same weights are dropped
        return layer.run(x, True)

    def loss():
        return float((run()[0] * r).sum())

    dx = run()[1](r)
    for ours, part in zip(dx, x, strict=True):
        np.testing.assert_allclose(ours, gradient(loss, part), rtol=1e-6, atol=1e-8)


# -- layers as such ----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_shapes_and_types(kind, dtype):
    layer = make(kind, dtype=dtype)
    shapes = [(None, 3, 4), (None, 5, 3), (None, 5, 4)]
    x = [numbers(*s).astype(dtype) for s in (Q, V, K)]
    y, scores = call(layer, x, return_attention_scores=True)
    heads = (2,) if kind == "heads" else ()
    assert y.dtype == scores.dtype == dtype
    declared = layer.call_output_shape(shapes, return_attention_scores=True)
    assert declared == ((None, *y.shape[1:]), (None, *heads, 3, 5))
    assert scores.shape == (2, *heads, 3, 5)
    assert layer.call_output_shape(shapes) == declared[0]
    assert layer.run(x, True)[1](y)[1].dtype == dtype


@pytest.mark.parametrize("kind", KINDS)
def test_configs_make_the_same_layer(kind):
    x = [numbers(*Q).astype("float32"), numbers(*K).astype("float32")]
    layer = ready(make(kind, dropout=0.1, seed=4, name="one"), x)
    config = layer.get_config()
    assert "score_mode" not in config or kind != "additive"
    other = layers.get({"class_name": type(layer).__name__, "config": config})
    assert other.get_config() == config
    call(other, x)
    other.set_weights(layer.get_weights())
    np.testing.assert_array_equal(call(layer, x), call(other, x))


def test_copies_of_heads_have_their_weights():
    import copy

    x = numbers(*Q).astype("float32")
    layer = MultiHeadAttention(2, 3, kernel_regularizer="l2", bias_constraint="non_neg")
    y = layer(x, x)
    other = copy.deepcopy(layer)
    np.testing.assert_array_equal(other(x, x), y)
    assert other.query_dense.kernel.regularizer is not None
    assert [path for path, _, _ in layer.named_params()] == [
        f"{part}/{weight}"
        for part in ("query", "key", "value", "attention_output")
        for weight in ("kernel", "bias")
    ]
    assert len(layer.trainable_weights) == 8
    layer.trainable = False
    assert not layer.trainable_weights


def test_activities_of_all_four_projections_count():
    from lstmcore import context

    x = numbers(*Q)
    layer = ready(MultiHeadAttention(2, 3, activity_regularizer="l2", dtype="float64"), [x, x])
    with context.changed(penalties=[]) as now:
        layer.run([x, x], True)
    assert len(now.penalties) == 4


def test_attention_in_a_graph_learns_and_is_saved(tmp_path):
    steps = Input((None,), dtype="int32")
    h = LSTM(8, return_sequences=True)(Embedding(20, 6, mask_zero=True)(steps))
    a, scores = Attention(use_scale=True, dropout=0.1)(
        [h, h], return_attention_scores=True, use_causal_mask=True
    )
    heads = MultiHeadAttention(2, 4)(h, h, h, use_causal_mask=True)
    b = AdditiveAttention()([h, heads])
    model = Model(steps, Dense(1)(Concatenate()([h, a, heads, b])))
    assert scores.shape == (None, None, None)
    model.compile("adam", "mse")
    x = np.random.default_rng(0).integers(1, 20, (64, 12))
    x[::2, 9:] = x[:5] = 0
    y = (x[..., None] > 10).astype("float32")
    losses = model.fit(x, y, epochs=4, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    predicted = model.predict(x, verbose=0)
    assert np.isfinite(predicted).all()
    model.save(tmp_path / "a.safetensors")
    again = load_model(tmp_path / "a.safetensors")
    np.testing.assert_array_equal(again.predict(x, verbose=0), predicted)


def test_an_attention_mask_may_be_an_input():
    q, seen = Input((4, 3)), Input((4, 4))
    layer = MultiHeadAttention(2, 3)
    model = Model([q, seen], layer(q, q, attention_mask=seen))
    x, causal = numbers(2, 4, 3), np.tri(4) * np.ones((2, 1, 1))
    want = layer(x, x, use_causal_mask=True)
    np.testing.assert_array_equal(model.predict([x, causal], verbose=0), want)
    np.testing.assert_array_equal(layer([x, x], attention_mask=causal), want)  # as a list


@pytest.mark.parametrize(
    ("make_layer", "message"),
    [
        (lambda: Attention(score_mode="cosine"), "score_mode: expected 'dot' or 'concat'"),
        (lambda: Attention(dropout=1.5), "dropout: expected a number from 0 to below 1"),
        (lambda: Attention(seed="a"), "seed: expected an int"),
        (lambda: MultiHeadAttention(0, 3), "num_heads: expected a whole number from 1"),
        (lambda: MultiHeadAttention(2, 1.5), "key_dim: expected a whole number from 1"),
        (lambda: MultiHeadAttention(2, 3, attention_axes="1"), "attention_axes: expected None"),
        (lambda: MultiHeadAttention(2, 3, attention_axes=()), "attention_axes: expected None"),
        (lambda: MultiHeadAttention(2, 3, flash_attention=True), "flash_attention: expected None"),
        (lambda: MultiHeadAttention(2, 3, sliding_window=0), "sliding_window: expected"),
        (lambda: MultiHeadAttention(2, 3, output_shape="a"), "output_shape: expected"),
    ],
)
def test_what_is_no_option_is_refused(make_layer, message):
    with pytest.raises(ValueError, match=message):
        make_layer()


def test_an_unknown_option_suggests_the_nearest():
    with pytest.raises(TypeError, match="did you mean 'use_scale'"):
        Attention(use_scal=True)
    with pytest.raises(TypeError, match="score_mode"):
        AdditiveAttention(score_mode="dot")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        ([(2, 3, 4)], "x: expected a list of query and value"),
        ([(2, 3)] * 2, "query: expected an array of shape \\(batch, time, features\\)"),
        ([(2, 3, 4), (3, 5, 4)], "as many samples in each array, got 2, 3"),
        ([(2, 3, 4), (2, 5, 4), (2, 6, 4)], "key: expected as many steps as value has, 5, got 6"),
    ],
)
def test_wrong_shapes_say_what_is_wrong(kind, shapes, message):
    x = [np.zeros(s) for s in shapes]
    with pytest.raises(ValueError, match=message):
        layers.Layer.__call__(make(kind), x)


@pytest.mark.parametrize("kind", ["plain", "concat", "additive"])
def test_a_key_has_the_features_of_its_query(kind):
    with pytest.raises(ValueError, match="value: expected as many features as query has, 4, got 3"):
        make(kind)([np.zeros(Q), np.zeros(V)])


@pytest.mark.parametrize("kind", KINDS)
def test_one_array_is_no_list(kind):
    with pytest.raises(ValueError, match="x: expected a list of"):
        layers.Layer.__call__(make(kind), np.zeros(Q))


def test_later_calls_are_checked_too():
    layer = MultiHeadAttention(2, 3)
    layer(np.zeros(Q), np.zeros(V))
    with pytest.raises(ValueError, match="value: expected 3 features"):
        layer(np.zeros(Q), np.zeros(K))
    with pytest.raises(ValueError, match="attention_mask: expected shape \\(2, 3, 5\\)"):
        layer(np.zeros(Q), np.zeros(V), attention_mask=np.ones((3, 4)))
    with pytest.raises(ValueError, match="attention_mask: expected truth values"):
        layer(np.zeros(Q), np.zeros(V), attention_mask="causal")
    with pytest.raises(ValueError, match="value_mask: expected shape \\(2, 5\\)"):
        layer(np.zeros(Q), np.zeros(V), value_mask=np.ones((2, 3)))
    additive = AdditiveAttention()
    additive([np.zeros(Q), np.zeros(K)])
    with pytest.raises(ValueError, match="query: expected 4 features, got 3"):
        additive([np.zeros((2, 3, 3)), np.zeros(V)])


def test_additive_attention_over_arrays_whose_time_lies_outermost():
    """As in the outputs of recurrent layers."""
    h = numbers(5, 3, 4).swapaxes(0, 1)
    attention = layers.AdditiveAttention(dtype="float64")
    y = attention([h.copy(), h.copy()])
    np.testing.assert_array_equal(attention([h, h]), y)
    for x in ([h, h], [h.copy(), h]):
        again, back = attention.forward(x, True)
        np.testing.assert_array_equal(again, y)
        back(y)
