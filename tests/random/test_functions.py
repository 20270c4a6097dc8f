"""Keras's random numbers: distributions, seeds of three kinds, and what is refused."""

import numpy as np
import pytest

import lstmcore
from lstmcore import Sequential, layers, ops, random
from lstmcore.utils import set_random_seed

DRAWS = {
    "normal": lambda **k: random.normal((200, 100), 2.0, 3.0, **k),
    "truncated_normal": lambda **k: random.truncated_normal((200, 100), 2.0, 3.0, **k),
    "uniform": lambda **k: random.uniform((200, 100), -1.0, 3.0, **k),
    "randint": lambda **k: random.randint((200, 100), -2, 5, **k),
    "gamma": lambda **k: random.gamma((200, 100), 2.5, **k),
    "beta": lambda **k: random.beta((200, 100), 2.0, 3.0, **k),
    "binomial": lambda **k: random.binomial((200, 100), 10, 0.3, **k),
}
# of the distributions: mean, deviation, and the least and the largest number there may be
MOMENTS = {
    "normal": (2, 3, -np.inf, np.inf),
    "truncated_normal": (2, 3 * 0.8796, -4, 8),
    "uniform": (1, 4 / 12**0.5, -1, 3),
    "randint": (1, 2, -2, 4),
    "gamma": (2.5, 2.5**0.5, 0, np.inf),
    "beta": (0.4, 0.2, 0, 1),
    "binomial": (3, 2.1**0.5, 0, 10),
}


@pytest.mark.parametrize("name", DRAWS)
def test_moments_and_bounds(name):
    drawn, (mean, deviation, least, most) = DRAWS[name](seed=3), MOMENTS[name]
    assert drawn.shape == drawn.numpy().shape == (200, 100)
    assert drawn.dtype == ("int32" if name == "randint" else "float32")
    assert abs(drawn.mean() - mean) < 5 * deviation / 20000**0.5
    assert abs(drawn.std() / deviation - 1) < 0.03
    assert drawn.min() >= least
    assert drawn.max() <= most


@pytest.mark.parametrize("name", DRAWS)
def test_an_int_repeats_a_generator_goes_on_and_none_is_the_library_s(name):
    draw = DRAWS[name]
    assert np.array_equal(draw(seed=7), draw(seed=7))
    assert not np.array_equal(draw(seed=7), draw(seed=8))
    own = random.SeedGenerator(7)
    first, second = draw(seed=own), draw(seed=own)
    assert not np.array_equal(first, second)
    again = random.SeedGenerator.from_config(own.get_config())
    assert np.array_equal(first, draw(seed=again))
    assert np.array_equal(second, draw(seed=again))
    set_random_seed(5)
    first, second = draw(), draw()
    assert not np.array_equal(first, second)
    set_random_seed(5)
    assert np.array_equal(first, draw())


def test_a_generator_without_a_seed_is_seeded_by_the_library():
    set_random_seed(1)
    first = random.SeedGenerator()
    set_random_seed(1)
    second = random.SeedGenerator()
    assert first.seed == second.seed != random.SeedGenerator().seed
    assert np.array_equal(first.next(), second.next())
    assert not np.array_equal(first.next(), first.next())


def test_dtypes():
    assert random.normal((2,), dtype="float64").dtype == np.float64
    assert random.randint((2,), 0, 9, dtype="int64").dtype == np.int64
    whole = random.uniform((1000,), 0, 3, dtype="int32", seed=0)
    assert whole.dtype == np.int32
    assert set(whole) == {0, 1, 2}
    same = random.normal((9,), seed=1, dtype="float64")
    np.testing.assert_array_equal(same.astype("f4"), random.normal((9,), seed=1))
    for draw in (random.normal, random.uniform):
        with pytest.raises(ValueError, match="dtype: expected 'float32' or 'float64', got"):
            draw((2,), dtype="float16")
    with pytest.raises(ValueError, match="randint: dtype: expected a dtype of integers"):
        random.randint((2,), 0, 3, dtype="float32")


def test_categorical():
    share = np.array([[0.1, 0.2, 0.7], [0.5, 0.5, 0.0]])
    with np.errstate(divide="ignore"):
        drawn = random.categorical(np.log(share) + 4, 20000, seed=2)
    assert drawn.shape == (2, 20000)
    assert drawn.dtype == np.int32
    counted = np.array([np.bincount(row, minlength=3) / 20000 for row in drawn])
    np.testing.assert_allclose(counted, share, atol=0.02)
    assert counted[1, 2] == 0
    with pytest.raises(ValueError, match=r"categorical: logits: expected \(batch, classes\)"):
        random.categorical([0.0, 1.0], 3)


def test_shuffle():
    x = np.arange(24).reshape(4, 6)
    mixed = random.shuffle(x, axis=1, seed=1)
    assert not np.array_equal(mixed, x)
    assert np.array_equal(np.sort(mixed, axis=1), x)
    assert np.array_equal(mixed[0] + 6, mixed[1])  # whole columns move
    assert np.array_equal(np.sort(random.shuffle(x, seed=1), axis=0), x)


def test_dropout():
    x = np.ones((50, 40, 10), np.float32)
    y = random.dropout(x, 0.25, seed=1)
    assert y.dtype == np.float32
    assert set(np.unique(y)) == {0, np.float32(1 / 0.75)}
    assert abs((y == 0).mean() - 0.25) < 0.02
    along = random.dropout(x, 0.5, noise_shape=(None, 1, 10), seed=1)
    assert np.array_equal(along, np.broadcast_to(along[:, :1], along.shape))
    with pytest.raises(ValueError, match="dropout: rate: expected a number from 0 to below 1"):
        random.dropout(x, 1.0)


@pytest.mark.parametrize("seed", [-1, 1.5, "x", True])
def test_other_seeds_are_refused(seed):
    with pytest.raises(ValueError, match="normal: seed: expected an int >= 0, a SeedGenerator"):
        random.normal((2,), seed=seed)
    if seed is not None:
        with pytest.raises(ValueError, match="SeedGenerator: seed: expected an int >= 0"):
            random.SeedGenerator(seed)


@pytest.mark.parametrize("shape", [(None, 2), (2.0,), "ab", (-1,)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(ValueError, match="uniform: shape: expected a tuple of sizes, all known"):
        random.uniform(shape)


def test_symbolic_tensors_are_refused():
    with pytest.raises(TypeError, match="it is a place in a graph"):
        random.dropout(lstmcore.Input((3,)), 0.5)


class Noisy(layers.Layer):
    """Noise from a generator of its own, as sampling layers of Keras's have it."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.seed_generator = random.SeedGenerator(1337)

    def call(self, x):
        return x + random.normal(ops.shape(x), seed=self.seed_generator)


def test_a_layer_with_a_generator_repeats_a_run_and_goes_on():
    x, y = np.ones((4, 3)), np.ones((4, 1))

    def trained():
        set_random_seed(0)
        model = Sequential([Noisy(), layers.Dense(1)])
        model.compile("sgd", "mse")
        return model, model.fit(x, y, epochs=2, verbose=0).history["loss"]

    one, losses = trained()
    assert losses == trained()[1]
    state = one.random_state
    drawn = one.layers[0](x)
    assert not np.array_equal(one.layers[0](x), drawn)
    one.random_state = state
    assert np.array_equal(one.layers[0](x), drawn)


def test_a_trial_for_shapes_takes_nothing_from_a_generator():
    layer = Noisy()
    layer(lstmcore.Input((3,)))
    fresh = random.normal((2, 3), seed=random.SeedGenerator(1337))
    np.testing.assert_array_equal(layer(np.zeros((2, 3))), fresh)
