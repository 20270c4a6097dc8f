"""What else `same_bits.py` compares: optimizers, losses, metrics, streams, texts, forecasts ...

`PARTS` has a function for each: it yields names with arrays, numbers, texts, files or lists of
them. Like the models, they depend on nothing but lstmcore and NumPy.
"""

import contextlib
import io
import tempfile
from pathlib import Path

import numpy as np
from bit_models import FIT, LENGTHS, MODELS, F, T, X, Y, both_ways, wave

from lstmcore import (
    Input,
    Sequential,
    activations,
    initializers,
    layers,
    losses,
    metrics,
    optimizers,
    text,
    utils,
)
from lstmcore.inspection import saturation
from lstmcore.layers import GRU, LSTM, Dense, Embedding, SimpleRNN
from lstmcore.optimizers import schedules

PARTS = {}


def part(make):
    """Add a function under its name."""
    PARTS[make.__name__] = make
    return make


ONE_OF_EACH = {
    "sgd": lambda: optimizers.SGD(0.1),
    "sgd nesterov": lambda: optimizers.SGD(0.1, momentum=0.9, nesterov=True, clipvalue=0.1),
    "rmsprop": lambda: optimizers.RMSprop(0.01, momentum=0.5, centered=True),
    "adam": lambda: optimizers.Adam(0.01, clipnorm=0.5),
    "adam amsgrad": lambda: optimizers.Adam(0.01, amsgrad=True, weight_decay=0.01),
    "adamw": lambda: optimizers.AdamW(0.01, global_clipnorm=0.5),
    "adamax": lambda: optimizers.Adamax(0.01),
    "nadam": lambda: optimizers.Nadam(0.01, gradient_accumulation_steps=2),
    "adagrad": lambda: optimizers.Adagrad(0.05),
    "adadelta": lambda: optimizers.Adadelta(1.0),
    "lion": lambda: optimizers.Lion(0.001, use_ema=True, ema_overwrite_frequency=2),
}
SCHEDULES = {
    "exponential": lambda: schedules.ExponentialDecay(0.1, 4, 0.7, staircase=True),
    "inverse": lambda: schedules.InverseTimeDecay(0.1, 4, 0.7),
    "piecewise": lambda: schedules.PiecewiseConstantDecay([3, 6], [0.1, 0.05, 0.01]),
    "polynomial": lambda: schedules.PolynomialDecay(0.1, 6, 0.01, 2.0, cycle=True),
    "cosine": lambda: schedules.CosineDecay(0.0, 8, 0.1, warmup_target=0.1, warmup_steps=3),
    "restarts": lambda: schedules.CosineDecayRestarts(0.1, 3, 2.0, 0.9, 0.05),
}
NUMERIC_LOSSES = """CosineSimilarity Hinge Huber LogCosh MeanAbsoluteError
    MeanAbsolutePercentageError MeanSquaredError MeanSquaredLogarithmicError SquaredHinge"""
OF_CLASSES = ("Sparse", "Perplexity", "BitsPerCharacter")
PLAIN_METRICS = """AUC Accuracy BinaryAccuracy BinaryCrossentropy BitsPerCharacter
    CategoricalAccuracy CategoricalCrossentropy CategoricalHinge CosineSimilarity F1Score FBetaScore
    FalseNegatives FalsePositives Hinge KLDivergence LogCoshError MeanAbsoluteError
    MeanAbsolutePercentageError MeanSquaredError MeanSquaredLogarithmicError Perplexity Poisson
    Precision R2Score Recall RootMeanSquaredError SparseCategoricalAccuracy
    SparseCategoricalCrossentropy SquaredHinge TopKCategoricalAccuracy TrueNegatives
    TruePositives"""
METRICS = {
    **{name: {} for name in PLAIN_METRICS.split()},
    "PrecisionAtRecall": {"recall": 0.7},
    "RecallAtPrecision": {"precision": 0.6},
    "SensitivityAtSpecificity": {"specificity": 0.6},
    "SparseTopKCategoricalAccuracy": {"k": 2},
    "SpecificityAtSensitivity": {"sensitivity": 0.5},
}
ACTIVATIONS = """celu elu exponential gelu hard_shrink hard_sigmoid hard_silu hard_tanh leaky_relu
    linear log_sigmoid log_softmax mish relu relu6 selu sigmoid silu soft_shrink softmax softplus
    softsign sparse_plus sparse_sigmoid sparsemax squareplus tanh tanh_shrink"""


