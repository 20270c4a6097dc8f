"""Learning rate schedules: Keras's numbers at many steps, configs, errors."""

import json

import pytest
from keras_numbers import keras_numbers

from lstmcore.optimizers import schedules
from lstmcore.optimizers.schedules import (
    CosineDecay,
    CosineDecayRestarts,
    ExponentialDecay,
    LearningRateSchedule,
    PiecewiseConstantDecay,
    PolynomialDecay,
)

KERAS = keras_numbers("optimizers")


def said(case):
    return "-".join([case["class"], *(f"{k}={v}" for k, v in case["config"].items())])


@pytest.mark.parametrize("case", KERAS["schedules"], ids=said)
def test_values_are_keras(case):
    schedule = getattr(schedules, case["class"])(**case["config"])
    assert schedule.get_config() == case["full"]
    again = schedules.deserialize(json.loads(json.dumps(schedules.serialize(schedule))))
    assert type(again) is type(schedule)
    for step, value in zip(KERAS["schedule_steps"], case["values"], strict=True):
        got = schedule(step)
        assert type(got) is float
        assert got == pytest.approx(value, rel=1e-10, abs=1e-14), step
        assert again(step) == got
    positional = type(schedule)(*case["full"].values())
    assert positional.get_config() == case["full"]


def test_a_schedule_of_ones_own_comes_back():
    class Harmonic(LearningRateSchedule):
        def __init__(self, start):
            self.start = start

        def __call__(self, step):
            return self.start / (step + 1)

    config = schedules.serialize(Harmonic(2.0))
    assert schedules.deserialize(config, {"Harmonic": Harmonic})(1) == 1.0
    with pytest.raises(ValueError, match="unknown learning rate schedule 'Harmonic'"):
        schedules.deserialize(config)


def test_decays_that_grow_shorter_have_an_end():
    schedule = CosineDecayRestarts(1.0, 4, t_mul=0.5, alpha=0.25)
    assert schedule(4) == 1.0  # the second begins
    assert schedule(5) == pytest.approx(0.25 + 0.75 * 0.5)
    assert schedule(8) == schedule(1000) == 0.25


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (
            lambda: CosineDecay(0.1, 0),
            ValueError,
            "CosineDecay: decay_steps: expected a number > 0",
        ),
        (lambda: CosineDecay(-0.1, 9), ValueError, "initial_learning_rate: expected a number >= 0"),
        (lambda: CosineDecay(0.1, 9, warmup_target="x"), ValueError, "warmup_target: expected"),
        (lambda: ExponentialDecay("x", 1, 1), ValueError, "initial_learning_rate: expected"),
        (lambda: PolynomialDecay(0.1, 5, power=-1), ValueError, "power: expected"),
        (lambda: CosineDecayRestarts(0.1, 9, 0), ValueError, "t_mul: expected a number > 0"),
        (lambda: PiecewiseConstantDecay([1], [1]), ValueError, "got 1 values and 1 boundaries"),
        (lambda: PiecewiseConstantDecay([2, 1], [1, 1, 1]), ValueError, "expected rising numbers"),
        (lambda: PiecewiseConstantDecay([2], [1, "x"]), ValueError, "values: expected a number"),
        (lambda: CosineDecay(0.1, 9, warm_steps=3), TypeError, "did you mean 'warmup_steps'"),
        (lambda: schedules.get("CosineDecy"), ValueError, "did you mean 'CosineDecay'"),
        (lambda: LearningRateSchedule()(0), NotImplementedError, "has no __call__"),
    ],
)
def test_schedules_refuse(make, error, message):
    with pytest.raises(error, match=message):
        make()
