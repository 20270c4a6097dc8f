"""Whole models and their training, in a text that runs in Keras and in lstmcore alike.

A case is a function of a library, `keras` or what `tests/keras/test_keras_fits.py` puts in its
place. It returns the model and what `compile` and `fit` are told. `play` trains it from weights
made by formula and returns all that can be seen. `tests/keras/make_keras_fits.py` writes what Keras
gives.
"""

import numpy as np
from formulas import wave

N, T, F, BATCH, EPOCHS = 22, 5, 2, 8, 7  # three steps an epoch, the last of a smaller batch


X = wave((N, T, F), 0.7)
X2 = wave((N, 3), 0.53)
Y = wave((N, 1), 1.3)
Y_STEPS = wave((N, T, 1), 0.91)
BINARY = (wave((N, 1), 1.3) > 0).astype("float64")
CLASS = np.arange(N) * 7 % 3
ONE_HOT = np.eye(3)[CLASS]
CLASS_STEPS = np.arange(N * T).reshape(N, T) * 5 % 3
IDS = np.arange(N * T).reshape(N, T) * 3 % 7 + 1
PADDED = np.where(np.arange(T) < (np.arange(N) % 4 + 2)[:, None], IDS, 0)
EVEN = np.where(np.arange(T) < 3, IDS, 0)  # as many real steps in every batch
WEIGHT = np.linspace(0.2, 1.8, N)
WEIGHT_STEPS = wave((N, T), 0.37) + 1

CASES = {}


def case(make):
    """Add a case under the function's name."""
    CASES[make.__name__] = make
    return make


def weights_of(model):
    """What the weights begin with: a variance is positive."""
    for i, w in enumerate(model.weights):
        array = 0.5 * wave(w.shape, 0.9 + 0.1 * i)
        yield np.abs(array) + 0.5 if "variance" in w.name else array


def play(k, make):
    """Train from the weights by formula; all that can be seen of it, as lists and numbers."""
    given = make(k)
    model, told, data = given["model"], dict(given["compile"]), dict(given["fit"])
    model.set_weights(list(weights_of(model)))
    model.compile(**told)
    x, y = data.pop("x"), data.pop("y", None)
    test = given.get("test", (x, y))
    settings = {"batch_size": BATCH, "epochs": EPOCHS, "shuffle": False, "verbose": 0}
    if given.get("batches"):
        del settings["batch_size"]
    found = {"weights": [[w.name, list(w.shape)] for w in model.weights]}
    settings |= data
    history = model.fit(x, y, **settings)
    found["history"] = [[name, listed(v)] for name, v in history.history.items()]
    found["epochs"] = history.epoch
    found["after"] = listed(model.get_weights())
    more = {} if len(test) == 2 else {"sample_weight": test[2]}
    size = settings.get("batch_size", BATCH)
    settings = {"batch_size": size, "verbose": 0} | more
    if not given.get("named"):  # Keras's lists say numbers of one name several times
        found["evaluate"] = listed(model.evaluate(*test[:2], **settings))
    named = model.evaluate(*test[:2], **settings, return_dict=True)
    found["evaluate_dict"] = [[name, listed(v)] for name, v in named.items()]
    y = model.predict(test[0], batch_size=size, verbose=0)
    found["predict"] = listed(dict(sorted(y.items())) if isinstance(y, dict) else y)
    found["output_shape"] = listed(model.output_shape)
    model.reset_metrics()
    batch = [first(part, size) for part in test]
    form = {"return_dict": given.get("named", False)}
    found["test_on_batch"] = listed(model.test_on_batch(*batch, **form))
    if not given.get("averaged"):  # Keras on JAX fails there
        found["train_on_batch"] = [listed(model.train_on_batch(*batch, **form)) for _ in range(2)]
    return found


def first(value, rows):
    """The first rows of every array."""
    if isinstance(value, dict):
        return {name: first(v, rows) for name, v in value.items()}
    return [first(v, rows) for v in value] if isinstance(value, list) else value[:rows]


