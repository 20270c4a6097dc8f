"""Keras's module of policies: configs, and names that are not here."""

import pytest

import lstmcore
from lstmcore import dtype_policies
from lstmcore.config import DTypePolicy


def test_names_are_those_of_the_package():
    assert dtype_policies.DTypePolicy is lstmcore.DTypePolicy is DTypePolicy
    assert dtype_policies.FloatDTypePolicy is lstmcore.FloatDTypePolicy is DTypePolicy


@pytest.mark.parametrize("name", ["float32", "mixed_bfloat16"])
def test_configs_give_equal_policies(name, with_products):
    policy = DTypePolicy(name)
    made = dtype_policies.serialize(policy)
    assert made == {"class_name": "DTypePolicy", "config": {"name": name}}
    assert dtype_policies.deserialize(made) == dtype_policies.get(made) == policy
    described = lstmcore.saving.serialize_keras_object(policy)
    assert lstmcore.saving.deserialize_keras_object(described) == policy


def test_names_of_keras_that_are_not_here():
    with pytest.raises(AttributeError, match="policies say how layers are trained"):
        _ = dtype_policies.QuantizedDTypePolicy
    with pytest.raises(ImportError, match="each layer has its own policy"):
        exec("from lstmcore.dtype_policies import DTypePolicyMap")
