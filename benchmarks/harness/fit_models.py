"""Models whose training is measured, defined once for lstmcore and Keras.

`k` is the library, with ``Input``, ``Model``, ``Sequential`` and ``layers``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

BATCH, STEPS = 32, 30  # rows of a batch, steps of an epoch


class Sizes:
    """Sizes of a model, or sizes of 1 that leave nothing to compute."""

    def __init__(self, tiny: bool = False) -> None:
        self.tiny, self.batch = tiny, 1 if tiny else BATCH

    def __call__(self, n: int) -> int:
        return 1 if self.tiny else n


def forecast(k: Any, s: Sizes, activation: str = "tanh") -> Any:
    lstm = k.layers.LSTM(s(50), activation=activation)
    return k.Sequential([k.Input((s(10), 1)), lstm, k.layers.Dense(1)])


def forecast_relu(k: Any, s: Sizes) -> Any:
    return forecast(k, s, "relu")


def sentiment(k: Any, s: Sizes) -> Any:
    words = k.layers.Embedding(s(10000), s(100))
    layers = [words, k.layers.LSTM(s(128)), k.layers.Dense(1, activation="sigmoid")]
    return k.Sequential([k.Input((s(200),), dtype="int32"), *layers])


def stacked(k: Any, s: Sizes) -> Any:
    lstms = [k.layers.LSTM(s(n), return_sequences=n > 16) for n in (64, 32, 16)]
    return k.Sequential([k.Input((s(50), s(8))), *lstms, k.layers.Dense(1)])


def bidirectional(k: Any, s: Sizes) -> Any:
    both = [k.layers.Bidirectional(k.layers.LSTM(s(n), return_sequences=n > 32)) for n in (64, 32)]
    return k.Sequential([k.Input((s(50), s(8))), *both, k.layers.Dense(1)])


def attention(k: Any, s: Sizes) -> Any:
    x = k.Input((s(50), s(8)))
    h = k.layers.LSTM(s(64), return_sequences=True)(x)
    a = k.layers.Attention()([h, h])
    return k.Model(x, k.layers.Dense(1)(k.layers.Concatenate()([h, a])))


def regularized(k: Any, s: Sizes) -> Any:
    rates = {"dropout": 0.2, "recurrent_dropout": 0.2, "kernel_regularizer": "l2"}
    lstm = k.layers.LSTM(s(64), **rates)
    return k.Sequential([k.Input((s(50), s(8))), lstm, k.layers.Dense(1)])


def characters(k: Any, s: Sizes) -> Any:
    lstms = [k.layers.LSTM(s(128), return_sequences=True), k.layers.LSTM(s(128))]
    softmax = k.layers.Dense(s(60), activation="softmax")
    return k.Sequential([k.Input((s(40), s(60))), *lstms, softmax])


class Fit(NamedTuple):
    """Model to train: its title in tables, the function that builds it, and its loss."""

    title: str
    build: Callable[[Any, Sizes], Any]
    loss: str = "mse"


FITS = {
    "forecast": Fit("LSTM(50) on (10, 1), Dense", forecast),
    "forecast_relu": Fit('the same with activation="relu"', forecast_relu),
    "sentiment": Fit(
        "Embedding(10000, 100), LSTM(128) on 200, Dense", sentiment, "binary_crossentropy"
    ),
    "stacked": Fit("LSTM 64, 32, 16 on (50, 8), Dense", stacked),
    "bidirectional": Fit("Bidirectional 64, 32 on (50, 8), Dense", bidirectional),
    "attention": Fit("LSTM(64) on (50, 8), Attention, Concatenate, Dense", attention),
    "regularized": Fit("LSTM(64, both dropouts, l2) on (50, 8), Dense", regularized),
    "characters": Fit(
        "LSTM 128, 128 on (40, 60), Dense softmax", characters, "categorical_crossentropy"
    ),
}


def data(
    inputs: tuple[Any, ...], outputs: tuple[Any, ...], whole: int, batch: int = BATCH
) -> tuple[np.ndarray, np.ndarray]:
    """Return samples and targets of an epoch for a model of these shapes.

    Parameters
    ----------
    inputs, outputs : tuple
        Shapes, with the batch axis.
    whole : int
        The number of classes of integer inputs; 0 for real numbers.
    batch : int, default 32
    """
    rng = np.random.default_rng(0)
    shape = (STEPS * batch, *inputs[1:])
    x = rng.integers(0, whole, shape) if whole else rng.standard_normal(shape, np.float32)
    y = np.zeros((STEPS * batch, *outputs[1:]), np.float32)
    y[..., 0] = 1
    return x, y


def keras_epoch(k: Any, name: str, tiny: bool = False) -> Callable[[], object]:
    """Return a function that trains a model for an epoch, with Adam and shuffling."""
    fit, sizes = FITS[name], Sizes(tiny)
    model = fit.build(k, sizes)
    model.compile("adam", fit.loss)
    whole = sizes(10000) if fit.build is sentiment else 0
    x, y = data(model.input_shape, model.output_shape, whole, sizes.batch)
    return lambda: model.fit(x, y, batch_size=sizes.batch, verbose=0)
