"""Freeze what Keras's merging layers, and Softmax, make of masks: keras_masks.json.

    python tests/keras/make_keras_masks.py

For each case: the output, its mask, and the gradients of the inputs. In float64; needs Keras 3 and
JAX.
"""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

import jax
import jax.numpy as jnp
import keras64
import layer_cases as cases
import mask_cases
import numpy as np
from keras.src import backend

keras = keras64.keras


def freeze(one):
    layer = getattr(keras.layers, one["layer"])(**one["config"])
    arrays, masks = mask_cases.inputs_of(one), mask_cases.masks_of(one)

    def call(arrays):
        if one["layer"] == "Softmax":
            return layer(arrays[0], mask=jnp.asarray(masks[0]))
        for array, mask in zip(arrays, masks, strict=True):
            if mask is not None:
                backend.set_keras_mask(array, jnp.asarray(mask))
        return layer(arrays)

    def loss(arrays):
        y = call([a + 0 for a in arrays])  # arrays of their own, that masks can stick to
        return jnp.sum(y * cases.target_of(y.shape, 0))

    y = call([jnp.asarray(a) for a in arrays])
    mask = backend.get_keras_mask(y)
    return {
        "y": np.asarray(y).tolist(),
        "mask": None if mask is None else np.asarray(mask).tolist(),
        "dx": [np.asarray(d).tolist() for d in jax.grad(loss)([jnp.asarray(a) for a in arrays])],
    }


path = Path(__file__).parent / "data" / "keras_masks.json"
frozen = {name: freeze(one) for name, one in mask_cases.CASES.items()}
path.write_text(json.dumps(frozen, separators=(",", ":")) + "\n")
print(path.name, path.stat().st_size, "bytes,", len(frozen), "cases")
