"""Ops of a graph, and the operators of symbolic tensors."""

import numpy as np
import pytest
from onnx_exports import exported, same

from lstmcore import Input, Model, layers, ops
from lstmcore.interchange.onnx.exporting import model_bytes
from lstmcore.utils import set_random_seed

X = np.random.default_rng(3).normal(size=(2, 5, 4)).astype("float32")
SHIFT = np.arange(4.0)
CASES = {
    "arithmetic": lambda x: (2 * x - x / 3 + 1 - SHIFT) * x**2 @ np.eye(4, 3),
    "elementwise": lambda x: ops.exp(-ops.abs(x)) + ops.sin(x) + ops.sqrt(ops.square(x) + 1),
    "comparisons": lambda x: ops.where(x > 0.1, x, ops.maximum(x, -0.3)),
    "logic": lambda x: ops.cast(ops.logical_and(x > 0, ops.logical_not(x >= 1)), "float32"),
    "clip": lambda x: ops.clip(x, -0.5, 0.7) + ops.round(x) + ops.sign(x),
    "activations": lambda x: ops.relu(x) + ops.gelu(x) + ops.leaky_relu(x, 0.1) + ops.silu(x),
    "softmax": lambda x: ops.softmax(x, axis=1) + ops.log_softmax(x),
    "reductions": lambda x: ops.mean(x, axis=1) + ops.max(x, axis=1) - ops.var(x, axis=1),
    "kept": lambda x: x / ops.sum(x * x, axis=(1, 2), keepdims=True) + ops.cumsum(x, axis=1),
    "shapes": lambda x: ops.expand_dims(ops.transpose(x, (0, 2, 1)), -1),
    "moved": lambda x: ops.swapaxes(ops.moveaxis(x, -1, 1), 1, 2) + ops.flip(x, axis=1),
    "joined": lambda x: ops.concatenate([x, ops.stack([x[..., 0]] * 2, axis=-1)], axis=-1),
    "slices": lambda x: x[:, ::-1, 1:] + x[:, :1, :3] + x[:, -1, None, -1:],
    "einsum": lambda x: ops.einsum("btf,bsf->bts", x, x),
    "reshape": lambda x: ops.reshape(x, (-1, 20)),
    "filled": lambda x: ops.ones_like(x) + ops.zeros_like(x) * x,
    "taken": lambda x: ops.take(x, [2, 0, -1], axis=1),
    "padded": lambda x: ops.pad(x, [[0, 0], [1, 2], [0, 1]], "constant", 0.5),
    "reflected": lambda x: ops.pad(x, [[0, 0], [1, 2], [0, 0]], "reflect"),
    "argmax": lambda x: ops.argmax(x, axis=-1),
}


@pytest.mark.parametrize("make", CASES.values(), ids=CASES)
def test_ops(make):
    x = Input((5, 4))
    model = Model(x, make(x))
    same(exported(model).run([X]), [model.predict(X, verbose=0)])


def test_the_layers_stay_as_they_are():
    x = Input((5, 4))
    model = Model(x, ops.exp(x))
    before = model.get_config()
    model_bytes(model)
    assert model.get_config() == before


def test_attention_by_hand():
    set_random_seed(1)
    x = Input((None, 4))
    h = layers.LSTM(3, return_sequences=True)(x)
    weights = ops.softmax(layers.Dense(1, "tanh")(h), axis=1)
    model = Model(x, ops.sum(weights * h, axis=1))
    same(exported(model).run([X]), [model.predict(X, verbose=0)])


@pytest.mark.parametrize("make", [ops.sort, lambda x: ops.norm(x, axis=-1)], ids=["sort", "norm"])
def test_ops_without_an_operator_are_refused(make):
    x = Input((5, 4))
    with pytest.raises(ValueError, match=r"\(Operation\): op: expected an op .*, got ops\.\w+"):
        model_bytes(Model(x, make(x)))
