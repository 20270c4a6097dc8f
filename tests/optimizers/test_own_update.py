"""Optimizers as users of Keras write them, against ours: in fit, in lists, in files and copies."""

import copy
import pickle

import numpy as np
import pytest

from lstmcore import Input, Sequential, initializers, layers, ops, optimizers
from lstmcore.optimizers import SGD, Adagrad, Optimizer
from lstmcore.saving import load_model

RNG = np.random.default_rng(2)
X, Y = RNG.normal(size=(12, 5, 2)).astype("f4"), RNG.normal(size=(12, 1)).astype("f4")


class Momentum(Optimizer):
    """SGD with momentum, as Keras's documentation writes it."""

    def __init__(self, learning_rate=0.01, momentum=0.9, **kwargs):
        super().__init__(learning_rate=learning_rate, **kwargs)
        self.momentum = momentum

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        self.momentums = []
        for variable in variables:
            self.momentums.append(
                self.add_variable_from_reference(reference_variable=variable, name="momentum")
            )

    def update_step(self, gradient, variable, learning_rate):
        learning_rate = ops.cast(learning_rate, variable.dtype)
        m = self.momentums[self._get_variable_index(variable)]
        new = ops.subtract(ops.multiply(m, self.momentum), ops.multiply(gradient, learning_rate))
        self.assign(m, new)
        self.assign_add(variable, m)


class Sums(Optimizer):
    """Adagrad, with a state that does not begin with 0."""

    def build(self, variables):
        super().build(variables)
        tenths = [initializers.Constant(0.1)]
        (self.sums,) = self.add_optimizer_variables(variables, ["sum"], tenths)

    def update_step(self, gradient, variable, learning_rate):
        total = self.sums[self._get_variable_index(variable)]
        total.assign_add(gradient**2)
        variable.assign_sub(learning_rate * gradient / ops.sqrt(total + 1e-7))


PAIRS = [
    (lambda **o: Momentum(0.1, **o), lambda **o: SGD(0.1, 0.9, **o)),
    (lambda **o: Sums(0.1, **o), lambda **o: Adagrad(0.1, **o)),
]
OPTIONS = [
    {},
    {"weight_decay": 0.1, "clipnorm": 0.3},
    {"use_ema": True, "ema_momentum": 0.8, "gradient_accumulation_steps": 2},
]
each_pair = pytest.mark.parametrize(("own", "ours"), PAIRS, ids=["momentum", "sums"])


def model(optimizer):
    made = Sequential([Input((5, 2)), layers.LSTM(3), layers.Dense(1)])
    rng = np.random.default_rng(1)
    made.set_weights([rng.normal(size=w.shape) / 2 for w in made.get_weights()])
    made.compile(optimizer, "mse")
    return made


def alike(one, other):
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=1e-6)


@each_pair
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_fit_is_that_of_ours(own, ours, options):
    one, other = model(own(**options)), model(ours(**options))
    for made in (one, other):
        made.fit(X, Y, batch_size=4, epochs=3, shuffle=False, verbose=0)
    alike(one, other)
    for made in (one, other):  # some weights are frozen, and come back
        for trainable in (False, True):
            made.layers[0].trainable = trainable
            made.fit(X, Y, batch_size=4, shuffle=False, verbose=0)
    alike(one, other)


@each_pair
@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("first", ["all", "some", "fit", "build"])
def test_lists_of_variables(own, ours, options, first):
    one, other = model(own(**options)), model(ours(**options))
    for made in (one, other):
        weights = made.trainable_variables
        if first == "build":
            made.optimizer.build(weights)
        elif first == "fit":
            made.fit(X, Y, batch_size=6, shuffle=False, verbose=0)
        for i in range(4):
            some = weights[-2:] if (first == "some") == (i % 2 == 0) else weights
            grads = [np.cos(i + np.arange(w.size)).reshape(w.shape) for w in some]
            made.optimizer.apply_gradients(zip(grads, some, strict=True))
        made.fit(X, Y, batch_size=6, shuffle=False, verbose=0)
    alike(one, other)
    assert one.optimizer.iterations == other.optimizer.iterations


@each_pair
def test_training_goes_on_from_files_and_copies(own, ours, tmp_path):
    made = model(own())
    made.fit(X, Y, batch_size=4, shuffle=False, verbose=0)
    made.save(tmp_path / "m.safetensors")
    optimizer = made.optimizer
    classes = {"Momentum": Momentum, "Sums": Sums}
    again = load_model(tmp_path / "m.safetensors", custom_objects=classes)
    assert again.optimizer.slots.keys() == optimizer.slots.keys()
    flat = made._flat
    named = [(p.name, p.shape) for p in made.trainable_weights]
    copies = [copy.deepcopy(optimizer), pickle.loads(pickle.dumps(optimizer))]
    weights = [flat.value.copy() for _ in copies]
    made.train_on_batch(X, Y)
    again.train_on_batch(X, Y)
    alike(made, again)
    for twin, w in zip(copies, weights, strict=True):
        before = w.copy()
        twin.step(w, np.ones_like(w), flat.trained, *zip(*named, strict=True))
        assert twin.iterations == 4
        assert (w != before).all()


def test_what_is_missing_is_told_at_once():
    class Nothing(Optimizer):
        pass

    with pytest.raises(NotImplementedError, match=r"Nothing: write update_step\(self, gradient"):
        Nothing(0.1)

    class NoSuper(Momentum):
        def build(self, variables):
            self.momentums = []

    with pytest.raises(ValueError, match=r"build: expected a call of super\(\)\.build"):
        model(NoSuper()).fit(X, Y, verbose=0)

    class Counter(Momentum):
        def build(self, variables):
            super().build(variables)
            self.count = self.add_variable((), "zeros")

    with pytest.raises(ValueError, match="add_variable: expected add_variable_from_reference"):
        model(Counter()).fit(X, Y, verbose=0)

    class Uneven(Momentum):
        def build(self, variables):
            super().build(variables)
            self.add_variable_from_reference(variables[0], "noise", "random_normal")

    with pytest.raises(ValueError, match="initializer: expected equal numbers"):
        model(Uneven()).fit(X, Y, verbose=0)

    class Twice(Momentum):
        def build(self, variables):
            super().build(variables)
            self.add_variable_from_reference(variables[0], "momentum")

    with pytest.raises(ValueError, match="name: expected a new one, got 'momentum' again"):
        model(Twice()).fit(X, Y, verbose=0)
    assert isinstance(optimizers.get(Momentum), Momentum)
