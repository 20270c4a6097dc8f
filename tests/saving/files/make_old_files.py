"""Writes files of earlier versions of this library, and what their models gave then.

    git worktree add OLD COMMIT; cd OLD; python setup.py build_ext -i
    PYTHONPATH=OLD python make_old_files.py FOLDER COMMIT     (for each version)
    python make_old_files.py FOLDER                           (packs old_files.tar.xz)

The archive has ``COMMIT/NAME.safetensors`` of each model that the version can build, and
``COMMIT/expected.npz`` with arrays ``NAME/x0``, ... (inputs), ``NAME/y0``, ... (outputs), and where
training goes on ``NAME/loss``: after one more epoch on x0 and on y0 as targets, in order.
"""

import sys
import tarfile
from pathlib import Path

import numpy as np

import lstmcore
from lstmcore import Input, Sequential, layers

FOLDER = Path(sys.argv[1], *sys.argv[2:])
RNG = np.random.default_rng(1)
MODELS = {}


def model(function):
    MODELS[function.__name__] = function
    return function


def numbers(*shape):
    return RNG.standard_normal(shape).astype(np.float32)


def trained(made, x, optimizer="adam", loss="mse"):
    made.compile(optimizer, loss)
    target = made.predict(x, verbose=0)
    made.fit(x, target + 1, epochs=2, batch_size=2, shuffle=False, verbose=0)
    return made, [x]


def seq(*parts, shape=(5, 2), **settings):
    return Sequential([Input(shape), *parts], **settings), [numbers(3, *shape)]


# -- every version ---------------------------------------------------------------------------


@model
def sequential():
    made = seq(layers.LSTM(3, return_sequences=True), layers.LSTM(2), layers.Dense(1))
    return trained(made[0], made[1][0])


@model
def momentum():
    made = seq(layers.LSTM(2, use_bias=False), layers.Dense(1, activation="sigmoid"))
    optimizer = lstmcore.optimizers.SGD(0.1, momentum=0.9, nesterov=True)
    return trained(made[0], made[1][0], optimizer, "binary_crossentropy")


@model
def rmsprop():
    made = seq(layers.LSTM(2), layers.Dense(3, activation="softmax"))
    return trained(made[0], made[1][0], lstmcore.optimizers.RMSprop(centered=True))


@model
def double():
    return seq(layers.LSTM(2), layers.Dropout(0.2), layers.Dense(1), dtype="float64")


@model
def nested():
    inner = Sequential([layers.LSTM(2, return_sequences=True), layers.LSTM(2)], name="inner")
    return seq(inner, layers.Dense(1))


# -- from the first functional models on -----------------------------------------------------


@model
def masks():
    made = Sequential(
        [Input((6,)), layers.Embedding(7, 2, mask_zero=True), layers.LSTM(2), layers.Dense(1)]
    )
    return made, [np.array([[1, 2, 3, 0, 0, 0], [4, 5, 6, 1, 2, 0], [3, 0, 0, 0, 0, 0]])]


@model
def masking():
    x = numbers(3, 5, 2)
    x[1, 3:] = x[2, 1] = 0
    made, _ = seq(layers.Masking(), layers.Bidirectional(layers.LSTM(2, return_sequences=True)))
    return made, [x]


@model
def variants():
    parts = [
        layers.LSTM(2, return_sequences=True, variant=name, peephole=name != "NP")
        for name in ("CIFG", "NIG", "NFG", "NOG", "NIAF", "NOAF", "NP")
    ]
    return seq(*parts, layers.LSTM(2, cell_clip=0.5, zoneout_c=0.1, go_backwards=True))


@model
def gru():
    return seq(
        layers.GRU(2, return_sequences=True),
        layers.GRU(2, reset_after=False, return_sequences=True),
        layers.SimpleRNN(2, activation="relu", return_sequences=True),
        layers.Bidirectional(layers.GRU(2), merge_mode="sum"),
    )


@model
def stateful():
    made = Sequential(
        [Input(batch_shape=(3, 5, 2)), layers.LSTM(2, stateful=True), layers.Dense(1)]
    )
    return made, [numbers(3, 5, 2)]