def small(dtype, end=None):
    return Sequential([Input((T, F), dtype=dtype), LSTM(7), end or Dense(1)])


@part
def each_optimizer(dtype):
    for name, make in ONE_OF_EACH.items():
        made = small(dtype)
        made.compile(make(), "mse")
        yield f"{name} history", made.fit(X, Y, **FIT).history
        yield f"{name} weights", made.get_weights()
    for name, make in SCHEDULES.items():
        made = small(dtype)
        made.compile(optimizers.SGD(make()), "mse")
        made.fit(X, Y, **FIT)
        yield f"{name} weights", made.get_weights()
        yield f"{name} rates", [float(make()(step)) for step in range(12)]


@part
def each_loss(dtype):
    y, p = wave((6, T, 3), 1.3), np.abs(wave((6, T, 3), 0.7)) + 0.1
    shares = p / p.sum(-1, keepdims=True)
    classes = np.arange(6 * T).reshape(6, T) * 5 % 3
    given = {
        **dict.fromkeys(NUMERIC_LOSSES.split(), (y, p)),
        "BinaryCrossentropy": ((y > 0) * 1.0, shares),
        "BinaryFocalCrossentropy": ((y > 0) * 1.0, shares),
        "CategoricalCrossentropy": (np.eye(3)[classes], shares),
        "CategoricalFocalCrossentropy": (np.eye(3)[classes], shares),
        "CategoricalHinge": (np.eye(3)[classes], p),
        "SparseCategoricalCrossentropy": (classes, shares),
        "KLDivergence": (shares[::-1], shares),
        "Poisson": (np.round(p * 5), p),
        "CTC": (np.array([[1, 2], [2, 0]])[np.arange(6) % 2], y),
    }
    for name, (target, value) in given.items():
        for reduction in ("sum_over_batch_size", "sum", "mean_with_sample_weight"):
            loss = getattr(losses, name)(reduction=reduction)
            yield f"{name} {reduction}", loss(target.astype(dtype), value.astype(dtype))
        weight = wave(target.shape[:1], 0.5) + 1
        yield f"{name} weighted", getattr(losses, name)()(target, value, sample_weight=weight)
    for name, loss, outputs in (
        ("quantile", losses.Quantile([0.1, 0.5, 0.9]), 3),
        ("gaussian", losses.GaussianNLL(), 2),
        ("poisson", "poisson", 1),
        ("log cosh", "log_cosh", 1),
        ("hinge", "hinge", 1),
        ("huber", losses.Huber(0.3), 1),
        ("cosine", "cosine_similarity", 1),
        ("percentage", "mape", 1),
        ("logarithmic", "msle", 1),
        ("focal", losses.BinaryFocalCrossentropy(from_logits=True), 1),
    ):
        made = small(dtype, Dense(outputs, "softplus" if name == "poisson" else None))
        made.compile("sgd", loss)
        y = np.abs(Y) if name in ("poisson", "logarithmic") else (Y > 0) * 1.0
        yield f"fit {name}", [made.fit(X, y, **FIT).history, made.get_weights()]


@part
def each_metric(dtype):
    y, p = (wave((6, T, 3), 1.3) > 0.2) * 1.0, np.abs(wave((6, T, 3), 0.7))
    p = (p / p.sum(-1, keepdims=True)).astype(dtype)
    classes = np.arange(6 * T).reshape(6, T) * 5 % 3
    for name, arguments in METRICS.items():
        target = classes if name.startswith(OF_CLASSES) else y
        metric = getattr(metrics, name)(**arguments)
        for rows in (slice(0, 4), slice(4, 6)):
            a, b = target[rows], p[rows]
            if name in ("F1Score", "FBetaScore", "R2Score"):
                a, b = a.reshape(-1, *a.shape[2:]), b.reshape(-1, 3)
            metric.update_state(a, b)
        yield name, metric.result()


