"""Metrics as Keras 3 writes them: variables, masks and weights in fit, saved states."""

import copy
import json

import numpy as np
import pytest

from lstmcore import Input, Model, Sequential, context, layers, metrics
from lstmcore.autodiff.tape import Tape
from lstmcore.metrics import Mean, Metric


class Error(Metric):
    """The mean absolute error, as scripts write it."""

    def __init__(self, name="error", **kwargs):
        super().__init__(name=name, **kwargs)
        self.total = self.add_weight(name="total", initializer="zeros")
        self.count = self.add_variable((), "zeros", name="count")

    def update_state(self, y_true, y_pred, sample_weight=None):
        error = np.abs(y_true - y_pred).mean(axis=-1)
        weight = np.ones_like(error)
        if sample_weight is not None:
            sample_weight = sample_weight.astype(self.dtype)
            weight *= sample_weight.reshape(sample_weight.shape + (1,) * (error.ndim - 1))
        self.total.assign_add((weight * error).sum())
        self.count.assign(self.count + weight.sum())

    def result(self):
        return self.total / self.count


class Rows(Metric):
    """The share of sequences all of whose steps are right: there is no weight for a step."""

    def __init__(self, name="rows", **kwargs):
        super().__init__(name=name, **kwargs)
        self.right = self.add_weight(shape=(2,), initializer="ones", dtype="int32", name="right")

    def update_state(self, y_true, y_pred, sample_weight=None):
        assert sample_weight is None
        right = (np.abs(y_true - y_pred) < 0.5).all(axis=(1, 2))
        self.right.assign_add([right.sum(), len(right)])

    def result(self):
        return {"all_right": self.right[0], "rows": self.right[1] * 1.0}


def test_a_variable_counts_and_starts_again():
    metric = Rows()
    (right,) = metric.variables
    assert right.name == "right"
    assert right.value.dtype == np.int32
    right.assign_sub([1, 0])
    np.testing.assert_array_equal(right.numpy(), [0, 1])
    metric.reset_state()
    np.testing.assert_array_equal(right, [1, 1])
    with pytest.raises(ValueError, match=r"variable 'right': expected shape \(2,\), got \(3,\)"):
        right.assign([1, 2, 3])
    with pytest.raises(ValueError, match=r"add_weight: shape: expected a tuple .*'total' .*name="):
        metric.add_weight("total")
    with pytest.raises(ValueError, match=r"metric 'rows'.*expected a tuple of sizes, got -1"):
        metric.add_weight(-1)


def test_what_is_being_derived_is_counted_as_it_is():
    metric, tape = Error(), Tape()
    with tape:
        loss = tape.watch(np.array(2.5)) * 2
        metric.total.assign_add(loss)
        metric.count.assign(loss)
        metric.count.assign_sub(loss / 2)
    assert metric.result() == 2
    with context.changed(trial=True):  # shapes are being found out
        metric.total.assign(7)
    assert metric.result() == 2


def test_scripts_read_the_dtype():
    assert Error().dtype == "float32"
    assert Error(dtype="float64").dtype == "float64"


X = np.random.default_rng(3).normal(size=(7, 6, 2)).astype(np.float32)
LENGTHS = [6, 2, 4, 4, 1, 6, 3]
ROWS = [x[:n] for x, n in zip(X, LENGTHS, strict=True)]
TARGETS = [np.cumsum(x, axis=0)[:, :1] for x in ROWS]
WEIGHTS = np.linspace(0.5, 2, 7).astype(np.float32)


def model(**compiled):
    made = Sequential([layers.LSTM(3, return_sequences=True), layers.Dense(1)])
    made.compile("sgd", "mse", **compiled)
    return made


def test_padding_counts_in_no_metric():
    made = model(metrics=[Error(), Rows(), "mae"])
    got = made.evaluate(ROWS, TARGETS, batch_size=4, verbose=0, return_dict=True)
    errors = [np.abs(made(x[None])[0] - y) for x, y in zip(ROWS, TARGETS, strict=True)]
    assert got["error"] == pytest.approx(np.concatenate(errors).mean(), rel=1e-5)
    assert got["error"] == pytest.approx(got["mae"], rel=1e-6)
    assert got["all_right"] == 1 + sum((e < 0.5).all() for e in errors)
    assert got["rows"] == 8
    listed = made.evaluate(ROWS, TARGETS, batch_size=4, verbose=0)
    assert listed == [got[name] for name in ("loss", "error", "mae", "all_right", "rows")]


