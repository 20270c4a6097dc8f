"""Losses and metrics: what is lacking is refused, aliases, and what all have in common."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lstmcore import losses, metrics

# What Keras has and this library does not: metrics of images.
LACKING = {"IoU", "BinaryIoU", "MeanIoU", "OneHotIoU", "OneHotMeanIoU"}


@pytest.mark.parametrize("kind", [losses, metrics], ids=["losses", "metrics"])
def test_what_is_lacking_is_refused_by_name(kind):
    for name in LACKING:
        with pytest.raises(ValueError, match=f"unknown .* '{name}'"):
            kind.get(name)
    assert kind.get("mse").get_config() == kind.get("MSE").get_config()


@pytest.mark.parametrize("alias", ["mse", "mae", "mape", "msle", "bce", "kld"])
def test_aliases(alias):
    for name in (alias, alias.upper()):
        assert losses.get(name).name == losses.get(getattr(losses, name)).name


SMOOTH = ["MSE", "Huber", "LogCosh", "SquaredHinge", "GaussianNLL"]
numbers = arrays(np.float64, (4, 2), elements=st.floats(-5, 5, allow_subnormal=False))


@pytest.mark.parametrize("name", SMOOTH)
@given(y=numbers, p=numbers, weight=arrays(np.float64, 4, elements=st.floats(0.1, 3)))
def test_a_step_against_the_gradient_lowers_the_loss_or_it_is_flat(name, y, p, weight):
    loss = losses.get(name)
    y = loss.align(y if name != "GaussianNLL" else y[:, :1], p.shape, p.dtype)
    value, grad = loss.forward(y, p, weight)
    size = float((grad * grad).sum())
    if size > 1e-6:
        steps = [1e-3, 1e-4, 1e-5, 1e-6, 1e-7]
        assert min(loss.forward(y, p - s * grad, weight, False)[0] for s in steps) < value
