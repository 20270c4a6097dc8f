"""Cases for the tests of the core: a cell, its arguments, the truth about them, the core's answer.

A case says everything, so that its truth is computed once for all instruction sets and both types.
All numbers are float32's, so that both types start from the same ones.
"""

import math
from dataclasses import asdict, dataclass
from functools import cache, partial
from types import SimpleNamespace
from unittest import mock

import numpy as np

from lstmcore import _core, reference
from lstmcore.reference import VARIANTS, Cell

CELLS = [
    *(Cell("lstm", variant) for variant in VARIANTS),
    Cell("lstm", "peephole", projection=6),
    Cell("lstm", layer_norm="both", projection=4),
    Cell("lstm", "peephole", layer_norm="sum"),
    Cell("gru"),
    Cell("gru", reset_after=False),
    Cell("rnn"),
]
MASKS = ("right", "left", "interior", "random", "some", "none", "all")
NAMES = (
    "kernel",
    "recurrent_kernel",
    "bias",
    "peephole",
    "gate_kernel",
    "projection_kernel",
    "norm_gain",
    "state_norm",
)
BOUNDED = {"tanh", "sigmoid", "hard_sigmoid", "softsign"}
KINKS = {
    "relu": lambda: [0],
    "hard_sigmoid": lambda slope=1 / 6, offset=0.5: [-offset / slope, (1 - offset) / slope],
}
CLEAR = 2e-5  # so far all sums stay from a kink, of the largest sum: float32 keeps to its side


def options_of(cell):
    """All options of a cell."""
    return ("x_scale", "h_scale", "keep_h", "keep_c")[: 4 if cell.kind == "lstm" else 3]


def said_of(cell):
    """The arguments of a cell that are not the defaults."""
    return {k: v for k, v in asdict(cell).items() if v != getattr(Cell, k, None)}


@dataclass(frozen=True)
class Case:
    """One call of the core, forward and backward."""

    cell: Cell
    shape: tuple[int, int, int, int]  # T, B, I, H
    mask: str = ""  # one of MASKS, or no mask
    options: tuple[str, ...] = ()  # of x_scale, h_scale, keep_h, keep_c
    zero_masked: bool = False
    sequences: bool = True
    bias: bool = True

    def __str__(self):
        said = said_of(self.cell)
        words = [k if v is True else "before" if v is False else str(v) for k, v in said.items()]
        shape = "x".join(map(str, self.shape))
        words += [shape, self.mask, *self.options, "zero" * self.zero_masked]
        return "-".join(filter(None, words))


