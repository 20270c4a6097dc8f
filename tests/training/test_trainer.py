"""fit, evaluate, predict: Keras's histories, splits, order, progress, threads, bad data."""

import numpy as np
import pytest
from formulas import wave32
from helpers import small

from lstmcore import Input, Sequential, losses
from lstmcore.callbacks import Callback
from lstmcore.layers import LSTM, Dense, Dropout
from lstmcore.optimizers import SGD, Adam, RMSprop
from lstmcore.utils import set_random_seed

X = wave32((50, 6, 2), 0.7)
TARGETS = {
    "real": wave32((50,), 1.3),
    "binary": (wave32((50, 1), 1.3) > 0).astype(np.float32),
    "one-hot": np.eye(3, dtype=np.float32)[np.arange(50) * 7 % 3],
    "class": np.arange(50) * 7 % 3,
}


def two_lstms(units, activation=None, dtype="float32"):
    first, second = LSTM(5, return_sequences=True), LSTM(4)
    model = Sequential(
        [Input((6, 2)), first, second, Dense(units, activation=activation)], dtype=dtype
    )
    weights = model.get_weights()
    model.set_weights([wave32(w.shape, 0.9 + 0.1 * i) * 0.5 for i, w in enumerate(weights)])
    return model


def fit(model, y="real", **kwargs):
    kwargs = {"epochs": 3, "batch_size": 16, "verbose": 0} | kwargs
    return model.fit(X, TARGETS.get(y, y) if isinstance(y, str) else y, **kwargs)


# -- Keras's numbers -----------------------------------------------------------------------

KERAS = [  # Keras 3.15.1 on JAX; 3 epochs, batch 16, no shuffling, validation_split 0.2
    (
        "real",
        None,
        "mse",
        ["mae", "root_mean_squared_error"],
        SGD(0.05, 0.9),
        {
            "loss": [0.3260149, 0.3140389, 0.3223588],
            "mae": [0.5052052, 0.5023764, 0.5111321],
            "root_mean_squared_error": [0.5709772, 0.5603917, 0.5677665],
            "val_loss": [0.3355874, 0.3427973, 0.3499173],
            "val_mae": [0.5281711, 0.5052226, 0.4984676],
            "val_root_mean_squared_error": [0.5792991, 0.585489, 0.5915381],
        },
    ),
    (
        "real",
        None,
        "mse",
        [],
        RMSprop(0.01),
        {
            "loss": [0.3194559, 0.3190366, 0.3176822],
            "val_loss": [0.3407207, 0.338042, 0.3376711],
        },
    ),
    (
        "real",
        None,
        "mae",
        ["accuracy"],
        Adam(0.01),
        {
            "accuracy": [0.0, 0.0, 0.0],
            "loss": [0.5066947, 0.5036713, 0.5021088],
            "val_accuracy": [0.0, 0.0, 0.0],
            "val_loss": [0.5391845, 0.5289885, 0.5204242],
        },
    ),
    (
        "binary",
        "sigmoid",
        "binary_crossentropy",
        ["accuracy", "bce"],
        Adam(0.01),
        {
            "accuracy": [0.55, 0.55, 0.55],
            "bce": [0.6887197, 0.6879264, 0.6877807],
            "loss": [0.6887197, 0.6879264, 0.6877807],
            "val_accuracy": [0.4, 0.4, 0.4],
            "val_bce": [0.7177988, 0.7183822, 0.7171235],
            "val_loss": [0.7177988, 0.7183822, 0.7171235],
        },
    ),
    (
        "one-hot",
        "softmax",
        "categorical_crossentropy",
        ["accuracy"],
        Adam(0.01),
        {
            "accuracy": [0.325, 0.325, 0.35],
            "loss": [1.1126982, 1.1026491, 1.0963471],
            "val_accuracy": [0.4, 0.4, 0.3],
            "val_loss": [1.0946023, 1.0944403, 1.0978143],
        },
    ),
    (
        "one-hot",
        None,
        losses.CategoricalCrossentropy(True, 0.2),
        ["accuracy"],
        Adam(0.01),
        {
            "accuracy": [0.325, 0.325, 0.35],
            "loss": [1.1113805, 1.1020828, 1.0966631],
            "val_accuracy": [0.4, 0.4, 0.6],
            "val_loss": [1.0961, 1.095782, 1.0992999],
        },
    ),
    (
        "class",
        "softmax",
        "sparse_categorical_crossentropy",
        ["accuracy"],
        Adam(0.01),
        {
            "accuracy": [0.325, 0.325, 0.35],
            "loss": [1.1126982, 1.1026491, 1.0963471],
            "val_accuracy": [0.4, 0.4, 0.3],
            "val_loss": [1.0946023, 1.0944403, 1.0978143],
        },
    ),
]