@part
def each_initializer(dtype):
    makers = {
        "zeros": lambda: initializers.Zeros(),
        "ones": lambda: initializers.Ones(),
        "constant": lambda: initializers.Constant(0.3),
        "identity": lambda: initializers.Identity(0.7),
        "normal": lambda: initializers.RandomNormal(0.1, 0.2, seed=1),
        "uniform": lambda: initializers.RandomUniform(-0.3, 0.4, seed=2),
        "truncated": lambda: initializers.TruncatedNormal(seed=3),
        "orthogonal": lambda: initializers.Orthogonal(0.9, seed=4),
        "scaling": lambda: initializers.VarianceScaling(2.0, "fan_avg", "uniform", seed=5),
        **{
            name: lambda name=name: getattr(initializers, name)(seed=6)
            for name in (
                "GlorotNormal",
                "GlorotUniform",
                "HeNormal",
                "HeUniform",
                "LecunNormal",
                "LecunUniform",
            )
        },
    }
    for name, make in makers.items():
        for shape in ((6, 6), (200, 200)) if name == "identity" else ((6, 9), (120, 90), (64, 256)):
            yield f"{name} {shape}", make()(shape, dtype)
    utils.set_random_seed(11)
    yield "the library's stream", initializers.GlorotUniform()((7, 5), dtype)


@part
def each_activation(dtype):
    x = np.linspace(-6, 6, 120).reshape(2, 4, 15).astype(dtype)
    for name in ACTIVATIONS.split():
        yield name, [layers.Activation(name)(x), both_ways(layers.Activation(name), x)]
    yield "as functions", [getattr(activations, n)(x) for n in ("tanh", "relu", "softmax", "silu")]


@part
def each_stream(dtype):
    x = X[:3].astype(dtype)
    stack = {
        "lstm, gru, dense": [LSTM(20, return_sequences=True), GRU(9), Dense(4, "relu"), Dense(2)],
        "all steps": [LSTM(20, variant="peephole", return_sequences=True), Dense(3, "softmax")],
        "rnn": [SimpleRNN(8, return_sequences=True), GRU(8, reset_after=False), Dense(1)],
    }
    for name, made in stack.items():
        model = Sequential([Input((None, F), dtype=dtype), *made])
        stream = model.stream(3)
        yield f"{name} feed", stream.feed(x[:, :5])
        kept, other = stream.state, stream.snapshot()
        yield f"{name} state", kept
        yield f"{name} steps", [stream.step(x[:, t]) for t in range(5, T)]
        yield f"{name} snapshot", other.feed(x[:, 5:])
        stream.state = kept
        stream.reset(1)
        yield f"{name} again", stream.feed(x[:, 5:])
    model = Sequential([Embedding(9, 6), LSTM(12), Dense(9)])
    stream = model.stream() if model(np.array([[1, 2]])) is not None else None
    output = stream.read([1, 5, 3])
    for how in ({}, {"temperature": 0.5}, {"top_k": 3}, {"top_p": 0.6}, {"temperature": 0.0}):
        drawn = stream.snapshot()
        uniforms = np.linspace(0.01, 0.99, 40)
        tokens = drawn.sample(output.copy(), uniforms, logits=True, **how)
        yield f"tokens {how}", [tokens, drawn.state]


@part
def each_trace(dtype):
    for name, layer in (
        ("lstm", LSTM(7)),
        ("fgr", LSTM(7, variant="FGR", go_backwards=True)),
        ("gru", GRU(7)),
        ("before", GRU(7, reset_after=False)),
        ("rnn", SimpleRNN(7)),
    ):
        made = Sequential([Input((T, F), dtype=dtype), layer, Dense(1)])
        (trace, *_) = made.trace(X[:4], mask=np.arange(T) < LENGTHS[:4, None]).values()
        yield name, [trace.gates, trace.cell, trace.output]
        if name != "rnn":
            yield f"{name} saturation", {k: v.right for k, v in saturation(trace).items()}


