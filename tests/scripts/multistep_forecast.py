"""TensorFlow tutorial: many steps at once by Dense and Reshape, and a model that feeds itself."""

import numpy as np

import lstmcore as keras
from lstmcore import ops

OUT_STEPS, num_features = 4, 2
rng = np.random.default_rng(0)
time = np.arange(10 + OUT_STEPS)[None, :, None] + rng.uniform(0, 20, (64, 1, 1))
series = np.concatenate([np.sin(0.5 * time), np.cos(0.5 * time)], axis=-1).astype("float32")
inputs, labels = series[:, :10], series[:, 10:]


class MultiStepLastBaseline(keras.Model):
    def call(self, inputs):
        return ops.tile(inputs[:, -1:, :], [1, OUT_STEPS, 1])


last_baseline = MultiStepLastBaseline()
last_baseline.compile(
    loss=keras.losses.MeanSquaredError(), metrics=[keras.metrics.MeanAbsoluteError()]
)
baseline = last_baseline.evaluate(inputs, labels, verbose=0)
assert np.isclose(baseline[0], np.mean((inputs[:, -1:] - labels) ** 2), rtol=1e-4)

multi_lstm_model = keras.Sequential(
    [
        keras.layers.LSTM(16, return_sequences=False),
        keras.layers.Dense(OUT_STEPS * num_features, kernel_initializer=keras.initializers.zeros()),
        keras.layers.Reshape([OUT_STEPS, num_features]),
    ]
)


class FeedBack(keras.Model):
    def __init__(self, units, out_steps):
        super().__init__()
        self.out_steps = out_steps
        self.units = units
        self.lstm_cell = keras.layers.LSTMCell(units)
        self.lstm_rnn = keras.layers.RNN(self.lstm_cell, return_state=True)
        self.dense = keras.layers.Dense(num_features)

    def warmup(self, inputs):
        x, *state = self.lstm_rnn(inputs)
        prediction = self.dense(x)
        return prediction, state

    def call(self, inputs, training=None):
        predictions = []
        prediction, state = self.warmup(inputs)
        predictions.append(prediction)
        for _ in range(1, self.out_steps):
            x = prediction
            x, state = self.lstm_cell(x, states=state, training=training)
            prediction = self.dense(x)
            predictions.append(prediction)
        predictions = ops.stack(predictions)
        return ops.transpose(predictions, [1, 0, 2])


class ResidualWrapper(keras.Model):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def call(self, inputs, *args, **kwargs):
        delta = self.model(inputs, *args, **kwargs)
        return inputs[:, -1:] + delta


feedback_model = FeedBack(units=16, out_steps=OUT_STEPS)
prediction, state = feedback_model.warmup(inputs[:5])
assert prediction.shape == (5, num_features)
residual = ResidualWrapper(
    keras.Sequential(
        [
            keras.layers.LSTM(16),
            keras.layers.Dense(OUT_STEPS * num_features),
            keras.layers.Reshape([OUT_STEPS, num_features]),
        ]
    )
)
for model in (multi_lstm_model, feedback_model, residual):
    early_stopping = keras.callbacks.EarlyStopping(monitor="val_loss", patience=2, mode="min")
    model.compile(
        loss=keras.losses.MeanSquaredError(),
        optimizer=keras.optimizers.Adam(0.02),
        metrics=[keras.metrics.MeanAbsoluteError()],
    )
    history = model.fit(
        inputs,
        labels,
        epochs=5,
        batch_size=16,
        validation_data=(inputs, labels),
        callbacks=[early_stopping],
        verbose=0,
    )
    assert history.history["val_loss"][-1] < 0.8 * history.history["val_loss"][0]
    assert model.predict(inputs[:3], verbose=0).shape == (3, OUT_STEPS, num_features)
