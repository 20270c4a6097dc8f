"""The models whose bits `same_bits.py` compares: public names alone, numbers by formula.

`MODELS` has a function for each: it returns the model and the arguments of `compile` and `fit`.
They depend on nothing but lstmcore and NumPy.
"""

import numpy as np

from lstmcore import Input, Model, Sequential, constraints, layers, optimizers, regularizers
from lstmcore.callbacks import EarlyStopping, ReduceLROnPlateau, SwapEMAWeights
from lstmcore.layers import GRU, LSTM, Bidirectional, Dense, Dropout, Embedding, Masking, SimpleRNN

N, T, F = 22, 9, 5  # samples, time steps, features
FIT = {"epochs": 3, "batch_size": 8, "verbose": 0}
MODELS = {}


def wave(shape, k):
    """Numbers between -0.8 and 0.8 that need no random generator."""
    n = int(np.prod(shape))
    return (np.sin(np.arange(n) * k + 0.3) * 0.8).reshape(shape)


X, Y, Y_STEPS = wave((N, T, F), 0.7), wave((N, 1), 1.3), wave((N, T, 1), 0.91)
IDS = np.arange(N * T).reshape(N, T) * 3 % 7 + 1
LENGTHS = np.arange(N) % T + 1
PADDED = np.where(np.arange(T) < LENGTHS[:, None], IDS, 0)
WORDS = np.where(np.arange(5) < (np.arange(N * T) % 6).reshape(N, T, 1), IDS[..., None], 0)
X_PADDED = np.where((PADDED != 0)[..., None], X, -1.0)
RAGGED = [row[:n] for row, n in zip(X, LENGTHS, strict=True)]
CLASSES = np.arange(N) * 7 % 3
CLASSES_STEPS = np.arange(N * T).reshape(N, T) * 5 % 3


def model(make):
    """Add a model under its function's name."""
    MODELS[make.__name__] = make
    return make


def both_ways(layer, x):
    """The output and the gradients of a layer or model, for one call in training."""
    layer(x)  # builds it
    for weight in layer.trainable_weights:
        weight.grad[...] = 0
    y, backward = layer.forward(x, True)
    several = isinstance(y, (list, tuple))
    dy = [wave(a.shape, 0.37).astype(a.dtype) for a in (y if several else [y])]
    dx = backward(dy if several else dy[0])
    return [y, dx, [weight.grad.copy() for weight in layer.trainable_weights]]


def chain(*stack, x=X, y=Y, shape=(T, F), optimizer="adam", loss="mse", compile=None, **fit):
    """A case of a Sequential model."""

    def make(dtype):
        made = Sequential([Input(shape, dtype=dtype), *[one() for one in stack]])
        return made, {"optimizer": optimizer, "loss": loss, **(compile or {})}, x, y, fit

    return make


def sequence(cls, units=20, **options):
    """What makes a recurrent layer that returns all steps."""
    return lambda: cls(units, return_sequences=True, **options)


def last(cls, units=20, **options):
    """What makes a recurrent layer that returns the last step."""
    return lambda: cls(units, **options)


def dense(*args, **kwargs):
    return lambda: Dense(*args, **kwargs)


