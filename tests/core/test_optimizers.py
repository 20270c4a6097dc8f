"""The core's optimizer steps against the formulas in NumPy, and its test for NaN and infinities."""

import numpy as np
import pytest
from core_cases import close

from lstmcore import _core

RATE, DECAY, EPSILON = 0.1, 0.02, 1e-3  # an epsilon that counts
BETAS = {"beta_1": 0.8, "beta_2": 0.9, "epsilon": EPSILON}


def sgd(g, s, t):
    s[0] = 0.9 * s[0] - RATE * g
    return -s[0]


def nesterov(g, s, t):
    s[0] = 0.9 * s[0] - RATE * g
    return RATE * g - 0.9 * s[0]


def rmsprop(g, s, t):
    s[0] = 0.8 * s[0] + 0.2 * g * g
    return RATE * g / np.sqrt(s[0] + EPSILON)


def rmsprop_centred(g, s, t):
    s[0] = 0.8 * s[0] + 0.2 * g * g
    s[1] = 0.8 * s[1] + 0.2 * g
    s[2] = 0.5 * s[2] + RATE * g / np.sqrt(s[0] - s[1] ** 2 + EPSILON)
    return s[2]


def adam_means(g, s):
    s[0] += (g - s[0]) * (1 - 0.8)
    s[1] += (g * g - s[1]) * (1 - 0.9)


def adam(g, s, t):
    adam_means(g, s)
    return RATE * s[0] / (1 - 0.8**t) * np.sqrt(1 - 0.9**t) / (np.sqrt(s[1]) + EPSILON)


def amsgrad(g, s, t):
    adam_means(g, s)
    s[2] = np.maximum(s[1], s[2])
    return RATE * s[0] / (1 - 0.8**t) * np.sqrt(1 - 0.9**t) / (np.sqrt(s[2]) + EPSILON)


def adamax(g, s, t):
    s[0] += (g - s[0]) * (1 - 0.8)
    s[1] = np.maximum(0.9 * s[1], np.abs(g))
    return RATE * s[0] / ((1 - 0.8**t) * (s[1] + EPSILON))


def mu(t):
    return 0.8 * (1 - 0.5 * 0.96**t)


def mus(t):
    return {"mu": mu(t), "next_mu": mu(t + 1), "product": np.prod(mu(np.arange(1, t + 1)))}


def nadam(g, s, t):
    adam_means(g, s)
    product = mus(t)["product"]
    mean = mu(t + 1) * s[0] / (1 - product * mu(t + 1)) + (1 - mu(t)) * g / (1 - product)
    return RATE * mean / (np.sqrt(s[1] / (1 - 0.9**t)) + EPSILON)


def adagrad(g, s, t):
    s[0] += g * g
    return RATE * g / np.sqrt(s[0] + EPSILON)


def adadelta(g, s, t):
    s[0] = 0.8 * s[0] + 0.2 * g * g
    step = np.sqrt(s[1] + EPSILON) * g / np.sqrt(s[0] + EPSILON)
    s[1] = 0.8 * s[1] + 0.2 * step * step
    return RATE * step


def lion(g, s, t):
    step = RATE * np.sign(0.8 * s[0] + (1 - 0.8) * g)
    s[0] = 0.9 * s[0] + (1 - 0.9) * g
    return step


CASES = [  # the core's name, the formula, how many slots, what it reads
    ("sgd", lambda g, s, t: RATE * g, 0, {}),
    ("sgd", sgd, 1, {"momentum": 0.9}),
    ("sgd", nesterov, 1, {"momentum": 0.9, "nesterov": True}),
    ("rmsprop", rmsprop, 1, {"rho": 0.8, "epsilon": EPSILON}),
    ("rmsprop", rmsprop_centred, 3, {"rho": 0.8, "epsilon": EPSILON, "momentum": 0.5}),
    ("adam", adam, 2, BETAS),
    ("adam", amsgrad, 3, BETAS),
    ("adamax", adamax, 2, BETAS),
    ("nadam", nadam, 2, BETAS),
    ("adagrad", adagrad, 1, {"epsilon": EPSILON}),
    ("adadelta", adadelta, 2, {"rho": 0.8, "epsilon": EPSILON}),
    ("lion", lion, 1, {"beta_1": 0.8, "beta_2": 0.9}),
]


@pytest.fixture(params=[1, 2, 3])
def threads(request):
    """Run the test once for each size of the team."""
    _core.set_num_threads(request.param)
    yield request.param
    _core.set_num_threads(None)


@pytest.mark.parametrize("case", CASES, ids=[f"{c[0]}-{c[1].__name__}" for c in CASES])
@pytest.mark.parametrize("decay", [0.0, DECAY])
@pytest.mark.parametrize("n", [1, 1037])
def test_steps(isa, dtype, n, decay, case):
    name, formula, count, reads = case
    rng = np.random.default_rng(3)
    p = rng.standard_normal(n).astype(dtype)
    wanted, truth = p.astype(np.float64), np.zeros((count, n))
    slots = tuple(np.zeros(n, dtype) for _ in range(count))
    for t in range(1, 7):
        g = (rng.standard_normal(n) * (0.1 if t == 5 else 1)).astype(dtype)
        before = g.copy()
        more = mus(t) if name == "nadam" else {}
        _core.optimize(name, p, g, slots, RATE, decay, step=t, **reads, **more)
        wanted = wanted - decay * wanted - formula(g.astype(np.float64), truth, t)
        np.testing.assert_array_equal(g, before)
    close(p, wanted, 30 * np.finfo(dtype).eps)
    for slot, right in zip(slots, truth, strict=True):
        close(slot, right, 30 * np.finfo(dtype).eps)