@model
def functional():
    a, b = Input((5, 2), name="a"), Input((3,), name="b")
    shared = layers.Dense(2, activation="tanh", name="shared")
    h = layers.LSTM(2, return_sequences=True)(shared(a))
    h = layers.Bidirectional(layers.GRU(2))(h)
    joined = layers.Concatenate()([h, b])
    outputs = [layers.Dense(1, name="one")(joined), layers.Dense(2, name="two")(joined)]
    return lstmcore.Model([a, b], outputs), [numbers(3, 5, 2), numbers(3, 3)]


@model
def states():
    a, b = Input((5, 2)), Input((4, 3))
    _, h, c = layers.LSTM(2, return_state=True, name="encoder")(a)
    decoder = layers.LSTM(2, return_sequences=True, name="decoder")
    made = lstmcore.Model([a, b], layers.Dense(1)(decoder(b, initial_state=[h, c])))
    return made, [numbers(3, 5, 2), numbers(3, 4, 3)]


@model
def cells():
    stack = layers.StackedRNNCells([layers.LSTMCell(2), layers.GRUCell(3)])
    return seq(layers.RNN(stack, return_sequences=True), layers.RNN(layers.SimpleRNNCell(2)))


@model
def penalties():
    parts = (
        layers.LSTM(2, kernel_regularizer="l2", recurrent_constraint="max_norm", dropout=0.1),
        layers.Dense(1, kernel_initializer=lstmcore.initializers.HeNormal(seed=3)),
    )
    made = seq(*parts)
    return trained(made[0], made[1][0], lstmcore.optimizers.AdamW(clipnorm=1.0))


# -- later layers ----------------------------------------------------------------------------


@model
def attention():
    x = Input((5, 4))
    h = layers.MultiHeadAttention(2, 2)(x, x)
    h = layers.LayerNormalization()(layers.add([x, h]))
    h = layers.Attention()([h, x])
    h = layers.AdditiveAttention()([h, x])
    return lstmcore.Model(x, layers.GlobalAveragePooling1D()(h)), [numbers(3, 5, 4)]


@model
def windows():
    made = seq(
        layers.Conv1D(3, 2, padding="causal", activation="relu"),
        layers.BatchNormalization(),
        layers.MaxPooling1D(2, padding="same"),
        layers.TimeDistributed(layers.Dense(2)),
        layers.PReLU(),
        layers.Flatten(),
        layers.Reshape((3, 2)),
        layers.LSTM(2),
    )
    return trained(made[0], made[1][0])


@model
def shapes():
    return seq(
        layers.ZeroPadding1D(1),
        layers.UpSampling1D(2),
        layers.Cropping1D((1, 2)),
        layers.Permute((2, 1)),
        layers.UnitNormalization(),
        layers.LSTM(2),
        layers.RepeatVector(2),
        layers.AveragePooling1D(2),
        layers.Softmax(),
    )


@model
def prepared():
    scale = layers.Normalization()
    scale.adapt(numbers(20, 5, 2))
    return seq(scale, layers.GaussianNoise(0.1), layers.LeakyReLU(), layers.LSTM(2))


@model
def schedule():
    made = seq(layers.LSTM(2), layers.Dense(1))
    rate = lstmcore.optimizers.schedules.CosineDecay(0.01, 10)
    return trained(made[0], made[1][0], lstmcore.optimizers.Nadam(rate))


@model
def strings():
    words = layers.TextVectorization(max_tokens=8, output_sequence_length=4)
    words.adapt(["a good film", "a bad film", "good fun"])
    made = Sequential([words, layers.Embedding(8, 2, mask_zero=True), layers.LSTM(2)])
    x = np.array([["good film"], ["what fun"]])
    made.predict(x, verbose=0)
    return made, [x]


# -- the newest ------------------------------------------------------------------------------


@model
def newest():
    x = Input((5, 4))
    h = layers.GroupQueryAttention(2, 2, 1)(x, x)
    h = layers.RMSNormalization()(h)
    h = layers.LSTM(2, activation="elu", return_sequences=True)(h)
    return lstmcore.Model({"x": x}, {"y": layers.LSTM(2)(h)}), [numbers(3, 5, 4)]


