"""Masks in graphs: wherever masked steps stand, what follows is what `predict` makes of them."""

import numpy as np
import onnx
import pytest
from onnx_exports import exported, same

from lstmcore import Input, Model, Sequential, layers
from lstmcore.interchange.onnx.exporting import model_bytes
from lstmcore.utils import set_random_seed

TOKENS = np.array([[3, 1, 0, 2, 0], [0, 0, 4, 1, 2], [5, 2, 0, 0, 0], [0, 0, 0, 0, 0]])
TRAILING = np.array([[3, 1, 2, 0, 0], [4, 1, 2, 3, 5], [5, 0, 0, 0, 0], [0, 0, 0, 0, 0]])


def embedded(*after):
    set_random_seed(1)
    start = [Input((None,), dtype="int32"), layers.Embedding(7, 4, mask_zero=True)]
    return Sequential([*start, *after])


def ops(model, **options):
    graph = onnx.load_from_string(model_bytes(model, **options)).graph
    return [node.op_type for node in graph.node]


LAST = {
    "last": [layers.LSTM(3)],
    "carried": [layers.LSTM(3, return_sequences=True)],
    "zeros": [layers.GRU(3, return_sequences=True, zero_output_for_mask=True)],
    "backwards": [layers.GRU(3, return_sequences=True, go_backwards=True), layers.LSTM(2)],
    "mask_in_order": [
        layers.GRU(3, return_sequences=True, go_backwards=True, reverse_mask=False),
        layers.LSTM(2),
    ],
    "pooled": [layers.SimpleRNN(3, return_sequences=True), layers.GlobalAveragePooling1D()],
    "distributed": [
        layers.TimeDistributed(layers.Dense(3)),
        layers.Dropout(0.5),
        layers.LSTM(2, return_sequences=True),
        layers.Dense(2),
    ],
    "largest": [layers.GlobalMaxPooling1D(use_mask=True)],
    "normalized": [layers.GroupNormalization(2), layers.LSTM(2)],
    "windows": [layers.Conv1D(3, 2, padding="causal", use_mask=True), layers.LSTM(2)],
}


@pytest.mark.parametrize("after", LAST.values(), ids=LAST)
def test_masked_steps_anywhere(after):
    model = embedded(*after)
    same(exported(model).run([TOKENS]), [model.predict(TOKENS, verbose=0)])


@pytest.mark.parametrize("after", LAST.values(), ids=LAST)
def test_trailing_padding(after):
    model = embedded(*after)
    graph = exported(model, padding="trailing")
    same(graph.run([TRAILING]), [model.predict(TRAILING, verbose=0)])


def test_trailing_padding_is_a_length_and_nothing_else():
    model = embedded(layers.LSTM(3))
    assert "TopK" in ops(model)
    assert "TopK" not in ops(model, padding="trailing")
    for padding, said in (("any", "wherever they stand"), ("trailing", "for trailing padding")):
        proto = onnx.load_from_string(model_bytes(model, padding=padding))
        assert said in proto.graph.doc_string
        assert {p.key: p.value for p in proto.metadata_props}["padding"] == padding
        (lstm,) = [n for n in proto.graph.node if n.op_type == "LSTM"]
        assert lstm.input[4]  # sequence_lens


def test_lengths_of_rows():
    set_random_seed(1)
    model = Sequential([Input((None, 2)), layers.LSTM(3, return_sequences=True), layers.GRU(2)])
    rows = [np.random.default_rng(k).normal(size=(n, 2)) for k, n in enumerate((5, 1, 3))]
    x = np.zeros((3, 5, 2), "float32")
    for row, values in zip(x, rows, strict=True):
        row[: len(values)] = values
    graph = exported(model, lengths=True)
    assert [(t.name, t.dtype) for t in graph.runner.inputs[1:]] == [("lengths", "int32")]
    same(graph.run([x, [5, 1, 3]]), [model.predict(rows, verbose=0)])
    assert "TopK" not in ops(model, lengths=True)
    proto = onnx.load_from_string(model_bytes(model, lengths=True))
    found = {n.op_type: n.input[4] for n in proto.graph.node if n.op_type in ("LSTM", "GRU")}
    assert found == {"LSTM": "lengths", "GRU": "lengths"}


