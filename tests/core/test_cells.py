"""Every cell of the core against the truth: variants, activations, options, all gradients."""

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
    close,
    equal,
    forward_backward,
    gradients,
    options_of,
    pack,
    tolerance,
    truth,
    typed,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lstmcore import _core, reference
from lstmcore.reference import ACTIVATIONS, VARIANTS, Cell

pytestmark = pytest.mark.usefixtures("fenced")

# T, B, I, H: one; odd; one over a register; one row; rows over a tile; units over four registers
SHAPES = [(1, 1, 1, 1), (3, 2, 3, 5), (5, 7, 4, 17), (6, 1, 9, 33), (3, 33, 5, 20), (2, 3, 40, 70)]
LARGE = [(9, 3, 2, 130), (40, 67, 3, 37), (40, 1, 20, 140), (3, 9, 400, 70)]
PEEPHOLE, FGR, GRU, RNN = Cell("lstm", "peephole"), Cell("lstm", "FGR"), Cell("gru"), Cell("rnn")
BEFORE = Cell("gru", reset_after=False)
PROJECTED = Cell("lstm", "peephole", projection=6)
BOTH, SUM = Cell("lstm", layer_norm="both"), Cell("lstm", "peephole", layer_norm="sum")


def cases(cells, shapes, **rest):
    return pytest.mark.parametrize(
        "case", [Case(cell, shape, **rest) for cell in cells for shape in shapes], ids=str
    )


@cases(CELLS, SHAPES)
def test_cell(isa, dtype, case):
    check(case, dtype)


@pytest.mark.slow
@cases(CELLS, LARGE)
def test_large_cell(isa, dtype, case):
    check(case, dtype)


@cases(CELLS, [(3, 2, 2, 2)])
def test_gradient_of_every_element(isa, dtype, case):
    for name, got, wanted in zip(
        arguments(case).names, answer(case, dtype)[1], gradients(case), strict=True
    ):
        close(got, wanted, tolerance(case, dtype, backward=True), name)


# Keras 1's and 2's; one that is not 1/2 at 0, and falls: its ends must be 0 and 1 exactly, too
RAMPS = [("hard_sigmoid", 0.2, 0.5), ("hard_sigmoid", -0.3, 0.3)]
FORMS = [*ACTIVATIONS, *RAMPS]


def with_activations(cell):
    """Each activation once for each of the roles."""
    cells = [replace(cell, activation=form) for form in FORMS]
    if cell.kind != "rnn":
        cells += [replace(cell, recurrent_activation=form) for form in FORMS]
    if cell.kind == "lstm":
        cells += [replace(cell, output_activation=form) for form in FORMS]
    return dict.fromkeys(cells)


@cases([c for cell in (PEEPHOLE, GRU, RNN) for c in with_activations(cell)], [(4, 5, 3, 18)])
def test_activations(isa, dtype, case):
    check(case, dtype)


@cases(
    [
        Cell(
            "lstm",
            variant,
            activation=("hard_sigmoid", 0.4, 0.2),
            recurrent_activation=("hard_sigmoid", 0.2, 0.5),
            output_activation=output,
        )
        for variant in ("vanilla", "FGR", "NIAF", "NOG")
        for output in ("softsign", "hard_sigmoid", ("hard_sigmoid", -0.7, 0.6))
    ],
    [(1, 3, 3, 18), (4, 5, 3, 18)],
)
def test_each_activation_is_of_its_own_role(isa, dtype, case):
    check(case, dtype)


@pytest.mark.parametrize("offset", [0.5, 0.3, -0.1, 1.2])
@cases([PEEPHOLE, GRU, BEFORE, RNN], [(1, 5, 3, 18), (4, 5, 3, 18)])
def test_hard_sigmoid_ends_at_0_and_1(isa, dtype, case, offset):
    """Where it is cut there is no gradient: many gates and candidates are."""
    steep = ("hard_sigmoid", 1.5, offset)
    gate = {} if case.cell.kind == "rnn" else {"recurrent_activation": steep}
    check(replace(case, cell=replace(case.cell, activation=steep, **gate)), dtype)


