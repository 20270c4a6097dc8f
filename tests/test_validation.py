"""Users' arrays: every memory layout is taken, and no mask of a masked array is lost."""

import warnings

import numpy as np
import pytest

import lstmcore
from lstmcore import Input, Sequential, constraints, initializers, layers, losses, metrics
from lstmcore.data import Standardizer, windows_at
from lstmcore.estimators import LSTMClassifier, LSTMForecaster, LSTMRegressor
from lstmcore.forecasting import LSTMForecaster as Forecaster
from lstmcore.preprocessing.sequence import TimeseriesGenerator
from lstmcore.utils import (
    create_sequences,
    normalize,
    pad_sequences,
    set_random_seed,
    timeseries_dataset_from_array,
    to_categorical,
)
from lstmcore.validation import as_array, plain_array

RANDOM = np.random.default_rng(0)
X = RANDOM.standard_normal((6, 5, 3))
Y = RANDOM.standard_normal((6, 2))
WEIGHT = np.abs(RANDOM.standard_normal(6))
STATE = RANDOM.standard_normal((6, 4))


def unaligned(array):
    memory = np.frombuffer(bytearray(array.nbytes + 1), array.dtype, array.size, 1)
    out = memory.reshape(array.shape)
    out[...] = array
    assert not out.flags.aligned
    return out


def read_only(array):
    out = array.copy()
    out.flags.writeable = False
    return out


def of_a_record(array):
    records = np.zeros(array.shape, [("before", "i1"), ("value", array.dtype)])
    records["value"] = array
    return records["value"]


LAYOUTS = {
    "unaligned": unaligned,
    "other byte order": lambda a: a.astype(a.dtype.newbyteorder()),
    "read only": read_only,
    "reversed": lambda a: np.ascontiguousarray(a[..., ::-1])[..., ::-1],
    "one row many times": lambda a: np.broadcast_to(a[:1], a.shape),
    "column by column": np.asfortranarray,
    "field of a record": of_a_record,
}


def model_of(dtype):
    set_random_seed(0)
    model = Sequential(
        [Input((None, 3)), layers.LSTM(4, dtype=dtype), layers.Dense(2, dtype=dtype)]
    )
    model.compile("sgd", "mse", metrics=["mae"])
    return model


def fitted(x, y, weight):
    model = model_of("float64")
    model.fit(x, y, sample_weight=weight, verbose=0, shuffle=False)
    return model.get_weights()[0]


def with_first_weight(array):
    model = model_of("float64")
    model.set_weights([array, *model.get_weights()[1:]])
    return model.predict(X, verbose=0)


def with_stream_state(array):
    stream = model_of("float64").stream()
    stream.feed(X[:1])
    ((name, (_, c)),) = stream.state.items()
    stream.state = {name: (array, c)}
    return stream.feed(X[:1])


def metric_of(y):
    metric = metrics.MeanAbsoluteError()
    metric.update_state(y, Y[::-1])
    return metric.result()


def adapted(data):
    layer = layers.Normalization(dtype="float64")
    layer.adapt(data)
    return layer(X)


def layer_on_x(make, **options):
    layer = make(dtype="float64", **options)
    layer(X)
    return lambda x: layer(x)


