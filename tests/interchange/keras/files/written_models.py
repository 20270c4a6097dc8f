"""Models in the words that Keras and lstmcore have in common, for `make_written.py` and tests."""


def stack(keras):
    """Make a Sequential with masks, both directions, weights that are not trained, a wrapper."""
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((7,)),
            layers.Embedding(20, 6, mask_zero=True),
            layers.Bidirectional(layers.LSTM(4, return_sequences=True, recurrent_dropout=0.1)),
            layers.TimeDistributed(layers.Dense(3, "relu", kernel_regularizer="l2")),
            layers.GRU(5, reset_after=False, return_sequences=True, kernel_constraint="max_norm"),
            layers.BatchNormalization(),
            layers.Dropout(0.3),
            layers.Conv1D(2, 3, padding="causal", dilation_rate=2),
            layers.GlobalAveragePooling1D(),
        ]
    )
    loss = keras.losses.Huber(reduction="sum")
    model.compile("adam", loss, metrics=["mae", keras.metrics.MeanSquaredError()])
    return model


def states(keras):
    """Make a graph with states from one layer to another, a shared layer and a mask given."""
    layers = keras.layers
    x, start = keras.Input((None, 3), name="x"), keras.Input((None, 2), name="start")
    mask = keras.Input((None,), dtype="bool", name="mask")
    _, h, c = layers.LSTM(4, return_state=True)(x, mask=mask)
    y = layers.LSTM(4, return_sequences=True)(start, initial_state=[h, c])
    shared = layers.Dense(3, activation="tanh")
    a, b = shared(y), shared(layers.Dense(4)(start))
    both = layers.Concatenate(name="pair")([a, b])
    last = keras.ops.tanh(y[:, -1])
    model = keras.Model([x, start, mask], {"both": both, "last": last}, name="states")
    rate = keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.9)
    model.compile(
        keras.optimizers.RMSprop(rate, momentum=0.9, centered=True),
        {"both": "mse", "last": "mae"},
        loss_weights={"both": 1.0, "last": 0.5},
    )
    return model


def nested(keras):
    """Make models inside models, cells, and attention."""
    layers = keras.layers
    inner = keras.Sequential([keras.Input((5, 3)), layers.SimpleRNN(4, return_sequences=True)])
    x = keras.Input((5, 3))
    graph = keras.Model(x, layers.Multiply()([x, layers.Dense(3)(x)]), name="graph")
    start = keras.Input((5, 3))
    y = inner(graph(start))
    y = layers.MultiHeadAttention(2, 3)(y, y)
    y = layers.SpectralNormalization(layers.Dense(4))(y)
    y = layers.RNN([layers.LSTMCell(4), layers.GRUCell(2)], go_backwards=True)(y)
    y = keras.ops.concatenate([y, keras.ops.multiply(keras.ops.sin(y), 2.0)], axis=-1)
    model = keras.Model(start, [y, graph(start)], name="whole")
    model.layers[1].trainable = False
    return model


MODELS = {"stack": stack, "states": states, "nested": nested}
OPTIMIZERS = {
    "Adam": {"amsgrad": True, "use_ema": True, "gradient_accumulation_steps": 2},
    **{name: {} for name in ("AdamW", "Adadelta", "Adagrad", "Adamax", "Ftrl", "Lamb", "Lion")},
    **{name: {} for name in ("Muon", "Nadam", "ScheduleFreeAdamW")},
    "RMSprop": {"momentum": 0.9, "centered": True},
    "SGD": {"momentum": 0.9},
}


def small(keras):
    """Make a model with few weights: for the order of an optimizer's variables."""
    layers = keras.layers
    return keras.Sequential([keras.Input((3,)), layers.Dense(2), layers.BatchNormalization()])
