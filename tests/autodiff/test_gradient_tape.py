"""GradientTape: gradients of weights in a training step of one's own."""

import numpy as np
import pytest
from helpers import numbers

import lstmcore
from lstmcore import GradientTape, Sequential, layers, ops

X, Y = numbers(8, 5, 3).astype("f4"), numbers(8, 1).astype("f4")


def model_of(seed=0):
    lstmcore.utils.set_random_seed(seed)
    model = Sequential([layers.Input((5, 3)), layers.LSTM(4), layers.Dense(1)])
    model.compile("sgd", "mse")
    return model


def test_a_loop_by_hand_is_fit_to_the_last_bit():
    fitted, looped = model_of(), model_of()
    fitted.fit(X, Y, batch_size=4, shuffle=False, verbose=0)
    loss_fn = lstmcore.losses.MeanSquaredError()
    for start in (0, 4):
        rows = slice(start, start + 4)
        with GradientTape() as tape:
            loss = loss_fn(Y[rows], looped(X[rows], training=True))
        gradients = tape.gradient(loss, looped.trainable_weights)
        looped.optimizer.apply_gradients(zip(gradients, looped.trainable_weights, strict=True))
    for got, want in zip(looped.get_weights(), fitted.get_weights(), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-6, atol=1e-7)
        assert np.abs(want).max() > 0


def test_structures_of_sources_and_watched_arrays():
    dense = layers.Dense(1, kernel_initializer="ones")
    dense(np.ones((2, 3), "f4"))
    with GradientTape(persistent=True) as tape:
        x = tape.watch(np.ones((2, 3), "f4"))
        y = dense(x)
    found = tape.gradient([y, y], {"w": dense.kernel, "x": x})
    np.testing.assert_array_equal(found["x"], np.full((2, 3), 2))
    np.testing.assert_array_equal(found["w"], np.full((3, 1), 4))


def test_output_gradients_and_what_is_not_connected():
    with GradientTape() as tape:
        x, z = tape.watch(np.array([1.0, 2.0])), tape.watch(np.ones(2))
        y = x * 3
    dx, dz = tape.gradient(y, [x, z], output_gradients=np.array([1.0, 10.0]))
    assert dx.tolist() == [3, 30]
    assert dz is None


def test_errors():
    with GradientTape() as tape:
        y = ops.sum(tape.watch(np.ones(2)))
    with pytest.raises(TypeError, match=r"write x = tape.watch\(x\)"):
        tape.gradient(y, np.ones(2))
    tape.gradient(y, [])
    with pytest.raises(RuntimeError, match="expected one call of gradient, got a second one"):
        tape.gradient(y, [])


def test_dropout_behaves_as_it_is_told():
    drop = layers.Dropout(0.5)
    x = np.ones((4, 20), "f4")
    with GradientTape():
        assert (np.asarray(lstmcore.autodiff.tape.unboxed(drop(x))) == 1).all()
        assert (np.asarray(lstmcore.autodiff.tape.unboxed(drop(x, training=True))) == 0).any()
