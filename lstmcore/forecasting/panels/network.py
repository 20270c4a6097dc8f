"""The network of a global forecaster: one LSTM for the windows of all series."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...layers import LSTM, Add, Concatenate, Dense, Dropout, Embedding, Flatten, Input, Masking
from ...models import Model
from ...optimizers import Adam
from ..heads import Distribution
from .inputs import Inputs


def build(
    inputs: Inputs,
    head: Distribution,
    start: np.ndarray,
    *,
    units: int,
    layers: int,
    dropout: float,
    linear: bool,
    learning_rate: float,
) -> Any:
    """Return the compiled network.

    Steps before the beginning of a series are masked. The last output of the LSTM, what is known
    ahead, and what is known of the series go through a dense layer. With `linear`, a linear
    function of the window, the same for all series, is added to the output.

    Parameters
    ----------
    inputs : Inputs
    head : Distribution
    start : ndarray, shape (outputs,)
        Outputs to start from: those of the distribution of all targets.
    units, layers, dropout, linear, learning_rate
        As for `GlobalForecaster`.
    """
    window = Input((inputs.window, inputs.channels), name="window")
    given, h = [window], Masking()(window)
    for i in range(layers):
        h = LSTM(units, return_sequences=i < layers - 1)(h)
    around: list[Any] = []
    straight = [Flatten()(window)]
    if inputs.ahead_columns:
        future = Input((inputs.horizon, inputs.ahead_columns), name="future")
        given.append(future)
        around.append(Flatten()(future))
        straight.append(around[0])
    if inputs.sides:
        side = Input((inputs.sides,), name="static")
        given.append(side)
        around.append(side)
    for i, labels in enumerate(inputs.labels.values()):
        label = Input((1,), dtype="int32", name=f"label_{i}")
        given.append(label)
        wide = min(16, math.ceil(1.6 * len(labels) ** 0.56))
        around.append(Flatten()(Embedding(len(labels) + 1, wide)(label)))
    if around:
        h = Dense(units, activation="relu")(Concatenate()([h, *around]))
    if dropout:
        h = Dropout(dropout)(h)
    outputs = [Dense(len(start), kernel_initializer="zeros", name="head")(h)]
    if linear:
        flat = Concatenate()(straight) if len(straight) > 1 else straight[0]
        line = Dense(len(start), use_bias=False, kernel_initializer="zeros", name="linear")
        outputs.append(line(flat))
    if head.counts:
        offset = Input((len(start),), name="offset")
        given.append(offset)
        outputs.append(offset)
    model: Any = Model(given, Add()(outputs) if len(outputs) > 1 else outputs[0])
    model.compile(optimizer=Adam(learning_rate=learning_rate, clipnorm=1.0), loss=head.loss)
    model.get_layer("head").bias.assign(start.astype(np.float32))
    return model