@part
def each_text(dtype):
    vectorize = layers.TextVectorization(max_tokens=9, output_sequence_length=5)
    vectorize.adapt(["the cat sat", "the dog sat on the mat", "a cat"])
    yield "vectorized", [vectorize(["a dog on the cat", ""]), vectorize.get_vocabulary()]
    lookup = layers.StringLookup(vocabulary=["a", "b"], output_mode="multi_hot")
    yield "lookup", lookup([["a", "c"], ["b", "b"]])
    yield "hashed", [layers.IntegerLookup(vocabulary=[1, 3, 5])([1, 5, 7, 3])]
    normal = layers.Normalization()
    normal.adapt(X)
    yield "normalized", [normal(X), layers.Discretization([-0.3, 0.3])(X[..., 0])]
    yield "padded", utils.pad_sequences([[1, 2], [3], [4, 5, 6]], maxlen=2, padding="post")
    yield "sequences", list(utils.create_sequences(X[0, :, 0], 3))
    verse = "Jack and Jill went up the hill to fetch a pail of water. " * 30
    for level in ("char", "word"):
        utils.set_random_seed(3)
        writer = text.LanguageModel(level, units=16, layers=2, embedding=8, dropout=0.2)
        yield f"{level} history", writer.fit(verse, epochs=2, steps=16, verbose=0).history
        for how in ({}, {"temperature": 0.5, "top_k": 4}, {"top_p": 0.8}, {"temperature": 0}):
            yield f"{level} {how}", writer.generate("Jack", 60, seed=5, **how)
        yield f"{level} evaluated", writer.evaluate("Jack went up the hill.")
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "writer.safetensors"
            writer.save(path)
            yield f"{level} file", path
            yield f"{level} read", text.LanguageModel.load(path).generate("Jack", 20, seed=1)


@part
def forecasters_and_classifiers(dtype):
    from lstmcore.classification import TextClassifier
    from lstmcore.data import baselines  # noqa: F401  an import that README's readers may have
    from lstmcore.forecasting import LSTMForecaster

    series = wave(160, 0.41) + 0.1 * wave(160, 3.1)
    for name, options in {
        "quantile": {},
        "gaussian": {"head": "gaussian", "log": False, "layers": 2},
        "recursive": {"strategy": "recursive", "season": 15},
    }.items():
        made = LSTMForecaster(
            horizon=4, window=12, epochs=2, units=8, random_state=0, **options
        ).fit(series)
        yield name, [made.predict(), made.predict_interval(level=0.8), made.history_]
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "forecaster.safetensors"
            made.save(path)
            yield f"{name} file", path
            yield f"{name} read", LSTMForecaster.load(path).predict()
    tested = LSTMForecaster(horizon=3, window=9, epochs=1, units=4, random_state=0).backtest(series)
    yield "backtest", tested.mean_rmse
    texts = ["a very good film", "good, good fun", "a bad, long film", "not good, bad"] * 8
    labels = ["pos", "pos", "neg", "neg"] * 8
    sorter = TextClassifier(units=6, embedding=8, epochs=2, random_state=0, verbose=0)
    sorter.fit(texts, labels)
    yield "classifier", [sorter.predict_proba(texts[:5]), sorter.history_]
    yield "classes", sorter.predict(["a good film", "bad"]).tolist()
    yield "evaluation", sorter.evaluate(texts, labels).f1
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "classifier.safetensors"
        sorter.save(path)
        yield "classifier file", path


@part
def what_is_printed(dtype):
    made, options, *_ = MODELS["functional_shared_inputs_and_outputs"](dtype)
    made.compile(**options)
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        made.summary()
    yield "summary", printed.getvalue()
    yield "config", made.to_json()
    mistakes = {
        "units": lambda: LSTM(-1),
        "a name": lambda: LSTM(3, activation="tahn"),
        "inputs": lambda: made.fit(X, Y),
        "features": lambda: Sequential([Input((T, F)), LSTM(3)]).predict(X[..., :2]),
        "an option": lambda: LSTM(3, time_major=True),
    }
    for name, make in mistakes.items():
        try:
            make()
        except (TypeError, ValueError) as error:
            yield f"mistake: {name}", f"{type(error).__name__}: {error}"
        else:
            raise AssertionError(f"no error was raised for {name}")
