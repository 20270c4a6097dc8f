"""Questions about dtypes and symbolic tensors."""

import numpy as np
import pytest

import lstmcore
from lstmcore.utils import is_keras_tensor, standardize_dtype


def test_symbolic_tensors():
    inputs = lstmcore.Input((3,))
    assert is_keras_tensor(inputs)
    assert is_keras_tensor(lstmcore.layers.Dense(1)(inputs))
    assert not is_keras_tensor(np.ones(3))
    assert isinstance(inputs, lstmcore.KerasTensor)


@pytest.mark.parametrize(
    ("given", "name"),
    [
        (None, "float32"),
        (float, "float32"),
        (int, "int32"),
        (bool, "bool"),
        (str, "string"),
        ("string", "string"),
        ("bfloat16", "bfloat16"),
        ("float64", "float64"),
        (np.float64, "float64"),
        (np.dtype("i8"), "int64"),
        (np.array(["a"]).dtype, "string"),
        (lstmcore.config.DTypePolicy("float64"), "float64"),
    ],
)
def test_names_of_dtypes(given, name):
    assert standardize_dtype(given) == name


def test_what_is_no_dtype_is_refused():
    with pytest.raises(ValueError, match=r"standardize_dtype: dtype: expected a dtype, got 'flt'"):
        standardize_dtype("flt")
