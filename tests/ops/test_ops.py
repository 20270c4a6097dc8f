"""Every op against NumPy, and its derivatives against numeric ones, in both types."""

import warnings

import numpy as np
import pytest

import lstmcore.ops as ops
from lstmcore.autodiff.boxes import unboxed
from lstmcore.autodiff.tape import Tape
from lstmcore.structure import flatten, map_structure
from tests.support.op_cases import CASES

NOT_CASES = {"ctc_decode", "custom_gradient"}  # see test_ctc.py, test_operation.py


def is_real(leaf):
    return isinstance(leaf, np.ndarray | np.generic) and leaf.dtype.kind == "f"


def compute(case, args):
    return flatten(getattr(ops, case.name)(*args, **case.kwargs))


def test_every_op_has_a_case():
    assert {c.name for c in CASES} | NOT_CASES == set(ops.__all__)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_value(case):
    for dtype, tolerance in (("float64", 1e-11), ("float32", 3e-5)):
        args = case.of_type(dtype)
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # NumPy warns of means of nothing
            right, found = case.expected(args), compute(case, args)
        assert len(found) == len(right)
        for y, wanted in zip(found, right, strict=True):
            if wanted is None or isinstance(wanted, str):
                assert y == wanted
                continue
            assert np.shape(y) == np.shape(wanted)
            if isinstance(wanted, np.ndarray | np.generic):
                assert isinstance(y, np.ndarray | np.generic | bool)
                if isinstance(y, np.ndarray | np.generic):
                    assert y.dtype == wanted.dtype
            size = np.abs(np.where(np.isfinite(wanted), wanted, 0)).max(initial=1)
            np.testing.assert_allclose(y, wanted, rtol=tolerance, atol=tolerance * size)


def gradients(case, args, weights):
    """The value and the derivatives of a weighted sum of the results, by the tape."""
    tape, boxes = Tape(), []

    def watched(leaf):
        if is_real(leaf):
            boxes.append(tape.watch(leaf))
            return boxes[-1]
        return leaf

    with tape:
        found = compute(case, map_structure(watched, args))
    real = [y for y in found if is_real(unboxed(y))]
    pairs = list(zip(real, weights(real), strict=True))
    result = tape.backward(pairs)
    zeros = [result.of(box) for box in boxes]
    return [np.zeros_like(b._value) if g is None else g for g, b in zip(zeros, boxes, strict=True)]


def directions(x):
    """The directions to derive along: of each number, or of many numbers some at random."""
    if x.size <= 12:
        return np.eye(x.size).reshape(-1, *x.shape)
    return np.random.default_rng(x.size).standard_normal((5, *x.shape))


def numeric(case, args, weights, x, direction, eps=1e-6):
    """The derivative along a direction of the same sum, by a central difference in float64."""

    def value():
        real = [y for y in compute(case, args) if is_real(y)]
        return sum(float((w * y).sum()) for y, w in zip(real, weights(real), strict=True))

    before = x.copy()
    x += eps * direction
    high = value()
    x[...] = before - eps * direction
    low = value()
    x[...] = before
    return (high - low) / (2 * eps)


def weights_for(real):
    rng = np.random.default_rng(5)
    return [rng.standard_normal(np.shape(unboxed(y))) for y in real]


@pytest.mark.parametrize("case", [c for c in CASES if c.derived], ids=str)
def test_derivative(case):
    args = map_structure(lambda leaf: leaf.copy() if is_real(leaf) else leaf, list(case.args))
    arrays = [leaf for leaf in flatten(args) if is_real(leaf)]
    found = gradients(case, args, weights_for)
    single = gradients(case, case.of_type("float32"), weights_for)
    for k, (x, dx, dx32) in enumerate(zip(arrays, found, single, strict=True)):
        if case.only is not None and k not in case.only:
            continue
        assert np.shape(dx) == np.shape(dx32) == x.shape
        size = np.abs(dx).max(initial=1)
        for direction in directions(x):
            right = numeric(case, args, weights_for, x, direction)
            np.testing.assert_allclose((dx * direction).sum(), right, atol=case.tolerance * size)
        np.testing.assert_allclose(dx32, dx, atol=2e-4 * size)
        assert np.asarray(dx32).dtype == np.float32
