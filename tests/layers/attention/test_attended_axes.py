"""Attention over any axes, held to attention over one; masks of all axes; what does not fit."""

import numpy as np
import pytest
from gradients import check_backward
from helpers import numbers

from lstmcore import Input, Model, layers, load_model
from lstmcore.layers import Dense, GlobalAveragePooling1D, MultiHeadAttention, TimeDistributed
from lstmcore.utils import set_random_seed

Q, V = numbers(2, 3, 4, 3), numbers(2, 3, 5, 3) + 0.1  # samples, documents, words, features
QUERY_MASK = np.arange(4) < np.array([[4, 2, 3], [1, 4, 4]])[..., None]
VALUE_MASK = np.arange(5) < np.array([[5, 1, 3], [2, 5, 4]])[..., None]


@pytest.fixture(autouse=True)
def seeded():
    set_random_seed(1)


def of_words(**options):
    """A layer in which the words of a document attend to each other, and its twin of three axes."""
    made = [
        MultiHeadAttention(2, 2, **more, **options)
        for more in ({"attention_axes": 2, "dtype": "float64"}, {"dtype": "float64"})
    ]
    made[0](Q, V)
    made[1](Q[:, 0], V[:, 0])
    for layer in made:
        layer.set_weights([numbers(*p.shape) + 0.3 for p in layer.weights])
    return made


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("options", [{}, {"sliding_window": 2, "use_gate": True}])
def test_each_document_is_attended_alone(options, causal):
    layer, one = of_words(**options)
    masks = {"query_mask": QUERY_MASK, "value_mask": VALUE_MASK}
    call = {"use_causal_mask": causal, "return_attention_scores": True}
    y, scores = layer(Q, V, **masks, **call)
    assert y.shape == Q.shape
    assert scores.shape == (2, 3, 2, 4, 5)
    for k in range(3):
        own = {name: mask[:, k] for name, mask in masks.items()}
        want, its = one(Q[:, k], V[:, k], **own, **call)
        np.testing.assert_allclose(y[:, k], want, atol=1e-14)
        np.testing.assert_allclose(scores[:, k], its, atol=1e-14)


def test_the_first_of_three_axes_is_attended():
    """Axes come back in their places, of outputs and of gradients."""
    layer, one = MultiHeadAttention(2, 2, attention_axes=1, dtype="float64"), of_words()[1]
    x = numbers(2, 4, 2, 3, 3)
    layer(x, x)
    layer.set_weights(one.get_weights())
    y, back = layer.forward([x, x], True)
    dx = back(np.cos(y))
    for j in range(2):
        for k in range(3):
            part = np.ascontiguousarray(x[:, :, j, k])
            want, one_back = one.forward([part, part], True)
            np.testing.assert_allclose(y[:, :, j, k], want, atol=1e-14)
            for got, right in zip(dx, one_back(np.cos(want)), strict=True):
                np.testing.assert_allclose(got[:, :, j, k], right, atol=1e-14)


def test_all_axes_are_one_long_axis():
    layer, one = MultiHeadAttention(2, 2, dtype="float64"), of_words()[1]
    layer(Q, V)
    layer.set_weights(one.get_weights())
    flat = one(Q.reshape(2, 12, 3), V.reshape(2, 15, 3), value_mask=VALUE_MASK.reshape(2, 15))
    y = layer(Q, V, value_mask=VALUE_MASK)
    np.testing.assert_allclose(y, flat.reshape(Q.shape), atol=1e-14)


def test_a_mask_of_documents_is_one_of_their_words():
    layer, _ = of_words()
    documents = np.array([[1, 1, 0], [1, 0, 1]], bool)
    words = np.broadcast_to(documents[..., None], (2, 3, 5))
    np.testing.assert_array_equal(layer(Q, V, value_mask=documents), layer(Q, V, value_mask=words))
    nan = np.where(words[..., None], V, np.nan)
    np.testing.assert_array_equal(
        layer(Q, nan, value_mask=documents), layer(Q, V, value_mask=documents)
    )


