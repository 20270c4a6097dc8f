"""Attention in the core against the truth: masks, dropout, both kinds of scores, all gradients."""

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pytest

from lstmcore import _core, num_threads
from lstmcore.reference import complex_step
from lstmcore.reference.attention import attention, attention_scores, masked_softmax

fenced = pytest.mark.usefixtures("fenced")


@dataclass(frozen=True)
class Case:
    """What attention is asked for, with numbers that follow from it."""

    shape: tuple[int, ...]  # B, T, S, heads, key heads, F, V
    additive: bool = False
    causal: bool = False
    window: int | None = None
    masks: str = ""  # k: of keys, q: of queries, p: of pairs, h: of keys, for each head
    dropout: bool = False
    dropped: bool = False

    def __str__(self):
        said = [
            name for name in ("additive", "causal", "dropout", "dropped") if getattr(self, name)
        ]
        return "-".join(["x".join(map(str, self.shape)), *said, f"{self.window}{self.masks}"])

    def random(self, salt):
        return np.random.default_rng([salt, *self.shape])

    def inputs(self):
        """Query, key, value, weights or None, scale."""
        B, T, S, H, K, F, V = self.shape
        rng = self.random(0)
        q, k, v = (rng.standard_normal(s) for s in ((B, T, H, F), (B, S, K, F), (B, S, K, V)))
        return [q, k, v, rng.standard_normal(F) if self.additive else None, np.array(0.7)]

    def gradients_in(self):
        """The gradients of y and of the scores."""
        B, T, S, H, _, _, V = self.shape
        rng = self.random(1)
        return rng.standard_normal((B, T, H, V)), rng.standard_normal((B, H, T, S))

    def seen(self):
        B, T, S, H, *_ = self.shape
        shapes = {"k": (B, 1, 1, S), "q": (B, 1, T, 1), "p": (B, H, T, S), "h": (1, H, 1, S)}
        rng = self.random(2)
        return tuple(rng.random(shapes[which]) < 0.7 for which in self.masks)

    def whole(self):
        """The one mask of all scores."""
        B, T, S, H, *_ = self.shape
        whole = np.ones((B, H, T, S), bool)
        for mask in self.seen():
            whole &= mask
        if self.causal:
            whole &= np.tri(T, S, dtype=bool)
        if self.window is not None:
            whole &= np.abs(np.arange(T)[:, None] - np.arange(S)) < self.window
        return whole

    def factors(self):
        B, T, S, H, *_ = self.shape
        return (self.random(3).random((B, H, T, S)) < 0.8) / 0.8 if self.dropout else None

    def truth(self, q, k, v, w, scale):
        """Output and scores."""
        factors = 1.0 if self.factors() is None else self.factors()
        y, used = attention(q, k, v, weights=w, scale=scale, seen=self.whole(), factors=factors)
        return y, used * factors if self.dropped else used

    def loss(self, *inputs):
        (y, used), (dy, dused) = self.truth(*inputs), self.gradients_in()
        return (y * dy).sum() + (used * dused).sum()


def typed(x, dtype):
    return None if x is None else np.ascontiguousarray(x, dtype)


def run(case, dtype, inputs=None, threads=1, scores=True, seen=None, rows=slice(None)):
    """What the core makes of a case: y, scores, dq, dk, dv, dw or None, dscale."""
    q, k, v, w, scale = case.inputs() if inputs is None else inputs
    dy, dused = (typed(d[rows], dtype) for d in case.gradients_in())
    factors = case.factors()
    y, used, tape = _core.attention_forward(
        *(typed(x[rows], dtype) for x in (q, k, v)),
        weights=typed(w, dtype),
        scale=float(scale),
        seen=tuple(m[rows] for m in (case.seen() if seen is None else seen)),
        causal=case.causal,
        window=case.window,
        factors=None if factors is None else typed(factors[rows], dtype),
        dropped=case.dropped,
        scores=scores,
        training=True,
        threads=threads,
    )
    dw, dscale = None if w is None else np.zeros(w.shape, dtype), np.zeros((), dtype)
    dused = dused if scores else None
    grads = _core.attention_backward(tape, dy, dused, dweights=dw, dscale=dscale)
    return [y, used, *grads, dw, dscale]


