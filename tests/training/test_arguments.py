"""What is wrong with an argument is said with its name; what an epoch lacks is said, too."""

import re
import warnings

import numpy as np
import pytest

import lstmcore
from lstmcore import Input, Sequential, callbacks, layers, losses, metrics
from lstmcore.optimizers.schedules import PiecewiseConstantDecay
from lstmcore.streaming import step_together

X = np.random.default_rng(0).standard_normal((16, 5, 3)).astype("f4")
Y = X[:, 0, :2]


def model_of():
    model = Sequential([Input((None, 3)), layers.LSTM(2), layers.Dense(2)])
    model.compile("sgd", "mse")
    return model


MODEL = model_of()
STREAM = MODEL.stream(2)
CALLS = {
    "callbacks: expected a list of Callback objects": [
        lambda a: MODEL.fit(X, Y, callbacks=a, verbose=0),
        lambda a: MODEL.evaluate(X, Y, callbacks=a, verbose=0),
        lambda a: MODEL.predict(X, callbacks=a, verbose=0),
        lambda a: callbacks.CallbackList(a),
    ],
    "weights: expected a list of arrays": [MODEL.set_weights],
    "layers: expected a list of layers": [Sequential],
    "batch_input_shape: expected a list of sizes": [lambda a: layers.Add(batch_input_shape=a)],
    "streams: expected a list of streams": [lambda a: step_together(a, X[:2, 0])],
    "boundaries: expected a list of numbers": [lambda a: PiecewiseConstantDecay(a, [1.0])],
    "values: expected a list of numbers": [lambda a: PiecewiseConstantDecay([1], a)],
    "bin_boundaries: expected a list of numbers": [lambda a: layers.Discretization(a)],
    "thresholds: expected a list of numbers": [lambda a: metrics.AUC(thresholds=a)],
    "label_weights: expected a list of numbers": [lambda a: metrics.AUC(label_weights=a)],
}


@pytest.mark.parametrize(
    "value", [2.5, True, object(), {"a": 1}, "abc", 1j], ids=lambda v: type(v).__name__
)
@pytest.mark.parametrize(("message", "call"), [(m, c) for m, cs in CALLS.items() for c in cs])
def test_no_list(message, call, value):
    with pytest.raises(TypeError, match=re.escape(f"{message}, got {value!r}"[:90])):
        call(value)


NUMBERS = {
    "label_smoothing": lambda a: losses.BinaryCrossentropy(label_smoothing=a),
    "delta": losses.Huber,
    "quantiles": lambda a: losses.Quantile([a]),
    "alpha": lambda a: losses.BinaryFocalCrossentropy(alpha=a),
    "gamma": lambda a: losses.CategoricalFocalCrossentropy(gamma=a),
    "num_thresholds": lambda a: metrics.AUC(a),
    "threshold": lambda a: metrics.BinaryAccuracy(threshold=a),
    "beta": lambda a: metrics.FBetaScore(beta=a),
    "thresholds": lambda a: metrics.Precision(thresholds=[a]),
    "num_regressors": lambda a: metrics.R2Score(num_regressors=a),
    "min_delta": lambda a: callbacks.EarlyStopping(min_delta=a),
    "factor": lambda a: callbacks.ReduceLROnPlateau(factor=a),
    "histogram_freq": lambda a: callbacks.TensorBoard(histogram_freq=a),
}


@pytest.mark.parametrize(
    "value", ["abc", object(), [1, None], b"1", 1j, {}], ids=lambda v: type(v).__name__
)
@pytest.mark.parametrize("argument", NUMBERS)
def test_no_number(argument, value):
    with pytest.raises(ValueError, match=f"{argument}: expected (a |a whole )?number"):
        NUMBERS[argument](value)


@pytest.mark.parametrize("axis", [2.5, True, "abc", {"a": 1}, [None], 1j])
def test_no_axis(axis):
    with pytest.raises(ValueError, match="axis: expected an int, several or None, got "):
        layers.Normalization(axis=axis)


