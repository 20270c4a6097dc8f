"""Keras's ops are here, with its arguments, types of results, and numbers.

What Keras has is frozen in tests/keras/data/keras_ops.json.
"""

import importlib
import inspect

import numpy as np
import pytest
from keras_numbers import keras_numbers

import lstmcore.ops as ops

KERAS = keras_numbers("ops")
LEFT_OUT = {
    *("depth_to_space", "space_to_depth", "fold", "unfold", "psnr"),  # images
    *("jvp", "polar", "rearrange", "vectorize"),
}
ARRAYS = {
    "f": np.array([1.0, 2.0], "float32"),
    "f3": np.array([1.0, 2.0, 3.0], "float32"),
    "i": np.array([1, 2], "int32"),
    "b": np.array([True, False]),
    "u": np.array([1, 2], "uint8"),
}


def test_all_ops_but_a_few_are_here():
    assert set(KERAS["arguments"]) - set(ops.__all__) == LEFT_OUT
    assert set(ops.__all__) <= set(KERAS["arguments"])


def default_of(value):
    """As tests/keras/make_keras_ops.py writes it."""
    return [default_of(v) for v in value] if isinstance(value, tuple | list) else value


@pytest.mark.parametrize("name", sorted(set(KERAS["arguments"]) - LEFT_OUT))
def test_arguments(name):
    kinds = {"POSITIONAL_OR_KEYWORD": "=", "KEYWORD_ONLY": "*"}
    ours = [
        [p.name, kinds[p.kind.name]] + ([] if p.default is p.empty else [default_of(p.default)])
        for p in inspect.signature(getattr(ops, name)).parameters.values()
        if p.kind.name in kinds
    ]
    assert ours == KERAS["arguments"][name]


@pytest.mark.parametrize("module", KERAS["modules"])
def test_modules(module):
    ours = importlib.import_module(f"lstmcore.ops.{module}")
    for name in set(KERAS["modules"][module]) - LEFT_OUT:
        assert getattr(ours, name) is getattr(ops, name), name


@pytest.mark.parametrize("text", KERAS["types"])
def test_types(text):
    with np.errstate(all="ignore"):
        result = eval(f"ops.{text}", {"ops": ops, **ARRAYS})
    first = result[0] if isinstance(result, tuple | list) else result
    assert str(np.asarray(first).dtype) == KERAS["types"][text]


def arrays(value):
    if isinstance(value, dict):
        return np.array(value["values"], value["dtype"])
    return [arrays(v) for v in value] if isinstance(value, list) else value


@pytest.mark.parametrize("case", KERAS["numbers"], ids=lambda case: f"{case[0]}-{case[2]}")
def test_numbers(case):
    name, args, kwargs, right = case
    y = getattr(ops, name)(*arrays(args), **kwargs)
    parts = y if isinstance(y, tuple | list) else [y]
    assert len(parts) == len(right)
    for part, wanted in zip(parts, right, strict=True):
        np.testing.assert_allclose(part, wanted, rtol=2e-5, atol=2e-5)
