"""Make files/keras_1.2.2_theano.zip or _tensorflow.zip: models that the genuine Keras 1.2.2 wrote.

    KERAS_BACKEND=theano python tests/interchange/keras/make_keras1.py
    KERAS_BACKEND=tensorflow python tests/interchange/keras/make_keras1.py

In an environment of Python 3.7 with keras==1.2.2, h5py<3, numpy==1.16.6 and theano==1.0.5 or
tensorflow==1.15.5.
"""

import os

import keras
import numpy as np
from keras.layers import (
    GRU,
    LSTM,
    BatchNormalization,
    Bidirectional,
    Convolution1D,
    Dense,
    Dropout,
    Embedding,
    Input,
    Masking,
    MaxoutDense,
    MaxPooling1D,
    Merge,
    SimpleRNN,
    TimeDistributed,
    merge,
)
from keras.models import Model, Sequential
from packing import Pack

FILES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "files")
BACKEND = keras.backend.backend()
if BACKEND == "theano":
    import theano.ifelse  # noqa: F401 (Keras calls it, and does not import it)
random = np.random.RandomState(7)


def normal(*shape):
    return random.randn(*shape).astype("float32")


SERIES = normal(2, 5, 3)
WORDS = np.array([[1, 2, 3, 4, 5], [6, 7, 8, 0, 0]])


def stack():
    """Four arrays a gate; a mask that is not at the end; hard_sigmoid."""
    x = SERIES.copy()
    x[0, 1] = 0
    lstm = LSTM(3, return_sequences=True, forget_bias_init="zero")
    layers = [Masking(0.0, input_shape=(5, 3)), lstm, GRU(2, return_sequences=True), SimpleRNN(2)]
    return Sequential([*layers, Dense(2, activation="softmax")]), x


def states_kept():
    """Arrays of all gates in one, i f c o; a fixed batch."""
    lstm = LSTM(3, batch_input_shape=(2, 5, 3), stateful=True, consume_less="gpu", dropout_U=0.1)
    return Sequential([lstm, Dense(1, bias=False)]), SERIES


def both_ways():
    """Masked steps of a Bidirectional carry on."""
    layers = [Embedding(9, 3, input_length=5, mask_zero=True)]
    layers += [Bidirectional(LSTM(2, return_sequences=True), merge_mode="sum")]
    return Sequential([*layers, TimeDistributed(Dense(2, activation="hard_sigmoid"))]), WORDS


def graph():
    """Two inputs and two outputs, merged by functions; a layer that is called twice; trained."""
    one, two = Input((5, 3), name="one"), Input((5, 3), name="two")
    shared = GRU(2, inner_activation="sigmoid", go_backwards=True)
    both = merge([shared(one), shared(two)], mode="concat")
    value, kind = Dense(1, name="value")(both), Dense(2, activation="softmax", name="kind")(both)
    model = Model([one, two], [value, kind])
    losses = {"value": "mse", "kind": "categorical_crossentropy"}
    model.compile("adam", losses, metrics={"kind": ["accuracy"]}, loss_weights={"value": 0.5})
    return model, [SERIES, normal(2, 5, 3)]


def branches():
    """A Sequential that begins with a Merge of two others."""
    left = Sequential([LSTM(2, input_shape=(5, 3))])
    right = Sequential([Dense(2, activation="tanh", input_shape=(4,))])
    model = Sequential([Merge([left, right], mode="mul"), BatchNormalization(), Dense(1)])
    return model, [SERIES, normal(2, 4)]


def nested():
    inner = Sequential([LSTM(2, input_shape=(5, 3), return_sequences=True), Dropout(0.5)])
    return Sequential([inner, GRU(2)]), SERIES


def convolution():
    """Theano's kernels run backwards in time."""
    layers = [Convolution1D(3, 2, input_shape=(5, 3), activation="relu", border_mode="valid")]
    return Sequential([*layers, MaxPooling1D(2), LSTM(2)]), SERIES


def maxout():
    """A layer that is not here."""
    return Sequential([LSTM(2, input_shape=(5, 3)), MaxoutDense(2)]), SERIES


def main():
    made = [stack, states_kept, both_ways, graph, branches, nested, convolution, maxout]
    if BACKEND == "tensorflow":
        made = [stack, graph, convolution]
    with Pack(os.path.join(FILES, f"keras_{keras.__version__}_{BACKEND}.zip")) as pack:
        for function in made:
            model, x = function()
            model.set_weights([normal(*array.shape) * 0.5 for array in model.get_weights()])
            for layer in model.layers:
                if isinstance(layer, BatchNormalization):  # with a variance
                    layer.set_weights([np.abs(array) for array in layer.get_weights()])
            if function is graph:
                model.train_on_batch(x, [normal(2, 1), np.eye(2)])
            else:
                model.compile("rmsprop", "mse")
            pack.add(model, function.__name__, x, [".weights.h5" if function is nested else ".h5"])


if __name__ == "__main__":
    main()
