"""Optimizers: Keras's arithmetic over 20 steps, with every option; state, settings, errors."""

import copy
import json
import pickle
import warnings

import numpy as np
import pytest
from formulas import wave32
from keras_numbers import keras_numbers

from lstmcore import optimizers
from lstmcore.optimizers import SGD, Adagrad, Adam, AdamW, Lion, Nadam, RMSprop
from lstmcore.optimizers.base import Optimizer
from lstmcore.optimizers.schedules import ExponentialDecay, LearningRateSchedule

KERAS = keras_numbers("optimizers")
NAMES = ["kernel", "bias", "gate"]
WINDOWS = [slice(0, 12), slice(12, 16), slice(16, 21)]
CLASSES = list(KERAS["signatures"])
OPTIONS = {
    "weight_decay": 0.1,
    "use_ema": True,
    "ema_overwrite_frequency": 2,
    "gradient_accumulation_steps": 3,
    "global_clipnorm": 1.0,
}


def gradients(i, dtype=np.float64):
    """Of the i-th step, counted from 1."""
    return wave32(21, 0.37 + 0.11 * i).astype(dtype) * dtype(1 + i % 5)


def make(case):
    cls = getattr(optimizers, case["class"])
    optimizer = cls(**{"learning_rate": 0.05, **case["config"]})
    optimizer.exclude_from_weight_decay(var_names=case["exclude"])
    return optimizer


SHAPES = {"kernel": (3, 4), "bias": (4,), "gate": (5,)}


def step(optimizer, param, i, shapes=SHAPES):
    grad = gradients(i, param.dtype.type)
    return optimizer.step(param, grad, WINDOWS, list(shapes), [tuple(s) for s in shapes.values()])


def said(case):
    config = {k: v["class_name"] if isinstance(v, dict) else v for k, v in case["config"].items()}
    shape = [str(case["shapes"]["kernel"])] if "shapes" in case else []
    return "-".join([case["class"], *shape, *(f"{k}={v}" for k, v in config.items())])


def check(param, right, dtype):
    """Equal to Keras's, relative to max(1, |x|)."""
    off = np.abs(param - right) / np.maximum(1, np.abs(right))
    assert off.max() < (1e-10 if dtype == np.float64 else 2e-6)


NUMPY = {"Lamb", "Adafactor", "Ftrl", "Muon", "ScheduleFreeAdamW"}
IN_NUMPY = [case for case in KERAS["steps"] if case["class"] in NUMPY]
IN_THE_CORE = [case for case in KERAS["steps"] if case["class"] not in NUMPY]


@pytest.mark.parametrize("case", IN_THE_CORE, ids=said)
def test_twenty_steps_are_keras(case, dtype, isa):
    check_steps(case, dtype)


@pytest.mark.parametrize("case", IN_NUMPY, ids=said)
def test_twenty_steps_in_numpy_are_keras(case, dtype):
    check_steps(case, dtype)


def check_steps(case, dtype):
    optimizer, param = make(case), wave32(21, 0.7).astype(dtype)
    for i in range(1, 21):
        before = param.copy()
        changed = step(optimizer, param, i, case.get("shapes", SHAPES))
        assert changed or (param == before).all()
        if str(i) in case["weights"]:
            check(param, case["weights"][str(i)], dtype)
    assert optimizer.iterations == case["iterations"]
    assert optimizer.learning_rate == pytest.approx(case["learning_rate"], rel=1e-12)
    finished = param.copy()
    optimizer.finalize_variable_values(finished)
    check(finished, case.get("final", param), dtype)


@pytest.mark.parametrize("name", CLASSES)
def test_arguments_and_defaults_are_keras(name):
    cls, signature = getattr(optimizers, name), KERAS["signatures"][name]
    keras = KERAS["configs"][name]
    assert cls(*(default for _, default in signature)).get_config() == cls().get_config()
    assert set(cls.arguments) == {argument for argument, _ in signature}
    assert cls().get_config() == keras["config"]
    # each place has the argument that Keras has there
    values = {"learning_rate": 0.5, "epsilon": 0.25, "weight_decay": 0.125, "clipnorm": 3.0}
    values |= {"ema_overwrite_frequency": 7, "gradient_accumulation_steps": 5, "name": "mine"}
    values |= {"loss_scale_factor": 8.0, "ema_momentum": 0.5, "use_ema": True}
    places = [values.get(argument, default) for argument, default in signature]
    wanted = {a: values.get(a, default) for a, default in signature}
    if "exclude_layers" in wanted:
        wanted["exclude_layers"] = []  # in Keras, too
    assert cls(*places).get_config() == wanted
    assert optimizers.deserialize(keras).get_config() == cls().get_config()  # Keras's own config


