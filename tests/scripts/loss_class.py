"""Tutorial: a loss that is a class, with a parameter, sample weights, masks, and get_config."""

import numpy as np

import lstmcore as keras
from lstmcore import ops


@keras.saving.register_keras_serializable(package="tutorial")
class FocalRegression(keras.losses.Loss):
    def __init__(self, gamma=1.0, reduction="sum_over_batch_size", name="focal_regression"):
        super().__init__(reduction=reduction, name=name)
        self.gamma = gamma

    def call(self, y_true, y_pred):
        error = ops.abs(ops.cast(y_true, y_pred.dtype) - y_pred)
        weight = ops.power(1 - ops.exp(-error), self.gamma)
        return ops.mean(weight * ops.square(error), axis=-1)

    def get_config(self):
        return {**super().get_config(), "gamma": self.gamma}


rng = np.random.default_rng(0)
lengths = rng.integers(2, 7, (32, 1))
steps = np.arange(6) < lengths
x = np.where(steps[..., None], rng.normal(size=(32, 6, 2)), 0)
y = np.cumsum(x[..., :1], axis=1)

model = keras.Sequential(
    [
        keras.layers.Masking(mask_value=0.0, input_shape=(6, 2)),
        keras.layers.LSTM(8, return_sequences=True),
        keras.layers.TimeDistributed(keras.layers.Dense(1)),
    ]
)
model.compile(optimizer=keras.optimizers.Adam(0.02), loss=FocalRegression(gamma=2.0))
history = model.fit(x, y, epochs=4, batch_size=8, verbose=0)
assert history.history["loss"][-1] < history.history["loss"][0]


def values(y, predicted):
    error = np.abs(y - predicted)
    return ((1 - np.exp(-error)) ** 2 * error**2).mean(axis=-1)


predicted = model.predict(x, verbose=0)
expected = values(y, predicted)[steps].mean()  # no masked step counts
assert np.isclose(model.evaluate(x, y, batch_size=32, verbose=0), expected, rtol=1e-4)
weights = rng.random(32)
weighted = (values(y, predicted) * weights[:, None])[steps].sum() / steps.sum()
found = model.evaluate(x, y, sample_weight=weights, batch_size=32, verbose=0)
assert np.isclose(found, weighted, rtol=1e-4)

model.save("focal.safetensors")
again = keras.models.load_model("focal.safetensors")
assert again.loss.gamma == 2.0
assert np.isclose(again.evaluate(x, y, verbose=0), model.evaluate(x, y, verbose=0))
assert np.allclose(FocalRegression(reduction=None)(y, predicted).shape, (32, 6))
