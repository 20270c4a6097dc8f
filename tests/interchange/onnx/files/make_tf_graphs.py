"""Freeze graphs that tf2onnx writes of tf_keras models, with their own outputs at two sizes.

Run by hand where tensorflow, tf_keras and tf2onnx are installed: python make_tf_graphs.py
"""

import os
import sys
import warnings
from pathlib import Path

os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", TF_USE_LEGACY_KERAS="1")
warnings.filterwarnings("ignore")
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
import tf2onnx  # noqa: E402
from tf_keras import Model, Sequential, layers  # noqa: E402

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[2] / "support"))
from onnx_graphs import store  # noqa: E402

rng = np.random.default_rng(0)


def chain(*parts, shape=(None, 3)):
    return Sequential([layers.Input(shape), *parts])


def seq2seq():
    x, z = layers.Input((None, 3)), layers.Input((None, 2))
    _, h, c = layers.LSTM(4, return_state=True)(x)
    return Model([x, z], layers.LSTM(4, return_sequences=True)(z, initial_state=[h, c]))


MODELS = {
    "bidirectional": chain(
        layers.Bidirectional(layers.LSTM(4, return_sequences=True)),
        layers.Bidirectional(layers.GRU(3)),
        layers.Dense(2, activation="softmax"),
    ),
    "backwards": chain(layers.LSTM(4, go_backwards=True, recurrent_activation="hard_sigmoid")),
    "convolutions": chain(
        layers.Conv1D(4, 3, padding="causal", activation="relu"),
        layers.MaxPooling1D(2, padding="same"),
        layers.LSTM(4, activation="relu"),
    ),
    "normalized": chain(
        layers.BatchNormalization(),
        layers.GRU(4, return_sequences=True),
        layers.LayerNormalization(),
        layers.GlobalMaxPooling1D(),
    ),
    "repeated": chain(
        layers.LSTM(4),
        layers.RepeatVector(3),
        layers.LSTM(4, return_sequences=True),
        layers.TimeDistributed(layers.Dense(2)),
    ),
    "tokens": chain(layers.Embedding(9, 3), layers.LSTM(4), shape=(None,)),
    "seq2seq": seq2seq(),
    "loop": chain(layers.LSTM(4, recurrent_dropout=0.1), shape=(5, 3)),
}


def arrays(model, name, batch, steps):
    shapes = [
        [n or m for n, m in zip(i.shape, (batch, steps, 0), strict=False)] for i in model.inputs
    ]
    if name == "tokens":
        return [rng.integers(0, 9, shape).astype("float32") for shape in shapes]
    return [rng.standard_normal(shape).astype("float32") for shape in shapes]


def cases():
    for name, model in MODELS.items():
        for weight in model.weights:
            value = rng.standard_normal(weight.shape) * 0.5
            weight.assign(np.abs(value) if "variance" in weight.name else value)
        names = [i.name.split(":")[0] for i in model.inputs]
        signature = [
            tf.TensorSpec([None, *i.shape[1:]], i.dtype, name=own)
            for i, own in zip(model.inputs, names, strict=True)
        ]

        def call(*x, model=model):
            return model(list(x) if len(x) > 1 else x[0], training=False)

        function = tf.function(call, input_signature=signature)
        for opset in (12, 17):
            proto, _ = tf2onnx.convert.from_function(
                function, input_signature=signature, opset=opset
            )
            proto.graph.name = f"{name}.{opset}"
            for batch, steps in ((2, 5), (3, 7 if name != "loop" else 5)):
                given = arrays(model, name, batch, steps)
                feeds = dict(zip([v.name for v in proto.graph.input], given, strict=True))
                yield proto, feeds, [call(*given).numpy()]


if __name__ == "__main__":
    store(HERE / "tf_graphs.npz", list(cases()))
