"""Keras's guide to callbacks: one that hears everything, early stopping, a schedule of rates."""

import numpy as np

import lstmcore as keras


def get_model():
    model = keras.Sequential([keras.layers.LSTM(4, input_shape=(5, 2)), keras.layers.Dense(1)])
    model.compile(
        optimizer=keras.optimizers.RMSprop(learning_rate=0.02),
        loss="mean_squared_error",
        metrics=["mean_absolute_error"],
    )
    return model


class CustomCallback(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.heard = []

    def on_train_begin(self, logs=None):
        self.heard.append("train begins")

    def on_epoch_begin(self, epoch, logs=None):
        self.heard.append(f"epoch {epoch}")

    def on_train_batch_end(self, batch, logs=None):
        self.heard.append(sorted(logs.keys()))

    def on_test_begin(self, logs=None):
        self.heard.append("test")

    def on_predict_batch_end(self, batch, logs=None):
        self.heard.append(f"predict {batch}")

    def on_train_end(self, logs=None):
        self.heard.append("train ends")


class EarlyStoppingAtMinLoss(keras.callbacks.Callback):
    def __init__(self, patience=0):
        super().__init__()
        self.patience = patience
        self.best_weights = None

    def on_train_begin(self, logs=None):
        self.wait = 0
        self.stopped_epoch = 0
        self.best = np.inf

    def on_epoch_end(self, epoch, logs=None):
        current = logs.get("loss")
        if np.less(current, self.best):
            self.best, self.wait = current, 0
            self.best_weights = self.model.get_weights()
        else:
            self.wait += 1
            if self.wait >= self.patience:
                self.stopped_epoch = epoch
                self.model.stop_training = True
                self.model.set_weights(self.best_weights)


class CustomLearningRateScheduler(keras.callbacks.Callback):
    def __init__(self, schedule):
        super().__init__()
        self.schedule = schedule

    def on_epoch_begin(self, epoch, logs=None):
        if not hasattr(self.model.optimizer, "learning_rate"):
            raise ValueError('Optimizer must have a "learning_rate" attribute.')
        lr = self.model.optimizer.learning_rate.numpy()
        scheduled_lr = self.schedule(epoch, lr)
        self.model.optimizer.learning_rate = scheduled_lr


x, y = np.random.random((16, 5, 2)), np.random.random((16, 1))
listener = CustomCallback()
model = get_model()
model.fit(x, y, batch_size=8, epochs=1, verbose=0, validation_split=0.5, callbacks=[listener])
names = ["loss", "mean_absolute_error"]
assert listener.heard == ["train begins", "epoch 0", names, "test", "train ends"]
model.predict(x, batch_size=8, callbacks=[listener], verbose=0)
assert listener.heard[-2:] == ["predict 0", "predict 1"]

model = get_model()
stopper = EarlyStoppingAtMinLoss()
history = model.fit(x, y, batch_size=16, epochs=40, verbose=0, callbacks=[stopper])
assert stopper.stopped_epoch == len(history.history["loss"]) - 1 < 39
assert all(
    np.array_equal(a, b) for a, b in zip(model.get_weights(), stopper.best_weights, strict=True)
)

model = get_model()
model.fit(
    x,
    y,
    batch_size=8,
    epochs=3,
    verbose=0,
    callbacks=[CustomLearningRateScheduler(lambda epoch, lr: [0.05, 0.01, lr / 2][epoch])],
)
assert np.isclose(float(model.optimizer.learning_rate), 0.005)
