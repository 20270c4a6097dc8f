"""Keras on JAX that computes in float64: import this before anything of Keras."""

import os

os.environ["KERAS_BACKEND"] = "jax"

import jax

jax.config.update("jax_enable_x64", True)

import keras
from keras.src import backend
from keras.src.backend.common import dtypes

keras.config.set_floatx("float64")

_result_type = dtypes.result_type


def _float64_stays(*types):
    """Keras's own rule makes float32 of a float64 array beside a Python float: in tanh, say."""
    return "float64" if "float64" in map(str, types) else _result_type(*types)


dtypes.result_type = _float64_stays
backend.result_type = _float64_stays  # normalizations ask it here