@cases(CELLS, [(3, 4, 3, 18)])
def test_keras_3_hard_sigmoid_is_the_default(isa, dtype, case):
    plain, said = (
        replace(case, cell=replace(case.cell, activation=form))
        for form in ("hard_sigmoid", ("hard_sigmoid", 1 / 6, 0.5))
    )
    outputs, grads = forward_backward(pack(plain, typed(plain, dtype)), typed(plain, dtype))
    again, same = forward_backward(pack(said, typed(plain, dtype)), typed(plain, dtype))
    equal([*outputs, *grads], [*again, *same])


@pytest.mark.slow
@cases(CELLS, [(4, 5, 3, 18)])
def test_all_activations(isa, dtype, case):
    for one in FORMS:
        for other in FORMS if case.cell.kind != "rnn" else ["sigmoid"]:
            cell = replace(case.cell, activation=one, recurrent_activation=other)
            if cell.kind == "lstm" and cell.variant != "NOAF":
                cell = replace(cell, output_activation="tanh" if one == "relu" else None)
            check(replace(case, cell=cell), dtype)


@cases([Cell("lstm", v, clip=0.5) for v in VARIANTS], [(4, 5, 3, 18)])
def test_clip(isa, dtype, case):
    assert np.mean(np.abs(truth(case)[2]) == 0.5) > 0.05, "nothing is clipped: the case is empty"
    check(case, dtype)


@pytest.mark.parametrize("alone", [0, 1, 2, 3, None])
@cases([PEEPHOLE, FGR, PROJECTED, BOTH, SUM, GRU, BEFORE, RNN], [(4, 5, 18, 19)])
def test_dropout_and_zoneout(isa, dtype, case, alone):
    options = options_of(case.cell)
    options = options if alone is None else options[alone : alone + 1]
    check(replace(case, options=options), dtype)


@pytest.mark.parametrize("projection", [1, 16, 40])
@pytest.mark.parametrize("variant", ["vanilla", "NIG", "NFG", "NOG", "CIFG", "NOAF"])
def test_projection_of_any_width(isa, dtype, variant, projection):
    check(Case(Cell("lstm", variant, projection=projection), (3, 2, 5, 17)), dtype)


@cases(
    [
        *(Cell("lstm", v, layer_norm="sum") for v in VARIANTS if v not in ("NP", "FGR")),
        Cell("lstm", layer_norm="both", clip=0.5, epsilon=0.1, recurrent_activation="softsign"),
        Cell("lstm", "peephole", layer_norm="sum", activation="hard_sigmoid", projection=3),
    ],
    [(3, 2, 5, 17)],
)
def test_layer_normalization(isa, dtype, case):
    check(replace(case, options=options_of(case.cell), mask="random"), dtype)
    check(case, dtype)


@pytest.mark.parametrize("form", ["both", "sum"])
def test_rows_far_from_zero_are_normalized_exactly(isa, dtype, form):
    """A large mean costs no more digits than the sums themselves have lost by it."""
    case = Case(Cell("lstm", layer_norm=form), (2, 3, 2, 35))
    a = typed(case, dtype)
    far = np.float64(256) if dtype == "float32" else np.float64(2**30)
    x = np.ones_like(a.x)
    weights = list(a.weights)
    weights[0] = (np.round(a.weights[0] * 64) / 64 + far).astype(dtype)
    y, _, _ = _core.forward(
        pack(case, changed(a, weights=tuple(weights))), x, a.states, sequences=True
    )
    exact = [None if w is None else w.astype(np.float64) for w in weights]
    want, _ = reference.forward(
        case.cell, exact, x.astype(np.float64), [s.astype(np.float64) for s in a.states]
    )
    np.testing.assert_allclose(y, want, atol=16 * far * np.finfo(dtype).eps)


@cases([PEEPHOLE, GRU], [(2, 3, 300, 5), (2, 3, 5, 300)], options=("x_scale", "h_scale"))
def test_dropout_of_many_numbers(isa, dtype, case):
    check(case, dtype)


