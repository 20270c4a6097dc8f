"""Variables of users' own: what they are, and that functions see what was assigned."""

import numpy as np
import pytest

from lstmcore import Input, Sequential, Variable, callbacks, config, layers, ops
from lstmcore import backend as K


def test_values():
    beta = Variable(0.5, trainable=False)
    assert (beta.shape, beta.dtype, float(beta)) == ((), np.float32, 0.5)
    assert float(1 + 2 * beta) == 2.0
    beta.assign(0.75)
    beta.assign_add(0.25)
    assert beta.numpy() == K.get_value(beta) == 1.0
    K.set_value(beta, 3)
    assert float(ops.square(beta)) == 9.0
    made = Variable("ones", (2, 3), "float64", trainable=False, name="w")
    assert np.array_equal(made, np.ones((2, 3)))
    assert (made.name, made.dtype) == ("w", np.float64)
    assert np.array_equal(Variable([1, 2], dtype="int32", trainable=False), [1, 2])


def test_the_default_dtype(monkeypatch):
    monkeypatch.setattr(config.Settings, "floatx", "float64")
    assert Variable(1, trainable=False).dtype == np.float64


def test_errors():
    with pytest.raises(ValueError, match=r"Variable: trainable: expected False.* add_weight"):
        Variable(0.0)
    with pytest.raises(ValueError, match=r"Variable: shape: expected \(2,\), got \(3,\)"):
        Variable([1.0, 2.0], (3,), trainable=False)
    with pytest.raises(ValueError, match=r"variable 'variable': expected shape \(\), got \(2,\)"):
        Variable(0.0, trainable=False).assign([1, 2])


def test_a_loss_whose_weight_a_callback_sets():
    beta = Variable(0.0, trainable=False)
    x, y = np.ones((8, 3)), np.ones((8, 1))

    def loss(y_true, y_pred):
        return beta * ops.mean(ops.square(y_true - y_pred), axis=-1)

    model = Sequential([Input((3,)), layers.Dense(1)])
    model.compile("sgd", loss)
    grow = callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: beta.assign(float(epoch)))
    before = model.get_weights()
    losses = model.fit(x, y, epochs=2, verbose=0, callbacks=[grow]).history["loss"]
    assert losses[0] == 0 < losses[1]
    assert not np.array_equal(before[0], model.get_weights()[0])
