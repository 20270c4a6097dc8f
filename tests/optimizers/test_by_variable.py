"""Optimizers called as Keras's are: apply, apply_gradients, build, variables."""

import copy
import pickle

import numpy as np
import pytest

from lstmcore import Input, Sequential, layers, optimizers
from lstmcore.layers.parameters import Flat, Param
from lstmcore.optimizers import SGD, Adam, AdamW

OPTIONS = [
    {},
    {"clipnorm": 0.3, "weight_decay": 0.1},
    {"global_clipnorm": 0.5},
    {"use_ema": True, "ema_momentum": 0.7, "ema_overwrite_frequency": 2},
    {"gradient_accumulation_steps": 2},
]


def model(optimizer="sgd", **dense):
    made = Sequential([Input((5, 2)), layers.LSTM(3), layers.Dense(2, **dense)])
    rng = np.random.default_rng(3)
    made.set_weights([rng.normal(size=w.shape) for w in made.get_weights()])
    made.compile(optimizer, "mse")
    return made


def gradients(params, seed):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=p.shape).astype("f4") for p in params]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_all_variables_are_one_step_of_fit(options):
    one, other = Adam(0.1, **options), Adam(0.1, **options)
    made = model()
    params = made.trainable_weights
    flat = np.concatenate([p.numpy().ravel() for p in params])
    windows, end = [], 0
    for p in params:
        windows.append(slice(end, end + p.size))
        end += p.size
    for i in range(5):
        grads = gradients(params, i)
        done = one.apply_gradients(zip(grads, params, strict=True))
        other.step(flat, np.concatenate([g.ravel() for g in grads]), windows)
        for p, window in zip(params, windows, strict=True):
            np.testing.assert_array_equal(p.numpy().ravel(), flat[window])
    assert done == other.iterations
    for name, slot in other.slots.items():
        np.testing.assert_array_equal(one.slots[name], slot)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_some_variables_are_updated_and_no_others(options):
    made, alone = model(), model()
    some, twins = made.layers[-1].trainable_weights, alone.layers[-1].trainable_weights
    before = made.layers[0].get_weights()
    one, other = Adam(0.1, **options), Adam(0.1, **options)
    free = [Param(p.name, p.shape, np.zeros, True) for p in twins]
    Flat([(p, True) for p in free], "float32")
    for p, twin in zip(free, twins, strict=True):
        p.assign(twin.value)
    for i in range(4):
        grads = gradients(some, i)
        one.apply(grads, some)
        other.apply(grads[::-1], free[::-1])
    for p, twin in zip(some, free, strict=True):
        np.testing.assert_array_equal(p.value, twin.value)
    for w, old in zip(made.layers[0].get_weights(), before, strict=True):
        np.testing.assert_array_equal(w, old)
    one.finalize_variable_values(made._flat.value[: made._flat.size])
    for w, old in zip(made.layers[0].get_weights(), before, strict=True):
        np.testing.assert_array_equal(w, old)  # nor by an average that they are not in


def test_two_models_and_one_that_is_fitted_as_well():
    first, second = model(), model()
    both = first.trainable_weights + second.trainable_weights
    optimizer = SGD(0.5)
    before = [p.numpy() for p in both]
    optimizer.apply([np.ones(p.shape) for p in both], both)
    for p, old in zip(both, before, strict=True):
        np.testing.assert_allclose(p.value, old - 0.5, rtol=1e-6, atol=1e-6)
    x, y = np.ones((4, 5, 2)), np.ones((4, 2))
    made = model("adam")
    made.fit(x, y, verbose=0)
    some = made.layers[-1].trainable_weights
    made.optimizer.apply(gradients(some, 1), some)  # continues with the state of fit
    assert made.optimizer.iterations == 2
    made.fit(x, y, verbose=0)
    made.layers[0].trainable = False
    made.fit(x, y, verbose=0)
    made.optimizer.apply(gradients(some, 2), some)
    assert made.optimizer.iterations == 5
    assert made.optimizer.slots["momentum"].size == sum(p.size for p in some)


def test_variables_are_the_state():
    made = model()
    optimizer = Adam(0.25)
    assert [float(v) for v in optimizer.variables] == [0, 0.25]
    assert not optimizer.built
    optimizer.build(made.trainable_variables)
    assert optimizer.built
    optimizer.apply([np.ones(p.shape) for p in made.trainable_weights])
    found = optimizer.variables
    assert len(found) == 2 + 2 * len(made.trainable_weights)
    assert found[0] == 1
    assert [v.name for v in found[2:4]] == ["kernel_momentum", "kernel_velocity"]
    assert found[2].shape == made.trainable_weights[0].shape
    np.testing.assert_allclose(found[2], 0.1, rtol=1e-6)
    for v in found[2:]:
        v.assign(np.zeros_like(v))  # how scripts begin anew
    assert not optimizer.slots["momentum"].any()
    with pytest.raises(ValueError, match=r"kernel_momentum': expected shape .* got \(2,\)"):
        found[2].assign([1, 2])
    for again in (copy.deepcopy(optimizer), pickle.loads(pickle.dumps(optimizer))):
        assert again.iterations == 1
        again.apply([np.ones(p.shape) for p in made.trainable_weights], made.trainable_weights)


def test_constraints_follow_and_weights_may_be_left_out_of_decay():
    made = model(bias_constraint="non_neg", kernel_constraint="unit_norm")
    kernel, bias = made.layers[-1].trainable_weights
    optimizer = AdamW(0.1, weight_decay=0.5)
    optimizer.exclude_from_weight_decay(var_list=[made.layers[0].kernel])
    before = made.layers[0].kernel.numpy(), made.layers[0].recurrent_kernel.numpy()
    optimizer.apply([np.zeros(p.shape) for p in made.trainable_weights], made.trainable_weights)
    np.testing.assert_allclose(np.linalg.norm(kernel.value, axis=0), 1, rtol=1e-6)
    assert (bias.value >= 0).all()
    np.testing.assert_array_equal(made.layers[0].kernel.value, before[0])
    np.testing.assert_allclose(made.layers[0].recurrent_kernel.value, before[1] * 0.95, rtol=1e-6)


def test_what_does_not_fit_is_told():
    made, other = model(), model()
    params = made.trainable_weights
    optimizer = optimizers.get("sgd")
    optimizer.apply([])  # nothing to do
    with pytest.raises(ValueError, match="expected variables, or a call of build before, got none"):
        optimizer.apply([1.0])
    with pytest.raises(ValueError, match="'sgd': apply: expected 5 gradients, got 1"):
        optimizer.apply([1.0], params)
    with pytest.raises(ValueError, match=r"gradient of 'bias': expected shape \(2,\), got \(3,\)"):
        optimizer.apply([np.ones(3)], params[-1:])
    with pytest.raises(ValueError, match="got None for every variable"):
        optimizer.apply([None, None], params[:2])
    with pytest.raises(TypeError, match=r"such as model\.trainable_weights, got ndarray"):
        optimizer.apply([np.ones(3)], [np.ones(3)])
    with pytest.raises(ValueError, match="'kernel' has no memory before its layer is built"):
        optimizer.build([Param("kernel", (2, 2), np.zeros, True)])
    before = params[0].numpy()
    with pytest.warns(UserWarning, match="no gradient for 'kernel'"):
        optimizer.apply([None, np.ones(params[1].shape)], params[:2])
    np.testing.assert_array_equal(params[0].value, before)
    with pytest.raises(ValueError, match="a new set of variables needs an optimizer of its own"):
        optimizer.apply([np.ones(p.shape) for p in other.trainable_weights], other.weights)