@pytest.mark.parametrize("name", ["sgd", "rmsprop", "adam", "adadelta", "lion"])
def test_threads_take_a_part_each(threads, dtype, name):
    """An array that is worth a team of three: each element as in a call of its own."""
    n, part = 1_300_001, slice(900_000, 900_100)
    rng = np.random.default_rng(1)
    p, g, *slots = (rng.random(n).astype(dtype) for _ in range(5))
    alone = [a[part].copy() for a in (p, g, *slots)]
    reads = {"beta_1": 0.9, "beta_2": 0.99, "rho": 0.9, "momentum": 0.9, "epsilon": 1e-7}
    last = [a[-1:].copy() for a in (p, g, *slots)]
    _core.optimize(name, p, g, tuple(slots), 0.1, 0.01, **reads)
    for at, (q, h, *own) in ((part, alone), (slice(-1, None), last)):
        _core.optimize(name, q, h, tuple(own), 0.1, 0.01, **reads)
        for a, b in zip((p, *slots), (q, *own), strict=True):
            np.testing.assert_allclose(a[at], b, rtol=4 * np.finfo(dtype).eps, atol=1e-12)


def test_a_small_decay_counts(isa):
    """1 - 1e-7 is no float32, but what 1000 such steps take off is."""
    p = np.full(100, 1.0, np.float32)
    for _ in range(1000):
        _core.optimize("sgd", p, np.zeros_like(p), (), 0.1, 1e-7)
    np.testing.assert_allclose(p, 1 - 1e-4, rtol=2.5e-5)


def test_lion_rests_on_zero_and_passes_nan_on(isa, dtype):
    p, m = np.ones(40, dtype), np.zeros(40, dtype)
    g = np.zeros(40, dtype)
    g[7] = np.nan
    _core.optimize("lion", p, g, (m,), 0.1, beta_1=0.9, beta_2=0.99)
    assert np.isnan(p[7])
    assert (np.delete(p, 7) == 1).all()


def test_optimize_refuses():
    p, g = np.zeros(5, np.float32), np.zeros(5, np.float32)
    fixed = p.copy()
    fixed.flags.writeable = False
    for call, error, message in [
        (lambda: _core.optimize("sdg", p, g, (), 0.1), ValueError, "name: expected one of sgd"),
        (lambda: _core.optimize("sgd", p, g[:4], (), 0.1), ValueError, "grad: expected shape"),
        (lambda: _core.optimize("sgd", fixed, g, (), 0.1), ValueError, "param: .* read-only"),
        (lambda: _core.optimize("sgd", p, g, (fixed,), 0.1), ValueError, r"slots\[0\]: .*read-o"),
        (lambda: _core.optimize("sgd", p, g, (p,) * 4, 0.1), ValueError, "slots: expected 3 at m"),
        (
            lambda: _core.optimize("adam", p, g, (p, g.astype(float)), 0.1),
            TypeError,
            r"slots\[1\]: expected float32",
        ),
        (
            lambda: _core.optimize("adam", p, g, (p, p), 0.1, step=0),
            ValueError,
            "step: expected 1 or more",
        ),
    ]:
        with pytest.raises(error, match=message):
            call()


@pytest.mark.parametrize(
    ("name", "count"), {case[0]: case[2] for case in CASES[::-1] if case[2]}.items()
)
def test_a_missing_slot_is_refused(name, count):
    needed = {"rmsprop": 1, "adam": 2, "sgd": 0}.get(name, count)
    p = np.zeros(5)
    for there in range(needed):
        with pytest.raises(ValueError, match="NULL"):
            _core.optimize(name, p, p.copy(), (p.copy(),) * there, 0.1)
    _core.optimize(name, p, p.copy(), tuple(p.copy() for _ in range(needed)), 0.1, epsilon=1)


@pytest.mark.parametrize("n", [*range(1, 70), 1000])
def test_finite_finds_every_place(isa, dtype, n):
    x = np.full(n + 2, np.nan, dtype)  # what lies beyond the ends is not looked at
    inner = x[1:-1]
    inner[:] = np.resize([1.5, -np.finfo(dtype).max, 0, np.finfo(dtype).tiny / 2], n)
    assert _core.finite(inner)
    for bad in (np.nan, np.inf, -np.inf):
        for i in range(n) if n < 70 else (0, 499, n - 1):
            before, inner[i] = inner[i], bad
            assert not _core.finite(inner), (bad, i)
            inner[i] = before


def test_finite_by_several_threads(threads):
    x = np.zeros(2_000_001, np.float32)
    assert _core.finite(x)
    for i in (0, 1_000_000, 2_000_000):
        x[i] = np.nan
        assert not _core.finite(x)
        x[i] = 0


def test_finite_of_other_shapes():
    x = np.zeros((3, 4, 5))
    assert _core.finite(x)
    assert _core.finite(np.zeros(0, np.float32))
    assert _core.finite(np.array(1.0))
    x[2, 3, 4] = np.inf
    assert not _core.finite(x)
    for wrong, message in [
        ([1.0], "x: expected a NumPy array"),
        (None, "x: expected a NumPy array"),
        (np.zeros(3, int), "x: expected float32 or float64"),
        (x[:, ::2], "x: expected a C-contiguous"),
    ]:
        with pytest.raises((TypeError, ValueError), match=message):
            _core.finite(wrong)