@cache
def sizes(case):
    """How far rounding can take each result of `run`, in units of the last place of its terms.

    A score is a sum of F + 1 terms of this size, and an error of it goes into all weights; then
    come sums over values, features, keys and queries.
    """
    q, k, v, w, scale = map(abs, (x if x is not None else 0 for x in case.inputs()))
    B, T, S, H, K, F, V = case.shape
    serves = H // K
    k, v = np.repeat(k, serves, axis=2), np.repeat(v, serves, axis=2)
    scores = attention_scores(*case.inputs()[:2], *case.inputs()[3:]) if serves == 1 else None
    if scores is None:
        keys = np.repeat(case.inputs()[1], serves, axis=2)
        scores = attention_scores(case.inputs()[0], keys, *case.inputs()[3:])
    p = masked_softmax(scores, case.whole())
    factors = 1 if case.factors() is None else case.factors()
    used = p * factors
    dy, dused = map(abs, case.gradients_in())
    dused = dused * factors if case.dropped else dused
    dp = np.einsum("bthv,bshv->bhts", dy, v) * factors + dused
    ds = p * (dp + (p * dp).sum(-1, keepdims=True))
    inside = scale * (q[:, :, None] + k[:, None])  # B T S H F
    if case.additive:
        terms = (w * (1 + inside)).sum(-1).max()
        through = np.einsum("bhts,f->btshf", ds, w)
        dq, dk = scale * through.sum(2), scale * through.sum(1)
        dscale, dw = (through * inside / scale).sum(), np.einsum("bhts->", ds) * np.ones(F)
    else:
        terms = scale * np.einsum("bthf,bshf->bhts", q, k).max()
        dq = scale * np.einsum("bhts,bshf->bthf", ds, k)
        dk = scale * np.einsum("bhts,bthf->bshf", ds, q)
        dscale, dw = (ds * np.einsum("bthf,bshf->bhts", q, k)).sum(), None
    dv = np.einsum("bhts,bthv->bshv", used, dy)
    dk, dv = (d.reshape(B, S, K, serves, -1).sum(3) for d in (dk, dv))
    y = np.einsum("bhts,bshv->bthv", used, v)
    steps = 4 * (F + 8) * (1 + terms) + 2 * (S + T * serves + F + V)
    used = used if case.dropped else p
    return [None if x is None else steps * x for x in (y, used, dq, dk, dv, dw, dscale)]


def moved(case, i, way):
    """The derivative of the loss by input i, in a direction."""
    return complex_step(case.loss, case.inputs(), [way if j == i else None for j in range(5)])


@cache
def expected(case):
    """Output and scores, and for each input a direction and the derivative in it."""
    inputs, rng = case.inputs(), case.random(4)
    ways = [None if x is None else rng.standard_normal(x.shape) for x in inputs]
    found = [None if way is None else moved(case, i, way) for i, way in enumerate(ways)]
    return case.truth(*inputs), list(zip(ways, found, strict=True))


def check(case, dtype, threads=1):
    got, room, eps = run(case, dtype, threads=threads), sizes(case), np.finfo(dtype).eps
    outputs, directions = expected(case)
    for one, wanted, most in zip(got, outputs, room[:2], strict=False):
        assert (np.abs(one - wanted) <= eps * most).all()
    for name, d, most, (way, wanted) in zip("qkvws", got[2:], room[2:], directions, strict=True):
        if way is not None:
            assert abs((d * way).sum() - wanted) <= eps * (most * np.abs(way)).sum(), name


# one; more heads than keys'; more queries and keys than a tile and a panel; wide; four a key
SHAPES = [
    (1, 1, 1, 1, 1, 1, 1),
    (2, 3, 5, 2, 1, 4, 3),
    (1, 64, 66, 2, 2, 17, 33),
    (1, 20, 130, 1, 1, 64, 64),
    (2, 7, 18, 4, 1, 3, 20),
]
KINDS = [
    {},
    {"additive": True},
    {"causal": True, "masks": "k"},
    {"additive": True, "causal": True, "window": 3, "masks": "kq", "dropout": True},
    {"window": 4, "masks": "qp", "dropout": True, "dropped": True},
    {"causal": True, "window": 2, "masks": "kqp"},
    {"additive": True, "masks": "ph", "dropout": True, "dropped": True},
]
CASES = [Case(shape, **kind) for shape in SHAPES for kind in KINDS]


@fenced
@pytest.mark.parametrize("case", CASES, ids=str)
def test_attention(isa, dtype, case):
    check(case, dtype)


@fenced
@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_gradient_of_every_element(isa, dtype, kind):
    case, eps = Case((1, 3, 4, 2, 1, 2, 3), **kind), np.finfo(dtype).eps
    for i, (wanted, d, most) in enumerate(
        zip(every_derivative(case), run(case, dtype)[2:], sizes(case)[2:], strict=True)
    ):
        if wanted is not None:
            assert (np.abs(d - wanted) <= eps * most).all(), "qkvws"[i]


