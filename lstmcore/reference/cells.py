"""The cells: their kinds and variants, gates, states and shapes of weights."""

from __future__ import annotations

from dataclasses import dataclass

LACKING = {"NIG": "i", "NFG": "f", "NOG": "o", "CIFG": "f"}
VARIANTS = ("vanilla", "peephole", "NIG", "NFG", "NOG", "NIAF", "NOAF", "CIFG", "NP", "FGR")


@dataclass(frozen=True)
class Cell:
    """The description of a cell; functions here take any object with these attributes.

    The variants of the LSTM are those of Greff et al., *LSTM: A Search Space Odyssey* (2017): no
    input, forget or output gate (NIG, NFG, NOG), no input or output activation function (NIAF,
    NOAF), coupled input and forget gate (CIFG), no peepholes (NP), full gate recurrence (FGR).
    Only NP and vanilla, which is Keras's LSTM, have no peepholes.
    """

    kind: str  # lstm, gru or rnn
    variant: str = "vanilla"
    peephole: bool = False
    activation: str | tuple[str, float, float] = "tanh"  # or ("hard_sigmoid", slope, offset)
    recurrent_activation: str | tuple[str, float, float] = "sigmoid"
    reset_after: bool = True  # GRU only
    clip: float = 0.0  # LSTM only; 0: no clipping
    # LSTM only: of the cell state on its way out; None: as `activation`
    output_activation: str | tuple[str, float, float] | None = None


def gates_of(cell: Cell) -> str:
    """Return the letters of the gates in the order of the columns of the weights."""
    if cell.kind == "lstm":
        return "ifco".replace(LACKING.get(cell.variant, " "), "")
    return {"gru": "zrh", "rnn": "h"}[cell.kind]


def peepholes_of(cell: Cell) -> str:
    """Return the letters of the gates with peepholes, in the order of their weights' rows."""
    if cell.kind != "lstm" or (cell.variant in ("vanilla", "NP") and not cell.peephole):
        return ""
    return gates_of(cell).replace("c", "")


def states_of(cell: Cell) -> int:
    """Return the number of state arrays: h, c, and with full gate recurrence the gates (B, 3H)."""
    return {"lstm": 3 if cell.variant == "FGR" else 2}.get(cell.kind, 1)


def weight_shapes(cell: Cell, inputs: int, units: int) -> list[tuple[int, ...] | None]:
    """Return the shapes of kernel, recurrent kernel, bias, peepholes and gate kernel, or None."""
    wide, peepholes = len(gates_of(cell)) * units, len(peepholes_of(cell))
    two_biases = cell.kind == "gru" and cell.reset_after
    return [
        (inputs, wide),
        (units, wide),
        (2, wide) if two_biases else (wide,),
        (peepholes, units) if peepholes else None,
        (3 * units, 3 * units) if cell.variant == "FGR" else None,
    ]
