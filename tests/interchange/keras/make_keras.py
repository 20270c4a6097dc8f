"""Make files/keras_VERSION.zip: small models that a genuine Keras 2 or 3 wrote.

    python tests/interchange/keras/make_keras.py keras      # Keras 2.2.4 and 2.3.1, Keras 3.15.1
    python tests/interchange/keras/make_keras.py tf         # TensorFlow 2.15.1
    python tests/interchange/keras/make_keras.py tf_keras   # tf_keras 2.21.0

Environments: Keras 2.2.4 and 2.3.1 need Python 3.7, tensorflow==1.15.5, h5py<3, protobuf<3.21 and
numpy<1.19; the others Python 3.11 with tensorflow-cpu 2.15.1, or 2.21.0 with tf_keras and Keras.
"""

import importlib
import os
import sys

import numpy as np
from packing import Pack

FILES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "files")
NAME = {"tf": "tensorflow.keras"}.get(sys.argv[1], sys.argv[1])
keras = importlib.import_module(NAME)
layers = importlib.import_module(NAME + ".layers")
Model, Sequential = keras.models.Model, keras.models.Sequential
VERSION = getattr(keras, "__version__", None) or sys.modules["keras"].__version__
AGE = int(VERSION[0])
TENSORFLOW = NAME != "keras" or AGE == 3
random = np.random.RandomState(7)


def normal(*shape):
    return random.randn(*shape).astype("float32")


SERIES = normal(2, 5, 3)
WORDS = np.array([[1, 2, 3, 4, 5], [6, 7, 8, 0, 0]])
OLD = {"recurrent_activation": "hard_sigmoid"}


def embedding(size, length=5, **options):
    return layers.Embedding(size, 3, **options, **({} if AGE == 3 else {"input_length": length}))


def stack():
    """The defaults of the day: hard_sigmoid before Keras 2.3."""
    first = layers.LSTM(3, return_sequences=True, input_shape=(5, 3))
    return Sequential([first, layers.LSTM(2, **OLD), layers.Dense(2, activation="softmax")]), SERIES


def gru():
    first = layers.GRU(3, return_sequences=True, input_shape=(5, 3))
    second = layers.GRU(2, return_sequences=True, reset_after=True, **OLD)
    return Sequential([first, second, layers.GRU(2, reset_after=False, use_bias=False)]), SERIES


def masked():
    """What masked steps of a Bidirectional give; masks of unlike branches; a turned sequence."""
    one, two = layers.Input((5,)), layers.Input((5,))
    shared = embedding(9, mask_zero=True)
    both = layers.Bidirectional(layers.LSTM(2, return_sequences=True))(shared(one))
    joined = layers.Concatenate()([both, shared(two)])
    turned = layers.GRU(2, return_sequences=True, go_backwards=True)(joined)
    outputs = [both, layers.SimpleRNN(2, activation="softsign", use_bias=False)(turned)]
    return Model([one, two], outputs), [WORDS, np.array([[0, 2, 3, 4, 5], [0, 6, 7, 8, 0]])]


def convolution():
    conv = layers.Conv1D(3, 2, padding="causal", activation="relu", input_shape=(5, 3))
    both = layers.Bidirectional(layers.GRU(2, return_sequences=True), merge_mode="sum")
    norm, pool = layers.BatchNormalization(), layers.MaxPooling1D(2, padding="same")
    rest = [layers.GlobalMaxPooling1D(), layers.Dense(2, activation="elu")]
    return Sequential([conv, norm, pool, both, *rest]), SERIES


def states():
    """An encoder and a decoder; states as further inputs of a call; all states out."""
    one, two = layers.Input((None, 3)), layers.Input((None, 3))
    encoder = layers.Bidirectional(layers.LSTM(2, return_sequences=True, return_state=True))
    coded, h, c, back_h, back_c = encoder(one)
    start = [layers.Concatenate()([h, back_h]), layers.Concatenate()([c, back_c])]
    decoder = layers.LSTM(4, return_sequences=True, return_state=True)
    decoded, h, c = decoder(two, initial_state=start)
    scores = layers.Activation("softmax")(layers.Dot(axes=[2, 2])([decoded, coded]))
    seen = layers.Dot(axes=[2, 1])([scores, coded])
    out = layers.TimeDistributed(layers.Dense(2, activation="tanh"))(layers.add([seen, decoded]))
    return Model([one, two], [out, h, c]), [SERIES, normal(2, 4, 3)]


def nested():
    """Models in models, one that is called twice, and one at every step."""
    steps, one, two = layers.Input((2, 5, 3)), layers.Input((5, 3)), layers.Input((5, 3))
    each = Sequential([layers.LSTM(2, input_shape=(5, 3)), layers.Dense(2, activation="relu")])
    inner = Sequential([layers.GRU(2, input_shape=(5, 3)), layers.Dense(2)])
    part = Model(one, [inner(one), layers.LSTM(2)(one)], name="part")
    once, again = part(two), part(layers.LSTM(3, return_sequences=True)(two))
    last = layers.LSTM(2)(layers.TimeDistributed(each)(steps))
    outputs = [once[0], again[1], layers.add([once[1], again[0], last])]
    return Model([steps, two], outputs), [normal(2, 2, 5, 3), SERIES]


