"""What training makes of masks: Keras's numbers, means, gradients, states."""

import numpy as np
import pytest
from formulas import wave32
from gradients import gradient
from helpers import RunningMean, numbers
from masked_series import CLASSES, IDS, REAL, X, Y, stepwise

from lstmcore import Sequential
from lstmcore.layers import Dense, Embedding, Layer, Masking
from lstmcore.optimizers import SGD

# -- training ------------------------------------------------------------------------------

# Keras 3.15.1 on JAX: 3 epochs of SGD(0.05, 0.9), one batch, no shuffling; then `evaluate`.
# (The metrics of its `fit` lose the mask on the way through jit, so they are not compared; neither
# is its root_mean_squared_error, which never asks for one.)
KERAS = [
    (
        [Masking(), Dense(3, "tanh"), Dense(1)],
        (X, Y, None),
        ("mse", "mae"),
        [0.489887, 0.4426269, 0.3777057],
        [0.32729426, 0.50206453],
        (12, [0.143674, 0.08097, -0.028689, 0.002633, 0.120028, 0.057461]),
    ),
    (
        [Masking(), Dense(3, "tanh"), Dense(1)],
        (X, Y, wave32((12, 6), 0.5) + 1),
        ("mse", "mae"),
        [0.5261413, 0.4767856, 0.409316],
        [0.32583052, 0.50140649],
        (12, [0.136318, 0.076314, -0.031925, -0.003199, 0.112254, 0.051854]),
    ),
    (
        [Masking(), Dense(3, "softmax")],
        (X, CLASSES, None),
        ("sparse_categorical_crossentropy", "accuracy"),
        [1.0831208, 1.0815276, 1.0785774],
        [1.07454288, 0.47222224],
        (12, [0.258392, 0.398083, 0.343525, 0.250781, 0.386857, 0.362362]),
    ),
    (
        [Embedding(10, 3, mask_zero=True), Dense(3, "softmax")],
        (IDS, CLASSES, None),
        ("sparse_categorical_crossentropy", "accuracy"),
        [1.0791626, 1.0781075, 1.0761524],
        [1.07347643, 0.47222224],
        (12, [0.283147, 0.390258, 0.326595, 0.279284, 0.393087, 0.327629]),
    ),
]


@pytest.mark.parametrize(("layers", "data", "given", "history", "test", "predicted"), KERAS)
def test_training_is_keras(layers, data, given, history, test, predicted, dtype):
    (x, y, weight), (loss, metric) = data, given
    model = Sequential([type(layer).from_config(layer.get_config()) for layer in layers])
    model.compile(SGD(0.05, 0.9), loss, metrics=[metric])
    model.build((None, *x.shape[1:]))
    weights = [wave32(w.shape, 0.9 + 0.1 * i) * 0.5 for i, w in enumerate(model.get_weights())]
    model.set_weights(weights)
    fitted = model.fit(x, y, 12, 3, 0, shuffle=False, sample_weight=weight).history
    np.testing.assert_allclose(fitted["loss"], history, atol=2e-6)
    np.testing.assert_allclose(model.evaluate(x, y, 12, 0), test, atol=2e-6)
    size, values = predicted
    y = model.predict(x, verbose=0)
    assert len(y) == size
    np.testing.assert_allclose(y[1].ravel()[: len(values)], values, atol=2e-6)


def test_means_are_over_real_steps_whatever_the_batches():
    model = stepwise(Masking(), Dense(3, "tanh"))
    model.compile("sgd", "mse", metrics=["mae", "rmse"])
    p = model.predict(X, verbose=0)
    error = (p - Y)[REAL]
    want = [(error**2).mean(), abs(error).mean(), np.sqrt((error**2).mean())]
    for size in (1, 5, 12):
        got = model.evaluate(X, Y, size, verbose=0)
        np.testing.assert_allclose(got, want, rtol=1e-5)
        assert all(type(value) is float for value in got)
    model.compile(SGD(0.0), "mse", metrics=["mae", "rmse"])
    history = model.fit(X, Y, 5, 2, 0).history
    np.testing.assert_allclose([history[k][1] for k in ("loss", "mae", "rmse")], want, rtol=1e-5)


def test_a_summed_loss_has_keras_mean():
    from lstmcore import losses

    model = stepwise(Masking())
    model.compile("sgd", losses.MeanSquaredError(reduction="sum"))
    squares = ((model.predict(X, verbose=0) - Y)[..., 0] ** 2) * REAL
    sums = [squares[:5].sum(), squares[5:10].sum(), squares[10:].sum()]
    got = model.evaluate(X, Y, 5, verbose=0)
    assert got == pytest.approx(np.average(sums, weights=[5, 5, 2]), rel=1e-5)


def test_targets_at_masked_steps_may_be_anything():
    models = [stepwise(Masking(), Dense(3, "tanh")) for _ in range(2)]
    wild = np.where(REAL[..., None], Y, np.nan)
    histories = []
    for model, y in zip(models, (Y, wild), strict=True):
        model.compile("adam", "mse", metrics=["mae"])
        histories.append(model.fit(X, y, 5, 3, 0, shuffle=False, validation_split=0.2).history)
    assert histories[0] == histories[1]
    for a, b in zip(models[0].get_weights(), models[1].get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_nothing_real_teaches_nothing():
    model = stepwise(Masking(), Dense(3, "tanh"))
    model.compile(SGD(0.5), "mse", metrics=["mae"])
    before = model.get_weights()
    assert model.train_on_batch(0 * X, Y) == [0.0, 0.0]
    assert model.evaluate(0 * X, Y, 5, verbose=0) == [0.0, 0.0]
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_gradient_of_a_model_with_a_mask():
    model = stepwise(Masking(), RunningMean(True), Dense(2, "tanh"), dtype="float64")
    x, r = X.astype(float), numbers(12, 6, 1)
    y, back, mask = model.run(x, True)
    np.testing.assert_array_equal(mask, REAL)
    dx = back(r)
    held = np.where(REAL[..., None], x, 0)
    numeric = gradient(lambda: float((model.run(held, False)[0] * r).sum()), held)
    np.testing.assert_allclose(dx[REAL], numeric[REAL], atol=1e-8)
    assert (dx[~REAL] == 0).all()
    assert y.shape == r.shape


# -- states --------------------------------------------------------------------------------


class Counter(Layer):
    """Counts the batches since the last reset."""

    seen = 0

    def forward(self, x, training=False):
        self.seen += 1
        return x, lambda dy, need_dx=True: dy

    def reset_states(self):
        self.seen = 0


def test_reset_states_reaches_every_layer():
    class Wrapper(Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.inner = Counter()

        def sublayers(self):
            return [self.inner]

        def forward(self, x, training=False):
            return self.inner.forward(x, training)

    counters, wrapper = [Counter(), Counter()], Wrapper()
    model = Sequential([counters[0], Sequential([counters[1], Dense(1)]), wrapper])
    model.predict(X, batch_size=4, verbose=0)
    assert [c.seen for c in (*counters, wrapper.inner)] == [3, 3, 3]
    model.reset_states()
    assert [c.seen for c in (*counters, wrapper.inner)] == [0, 0, 0]
