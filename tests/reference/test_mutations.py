"""MUT1, MUT2 and MUT3 of the reference: the formulas of their paper."""

import numpy as np
import pytest

from lstmcore import reference
from lstmcore.reference import Cell

T, B, H = 4, 3, 5


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


@pytest.mark.parametrize("kind", ["mut1", "mut2", "mut3"])
def test_mutations_are_those_of_the_paper(kind):
    """Jozefowicz et al. (2015), section 4.2, written out with the rows of each gate."""
    cell = Cell(kind)
    rng = np.random.default_rng(0)
    shapes = reference.weight_shapes(cell, H, H)
    assert shapes[:3] == [
        (H, {"mut1": 2, "mut2": 2, "mut3": 3}[kind] * H),
        (H, {"mut1": 2, "mut2": 3, "mut3": 3}[kind] * H),
        (3 * H,),
    ]
    weights = [rng.normal(size=s) for s in shapes[:3]]
    x, h = rng.normal(size=(B, T, H)), rng.normal(size=(B, H))
    W, R = (np.split(w, w.shape[1] // H, axis=1) for w in weights[:2])
    bz, br, bh = np.split(weights[2], 3)
    y, (last,) = reference.forward(cell, weights, x, (h,))
    for t in range(T):
        u = x[:, t]
        if kind == "mut1":
            (Wz, Wr), (Rr, Rh) = W, R
            z = sigmoid(u @ Wz + bz)
            r = sigmoid(u @ Wr + h @ Rr + br)
            new = np.tanh((r * h) @ Rh + np.tanh(u) + bh)
        elif kind == "mut2":
            (Wz, Wh), (Rz, Rr, Rh) = W, R
            z = sigmoid(u @ Wz + h @ Rz + bz)
            r = sigmoid(u + h @ Rr + br)
            new = np.tanh((r * h) @ Rh + u @ Wh + bh)
        else:
            (Wz, Wr, Wh), (Rz, Rr, Rh) = W, R
            z = sigmoid(u @ Wz + np.tanh(h) @ Rz + bz)
            r = sigmoid(u @ Wr + h @ Rr + br)
            new = np.tanh((r * h) @ Rh + u @ Wh + bh)
        h = new * z + h * (1 - z)
        np.testing.assert_allclose(y[:, t], h, rtol=1e-12)
    np.testing.assert_array_equal(last, y[:, -1])
