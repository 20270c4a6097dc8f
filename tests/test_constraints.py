"""Constraints: Keras's numbers, names, errors."""

import json

import numpy as np
import pytest
from formulas import wave32
from helpers import numbers
from keras_numbers import agree, case_name, keras_numbers

from lstmcore import constraints

KERAS = keras_numbers("regularizers")
CONSTRAINED = [c for c in KERAS["cases"] if c["kind"] == "constraint"]


@pytest.mark.parametrize("case", CONSTRAINED, ids=case_name)
def test_constraints_are_keras(case, dtype):
    made = getattr(constraints, case["name"])(**case["options"])
    w = wave32(case["shape"], 1.3).astype(dtype)
    before = w.copy()
    out = made(w)
    assert out.dtype == dtype
    agree(out, np.reshape(case["out"], w.shape), dtype)
    np.testing.assert_array_equal(w, before)


def test_lengths_are_what_they_should_be():
    w = 3 * numbers(6, 5)
    lengths = np.linalg.norm(constraints.MaxNorm(2)(w), axis=0)
    np.testing.assert_allclose(lengths, np.minimum(np.linalg.norm(w, axis=0), 2), rtol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(constraints.UnitNorm(1)(w), axis=1), 1, rtol=1e-6)
    np.testing.assert_array_equal(constraints.NonNeg()(w), np.where(w > 0, w, 0))
    assert not constraints.UnitNorm()(np.zeros((3, 2))).any()


def clip(w):
    return np.clip(w, -1, 1)


def test_names_of_constraints():
    for name in ("max_norm", "MaxNorm", "min_max_norm", "non_neg", "unit_norm", "Constraint"):
        made = constraints.get(name)
        again = constraints.get(json.loads(json.dumps(constraints.serialize(made))))
        assert type(again) is type(made)
        assert again.get_config() == made.get_config()
    assert constraints.get(None) is None
    assert constraints.get(constraints.MaxNorm).max_value == 2
    assert constraints.get(clip) is clip
    assert constraints.deserialize(constraints.serialize(clip), {"clip": clip}) is clip
    w = numbers(3)
    assert constraints.Constraint()(w) is w


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: constraints.get("maxnrm"), ValueError, "did you mean 'MaxNorm'"),
        (lambda: constraints.MaxNorm(maxvalue=1), TypeError, "did you mean 'max_value'"),
        (lambda: constraints.MaxNorm(axis=2)(np.ones((2, 2))), ValueError, "axis: 2 is no axis of"),
        (lambda: constraints.get(3), TypeError, "expected a constraint"),
    ],
)
def test_constraint_errors(call, error, message):
    with pytest.raises(error, match=message):
        call()