@pytest.mark.parametrize("shape", [(4, 5), (2, 4, 5), (2, 3, 4, 5), (2, 3, 1, 4, 5), (1, 5)])
def test_attention_masks_have_the_scores_last_axes(shape):
    layer, one = of_words()
    seen = np.random.default_rng(3).random(shape) < 0.6
    seen[..., 0] = True
    y = layer(Q, V, attention_mask=seen)
    whole = np.broadcast_to(
        seen.reshape(seen.shape[:-2][:2] + (1,) * (4 - min(seen.ndim, 4)) + seen.shape[-2:])
        if seen.ndim < 5
        else seen[:, :, 0],
        (2, 3, 4, 5),
    )
    for k in range(3):
        want = one(Q[:, k], V[:, k], attention_mask=whole[:, k])
        np.testing.assert_allclose(y[:, k], want, atol=1e-14)


@pytest.mark.parametrize(
    "options",
    [
        {"attention_axes": 2, "use_gate": True},
        {"attention_axes": 1, "value_dim": 3, "output_shape": (2, 2)},
        {},
        {"attention_axes": (2, 1), "dropout": 0.3, "seed": 3},
    ],
)
def test_gradients(options):
    layer = MultiHeadAttention(2, 2, dtype="float64", **options)
    q, v = numbers(2, 2, 3, 2), numbers(2, 2, 3, 2)[::-1].copy()
    layer(q, v)
    layer.set_weights([numbers(*p.shape) + 0.3 for p in layer.weights])
    state = layer._generator and layer._generator.bit_generator.state

    def rewind():
        if state:
            layer._generator.bit_generator.state = state

    mask = [None, np.arange(3) < np.array([[3, 1], [2, 3]])[..., None]]
    check_backward(
        layer,
        [q, v],
        mask,
        training=True,
        before=rewind,
        weight_atol=1e-7,
        return_attention_scores=True,
        use_causal_mask=options.get("attention_axes") in (1, 2),
    )


def test_shapes_as_keras_asks_for_them():
    layer = MultiHeadAttention(2, 3)
    query, value, key = (None, 8, 5), (None, 6, 4), (None, 6, 3)
    assert layer.compute_output_shape(query, value) == query
    assert layer.compute_output_shape(query_shape=query, value_shape=value, key_shape=key) == query
    assert layer.compute_output_shape([query, value, key]) == query
    wide = MultiHeadAttention(2, 3, output_shape=(7, 2), attention_axes=(1,))
    assert wide.compute_output_shape((2, 8, 3, 5), (2, 6, 3, 5)) == (2, 8, 3, 7, 2)
    with pytest.raises(ValueError, match="key: expected as many steps as value has, 6, got 7"):
        layer.compute_output_shape(query, value, (None, 7, 3))