one = dense(1)
VARIANTS = ("NIG", "NFG", "NOG", "NIAF", "NOAF", "CIFG", "NP", "FGR", "peephole")
MODELS |= {
    "lstm": chain(last(LSTM, 50), one),
    "lstm two steps a row": chain(last(LSTM, 33), one, batch_size=1, epochs=1),
    "lstm wide": chain(last(LSTM, 130), dense(96, "relu"), one, batch_size=22),
    "lstm all steps": chain(sequence(LSTM), one, y=Y_STEPS),
    **{f"lstm {v}": chain(sequence(LSTM, variant=v), last(LSTM, 7), one) for v in VARIANTS},
    "lstm implementation options": chain(
        last(LSTM, use_bias=False, go_backwards=True, unroll=True), one
    ),
    "lstm cell clip, hard sigmoid": chain(
        sequence(LSTM, cell_clip=0.5, recurrent_activation="hard_sigmoid"), one, y=Y_STEPS
    ),
    **{
        f"lstm {name}": chain(last(LSTM, activation=name), one)
        for name in ("relu", "elu", "softsign", "linear", "sigmoid", "hard_sigmoid")
    },
    "lstm dropout": chain(
        sequence(LSTM, dropout=0.2, recurrent_dropout=0.3), last(LSTM, dropout=0.1, seed=3), one
    ),
    "lstm zoneout, noise, weight dropout": chain(
        sequence(LSTM, zoneout_h=0.2, zoneout_c=0.1),
        sequence(LSTM, input_noise=0.1),
        last(LSTM, weight_dropout=0.2),
        one,
    ),
    "lstm penalties and constraints": chain(
        last(
            LSTM,
            kernel_regularizer="l2",
            recurrent_regularizer=regularizers.OrthogonalRegularizer(),
            bias_regularizer=regularizers.L1L2(0.01, 0.02),
            activity_regularizer=regularizers.L1(0.01),
            kernel_constraint=constraints.MaxNorm(0.7),
            recurrent_constraint="unit_norm",
            bias_constraint=constraints.MinMaxNorm(0.1, 0.9, 0.8),
        ),
        dense(1, kernel_constraint="non_neg"),
    ),
    "gru": chain(sequence(GRU), last(GRU), one),
    "gru reset before": chain(
        sequence(GRU, reset_after=False, dropout=0.2, recurrent_dropout=0.2), last(GRU), one
    ),
    "simple rnn": chain(sequence(SimpleRNN, recurrent_dropout=0.2), last(SimpleRNN), one),
    "bidirectional": chain(
        lambda: Bidirectional(LSTM(12, return_sequences=True)),
        lambda: Bidirectional(GRU(7), merge_mode="mul"),
        one,
    ),
    "bidirectional of two": chain(
        lambda: Bidirectional(LSTM(6), backward_layer=GRU(6, go_backwards=True)), one
    ),
    "rnn over cells": chain(
        lambda: layers.RNN([layers.LSTMCell(6), layers.GRUCell(5)], return_sequences=True),
        lambda: layers.RNN(layers.SimpleRNNCell(4, dropout=0.2, recurrent_dropout=0.1)),
        one,
    ),
    "masking": chain(
        lambda: Masking(-1.0), sequence(LSTM), sequence(GRU), one, x=X_PADDED, y=Y_STEPS
    ),
    "ragged": chain(lambda: Bidirectional(LSTM(9)), one, x=RAGGED, shape=(None, F)),
    "sample weights": chain(last(LSTM), one, sample_weight=np.linspace(0.1, 2, N)),
    "step weights": chain(sequence(LSTM), one, y=Y_STEPS, sample_weight=wave((N, T), 0.4) + 1),
    "classes with weights": chain(
        last(LSTM),
        dense(3, "softmax"),
        y=CLASSES,
        loss="sparse_categorical_crossentropy",
        class_weight={0: 0.5, 1: 1.0, 2: 2.5},
        compile={"metrics": ["accuracy"]},
    ),
    "ctc": chain(
        sequence(LSTM),
        dense(4),
        y=np.array([[1, 2], [2, 3], [3, 3]])[np.arange(N) % 3],
        loss="ctc",
    ),
    "embedding with zeros masked": chain(
        lambda: Embedding(8, 6, mask_zero=True),
        sequence(LSTM),
        dense(3, "softmax"),
        x=PADDED,
        y=CLASSES_STEPS,
        shape=(T,),
        loss="sparse_categorical_crossentropy",
        compile={"metrics": ["accuracy"], "weighted_metrics": ["accuracy"]},
    ),
    "time distributed": chain(
        lambda: layers.Reshape((3, 3, F)),
        lambda: layers.TimeDistributed(LSTM(6)),
        lambda: layers.TimeDistributed(Dense(4, "tanh")),
        last(LSTM, 5),
        one,
    ),
    "characters of words": chain(
        lambda: layers.TimeDistributed(Embedding(8, 4, mask_zero=True)),
        lambda: layers.TimeDistributed(LSTM(5)),
        last(LSTM, 6),
        one,
        x=np.where(
            np.arange(5) < (np.arange(N * T) % 6).reshape(N, T, 1), 1 + IDS[..., None] % 7, 0
        ),
        shape=(T, 5),
    ),
    "convolution and pooling": chain(
        lambda: layers.Conv1D(8, 3, padding="causal", activation="relu"),
        lambda: layers.MaxPooling1D(2),
        lambda: layers.Conv1D(6, 2, dilation_rate=2, groups=2, padding="same"),
        lambda: layers.UpSampling1D(2),
        lambda: layers.ZeroPadding1D((1, 2)),
        lambda: layers.AveragePooling1D(3, 2, "same"),
        lambda: layers.Cropping1D((1, 0)),
        last(LSTM, 5),
        one,
    ),
    "normalizations": chain(
        lambda: layers.BatchNormalization(),
        sequence(LSTM),
        lambda: layers.LayerNormalization(),
        lambda: layers.UnitNormalization(),
        lambda: layers.GlobalAveragePooling1D(),
        one,
    ),
    "noise": chain(
        lambda: layers.GaussianNoise(0.1),
        lambda: layers.SpatialDropout1D(0.2),
        sequence(LSTM),
        lambda: layers.GaussianDropout(0.1),
        lambda: layers.AlphaDropout(0.1),
        lambda: Dropout(0.3, seed=5),
        lambda: layers.GlobalMaxPooling1D(),
        one,
    ),
    "activation layers": chain(
        lambda: layers.PReLU(),
        lambda: layers.LeakyReLU(0.2),
        lambda: layers.ELU(0.7),
        lambda: layers.ReLU(0.6, 0.1, 0.05),
        lambda: layers.Activation("gelu"),
        lambda: layers.Softmax(),
        lambda: layers.ActivityRegularization(0.01, 0.02),
        lambda: layers.Permute((2, 1)),
        lambda: layers.Flatten(),
        lambda: layers.RepeatVector(3),
        last(LSTM, 4),
        one,
    ),
    "stateful": chain(
        lambda: LSTM(8, stateful=True, return_sequences=True),
        lambda: GRU(6, stateful=True),
        one,
        x=X[:16],
        y=Y[:16],
        shuffle=False,
    ),
    "generated dense": chain(lambda: layers.Flatten(), dense(300, "relu"), dense(300), one),
}


