"""The truth itself: against Keras, against its own special cases, and its complex steps."""

import numpy as np
import pytest
from keras_numbers import keras_numbers

from lstmcore import reference
from lstmcore.layers import LSTM
from lstmcore.reference import Cell

KERAS = keras_numbers("cells")
T, B, I, H = 4, 3, 2, 5


def options(case):
    return {k: v for k, v in case.items() if k not in ("layer", "y", "states")}


@pytest.mark.parametrize(
    "case", KERAS["cases"], ids=lambda c: "-".join([c["layer"], *map(str, options(c).values())])
)
def test_keras_gives_the_same(case):
    """Keras's numbers, frozen by tests/keras/make_keras_cells.py."""
    kind, _, before = case["layer"].partition("_")
    names = {"activation", "recurrent_activation"} & set(case)
    cell = Cell(kind, reset_after=not before, **{name: case[name] for name in names})
    layer = KERAS["layers"][case["layer"]]
    weights, states = ([np.array(a) for a in layer[key]] for key in ("weights", "states"))
    x, mask = np.array(KERAS["x"]), None
    if "mask" in case:
        mask = np.array([[step == "1" for step in row] for row in KERAS["masks"][case["mask"]]])
    if case.get("go_backwards"):
        x, mask = x[:, ::-1], mask[:, ::-1]
    zero = case.get("zero_output_for_mask", False)
    y, last = reference.forward(cell, weights, x, states, mask=mask, zero_masked=zero)
    np.testing.assert_allclose(y, case["y"], rtol=1e-5, atol=2e-6)
    for got, wanted in zip(last, case["states"], strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=2e-6)


def make(cell, seed=0):
    """Weights, inputs and initial states of a cell."""
    rng = np.random.default_rng(seed)
    weights = [
        None if s is None else rng.normal(size=s) for s in reference.weight_shapes(cell, I, H)
    ]
    widths = reference.widths_of(cell, H)
    return weights, rng.normal(size=(B, T, I)), tuple(rng.normal(size=(B, w)) for w in widths)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


