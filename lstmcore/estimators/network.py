"""The network of the estimators of series: LSTM layers, and convolutions beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..layers import (
    LSTM,
    Activation,
    BatchNormalization,
    Bidirectional,
    Concatenate,
    Conv1D,
    Dropout,
    GlobalAveragePooling1D,
    GlobalMaxPooling1D,
    Input,
)
from ..models import Model, Sequential

CHOICES: dict[str, tuple[Any, ...]] = {
    "bidirectional": ("auto", True, False),
    "pooling": ("auto", "last", "mean", "max"),
    "convolution": ("auto", True, False),
}
LONG = 50  # steps from which convolutions pay, by cross-validation on training data
# A fully convolutional network has 128, 256 and 128 filters in the papers; a quarter of them is as
# accurate on the few series that people have, at a tenth of the work.
FILTERS, WIDTHS = (32, 64, 32), (8, 5, 3)
MOMENTUM = 0.9  # of moving averages: small data sets have few steps of training


@dataclass(frozen=True)
class Network:
    """What an estimator's network consists of.

    Parameters
    ----------
    units, layers : int
    bidirectional : bool
    pooling : {"last", "mean", "max"}
        What is taken of the last LSTM layer's outputs over the steps.
    convolution : bool
        Add a branch of three convolutions, whose mean over the steps stands beside the LSTM's
        output: LSTM-FCN of Karim et al., "LSTM Fully Convolutional Networks for Time Series
        Classification", IEEE Access 6 (2018).
    dropout, recurrent_dropout : float
    """

    units: int
    layers: int
    bidirectional: bool
    pooling: str
    convolution: bool
    dropout: float
    recurrent_dropout: float

    def build(self, variables: int, dtype: str, head: Any) -> Sequential | Model:
        """Return the network for series (steps, variables), ending in the layer `head`."""
        recurrent = self._recurrent()
        if not self.convolution:
            return Sequential([Input((None, variables), dtype=dtype), *recurrent, head])
        x = Input((None, variables), dtype=dtype)
        branches = [_chain(recurrent, x), _chain(_convolutions(), x)]
        return Model(x, head(Concatenate()(branches)))

    def _recurrent(self) -> list[Any]:
        found: list[Any] = []
        for i in range(self.layers):
            last = i == self.layers - 1
            lstm = LSTM(
                self.units,
                return_sequences=not last or self.pooling != "last",
                recurrent_dropout=self.recurrent_dropout,
            )
            found.append(Bidirectional(lstm) if self.bidirectional else lstm)
            if last and self.pooling == "mean":
                found.append(GlobalAveragePooling1D())
            elif last and self.pooling == "max":
                found.append(GlobalMaxPooling1D(use_mask=True))
            if self.dropout:
                found.append(Dropout(self.dropout))
        return found


def _convolutions() -> list[Any]:
    """Return layers that turn series of any length into one vector each."""
    found: list[Any] = []
    for filters, width in zip(FILTERS, WIDTHS, strict=True):
        found += [
            Conv1D(filters, width, padding="same", kernel_initializer="he_uniform", use_mask=True),
            BatchNormalization(momentum=MOMENTUM),
            Activation("relu"),
        ]
    return [*found, GlobalAveragePooling1D()]


def _chain(layers: Sequence[Any], x: Any) -> Any:
    for layer in layers:
        x = layer(x)
    return x
