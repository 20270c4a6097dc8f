"""Freeze what Keras makes of the trainings in tests/support/fit_cases.py: keras_fits.json.

    python tests/keras/make_keras_fits.py [CASE ...]      (all, or these anew)

In float64; needs Keras 3 and JAX.
"""

import json
import sys
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

import fit_cases
import keras64

keras = keras64.keras
warnings.simplefilter("ignore")

path = Path(__file__).parent / "data" / "keras_fits.json"
frozen = json.loads(path.read_text()) if sys.argv[1:] and path.exists() else {}
for name in sys.argv[1:] or fit_cases.CASES:
    keras.backend.clear_session()
    frozen[name] = fit_cases.play(keras, fit_cases.CASES[name])
    print(name, flush=True)
frozen = {name: frozen[name] for name in fit_cases.CASES if name in frozen}
lines = (f"{json.dumps(n)}:{json.dumps(f, separators=(',', ':'))}" for n, f in frozen.items())
path.write_text("{" + ",\n".join(lines) + "}\n")
print(path.name, path.stat().st_size, "bytes,", len(frozen), "cases")
