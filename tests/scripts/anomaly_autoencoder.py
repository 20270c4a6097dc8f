"""keras.io: anomalies of a series by the reconstruction error of a convolutional autoencoder."""

import numpy as np

import lstmcore as keras
from lstmcore import layers

TIME_STEPS = 24
rng = np.random.default_rng(0)
series = np.sin(np.arange(200) * 2 * np.pi / 12) + 0.05 * rng.normal(size=200)
training_mean, training_std = series.mean(), series.std()
values = (series - training_mean) / training_std


def create_sequences(values, time_steps=TIME_STEPS):
    output = [values[i : i + time_steps] for i in range(len(values) - time_steps + 1)]
    return np.stack(output)[..., None]


x_train = create_sequences(values)
model = keras.Sequential(
    [
        layers.Input(shape=(x_train.shape[1], x_train.shape[2])),
        layers.Conv1D(filters=16, kernel_size=7, padding="same", strides=2, activation="relu"),
        layers.Dropout(rate=0.2),
        layers.Conv1D(filters=8, kernel_size=7, padding="same", strides=2, activation="relu"),
        layers.Conv1DTranspose(
            filters=8, kernel_size=7, padding="same", strides=2, activation="relu"
        ),
        layers.Dropout(rate=0.2),
        layers.Conv1DTranspose(
            filters=16, kernel_size=7, padding="same", strides=2, activation="relu"
        ),
        layers.Conv1DTranspose(filters=1, kernel_size=7, padding="same"),
    ]
)
model.compile(optimizer=keras.optimizers.Adam(learning_rate=0.01), loss="mse")
history = model.fit(
    x_train,
    x_train,
    epochs=6,
    batch_size=32,
    validation_split=0.1,
    callbacks=[keras.callbacks.EarlyStopping(monitor="val_loss", patience=5, mode="min")],
    verbose=0,
)
assert history.history["val_loss"][-1] < 0.3

x_train_pred = model.predict(x_train, verbose=0)
train_mae_loss = np.mean(np.abs(x_train_pred - x_train), axis=1)
threshold = np.max(train_mae_loss)
test = values.copy()
test[100:104] += 5
x_test = create_sequences(test)
test_mae_loss = np.mean(np.abs(model.predict(x_test, verbose=0) - x_test), axis=1).reshape(-1)
anomalies = test_mae_loss > threshold
assert anomalies[80:100].all()
assert not anomalies[:70].any()
assert not anomalies[105:].any()