PATHS = {
    "filepath": callbacks.ModelCheckpoint,
    "backup_dir": callbacks.BackupAndRestore,
    "log_dir": callbacks.TensorBoard,
    "filename": callbacks.CSVLogger,
}


@pytest.mark.parametrize(
    "value", [3, None, b"file", object(), ["a"]], ids=lambda v: type(v).__name__
)
@pytest.mark.parametrize("argument", PATHS)
def test_no_path(argument, value):
    with pytest.raises(TypeError, match=f"{argument}: expected a path, got "):
        PATHS[argument](value)


def test_one_callback_alone_is_a_list_of_one():
    seen = []
    spy = callbacks.LambdaCallback(on_test_end=seen.append, on_predict_end=seen.append)
    MODEL.evaluate(X, Y, callbacks=spy, verbose=0)
    MODEL.predict(X, callbacks=spy, verbose=0)
    assert len(seen) == 2


@pytest.mark.parametrize("rows", [7, 2, -3, [0, 2], [-5]])
def test_rows_that_a_stream_does_not_have(rows):
    STREAM.feed(X[:2])
    (before,) = STREAM.state.values()
    wanted = f"rows: expected numbers from 0 to 1, got {rows}"
    with pytest.raises(IndexError, match=re.escape(wanted)):
        STREAM.reset(rows)
    (after,) = STREAM.state.values()
    for a, b in zip(before, after, strict=True):
        np.testing.assert_array_equal(a, b)


def test_rows_that_a_stream_has():
    STREAM.feed(X[:2])
    for rows in (0, [1], [], -1, np.array([0, 1])):
        STREAM.reset(rows)
    assert not any(array.any() for array in next(iter(STREAM.state.values())))


SAID = r"the data ended after {} batches of an epoch of {}: the epoch ends there \({}\)"


def again(generator):
    """An iterable of batches whose number nobody knows."""

    class Batches:
        def __iter__(self):
            return generator()

    return Batches()


def batches():
    yield from ((X[i : i + 4], Y[i : i + 4]) for i in range(0, 16, 4))


@pytest.mark.parametrize("data", [(X, Y), (again(batches), None)], ids=["arrays", "iterable"])
def test_epochs_that_want_more_batches_than_there_are(data):
    x, y = data
    options = {"batch_size": 4, "verbose": 0, "shuffle": False}
    with pytest.warns(UserWarning, match=SAID.format(4, 9, "steps_per_epoch")) as said:
        history = MODEL.fit(x, y, steps_per_epoch=9, epochs=3, **options)
    assert len(said) == 1
    assert len(history.history["loss"]) == 3
    with pytest.warns(UserWarning, match=SAID.format(4, 5, "steps")):
        MODEL.evaluate(x, y, steps=5, batch_size=4, verbose=0)
    validation = {"validation_data": (X, Y) if y is not None else x, "validation_batch_size": 8}
    wanted = 2 if y is not None else 4
    with pytest.warns(UserWarning, match=SAID.format(wanted, 7, "validation_steps")):
        MODEL.fit(X, Y, validation_steps=7, **validation, **options)


@pytest.mark.parametrize("steps", [1, 2, 4, None])
def test_epochs_that_end_within_the_data_say_nothing(steps):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for x, y in ((X, Y), (again(batches), None)):
            MODEL.fit(x, y, batch_size=4, epochs=5, steps_per_epoch=steps, verbose=0)
            MODEL.evaluate(x, y, batch_size=4, steps=steps, verbose=0)


def test_numbers_of_any_kind_are_numbers():
    for one in (1, 1.0, np.float32(1), np.array(1.0), True):
        assert losses.Huber(one).delta == 1.0
    assert metrics.AUC(thresholds=np.array([0.25, 0.75])).thresholds == [0.25, 0.75]
    assert lstmcore.losses.Quantile(np.array([0.1, 0.9])).quantiles == [0.1, 0.9]
