"""What the core tells of the inside of a call: gates and cells of every step, out of the tape."""

import numpy as np
import pytest
from core_cases import CELLS, Case, arguments, close, equal, options_of, pack, tolerance, typed
from traced import recompute

from lstmcore import _core
from lstmcore.reference import Cell

pytestmark = pytest.mark.usefixtures("fenced")


def cells(chosen):
    return pytest.mark.parametrize("cell", chosen, ids=lambda c: str(Case(c, ())))


def call(case, a, threads=0):
    packed = pack(case, a)
    options = {**a.options, "training": True, "sequences": True, "threads": threads}
    y, _, tape = _core.forward(packed, a.x, a.states, **options)
    return packed, y, tape


def check(case, dtype):
    """Gates and cells are right, and NaN and carried on where the mask says so."""
    a = arguments(case)
    want, want_c, _ = recompute(case.cell, a.weights, a.x, tuple(a.states), **a.options)
    packed, _, tape = call(case, typed(case, dtype))
    gates, c = _core.trace(packed, tape)
    real = a.options.get("mask", np.ones(a.x.shape[:2], bool))
    assert gates.shape == want.shape
    assert gates.dtype == dtype
    assert np.isnan(gates[:, ~real]).all()
    for name, got, right in zip(packed.cell.gates, gates, want, strict=True):
        close(np.nan_to_num(got), np.nan_to_num(right), tolerance(case, dtype), name)
    if want_c is None:
        assert c is None
    else:
        close(c, want_c, tolerance(case, dtype), "cell")


@pytest.mark.parametrize("mask", ["", "right", "left", "random", "none"])
@cells(CELLS)
def test_gates_and_cells(isa, dtype, cell, mask):
    for shape in ((5, 7, 3, 18), (6, 1, 4, 9), (1, 2, 3, 70)):
        check(Case(cell, shape, mask), dtype)


@cells(
    [
        Cell("lstm", "peephole", activation="softsign", recurrent_activation="hard_sigmoid"),
        Cell("lstm", clip=0.5),
        Cell("lstm", activation="softsign", output_activation=("hard_sigmoid", 0.2, 0.5)),
        Cell("lstm", "FGR", clip=0.5),
    ]
)
def test_other_activations_and_a_clip(isa, dtype, cell):
    check(Case(cell, (5, 7, 3, 18), "random"), dtype)


@pytest.mark.parametrize("mask", ["", "random"])
@cells([Cell("lstm"), Cell("lstm", "FGR"), Cell("gru"), Cell("gru", reset_after=False)])
def test_dropout_and_zoneout(isa, dtype, cell, mask):
    """Gates are those that dropout made; the cell is the one that zoneout leaves."""
    check(Case(cell, (5, 7, 3, 18), mask, options_of(cell)), dtype)


def test_reading_changes_nothing(dtype):
    case = Case(Cell("lstm"), (5, 7, 3, 18), "random")
    a = typed(case, dtype)
    packed, _, tape = call(case, a)

    def backward(tape):
        grads = tuple(None if w is None else np.zeros_like(w) for w in a.weights)
        dx, dstates = _core.backward(packed, a.x, tape, a.dy, grads=grads)
        return [dx, *dstates, *[g for g in grads if g is not None]]

    equal(_core.trace(packed, tape), _core.trace(packed, tape))
    equal(backward(tape), backward(call(case, a)[2]))


def test_a_tape_serves_until_backward():
    case = Case(Cell("gru"), (5, 7, 3, 18))
    a = typed(case, np.float32)
    packed, _, tape = call(case, a)
    with pytest.raises(ValueError, match="not the weights that made the tape"):
        _core.trace(_core.pack(_core.Cell("gru"), (a.weights[0][:2], *a.weights[1:])), tape)
    grads = tuple(np.zeros_like(w) for w in a.weights[:3])
    _core.backward(packed, a.x, tape, a.dy, grads=grads)
    with pytest.raises(ValueError, match="consumed"):
        _core.trace(packed, tape)
    with pytest.raises(TypeError, match="tape"):
        _core.trace(packed, None)
