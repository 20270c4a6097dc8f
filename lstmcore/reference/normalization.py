"""Layer normalization within a cell: the two forms of the layer-normalized LSTM.

``LN(a; gain, offset) = gain (a - mean(a)) / sqrt(var(a) + epsilon) + offset``, mean and variance
over the units of a row, the variance divided by their number.  In "both", of Ba, Kiros and Hinton
(2016, supplement, equations 20 to 22), the two products are normalized apart, each over the sums of
all gates together, and the cell state on its way out::

    z  = LN(x W; gain_x) + LN(h R; gain_h) + b
    h' = o tanh(LN(c'; gain_c, offset_c))

In "sum", of TensorFlow Lite, each gate's sum is normalized by itself, its peephole included, and
the cell state is not::

    z  = LN(x W + h R + p c; gain) + b
"""

from __future__ import annotations

import numpy as np

from .functions import Array


def normalized(a: Array, epsilon: float) -> Array:
    """Return each row of ``a`` with mean 0, divided by the root of its variance plus epsilon."""
    centred = a - a.mean(axis=-1, keepdims=True)
    result: Array = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + epsilon)
    return result