@cases(CELLS, [(4, 5, 3, 18)])
def test_what_zoneout_keeps_stays_exactly(isa, dtype, case):
    a = typed(case, dtype)
    names = [name for name in options_of(case.cell) if name.startswith("keep")]
    keep = {name: np.ones((4, *s.shape), dtype) for name, s in zip(names, a.states, strict=False)}
    y, states, _ = _core.forward(
        pack(case, a), a.x, a.states, sequences=True, training=True, **keep
    )
    equal([*states[: len(names)], *y.swapaxes(0, 1)], [*a.states[: len(names)], *[a.states[0]] * 4])


@cases(CELLS, [(4, 5, 3, 18)])
def test_last_output_only(isa, dtype, case):
    check(replace(case, sequences=False), dtype)
    a = typed(case, dtype)
    packed = pack(case, a)
    for training in (False, True):
        last, states, tape = _core.forward(packed, a.x, a.states, training=training)
        y, again, _ = _core.forward(packed, a.x, a.states, sequences=True, training=training)
        assert (tape is not None) == training
        equal((y[:, -1], *states), (last, *again))
        equal([last], states[:1])


@cases(CELLS, [(4, 5, 3, 18)], bias=False)
def test_no_bias_and_zero_states_are_the_defaults(isa, dtype, case):
    check(case, dtype)
    a, full = typed(case, dtype), typed(replace(case, bias=True), dtype)
    short = a.weights if any(w is not None for w in a.weights[2:]) else a.weights[:2]
    some = _core.forward(pack(case, changed(a, weights=short)), a.x, sequences=True)
    zeros = (*a.weights[:2], np.zeros_like(full.weights[2]), *a.weights[3:])
    states = [np.zeros_like(s) for s in a.states]
    y, last, _ = _core.forward(pack(case, changed(a, weights=zeros)), a.x, states, sequences=True)
    equal([some[0], *some[1]], [y, *last])


def test_peephole_is_a_flag_or_a_variant(isa, dtype):
    shape = (4, 5, 3, 18)
    one = Case(Cell("lstm", peephole=True), shape)
    check(one, dtype)
    other = Case(PEEPHOLE, shape)
    for got, wanted in zip(answer(one, dtype), answer(other, dtype), strict=True):
        equal(got, wanted)
    equal(*(answer(Case(Cell("lstm", v), shape), dtype)[0] for v in ("vanilla", "NP")))


def everything(cell, shape):
    return Case(cell, shape, "random", options_of(cell))


@pytest.mark.parametrize(
    "cell",
    [PEEPHOLE, FGR, replace(PROJECTED, projection=70), BOTH, SUM, GRU, BEFORE, RNN],
    ids=lambda c: str(Case(c, ())),
)
@pytest.mark.parametrize("shape", [(5, 6, 40, 150), (30, 40, 3, 37), (5, 1, 30, 260)], ids=str)
def test_threads_do_not_change_a_bit(isa, dtype, shape, cell):
    before = _core.get_num_threads()
    _core.set_num_threads(3)
    try:
        case, first = everything(cell, shape), None
        a = typed(case, dtype)
        for threads in (1, 2, 3):
            outputs, grads = answer(case, dtype, threads)
            y, states, _ = _core.forward(
                pack(case, a), a.x, a.states, sequences=True, threads=threads, **a.options
            )
            equal(outputs, (y, *states))
            first = first or [*outputs, *grads]
            equal(first, [*outputs, *grads])
    finally:
        _core.set_num_threads(before)


