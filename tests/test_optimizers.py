"""Optimizers: Keras's arithmetic over 20 steps, clipping, state, errors."""

import numpy as np
import pytest

from lstmcore import optimizers
from lstmcore.optimizers import SGD, Adam, RMSprop

START = [1.0, -2.0, 0.5, 3.0, -1.0]  # two weight arrays: three numbers and two
WINDOWS = [slice(0, 3), slice(3, 5)]


def gradients(i):
    return np.concatenate(
        [np.sin(np.arange(3) + i * 0.7) * (1 + i % 5), np.cos(np.arange(2) * 2 + i * 0.3)]
    )


@pytest.mark.parametrize(
    ("optimizer", "end"),
    [  # Keras 3.15.1 on JAX, float64
        (SGD(0.1), [0.467873084, -2.633618137, 0.347436235, 3.090447425, -1.012954147]),
        (SGD(0.1, 0.9), [-3.023359468, -3.363647243, 3.049795969, 3.544370996, 1.403898786]),
        (
            SGD(0.1, momentum=0.9, nesterov=True),
            [-3.153150437, -3.860900656, 2.642252607, 3.580381322, 1.150554760],
        ),
        (RMSprop(0.01), [0.931638135, -2.074164738, 0.479108508, 2.989404020, -0.937611461]),
        (
            RMSprop(0.01, rho=0.8, momentum=0.5, centered=True),
            [0.888115497, -2.112167679, 0.473794011, 3.020874540, -0.833611605],
        ),
        (Adam(0.01), [0.949950575, -2.037625354, 0.501995200, 2.972772712, -0.909235732]),
        (
            Adam(0.01, beta_1=0.8, beta_2=0.95, amsgrad=True),
            [0.961215253, -2.031291395, 0.498071296, 2.995473744, -0.941997160],
        ),
        (
            SGD(0.1, clipnorm=0.5),
            [0.972660802, -2.075126709, 0.446156929, 3.046736251, -1.006710451],
        ),
        (
            SGD(0.1, clipvalue=0.2),
            [0.958143831, -2.064064893, 0.483250070, 3.024176381, -1.014098520],
        ),
        (
            SGD(0.1, global_clipnorm=0.5),
            [0.973464816, -2.068841175, 0.452145093, 3.014813886, -0.999130209],
        ),
    ],
    ids=repr,
)
def test_twenty_steps_are_keras(optimizer, end, dtype, isa):
    again = type(optimizer).from_config(optimizer.get_config())
    param = np.array(START, dtype)
    for i in range(20):
        again.step(param, gradients(i).astype(dtype), WINDOWS)
    # Keras keeps learning rate and the like in float32
    np.testing.assert_allclose(param, end, rtol=2e-6 if dtype == np.float32 else 5e-7)
    assert again.iterations == 20


def test_defaults_are_keras():
    defaults = {
        SGD: {"learning_rate": 0.01, "momentum": 0.0, "nesterov": False},
        RMSprop: {
            "learning_rate": 0.001,
            "rho": 0.9,
            "momentum": 0.0,
            "epsilon": 1e-7,
            "centered": False,
        },
        Adam: {
            "learning_rate": 0.001,
            "beta_1": 0.9,
            "beta_2": 0.999,
            "epsilon": 1e-7,
            "amsgrad": False,
        },
    }
    for cls, known in defaults.items():
        config = cls().get_config()
        for name, value in known.items():
            assert config[name] == value, (cls, name)
        assert config["name"] == optimizers.get(cls.__name__.lower()).name


def test_state_follows_weights_to_a_new_array():
    optimizer = Adam()
    param = np.array(START)
    optimizer.step(param, gradients(0))
    before = {name: slot.copy() for name, slot in optimizer.slots.items()}
    optimizer.move([(slice(3, 5), slice(0, 2))], 4)
    for name, slot in optimizer.slots.items():
        np.testing.assert_array_equal(slot, [*before[name][3:5], 0, 0])


def test_an_optimizer_belongs_to_one_model():
    optimizer = Adam()
    optimizer.step(np.zeros(3), np.ones(3))
    with pytest.raises(ValueError, match="its state is for 3 weights of float64"):
        optimizer.step(np.zeros(4), np.ones(4))


def test_the_learning_rate_may_change():
    optimizer, param = SGD(1.0), np.zeros(1)
    optimizer.step(param, np.ones(1))
    optimizer.learning_rate = 0.5
    optimizer.step(param, np.ones(1))
    assert param[0] == -1.5
    assert optimizer.get_config()["learning_rate"] == 0.5


def test_names_and_classes():
    assert isinstance(optimizers.get("adam"), Adam)
    assert isinstance(optimizers.get("RMSprop"), RMSprop)
    assert isinstance(optimizers.get("rmsprop"), RMSprop)
    assert isinstance(optimizers.get(SGD), SGD)
    config = {"class_name": "Adam", "config": {"learning_rate": 0.5}}
    assert optimizers.get(config).learning_rate == 0.5


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: optimizers.get("adamm"), ValueError, "unknown optimizer 'adamm': did you mean"),
        (lambda: optimizers.get(3), TypeError, "expected a optimizer|expected an optimizer"),
        (lambda: Adam(lr=0.1), TypeError, "Adam has no argument 'lr'"),
        (lambda: Adam(learning_rat=0.1), TypeError, "did you mean 'learning_rate'"),
        (lambda: Adam(-1), ValueError, "learning_rate: expected a number >= 0, got -1"),
        (lambda: Adam(float("nan")), ValueError, "learning_rate: expected a number"),
        (lambda: Adam(float("inf")), ValueError, "learning_rate: expected a number"),
        (lambda: Adam("fast"), ValueError, "learning_rate: expected a number"),
        (lambda: Adam(beta_1=1.0), ValueError, "beta_1"),
        (lambda: SGD(momentum=2), ValueError, "momentum: expected a number from 0 to 1"),
        (lambda: SGD(clipnorm=1, clipvalue=1), ValueError, "only one of"),
        (lambda: SGD(clipnorm=-1), ValueError, "clipnorm: expected a number >= 0"),
    ],
)
def test_optimizers_refuse(make, error, message):
    with pytest.raises(error, match=message):
        make()