@pytest.mark.parametrize("peephole", [False, True])
def test_gates_make_the_step(peephole):
    """The formulas of the papers, written out, and the functions named after their terms."""
    weights, x, (h, c) = make(Cell("lstm", peephole=peephole))
    weights, x = [w for w in weights if w is not None], x[:, 0]
    W, R, b = (np.split(w, 4, axis=-1) for w in weights[:3])
    p = weights[3] if peephole else np.zeros((3, H))
    i = sigmoid(x @ W[0] + h @ R[0] + b[0] + p[0] * c)
    f = sigmoid(x @ W[1] + h @ R[1] + b[1] + p[1] * c)
    g = np.tanh(x @ W[2] + h @ R[2] + b[2])
    new_c = f * c + i * g
    o = sigmoid(x @ W[3] + h @ R[3] + b[3] + p[2] * new_c)
    new_h = o * np.tanh(new_c)
    for got, wanted in (
        (reference.input_gate(x, h, c, weights), i),
        (reference.forget_gate(x, h, c, weights), f),
        (reference.candidate(x, h, weights), g),
        (reference.cell_state(f, c, i, g), new_c),
        (reference.output_gate(x, h, new_c, weights), o),
        (reference.hidden_state(o, new_c), new_h),
        (np.array(reference.lstm_step(x, h, c, weights)), [new_h, new_c]),
    ):
        np.testing.assert_allclose(got, wanted, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("variant", reference.VARIANTS)
def test_gates_are_those_of_the_kernel(variant):
    """Each function against what `LSTM.trace` reads out of the kernel, float64."""
    layer = LSTM(H, variant=variant, dtype="float64", unit_forget_bias=False)
    cell = Cell("lstm", variant)
    weights, x, _ = make(cell)
    layer(x)  # it is built by its first call
    layer.set_weights([w for w in weights if w is not None])
    trace = layer.trace(x)
    before = np.zeros((B, 3 * H))
    h = c = np.zeros((B, H))
    for t in range(T):
        more = (before,) if variant == "FGR" else ()
        i = reference.input_gate(x[:, t], h, c, weights, cell, *more)
        f = reference.forget_gate(x[:, t], h, c, weights, cell, *more)
        g = reference.candidate(x[:, t], h, weights, cell)
        c = reference.cell_state(f, c, i, g, cell)
        o = reference.output_gate(x[:, t], h, c, weights, cell, *more)
        h = reference.hidden_state(o, c, cell)
        before = np.concatenate([i, f, o], axis=-1)
        for letter, gate in zip("ifco", (i, f, g, o), strict=True):
            if letter in trace.gates:
                np.testing.assert_allclose(trace.gates[letter][:, t], gate, rtol=0, atol=1e-12)
        np.testing.assert_allclose(trace.cell[:, t], c, rtol=0, atol=1e-12)
    np.testing.assert_allclose(layer(x), h, rtol=0, atol=1e-12)


def test_lstm_is_the_vanilla_cell():
    weights, x, states = make(Cell("lstm"))
    y, h, c = reference.lstm(x, *weights[:3], *states)
    for variant in ("vanilla", "NP"):
        again, last = reference.forward(Cell("lstm", variant), weights, x, states)
        for got, wanted in zip((again, *last), (y, h, c), strict=True):
            np.testing.assert_allclose(got, wanted, rtol=1e-12)


def columns(weights, gates):
    """The weights of an LSTM with peepholes, the columns and rows of these gates alone."""
    parts = [dict(zip("ifco", np.split(w, 4, axis=-1), strict=True)) for w in weights[:3]]
    return [np.concatenate([p[g] for g in gates], axis=-1) for p in parts] + [
        np.stack([weights[3]["ifo".index(g)] for g in gates if g != "c"])
    ]


def constant(weights, gate):
    """The same weights where one gate is always one."""
    at = slice("ifco".index(gate) * H, ("ifco".index(gate) + 1) * H)
    weights = [w.copy() for w in weights[:4]]
    weights[0][:, at] = weights[1][:, at] = weights[3]["ifo".index(gate)] = 0
    weights[2][at] = 1e3
    return weights


@pytest.mark.parametrize("gate", "ifo")
def test_a_missing_gate_is_one_that_is_always_open(gate):
    full = Cell("lstm", peephole=True)
    weights, x, states = make(full)
    wanted = reference.forward(full, constant(weights, gate), x, states)[0]
    without = columns(weights, "ifco".replace(gate, ""))
    got = reference.forward(Cell("lstm", f"N{gate.upper()}G"), without, x, states)[0]
    np.testing.assert_allclose(got, wanted, rtol=1e-12)


def test_coupled_gates_are_opposite_sums():
    """1 - sigmoid(z) is sigmoid(-z)."""
    full = Cell("lstm", "peephole")
    weights, x, states = make(full)
    opposite = [w.copy() for w in weights[:4]]
    for w in opposite[:3]:
        w[..., H : 2 * H] = -w[..., :H]
    opposite[3][1] = -opposite[3][0]
    wanted = reference.forward(full, opposite, x, states)[0]
    got = reference.forward(Cell("lstm", "CIFG"), columns(weights, "ico"), x, states)[0]
    np.testing.assert_allclose(got, wanted, rtol=1e-11)


def test_gate_recurrence_of_zero_is_none():
    cell = Cell("lstm", "FGR")
    weights, x, states = make(cell)
    wanted = reference.forward(Cell("lstm", peephole=True), weights[:4], x, states[:2])[0]
    weights[4][:] = 0
    got, (_, _, gates) = reference.forward(cell, weights, x, states)
    np.testing.assert_allclose(got, wanted, rtol=1e-12)
    assert gates.shape == (B, 3 * H)


def test_activations_that_are_missing_are_linear():
    """NIAF and NOAF differ from the cell with peepholes, but not where activations are linear."""
    for variant in ("NIAF", "NOAF"):
        full = Cell("lstm", "peephole")
        weights, x, states = make(full)
        got = reference.forward(Cell("lstm", variant), weights, x, states)[0]
        assert not np.allclose(got, reference.forward(full, weights, x, states)[0])
        linear = [Cell("lstm", v, activation="linear") for v in (variant, "peephole")]
        one, other = (reference.forward(cell, weights, x, states)[0] for cell in linear)
        np.testing.assert_array_equal(one, other)
    weights, x, (h, c) = make(Cell("lstm", "NOAF"))
    y, _ = reference.forward(Cell("lstm", "NOAF"), weights, x, (h, c + 50))
    assert np.abs(y).max() > 1  # an output beyond tanh
    y, _ = reference.forward(Cell("lstm", "NIAF"), weights, x * 100, (h, c))
    assert np.abs(y).max() <= 1


def test_a_clipped_cell_stays_inside():
    cell = Cell("lstm", "NOAF", clip=0.25)
    weights, x, states = make(cell)
    y, (_, c) = reference.forward(cell, weights, x, states)
    assert np.abs(c).max() == 0.25
    assert np.abs(y).max() < 0.25  # what the step shows is clipped too


def test_zoneout_keeps_old_values():
    cell = Cell("lstm")
    weights, x, (h, c) = make(cell)
    ones, zeros = np.ones((T, B, H)), np.zeros((T, B, H))
    y, (_, last) = reference.forward(cell, weights, x, (h, c), keep_h=ones)
    np.testing.assert_array_equal(y, np.repeat(h[:, None], T, axis=1))
    assert not np.allclose(last, c)
    # the output is that of the cell's new value, though the old one is kept
    y, (_, last) = reference.forward(cell, weights, x[:, :1], (h, c), keep_h=zeros, keep_c=ones)
    np.testing.assert_array_equal(last, c)
    np.testing.assert_array_equal(y, reference.forward(cell, weights, x[:, :1], (h, c))[0])


def test_dropout_is_a_change_of_kernels():
    """A multiplier that is the same in all rows could as well stand in the kernels."""
    for cell in (Cell("lstm", "FGR"), Cell("gru"), Cell("gru", reset_after=False), Cell("rnn")):
        weights, x, states = make(cell)
        x_scale, h_scale = np.array([0, 2.0]), np.array([2.0, 0, 2, 0, 2])
        got = reference.forward(
            cell,
            weights,
            x,
            states,
            x_scale=np.tile(x_scale, (B, 1)),
            h_scale=np.tile(h_scale, (B, 1)),
        )[0]
        scaled = [weights[0] * x_scale[:, None], weights[1] * h_scale[:, None], *weights[2:]]
        wanted = reference.forward(cell, scaled, x, states)[0]
        np.testing.assert_allclose(got, wanted, rtol=1e-11)


def test_a_projection_is_a_product_behind_the_cell():
    """Sak et al. (2014): the output of the plain cell times Rp, of which the next step hears."""
    cell, P = Cell("lstm", projection=3), 3
    weights, x, (h, c) = make(cell)
    W, R, b, *_, Rp, _, _ = weights
    assert R.shape == (P, 4 * H)
    assert Rp.shape == (H, P)
    y, (last, last_c) = reference.forward(cell, weights, x, (h, c))
    for t in range(T):
        plain, c = reference.lstm_step(
            x[:, t], np.zeros((B, H)), c, (W, np.zeros((H, 4 * H)), b + h @ R)
        )
        h = plain @ Rp
        np.testing.assert_allclose(y[:, t], h, rtol=1e-12)
    np.testing.assert_array_equal(last, y[:, -1])
    np.testing.assert_allclose(last_c, c, rtol=1e-12)
    assert reference.forward(cell, weights, x)[0].shape == (B, T, P)


NEW = [
    Cell("lstm", "peephole", projection=3),
    Cell("lstm", layer_norm="both"),
    Cell("lstm", layer_norm="both", projection=3, output_activation="softsign"),
    Cell("lstm", "CIFG", layer_norm="sum", projection=7, clip=0.8),
    Cell("mut1"),
    Cell("mut2"),
    Cell("mut3"),
]


@pytest.mark.parametrize(
    "cell", NEW, ids=lambda c: f"{c.kind}-{c.variant}-{c.layer_norm}-{c.projection}"
)
def test_complex_steps_are_slopes(cell):
    """The derivative of a masked run with dropout and zoneout, against a central difference."""
    rng, inputs = np.random.default_rng(1), H
    weights = [
        None if s is None else rng.normal(size=s) for s in reference.weight_shapes(cell, inputs, H)
    ]
    widths = reference.widths_of(cell, H)
    x, states = rng.normal(size=(B, T, inputs)), [rng.normal(size=(B, w)) for w in widths]
    options = {
        "mask": np.array([[1, 1, 1, 1], [1, 0, 1, 0], [0, 0, 1, 1]], bool),
        "x_scale": 2.0 * (rng.random((B, inputs)) < 0.5),
        "h_scale": 2.0 * (rng.random((B, widths[0])) < 0.5),
        "keep_h": 1.0 * (rng.random((T, B, widths[0])) < 0.5),
    }
    if len(widths) > 1:
        options["keep_c"] = 1.0 * (rng.random((T, B, H)) < 0.5)
    there = [w for w in weights if w is not None]
    dy = rng.normal(size=(B, T, widths[0]))

    def loss(x, *rest):
        rest = list(rest)
        given = [None if w is None else rest.pop(0) for w in weights]
        y, last = reference.forward(cell, given, x, tuple(rest), **options)
        return (y * dy).sum() + sum(s.sum() for s in last)

    moving = [x, *there, *states]
    for which, array in enumerate(moving):
        direction = rng.normal(size=array.shape)
        along = [direction if k == which else None for k in range(len(moving))]
        slope = reference.complex_step(loss, moving, along)
        step = [1e-6 * (0 if d is None else d) for d in along]
        up = loss(*(a + s for a, s in zip(moving, step, strict=True)))
        down = loss(*(a - s for a, s in zip(moving, step, strict=True)))
        assert slope != 0
        np.testing.assert_allclose((up - down) / 2e-6, slope, rtol=1e-5, atol=1e-5)


def test_missing_weights_and_states_are_zeros():
    for cell in (Cell("lstm"), Cell("gru"), Cell("gru", reset_after=False), Cell("rnn")):
        (W, R, b, *_), x, states = make(cell)
        zeros = [np.zeros_like(s) for s in states]
        wanted = reference.forward(cell, (W, R, np.zeros_like(b)), x, zeros)[0]
        np.testing.assert_array_equal(reference.forward(cell, (W, R), x)[0], wanted)


@pytest.mark.parametrize("name", reference.ACTIVATIONS)
def test_activations_take_complex_steps(name):
    """The derivative by a complex step is the one by central differences, kinks aside."""
    f = reference.ACTIVATIONS[name]
    x = np.array([-40, -3.5, -2.5, -1, -1e-3, 1e-3, 0.7, 2.9, 3.1, 40])
    got = np.imag(f(x + 1j * reference.STEP)) / reference.STEP
    wanted = (f(x + 1e-6) - f(x - 1e-6)) / 2e-6
    np.testing.assert_allclose(got, wanted, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(f(x + 0j).real, f(x), rtol=1e-14)
    assert f(x.astype("f4")).dtype == np.float32
