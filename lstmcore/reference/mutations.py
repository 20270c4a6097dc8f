"""MUT1, MUT2 and MUT3, the cells that Jozefowicz et al. (2015) found by search: one time step.

With update gate z, reset gate r and candidate h~, the output is ``h' = z h~ + (1 - z) h``: the gate
has the opposite sense of the GRU's.  The inputs themselves enter MUT1 and MUT2, so these have as
many as they have units::

    MUT1   z  = sigmoid(x Wz + bz)
           r  = sigmoid(x Wr + h Rr + br)
           h~ = tanh((r h) Rh + tanh(x) + bh)
    MUT2   z  = sigmoid(x Wz + h Rz + bz)
           r  = sigmoid(x + h Rr + br)
           h~ = tanh((r h) Rh + x Wh + bh)
    MUT3   z  = sigmoid(x Wz + tanh(h) Rz + bz)
           r  = sigmoid(x Wr + h Rr + br)
           h~ = tanh((r h) Rh + x Wh + bh)
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .cells import Cell, kernel_columns, recurrent_columns
from .functions import Array, activation_of
from .gates import States, Weights


def mut_cell(cell: Cell, weights: Weights, x: Array, states: States, scale: Any = 1) -> States:
    """Compute one time step of MUT1, MUT2 or MUT3; parameters as of :func:`lstm_cell`.

    The cell's `activation` takes the place of every tanh.
    """
    (h,) = states
    act, gate = activation_of(cell.activation), activation_of(cell.recurrent_activation)
    W, R, b = weights[:3]

    def by_letter(a: Array, letters: str) -> dict[str, Array]:
        return dict(zip(letters, np.split(a, len(letters), axis=-1), strict=True))

    of_x = by_letter(x @ W, kernel_columns(cell))
    kernels = by_letter(R, recurrent_columns(cell))
    bz, br, bh = (0, 0, 0) if b is None else np.split(b, 3)
    z = of_x["z"] + bz
    if cell.kind != "mut1":
        z = z + (scale * (act(h) if cell.kind == "mut3" else h)) @ kernels["z"]
    z = gate(z)
    r = gate(of_x.get("r", x) + (scale * h) @ kernels["r"] + br)
    of_h = (r * scale * h) @ kernels["h"]
    new = act(of_h + (act(x) if cell.kind == "mut1" else of_x["h"]) + bh)
    return (z * new + (1 - z) * h,)
