"""Averages of weights in the place of the weights."""

import numpy as np
import pytest
from helpers import X, Y, small

from lstmcore.callbacks import (
    LambdaCallback,
    SwapEMAWeights,
)
from lstmcore.optimizers import Adam


def fit(model, **kwargs):
    kwargs = {"epochs": 3, "batch_size": 16, "verbose": 0} | kwargs
    return model.fit(X, Y, **kwargs)


def test_swapped_weights():
    model, seen = small(), []
    model.compile(Adam(use_ema=True, ema_momentum=0.5), "mse")
    fit(model, epochs=1)
    flat, slots = model._flat, model.optimizer.slots

    def look(*_):
        seen.append(np.array_equal(flat.value[: flat.size], slots["average"]))

    with_means = LambdaCallback(on_test_begin=look, on_epoch_end=look)
    model.set_weights([w + 1 for w in model.get_weights()])
    before = model.get_weights()
    model.evaluate(X, Y, verbose=0, callbacks=[SwapEMAWeights(), with_means])
    model.predict(X, callbacks=[SwapEMAWeights()])
    assert seen == [True]
    for a, b in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)
    fit(model, epochs=2, callbacks=[SwapEMAWeights(True), with_means], validation_split=0.2)
    assert seen == [True] * 5
    look()
    assert seen[-1]  # fit ends with the means
    with pytest.raises(ValueError, match="expected an optimizer with use_ema=True"):
        small().evaluate(X, Y, verbose=0, callbacks=[SwapEMAWeights()])
