"""An optimizer's learning rate and number of steps, read and set as Keras's variables."""

import copy
import json
import pickle

import numpy as np
import pytest

from lstmcore import Input, Sequential
from lstmcore.callbacks import LambdaCallback
from lstmcore.layers import Dense
from lstmcore.optimizers import SGD, Adam, Optimizer
from lstmcore.optimizers.schedules import ExponentialDecay


def test_assign_sets_the_learning_rate():
    optimizer = SGD(0.5)
    kept = optimizer.learning_rate
    assert kept.assign(0.25) is kept
    assert optimizer.learning_rate == kept == 0.25
    kept.assign_sub(0.125)
    kept.assign_add(1)
    assert float(optimizer.learning_rate) == float(kept) == kept.numpy() == kept.value == 1.125
    param = np.zeros(1)
    optimizer.step(param, np.ones(1))
    assert param[0] == -1.125


def test_a_kept_one_stays_the_number_it_was():
    optimizer = SGD(0.5)
    before, steps = optimizer.learning_rate, optimizer.iterations
    optimizer.learning_rate = 4.0
    optimizer.step(np.zeros(1), np.ones(1))
    assert (before, steps, optimizer.iterations - steps) == (0.5, 0, 1)


def test_one_that_assigned_reads_as_assigned():
    kept, other = SGD(0.5).learning_rate, SGD(8.0).learning_rate
    kept.assign(4)
    for got, want in [
        (kept * 2, 8.0),
        (2 * kept, 8.0),
        (kept + kept, 8.0),
        (other - kept, 4.0),
        (np.float32(2) * kept, 8.0),
        (np.ones(2) * kept, [4.0, 4.0]),
        (np.array(kept), 4.0),
        (kept / 8, 0.5),
        (1 / kept, 0.25),
        (kept**2, 16.0),
        (-kept, -4.0),
        (abs(kept), 4.0),
        (round(kept), 4),
        (int(kept), 4),
        (max(kept, 1.0), 4.0),
    ]:
        np.testing.assert_array_equal(got, want)
    assert kept > 3
    assert kept != 0.5
    assert f"{kept:.1e} {kept} {kept!r}" == "4.0e+00 4.0 4.0"
    assert hash(kept) == hash(4.0)


def test_it_is_a_number_for_others():
    rate = SGD(0.5).learning_rate
    assert isinstance(rate, float)
    assert json.dumps({"lr": rate}) == '{"lr": 0.5}'
    assert type(pickle.loads(pickle.dumps(rate))) is type(copy.deepcopy(rate)) is float
    assert (rate.shape, rate.dtype, SGD().iterations.dtype) == ((), "float64", "int64")


def test_iterations():
    optimizer = SGD()
    optimizer.step(np.zeros(1), np.ones(1))
    kept = optimizer.iterations
    assert kept == kept.numpy() == 1
    assert [10, 20][kept] == 20
    kept.assign(7)
    assert optimizer.iterations == kept == 7
    assert isinstance(kept, int)
    with pytest.raises(ValueError, match="SGD: iterations: expected a whole number >= 0, got -1"):
        kept.assign(-1)


def test_a_scheduled_rate_is_read_and_not_set():
    optimizer = SGD(ExponentialDecay(0.5, 1, 0.5))
    assert optimizer.learning_rate.numpy() == 0.5
    with pytest.raises(TypeError, match="follows"):
        optimizer.learning_rate.assign(0.1)


@pytest.mark.parametrize("value", ["fast", -1, float("nan"), None])
def test_assign_refuses_what_the_setter_refuses(value):
    with pytest.raises(ValueError, match="learning_rate: expected a number"):
        SGD(0.5).learning_rate.assign(value)


def test_a_callback_assigns_between_epochs():
    model = Sequential([Input((2,)), Dense(1, kernel_initializer="ones")])
    model.compile(SGD(0.5), "mse")
    rates = []

    def halve(epoch, logs):
        model.optimizer.learning_rate.assign(model.optimizer.learning_rate * 0.5)
        rates.append(float(model.optimizer.learning_rate))

    model.fit(
        np.ones((4, 2)),
        np.ones(4),
        epochs=3,
        verbose=0,
        callbacks=[LambdaCallback(on_epoch_begin=halve)],
    )
    assert rates == [0.25, 0.125, 0.0625]


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("lr", 0.1, "Adam has no 'lr': write learning_rate=0.1"),
        ("decay", 0.1, r"InverseTimeDecay\(0.001, decay_steps=1, decay_rate=0.1\)"),
        ("learning_rat", 0.1, "did you mean 'learning_rate'"),
        ("clip_norm", 1.0, "did you mean 'clipnorm'"),
        ("nothing", 1.0, "there is: learning_rate, beta_1"),
    ],
)
def test_an_unknown_attribute_is_refused(name, value, told):
    optimizer = Adam()
    with pytest.raises(AttributeError, match=told):
        setattr(optimizer, name, value)
    assert not hasattr(optimizer, name)


def test_reading_a_name_of_keras_2_says_the_new_one():
    with pytest.raises(AttributeError, match="Adam has no 'lr': write learning_rate, as"):
        _ = Adam().lr
    with pytest.raises(AttributeError, match="'Adam' object has no attribute 'nothing'"):
        _ = Adam().nothing


def test_what_an_optimizer_has_can_be_set():
    optimizer = Adam()
    optimizer.clipnorm, optimizer.beta_1, optimizer.name = 1.0, 0.5, "mine"
    assert (optimizer.clipnorm, optimizer.beta_1, optimizer.name) == (1.0, 0.5, "mine")


def test_a_subclass_may_set_its_own():
    class Mine(SGD):
        def __init__(self, learning_rate=0.1, warmup=3):
            super().__init__(learning_rate)
            self.warmup = warmup

    class Other(Optimizer):
        def update_step(self, gradient, variable, learning_rate):
            variable.assign_sub(learning_rate * gradient)

    mine, other = Mine(), Other(0.1)
    mine.lr, other.mine = 1, 2
    assert (mine.warmup, mine.lr, other.mine) == (3, 1, 2)