def test_weights_count_where_asked_for():
    made = model(metrics=[Error()], weighted_metrics=[Error(), "mae"])
    got = made.evaluate(ROWS, TARGETS, 4, 0, WEIGHTS, return_dict=True)
    errors = [np.abs(made(x[None])[0] - y) for x, y in zip(ROWS, TARGETS, strict=True)]
    sums, n = [e.sum() for e in errors], np.array(LENGTHS)
    assert got["error"] == pytest.approx(sum(sums) / n.sum(), rel=1e-5)
    wanted = (WEIGHTS * sums).sum() / (WEIGHTS * n).sum()
    assert got["weighted_error"] == pytest.approx(wanted, rel=1e-5)
    assert got["mae"] == pytest.approx(wanted, rel=1e-5)


def test_each_epoch_and_the_validation_start_again():
    made = model(metrics=[Error()])
    history = made.fit(
        ROWS, TARGETS, epochs=2, verbose=0, validation_data=(ROWS, TARGETS), batch_size=3
    ).history
    assert history["val_error"][-1] == pytest.approx(made.evaluate(ROWS, TARGETS, verbose=0)[1])
    assert isinstance(history["error"][0], float)
    assert history["error"][0] != history["error"][1]


class Pair(Metric):
    """Metrics inside a metric."""

    def __init__(self, name="pair", **kwargs):
        super().__init__(name=name, **kwargs)
        self.parts = [Mean(), Error()]

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.parts[0].update_state(y_pred)
        self.parts[1].update_state(y_true, y_pred)

    def result(self):
        return self.parts[0].result() + self.parts[1].result()


def test_metrics_inside_a_metric():
    metric = Pair()
    assert metric([[1.0]], np.array([[3.0]])) == 5
    assert [float(v) for v in metric.variables] == [3, 1, 2, 1]
    with pytest.raises(ValueError, match="read-only"):
        metric.variables[0][...] = 1  # a copy: to set it would do nothing
    metric.reset_states()
    assert metric([[1.0]], np.array([[2.0]])) == 3


@pytest.mark.parametrize("cls", [Error, Pair])
def test_a_state_is_kept_and_copied(cls):
    y, p = np.zeros((4, 1)), np.arange(4.0)[:, None]
    metric, again = cls(), cls()
    metric.update_state(y, p)
    again.set_state(json.loads(json.dumps(metric.get_state())))
    twin = copy.deepcopy(metric)
    assert metric.result() == again.result() == twin.result()
    for m in (metric, twin):
        m.update_state(y, 2 * p)
    again.update_state(y, 2 * p)
    assert metric.result() == again.result() == twin.result()
    with pytest.raises(ValueError, match="expected a state of"):
        metric.set_state({})


class Log2(Mean):
    """A mean of something else, as scripts derive it from Mean."""

    def update_state(self, y_true, y_pred, sample_weight=None):
        values = np.abs(y_true - y_pred).mean(axis=-1)
        super().update_state(values, sample_weight=sample_weight)


def test_metrics_derived_from_ours_and_several_outputs():
    inputs = Input((None, 2))
    steps = layers.LSTM(2, return_sequences=True)(inputs)
    made = Model(
        inputs, {"a": layers.Dense(1, name="a")(steps), "b": layers.LSTM(1, name="b")(steps)}
    )
    made.compile("sgd", "mse", metrics={"a": [Log2(name="log"), "mae"], "b": [Error()]})
    last = np.array([y[-1] for y in TARGETS])
    got = made.evaluate(ROWS, {"a": TARGETS, "b": last}, verbose=0, return_dict=True)
    assert got["a_log"] == pytest.approx(got["a_mae"], rel=1e-6)
    wanted = np.abs([made(x[None])["b"][0] for x in ROWS] - last).mean()
    assert got["b_error"] == pytest.approx(wanted, rel=1e-5)


def test_names_and_classes_stand_for_such_metrics():
    made = model(metrics=[Error])
    assert set(made.evaluate(ROWS, TARGETS, verbose=0, return_dict=True)) == {"loss", "error"}
    assert metrics.get(Error).name == "error"


def test_a_variable_is_read_in_every_way():
    metric = Error()
    metric.total.assign(2.0)
    metric.total.assign_add(3.0)
    read = (float(metric.total), int(metric.total), metric.total + 0, metric.total.numpy())
    assert (*read, np.asarray(metric.total), np.sum(metric.total)) == (5,) * 6
