"""Streams of random numbers."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from lstmcore import Sequential, utils
from lstmcore.callbacks import LambdaCallback
from lstmcore.layers import LSTM, Dense, Dropout
from lstmcore.random.generator import generator, seeded
from lstmcore.utils import set_random_seed

X = np.random.default_rng(5).standard_normal((40, 5, 3)).astype("f4")
Y = X.mean((1, 2))


def model_of(seed):
    with seeded(seed):
        model = Sequential([LSTM(6, recurrent_dropout=0.2), Dropout(0.3), Dense(1)])
        model.build(X.shape)
    model.compile("adam", "mse")
    return model


def trained(model, epochs=3):
    model.fit(X, Y, batch_size=8, epochs=epochs, verbose=0)
    return b"".join(w.tobytes() for w in model.get_weights())


def in_threads(work, arguments):
    """The results of work on each argument, all begun at once."""
    arguments = list(arguments)
    gate = threading.Barrier(len(arguments))

    def begin(argument):
        gate.wait()
        return work(argument)

    with ThreadPoolExecutor(len(arguments)) as pool:
        return list(pool.map(begin, arguments))


def in_a_thread(work):
    return in_threads(lambda _: work(), [0])[0]


def seeded_in_its_thread(seed):
    set_random_seed(seed)
    model = Sequential([LSTM(6, recurrent_dropout=0.2), Dropout(0.3), Dense(1)])
    model.compile("adam", "mse")
    return trained(model)


def test_a_seed_is_for_its_thread():
    in_turn = [seeded_in_its_thread(seed) for seed in range(8)]
    assert in_threads(seeded_in_its_thread, range(8)) == in_turn
    assert len(set(in_turn)) == 8


def test_models_trained_in_threads_are_those_trained_one_after_the_other():
    in_turn = []
    for seed in range(8):
        model = model_of(seed)
        set_random_seed(1)
        in_turn.append(trained(model))
    for _ in range(3):
        set_random_seed(1)
        assert in_threads(trained, map(model_of, range(8))) == in_turn
    set_random_seed(1)
    with ThreadPoolExecutor(2) as pool:  # a thread that trains several
        assert list(pool.map(trained, map(model_of, range(8)))) == in_turn
    set_random_seed(2)
    assert in_a_thread(lambda: trained(model_of(0))) != in_turn[0]


def test_batches_trained_in_threads():
    def train(model):
        for _ in range(5):
            model.train_on_batch(X, Y)
        return model.get_weights()[0].tobytes()

    in_turn = []
    for seed in range(4):
        set_random_seed(1)
        in_turn.append(train(model_of(seed)))
    set_random_seed(1)
    assert in_threads(train, map(model_of, range(4))) == in_turn


def test_training_goes_on_where_it_ended():
    """The second fit in a thread draws other orders than the first: those of the main thread."""
    model, other = model_of(0), model_of(0)
    set_random_seed(3)
    in_turn = [trained(model, 1) for _ in range(4)]
    set_random_seed(3)
    assert [in_a_thread(lambda: trained(other, 1)) for _ in range(4)] == in_turn


def test_one_thread_draws_one_stream():
    """What all fits of a script draw follows each other, as it always did."""
    model, other = Sequential([Dense(1)]), Sequential([Dense(1)])
    for each in (model, other):
        each.compile("sgd", "mse")
        each.fit(X[:, 0], Y, verbose=0)
    set_random_seed(4)
    for each in (model, other):
        each.fit(X[:, 0], Y, epochs=2, verbose=0)
    by_hand = generator(4)
    for _ in range(4):
        by_hand.permutation(len(X))
    assert generator().random() == by_hand.random()


def test_threads_without_a_seed_draw_weights_from_one_stream():
    """So no two of them are alike."""
    set_random_seed(1)
    weights = in_threads(lambda _: Dense(3)(X).tobytes(), range(4))
    assert len(set(weights)) == 4


def test_a_block_with_a_seed_is_for_its_thread():
    set_random_seed(1)
    wanted = generator(1).random()
    with seeded(7):
        assert in_a_thread(lambda: generator().random()) == wanted
        assert generator().random() == generator(7).random()


def test_a_seed_set_while_training_is_kept():
    def work():
        model = model_of(0)
        seed = LambdaCallback(on_train_end=lambda logs: set_random_seed(9))
        model.fit(X, Y, verbose=0, callbacks=[seed])
        return generator().random()

    assert in_a_thread(work) == generator(9).random()


@pytest.fixture(autouse=True)
def own_stream():
    yield
    set_random_seed(0)


def test_seeded_leaves_the_stream_where_it_was():
    utils.set_random_seed(1)
    expected = utils.generator().random(3)
    utils.set_random_seed(1)
    with utils.seeded(9):
        first = utils.generator().random()
    np.testing.assert_array_equal(utils.generator().random(3), expected)
    with utils.seeded(9):
        assert utils.generator().random() == first
    with utils.seeded(None):
        pass