@pytest.mark.parametrize("name", CLASSES)
def test_configs_say_everything(name):
    options = {**OPTIONS, "learning_rate": ExponentialDecay(0.1, 5, 0.5)}
    optimizer = getattr(optimizers, name)(**options)
    config = json.loads(json.dumps(optimizers.serialize(optimizer)))
    again = optimizers.get(config)
    assert type(again) is type(optimizer)
    assert again.get_config() == optimizer.get_config()
    one, other = (wave32(21, 0.7).astype(np.float64) for _ in range(2))
    for i in range(1, 8):
        step(optimizer, one, i)
        step(again, other, i)
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.parametrize("options", [{}, OPTIONS], ids=["plain", "options"])
@pytest.mark.parametrize("after", [1, 2, 4])
def test_training_goes_on_from_config_slots_and_state(name, options, after):
    optimizer = getattr(optimizers, name)(**options)
    param = wave32(21, 0.7).astype(np.float64)
    for i in range(1, after + 1):
        step(optimizer, param, i)
    assert tuple(optimizer.slots) == optimizer.slot_names()
    again = optimizers.get(optimizers.serialize(optimizer))
    again.iterations = optimizer.iterations
    again.set_state(json.loads(json.dumps(optimizer.state())))
    again.slots.update({k: v.copy() for k, v in optimizer.slots.items()})
    both, copied = param.copy(), pickle.loads(pickle.dumps(optimizer))
    third = param.copy()
    for i in range(after + 1, after + 9):
        changed = step(optimizer, param, i)
        assert step(again, both, i) == changed
        assert step(copied, third, i) == changed
        np.testing.assert_array_equal(both, param)
        np.testing.assert_array_equal(third, param)
    assert again.iterations == optimizer.iterations
    assert again.state() == optimizer.state()


def test_nadam_knows_its_product_from_any_step():
    straight, jumping = Nadam(beta_1=0.999), Nadam(beta_1=0.999)
    expected = [straight._product_of(t) for t in range(2000)]
    for t in (1500, 3, 999, 1000, 1001, 1999, 0):
        assert jumping._product_of(t) == pytest.approx(expected[t], rel=1e-12)
    mus = [straight._mu(t) for t in range(1, 2000)]
    np.testing.assert_allclose(expected[1:], np.cumprod(mus), rtol=1e-12)
    assert Nadam(beta_1=optimizers.base.BELOW_ONE)._product_of(2**53) > 0  # and at once


# -- state ---------------------------------------------------------------------------------


@pytest.mark.parametrize("optimizer", [Adam(), Adagrad(), SGD(use_ema=True)], ids=repr)
def test_state_follows_weights_to_a_new_array(optimizer):
    param = np.array([1.0, -2, 0.5, 3, -1])
    optimizer.step(param, np.ones(5))
    before = {name: slot.copy() for name, slot in optimizer.slots.items()}
    optimizer.move([(slice(3, 5), slice(0, 2))], 4)
    for name, slot in optimizer.slots.items():
        begin = 0.1 if name == "accumulator" else 0
        np.testing.assert_array_equal(slot, [*before[name][3:5], begin, begin])


def test_the_mean_of_weights_that_came_later_begins_with_them():
    optimizer = SGD(0.0, use_ema=True, ema_momentum=0.9)
    optimizer.step(np.array([1.0, 2]), np.zeros(2))
    optimizer.move([(slice(0, 1), slice(1, 2))], 2)
    optimizer.move([(slice(0, 2), slice(0, 2))], 3)
    param = np.array([5.0, 2, 7])
    finished = param.copy()
    optimizer.finalize_variable_values(finished)
    np.testing.assert_array_equal(finished, [5, 1, 7])
    optimizer.step(param, np.zeros(3))
    optimizer.finalize_variable_values(param)
    np.testing.assert_allclose(param, [5, 0.9 * 1 + 0.1 * 2, 7])


def test_weights_without_a_step_stay_as_they_are():
    param = np.ones(3)
    for optimizer in (SGD(), SGD(use_ema=True)):
        optimizer.finalize_variable_values(param)
        optimizer.make_slots(3, param.dtype)
        optimizer.finalize_variable_values(param)
    assert (param == 1).all()


def test_an_optimizer_belongs_to_one_model():
    optimizer = Adam()
    optimizer.step(np.zeros(3), np.ones(3))
    with pytest.raises(ValueError, match="its state is for 3 weights of float64"):
        optimizer.step(np.zeros(4), np.ones(4))
    with pytest.raises(ValueError, match="not 3 of float32"):
        optimizer.step(np.zeros(3, "f"), np.ones(3, "f"))
    optimizer.slots = {}
    optimizer.iterations = 0  # begun again
    optimizer.step(np.zeros(4), np.ones(4))


