"""Keras's guide to fit: train_step and test_step of one's own, high level, low level, weighted."""

import numpy as np

import lstmcore as keras


class CustomModel(keras.Model):
    def train_step(self, data):
        x, y = data
        with keras.GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.compute_loss(y=y, y_pred=y_pred)
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply(gradients, self.trainable_variables)
        for metric in self.metrics:
            if metric.name == "loss":
                metric.update_state(loss)
            else:
                metric.update_state(y, y_pred)
        return {m.name: m.result() for m in self.metrics}


class LowLevelModel(keras.Model):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.loss_tracker = keras.metrics.Mean(name="loss")
        self.mae_metric = keras.metrics.MeanAbsoluteError(name="mae")
        self.loss_fn = keras.losses.MeanSquaredError()

    def train_step(self, data):
        x, y = data
        with keras.GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.loss_fn(y, y_pred)
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
        self.loss_tracker.update_state(loss)
        self.mae_metric.update_state(y, y_pred)
        return {"loss": self.loss_tracker.result(), "mae": self.mae_metric.result()}

    @property
    def metrics(self):
        return [self.loss_tracker, self.mae_metric]


class WeightedModel(keras.Model):
    def train_step(self, data):
        if len(data) == 3:
            x, y, sample_weight = data
        else:
            sample_weight = None
            x, y = data
        with keras.GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.compute_loss(y=y, y_pred=y_pred, sample_weight=sample_weight)
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
        for metric in self.metrics:
            if metric.name == "loss":
                metric.update_state(loss)
            else:
                metric.update_state(y, y_pred, sample_weight=sample_weight)
        return {m.name: m.result() for m in self.metrics}


class TestStepModel(keras.Model):
    def test_step(self, data):
        x, y = data
        y_pred = self(x, training=False)
        loss = self.compute_loss(y=y, y_pred=y_pred)
        for metric in self.metrics:
            if metric.name == "loss":
                metric.update_state(loss)
            else:
                metric.update_state(y, y_pred)
        return {m.name: m.result() for m in self.metrics}


def make(cls):
    keras.utils.set_random_seed(1)
    inputs = keras.Input(shape=(6, 2))
    h = keras.layers.LSTM(4)(inputs)
    return cls(inputs, keras.layers.Dense(1)(h))


x = np.random.default_rng(0).random((32, 6, 2))
y = x.mean(axis=(1, 2))[:, None]
sw = np.linspace(0, 1, 32)[:, None]

plain = make(keras.Model)
plain.compile(optimizer="adam", loss="mse", metrics=["mae"])
usual = plain.fit(x, y, epochs=2, batch_size=8, shuffle=False, verbose=0).history
model = make(CustomModel)
model.compile(optimizer="adam", loss="mse", metrics=["mae"])
own = model.fit(x, y, epochs=2, batch_size=8, shuffle=False, verbose=0).history
assert np.allclose(own["loss"], usual["loss"], rtol=1e-4)
assert np.allclose(own["mae"], usual["mae"], rtol=1e-4)

model = make(LowLevelModel)
model.compile(optimizer="adam")
own = model.fit(x, y, epochs=2, batch_size=8, shuffle=False, verbose=0).history
assert np.allclose(own["loss"], usual["loss"], rtol=1e-4)

model, plain = make(WeightedModel), make(keras.Model)
model.compile(optimizer="adam", loss="mse", metrics=["mae"])
plain.compile(optimizer="adam", loss="mse", metrics=["mae"])
own = model.fit(x, y, sample_weight=sw, epochs=2, batch_size=8, shuffle=False, verbose=0).history
usual = plain.fit(x, y, sample_weight=sw, epochs=2, batch_size=8, shuffle=False, verbose=0).history
assert np.allclose(own["mae"], usual["mae"], rtol=1e-4)

model = make(TestStepModel)
model.compile(loss="mse", metrics=["mae"])
loss, mae = model.evaluate(x, y, verbose=0)
prediction = model.predict(x, verbose=0)
assert np.isclose(loss, np.mean((prediction - y) ** 2), rtol=1e-4)
assert np.isclose(mae, np.mean(np.abs(prediction - y)), rtol=1e-4)