@cache
def every_derivative(case):
    found = []
    for i, x in enumerate(case.inputs()):
        found.append(None if x is None else np.zeros(x.shape))
        for at in np.ndindex(() if x is None else x.shape):
            if x is not None:
                way = np.zeros(x.shape)
                way[at] = 1
                found[i][at] = moved(case, i, way)
    return found


# -- what must not change a bit ----------------------------------------------------------------

LARGE = [  # enough work for three threads; fewer items than those, and more
    Case((1, 100, 150, 1, 1, 64, 70), causal=True, masks="k"),
    Case((2, 61, 150, 4, 1, 64, 40), window=50, masks="p"),
    Case((5, 50, 90, 1, 1, 64, 64), masks="q"),
    Case((1, 61, 333, 1, 1, 24, 40), additive=True, masks="kp"),
]


def same(one, other):
    for a, b in zip(one, other, strict=True):
        assert (a is None and b is None) or a.tobytes() == b.tobytes()


@fenced
@pytest.mark.parametrize("case", LARGE, ids=str)
def test_threads_do_not_change_a_bit(isa, dtype, case):
    with num_threads(3):
        alone = run(case, dtype)
        for threads in (2, 3):
            same(run(case, dtype, threads=threads), alone)


def test_parts_of_a_sample_by_threads_are_right(isa, dtype):
    with num_threads(3):
        check(replace(LARGE[0], shape=(1, 80, 150, 1, 1, 64, 70)), dtype, threads=3)


@pytest.mark.parametrize("case", [LARGE[1], LARGE[2]], ids=str)
def test_other_samples_do_not_change_a_bit(isa, dtype, case):
    whole = run(case, dtype)[:5]
    same([x[1:2] for x in whole], run(case, dtype, rows=slice(1, 2))[:5])


@pytest.mark.parametrize("kind", KINDS[:2], ids=str)
def test_padding_does_not_change_a_bit(isa, dtype, kind):
    """Keys that a mask hides are not there, wherever they stand."""
    case = Case((2, 9, 40, 1, 1, 20, 20), **kind)
    plain = run(case, dtype, scores=False)
    q, k, v, *rest = case.inputs()
    kept = np.sort(np.random.default_rng(0).permutation(61)[:40])
    padded = [np.full((2, 61, 1, 20), np.nan) for _ in range(2)]
    padded[0][:, kept], padded[1][:, kept] = k, v
    seen = np.zeros((2, 1, 1, 61), bool)
    seen[..., kept] = True
    got = run(case, dtype, [q, *padded, *rest], scores=False, seen=(seen,))
    hidden = np.delete(np.arange(61), kept)
    assert not got[3][:, hidden].any()
    assert not got[4][:, hidden].any()
    got[3:5] = [np.ascontiguousarray(d[:, kept]) for d in got[3:5]]
    same(got, plain)


@pytest.mark.parametrize("masks", ["k", "q", "p", "kqp"])
@pytest.mark.parametrize("additive", [False, True])
def test_what_is_hidden_does_not_matter(isa, dtype, additive, masks):
    """NaN included, also where only some queries, or heads, do not see it."""
    case = Case((2, 20, 37, 2, 2, 19, 23), additive=additive, causal=True, masks=masks)
    plain, whole, inputs = run(case, dtype), case.whole(), case.inputs()
    for nonsense in (np.nan, np.inf):
        q, k, v = (x.copy() for x in inputs[:3])
        blind = ~whole.any(-1).transpose(0, 2, 1)
        q[blind] = nonsense
        k[:, 12], v[:, 12] = nonsense, nonsense  # what some see: the queries from step 12 on
        got = run(case, dtype, [q, k, v, *inputs[3:]])
        for i in (0, 1, 2):
            axes = (0, 2, 1, 3) if i == 1 else (0, 1, 2, 3)
            one, other = got[i].transpose(axes)[:, :12], plain[i].transpose(axes)[:, :12]
            same([np.ascontiguousarray(one)], [np.ascontiguousarray(other)])
        seen_by = whole[..., 12].any((0, 1))
        assert not np.isfinite(got[0][:, seen_by]).all()  # and there it does


def test_a_query_that_sees_no_key_gets_zeros(isa, dtype):
    case = Case((2, 4, 5, 1, 1, 3, 3))
    nothing = np.zeros((2, 1, 1, 5), bool)
    nothing[1] = True
    for seen in ((nothing,), (np.broadcast_to(nothing, (2, 1, 4, 5)).copy(),)):
        y, used, *grads, _, _ = run(case, dtype, seen=seen)
        for part in (y[0], used[0], *(g[0] for g in grads)):
            assert not part.any()
        assert y[1].all()