def test_in_a_graph(tmp_path):
    x = Input((3, 4, 3))
    h, scores = MultiHeadAttention(2, 2, attention_axes=-2)(
        x, x, return_attention_scores=True, use_causal_mask=True
    )
    assert h.shape == (None, 3, 4, 3)
    assert scores.shape == (None, 3, 2, 4, 4)
    y = TimeDistributed(GlobalAveragePooling1D())(h)
    model = Model(x, Dense(1)(GlobalAveragePooling1D()(y)))
    model.compile("adam", "mse")
    model.fit(Q, Q[:, 0, 0, 0], epochs=2, verbose=0)
    model.save(tmp_path / "m.safetensors")
    again = load_model(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(again.predict(Q), model.predict(Q))
    assert again.layers[1].attention_axes == (-2,)


REFUSED = [
    ({"attention_axes": 3}, (Q, V), "attention_axes: expected different axes between batch and"),
    ({"attention_axes": 0}, (Q, V), "attention_axes: expected different axes between batch and"),
    ({"attention_axes": -1}, (Q, V), "attention_axes: expected different axes between batch and"),
    ({"attention_axes": (1, -3)}, (Q, V), "attention_axes: expected different axes"),
    ({"attention_axes": 2}, (Q[:, 0], V[:, 0]), "which has 3, got"),
    ({"attention_axes": 2}, (Q, V[:, :2]), "value: expected size 3 of axis 1, which is not att"),
    ({"attention_axes": 1}, (Q, V), "value: expected size 4 of axis 2, which is not att"),
    ({}, (Q, V[:, 0]), "value: expected 4 axes, as query has"),
    ({"attention_axes": 2}, (Q, V, V[:, :, :4]), r"key: expected as many steps as value has, \(3"),
    ({}, (Q[:, 0, 0], V[:, 0, 0]), r"query: expected an array of shape \(batch, time, features\)"),
]


@pytest.mark.parametrize(("options", "x", "said"), REFUSED)
def test_what_does_not_fit(options, x, said):
    with pytest.raises(ValueError, match=said):
        MultiHeadAttention(2, 2, **options)(*x)


def test_masks_that_do_not_fit():
    layer, _ = of_words()
    with pytest.raises(ValueError, match=r"value_mask: expected shape \(2, 3\), as x has"):
        layer(Q, V, value_mask=QUERY_MASK)
    with pytest.raises(ValueError, match=r"attention_mask: expected shape \(2, 4, 5\), or what"):
        layer(Q, V, attention_mask=np.ones((2, 5, 4)))
    wide = MultiHeadAttention(2, 2)
    with pytest.raises(ValueError, match="one attended axis with use_causal_mask or sliding_win"):
        wide(Q, V, use_causal_mask=True)
    with pytest.raises(ValueError, match="one attended axis with use_causal_mask or sliding_win"):
        MultiHeadAttention(2, 2, sliding_window=2)(Q, V)


# -- GroupQueryAttention -----------------------------------------------------------------------


def groups(heads, pairs, **options):
    return layers.GroupQueryAttention(2, heads, pairs, dtype="float64", **options)


def test_groups_of_one_are_multi_head_attention():
    q, v = Q[:, 0], V[:, 0]
    one, other = groups(2, 2), MultiHeadAttention(2, 2, dtype="float64")
    masks = {"query_mask": QUERY_MASK[:, 0], "value_mask": VALUE_MASK[:, 0]}
    one(q, v)
    want = other(q, v, use_causal_mask=True, **masks)
    one.set_weights(other.get_weights())
    np.testing.assert_array_equal(one(q, v, use_causal_mask=True, **masks), want)


def test_groups_share_their_keys_and_values():
    """Held to a layer that has each head of keys and values as often as it is used."""
    q, v = Q[:, 0], V[:, 0]
    one, other = groups(4, 2), MultiHeadAttention(4, 2, dtype="float64")
    other(q, v)
    want, scores = one(q, v, return_attention_scores=True)
    repeated = [
        np.repeat(w, 2, axis=-2) if 2 <= k < 6 else w for k, w in enumerate(one.get_weights())
    ]
    other.set_weights(repeated)
    y, same = other(q, v, return_attention_scores=True)
    np.testing.assert_allclose(y, want, atol=1e-14)
    np.testing.assert_allclose(scores, same, atol=1e-14)


@pytest.mark.parametrize("options", [{}, {"use_bias": False, "use_gate": True, "dropout": 0.3}])
def test_gradients_of_groups(options):
    q, v, k = Q[:, 0], V[:, 0], V[:, 1]
    layer = groups(4, 2, seed=3, **options)
    layer(q, v, k)
    state = layer._generator.bit_generator.state

    def rewind():
        layer._generator.bit_generator.state = state

    mask = [QUERY_MASK[:, 0], VALUE_MASK[:, 0]]
    x = [q.copy(), v.copy(), k.copy()]
    check_backward(layer, x, mask, training=True, before=rewind, return_attention_scores=True)


def test_groups_in_configs_and_what_is_refused():
    layer = groups(4, 2, sliding_window=3, kernel_regularizer="l2")
    assert type(layer).from_config(layer.get_config()).get_config() == layer.get_config()
    assert list(type(layer).arguments)[:6] == [
        *("head_dim", "num_query_heads", "num_key_value_heads"),
        *("dropout", "use_bias", "sliding_window"),
    ]
    with pytest.raises(ValueError, match="num_key_value_heads: expected a divisor of num_query_h"):
        groups(4, 3)
    with pytest.raises(ValueError, match=r"query: expected an array of shape \(batch, time, feat"):
        groups(4, 2)(Q, V)
    with pytest.raises(TypeError, match="GroupQueryAttention has no argument 'key_dim'"):
        layers.GroupQueryAttention(key_dim=3)


def test_a_gate_scales_each_head():
    q, v = Q[:, 0], V[:, 0]
    layer = MultiHeadAttention(2, 2, use_gate=True, dtype="float64")
    plain = MultiHeadAttention(2, 2, dtype="float64")
    plain(q, v)
    layer(q, v)
    gate = layer.weights[4:6]
    assert [p.shape for p in gate] == [(3, 2, 2), (2, 2)]
    weights = plain.get_weights()
    open_wide = [np.zeros((3, 2, 2)), np.full((2, 2), 50.0)]  # sigmoid(50) is 1
    layer.set_weights([*weights[:4], *open_wide, *weights[4:]])
    np.testing.assert_allclose(layer(q, v), plain(q, v), atol=1e-14)