@model
def images():
    return seq(layers.ConvLSTM1D(2, 2), layers.Flatten(), layers.Dense(1), shape=(3, 4, 1))


@model
def operations():
    x = Input((5, 2))
    h = layers.LSTM(3, return_sequences=True)(x * 2 + 1)
    return lstmcore.Model(x, lstmcore.ops.mean(h[:, ::2], axis=1)), [numbers(3, 5, 2)]


# -- applications ----------------------------------------------------------------------------


def classifier():
    from lstmcore.classification import TextClassifier

    texts = ["a good film", "good fun", "a bad film", "too bad"] * 3
    settings = {"units": 2, "embedding": 3, "epochs": 1, "verbose": 0, "random_state": 0}
    made = TextClassifier(**settings).fit(texts, ["pos", "pos", "neg", "neg"] * 3)
    return made, {"x0": np.array(texts[:4]), "y0": made.predict_proba(texts[:4])}


def language_model():
    from lstmcore.text import LanguageModel

    made = LanguageModel(units=3, layers=1, embedding=2)
    made.fit("Jack and Jill went up the hill\n" * 6, epochs=1, batch_size=2, steps=8, verbose=0)
    return made, {"y0": np.array(made.evaluate("Jill and Jack")["nats_per_token"])}


def forecaster():
    from lstmcore.forecasting import LSTMForecaster

    series = 20 + 5 * np.sin(np.arange(48) / 2)
    dates = np.datetime64("2001-01", "M") + np.arange(48)
    settings = {"window": 6, "horizon": 2, "units": 2, "epochs": 1, "random_state": 0}
    made = LSTMForecaster(season=12, adjust="curve", **settings).fit(series, dates)
    return made, {"y0": made.forecast().point, "y1": made.forecast().quantiles}


def outputs(made, inputs):
    x = inputs if len(inputs) > 1 else inputs[0]
    y = made.predict(x, verbose=0)
    return x, list(y.values()) if isinstance(y, dict) else y if isinstance(y, list) else [y]


def attempt(name, make):
    """Return what a function makes, None if this version cannot."""
    try:
        return make()
    except Exception as error:
        print(f"{FOLDER.name}: no {name}: {type(error).__name__}: {str(error)[:90]}")
        return None


def write(name, made, found, expected):
    made.save(FOLDER / f"{name}.safetensors")
    expected.update({f"{name}/{key}": array for key, array in found.items()})


def add_model(expected, name, make):
    pair = attempt(name, make)
    if pair is None:
        return
    made, inputs = pair
    x, y = outputs(made, inputs)
    if name == "stateful":
        y += outputs(made, inputs)[1]
        made.reset_states() if hasattr(made, "reset_states") else made.layers[0].reset_states()
    found = {f"x{i}": array for i, array in enumerate(inputs)}
    found.update({f"y{i}": array for i, array in enumerate(y)})
    write(name, made, found, expected)
    if made.optimizer is not None:
        if hasattr(made, "save_weights"):
            made.save_weights(FOLDER / f"{name}.weights.safetensors")
        if name != "penalties":  # dropout draws
            history = made.fit(x, y[0], batch_size=2, shuffle=False, verbose=0).history
            expected[f"{name}/loss"] = np.array(history["loss"])
            expected[f"{name}/after"] = outputs(made, inputs)[1][0]


def make_all():
    expected = {}
    lstmcore.utils.set_random_seed(1)
    FOLDER.mkdir(parents=True)
    for name, make in MODELS.items():
        add_model(expected, name, make)
    for make in (classifier, language_model, forecaster):
        if (pair := attempt(make.__name__, make)) is not None:
            write(make.__name__, *pair, expected)
    np.savez(FOLDER / "expected.npz", **expected)  # the archive is compressed


def plain(member):
    """Leave out who made a file, and when."""
    member.mtime = member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


def pack():
    with tarfile.open(Path(__file__).with_name("old_files.tar.xz"), "w:xz", preset=9) as archive:
        for path in sorted(FOLDER.glob("*/*"), key=lambda path: (path.name, path.parent)):
            archive.add(path, path.relative_to(FOLDER), filter=plain)


if __name__ == "__main__":
    make_all() if len(sys.argv) > 2 else pack()