def test_weights_of_large_scores(isa, dtype):
    case = Case((1, 3, 4, 1, 1, 2, 2))
    q, k, v, w, _ = case.inputs()
    y, used, *grads = run(case, dtype, [q, k, v, w, 3e4])
    np.testing.assert_array_equal(used.sum(-1), 1)
    assert all(np.isfinite(d).all() for d in (y, *grads[:3]))


# -- the binding -------------------------------------------------------------------------------


def test_arrays_of_three_axes_and_in_any_order(isa, dtype):
    case = Case((3, 5, 7, 1, 1, 4, 4), masks="k")
    q, k, v = (typed(x, dtype) for x in case.inputs()[:3])
    want = _core.attention_forward(q, k, v, seen=case.seen(), training=True)
    flat = [x[:, :, 0] for x in (q, k, v)]
    turned = [np.ascontiguousarray(x.swapaxes(0, 1)).swapaxes(0, 1) for x in flat]
    for parts in (flat, turned):
        y, _, tape = _core.attention_forward(*parts, seen=case.seen(), training=True)
        same([y], [want[0]])
        dq, dk, dv = _core.attention_backward(tape, turned[0])
        same([dq], [_core.attention_backward(want[2], q)[0]])
        one = _core.attention_backward(tape, flat[0], one_gradient=True)
        assert one[1] is one[2]
        np.testing.assert_allclose(one[1], dk + dv, rtol=1e-6)


def test_memory_is_for_a_block_of_scores():
    steps = 2000  # whose scores take 16 MB
    x = np.random.default_rng(0).standard_normal((1, steps, 8)).astype("float32")
    _core.trim()
    y, _, tape = _core.attention_forward(x, x, x, training=True)
    _core.attention_backward(tape, y)
    del tape
    assert 0 < _core.pooled_bytes() < 4 << 20
    _core.trim()


Q, K = np.zeros((2, 3, 4), np.float32), np.zeros((2, 5, 4), np.float32)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"query": Q[0]}, "query: expected an array of 3 or 4 dimensions"),
        ({"query": Q[:, :0]}, "query: expected no empty dimension"),
        ({"query": None}, "query: expected an array of 3 or 4 dimensions, got NoneType"),
        ({"key": K[:, :, :3].copy()}, r"key: expected shape \(2, 5, 4\), got \(2, 5, 3\)"),
        ({"key": K.astype(float)}, "key: expected float32"),
        ({"value": K[:, :4]}, r"value: expected shape \(2, 5, 4\), got \(2, 4, 4\)"),
        ({"value": K[:, :, ::2]}, "value: its last axis must be contiguous"),
        ({"weights": np.zeros(3, np.float32)}, "weights: expected shape"),
        ({"factors": np.zeros((2, 5, 3), np.float32)}, "factors: expected shape"),
        ({"window": 0}, "window: expected 1 or more, got 0"),
        ({"seen": (np.ones((2, 1, 1, 5)),)}, "seen: expected NumPy arrays of bool, got float64"),
        ({"seen": (np.ones((2, 5), bool),)}, "seen: expected shapes that can be broadcast to"),
        ({"seen": (np.ones((2, 1, 1, 4), bool),)}, "seen: expected shapes that can be broadcast"),
        ({"seen": (np.ones((2, 1, 1, 5), bool),) * 4}, "seen: expected 3 masks at most, got 4"),
    ],
)
def test_wrong_arrays_say_what_is_wrong(change, message):
    given = {"query": Q, "key": K, "value": K} | change
    with pytest.raises((TypeError, ValueError), match=message):
        _core.attention_forward(given.pop("query"), given.pop("key"), given.pop("value"), **given)


def test_heads_that_do_not_fit():
    x = np.zeros((2, 3, 4, 5), np.float32)
    with pytest.raises(ValueError, match="key: expected a divisor of 4 heads, got 3"):
        _core.attention_forward(x, x[:, :, :3], x[:, :, :3])


def test_wrong_gradients_say_what_is_wrong():
    y, _, tape = _core.attention_forward(Q, K, K[:, :, :2], training=True)
    for dy, options, message in (
        (Q, {}, r"dy: expected shape \(2, 3, 2\)"),
        (y, {"dscores": Q}, "dscores: expected shape"),
        (y, {"dweights": np.zeros(3, np.float32)}, "dweights: expected shape"),
        (y, {"one_gradient": True}, "one_gradient: expected as many features as values, 2, got 4"),
    ):
        with pytest.raises(ValueError, match=message):
            _core.attention_backward(tape, dy, **options)