@pytest.mark.parametrize(("y", "activation", "loss", "metrics", "optimizer", "known"), KERAS)
def test_histories_are_keras(y, activation, loss, metrics, optimizer, known, dtype):
    model = two_lstms(1 if y in ("real", "binary") else 3, activation, dtype)
    model.compile(type(optimizer).from_config(optimizer.get_config()), loss, metrics=metrics)
    history = fit(model, y, shuffle=False, validation_split=0.2)
    assert list(history.history) == list(known)
    for name, values in known.items():
        np.testing.assert_allclose(history.history[name], values, atol=2e-6, err_msg=name)
    assert history.epoch == [0, 1, 2]
    assert history.params == {"verbose": 0, "epochs": 3, "steps": 3}


def test_gradient_of_the_whole_model():
    model = two_lstms(2, "tanh", "float64")
    y = wave32((50, 2), 1.1).astype(float)
    loss, x = losses.get("mse"), X.astype(float)
    y_pred, back = model.forward(x, True)
    dx = back(loss.forward(y, y_pred)[1])
    rng = np.random.default_rng(0)
    params = model.weights
    ways = [rng.standard_normal(p.shape) for p in params]
    derivative = sum(float((p.grad * way).sum()) for p, way in zip(params, ways, strict=True))
    start = [p.numpy() for p in params]

    def value(step):
        model.set_weights([w + step * way for w, way in zip(start, ways, strict=True)])
        return loss(y, model(x))

    assert derivative == pytest.approx((value(1e-6) - value(-1e-6)) / 2e-6, rel=1e-7)
    model.set_weights(start)
    way = rng.standard_normal(x.shape)
    moved = (loss(y, model(x + 1e-6 * way)) - loss(y, model(x - 1e-6 * way))) / 2e-6
    assert (dx * way).sum() == pytest.approx(moved, rel=1e-7)


def test_training_learns():
    set_random_seed(2)
    model = small()
    model.compile(Adam(0.02), "mse")
    y = X[:, -1, 0] - X[:, 2, 1]
    history = fit(model, y, epochs=60).history["loss"]
    assert history[-1] < 0.05 * history[0]
    assert model.evaluate(X, y, verbose=0) < 0.05 * history[0]


# -- order, splits, seeds ------------------------------------------------------------------


class Seen(Callback):
    """The samples of every training batch, by their first number."""

    def __init__(self):
        self.batches = []

    def on_train_begin(self, logs=None):
        model, seen, run = self.model, self.batches, type(self.model).run

        def spy(x, training=False, mask=None):
            if training:
                seen.append(x[:, 0, 0].copy())
            return run(model, x, training, mask)

        model.run = spy

    def on_train_end(self, logs=None):
        del self.model.run


def test_validation_takes_the_last_part_and_shuffling_all_of_the_first():
    seen = Seen()
    fit(small(), epochs=2, callbacks=[seen], validation_split=0.3)
    first, second = np.concatenate(seen.batches[:3]), np.concatenate(seen.batches[3:])
    assert [len(b) for b in seen.batches] == [16, 16, 3] * 2
    train = X[:35, 0, 0]
    for epoch in (first, second):
        np.testing.assert_array_equal(np.sort(epoch), np.sort(train))
        assert (epoch != train).any()
    assert (first != second).any()


def test_without_shuffling_the_order_stays():
    seen = Seen()
    fit(small(), epochs=1, callbacks=[seen], shuffle=False)
    np.testing.assert_array_equal(np.concatenate(seen.batches), X[:, 0, 0])


def test_validation_data_equals_the_split_by_hand():
    models = [two_lstms(1) for _ in range(2)]
    for model in models:
        model.compile("adam", "mse", metrics=["mae"])
    split = fit(models[0], shuffle=False, validation_split=0.2).history
    y = TARGETS["real"]
    by_hand = models[1].fit(
        X[:40], y[:40], 16, 3, 0, validation_data=(X[40:], y[40:]), shuffle=False
    )
    assert by_hand.history == split


