"""Tutorial: compute_loss and compute_metrics of one's own: a penalty on jumps of a forecast."""

import numpy as np

import lstmcore as keras
from lstmcore import layers, ops


class SmoothForecaster(keras.Model):
    def __init__(self, *args, smoothness=0.5, **kwargs):
        super().__init__(*args, **kwargs)
        self.smoothness = smoothness
        self.loss_tracker = keras.metrics.Mean(name="loss")
        self.jump_tracker = keras.metrics.Mean(name="jumps")

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        jumps = ops.mean(ops.square(y_pred[:, 1:] - y_pred[:, :-1]))
        loss = ops.mean(ops.square(y - y_pred)) + self.smoothness * jumps
        loss += sum(self.losses)
        self.loss_tracker.update_state(loss)
        self.jump_tracker.update_state(jumps)
        return loss

    def compute_metrics(self, x, y, y_pred, sample_weight):
        metric_results = super().compute_metrics(x, y, y_pred, sample_weight)
        metric_results["jumps"] = self.jump_tracker.result()
        return metric_results

    def reset_metrics(self):
        self.loss_tracker.reset_state()
        self.jump_tracker.reset_state()

    @property
    def metrics(self):
        return [self.loss_tracker, self.jump_tracker]


rng = np.random.default_rng(0)
x = np.cumsum(rng.normal(size=(32, 8, 1)), axis=1)
y = x[:, -1] + rng.normal(0, 1, (32, 4))


def fit(smoothness):
    keras.utils.set_random_seed(3)
    inputs = keras.Input((8, 1))
    outputs = layers.Dense(4, kernel_regularizer=keras.regularizers.L2(1e-3))(
        layers.LSTM(8)(inputs)
    )
    model = SmoothForecaster(inputs, outputs, smoothness=smoothness)
    model.compile(optimizer=keras.optimizers.Adam(0.02))
    history = model.fit(x, y, epochs=6, batch_size=8, verbose=0).history
    return model, history


model, history = fit(0.0)
smooth, smooth_history = fit(10.0)
assert history["loss"][-1] < history["loss"][0]
assert smooth_history["jumps"][-1] < 0.5 * history["jumps"][-1]
prediction = smooth.predict(x, verbose=0)
jumps = np.mean(np.diff(prediction, axis=1) ** 2)
penalty = 1e-3 * np.sum(smooth.layers[-1].get_weights()[0] ** 2)
loss = smooth.evaluate(x, y, batch_size=32, verbose=0, return_dict=True)["loss"]
assert np.isclose(loss, np.mean((prediction - y) ** 2) + 10 * jumps + penalty, rtol=1e-4)
