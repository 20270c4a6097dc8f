"""Numbers by formula, which any library can make again: for the tests and for who freezes Keras's.

Needs NumPy alone, so that it can be imported where lstmcore is not.
"""

import numpy as np


def wave(shape, k, height=0.8):
    """Numbers between -height and height, none of them twice, in float64."""
    n = int(np.prod(shape))
    return (np.sin(np.arange(n) * k + 0.3) * height).reshape(shape)


def wave32(shape, k):
    """The same rounded to float32, so that both types can compute from the same numbers."""
    return wave(shape, k).astype(np.float32)


def listed(values):
    """A list of the values, also where there is but one."""
    return list(values) if isinstance(values, list | tuple) else [values]