def make_mask(kind, shape, rng):
    """A mask (B, T); of several rows the first one is empty or full where the kind allows it."""
    T, B = shape[:2]
    steps, lengths = np.arange(T), rng.integers(0, T + 1, (B, 1))
    lengths[B // 2] = (T + 1) // 2
    holes = rng.random((B, T)) < 0.5
    return {
        "right": steps < lengths,
        "left": steps >= T - lengths,
        "interior": holes | (steps == 0) | (steps == T - 1),
        "random": holes,
        "some": np.repeat(np.arange(B)[:, None] % 2 > 0, T, axis=1),
        "none": np.zeros((B, T), bool),
        "all": np.ones((B, T), bool),
    }[kind]


def draw(case, seed):
    """The arguments of a case by one seed: x, weights, states, options, dy, dstates."""
    T, B, I, H = case.shape
    rng = np.random.default_rng([seed, *case.shape])

    def normal(*shape, scale=1.0):
        return (scale * rng.standard_normal(shape)).astype(np.float32).astype(np.float64)

    cell = case.cell
    forms = (cell.activation, cell.recurrent_activation, cell.output_activation or "tanh")
    used = {form if isinstance(form, str) else form[0] for form in forms}
    bounded = used <= BOUNDED and cell.variant not in ("NIAF", "NOAF")
    scale = 1.0 if bounded else 0.4  # products of unbounded gates explode
    shapes = reference.weight_shapes(case.cell, I, H)
    widths = reference.widths_of(case.cell, H)
    scales = [scale / np.sqrt(I), scale / np.sqrt(widths[0]), scale, scale, scale / np.sqrt(3 * H)]
    scales += [scale / np.sqrt(H), scale, scale]
    weights = [
        None if s is None else normal(*s, scale=f) for s, f in zip(shapes, scales, strict=True)
    ]
    if not case.bias:
        weights[2] = None
    sizes = {
        "x_scale": (B, I),
        "h_scale": (B, widths[0]),
        "keep_h": (T, B, widths[0]),
        "keep_c": (T, B, H),
    }
    options = {name: option(name, sizes[name], rng) for name in case.options}
    if case.mask:
        options["mask"] = make_mask(case.mask, case.shape, rng)
    x, states = normal(B, T, I, scale=scale), [normal(B, w, scale=scale) for w in widths]
    there = [(name, w) for name, w in zip(NAMES, weights, strict=True) if w is not None]
    return SimpleNamespace(
        x=x,
        weights=weights,
        states=states,
        options=options,
        names=["x", *[name for name, _ in there], *("h0", "c0", "gates0")[: len(states)]],
        moving=[x, *[w for _, w in there], *states],
        dy=normal(B, T, widths[0]) if case.sequences else normal(B, widths[0]),
        dstates=[normal(B, width) for width in widths],
    )


def option(name, size, rng):
    """Dropout multipliers of rate 1/4, or what zoneout keeps."""
    drawn = (rng.random(size) < 0.75).astype(np.float64)
    return drawn * np.float32(4 / 3) if name.endswith("scale") else drawn


def truth_of(case, a, x, *rest):
    """Outputs and states by the reference; the rest: weights that are there, then states."""
    rest = list(rest)
    weights = [None if w is None else rest.pop(0) for w in a.weights]
    options = {"zero_masked": case.zero_masked, **a.options}
    return reference.forward(case.cell, weights, x, tuple(rest), **options)


def distance_from_kinks(case, a):
    """How near any sum comes to where the derivative jumps; zeros made by relu do not count.

    It is -1 where numbers explode, which unbounded gates may do: nothing can be said of their
    rounding.
    """
    nearest = [np.inf]

    def watched(f, kinks_of, x, *more):
        kinks = kinks_of(*more)
        gaps = [np.abs(x - k) / (1 + np.abs(x).max()) for k in kinks]
        nearest.extend(np.min(g, where=(g > 0) | (0 not in kinks), initial=np.inf) for g in gaps)
        return f(x, *more)

    names = {name: partial(watched, reference.ACTIVATIONS[name], k) for name, k in KINKS.items()}
    clip = partial(watched, reference.clip_cell, lambda limit: [-limit, limit] if limit else [])
    with (
        mock.patch.dict(reference.ACTIVATIONS, names),
        mock.patch.object(reference.gates, "clip_cell", clip),
    ):
        states = truth_of(case, a, *a.moving)[1]
    return -1 if max(np.abs(s).max() for s in states) > 1000 else min(nearest)


@cache
def arguments(case):
    """The first arguments of a case that are clear of all kinks, or the clearest of many."""
    best, clearest = -1.0, None
    for seed in range(100):
        a = draw(case, seed)
        distance = distance_from_kinks(case, a)
        if distance > best:
            best, clearest = distance, a
        if distance > CLEAR:
            break
    assert clearest is not None, "all numbers explode"
    return clearest


@cache
def truth(case):
    """The outputs and states that are right."""
    a = arguments(case)
    y, states = truth_of(case, a, *a.moving)
    return (y if case.sequences else states[0], *states)


def loss_of(case):
    """The function of all moving arguments that backward is the gradient of."""
    a = arguments(case)

    def loss(*moving):
        y, states = truth_of(case, a, *moving)
        pairs = [(y if case.sequences else states[0], a.dy), *zip(states, a.dstates, strict=True)]
        return sum((value * d).sum() for value, d in pairs)

    return loss


@cache
def slopes(case):
    """For each moving argument a random direction, and the derivative of the loss along it."""
    a, rng, found = arguments(case), np.random.default_rng(1), []
    for which, array in enumerate(a.moving):
        direction = rng.standard_normal(array.shape)
        along = [direction if i == which else None for i in range(len(a.moving))]
        found.append((direction, reference.complex_step(loss_of(case), a.moving, along)))
    return found


@cache
def gradients(case):
    """The whole gradient, element by element: for small shapes."""
    a = arguments(case)
    return [reference.gradient(loss_of(case), a.moving, i) for i in range(len(a.moving))]


def typed(case, dtype):
    """The arguments of a case in a number type."""
    a = arguments(case)

    def cast(arrays):
        return tuple(None if v is None else v.astype(dtype) for v in arrays)

    options = {k: v if k == "mask" else v.astype(dtype) for k, v in a.options.items()}
    return SimpleNamespace(
        x=a.x.astype(dtype),
        weights=cast(a.weights),
        states=cast(a.states),
        options={"zero_masked": case.zero_masked, **options},
        dy=a.dy.astype(dtype),
        dstates=cast(a.dstates),
    )


def pack(case, a):
    """The weights of a case as the core reads them."""
    return _core.pack(_core.Cell(**said_of(case.cell)), a.weights)


def forward_backward(packed, a, *, sequences=True, threads=0, need_dx=True):
    """Outputs (y, *states) of the core, and the gradients in the order of ``moving``."""
    y, states, tape = _core.forward(
        packed, a.x, a.states, sequences=sequences, training=True, threads=threads, **a.options
    )
    outputs = [y.copy(), *states]
    grads = tuple(None if w is None else np.zeros_like(w) for w in a.weights)
    dx, dstates = _core.backward(
        packed, a.x, tape, a.dy, a.dstates, grads=grads, need_dx=need_dx, threads=threads
    )
    return outputs, [dx, *[g for g in grads if g is not None], *dstates]


def answer(case, dtype, threads=0):
    """What the core says about a case: outputs and gradients."""
    a = typed(case, dtype)
    return forward_backward(pack(case, a), a, sequences=case.sequences, threads=threads)


def changed(a, **changes):
    """The arguments with some replaced."""
    return SimpleNamespace(**{**vars(a), **changes})


def tolerance(case, dtype, backward=False):
    """The one rule: rounding of a sum of so many terms over so many steps, relative to the norm."""
    T, _, I, H = case.shape
    terms = I + H + case.cell.projection + (3 * H if case.cell.variant == "FGR" else 0)
    rounding = math.ceil(math.log2(terms * T + 1)) * np.finfo(dtype).eps
    if case.cell.layer_norm:  # what is left of a sum beside its mean is divided by its spread
        rounding *= 1 / math.sqrt(case.cell.epsilon) if H == 1 else 4
    return 4 * (2 if backward else 1) * rounding


def size_of(a):
    """The norm of an array, or if larger, for sums that cancel, that of numbers of 0.3."""
    return max(np.linalg.norm(a), 0.3 * math.sqrt(a.size))


def close(got, want, tol, what=""):
    """The distance of two arrays is within tol of the size of the wanted one."""
    got, want = np.asarray(got, np.float64), np.asarray(want, np.float64)
    assert got.shape == want.shape, what
    off = np.linalg.norm(got - want) / size_of(want)
    assert off <= tol, f"{what}: off by {off:.3g}, not {tol:.3g}"


def check(case, dtype):
    """The core is right about a case: outputs, and every gradient along a direction."""
    outputs, got = answer(case, dtype)
    for name, a, w in zip(("y", "h", "c", "gates"), outputs, truth(case), strict=False):
        close(a, w, tolerance(case, dtype), name)
    names, tol = arguments(case).names, tolerance(case, dtype, backward=True)
    for name, gradient, (direction, slope) in zip(names, got, slopes(case), strict=True):
        assert gradient.shape == direction.shape, name
        gradient = gradient.astype(np.float64)
        off = abs((gradient * direction).sum() - slope)
        off /= size_of(gradient) * np.linalg.norm(direction)
        assert off <= tol, f"gradient of {name}: off by {off:.3g}, not {tol:.3g}"


def equal(one, other):
    """Two lists of arrays are the same to the last bit."""
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a, b)