def listed(value):
    """Arrays as lists, dicts as lists of pairs, numbers as floats of 14 digits."""
    if isinstance(value, dict):
        return [[name, listed(v)] for name, v in value.items()]
    if isinstance(value, list | tuple):
        return [listed(v) for v in value]
    if value is None or isinstance(value, str | int):
        return value
    value = np.asarray(value)
    return listed(value.tolist()) if value.ndim else float(f"{float(value):.14g}")


def told(model, x, y, optimizer="adam", loss="mse", metrics=None, **more):
    """A case's parts; `more` goes to `fit`, `compile` or stays beside them."""
    compiled = {"optimizer": optimizer, "loss": loss, "metrics": metrics}
    found = {"model": model, "compile": compiled, "fit": {"x": x, "y": y}}
    for key, value in more.items():
        if key in ("test", "batches", "averaged", "named"):
            found[key] = value
        else:
            compiling = key in ("loss_weights", "weighted_metrics")
            found["compile" if compiling else "fit"][key] = value
    return found


def chain(k, *layers):
    return k.Sequential([k.Input((T, F)), *layers])


def lstm(k, **options):
    return chain(k, k.layers.LSTM(3, **options), k.layers.Dense(1))


# -- the scripts that have to run -----------------------------------------------------------------


@case
def script_one(k):
    model = k.Sequential([k.layers.LSTM(4, input_shape=(T, F)), k.layers.Dense(1)])
    return told(model, X, Y, "adam", "mse")


@case
def script_stacked(k):
    layers = k.layers
    model = k.Sequential()
    model.add(layers.LSTM(4, return_sequences=True, input_shape=(T, F)))
    model.add(layers.LSTM(3, return_sequences=True))
    model.add(layers.LSTM(2))
    model.add(layers.Dense(1))
    return told(model, X, Y, "adam", "mean_squared_error", metrics=["mae"])


@case
def script_bidirectional(k):
    layers = k.layers
    first = layers.Bidirectional(layers.LSTM(3, return_sequences=True), input_shape=(T, F))
    model = k.Sequential([first, layers.Bidirectional(layers.LSTM(2)), layers.Dense(1)])
    return told(model, X, Y, "adam", "mse")