def test_set_state_refuses():
    optimizer = Adam(gradient_accumulation_steps=3)
    for state in ({"accumulated": 3}, {"accumulated": -1}, {"accumulated": "2"}, {"x": 1}, [1]):
        with pytest.raises(ValueError, match="Adam: "):
            optimizer.set_state(state)
    with pytest.raises(ValueError, match="accumulated: expected 0 at most"):
        Adam().set_state({"accumulated": 1})
    assert optimizer.state() == {}


# -- weight decay --------------------------------------------------------------------------


class Weight:
    """What a Param is here: an array in its `value`."""

    def __init__(self, value):
        self.value = value


@pytest.mark.parametrize("how", ["names", "params", "arrays", "both"])
def test_weights_may_be_left_out_of_decay(how):
    optimizer, param = AdamW(0.1, weight_decay=0.5), np.ones(21)
    shaped = param[WINDOWS[1]].reshape(2, 2)
    given = {
        "names": {"var_names": ["bias"]},
        "params": {"var_list": [Weight(shaped)]},
        "arrays": {"var_list": [shaped]},
        "both": {"var_list": [shaped], "var_names": ["ga.e"]},
    }[how]
    optimizer.exclude_from_weight_decay(**given)
    for _ in range(2):
        optimizer.step(param, np.zeros(21), WINDOWS, NAMES)
    left = np.full(21, 0.95**2)
    left[WINDOWS[1]] = 1
    if how == "both":
        left[WINDOWS[2]] = 1
    np.testing.assert_allclose(param, left, rtol=1e-14)
    optimizer.exclude_from_weight_decay()  # none any more
    optimizer.step(param, np.zeros(21))
    np.testing.assert_allclose(param, left * 0.95, rtol=1e-14)


def test_exclusion_needs_windows_and_names():
    optimizer = AdamW()
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    for more in ((), (WINDOWS,)):
        with pytest.raises(ValueError, match="needs the weights' windows and names"):
            optimizer.step(np.ones(21), np.ones(21), *more)


# -- clipping ------------------------------------------------------------------------------


@pytest.mark.parametrize("option", ["clipnorm", "clipvalue", "global_clipnorm"])
def test_a_clip_of_zero_is_none_as_in_keras(option):
    param = np.zeros(21)
    SGD(1.0, **{option: 0.0}).step(param, np.full(21, 3.0), WINDOWS)
    assert (param == -3).all()


@pytest.mark.parametrize("option", ["clipnorm", "global_clipnorm"])
def test_zero_gradients_are_left_and_nan_is_not_hidden(option):
    optimizer, param = SGD(1.0, **{option: 1.0}), np.zeros(21)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        optimizer.step(param, np.zeros(21), WINDOWS)
    assert (param == 0).all()
    grad = np.zeros(21)
    grad[3] = np.nan
    optimizer.step(param, grad, WINDOWS)
    assert np.isnan(param[WINDOWS[0]]).all()
    assert np.isnan(param[WINDOWS[1]]).all() == (option == "global_clipnorm")


# -- the learning rate ---------------------------------------------------------------------


def test_the_learning_rate_may_change():
    optimizer, param = SGD(1.0), np.zeros(1)
    optimizer.step(param, np.ones(1))
    optimizer.learning_rate = np.float32(0.5)
    optimizer.step(param, np.ones(1))
    assert param[0] == -1.5
    assert optimizer.get_config()["learning_rate"] == 0.5


def test_a_schedule_sees_the_steps_before_this_one():
    seen = []

    class Seen(LearningRateSchedule):
        def __call__(self, step):
            seen.append(step)
            return 2.0 ** -len(seen)

    optimizer, param = SGD(Seen()), np.zeros(1)
    for _ in range(3):
        optimizer.step(param, np.ones(1))
    assert seen == [0, 1, 2]
    assert param[0] == -(0.5 + 0.25 + 0.125)
    assert optimizer.learning_rate == 2.0**-4
    assert seen[-1] == 3


def test_a_callable_learning_rate():
    rates = iter([1.0, 0.25, 0.125])

    def rate():
        return next(rates)

    optimizer, param = SGD(rate), np.zeros(1)
    optimizer.step(param, np.ones(1))
    optimizer.step(param, np.ones(1))
    assert param[0] == -1.25
    assert optimizer.get_config()["learning_rate"] == {"function": "rate"}
    config = optimizers.serialize(optimizer)
    again = optimizers.deserialize(config, {"rate": rate})
    assert again.learning_rate == 0.125
    with pytest.raises(ValueError, match="unknown learning rate schedule 'rate'"):
        optimizers.deserialize(config)


