"""Models that have a C form, by name: what goes step by step, and what needs whole sequences."""

from functools import partial

from lstmcore import Input, Model, Sequential, _core, layers

VARIANTS = [v for v in _core.variants if v not in ("vanilla", "NP")]
ACTIVATIONS = ("tanh", "sigmoid", "relu", "linear", "softsign", "elu", "hard_sigmoid")


def chain(*made, features=5):
    """A Sequential of layers that are made anew at each call."""
    return Sequential([Input((None, features)), *(make() for make in made)])


def over(cls, *args, **options):
    return partial(getattr(layers, cls), *args, **options)


HEAD = over("Dense", 4, activation="softmax")


def stacked(cls, *args, **options):
    """A recurrent layer of every step, and a softmax behind it."""
    return partial(chain, over(cls, *args, return_sequences=True, **options), HEAD)


def graph():
    x = Input((None, 5))
    a = layers.LSTM(6, return_sequences=True)(x)
    b = layers.GRU(6, return_sequences=True)(x)
    pairs = [getattr(layers, name)()([a, b]) for name in ("Add", "Multiply", "Average", "Subtract")]
    extremes = [layers.Maximum()([a, b]), layers.Minimum()([a, b, a])]
    joined = layers.Concatenate()([*pairs, *extremes, x])
    return Model(x, layers.Dense(3)(layers.LSTM(4, return_sequences=True)(joined)))


def tokens():
    inner = Sequential([layers.LSTM(5, return_sequences=True), layers.Dropout(0.2)])
    rest = [layers.Embedding(17, 6), inner, layers.TimeDistributed(layers.Dense(11))]
    return Sequential([Input((None,)), *rest, layers.Activation("softmax")])


def scaled():
    mean, variance = [0.1, 0.2, 0.3, 0.4, 0.5], [1, 2, 3, 4, 5]
    first = [over("Normalization", mean=mean, variance=variance), over("Rescaling", 2.0, 0.1)]
    return chain(*first, over("LSTM", 6, return_sequences=True), over("BatchNormalization"), HEAD)


NORMED = {
    "normed": stacked("LSTM", 9, layer_norm=True, projection=4, cell_clip=0.7),
    "normed_gates": stacked("LSTM", 9, layer_norm="sum", peephole=True),
    "normed_coupled": stacked("LSTM", 9, layer_norm="sum", variant="CIFG", use_bias=False),
}
STEPS = {
    "lstm": stacked("LSTM", 9),
    "last": partial(chain, over("LSTM", 6, return_sequences=True), over("LSTM", 9), HEAD),
    "no_bias": stacked("LSTM", 9, use_bias=False),
    "clipped": stacked("LSTM", 9, peephole=True, cell_clip=0.3),
    "softsign": stacked("LSTM", 9, activation="softsign", recurrent_activation="hard_sigmoid"),
    "elu_out": stacked("LSTM", 9, output_activation="elu"),
    "projected": stacked("LSTM", 9, projection=5),
    **{f"variant_{v}": stacked("LSTM", 9, variant=v) for v in VARIANTS},
    **NORMED,
    "gru": stacked("GRU", 9),
    "gru_before": stacked("GRU", 9, reset_after=False),
    "gru_no_bias": stacked("GRU", 9, use_bias=False),
    "simple": stacked("SimpleRNN", 9),
    "simple_relu": stacked("SimpleRNN", 9, activation="relu"),
    **{f"dense_{a}": partial(chain, over("GRU", 3, return_sequences=True), over("Dense", 11, a))
       for a in ACTIVATIONS},
    "relus": partial(chain, over("Dense", 9), over("ReLU", 0.8, 0.1, 0.2), over("LeakyReLU")),
    "silu": partial(chain, over("Dense", 9, "silu"), over("Dense", 9, "relu6")),
    "graph": graph,
    "tokens": tokens,
    "scaled": scaled,
}  # fmt: skip


def both_ways(inner, *rest, **options):
    return partial(chain, lambda: layers.Bidirectional(inner(), **options), *rest)


def classifier():
    x = Input((None,))
    words = layers.Embedding(20, 6, mask_zero=True)(x)
    read = layers.Bidirectional(layers.LSTM(4))(words)
    features = layers.Concatenate()([read, layers.GlobalAveragePooling1D()(words)])
    return Model(x, layers.Dense(3, activation="softmax")(features))


def forecaster():
    x = Input((30, 2))
    y = layers.Dense(4)(layers.LSTM(8)(x))
    return Model(x, layers.Add()([y, layers.Dense(4, use_bias=False)(layers.Flatten()(x))]))


WHOLE = {
    "both": both_ways(over("LSTM", 6, return_sequences=True), HEAD),
    "average": both_ways(over("GRU", 6), HEAD, merge_mode="ave"),
    "turned": both_ways(
        over("SimpleRNN", 6, return_sequences=True, go_backwards=True),
        over("GlobalAveragePooling1D"),
        merge_mode="mul",
    ),
    "backwards": partial(
        chain,
        over("LSTM", 6, return_sequences=True, go_backwards=True),
        over("GlobalMaxPooling1D"),
    ),
    "classifier": classifier,
    "forecaster": forecaster,
}
