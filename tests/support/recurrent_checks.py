"""What the tests of recurrent layers share: all gradients of a call, and rows run alone."""

import numpy as np
from helpers import gradient, numbers


def leaves(value):
    """All arrays within lists and tuples, in order."""
    if isinstance(value, list | tuple):
        return [leaf for entry in value for leaf in leaves(entry)]
    return [value]


def like(arrays, value):
    """Arrays put in the place of the leaves of a value."""
    if isinstance(value, list | tuple):
        return [like(arrays, entry) for entry in value]
    return arrays.pop(0)


def check_way_back(layer, x, mask=None, states=None, before=lambda: None):
    """Gradients of x, the initial states and all weights against central differences.

    `before` is called ahead of every forward, to bring a random stream back to its start.
    """
    kwargs = {k: v for k, v in (("mask", mask), ("initial_state", states)) if v is not None}
    layer(x, **kwargs)

    def run(training):
        before()
        return layer.forward(x, training, **kwargs)

    # in training, so that dropout is in it; the loss is some 100, so differences see 1e-8
    y, back = run(True)
    r = [numbers(*a.shape) + k for k, a in enumerate(leaves(y))]

    def loss():
        return float(sum((a * b).sum() for a, b in zip(leaves(run(True)[0]), r, strict=True)))

    for p in layer.weights:
        p.grad[...] = 0
    got = back(like(list(r), y))
    dx, dstates = (got, ()) if states is None else got
    pairs = [(dx, x), *zip(leaves(dstates), leaves(states or []), strict=True)]
    for g, at in pairs:
        assert g.shape == at.shape
        np.testing.assert_allclose(g, gradient(loss, at), rtol=1e-6, atol=1e-7)
    if mask is not None:
        assert (dx[~mask] == 0).all()
    for p in layer.weights:
        kept = p.numpy()

        def moved(p=p, kept=kept):
            p.assign(kept)
            return loss()

        want = gradient(moved, kept)
        p.assign(kept)
        assert p.grad.any() or (x.shape[1] == 1 and states is None)  # one step from 0: no h R
        np.testing.assert_allclose(p.grad, want, rtol=1e-6, atol=1e-7, err_msg=p.name)


# all real; a gap; padded left; padded right; nothing real
MASK = np.array(
    [[1, 1, 1, 1, 1], [1, 0, 1, 0, 1], [0, 0, 1, 1, 1], [1, 1, 1, 0, 0], [0, 0, 0, 0, 0]], bool
)


def alone(layer, x, mask, row, states=None):
    """The outputs for one row, its masked steps cut out."""
    kwargs = {}
    if states is not None:
        kwargs["initial_state"] = like([s[row : row + 1].copy() for s in leaves(states)], states)
    return leaves(layer(x[row : row + 1, mask[row]], **kwargs))
