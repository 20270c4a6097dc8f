"""Initializers: moments, shapes, seeds, names."""

import numpy as np
import pytest

from lstmcore import initializers
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
