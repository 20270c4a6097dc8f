"""Keras's older names of policies."""

import pytest

from lstmcore import config, layers, mixed_precision

pytestmark = pytest.mark.usefixtures("default_settings")


def test_the_global_policy_is_that_of_new_layers(with_products):
    mixed_precision.set_global_policy("mixed_bfloat16")
    assert mixed_precision.global_policy() == mixed_precision.Policy("mixed_bfloat16")
    assert config.dtype_policy() == mixed_precision.dtype_policy() == layers.LSTM(2).dtype_policy
    mixed_precision.set_dtype_policy(mixed_precision.DTypePolicy("float32"))
    assert layers.LSTM(2).compute_dtype == "float32"


def test_no_loss_is_scaled():
    with pytest.raises(AttributeError, match="no loss is scaled"):
        _ = mixed_precision.LossScaleOptimizer