LSTM = layers.LSTM(4, dtype="float64")
LSTM(X)
CELL = layers.GRUCell(4, dtype="float64")
CELL(X[:, 0], [STATE])
# what goes in where, and what comes out
ENTRIES = {
    "predict": (X, lambda a: model_of("float64").predict(a, verbose=0)),
    "predict_on_batch": (X, lambda a: model_of("float64").predict_on_batch(a)),
    "model": (X, lambda a: model_of("float64")(a)),
    "trace": (X, lambda a: model_of("float64").trace(a).popitem()[1].gates["f"]),
    "evaluate": (X, lambda a: model_of("float64").evaluate(a, Y, verbose=0)),
    "train_on_batch": (X, lambda a: model_of("float64").train_on_batch(a, Y)),
    "fit: x": (X, lambda a: fitted(a, Y, WEIGHT)),
    "fit: y": (Y, lambda a: fitted(X, a, WEIGHT)),
    "fit: sample_weight": (WEIGHT, lambda a: fitted(X, Y, a)),
    "one of several lengths": (X[0], lambda a: model_of("float64").predict([a, X[1, :3]])),
    "LSTM": (X, lambda a: LSTM(a)),
    "initial_state": (STATE, lambda a: LSTM(X, initial_state=[a, STATE])),
    "GRU": (X, layer_on_x(layers.GRU, units=3)),
    "Dense": (X, layer_on_x(layers.Dense, units=3)),
    "Conv1D": (X, layer_on_x(layers.Conv1D, filters=3, kernel_size=2)),
    "MaxPooling1D": (X, layer_on_x(layers.MaxPooling1D)),
    "LayerNormalization": (X, layer_on_x(layers.LayerNormalization)),
    "Attention": (X, lambda a: layers.Attention(dtype="float64")([X, a])),
    "cell": (X[:, 0], lambda a: CELL(a, [STATE])[0]),
    "cell's state": (STATE, lambda a: CELL(X[:, 0], [a])[0]),
    "set_weights": (model_of("float64").get_weights()[0], with_first_weight),
    "stream.feed": (X[:1], lambda a: model_of("float64").stream().feed(a)),
    "stream.step": (X[:1, 0], lambda a: model_of("float64").stream().step(a)),
    "stream.state": (STATE[:1], with_stream_state),
    "loss: y_true": (Y, lambda a: losses.MeanSquaredError()(a, Y[::-1])),
    "loss: y_pred": (Y, lambda a: losses.MeanSquaredError()(Y[::-1], a)),
    "loss: sample_weight": (WEIGHT, lambda a: losses.Huber()(Y, Y[::-1], a)),
    "metric": (Y, metric_of),
    "activation": (X, lambda a: lstmcore.activations.softsign(a)),
    "adapt": (X, adapted),
    "Constant": (X[0], lambda a: initializers.Constant(a)((5, 3), "float64")),
    "constraint": (X[0], lambda a: constraints.MaxNorm()(a)),
    "regularizer": (X[0], lambda a: lstmcore.regularizers.L2(0.1)(a)),
    "standardizer": (X[0], lambda a: Standardizer.fit(X).transform(a)),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("entry", ENTRIES)
def test_every_layout_is_taken(entry, layout):
    array, compute = ENTRIES[entry]
    given = LAYOUTS[layout](array)
    found, wanted = compute(given), compute(np.array(given, array.dtype, order="C"))
    if isinstance(found, list):
        assert len(found) == len(wanted)
    np.testing.assert_allclose(found, wanted, rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_as_array(layout, dtype):
    given = LAYOUTS[layout](X)
    for array in (as_array(given, dtype, "x"), plain_array(given, "x")):
        assert array.flags.aligned
        assert array.dtype.isnative
        np.testing.assert_array_equal(array, np.array(given, array.dtype))
    assert as_array(X, "float64", "x") is X
    assert plain_array(X, "x") is X


def test_dense_products_take_unaligned_rows():
    kernel, dkernel = np.ones((3, 2)), np.zeros((3, 2))
    x = unaligned(X)
    np.testing.assert_array_equal(
        lstmcore._core.dense_forward(x, kernel), lstmcore._core.dense_forward(X, kernel)
    )
    dx = lstmcore._core.dense_backward(x, kernel, np.ones((6, 5, 2)), dkernel=dkernel)
    np.testing.assert_array_equal(dx, np.full(X.shape, 2.0))
    np.testing.assert_allclose(dkernel, np.repeat(X.sum((0, 1))[:, None], 2, axis=1))


class Twice(layers.Layer):
    def call(self, x):
        return 2 * x


SERIES = np.sin(np.arange(60.0))
LABELS = np.arange(6) % 2
REFUSING = {
    "validation_data": (X, lambda a: validated(a, Y)),
    "validation_data: y": (Y, lambda a: validated(X, a)),
    "mask": (np.ones((6, 5)), lambda a: LSTM(X, mask=a)),
    "list of arrays": (X[0], lambda a: model_of("float64").predict([a, *X[1:]])),
    "generator": (X, lambda a: model_of("float64").predict(iter([a]))),
    "Embedding's weights": (STATE, lambda a: layers.Embedding(*STATE.shape, weights=a)(LABELS)),
    "Rescaling": (STATE[0], lambda a: layers.Rescaling(a)(np.ones((2, STATE.shape[1])))),
    "Normalization": (X[0, 0], lambda a: layers.Normalization(mean=a, variance=np.ones(3))(X)),
    "op": (X, lambda a: lstmcore.ops.add(a, 1.0)),
    "op of a list": (X, lambda a: lstmcore.ops.concatenate([a, X])),
    "operator": (X[0], lambda a: lstmcore.Input((5, 3)) * a),
    "a user's layer": (X, lambda a: Twice(dtype="float64")(a)),
    "embedding": (LABELS[None], lambda a: layers.Embedding(2, 3)(a)),
    "crossentropy": (
        LABELS,
        lambda a: losses.SparseCategoricalCrossentropy()(a, np.full((6, 2), 0.5)),
    ),
    "attention_mask": (
        np.ones((6, 5, 5)),
        lambda a: layers.MultiHeadAttention(1, 2)([X, X], attention_mask=a),
    ),
    "lookup": (LABELS, lambda a: layers.IntegerLookup(vocabulary=[0, 1])(a)),
    "to_categorical": (LABELS, to_categorical),
    "normalize": (X, normalize),
    "pad_sequences": (SERIES, lambda a: pad_sequences([a, a[:3]], dtype="float64")),
    "create_sequences": (SERIES, lambda a: create_sequences(a, 3)),
    "windows": (SERIES, lambda a: windows_at(a, [3], 1, 1)),
    "TimeseriesGenerator": (SERIES, lambda a: TimeseriesGenerator(a, a, 3)),
    "timeseries_dataset": (SERIES, lambda a: timeseries_dataset_from_array(a, None, 3)),
    "forecaster": (SERIES, lambda a: Forecaster(window=5, horizon=2, epochs=1).fit(a)),
    "estimator's X": (X, lambda a: LSTMRegressor(epochs=1).fit(a, Y)),
    "estimator's y": (Y, lambda a: LSTMRegressor(epochs=1).fit(X, a)),
    "estimator's weights": (WEIGHT, lambda a: LSTMRegressor(epochs=1).fit(X, Y, sample_weight=a)),
    "estimator's labels": (LABELS, lambda a: LSTMClassifier(epochs=1).fit(X, a)),
    "estimator's series": (
        SERIES[:, None],
        lambda a: LSTMForecaster(window=2, horizon=1, epochs=1).fit(a),
    ),
    **ENTRIES,
}


def validated(x, y):
    return model_of("float64").fit(X, Y, verbose=0, validation_data=(x, y))


@pytest.mark.parametrize("entry", REFUSING)
def test_no_mask_is_lost(entry):
    array, compute = REFUSING[entry]
    masked = np.ma.masked_array(array, np.zeros(array.shape, bool))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compute(masked)  # nothing is masked
    masked[(0,) * array.ndim] = np.ma.masked
    masked[(-1,) * array.ndim] = np.ma.masked
    with pytest.raises(ValueError, match=r"expected no masked numbers.*filled") as raised:
        compute(masked)
    name = entry.split(": ")[-1]
    if name in ("y", "sample_weight", "validation_data", "mask", "y_true", "y_pred"):
        assert f"{name}: " in str(raised.value)


def test_masks_within_lists():
    masked = np.ma.masked_equal([[1.0, 2.0], [3.0, 4.0]], 4.0)
    for value in (masked, [masked], [[1.0, 2.0], masked[1]], (X, [masked]), [np.ma.masked]):
        with pytest.raises(ValueError, match=r"^x: .* no masked numbers, got .* with 1 "):
            as_array(value, "float64", "x")
