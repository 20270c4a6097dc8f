"""Masks in the core: what a masked step leaves as it was, and what must not reach through it."""

from dataclasses import replace

import numpy as np
import pytest
from core_cases import (
    CELLS,
    MASKS,
    Case,
    answer,
    arguments,
    changed,
    check,
    equal,
    forward_backward,
    options_of,
    pack,
    truth,
    typed,
)

from lstmcore import _core
from lstmcore.reference import Cell

pytestmark = pytest.mark.usefixtures("fenced")

KINDS = [
    Cell("lstm"),
    Cell("lstm", "FGR", clip=0.75),
    Cell("gru"),
    Cell("gru", reset_after=False),
    Cell("rnn"),
]


def cells(chosen):
    return pytest.mark.parametrize("cell", chosen, ids=lambda c: str(Case(c, ())))


masks = pytest.mark.parametrize("mask", MASKS)


@pytest.mark.parametrize("zero_masked", [False, True], ids=["carried", "zero"])
@masks
@cells(KINDS)
def test_mask(isa, dtype, cell, mask, zero_masked):
    for shape in ((5, 7, 3, 18), (6, 1, 4, 9)):
        case = Case(cell, shape, mask, zero_masked=zero_masked)
        check(case, dtype)


@cells(KINDS)
def test_mask_and_last_output(isa, dtype, cell):
    for mask in ("right", "left", "random"):
        check(Case(cell, (5, 7, 3, 18), mask, sequences=False), dtype)


@cells([Cell("lstm"), Cell("lstm", "peephole"), *KINDS[2:4]])
def test_mask_of_many_rows(isa, dtype, cell):
    """So many that the weight gradients are taken in several chunks of time."""
    check(Case(cell, (5, 520, 2, 66), "random"), dtype)


@pytest.mark.slow
@masks
@cells(CELLS)
def test_every_mask_with_every_cell(isa, dtype, cell, mask):
    for shape in ((1, 1, 1, 1), (5, 7, 3, 18), (12, 1, 9, 33), (4, 33, 5, 20), (40, 30, 3, 70)):
        for options in ((), options_of(cell)):
            for zero, sequences in ((False, False), (False, True), (True, True)):
                check(Case(cell, shape, mask, options, zero, sequences), dtype)


@cells(CELLS)
def test_rows_of_no_step_return_their_state(isa, dtype, cell):
    case = Case(cell, (4, 6, 3, 18), "some", options_of(cell))
    a = typed(case, dtype)
    (y, *states), (dx, *_) = answer(case, dtype)
    rows = ~a.options["mask"].any(axis=1)
    assert rows.any()
    assert not rows.all()
    for got, start in zip(states, a.states, strict=True):
        np.testing.assert_array_equal(got[rows], start[rows])
        assert not np.array_equal(got[~rows], start[~rows])
    np.testing.assert_array_equal(y[rows], np.repeat(a.states[0][rows][:, None], 4, axis=1))
    assert not dx[rows].any()


@cells(CELLS)
def test_a_batch_of_no_step_changes_nothing(isa, dtype, cell):
    case = Case(cell, (4, 6, 3, 18), "none", options_of(cell))
    a = typed(case, dtype)
    (_, *states), (dx, *rest) = answer(case, dtype)
    equal(states, a.states)
    count = len(a.states)
    assert not dx.any()
    for gradient in rest[:-count]:
        assert not gradient.any()
    equal(rest[1 - count :] if count > 1 else [], a.dstates[1:])


@cells(CELLS)
def test_a_full_mask_is_no_mask(isa, dtype, cell):
    """To the last bit, gradients and all."""
    case = Case(cell, (6, 9, 5, 18), "all", options_of(cell))
    a = typed(case, dtype)
    packed, none = pack(case, a), dict(a.options, mask=None)
    with_mask, without = (
        forward_backward(packed, changed(a, options=o)) for o in (a.options, none)
    )
    equal(with_mask[0], without[0])
    equal(with_mask[1], without[1])


@pytest.mark.parametrize("mask", ["right", "left", "random"])
@cells(CELLS)
def test_a_row_alone_is_the_row_in_the_batch(isa, dtype, cell, mask):
    """Each row, its real steps alone and without a mask: the same outputs to the last bit."""
    for shape, training in (((7, 9, 5, 18), True), ((5, 3, 20, 35), False)):
        case = Case(cell, shape, mask, options_of(cell))
        a = typed(case, dtype)
        packed = pack(case, a)
        y, last, _ = _core.forward(
            packed, a.x, a.states, sequences=True, training=training, **a.options
        )
        for row, real in enumerate(a.options["mask"]):
            if not real.any():
                continue
            at = slice(row, row + 1)
            options = {
                name: value[at] if name.endswith("scale") else value[real, at].copy()
                for name, value in a.options.items()
                if name not in ("mask", "zero_masked")
            }
            alone, states, _ = _core.forward(
                packed,
                a.x[at, real],
                tuple(s[at] for s in a.states),
                sequences=True,
                **options,
            )
            equal([alone[0], *[s[0] for s in states]], [y[row, real], *[s[row] for s in last]])


@pytest.mark.parametrize("mask", ["right", "left", "interior"])
@cells(CELLS)
def test_what_stands_at_masked_steps_does_not_matter(isa, dtype, cell, mask):
    """Neither huge numbers nor NaN there reach an output, and huge ones reach no gradient."""
    case = Case(cell, (6, 9, 5, 18), mask)
    a = typed(case, dtype)
    packed, real = pack(case, a), a.options["mask"]
    outputs, gradients = forward_backward(packed, a)
    assert not gradients[0][~real].any()
    for padding in (1e30, np.nan):
        x = np.where(real[:, :, None], a.x, np.array(padding, dtype))
        y, states, _ = _core.forward(packed, x, a.states, sequences=True, **a.options)
        equal([y, *states], outputs)
        taped, same = forward_backward(packed, changed(a, x=x))
        equal(taped, outputs)
        if np.isfinite(padding):
            equal(same, gradients)


@cells(KINDS)
def test_backwards_is_a_view(isa, dtype, cell):
    """Inputs and a mask of negative stride are read where they stand."""
    case = Case(cell, (6, 9, 5, 18), "right")
    a = typed(case, dtype)
    packed, x, mask = pack(case, a), a.x[:, ::-1], a.options["mask"][:, ::-1]
    view = forward_backward(packed, changed(a, x=x, options={"mask": mask}))
    copy = forward_backward(packed, changed(a, x=x.copy(), options={"mask": mask.copy()}))
    equal(view[0], copy[0])
    equal(view[1], copy[1])


@cells(KINDS)
def test_zeros_stand_at_masked_steps_only(isa, dtype, cell):
    case = Case(cell, (6, 9, 5, 18), "random", zero_masked=True)
    a = typed(case, dtype)
    zeroed, carried = (answer(c, dtype)[0] for c in (case, replace(case, zero_masked=False)))
    real = a.options["mask"]
    assert not zeroed[0][~real].any()
    equal([zeroed[0][real], *zeroed[1:]], [carried[0][real], *carried[1:]])
    np.testing.assert_array_equal(truth(case)[0][~real], 0)
    assert arguments(case).dy[~real].any()