@case
def script_sentiment(k):
    layers = k.layers
    model = k.Sequential(
        [
            layers.Embedding(9, 4, input_length=T),
            layers.LSTM(3),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.build((None, T))
    data = {"validation_data": (IDS[:9], BINARY[:9])}
    return told(model, IDS, BINARY, "adam", "binary_crossentropy", ["accuracy"], **data)


@case
def script_forecast(k):
    layers = k.layers
    series = np.sin(np.arange(30) * 0.4)
    x = np.stack([series[i : i + 6] for i in range(24)])[..., None]
    model = k.Sequential([layers.LSTM(4, activation="relu", input_shape=(6, 1)), layers.Dense(1)])
    return told(model, x, series[6:], "adam", "mse", validation_split=0.2)


@case
def script_attention(k):
    layers = k.layers
    inputs = k.Input(shape=(T, F))
    h = layers.LSTM(3, return_sequences=True)(inputs)
    a = layers.Attention()([h, h])
    output = layers.Dense(1)(layers.Concatenate()([h, a]))
    return told(k.Model(inputs=inputs, outputs=output), X, Y_STEPS, "adam", "mse")


@case
def script_text(k):
    layers = k.layers
    one_hot = np.eye(8)[IDS]
    model = k.Sequential(
        [
            layers.LSTM(4, input_shape=(T, 8), return_sequences=True),
            layers.LSTM(3),
            layers.Dense(8, activation="softmax"),
        ]
    )
    return told(
        model, one_hot[:-1], one_hot[1:, 0], "adam", "categorical_crossentropy", ["accuracy"]
    )


@case
def script_regularised(k):
    layers, rules = k.layers, k.regularizers
    model = chain(
        k,
        layers.LSTM(
            3,
            return_sequences=True,
            kernel_regularizer=rules.l2(0.01),
            recurrent_regularizer=rules.l1(0.005),
            bias_regularizer=rules.l1_l2(l1=0.01, l2=0.02),
            kernel_constraint=k.constraints.MaxNorm(0.6),
        ),
        layers.Dropout(0.0),
        layers.LSTM(
            3,
            dropout=0.0,
            recurrent_dropout=0.0,
            kernel_regularizer="l1",
            recurrent_constraint=k.constraints.max_norm(0.5),
            bias_constraint="non_neg",
        ),
        layers.Dense(1, kernel_regularizer="l2", activity_regularizer=rules.L2(0.1)),
    )
    return told(model, X, Y, k.optimizers.SGD(0.1), "mse", ["mse"], validation_split=0.25)


# -- inputs, outputs, graphs ----------------------------------------------------------------------


def two_by_two(k, form=list):
    layers = k.layers
    series, facts = k.Input((T, F), name="series"), k.Input((3,), name="facts")
    h = layers.LSTM(3)(series)
    both = layers.Concatenate()([h, layers.Dense(2, activation="tanh")(facts)])
    price = layers.Dense(1, name="price")(both)
    kind = layers.Dense(3, activation="softmax", name="kind")(both)
    if form is dict:
        inputs = {"series": series, "facts": facts}
        return k.Model(inputs, {"price": price, "kind": kind})
    return k.Model([series, facts], [price, kind])


@case
def several_by_list(k):
    losses = ["mse", "categorical_crossentropy"]
    metrics = [["mae", "mse"], ["accuracy"]]
    return told(
        two_by_two(k), [X, X2], [Y, ONE_HOT], "adam", losses, metrics, loss_weights=[1.0, 0.3]
    )


@case
def several_by_name(k):
    model = two_by_two(k, dict)
    return told(
        model,
        {"facts": X2, "series": X},
        {"kind": ONE_HOT, "price": Y},
        k.optimizers.RMSprop(0.01),
        {"kind": "categorical_crossentropy", "price": "mae"},
        {"kind": ["accuracy"], "price": "mse"},
        loss_weights={"kind": 0.5, "price": 2.0},
        validation_data=({"facts": X2[:6], "series": X[:6]}, {"kind": ONE_HOT[:6], "price": Y[:6]}),
    )


@case
def several_with_weights(k):
    return told(
        two_by_two(k),
        [X, X2],
        [Y, ONE_HOT],
        "adam",
        ["mse", "categorical_crossentropy"],
        weighted_metrics=[["mae"], ["accuracy"]],
        sample_weight=[WEIGHT, WEIGHT[::-1].copy()],
    )


@case
def several_with_one_loss(k):
    layers = k.layers
    x = k.Input((T, F))
    h = layers.LSTM(3)(x)
    outputs = [layers.Dense(1, name="a")(h), layers.Dense(1, activation="tanh", name="b")(h)]
    return told(k.Model(x, outputs), X, [Y, -Y], "adam", "mse")


@case
def an_output_without_a_loss(k):
    losses = {"price": "mse"}
    return told(two_by_two(k, dict), {"series": X, "facts": X2}, {"price": Y}, "adam", losses)


@case
def a_shared_layer(k):
    layers = k.layers
    a, b = k.Input((T, F)), k.Input((T, F))
    shared = layers.LSTM(3)
    y = layers.Dense(1)(layers.Subtract()([shared(a), shared(b)]))
    return told(k.Model([a, b], y), [X, X[::-1].copy()], Y, "adam", "mse")


@case
def a_sequential_in_a_graph(k):
    layers = k.layers
    inner = k.Sequential([k.Input((T, F)), layers.LSTM(3), layers.Dense(2, activation="tanh")])
    x = k.Input((T, F))
    y = layers.Dense(1)(layers.Concatenate()([inner(x), layers.GRU(2)(x)]))
    return told(k.Model(x, y), X, Y, "adam", "mse")


@case
def a_graph_in_a_graph(k):
    layers = k.layers
    x = k.Input((T, F))
    h = layers.LSTM(3, return_sequences=True)(x)
    inner = k.Model(x, [h, layers.GlobalAveragePooling1D()(h)])
    a, b = k.Input((T, F)), k.Input((T, F))
    (h_a, m_a), (_, m_b) = inner(a), inner(b)
    y = layers.Dense(1)(layers.Concatenate()([layers.LSTM(2)(h_a), m_a, m_b]))
    return told(k.Model([a, b], y), [X, 0.5 * X], Y, "adam", "mse")


@case
def a_graph_in_a_sequential(k):
    layers = k.layers
    x = k.Input((T, F))
    h = layers.LSTM(3, return_sequences=True)(x)
    inner = k.Model(x, layers.Add()([h, layers.SimpleRNN(3, return_sequences=True)(x)]))
    return told(chain(k, inner, layers.LSTM(2), layers.Dense(1)), X, Y, "adam", "mse")


@case
def features_of_a_model(k):
    layers = k.layers
    x = k.Input((T, F))
    h = layers.LSTM(3, name="features")(x)
    whole = k.Model(x, layers.Dense(1)(h))
    features = k.Model(whole.inputs, whole.get_layer("features").output)
    features.trainable = False
    y = k.Input((T, F))
    return told(k.Model(y, layers.Dense(1)(features(y))), X, Y, "adam", "mse")


@case
def an_encoder_and_a_decoder(k):
    layers = k.layers
    source, target = k.Input((T, F)), k.Input((None, 1))
    _, h, c = layers.LSTM(3, return_state=True)(source)
    decoder = layers.LSTM(3, return_sequences=True, return_state=True)
    y, _, _ = decoder(target, initial_state=[h, c])
    y = layers.TimeDistributed(layers.Dense(1))(y)
    before = np.concatenate([np.zeros((N, 1, 1)), Y_STEPS[:, :-1]], axis=1)
    return told(k.Model([source, target], y), [X, before], Y_STEPS, "adam", "mse")


@case
def branches_of_unlike_depth(k):
    layers = k.layers
    x = k.Input((T, F))
    deep = layers.LSTM(3, return_sequences=True)(x)
    deep = layers.LSTM(2)(layers.Dense(3, activation="tanh")(deep))
    flat = layers.Dense(2)(layers.Flatten()(x))
    y = layers.Dense(1)(layers.Multiply()([flat, deep]))
    return told(k.Model(x, y), X, Y, "adam", "mse")


@case
def a_frozen_model_keeps_its_averages(k):
    layers = k.layers
    x = k.Input((T, F))
    inner = k.Model(x, layers.BatchNormalization()(layers.Dense(3)(x)))
    inner.trainable = False
    return told(chain(k, inner, layers.GRU(3), layers.Dense(1)), X, Y, "adam", "mse")


# -- losses, weights, masks -----------------------------------------------------------------------


@case
def sparse_classes(k):
    model = chain(k, k.layers.LSTM(3), k.layers.Dense(3, activation="softmax"))
    return told(model, X, CLASS, "adam", "sparse_categorical_crossentropy", ["accuracy"])


@case
def classes_of_every_step_from_logits(k):
    loss = k.losses.SparseCategoricalCrossentropy(from_logits=True)
    model = chain(k, k.layers.GRU(3, return_sequences=True), k.layers.Dense(3))
    return told(model, X, CLASS_STEPS, "adam", loss, ["accuracy"])


@case
def binary_from_logits(k):
    loss = k.losses.BinaryCrossentropy(from_logits=True, label_smoothing=0.1)
    metric = k.metrics.BinaryAccuracy(threshold=0.0)
    return told(lstm(k), X, BINARY, "adam", loss, [metric])


@case
def one_hot_from_logits(k):
    loss = k.losses.CategoricalCrossentropy(from_logits=True)
    model = chain(k, k.layers.LSTM(3), k.layers.Dense(3))
    return told(model, X, ONE_HOT, "adam", loss, ["categorical_accuracy", "accuracy"])


@case
def huber_and_more(k):
    metrics = ["mae", k.metrics.RootMeanSquaredError(), k.metrics.LogCoshError()]
    return told(lstm(k), X, Y, "adam", k.losses.Huber(0.3), metrics)


@case
def metrics_of_one_name(k):
    metrics = ["mae", "mae", k.metrics.MeanSquaredError(name="mine")]
    weighted = ["mae", k.metrics.MeanAbsoluteError(name="mine"), "mae"]
    data = {"sample_weight": WEIGHT, "test": (X, Y, WEIGHT), "named": True}
    return told(lstm(k), X, Y, "adam", "mse", metrics, weighted_metrics=weighted, **data)


@case
def metrics_of_one_name_of_outputs(k):
    losses = ["mse", "categorical_crossentropy"]
    metrics, weighted = [["mae"], ["mae", "accuracy"]], [["mae"], ["accuracy"]]
    weights = [WEIGHT, WEIGHT]
    return told(
        two_by_two(k),
        [X, X2],
        [Y, ONE_HOT],
        "adam",
        losses,
        metrics,
        weighted_metrics=weighted,
        sample_weight=weights,
    )


@case
def a_loss_that_is_a_sum(k):
    loss = k.losses.MeanSquaredError(reduction="sum")
    model = chain(k, k.layers.LSTM(3, return_sequences=True), k.layers.Dense(2))
    return told(model, X, wave((N, T, 2), 0.81), k.optimizers.SGD(0.01), loss, ["mse"])


@case
def precision_recall_auc(k):
    model = chain(k, k.layers.LSTM(3), k.layers.Dense(1, activation="sigmoid"))
    metrics = [k.metrics.Precision(name="p"), k.metrics.Recall(name="r"), k.metrics.AUC(name="auc")]
    return told(model, X, BINARY, "adam", "binary_crossentropy", metrics)


@case
def class_weight_of_binary_targets(k):
    model = chain(k, k.layers.LSTM(3), k.layers.Dense(1, activation="sigmoid"))
    return told(
        model,
        X,
        BINARY,
        "adam",
        "binary_crossentropy",
        ["accuracy"],
        weighted_metrics=["mae"],
        class_weight={0: 0.5, 1: 2.0},
    )


@case
def class_weight_of_one_hot_targets(k):
    model = chain(k, k.layers.LSTM(3), k.layers.Dense(3, activation="softmax"))
    return told(
        model, X, ONE_HOT, "adam", "categorical_crossentropy", class_weight={0: 0.5, 1: 2.0, 2: 1.5}
    )


@case
def class_weight_of_class_numbers(k):
    model = chain(k, k.layers.LSTM(3), k.layers.Dense(3, activation="softmax"))
    return told(
        model, X, CLASS, "adam", "sparse_categorical_crossentropy", class_weight={0: 0.5, 2: 1.5}
    )


@case
def sample_weight_of_samples(k):
    return told(
        lstm(k),
        X,
        Y,
        "adam",
        "mse",
        ["mae"],
        weighted_metrics=["mse"],
        sample_weight=WEIGHT,
        test=(X, Y, WEIGHT),
        validation_data=(X[:9], Y[:9], WEIGHT[:9]),
    )


@case
def sample_weight_of_steps(k):
    model = chain(k, k.layers.LSTM(3, return_sequences=True), k.layers.Dense(1))
    return told(
        model,
        X,
        Y_STEPS,
        "adam",
        "mse",
        weighted_metrics=["mae"],
        sample_weight=WEIGHT_STEPS,
        test=(X, Y_STEPS, WEIGHT_STEPS),
        validation_split=0.3,
    )


@case
def padding_that_is_masked(k):
    layers = k.layers
    model = k.Sequential(
        [k.Input((T,)), layers.Embedding(9, 3, mask_zero=True), layers.LSTM(3), layers.Dense(1)]
    )
    return told(model, PADDED, Y, "adam", "mse", ["mae"], sample_weight=WEIGHT)


@case
def masked_steps(k):
    layers = k.layers
    model = k.Sequential(
        [
            k.Input((T,)),
            layers.Embedding(9, 3, mask_zero=True),
            layers.LSTM(3, return_sequences=True),
            layers.Bidirectional(layers.GRU(2, return_sequences=True)),
            layers.Dense(3, activation="softmax"),
        ]
    )
    # no metrics: Keras's count masked steps too, and ours do not
    return told(model, EVEN, CLASS_STEPS, "adam", "sparse_categorical_crossentropy")


@case
def masked_steps_with_weights(k):
    layers = k.layers
    model = k.Sequential(
        [
            k.Input((T,)),
            layers.Embedding(9, 3, mask_zero=True),
            layers.LSTM(3, return_sequences=True),
            layers.Dense(1),
        ]
    )
    return told(
        model,
        EVEN,
        Y_STEPS,
        "adam",
        "mse",
        sample_weight=WEIGHT_STEPS,
        test=(EVEN, Y_STEPS, WEIGHT_STEPS),
    )


@case
def masked_values(k):
    layers = k.layers
    x = np.where(np.arange(T)[:, None] < 4, X, -1.0)
    model = chain(k, layers.Masking(-1.0), layers.GRU(3, return_sequences=True), layers.LSTM(2))
    model.add(layers.Dense(1))
    return told(model, x, Y, "adam", "mse")


# -- where the data comes from --------------------------------------------------------------------


@case
def steps_per_epoch(k):
    def batches():
        while True:
            for i in range(0, N, BATCH):
                yield X[i : i + BATCH], Y[i : i + BATCH]

    return told(lstm(k), batches(), None, steps_per_epoch=2, epochs=10, batches=True, test=(X, Y))


@case
def batches_with_weights_from_a_generator(k):
    def batches():
        for _ in range(EPOCHS):
            for i in range(0, N, BATCH):
                rows = slice(i, i + BATCH)
                yield X[rows], Y[rows], WEIGHT[rows]

    return told(
        lstm(k),
        batches(),
        None,
        steps_per_epoch=3,
        batches=True,
        test=(X, Y),
        weighted_metrics=["mae"],
        validation_data=(X[:9], Y[:9]),
    )


@case
def a_dataset_of_ones_own(k):
    class Data(k.utils.PyDataset):
        def __len__(self):
            return 3

        def __getitem__(self, i):
            rows = slice(i * BATCH, (i + 1) * BATCH)
            return X[rows], Y[rows]

    return told(lstm(k), Data(), None, batches=True, test=(X, Y), validation_data=Data())


@case
def a_generator_for_several_inputs(k):
    def batches():
        while True:
            for i in range(0, N, BATCH):
                rows = slice(i, i + BATCH)
                yield (X[rows], X2[rows]), (Y[rows], ONE_HOT[rows])

    return told(
        two_by_two(k),
        batches(),
        None,
        loss=["mse", "categorical_crossentropy"],
        steps_per_epoch=3,
        batches=True,
        test=([X, X2], [Y, ONE_HOT]),
    )


@case
def validation_now_and_then(k):
    return told(lstm(k), X, Y, validation_split=0.4, validation_freq=3, validation_batch_size=4)


# -- rules ----------------------------------------------------------------------------------------


@case
def activity_regularizers(k):
    layers, rules = k.layers, k.regularizers
    model = chain(
        k,
        layers.LSTM(3, return_sequences=True, activity_regularizer=rules.L1(0.01)),
        layers.ActivityRegularization(l1=0.01, l2=0.02),
        layers.GRU(2, activity_regularizer="l2"),
        layers.Dense(1),
    )
    return told(model, X, Y, "adam", "mse", ["mse"], validation_split=0.3)


@case
def rules_of_a_shared_layer(k):
    layers = k.layers
    a, b = k.Input((T, F)), k.Input((T, F))
    shared = layers.LSTM(3, kernel_regularizer="l2", bias_constraint="unit_norm")
    y = layers.Dense(1)(layers.Add()([shared(a), shared(b)]))
    return told(k.Model([a, b], y), [X, 0.5 * X], Y, "adam", "mse")


@case
def rules_of_many_layers(k):
    layers, c = k.layers, k.constraints
    model = chain(
        k,
        layers.Conv1D(3, 2, kernel_regularizer="l2", bias_regularizer="l1"),
        layers.Bidirectional(layers.GRU(2, return_sequences=True, kernel_regularizer="l2")),
        layers.SimpleRNN(3, kernel_constraint=c.UnitNorm(), recurrent_regularizer="l2"),
        layers.Dense(
            2, kernel_constraint=c.MinMaxNorm(0.2, 0.8, rate=0.5), bias_constraint="non_neg"
        ),
        layers.Dense(1, kernel_regularizer=k.regularizers.OrthogonalRegularizer(mode="rows")),
    )
    return told(model, X, Y, "adam", "mse")


@case
def a_frozen_layer_with_a_regularizer(k):
    layers = k.layers
    model = chain(
        k, layers.LSTM(3, kernel_regularizer="l2"), layers.Dense(1, bias_regularizer="l2")
    )
    model.layers[0].trainable = False
    return told(model, X, Y, "adam", "mse")


# -- optimizers -----------------------------------------------------------------------------------


def trained_by(optimizer):
    def make(k):
        made = optimizer(k)
        return told(lstm(k), X, Y, made, "mse", averaged=made.use_ema)

    return make


OPTIMIZERS = {
    "sgd": lambda o: o.SGD(0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
    "rmsprop": lambda o: o.RMSprop(0.01, centered=True, momentum=0.5, clipnorm=0.1),
    "adam": lambda o: o.Adam(0.01, amsgrad=True, global_clipnorm=0.2),
    "adamw": lambda o: o.AdamW(0.01, weight_decay=0.1, clipvalue=0.05),
    "adamax": lambda o: o.Adamax(0.01),
    "nadam": lambda o: o.Nadam(0.01),
    "adagrad": lambda o: o.Adagrad(0.05),
    "adadelta": lambda o: o.Adadelta(1.0),
    "lion": lambda o: o.Lion(0.01),
    "averages": lambda o: o.Adam(0.01, use_ema=True, ema_momentum=0.9),
    "averages_now_and_then": lambda o: o.SGD(
        0.1, use_ema=True, ema_momentum=0.8, ema_overwrite_frequency=5
    ),
    "accumulated": lambda o: o.Adam(0.02, gradient_accumulation_steps=2, clipnorm=0.5),
    "cosine": lambda o: o.Adam(o.schedules.CosineDecay(0.02, 30, alpha=0.1, warmup_steps=5)),
}
for _name, _make in OPTIMIZERS.items():
    CASES[f"optimizer_{_name}"] = trained_by(lambda k, make=_make: make(k.optimizers))


# -- callbacks ------------------------------------------------------------------------------------


@case
def stopped_early(k):
    stop = k.callbacks.EarlyStopping("val_loss", patience=2, restore_best_weights=True)
    return told(
        lstm(k),
        X,
        Y,
        k.optimizers.SGD(0.5, momentum=0.9),
        "mse",
        validation_split=0.3,
        epochs=20,
        callbacks=[stop],
    )


@case
def rates_that_fall_on_plateaus(k):
    fall = k.callbacks.ReduceLROnPlateau("loss", factor=0.3, patience=1, min_delta=0.005)
    return told(lstm(k), X, Y, k.optimizers.SGD(0.8, momentum=0.9), epochs=10, callbacks=[fall])


@case
def rates_by_epoch(k):
    by_epoch = k.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.8)
    return told(lstm(k), X, Y, k.optimizers.Adam(0.05), callbacks=[by_epoch], validation_split=0.2)


# -- layers ---------------------------------------------------------------------------------------


@case
def frozen_layers(k):
    layers = k.layers
    model = chain(k, layers.LSTM(3, return_sequences=True), layers.LSTM(2), layers.Dense(1))
    model.layers[0].trainable = False
    return told(model, X, Y)


@case
def simple_and_gated(k):
    layers = k.layers
    return told(
        chain(
            k,
            layers.GRU(3, return_sequences=True, reset_after=False),
            layers.GRU(3, return_sequences=True, activation="relu", use_bias=False),
            layers.SimpleRNN(2, go_backwards=True),
            layers.Dense(1),
        ),
        X,
        Y,
    )


@case
def cells(k):
    layers = k.layers
    stack = [layers.LSTMCell(3), layers.GRUCell(2)]
    model = chain(k, layers.RNN(stack, return_sequences=True), layers.RNN(layers.SimpleRNNCell(2)))
    model.add(layers.Dense(1))
    return told(model, X, Y)


@case
def time_distributed(k):
    layers = k.layers
    x = k.Input((3, T, F))
    h = layers.TimeDistributed(layers.LSTM(3))(x)
    h = layers.TimeDistributed(layers.Dense(2, activation="tanh"))(h)
    data = wave((N, 3, T, F), 0.7)
    return told(k.Model(x, layers.Dense(1)(layers.LSTM(2)(h))), data, Y)


@case
def batch_normalization(k):
    layers = k.layers
    model = chain(
        k,
        layers.BatchNormalization(momentum=0.8),
        layers.LSTM(3, return_sequences=True),
        layers.BatchNormalization(scale=False),
        layers.LSTM(2),
        layers.Dense(1),
    )
    return told(model, X, Y, validation_split=0.3)


@case
def layer_normalization(k):
    layers = k.layers
    model = chain(k, layers.LSTM(4, return_sequences=True), layers.LayerNormalization())
    model.add(layers.LSTM(2))
    model.add(layers.Dense(1))
    return told(model, X, Y)


@case
def attention_of_several_heads(k):
    layers = k.layers
    x = k.Input((T, F))
    h = layers.LSTM(4, return_sequences=True)(x)
    attend = layers.MultiHeadAttention(2, 3)
    # without the scores Keras on JAX takes a softmax in float32
    a, _ = attend(h, h, use_causal_mask=True, return_attention_scores=True)
    h = layers.LayerNormalization()(layers.Add()([h, a]))
    return told(k.Model(x, layers.Dense(1)(layers.GlobalMaxPooling1D()(h))), X, Y)


@case
def attention_over_padding(k):
    layers = k.layers
    ids = k.Input((T,))
    e = layers.Embedding(9, 3, mask_zero=True)(ids)
    h = layers.Bidirectional(layers.LSTM(2, return_sequences=True))(e)
    a = layers.AdditiveAttention()([h, h])
    y = layers.GlobalAveragePooling1D()(layers.Concatenate()([h, a]))
    return told(k.Model(ids, layers.Dense(1)(y)), PADDED, Y)


@case
def convolution_and_pooling(k):
    layers = k.layers
    model = chain(
        k,
        layers.Conv1D(4, 3, padding="causal", activation="relu"),
        layers.MaxPooling1D(2),
        layers.LSTM(3),
        layers.Dense(1),
    )
    return told(model, X, Y)
