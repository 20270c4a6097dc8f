"""Keras 3 on JAX: keras.layers.LSTM as a compiled pure function."""

from __future__ import annotations

import os

os.environ["KERAS_BACKEND"] = "jax"
os.environ["JAX_PLATFORMS"] = "cpu"

import jax
import keras
import numpy as np

from benchmarks.harness.cases import Case
from benchmarks.harness.fit_models import keras_epoch
from benchmarks.workers.common import Task, serve


def build(case: Case) -> keras.Sequential:
    model = keras.Sequential([keras.Input((case.steps, case.inputs), case.batch)])
    for _ in range(case.layers):
        layer = keras.layers.LSTM(case.hidden, return_sequences=True)
        model.add(keras.layers.Bidirectional(layer) if case.bidirectional else layer)
    model.set_weights([array for weights in case.weights() for array in weights])
    return model


def set_up(case: Case, training: bool, threads: int) -> Task:
    # JAX has no setting for its threads: it uses as many as the process has cores.
    model = build(case)
    x, dy = jax.numpy.asarray(case.x()), jax.numpy.asarray(case.dy())
    weights = [variable.value for variable in model.trainable_variables]
    state = [variable.value for variable in model.non_trainable_variables]

    def forward(weights: list[jax.Array], x: jax.Array) -> jax.Array:
        return model.stateless_call(weights, state, x, training=training)[0]

    def gradients(
        weights: list[jax.Array], x: jax.Array, dy: jax.Array
    ) -> tuple[list[jax.Array], jax.Array]:
        return jax.vjp(forward, weights, x)[1](dy)

    if training:
        compiled = jax.jit(gradients)
        return Task(
            lambda: jax.block_until_ready(compiled(weights, x, dy)),
            lambda grads: [np.asarray(grad) for grad in (grads[1], *grads[0])],
        )
    compiled = jax.jit(forward)
    return Task(lambda: compiled(weights, x).block_until_ready(), lambda y: [np.asarray(y)])


if __name__ == "__main__":
    versions = {"keras": keras.__version__, "jax": jax.__version__}
    serve(versions, set_up, lambda name: keras_epoch(keras, name))
