"""Optimizers of whole arrays and averages: what numbers of Keras do not show."""

import numpy as np
import pytest

from lstmcore import Input, Sequential, layers, optimizers
from lstmcore.optimizers import Adafactor, Adam, Ftrl, Lamb, Muon, ScheduleFreeAdamW
from lstmcore.saving import load_model

RNG = np.random.default_rng(6)
X = RNG.normal(size=(32, 6, 2)).astype("f4")
Y = X.sum(axis=1)[:, :1]
NEW = ["Lamb", "Adafactor", "Ftrl", "Muon", "ScheduleFreeAdamW"]


def model(optimizer):
    made = Sequential([Input((6, 2)), layers.LSTM(4), layers.Dense(1)])
    rng = np.random.default_rng(1)
    made.set_weights([rng.normal(size=w.shape) / 2 for w in made.get_weights()])
    made.compile(optimizer, "mse")
    return made


@pytest.mark.parametrize("name", NEW)
def test_fit_learns_and_goes_on_from_a_file(name, tmp_path):
    rate = 0.3 if name == "Ftrl" else 0.02  # Ftrl begins near 0, whatever the weights
    optimizer = optimizers.get({"class_name": name, "config": {"learning_rate": rate}})
    made = model(optimizer)
    losses = made.fit(X, Y, epochs=6, verbose=0, shuffle=False).history["loss"]
    assert losses[-1] < losses[0]
    made.save(tmp_path / "m.safetensors")
    again = load_model(tmp_path / "m.safetensors")
    one, other = (m.fit(X, Y, epochs=2, verbose=0, shuffle=False) for m in (made, again))
    assert one.history == other.history
    for a, b in zip(made.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", NEW)
def test_lists_of_variables_are_the_same_step(name):
    one, other = model(name), model(name)
    params, flat = one.trainable_weights, other._flat
    named = [(path, p.shape) for path, p, _ in other.named_params()]
    for i in range(3):
        grads = [np.cos(i + np.arange(p.size)).reshape(p.shape) for p in params]
        one.optimizer.apply(grads, params)
        grad = np.concatenate([g.ravel() for g in grads]).astype("f4")
        other.optimizer.step(flat.value, grad, flat.trained, *zip(*named, strict=True))
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_schedule_free_is_the_algorithm_of_the_paper():
    """Defazio et al., 2024, algorithm 1, for a constant rate and without decay."""
    rate, beta_1, beta_2, epsilon = 0.03, 0.9, 0.99, 1e-8
    start = RNG.normal(size=7)
    z, x, v, y = start.copy(), start.copy(), np.zeros(7), start.copy()
    optimizer = ScheduleFreeAdamW(rate, beta_1, beta_2, epsilon)
    squares = 0.0
    for t in range(1, 30):
        np.testing.assert_allclose(y, (1 - beta_1) * z + beta_1 * x, rtol=1e-12, atol=1e-12)
        g = np.sin(t + 3 * y)
        v = beta_2 * v + (1 - beta_2) * g * g
        z = z - rate * g / (np.sqrt(v / (1 - beta_2**t)) + epsilon)
        squares += rate**2
        share = rate**2 / squares
        x = (1 - share) * x + share * z
        optimizer.step(y, g)
    np.testing.assert_allclose(y, (1 - beta_1) * z + beta_1 * x, rtol=1e-12, atol=1e-12)


def test_a_schedule_free_average_begins_where_weights_do():
    """Weights that are trained later begin with their own values, not with 0."""
    optimizer, y = ScheduleFreeAdamW(0.1), np.array([5.0])
    optimizer.step(y, np.zeros(1))
    assert y[0] == 5
    optimizer.move([(slice(0, 1), slice(0, 1))], 2)
    y = np.array([5.0, -3])
    optimizer.step(y, np.zeros(2))
    np.testing.assert_allclose(y, [5, -3], rtol=1e-15)


def test_muon_trains_matrices_by_orthogonal_steps():
    optimizer = Muon(0.1, weight_decay=None, adam_weight_decay=None, rms_rate=None, ns_steps=30)
    optimizer.muon_a, optimizer.muon_b, optimizer.muon_c = 1.875, -1.25, 0.375  # these converge
    w, start = np.zeros(12), RNG.normal(size=(3, 4))
    optimizer.step(w, start.ravel().copy(), [slice(0, 12)], ["lstm/kernel"], [(3, 4)])
    u, _, v = np.linalg.svd(start, full_matrices=False)
    np.testing.assert_allclose(w.reshape(3, 4), -0.1 * u @ v, atol=1e-6)


@pytest.mark.parametrize(
    ("options", "name", "by_adam"),
    [
        ({}, "lstm/kernel", False),
        ({}, "embedding/embeddings", True),
        ({"exclude_embeddings": False}, "embedding/embeddings", False),
        ({"exclude_layers": ["^dense"]}, "dense_1/kernel", True),
        ({"exclude_layers": ["^dense"]}, "lstm/kernel", False),
    ],
)
def test_muon_leaves_some_to_adam(options, name, by_adam):
    muon, adam = Muon(0.1, weight_decay=None, adam_weight_decay=None, **options), Adam(0.1)
    one, other, g = np.ones(6), np.ones(6), np.arange(6.0) - 2
    muon.step(one, g.copy(), [slice(0, 6)], [name], [(2, 3)])
    adam.step(other, g.copy())
    assert np.allclose(one, other) == by_adam


def test_muon_needs_names_to_leave_layers_out():
    made = model(Muon(exclude_layers=["dense"]))
    with pytest.raises(ValueError, match="apply: expected no exclude_layers"):
        made.optimizer.apply([np.ones(p.shape) for p in made.trainable_weights], made.weights)


def test_lamb_steps_are_as_long_as_weights_say():
    w = np.array([3.0, 4, 0, 0])
    Lamb(0.1).step(w, np.array([1.0, 1, 1, 1]), [slice(0, 2), slice(2, 4)])
    assert np.linalg.norm(w[:2] - [3, 4]) == pytest.approx(0.1 * 5)
    np.testing.assert_allclose(w[2:], -0.1, rtol=1e-6)  # of no length: Adam's step


def test_adafactor_keeps_rows_and_columns():
    optimizer, g = Adafactor(1.0, clip_threshold=1e9), RNG.normal(size=(3, 5))
    w = np.ones(15)
    optimizer.step(w, g.ravel().copy(), [slice(0, 15)], ["kernel"], [(3, 5)])
    rows, columns = (g * g).mean(1), (g * g).mean(0)
    slot = optimizer.slots["velocity"]
    np.testing.assert_allclose(slot[:3], rows)
    np.testing.assert_allclose(slot[-5:], columns)
    wanted = 1 - g / np.sqrt(np.outer(rows, columns) / rows.mean())
    np.testing.assert_allclose(w.reshape(3, 5), wanted)


def test_ftrl_makes_weights_zero_and_a_rate_of_zero_changes_nothing():
    optimizer, w = Ftrl(0.1, l1_regularization_strength=0.5), np.ones(2)
    for _ in range(3):
        optimizer.step(w, np.array([0.1, 9.0]))
    assert w[0] == 0
    assert w[1] != 0
    still = w.copy()
    optimizer.learning_rate = 0
    optimizer.step(w, np.ones(2))
    np.testing.assert_array_equal(w, still)


def test_windows_names_and_shapes_belong_together():
    with pytest.raises(ValueError, match=r"a shape for each .* got 1, 0 and 2"):
        Lamb().step(np.ones(3), np.ones(3), [slice(0, 3)], [], [(1,), (2,)])
