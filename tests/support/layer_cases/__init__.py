"""The calls of layers that are held to Keras's numbers, a module for each family.

A case is the name of a layer, its arguments and the shapes of its inputs; `case` has the rest.
Numbers are made by formula, so that both libraries see the same: `tests/keras/make_keras_layers.py`
writes what Keras makes of them, `tests/keras/test_keras_layers.py` reads it.
"""

import importlib
import pkgutil

import numpy as np
from formulas import wave

STEPS, RATE = 20, 0.1  # of gradient descent


def case(
    layer, config, *inputs, options=None, training=False, below=None, lengths=None, inner=None
):
    """One case.

    Parameters
    ----------
    layer : str
        The class's name in both libraries.
    config : dict
        Its arguments; an ``inner`` layer comes before them.
    *inputs : tuple of int
        The shapes; several for a layer that takes a list.
    options : dict
        Other arguments of the call.
    training : bool
        For the one call whose output and gradients are compared; the steps of descent train.
    below : int
        Inputs are whole numbers from 0 to below this.
    lengths : list of int
        How many steps of each row are real: the mask of the (first) input. Or a list of such
        lists and None, one for each input.
    inner : (str, dict)
        The layer that a wrapper is given first.
    """
    return {
        "layer": layer,
        "config": config,
        "inputs": inputs,
        "options": options or {},
        "training": training,
        "below": below,
        "lengths": lengths,
        "inner": inner,
    }


def families():
    """The cases of all families by name: {"core": {"dense": {...}}}."""
    names = sorted(m.name for m in pkgutil.iter_modules(__path__))
    return {n: importlib.import_module(f"{__name__}.{n}").CASES for n in names}


def inputs_of(one):
    """The arrays that go in."""
    if one["below"]:
        return [
            (np.arange(np.prod(s)) * 7 % one["below"]).reshape(s).astype("int64")
            for s in one["inputs"]
        ]
    return [wave(s, 0.7 + 0.13 * i) for i, s in enumerate(one["inputs"])]


def masks_of(one):
    """Which steps of each input are real, None where all are; or None for all together."""
    lengths = one["lengths"]
    if lengths is None:
        return None
    if isinstance(lengths[0], int):
        lengths = [lengths, *[None] * (len(one["inputs"]) - 1)]
    pairs = zip(one["inputs"], lengths, strict=True)
    return [None if n is None else np.arange(s[1]) < np.array(n)[:, None] for s, n in pairs]


def weights_of(shapes, names):
    """What the weights begin with; a variance is positive."""
    arrays = [0.5 * wave(s, 1.1 + 0.17 * i) for i, s in enumerate(shapes)]
    pairs = zip(arrays, names, strict=True)
    return [np.abs(a) + 0.5 if "variance" in name else a for a, name in pairs]


def target_of(shape, i):
    """What the i-th output is drawn to by the loss, the mean square of the difference."""
    return wave(shape, 0.37 + 0.05 * i)