def test_lengths_of_several_inputs():
    set_random_seed(1)
    a, b, c = Input((None, 2), name="a"), Input((None, 2), name="b"), Input((2,), name="c")
    parts = [layers.GRU(3)(a), layers.GRU(3)(b), c]
    model = Model([a, b, c], layers.Concatenate()(parts))
    names = [t.name for t in exported(model, lengths=True).runner.inputs]
    assert names == ["a", "b", "c", "a_lengths", "b_lengths"]


def test_a_mask_that_is_given():
    set_random_seed(1)
    x, m = Input((None, 3)), Input((None,), dtype="bool")
    model = Model([x, m], layers.LSTM(2)(x, mask=m))
    values = np.random.default_rng(0).normal(size=(2, 4, 3)).astype("float32")
    mask = np.array([[1, 0, 1, 1], [0, 1, 0, 0]])
    same(exported(model).run([values, mask]), [model.predict([values, mask], verbose=0)])


def test_masks_meet():
    """Merged, of parts of steps, and through attention."""
    set_random_seed(1)
    x = Input((None,), dtype="int32")
    h = layers.Embedding(7, 4, mask_zero=True)(x)
    g = layers.Embedding(7, 4)(x)
    attended = layers.MultiHeadAttention(2, 3)(h, h, use_causal_mask=True)
    merged = layers.Multiply()([h, layers.Masking(0.1)(g)])
    joined = layers.Concatenate()([attended, layers.Maximum()([merged, h]), g])
    model = Model(x, [layers.LSTM(3)(joined), layers.Attention()([h, h])])
    same(exported(model).run([TOKENS]), model.predict(TOKENS, verbose=0))


def test_masks_of_keras_2_meet():
    set_random_seed(1)
    x, y = Input((None,), dtype="int32"), Input((None,), dtype="int32")
    parts = [layers.Embedding(7, 4, mask_zero=True)(part) for part in (x, y)]
    merged = layers.Multiply(unmasked="all")(parts)
    joined = layers.Concatenate(unmasked="all")([merged, layers.Embedding(7, 2)(x)])
    model = Model([x, y], layers.LSTM(3)(joined))
    given = [TOKENS, TOKENS[::-1]]
    same(exported(model).run(given), [model.predict(given, verbose=0)])


def test_inputs_of_unlike_shapes():
    set_random_seed(1)
    x, y = Input((None,), dtype="int32"), Input((4,))
    h = layers.Embedding(7, 4, mask_zero=True)(x)
    once = layers.GlobalMaxPooling1D(keepdims=True, use_mask=True)(h)
    merged = layers.Maximum()([h, y])
    model = Model([x, y], layers.LSTM(3)(layers.Multiply()([once, merged])))
    given = [TOKENS, np.sin(np.arange(16, dtype="float32")).reshape(4, 4)]
    same(exported(model).run(given), [model.predict(given, verbose=0)])


def test_characters_of_words():
    set_random_seed(1)
    x = Input((None, 3), dtype="int32")
    h = layers.Embedding(7, 4, mask_zero=True)(x)
    words = layers.TimeDistributed(layers.LSTM(3))(h)
    model = Model(x, layers.LSTM(2, return_sequences=True)(words))
    values = np.array([[[1, 2, 0], [0, 0, 0], [3, 0, 0]], [[0, 5, 6], [1, 1, 1], [0, 0, 0]]])
    same(exported(model).run([values]), [model.predict(values, verbose=0)])


def test_what_stands_at_masked_steps_does_not_matter():
    set_random_seed(1)
    model = Sequential([Input((None, 2)), layers.LSTM(3, return_sequences=True), layers.LSTM(2)])
    x = np.random.default_rng(0).normal(size=(2, 4, 2)).astype("float32")
    graph = exported(model, lengths=True)
    first = graph.run([x, [4, 2]])
    x[1, 2:] = np.nan
    same(graph.run([x, [4, 2]]), first)
