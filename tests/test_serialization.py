"""Names of users' own classes and functions."""

import numpy as np
import pytest

from lstmcore import initializers, utils
from lstmcore.registry import Registry
from lstmcore.serialization import Configurable, to_json


@pytest.fixture
def names():
    """The names that users have added, as they were before when the test is over."""
    known = utils.get_custom_objects()
    before = dict(known)
    yield known
    known.clear()
    known.update(before)


def test_registered_names(names):
    @utils.register_keras_serializable("mine", "Third")
    class Thirds(initializers.Initializer):
        def __call__(self, shape, dtype="float32"):
            return np.full(shape, 1 / 3, dtype)

    for name in ("Thirds", "Third", "mine>Third", to_json(Thirds())):
        assert isinstance(initializers.get(name), Thirds)
    assert utils.get_registered_name(Thirds) == "mine>Third"
    assert utils.get_registered_object("mine>Third") is Thirds
    assert utils.get_registered_name(Configurable) == "Configurable"
    assert utils.get_registered_object("nothing") is None
    assert names["mine>Third"] is Thirds


def test_names_for_a_while(names):
    registry = Registry("thing")
    with utils.custom_object_scope({"a": 1}):
        assert registry.find("a") == 1
        assert utils.get_registered_object("a") == 1
    with pytest.raises(ValueError, match="unknown thing 'a'"):
        registry.find("a")
    names["a"] = 2
    assert registry.find("a") == 2


def test_users_names_do_not_replace_ours(names):
    names["zeros"] = initializers.Ones
    assert isinstance(initializers.get("zeros"), initializers.Zeros)
