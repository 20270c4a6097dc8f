"""Tutorial: metrics that are functions and classes, with add_weight and assign_add."""

import numpy as np

import lstmcore as keras
import lstmcore.backend as K
from lstmcore import ops
from lstmcore.layers import LSTM, Dense


def recall_m(y_true, y_pred):
    true_positives = K.sum(K.round(K.clip(y_true * y_pred, 0, 1)))
    possible_positives = K.sum(K.round(K.clip(y_true, 0, 1)))
    return true_positives / (possible_positives + K.epsilon())


def precision_m(y_true, y_pred):
    true_positives = K.sum(K.round(K.clip(y_true * y_pred, 0, 1)))
    predicted_positives = K.sum(K.round(K.clip(y_pred, 0, 1)))
    return true_positives / (predicted_positives + K.epsilon())


def f1_m(y_true, y_pred):
    precision, recall = precision_m(y_true, y_pred), recall_m(y_true, y_pred)
    return 2 * ((precision * recall) / (precision + recall + K.epsilon()))


def mape_numpy(y_true, y_pred):
    return np.mean(np.abs(np.asarray(y_true) - np.asarray(y_pred)))


class BinaryTruePositives(keras.metrics.Metric):
    def __init__(self, name="binary_true_positives", **kwargs):
        super().__init__(name=name, **kwargs)
        self.true_positives = self.add_weight(name="tp", shape=(), initializer="zeros")

    def update_state(self, y_true, y_pred, sample_weight=None):
        y_true = ops.cast(y_true, "bool")
        y_pred = ops.cast(y_pred > 0.5, "bool")
        values = ops.logical_and(ops.equal(y_true, True), ops.equal(y_pred, True))
        values = ops.cast(values, self.dtype)
        if sample_weight is not None:
            sample_weight = ops.cast(sample_weight, self.dtype)
            sample_weight = ops.broadcast_to(sample_weight, ops.shape(values))
            values = ops.multiply(values, sample_weight)
        self.true_positives.assign_add(ops.sum(values))

    def result(self):
        return self.true_positives


class F1(keras.metrics.Metric):
    def __init__(self, name="f1", **kwargs):
        super().__init__(name=name, **kwargs)
        self.precision, self.recall = keras.metrics.Precision(), keras.metrics.Recall()

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.precision.update_state(y_true, y_pred, sample_weight)
        self.recall.update_state(y_true, y_pred, sample_weight)

    def result(self):
        p, r = self.precision.result(), self.recall.result()
        return 2 * p * r / (p + r + K.epsilon())

    def reset_state(self):
        self.precision.reset_state()
        self.recall.reset_state()


m = BinaryTruePositives()
m.update_state(np.array([0, 1, 1, 1]), np.array([0.1, 0.9, 0.2, 0.7]))
assert float(m.result()) == 2
m.update_state(np.array([1, 1]), np.array([0.9, 0.8]))
assert float(m.result()) == 4
m.reset_state()
assert float(m.result()) == 0

rng = np.random.default_rng(0)
x = rng.normal(size=(40, 5, 2))
y = (x[:, -1, :1] > 0).astype("float32")
model = keras.Sequential([keras.Input((5, 2)), LSTM(8), Dense(1, activation="sigmoid")])
metrics = ["acc", f1_m, precision_m, recall_m, mape_numpy, BinaryTruePositives(), F1()]
model.compile(optimizer=keras.optimizers.Adam(0.02), loss="binary_crossentropy", metrics=metrics)
history = model.fit(x, y, validation_split=0.3, epochs=3, batch_size=7, verbose=0)
assert {"val_f1", "f1_m", "val_binary_true_positives"} <= set(history.history)
found = model.evaluate(x, y, batch_size=40, verbose=0, return_dict=True)
predicted = model.predict(x, verbose=0)
hits = np.sum((predicted > 0.5) & (y > 0.5))
assert found["binary_true_positives"] == hits
f1 = 2 * hits / (np.sum(predicted > 0.5) + np.sum(y))
assert np.isclose(found["f1"], f1, rtol=1e-5)
assert np.isclose(found["f1_m"], f1, rtol=1e-3)
assert np.isclose(found["mape_numpy"], np.abs(y - predicted).mean(), rtol=1e-4)
in_parts = model.evaluate(x, y, batch_size=7, verbose=0, return_dict=True)
assert in_parts["binary_true_positives"] == hits
assert np.isclose(in_parts["f1"], f1, rtol=1e-5)
