"""Freeze Keras's mel spectrograms of tests/support/spectrogram_cases.py: keras_spectrograms.json.

    python tests/keras/make_keras_spectrograms.py

Outputs, and the gradients of their squares' mean. Keras computes the bands in float32, whatever
the type of the layer. Needs Keras 3 and JAX.
"""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

import jax
import jax.numpy as jnp
import keras64
import numpy as np
from spectrogram_cases import CASES, signal_of

frozen = {}
for name, config in CASES.items():
    layer = keras64.keras.layers.MelSpectrogram(**config)

    def loss(x, layer=layer):
        return jnp.mean(layer(x) ** 2)

    x = jnp.asarray(signal_of(name))
    frozen[name] = {
        "y": np.asarray(layer(x)).tolist(),
        "dx": np.asarray(jax.grad(loss)(x)).tolist(),
    }
path = Path(__file__).parent / "data" / "keras_spectrograms.json"
path.write_text(json.dumps(frozen, separators=(",", ":")) + "\n")
print(path.name, path.stat().st_size, "bytes")