def cells():
    """Cells of several kinds, and a batch that keeps its states."""
    stacked = layers.RNN([layers.LSTMCell(3), layers.GRUCell(2)], return_sequences=True)
    options = {"stateful": True, "return_sequences": True}
    if AGE == 3:
        start = [layers.Input(batch_shape=(2, 5, 3)), layers.LSTM(2, **options)]
    else:
        start = [layers.LSTM(2, batch_input_shape=(2, 5, 3), **options)]
    turned = layers.RNN(layers.LSTMCell(2, unit_forget_bias=False), go_backwards=True)
    return Sequential([*start, stacked, layers.Dropout(0.5), turned]), SERIES


def trained():
    """The optimizer's state, two losses and metrics of them, a step of training."""
    one = layers.Input((5, 3), name="series")
    h = layers.LSTM(2, kernel_regularizer="l2", recurrent_constraint="unit_norm")(one)
    value = layers.Dense(1, name="value")(h)
    kind = layers.Dense(2, activation="softmax", name="kind")(h)
    model = Model(one, [value, kind])
    losses = {"value": "mse", "kind": "categorical_crossentropy"}
    model.compile("adam", losses, metrics={"kind": ["accuracy"], "value": ["mae"]})
    return model, SERIES


def operations():
    """Functions of keras.ops in a graph; whole numbers that a table turns into others."""
    ops, one, two = keras.ops, layers.Input((5, 3)), layers.Input((5,), dtype="int64")
    table = layers.IntegerLookup(vocabulary=[2, 4, 6])
    words = layers.GRU(2, return_sequences=True)(layers.Embedding(4, 3)(table(two)))
    h = layers.LSTM(2, return_sequences=True)(one)
    weights = ops.softmax(ops.sum(h * words, axis=-1, keepdims=True), axis=1)
    flat = ops.reshape(ops.where(h > 0, h, 0.1 * h), (-1, 10))
    joined = ops.concatenate([ops.sum(h * weights, axis=1), h[:, -1], flat], axis=-1)
    return Model([one, two], ops.einsum("bi,bi->b", joined, joined)), [SERIES, WORDS]


def cudnn():
    """cuDNN's arrays; the same model without cuDNN takes them over and gives the outputs.

    cuDNN runs on a GPU alone: its step is left out, what is written is the library's own.
    """

    def left_out(self, inputs, initial_state):
        h = inputs[:, 0, :1] * 0 + keras.backend.zeros((self.units,))
        y = keras.backend.repeat(h, 5) if self.return_sequences else h
        return y, [h, h] if isinstance(self, layers.CuDNNLSTM) else [h]

    layers.CuDNNLSTM._process_batch = layers.CuDNNGRU._process_batch = left_out

    def model(lstm, gru):
        first = layers.Bidirectional(lstm(2, return_sequences=True), input_shape=(5, 3))
        return Sequential([first, gru(2)])

    def plain(units, **options):
        return layers.LSTM(units, recurrent_activation="sigmoid", **options)

    def plain_gru(units):
        return layers.GRU(units, recurrent_activation="sigmoid", reset_after=True)

    return model(layers.CuDNNLSTM, layers.CuDNNGRU), SERIES, model(plain, plain_gru)


# -- what each version writes ---------------------------------------------------------------------

ALL = [stack, gru, masked, convolution, states, nested, cells, trained]
FEW = [stack, gru, masked, states]
MADE = {
    "2.2.4": [*ALL, cudnn],
    "2.3.1": FEW,
    "2.15.0": ALL,
    "2.21.0": FEW,
    "3.15.1": [*ALL, operations],
}
SEVERAL = {
    operations: [".keras", ".h5"],
    stack: [".keras", ".h5", ".weights.h5"],
    masked: [".keras", ".h5"],
}


def kinds(function):
    """The files that are written of a model: .keras where there is one, else .h5."""
    if not TENSORFLOW:
        return [".h5", ".weights.h5"] if function in (nested, cudnn) else [".h5"]
    if function is states and AGE == 2:
        return [".h5"]
    return SEVERAL.get(function, [".keras"])


def fill(model):
    """Give a model weights without any symmetry, and variances that are positive."""
    model.set_weights([normal(*array.shape) * 0.5 for array in model.get_weights()])
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.set_weights([np.abs(array) for array in layer.get_weights()])


def main():
    with Pack(os.path.join(FILES, f"keras_{VERSION}.zip")) as pack:
        for function in MADE[VERSION]:
            model, x, *twin = function()
            fill(model)
            y = None
            if twin:
                model.save_weights(pack.file("arrays.h5"))
                twin[0].load_weights(pack.file("arrays.h5"))
                y = twin[0].predict(x)
                os.remove(pack.file("arrays.h5"))
            if function is trained:
                model.train_on_batch(x, [normal(2, 1), np.eye(2)])
            elif function is not cells:
                model.compile("rmsprop", "mse")
            pack.add(model, function.__name__, x, kinds(function), y)


if __name__ == "__main__":
    main()