@model
def functional_attention(dtype):
    inputs = Input((T, F), dtype=dtype)
    h, *state = LSTM(8, return_sequences=True, return_state=True)(inputs)
    a = layers.Attention(use_scale=True, dropout=0.2)([h, h])
    b = layers.AdditiveAttention()([h, a])
    c = layers.MultiHeadAttention(2, 4, dropout=0.1)(a, h, use_causal_mask=True)
    joined = layers.Concatenate()([h, a, b, c])
    decoded = LSTM(8, return_sequences=True)(joined, initial_state=state)
    made = Model(inputs, Dense(1)(2 * decoded[:, 1:] - decoded[:, :-1]))
    return made, {"optimizer": "adam", "loss": "mae"}, X, Y_STEPS[:, 1:], {}


@model
def functional_shared_inputs_and_outputs(dtype):
    inner = Input((T, F), dtype=dtype)
    reader = Model(inner, LSTM(8)(Masking(-1.0)(inner)), name="reader")
    first, second = Input((T, F), name="a", dtype=dtype), Input((T, F), name="b", dtype=dtype)
    p, q = reader(first), reader(second)
    merged = [layers.Subtract()([p, q]), layers.Multiply()([p, q]), layers.Average()([p, q])]
    merged += [layers.Maximum()([p, q]), layers.Minimum()([p, q]), layers.Dot(1)([p, q])]
    h = layers.Concatenate()(merged)
    outputs = [Dense(1, name="far")(h), Dense(1, "sigmoid", name="is")(layers.Dropout(0.1)(h))]
    options = {
        "optimizer": "rmsprop",
        "loss": {"far": "huber", "is": "binary_crossentropy"},
        "loss_weights": {"far": 0.7, "is": 0.3},
        "metrics": {"is": ["accuracy", "AUC"]},
    }
    x = {"a": X_PADDED, "b": X_PADDED[::-1]}
    return Model([first, second], outputs), options, x, {"far": Y, "is": (Y > 0) * 1.0}, {}


@model
def callbacks_and_validation(dtype):
    made = Sequential([Input((T, F), dtype=dtype), LSTM(9), Dense(1)])
    options = {"optimizer": optimizers.Adam(0.05, use_ema=True, ema_momentum=0.9), "loss": "mse"}
    watching = [
        SwapEMAWeights(),
        ReduceLROnPlateau("loss", 0.3, 0, min_delta=0.5),
        EarlyStopping(patience=1, restore_best_weights=True),
    ]
    return made, options, X, Y, {"validation_split": 0.3, "callbacks": watching, "epochs": 5}
