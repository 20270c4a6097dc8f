"""What the tests of recurrent layers share: all gradients of a call, and rows run alone."""

import numpy as np
from gradients import check_backward, leaves, like

# all unmasked; a gap; padded left; padded right; all masked
MASK = np.array(
    [[1, 1, 1, 1, 1], [1, 0, 1, 0, 1], [0, 0, 1, 1, 1], [1, 1, 1, 0, 0], [0, 0, 0, 0, 0]], bool
)


def check_recurrent(layer, x, mask=None, states=None, before=None):
    """Hold the gradients of x, the initial states and all weights to central differences."""
    # in training, so that dropout is in it; the loss is some 100, so differences see 1e-8
    got = check_backward(layer, x, mask, states, training=True, before=before, atol=1e-7)
    if mask is not None:
        dx = got if states is None else got[0]
        assert (dx[~mask] == 0).all()
    for p in layer.weights:
        assert p.grad.any() or (x.shape[1] == 1 and states is None)  # one step from 0: no h R


def alone(layer, x, mask, row, states=None):
    """The outputs for one row, its masked steps cut out."""
    kwargs = {}
    if states is not None:
        kwargs["initial_state"] = like([s[row : row + 1].copy() for s in leaves(states)], states)
    return leaves(layer(x[row : row + 1, mask[row]], **kwargs))