def test_targets_and_weights_stay_with_their_samples():
    set_random_seed(3)
    model = Sequential([Input((6, 2)), LSTM(3), Dense(1)])
    model.compile(SGD(0.0), "mse")
    y, weight = TARGETS["real"], np.linspace(0, 2, 50)
    expected = losses.get("mse")(y, model.predict(X), weight)
    history = fit(model, sample_weight=weight, epochs=2).history["loss"]
    np.testing.assert_allclose(history, expected, rtol=1e-5)
    assert model.evaluate(X, y, verbose=0, sample_weight=weight) == pytest.approx(
        expected, rel=1e-5
    )


def run_with_seed(seed):
    set_random_seed(seed)
    model = Sequential([Input((6, 2)), LSTM(4), Dropout(0.3), Dense(1)])
    model.compile("rmsprop", "mse")
    history = fit(model, validation_split=0.2)
    return history.history, model.get_weights()


def test_one_seed_repeats_everything():
    (history, weights), (again, weights_again) = run_with_seed(7), run_with_seed(7)
    assert history == again
    for a, b in zip(weights, weights_again, strict=True):
        np.testing.assert_array_equal(a, b)
    assert run_with_seed(8)[0] != history


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_seeds_out_of_range(seed):
    with pytest.raises(ValueError, match="expected 0 to"):
        set_random_seed(seed)
    with pytest.raises(TypeError, match="expected an int"):
        set_random_seed(float(seed))


# -- evaluate, predict, single batches -----------------------------------------------------


def test_evaluate_returns():
    model = two_lstms(1)
    model.compile("adam", "mse", metrics=["mae"])
    y = TARGETS["real"]
    loss, mae = model.evaluate(X, y, batch_size=7, verbose=0)
    p = model.predict(X)[:, 0]
    assert loss == pytest.approx(((p - y) ** 2).mean(), rel=1e-5)
    assert mae == pytest.approx(abs(p - y).mean(), rel=1e-5)
    named = model.evaluate(X, y, batch_size=7, verbose=0, return_dict=True)
    assert named == {"loss": loss, "mae": mae}
    model.compile("adam", "mse")
    assert isinstance(model.evaluate(X, y, verbose=0), float)
    assert model.metrics_names == ["loss"]


def test_predict_does_not_depend_on_batches():
    model = Sequential([Input((6, 2)), LSTM(5, return_sequences=True), Dense(3), Dropout(0.5)])
    y = model.predict(X)
    assert y.shape == (50, 6, 3)
    assert y.flags.c_contiguous
    for size in (1, 7, 50, 1000):
        np.testing.assert_allclose(model.predict(X, batch_size=size), y, atol=1e-6)
    np.testing.assert_allclose(model.predict_on_batch(X), y, atol=1e-6)
    np.testing.assert_allclose(model(X), y, atol=1e-6)


def test_predict_gives_memory_of_its_own():
    model = Sequential([Input((6, 2)), Dropout(0.5)])
    x = X.copy()
    y = model.predict(x)
    y[:] = 0
    np.testing.assert_array_equal(x, X)