def test_a_schedule_is_not_overwritten():
    optimizer = Adam(ExponentialDecay(0.1, 5, 0.5))
    with pytest.raises(TypeError, match=r"follows ExponentialDecay.*cannot be set to a number"):
        optimizer.learning_rate = 0.5
    assert optimizer.learning_rate == 0.1
    optimizer.learning_rate = ExponentialDecay(0.2, 5, 0.5)
    assert optimizer.learning_rate == 0.2
    number = Adam(0.1)
    number.learning_rate = optimizers.schedules.serialize(ExponentialDecay(0.3, 5, 0.5))
    assert number.learning_rate == 0.3
    assert copy.deepcopy(number).learning_rate == 0.3


# -- names and errors ----------------------------------------------------------------------


def test_names_and_classes():
    assert isinstance(optimizers.get("adam"), Adam)
    for name in ("RMSprop", "rmsprop"):
        assert isinstance(optimizers.get(name), RMSprop)
    for name in CLASSES:
        assert type(optimizers.get(name.lower())).__name__ == name
        assert isinstance(optimizers.get(name), Optimizer)
    assert isinstance(optimizers.get(SGD), SGD)
    config = {"class_name": "Adam", "config": {"learning_rate": 0.5}}
    assert optimizers.get(config).learning_rate == 0.5


def test_an_optimizer_of_ones_own():
    class Sign(Optimizer):
        def __init__(self, learning_rate=0.5, **kwargs):
            super().__init__(learning_rate, **kwargs)

        def _update(self, param, grad, rate, decay):
            param -= decay * param + rate * np.sign(grad)

    config = {"class_name": "Sign", "config": {}}
    optimizer, param = optimizers.deserialize(config, {"Sign": Sign}), np.zeros(3)
    assert optimizer.step(param, np.array([3.0, 0, -2]))
    np.testing.assert_array_equal(param, [-0.5, 0, 0.5])
    assert optimizer.name == "sign"


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: optimizers.get("adamm"), ValueError, "unknown optimizer 'adamm': did you mean"),
        (lambda: optimizers.get(3), TypeError, "expected a optimizer|expected an optimizer"),
        (lambda: Adam(lr=0.1), TypeError, "no argument 'lr': write learning_rate=0.1"),
        (lambda: Adam(learning_rat=0.1), TypeError, "did you mean 'learning_rate'"),
        (lambda: Adam(decay=0.1), TypeError, r"InverseTimeDecay\(0.001, decay_steps=1, decay_rate"),
        (lambda: Adam(-1), ValueError, "learning_rate: expected a number >= 0, got -1"),
        (lambda: Adam(float("nan")), ValueError, "learning_rate: expected a number"),
        (lambda: Adam(float("inf")), ValueError, "learning_rate: expected a number"),
        (lambda: Adam("fast"), ValueError, "learning_rate: expected a number"),
        (lambda: Adam(ExponentialDecay), ValueError, "learning_rate: expected a number"),
        (lambda: Adam({"class_name": "Cosine"}), ValueError, "learning rate schedule 'Cosine'"),
        (lambda: Adam(beta_1=1.0), ValueError, "beta_1"),
        (lambda: Adam(epsilon="small"), ValueError, "Adam: epsilon: expected a number >= 0"),
        (lambda: AdamW(weight_decay=None), ValueError, "AdamW: weight_decay: expected a number"),
        (lambda: Lion(beta_1=0.0), ValueError, "beta_1: expected a number from 0 to 1, not 0"),
        (lambda: SGD(momentum=2), ValueError, "momentum: expected a number from 0 to 1"),
        (lambda: SGD(clipnorm=1, clipvalue=1), ValueError, "only one of"),
        (lambda: SGD(clipnorm=-1), ValueError, "clipnorm: expected a number >= 0"),
        (lambda: SGD(use_ema=True, ema_momentum=1.5), ValueError, "ema_momentum: .* from 0 to 1"),
        (
            lambda: SGD(ema_overwrite_frequency=2.5),
            ValueError,
            "SGD: ema_overwrite_frequency: expected a whole number >= 1",
        ),
        (
            lambda: SGD(gradient_accumulation_steps=1),
            ValueError,
            "SGD: gradient_accumulation_steps: expected a whole number >= 2",
        ),
    ],
)
def test_optimizers_refuse(make, error, message):
    with pytest.raises(error, match=message):
        make()