@cases(CELLS, [(13, 1, 5, 33), (8, 5, 70, 20)])
def test_cutting_time_does_not_change_a_bit(isa, dtype, case):
    """A stream, its states handed on, equals the offline run; its pieces are taped or not."""
    case = everything(case.cell, case.shape)
    a, T = typed(case, dtype), case.shape[0]
    packed = pack(case, a)
    y, last, _ = _core.forward(packed, a.x, a.states, sequences=True, **a.options)
    for cut, training in ((1, False), (1, True), (3, False), (T - 1, True)):
        states, pieces = a.states, []
        for t in range(0, T, cut):
            options = dict(a.options, mask=a.options["mask"][:, t : t + cut])
            for name in {"keep_h", "keep_c"} & set(options):
                options[name] = options[name][t : t + cut]
            x = a.x[:, t : t + cut]
            piece, states, _ = _core.forward(
                packed, x, states, sequences=True, training=training, **options
            )
            pieces.append(piece)
        equal([np.concatenate(pieces, axis=1), *states], [y, *last])


@pytest.mark.parametrize("mask", ["", "random"])
@cases(CELLS, [(700, 2, 3, 66)])
def test_a_long_sequence_is_its_parts(isa, dtype, case, mask):
    """At inference x W is made for as many steps at once as the cache holds: parts fit into it."""
    case = replace(case, mask=mask)
    a = typed(case, dtype)
    packed, states, pieces = pack(case, a), a.states, []
    y, last, _ = _core.forward(packed, a.x, states, sequences=True, **a.options)
    for t in range(0, 700, 25):
        options = {"mask": a.options["mask"][:, t : t + 25]} if mask else {}
        x = a.x[:, t : t + 25]
        piece, states, _ = _core.forward(packed, x, states, sequences=True, **options)
        pieces.append(piece)
    equal([np.concatenate(pieces, axis=1), *states], [y, *last])


@cases([FGR, GRU, BEFORE, RNN], [(4, 5, 3, 18)])
def test_what_is_not_wanted_or_not_given(isa, dtype, case):
    """No dx is made that nobody wants, and a gradient that does not come is zero."""
    case = everything(case.cell, case.shape)
    a = typed(case, dtype)
    packed, zeros = pack(case, a), [np.zeros_like(s) for s in a.states]
    _, (dx, *wanted) = forward_backward(packed, changed(a, dstates=zeros))
    _, (none, *got) = forward_backward(packed, changed(a, dstates=None), need_dx=False)
    assert dx is not None
    assert none is None
    equal(got, wanted)


def draw_case(draw):
    kind = draw(st.sampled_from(["lstm", "lstm", "gru", "rnn"]))
    names = st.sampled_from(FORMS)
    variant = draw(st.sampled_from(VARIANTS)) if kind == "lstm" else "vanilla"
    has_output = kind == "lstm" and variant != "NOAF"
    plain = kind == "lstm" and variant != "FGR"
    projects = plain and draw(st.booleans())
    norms = [None, "sum", *["both"] * (variant in ("vanilla", "NP"))] if plain else [None]
    cell = Cell(
        kind,
        variant,
        activation=draw(names),
        recurrent_activation=draw(names) if kind != "rnn" else "sigmoid",
        reset_after=draw(st.booleans()) if kind == "gru" else True,
        clip=draw(st.sampled_from([0.0, 0.75])) if kind == "lstm" else 0.0,
        output_activation=draw(st.none() | names) if has_output else None,
        projection=draw(st.integers(1, 40)) if projects else 0,
        layer_norm=draw(st.sampled_from(norms)),
    )
    return Case(
        cell,
        (
            draw(st.integers(1, 6)),
            draw(st.integers(1, 9)),
            *draw(st.tuples(*[st.integers(1, 40)] * 2)),
        ),
        draw(st.sampled_from(["", *MASKS])),
        tuple(name for name in options_of(cell) if draw(st.booleans())),
        zero_masked=draw(st.booleans()),
        sequences=draw(st.booleans()),
        bias=draw(st.booleans()),
    )


SETTINGS = {
    "derandomize": True,
    "database": None,
    "deadline": None,
    "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
}


@settings(max_examples=40, **SETTINGS)
@given(case=st.composite(draw_case)())
def test_options_together(isa, dtype, case):
    check(case, dtype)


@pytest.mark.slow
@settings(max_examples=1000, **SETTINGS)
@given(case=st.composite(draw_case)())
def test_more_options_together(isa, dtype, case):
    check(case, dtype)
