"""What the tests of recurrent layers share: all gradients of a call, and rows run alone."""

import numpy as np
from gradients import check_backward, leaves, like

from lstmcore.layers import Cell

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


class Sums(Cell):
    """The output has another size than the state, and the state does not begin with 0."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.state_size, self.output_size = [2, 1], 3

    def get_initial_state(self, batch_size):
        return [np.full((batch_size, 2), 2.0), np.zeros((batch_size, 1))]

    def step(self, x, states, training=False):
        new = [states[0] + x, states[1] * 1]
        y = np.concatenate((new[0], states[1]), axis=1) * (2 if training else 1)

        def back(dy, dstates):
            dy = 2 * dy if training else dy
            ds = dstates[0] + dy[:, :2]
            return ds, [ds, dstates[1] + dy[:, 2:]]

        return y, new, back
