"""Initializers: moments, shapes, seeds, names."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstmcore import constraints, initializers, losses, metrics, optimizers, regularizers
from lstmcore.layers import GRU, LSTM, Dense
from lstmcore.names import snake_case
from lstmcore.utils import set_random_seed


@pytest.mark.parametrize(
    ("name", "deviation", "limit"),
    [
        ("glorot_uniform", np.sqrt(2 / 500), np.sqrt(6 / 500)),
        ("glorot_normal", np.sqrt(2 / 500), 2 / 0.8796 * np.sqrt(2 / 500)),
        ("he_uniform", np.sqrt(2 / 300), np.sqrt(6 / 300)),
        ("he_normal", np.sqrt(2 / 300), 2 / 0.8796 * np.sqrt(2 / 300)),
        ("lecun_uniform", np.sqrt(1 / 300), np.sqrt(3 / 300)),
        ("lecun_normal", np.sqrt(1 / 300), 2 / 0.8796 * np.sqrt(1 / 300)),
        ("random_normal", 0.05, np.inf),
        ("truncated_normal", 0.05 * 0.8796, 0.1),
        ("random_uniform", 0.05 / np.sqrt(3), 0.05),
    ],
)
def test_random_initializers_have_keras_moments(name, deviation, limit):
    set_random_seed(1)
    x = initializers.get(name)((300, 200), "float64")
    assert x.std() == pytest.approx(deviation, rel=0.02)
    assert abs(x.mean()) < 4 * deviation / np.sqrt(x.size)
    assert abs(x).max() <= limit * 1.0001
    assert abs(x).max() > min(limit, 3 * deviation) * 0.98


@pytest.mark.parametrize("shape", [(6, 24), (24, 6), (3, 4, 5)])
def test_orthogonal(shape):
    q = initializers.Orthogonal(gain=2)(shape, "float64").reshape(-1, shape[-1])
    q = q if q.shape[0] <= q.shape[1] else q.T
    np.testing.assert_allclose(q @ q.T, 4 * np.eye(len(q)), atol=1e-12)


def test_orthogonal_matrices_point_everywhere():
    corners = [initializers.Orthogonal(seed=i)((2, 2))[0, 0] > 0 for i in range(60)]
    assert 15 < sum(corners) < 45


def test_fans_of_many_axes():
    set_random_seed(0)
    x = initializers.get("he_uniform")((5, 30, 40), "float64")
    assert abs(x).max() == pytest.approx(np.sqrt(6 / 150), rel=0.01)


def test_a_seeded_initializer_repeats_itself_and_a_plain_one_does_not():
    seeded, plain = initializers.GlorotUniform(seed=3), initializers.GlorotUniform()
    assert (seeded((4, 4)) == seeded((4, 4))).all()
    assert (plain((4, 4)) != plain((4, 4))).any()


def test_initializer_names_and_errors():
    assert isinstance(initializers.get("GlorotUniform"), initializers.GlorotUniform)
    assert initializers.get({"class_name": "Constant", "config": {"value": 2}})((2,))[0] == 2
    with pytest.raises(ValueError, match="did you mean 'GlorotUniform'"):
        initializers.get("glorot_unifrom")
    with pytest.raises(TypeError, match="has no argument 'sede': did you mean 'seed'"):
        initializers.GlorotUniform(sede=1)
    with pytest.raises(ValueError, match="distribution: expected one of"):
        initializers.VarianceScaling(distribution="cauchy")


CLASSES = [
    *("Constant", "GlorotNormal", "GlorotUniform", "HeNormal", "HeUniform", "Identity"),
    *("LecunNormal", "LecunUniform", "Ones", "Orthogonal", "RandomNormal", "RandomUniform"),
    *("TruncatedNormal", "VarianceScaling", "Zeros"),
]
KERAS_NAMES = CLASSES + [snake_case(name) for name in CLASSES]
MORE_NAMES = ["IdentityInitializer", "OrthogonalInitializer", "normal", "one", "uniform", "zero"]


@pytest.mark.parametrize("name", KERAS_NAMES + MORE_NAMES)
def test_every_name_of_keras(name, dtype):
    made = initializers.get(name)
    x = made((4, 3), dtype)
    assert x.shape == (4, 3)
    assert x.dtype == dtype
    assert np.isfinite(x).all()
    if name in KERAS_NAMES:
        assert type(made) is getattr(initializers, name)
    again = initializers.get(json.loads(json.dumps(initializers.serialize(made))))
    assert type(again) is type(made)
    assert again.get_config() == made.get_config()


@pytest.mark.parametrize("name", [n for n in initializers.registry.names() if n != "Initializer"])
def test_seeds(name):
    kind = initializers.registry.find(name)
    if "seed" not in kind.arguments:
        np.testing.assert_array_equal(kind()((5, 5)), kind()((5, 5)))
        return
    first = kind(seed=7)((5, 5), "float64")
    np.testing.assert_array_equal(first, kind(seed=np.int64(7))((5, 5), "float64"))
    np.testing.assert_array_equal(first.astype("f4"), kind(seed=7)((5, 5), "float32"))
    assert (first != kind(seed=8)((5, 5), "float64")).any()
    set_random_seed(3)
    free = kind()((5, 5))
    set_random_seed(3)
    np.testing.assert_array_equal(free, kind()((5, 5)))


def test_identity(dtype):
    np.testing.assert_array_equal(initializers.Identity(2)((2, 3), dtype), [[2, 0, 0], [0, 2, 0]])


@pytest.mark.parametrize("given_as", [initializers.Constant, initializers.get])
def test_numbers_of_an_array(given_as, dtype):
    table = np.arange(6.0).reshape(3, 2)
    made = given_as(table)
    out = made((3, 2), dtype)
    np.testing.assert_array_equal(out, table)
    assert out.dtype == dtype
    again = initializers.get(json.loads(json.dumps(initializers.serialize(made))))
    np.testing.assert_array_equal(again((3, 2)), table)
    with pytest.raises(ValueError, match=r"shape \(3, 2\) cannot fill weights of shape \(2, 3\)"):
        made((2, 3))


def test_axes_of_fans():
    set_random_seed(0)
    made = initializers.HeUniform(input_axes=[0, 1], output_axes=[2])
    assert abs(made((5, 30, 400), "float64")).max() == pytest.approx(np.sqrt(6 / 150), rel=0.01)
    assert initializers.HeUniform.from_config(made.get_config()).input_axes == [0, 1]


@pytest.mark.parametrize("mode", ["fan_in", "fan_out", "fan_avg"])
@pytest.mark.parametrize("distribution", ["uniform", "truncated_normal", "untruncated_normal"])
def test_variance_is_scaled(mode, distribution):
    made = initializers.VarianceScaling(3, mode, distribution, seed=1)
    fan = {"fan_in": 200, "fan_out": 300, "fan_avg": 250}[mode]
    assert made((200, 300), "float64").var() == pytest.approx(3 / fan, rel=0.02)


@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 99), st.sampled_from([0.5, 1, 3]))
def test_orthogonal_whatever_the_shape(rows, columns, seed, gain):
    q = initializers.Orthogonal(gain, seed=seed)((rows, columns), "float64")
    short = q if rows <= columns else q.T
    np.testing.assert_allclose(short @ short.T, gain**2 * np.eye(len(short)), atol=1e-12)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: initializers.RandomNormal(stddev=-1), "stddev: expected a number >= 0, got -1"),
        (lambda: initializers.RandomNormal(mean=None), "mean: expected a number, got None"),
        (lambda: initializers.RandomUniform(1, 0), "maxval: expected a number >= 1, got 0"),
        (lambda: initializers.VarianceScaling(0), "scale: expected a number > 0, got 0"),
        (lambda: initializers.VarianceScaling(mode="in"), "mode: expected one of"),
        (lambda: initializers.HeNormal(seed=-1), "HeNormal: seed: expected an int >= 0, got -1"),
        (lambda: initializers.HeNormal(seed="a"), "HeNormal: seed: expected an int >= 0, got 'a'"),
        (lambda: initializers.HeNormal(input_axes=[0]), "input_axes and output_axes go together"),
        (lambda: initializers.Constant("a"), "Constant: value: expected numbers, got 'a'"),
        (lambda: initializers.Identity()((2,)), r"expected a shape of two axes, got \(2,\)"),
        (lambda: initializers.Orthogonal()((2,)), r"two or more axes, got \(2,\)"),
        (lambda: initializers.Orthogonal(gain=np.nan), "gain: expected a number, got nan"),
    ],
)
def test_initializer_argument_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_functions_by_name():
    def halves(shape, dtype):
        return np.full(shape, 0.5, dtype)

    config = initializers.serialize(halves)
    assert initializers.deserialize(config, {"halves": halves}) is halves
    assert initializers.deserialize("halves", {"halves": halves}) is halves


@pytest.mark.parametrize(
    "module", [constraints, initializers, losses, metrics, optimizers, regularizers]
)
def test_none_is_none_as_in_keras(module):
    assert module.get(None) is None


def test_none_is_the_default_of_a_weight():
    assert initializers.get(None) is None
    limit = np.sqrt(6 / (40 + 40))  # of glorot_uniform
    for layer in (
        Dense(40, kernel_initializer=None, bias_initializer=None),
        GRU(40, kernel_initializer=None, recurrent_initializer=None, bias_initializer=None),
        LSTM(40, kernel_initializer=None, bias_initializer=None),
    ):
        layer.build((None, 4, 40))
        assert all(w.numpy().std() > 0 for w in layer.weights)
        if isinstance(layer, Dense):
            assert abs(np.abs(layer.kernel.numpy()).max() - limit) < 0.02
        again = type(layer).from_config(layer.get_config())
        assert again.kernel_initializer is None
