"""Steps of one's own: train_step, test_step, compute_loss, compute_metrics, add_loss."""

import numpy as np
import pytest
from helpers import numbers

import lstmcore
from lstmcore import GradientTape, Input, Model, Sequential, layers, ops

X, Y = numbers(12, 5, 3).astype("f4"), numbers(12, 1).astype("f4")
WEIGHT = np.linspace(0, 2, 12).astype("f4")


class Stepping(Model):
    """Keras's example of a train_step."""

    def train_step(self, data):
        x, y, *weight = data
        with GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.compute_loss(x, y, y_pred, *weight)
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply(gradients, self.trainable_variables)
        for metric in self.metrics:
            if metric.name == "loss":
                metric.update_state(loss)
            else:
                metric.update_state(y, y_pred)
        return {metric.name: metric.result() for metric in self.metrics}


class Squared(Model):
    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        own = super().compute_loss(x, y, y_pred, sample_weight, training)
        return own + 0.1 * ops.mean(y_pred**2)


class Plain(Model):
    pass


def graph(cls, **options):
    lstmcore.utils.set_random_seed(3)
    x = Input((5, 3))
    h = layers.LSTM(4, kernel_regularizer="l2")(x)
    model = cls(x, layers.Dense(1)(layers.Dropout(0.2)(h)))
    model.compile("adam", "mse", metrics=["mae"], **options)
    return model


def fitted(model, **options):
    lstmcore.utils.set_random_seed(5)  # of the shuffling and the dropout
    return model.fit(X, Y, verbose=0, **options).history


@pytest.mark.parametrize("weight", [None, WEIGHT])
def test_keras_train_step_is_fit(weight):
    own, plain = graph(Stepping), graph(Plain)
    kept = {"epochs": 3, "batch_size": 4, "sample_weight": weight}
    found = [fitted(model, **kept) for model in (own, plain)]
    assert set(found[0]) == {"loss", "mae"}
    np.testing.assert_allclose(found[0]["loss"], found[1]["loss"], rtol=1e-5)
    np.testing.assert_allclose(found[0]["mae"], found[1]["mae"], rtol=1e-5)
    for got, want in zip(own.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(
        own.evaluate(X, Y, verbose=0), plain.evaluate(X, Y, verbose=0), rtol=1e-4
    )


def test_compute_loss_counts_in_training_and_in_evaluate():
    own = graph(Squared)
    plain = graph(Plain)
    y_pred = plain.predict(X, verbose=0)
    loss, mae = own.evaluate(X, Y, verbose=0)
    usual, usual_mae = plain.evaluate(X, Y, verbose=0)
    np.testing.assert_allclose(loss, usual + 0.1 * (y_pred**2).mean(), rtol=1e-5)
    np.testing.assert_allclose(mae, usual_mae, rtol=1e-6)
    history = own.fit(X, Y, epochs=30, verbose=0).history
    assert history["loss"][-1] < history["loss"][0]


def test_super_train_step_and_logs_of_one_s_own():
    class Counting(Model):
        def train_step(self, data):
            return {**super().train_step(data), "mine": 7.0}

    own, plain = graph(Counting), graph(Plain)
    history = fitted(own, epochs=2)
    assert history["mine"] == [7.0, 7.0]
    assert history["loss"] == fitted(plain, epochs=2)["loss"]


def test_test_step_and_validation():
    class Tested(Model):
        def test_step(self, data):
            x, y = data
            return {"loss": float(np.mean((self(x) - y) ** 2)), "n": len(x)}

    model = graph(Tested)
    assert model.evaluate(X, Y, return_dict=True, verbose=0)["n"] == 12
    history = model.fit(X, Y, validation_data=(X[:5], Y[:5]), verbose=0).history
    assert history["val_n"] == [5]


def test_own_metrics_begin_again_with_every_epoch():
    class Tracked(Model):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.tracker = lstmcore.metrics.Mean(name="tracked")

        def train_step(self, data):
            self.tracker.update_state(2.0)
            logs = super().train_step(data)
            return {**logs, "count": self.tracker.count}

    model = graph(Tracked)
    history = model.fit(X, Y, batch_size=4, epochs=2, verbose=0).history
    assert history["tracked"] == [2.0, 2.0]
    assert history["count"] == [3, 3]


def test_a_loss_that_is_nan_changes_nothing():
    class Bad(Squared):
        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            return ops.mean(y_pred) * np.float32(np.nan)

    model = graph(Bad)
    before = model.get_weights()
    with pytest.raises(FloatingPointError):
        model.fit(X, Y, verbose=0)
    for got, want in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(got, want)


def test_a_step_that_returns_no_dict_is_refused():
    class Wrong(Model):
        def train_step(self, data):
            return 3

    with pytest.raises(TypeError, match="train_step: expected a dict of names to numbers, got int"):
        graph(Wrong).fit(X, Y, verbose=0)


# --- losses that layers add -----------------------------------------------------------------------


class Sparse(layers.Layer):
    def call(self, x):
        self.add_loss(0.1 * ops.mean(ops.abs(x)))
        return x


def test_add_loss_is_the_penalty_that_it_says():
    lstmcore.utils.set_random_seed(0)
    model = Sequential([Input((5, 3)), layers.LSTM(4), Sparse(), layers.Dense(1)])
    model.compile("sgd", "mse")
    h = model.layers[0](X)
    usual = float(np.mean((model.predict(X, verbose=0) - Y) ** 2))
    want = usual + 0.1 * np.abs(h).mean()
    np.testing.assert_allclose(model.evaluate(X, Y, verbose=0), want, rtol=1e-5)
    before = model.layers[0].get_weights()
    model.train_on_batch(X, Y)
    np.testing.assert_allclose(float(model.layers[1]._losses[0]), want - usual, rtol=1e-5)
    assert any((a != b).any() for a, b in zip(before, model.layers[0].get_weights(), strict=True))


def test_add_loss_alone_trains():
    class Own(Model):
        def __init__(self):
            super().__init__()
            self.lstm = layers.LSTM(2)

        def call(self, x):
            y = self.lstm(x)
            self.add_loss(ops.mean((y - 0.5) ** 2))
            return y

    model = Own()
    model.compile(lstmcore.optimizers.Adam(0.02))
    losses = model.fit(X, epochs=20, verbose=0).history["loss"]
    assert losses[-1] < 0.8 * losses[0]
    assert len(model.losses) == 1


def test_losses_by_hand():
    dense = layers.Dense(2, kernel_regularizer="l2")
    y = Sparse()(dense(np.ones((3, 4), "f4")))
    assert y.shape == (3, 2)
    np.testing.assert_allclose(dense.losses[0], 0.01 * (dense.kernel.numpy() ** 2).sum(), rtol=1e-6)
    with GradientTape() as tape:
        dense(np.ones((3, 4), "f4"))
        total = sum(dense.losses)
    found = tape.gradient(total, dense.kernel)
    np.testing.assert_allclose(found, 0.02 * dense.kernel.numpy(), rtol=1e-6)
