"""Threads that predict with one model at once."""

import threading
import time

import numpy as np

from lstmcore import Sequential
from lstmcore.layers import LSTM, Dense

X = np.random.default_rng(2).standard_normal((50, 6, 2)).astype(np.float32)


def test_many_threads_predict_at_once():
    model = Sequential([LSTM(16, return_sequences=True), LSTM(8), Dense(2)])  # built by the race
    wrong = []
    barrier = threading.Barrier(8)
    answers = {}

    def work(number):
        barrier.wait()
        mine = [model.predict(X[number:], batch_size=5, verbose=0) for _ in range(20)]
        answers[number] = mine[0]
        wrong.extend(not np.array_equal(mine[0], y) for y in mine[1:] if (mine[0] != y).any())

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong
    assert len(model.weights) == 8
    for number, y in answers.items():
        np.testing.assert_array_equal(y, model.predict(X[number:], batch_size=5))


def test_threads_that_come_first_build_once(monkeypatch):
    built, build = [], Sequential.build

    def slow(self, input_shape):
        built.append(input_shape)
        time.sleep(0.05)
        build(self, input_shape)

    monkeypatch.setattr(Sequential, "build", slow)
    model = Sequential([LSTM(3)])
    threads = [threading.Thread(target=model.predict, args=(X,)) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert built == [(None, 6, 2)]
