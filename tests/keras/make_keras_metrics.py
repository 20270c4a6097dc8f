"""Makes keras_metrics.json: what Keras's metrics are, for tests/keras/test_keras_metrics.py.

    python tests/keras/make_keras_metrics.py      (in any environment with Keras 3 and JAX)

In float64. A mask is given to Keras as weights 0 and 1, as its own `fit` does.
"""

import json
import sys
from pathlib import Path

import keras64
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
import metric_cases as cases

keras = keras64.keras


def main():
    out = []
    for name, arguments, kind in cases.METRICS:
        case = {}
        for which, weight in cases.WEIGHTS.items():
            metric, results = getattr(keras.metrics, name)(**arguments), []
            for y, p, w in cases.batches(kind, weight):
                y = y.astype(np.float64) if y.dtype.kind == "f" else y
                w = None if w is None else w.astype(np.float64)
                metric.update_state(y, p.astype(np.float64), w)
                results.append(np.asarray(metric.result(), np.float64).tolist())
            case[which] = results
        name = metric.name.rpartition("_")[0] if _numbered(metric) else metric.name
        out.append({"name": name, **case})
    text = json.dumps(out).replace(', {"name"', ',\n{"name"')  # a line for each case
    (Path(__file__).parent / "data" / "keras_metrics.json").write_text(text + "\n")


def _numbered(metric):
    """Whether Keras has counted this metric: precision_1."""
    return metric.name.rsplit("_", 1)[-1].isdigit()


if __name__ == "__main__":
    main()
