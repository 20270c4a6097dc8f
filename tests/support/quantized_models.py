"""Models of every kind of layer that `Model.quantize` takes, and of some that it leaves alone."""

import numpy as np

from lstmcore import Input, Model, Sequential, initializers, layers

WIDE = initializers.RandomUniform(-1, 1)
RNG = np.random.default_rng(3)
TOKENS = RNG.integers(0, 30, (5, 7))
SERIES = RNG.normal(size=(5, 7, 3)).astype(np.float32)


def tokens():
    """Embedding, both directions, a wrapper, and a dense end: (5, 7) of whole numbers."""
    return Sequential(
        [
            Input((None,)),
            layers.Embedding(30, 12, WIDE, name="embedding"),
            layers.Bidirectional(layers.LSTM(8, return_sequences=True, name="lstm"), name="both"),
            layers.TimeDistributed(layers.Dense(6, "tanh", name="step"), name="steps"),
            layers.GRU(8, name="gru"),
            layers.Dense(4, activation="softmax", name="dense"),
        ],
        name="tokens",
    )


def streamed():
    """What a stream can run: a stack of all recurrent cells and dense layers."""
    return Sequential(
        [
            Input((None, 3)),
            layers.LSTM(8, return_sequences=True, name="lstm"),
            layers.Dense(6, activation="relu", name="between"),
            layers.GRU(8, return_sequences=True, reset_after=False, name="gru"),
            layers.SimpleRNN(8, return_sequences=True, name="rnn"),
            layers.LSTM(8, peephole=True, return_sequences=True, name="peepholes"),
            layers.LSTM(4, variant="FGR", return_sequences=True, name="fgr"),
            layers.LSTM(4, variant="CIFG", return_sequences=True, name="cifg"),
            layers.LSTM(8, projection=5, return_sequences=True, name="projected"),
            layers.Dense(5, name="dense"),
        ],
        name="streamed",
    )


def attending():
    """Attention heads, products of equations and an embedding in reverse: (5, 7) numbers."""
    x = Input((7,))
    table = layers.ReversibleEmbedding(30, 8, embeddings_initializer=WIDE, name="table")
    own = layers.ReversibleEmbedding(30, 8, False, WIDE, name="own")
    h = layers.Add()([table(x), own(x)])
    h = layers.MultiHeadAttention(2, 4, name="heads")(h, h)
    h = layers.GroupQueryAttention(4, 4, 2, name="groups")(h, h)
    h = layers.EinsumDense("abc,cd->abd", (7, 8), bias_axes="d", name="product")(h)
    h = layers.EinsumDense("abc,bcd->abd", (7, 8), name="shared")(h)
    logits = layers.Add()([table(h, reverse=True), own(h, reverse=True)])
    return Model(x, logits, name="attending")


def left_alone():
    """Layers that are not quantized, each for another reason, and a dense one: (5, 7, 3)."""
    return Sequential(
        [
            Input((7, 3)),
            layers.Conv1D(4, 2, name="conv"),
            layers.LayerNormalization(name="norm"),
            layers.SimpleRNN(4, activation="gelu", return_sequences=True, name="in_numpy"),
            layers.RNN(layers.LSTMCell(4, name="cell"), return_sequences=True, name="rnn"),
            layers.SpectralNormalization(layers.Dense(4, name="inner"), name="spectral"),
            Doubled(4, name="doubled"),
            layers.Dense(2, name="dense"),
        ],
        name="alone",
    )


class Doubled(layers.Dense):
    """A user's layer that computes its output itself."""

    def call(self, x):
        return super().call(x) * 2


def normalized():
    """Layer-normalized LSTMs, of both forms."""
    return Sequential(
        [
            Input((None, 3)),
            layers.LSTM(8, layer_norm=True, return_sequences=True, name="both"),
            layers.LSTM(8, layer_norm="sum", projection=5, return_sequences=True, name="sum"),
        ],
        name="normalized",
    )


MODELS = {"tokens": (tokens, TOKENS), "streamed": (streamed, SERIES), "heads": (attending, TOKENS)}
MODELS["normalized"] = normalized, SERIES