def test_train_on_batch_is_a_step_of_fit():
    models = [two_lstms(1) for _ in range(2)]
    for model in models:
        model.compile("adam", "mse", metrics=["mae"])
    fit(models[0], shuffle=False, epochs=1)
    y = TARGETS["real"]
    for start in range(0, 50, 16):
        part = slice(start, start + 16)
        alone = models[1].evaluate(X[part], y[part], verbose=0, return_dict=True)
        result = models[1].train_on_batch(X[part], y[part], return_dict=True)
        assert result == pytest.approx(alone)  # no mean with the batches before
    for a, b in zip(models[0].get_weights(), models[1].get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert models[1].test_on_batch(X, y) == models[1].evaluate(X, y, 50, verbose=0)


def test_frozen_layers_stay():
    model = two_lstms(1)
    model.compile(Adam(0.1), "mse")
    fit(model, epochs=1)
    model.layers[0].trainable = False
    before = model.get_weights()
    slots = {p: model.optimizer.slots["momentum"][w] for p, w in model._flat.windows.items()}
    model.materialize()
    for p, window in list(model._flat.windows.items())[:5]:
        np.testing.assert_array_equal(model.optimizer.slots["momentum"][window], slots[p])
    fit(model, epochs=1)
    after = model.get_weights()
    for a, b in zip(before[:3], after[:3], strict=True):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(before[3:], after[3:], strict=True):
        assert (a != b).any()
    model.layers[0].trainable = True
    fit(model, epochs=1)
    assert (model.get_weights()[0] != after[0]).any()
    model.trainable = False
    after = model.get_weights()
    with pytest.warns(UserWarning, match="fit: model '.*' has no weights to train"):
        history = fit(model, epochs=2)
    for a, b in zip(model.get_weights(), after, strict=True):
        np.testing.assert_array_equal(a, b)
    first, second = history.history["loss"]
    assert first == pytest.approx(second)
    assert model.optimizer.iterations > 0  # of the epochs before


def test_a_frozen_layer_in_front_changes_no_gradient():
    kept, frozen = two_lstms(1), two_lstms(1)
    for model in (kept, frozen):
        model.compile(SGD(0.1), "mse")
    frozen.layers[0].trainable = False
    for model in (kept, frozen):
        model.train_on_batch(X, TARGETS["real"])
    assert all((p.grad == 0).all() for p in frozen.layers[0].weights)  # not even computed
    for a, b in zip(kept.get_weights()[3:], frozen.get_weights()[3:], strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", ["crossentropy", "ce"])
@pytest.mark.parametrize(
    ("y", "units", "activation", "loss"),
    [
        (np.arange(8) % 2, 1, "sigmoid", "binary_crossentropy"),
        (np.arange(8) % 3, 3, "softmax", "sparse_categorical_crossentropy"),
        (np.eye(3)[np.arange(8) % 3], 3, "softmax", "categorical_crossentropy"),
    ],
)
def test_crossentropy_is_the_one_that_fits(y, units, activation, loss, name):
    x = np.random.default_rng(1).standard_normal((8, 4, 2)).astype(np.float32)
    model = Sequential([Input((4, 2)), LSTM(3), Dense(units, activation)])
    found = []
    for identifier in (name, loss):
        model.compile("sgd", identifier, metrics=[identifier])
        found.append(model.evaluate(x, y, verbose=0))
    assert found[0] == found[1]
    assert found[0][0] == pytest.approx(found[0][1], rel=1e-5)


def test_ignored_classes_do_not_weigh_in_the_mean_over_batches():
    x = np.random.default_rng(1).standard_normal((6, 4, 2)).astype(np.float32)
    y = np.arange(24).reshape(6, 4) % 3
    y[:3, 1:] = -1
    model = Sequential([Input((4, 2)), LSTM(3, return_sequences=True), Dense(3)])
    model.compile("sgd", losses.SparseCategoricalCrossentropy(True, ignore_class=-1))
    whole = model.evaluate(x, y, verbose=0)
    assert model.evaluate(x, y, batch_size=3, verbose=0) == pytest.approx(whole, rel=1e-5)


def test_weights_of_classes_do_not_reach_the_validation():
    """As in Keras, the weights of samples do: those of the last samples are theirs."""
    y, weights = TARGETS["binary"], np.linspace(0.1, 3, 50).astype(np.float32)
    sequences = [x[: 3 + i % 4] for i, x in enumerate(X)]
    for x, sample_weight in ((X, None), (X, weights), (sequences, None)):
        histories = []
        for class_weight in (None, {0: 1.0, 1: 9.0}):
            model = Sequential([Input((None, 2)), LSTM(3), Dense(1, "sigmoid")])
            model.set_weights([wave32(w.shape, 0.9) for w in model.get_weights()])
            model.compile(SGD(0.0), "binary_crossentropy", weighted_metrics=["accuracy"])
            history = model.fit(
                x,
                y,
                sample_weight=sample_weight,
                class_weight=class_weight,
                validation_split=0.2,
                verbose=0,
            ).history
            histories.append(history)
        last = None if sample_weight is None else sample_weight[40:]
        want = model.evaluate(x[40:], y[40:], sample_weight=last, verbose=0)
        for history in histories:
            got = [history["val_loss"][0], history["val_accuracy"][0]]
            np.testing.assert_allclose(got, want, rtol=1e-6)
        assert histories[1]["loss"][0] > 2 * histories[0]["loss"][0]
