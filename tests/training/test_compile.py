"""What needs `compile` says so, and what `compile` refuses."""

import pytest
from helpers import X, Y, small

from lstmcore import Input, Sequential
from lstmcore.layers import LSTM, Dense


def fit(model, **kwargs):
    return model.fit(X, Y, **{"batch_size": 16, "verbose": 0, "shuffle": False} | kwargs)


def test_what_needs_compile_says_so():
    model = Sequential([Input((6, 2)), LSTM(3), Dense(1)])
    for call in (model.fit, model.evaluate, model.train_on_batch):
        with pytest.raises(RuntimeError, match="needs an optimizer and a loss: call compile"):
            call(X, Y)
    model.compile("adam")
    with pytest.raises(RuntimeError, match="needs a loss"):
        fit(model)
    with pytest.raises(ValueError, match="unknown loss 'mes': did you mean"):
        model.compile("adam", "mes")
    with pytest.raises(ValueError, match="unknown optimizer 'adm': did you mean 'Adam'"):
        model.compile("adm", "mse")
    with pytest.raises(ValueError, match="unknown metric 'acuracy'"):
        model.compile("adam", "mse", metrics=["acuracy"])


def test_metrics_in_the_place_of_loss_weights():
    with pytest.raises(ValueError, match="loss_weights: expected numbers, got 'accuracy'; metrics"):
        small().compile("adam", "mse", ["accuracy"])
