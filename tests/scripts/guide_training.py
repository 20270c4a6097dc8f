"""Keras's guide to training: losses, a metric, an endpoint layer, several outputs, PyDataset."""

import math

import numpy as np

import lstmcore as keras
from lstmcore import layers, ops

rng = np.random.default_rng(0)
x_train = rng.normal(size=(48, 5, 3)).astype("float32")
y_train = rng.integers(0, 4, 48)
x_train[:, -1, 0] += 2 * y_train


def get_uncompiled_model():
    inputs = keras.Input(shape=(5, 3), name="series")
    x = layers.LSTM(8, name="lstm")(inputs)
    outputs = layers.Dense(4, activation="softmax", name="predictions")(x)
    return keras.Model(inputs=inputs, outputs=outputs)


def custom_mean_squared_error(y_true, y_pred):
    return ops.mean(ops.square(y_true - y_pred), axis=-1)


class CustomMSE(keras.losses.Loss):
    def __init__(self, regularization_factor=0.1, name="custom_mse"):
        super().__init__(name=name)
        self.regularization_factor = regularization_factor

    def call(self, y_true, y_pred):
        mse = ops.mean(ops.square(y_true - y_pred), axis=-1)
        reg = ops.mean(ops.square(0.5 - y_pred), axis=-1)
        return mse + reg * self.regularization_factor


class CategoricalTruePositives(keras.metrics.Metric):
    def __init__(self, name="categorical_true_positives", **kwargs):
        super().__init__(name=name, **kwargs)
        self.true_positives = self.add_variable(shape=(), name="ctp", initializer="zeros")

    def update_state(self, y_true, y_pred, sample_weight=None):
        y_pred = ops.reshape(ops.argmax(y_pred, axis=1), (-1, 1))
        values = ops.cast(ops.reshape(y_true, (-1, 1)), "int32") == ops.cast(y_pred, "int32")
        values = ops.cast(values, "float32")
        if sample_weight is not None:
            values = ops.multiply(values, ops.cast(sample_weight, "float32"))
        self.true_positives.assign_add(ops.sum(values))

    def result(self):
        return self.true_positives.value

    def reset_state(self):
        self.true_positives.assign(0.0)


y_train_one_hot = ops.one_hot(y_train, num_classes=4)
for loss in (custom_mean_squared_error, CustomMSE()):
    model = get_uncompiled_model()
    model.compile(optimizer=keras.optimizers.Adam(0.02), loss=loss)
    history = model.fit(x_train, y_train_one_hot, batch_size=16, epochs=3, verbose=0)
    assert history.history["loss"][-1] < history.history["loss"][0]

model = get_uncompiled_model()
model.compile(
    optimizer=keras.optimizers.RMSprop(learning_rate=1e-2),
    loss=keras.losses.SparseCategoricalCrossentropy(),
    metrics=[CategoricalTruePositives()],
)
history = model.fit(x_train, y_train, batch_size=16, epochs=3, verbose=0)
counted = model.evaluate(x_train, y_train, verbose=0)[1]
assert counted == np.sum(model.predict(x_train, verbose=0).argmax(axis=1) == y_train)


class LogisticEndpoint(keras.layers.Layer):
    def __init__(self, name=None):
        super().__init__(name=name)
        self.loss_fn = keras.losses.BinaryCrossentropy(from_logits=True)

    def call(self, targets, logits, sample_weights=None):
        loss = self.loss_fn(targets, logits, sample_weights)
        self.add_loss(loss)
        return ops.softmax(logits)


inputs = keras.Input(shape=(5, 3), name="inputs")
targets = keras.Input(shape=(10,), name="targets")
logits = keras.layers.Dense(10)(layers.LSTM(4)(inputs))
predictions = LogisticEndpoint(name="predictions")(targets, logits)
model = keras.Model(inputs=[inputs, targets], outputs=predictions)
model.compile(optimizer=keras.optimizers.Adam(0.02))
data = {"inputs": np.random.random((12, 5, 3)), "targets": np.random.randint(0, 2, (12, 10))}
history = model.fit(data, epochs=3, verbose=0)
assert history.history["loss"][-1] < history.history["loss"][0]


class ExamplePyDataset(keras.utils.PyDataset):
    def __init__(self, x, y, batch_size, **kwargs):
        super().__init__(**kwargs)
        self.x, self.y, self.batch_size = x, y, batch_size

    def __len__(self):
        return math.ceil(len(self.x) / self.batch_size)

    def __getitem__(self, idx):
        part = slice(idx * self.batch_size, (idx + 1) * self.batch_size)
        return self.x[part], self.y[part]


series_input = keras.Input(shape=(None, 3), name="ts_input")
x1 = layers.Conv1D(3, 3)(series_input)
x1 = layers.GlobalMaxPooling1D()(x1)
x2 = layers.LSTM(4)(series_input)
x = layers.concatenate([x1, x2])
score_output = layers.Dense(1, name="score_output")(x)
class_output = layers.Dense(4, name="class_output")(x)
model = keras.Model(inputs=series_input, outputs=[score_output, class_output])
model.compile(
    optimizer=keras.optimizers.RMSprop(1e-3),
    loss={
        "score_output": keras.losses.MeanSquaredError(),
        "class_output": keras.losses.CategoricalCrossentropy(from_logits=True),
    },
    metrics={"score_output": [keras.metrics.MeanAbsoluteError()]},
    loss_weights={"score_output": 2.0, "class_output": 1.0},
)
both = {"score_output": np.ones((48, 1)), "class_output": np.asarray(y_train_one_hot)}
model.fit({"ts_input": x_train}, both, batch_size=16, epochs=1, verbose=0)
results = model.evaluate(x_train, both, verbose=0, return_dict=True)
assert results["loss"] > 0
assert "score_output_mean_absolute_error" in results
model = get_uncompiled_model()
model.compile("adam", "sparse_categorical_crossentropy")
history = model.fit(ExamplePyDataset(x_train, y_train, batch_size=20), epochs=2, verbose=0)
assert history.history["loss"][1] < history.history["loss"][0]
