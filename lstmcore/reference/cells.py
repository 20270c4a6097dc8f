"""The cells: their kinds and variants, gates, states and shapes of weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

LACKING = {"NIG": "i", "NFG": "f", "NOG": "o", "CIFG": "f"}
VARIANTS = ("vanilla", "peephole", "NIG", "NFG", "NOG", "NIAF", "NOAF", "CIFG", "NP", "FGR")
# of MUT1, MUT2 and MUT3: the columns of the kernel and of the recurrent kernel
MUTATIONS = {"mut1": ("zr", "rh"), "mut2": ("zh", "zrh"), "mut3": ("zrh", "zrh")}
WEIGHTS = 8  # how many arrays of weights a cell can have


@dataclass(frozen=True)
class Cell:
    """The description of a cell; functions here take any object with these attributes.

    The variants of the LSTM are those of Greff et al., *LSTM: A Search Space Odyssey* (2017): no
    input, forget or output gate (NIG, NFG, NOG), no input or output activation function (NIAF,
    NOAF), coupled input and forget gate (CIFG), no peepholes (NP), full gate recurrence (FGR).
    Only NP and vanilla, which is Keras's LSTM, have no peepholes.

    The projected LSTM is that of Sak et al., *Long Short-Term Memory Based Recurrent Neural Network
    Architectures for Large Vocabulary Speech Recognition* (2014).  Layer normalization has two
    forms: "both", of Ba, Kiros and Hinton, *Layer Normalization* (2016), supplement, equations 20
    to 22, which has no peepholes, and "sum", of TensorFlow Lite;
    :mod:`lstmcore.reference.normalization` has their formulas.  Full gate recurrence has neither
    a projection nor a normalization.

    The kinds mut1, mut2 and mut3 are MUT1, MUT2 and MUT3 of Jozefowicz et al., *An Empirical
    Exploration of Recurrent Network Architectures* (2015).
    """

    kind: str  # lstm, gru, rnn, mut1, mut2 or mut3
    variant: str = "vanilla"
    peephole: bool = False
    activation: str | tuple[str, float, float] = "tanh"  # or ("hard_sigmoid", slope, offset)
    recurrent_activation: str | tuple[str, float, float] = "sigmoid"
    reset_after: bool = True  # GRU only
    clip: float = 0.0  # LSTM only; 0: no clipping
    # LSTM only: of the cell state on its way out; None: as `activation`
    output_activation: str | tuple[str, float, float] | None = None
    projection: int = 0  # LSTM only: the size of h; 0: no projection, h is as wide as c
    layer_norm: str | None = None  # LSTM only: "both" or "sum"
    epsilon: float = 1e-5  # of layer normalization, added to the variance


def gates_of(cell: Cell) -> str:
    """Return the letters of the gates in the order of the columns of the weights."""
    if cell.kind == "lstm":
        return "ifco".replace(LACKING.get(cell.variant, " "), "")
    return "h" if cell.kind == "rnn" else "zrh"


def kernel_columns(cell: Cell) -> str:
    """Return the letters of the gates that have columns in the kernel, in their order."""
    return MUTATIONS[cell.kind][0] if cell.kind in MUTATIONS else gates_of(cell)


def recurrent_columns(cell: Cell) -> str:
    """Return the letters of the gates that have columns in the recurrent kernel."""
    return MUTATIONS[cell.kind][1] if cell.kind in MUTATIONS else gates_of(cell)


def peepholes_of(cell: Cell) -> str:
    """Return the letters of the gates with peepholes, in the order of their weights' rows."""
    if cell.kind != "lstm" or (cell.variant in ("vanilla", "NP") and not cell.peephole):
        return ""
    return gates_of(cell).replace("c", "")


def states_of(cell: Cell) -> int:
    """Return the number of state arrays: h, c, and with full gate recurrence the gates."""
    return {"lstm": 3 if cell.variant == "FGR" else 2}.get(cell.kind, 1)


def widths_of(cell: Cell, units: int) -> tuple[int, ...]:
    """Return the widths of the state arrays; the first is that of the output."""
    return (cell.projection or units, units, 3 * units)[: states_of(cell)]


def weight_shapes(cell: Cell, inputs: int, units: int) -> list[tuple[int, ...] | None]:
    """Return the shapes of the weights, or None for those that the cell lacks.

    They are kernel, recurrent kernel, bias, peepholes, gate kernel, projection kernel, the gains
    of the normalized sums, in "both" a row for x W and a row for h R, and in "both" a row for the
    gain and a row for the offset of the cell state.
    """
    gates, peepholes = len(gates_of(cell)), len(peepholes_of(cell))
    output, *_ = widths_of(cell, units)
    two_biases = cell.kind == "gru" and cell.reset_after
    return [
        (inputs, len(kernel_columns(cell)) * units),
        (output, len(recurrent_columns(cell)) * units),
        (2, gates * units) if two_biases else (gates * units,),
        (peepholes, units) if peepholes else None,
        (3 * units, 3 * units) if cell.variant == "FGR" else None,
        (units, output) if cell.projection else None,
        {"both": (2, gates * units), "sum": (gates * units,)}.get(cell.layer_norm or ""),
        (2, units) if cell.layer_norm == "both" else None,
    ]


def padded(weights: Sequence[Any]) -> list[Any]:
    """Return the weights of a cell with None for those that are missing at the end."""
    return [*weights, *[None] * WEIGHTS][:WEIGHTS]
