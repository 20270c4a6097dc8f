"""What layers store, by products, and that it is made again when weights change."""

import numpy as np
import pytest
from quantized_models import SERIES, attending, streamed, tokens

from lstmcore import layers
from lstmcore.layers.stored import stored
from lstmcore.quantization.quantize import all_layers

SHAPES = {
    "embedding": {("embeddings",): (30,)},
    "forward_lstm": {("kernel", "recurrent_kernel"): (32,)},
    "step": {("kernel",): (6,)},
    "gru": {("kernel", "recurrent_kernel"): (24,)},
    "table": {("embeddings",): (30,)},
    "own": {("embeddings",): (30,), ("reverse_embeddings",): (30,)},
    "heads": {},
    "product": {("kernel",): (8,)},
    "shared": {("kernel",): (7, 8)},
    "lstm": {("kernel", "recurrent_kernel"): (32,)},
    "peepholes": {("kernel", "recurrent_kernel"): (32,)},
    "cifg": {("kernel", "recurrent_kernel"): (12,)},
    "fgr": {("kernel", "recurrent_kernel", "gate_kernel"): (16,)},
}


def found(model, name):
    return next(layer for _, layer in all_layers(model) if layer.name == name)


@pytest.mark.parametrize("make", [tokens, streamed, attending])
def test_products_and_the_shapes_of_their_scales(make):
    seen = set()
    for _, layer in all_layers(make()):
        if layer.name in SHAPES:
            products = {
                tuple(p.name for p in product.weights): product.scale_shape()
                for product in layer.stored_products()
            }
            assert products == SHAPES[layer.name]
            seen.add(layer.name)
    assert len(seen) >= 4


def test_projections_of_heads():
    heads = found(attending(), "heads")
    query, output = heads.query_dense, heads.output_dense
    assert query.kernel.shape == (8, 2, 4)
    assert query.stored_products()[0].scale_shape() == (2, 4)
    assert output.kernel.shape == (2, 4, 8)
    assert output.stored_products()[0].scale_shape() == (8,)


def test_scales_of_full_gate_recurrence():
    layer = layers.LSTM(2, variant="FGR")
    layer.build((None, None, 3))
    layer.set_weights([0 * w for w in layer.get_weights()])
    (product,) = layer.stored_products()
    for gate, at in zip("ifo", (0, 2, 4), strict=True):
        weight = np.zeros((6, 6), np.float32)
        weight[3, at + 1] = 127
        scale = product.scales([layer.kernel.value, layer.recurrent_kernel.value, weight])
        column = layer.core_cell.gates.index(gate) * 2 + 1
        assert np.flatnonzero(scale).tolist() == [column]
        assert scale[column] == 1


def test_it_is_made_again_when_weights_or_the_format_change():
    layer = layers.Dense(2)
    layer.build((None, 3))
    layer.storage, made = "int8", []

    def make():
        made.append(layer.storage)
        return len(made)

    assert [stored(layer, "x", make) for _ in range(3)] == [1, 1, 1]
    assert stored(layer, "y", make) == 2
    layer.kernel.assign_add(1)
    assert [stored(layer, "x", make) for _ in range(2)] == [3, 3]
    layer.storage = "float16"
    assert stored(layer, "x", make) == 4
    assert made == ["int8", "int8", "int8", "float16"]
    with pytest.raises(ValueError, match=r"training: expected float32 weights \(model.dequantize"):
        stored(layer, "x", make, grad=True)
    assert len(made) == 4


def test_a_layer_alone_can_be_run_after_its_format_is_set():
    layer = layers.LSTM(4)
    y = layer(SERIES)
    layer.storage = "bfloat16"
    near = layer(SERIES)
    assert not np.array_equal(near, y)
    np.testing.assert_allclose(near, y, atol=0.02)
    layer.storage = None
    assert np.array_equal(layer(SERIES), y)
