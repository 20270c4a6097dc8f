"""Freeze what Keras makes of the cases in tests/support/layer_cases: keras_layers_<family>.json.

    python tests/keras/make_keras_layers.py [FAMILY ...]

For each case: outputs, gradients of the inputs and the weights, and loss and weights after 20 steps
of gradient descent in training. In float64; needs Keras 3 and JAX.
"""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

import jax
import jax.numpy as jnp
import keras64
import layer_cases as cases
import numpy as np
from formulas import listed

keras = keras64.keras


def build(one):
    """The Keras layer with its weights set."""
    inner = one["inner"]
    first = () if inner is None else (getattr(keras.layers, inner[0])(**inner[1]),)
    layer = getattr(keras.layers, one["layer"])(*first, **one["config"])
    arrays = cases.inputs_of(one)
    call(layer, one, arrays, None)
    shapes, names = [w.shape for w in layer.weights], [w.name for w in layer.weights]
    layer.set_weights(cases.weights_of(shapes, names))
    return layer


def call(layer, one, arrays, training):
    options = dict(one["options"])
    masks = cases.masks_of(one)
    if training is not None and "training" in layer.call_signature_parameters:
        options["training"] = training
    if one["layer"] in (
        "MultiHeadAttention",
        "GroupQueryAttention",
    ):  # it knows a mask by what it is a mask of
        for array, mask in zip(arrays, masks or (), strict=False):
            keras.src.backend.set_keras_mask(array, None if mask is None else jnp.asarray(mask))
        return layer(*arrays, **options)
    if masks is not None:
        options["mask"] = masks if len(arrays) > 1 else masks[0]
    return layer(arrays[0] if len(arrays) == 1 else list(arrays), **options)


def freeze(one):
    """All numbers of one case."""
    layer = build(one)
    arrays = cases.inputs_of(one)
    trained = [w.value for w in layer.trainable_variables]
    other = [w.value for w in layer.non_trainable_variables]

    def loss(trained, other, arrays, training):
        pairs = [
            *zip(layer.trainable_variables, trained, strict=True),
            *zip(layer.non_trainable_variables, other, strict=True),
        ]
        with keras.StatelessScope(state_mapping=pairs) as scope:
            y = listed(call(layer, one, arrays, training))
            value = sum(jnp.mean((p - cases.target_of(p.shape, i)) ** 2) for i, p in enumerate(y))
            after = [scope.get_current_value(w) for w in layer.non_trainable_variables]
            after = [w if a is None else a for a, w in zip(after, other, strict=True)]
        return value, (y, after)

    which = (0,) if one["below"] else (0, 2)
    run = jax.value_and_grad(loss, argnums=which, has_aux=True)
    run = jax.jit(run, static_argnums=3)

    def gradients(training, trained, other):
        return run(trained, other, [jnp.asarray(a) for a in arrays], training)

    (value, (y, _)), grads = gradients(one["training"], trained, other)
    for _ in range(cases.STEPS):
        (value, (_, other)), steps = gradients(True, trained, other)
        trained = [w - cases.RATE * g for w, g in zip(trained, steps[0], strict=True)]
    with keras.StatelessScope(
        state_mapping=[
            *zip(layer.trainable_variables, trained, strict=True),
            *zip(layer.non_trainable_variables, other, strict=True),
        ]
    ) as scope:
        weights = [scope.get_current_value(w) for w in layer.weights]
    grad_of = {w.path: g for w, g in zip(layer.trainable_variables, grads[0], strict=True)}
    return {
        "y": [np.asarray(p).tolist() for p in y],
        "dx": [] if one["below"] else [np.asarray(g).tolist() for g in grads[1]],
        "grads": [
            np.asarray(grad_of[w.path]).tolist() if w.path in grad_of else None
            for w in layer.weights
        ],
        "names": [w.name for w in layer.weights],
        "loss": float(value),
        "weights": [np.asarray(w).tolist() for w in weights],
    }


for family, members in cases.families().items():
    if sys.argv[1:] and family not in sys.argv[1:]:
        continue
    frozen = {name: freeze(one) for name, one in members.items()}
    path = Path(__file__).parent / "data" / f"keras_layers_{family}.json"
    path.write_text(json.dumps(frozen, separators=(",", ":")) + "\n")
    print(path.name, path.stat().st_size, "bytes,", len(frozen), "cases")
