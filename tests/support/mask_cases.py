"""Calls of merging layers with masks, for `tests/keras/make_keras_masks.py` and its test."""

import numpy as np
from formulas import wave

X, NARROW = (3, 4, 2), (3, 4, 1)
# which steps of each row are real
ONE = [[1, 1, 1, 0], [1, 0, 0, 0], [1, 1, 1, 1]]
TWO = [[1, 0, 1, 0], [1, 1, 0, 0], [0, 0, 1, 1]]
THREE = [[1, 1, 0, 0], [0, 1, 0, 0], [0, 1, 1, 1]]


def merged(layer, shapes, masks, **config):
    return {"layer": layer, "config": config, "inputs": shapes, "masks": masks}


CASES = {
    f"{layer.lower()}_{name}": merged(layer, [X] * len(masks), masks)
    for layer in ("Add", "Average", "Multiply", "Maximum", "Minimum")
    for name, masks in {
        "all": [ONE, TWO, THREE],
        "two": [TWO, THREE],
        "first": [ONE, None],
        "second": [None, TWO],
        "middle": [None, TWO, None],
        "outer": [ONE, None, THREE],
    }.items()
}
CASES |= {
    "subtract": merged("Subtract", [X, X], [ONE, TWO]),
    "maximum_spread": merged("Maximum", [X, NARROW], [ONE, TWO]),
    "multiply_spread": merged("Multiply", [NARROW, X], [ONE, TWO]),
    "concatenate": merged("Concatenate", [X, NARROW], [ONE, TWO]),
    "concatenate_time": merged("Concatenate", [X, X], [ONE, TWO], axis=1),
    "concatenate_time_one": merged("Concatenate", [X, X], [None, TWO], axis=1),
    "dot": merged("Dot", [X, X], [ONE, TWO], axes=2),
    "softmax": merged("Softmax", [(3, 4)], [ONE]),
    "softmax_spread": merged("Softmax", [(2, 3, 4)], [TWO]),
    "softmax_none_real": merged("Softmax", [(3, 4)], [[[0] * 4, [1] * 4, [1, 0, 0, 0]]]),
}


def inputs_of(one):
    arrays = [wave(s, 0.7 + 0.13 * i) for i, s in enumerate(one["inputs"])]
    if one["layer"] in ("Maximum", "Minimum"):
        arrays[1].flat[2] = arrays[0].flat[2]  # a tie
    return arrays


def masks_of(one):
    return [None if m is None else np.array(m, bool) for m in one["masks"]]
