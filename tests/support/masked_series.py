"""Sequences of 0 to 6 steps, padded, with targets of several kinds, and models of their steps."""

import numpy as np
from formulas import wave32

from lstmcore import Input, Sequential
from lstmcore.layers import Dense

LENGTHS = np.arange(12) * 5 % 7  # 0 to 6
REAL = np.arange(6) < LENGTHS[:, None]
X = np.where(REAL[..., None], wave32((12, 6, 2), 0.7), np.float32(0))
Y = wave32((12, 6, 1), 1.3)
CLASSES = (wave32((12, 6), 1.3) > 0).astype(int) + (wave32((12, 6), 0.4) > 0)
IDS = np.where(REAL, 1 + np.arange(72).reshape(12, 6) * 5 % 9, 0)


def stepwise(*layers, dtype=None):
    model = Sequential([Input((6, 2)), *layers, Dense(1)], dtype=dtype)
    weights = [wave32(w.shape, 0.9 + 0.1 * i) * 0.5 for i, w in enumerate(model.get_weights())]
    model.set_weights(weights)
    return model
