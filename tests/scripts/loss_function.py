"""Stack Overflow: a loss that is a function of K, by name, by wrapper, and as metric."""

import numpy as np

import lstmcore as keras
import lstmcore.backend as K
from lstmcore.layers import LSTM, Dense
from lstmcore.models import Sequential

rng = np.random.default_rng(0)
x = rng.normal(size=(32, 6, 2))
y = x.mean(axis=(1, 2), keepdims=True)[:, 0]


def root_mean_squared_error(y_true, y_pred):
    return K.sqrt(K.mean(K.square(y_pred - y_true)))


def weighted(under, over):
    def loss(y_true, y_pred):
        error = y_true - y_pred
        return K.mean(K.switch(error > 0, under * error, -over * error), axis=-1)

    return loss


def huber_like(y_true, y_pred, clip_delta=1.0):
    error = y_true - y_pred
    cond = K.abs(error) <= clip_delta
    squared_loss = 0.5 * K.square(error)
    quadratic_loss = 0.5 * K.square(clip_delta) + clip_delta * (K.abs(error) - clip_delta)
    return K.mean(keras.ops.where(cond, squared_loss, quadratic_loss))


def r_square(y_true, y_pred):
    SS_res = K.sum(K.square(y_true - y_pred))
    SS_tot = K.sum(K.square(y_true - K.mean(y_true)))
    return 1 - SS_res / (SS_tot + K.epsilon())


def make(loss, **more):
    model = Sequential([LSTM(6, input_shape=(6, 2)), Dense(1)])
    model.compile(optimizer=keras.optimizers.Adam(0.02), loss=loss, **more)
    return model


for loss in (root_mean_squared_error, weighted(2.0, 1.0), huber_like):
    model = make(loss, metrics=[root_mean_squared_error, r_square, "mae"])
    history = model.fit(x, y, epochs=4, batch_size=8, verbose=0).history
    assert history["loss"][-1] < history["loss"][0]
    assert set(history) == {"loss", "root_mean_squared_error", "r_square", "mae"}

mse, own = make("mse"), make(lambda y_true, y_pred: K.mean(K.square(y_true - y_pred), axis=-1))
own.set_weights(mse.get_weights())
curves = [
    m.fit(x, y, epochs=2, batch_size=8, shuffle=False, verbose=0).history["loss"]
    for m in (mse, own)
]
assert np.allclose(*curves, rtol=1e-4)
assert np.isclose(own.evaluate(x, y, verbose=0), np.mean((own.predict(x, verbose=0) - y) ** 2))

model = make(huber_like)
model.fit(x, y, epochs=1, verbose=0)
model.save("own_loss.safetensors")
again = keras.models.load_model("own_loss.safetensors", custom_objects={"huber_like": huber_like})
assert np.isclose(again.evaluate(x, y, verbose=0), model.evaluate(x, y, verbose=0))
