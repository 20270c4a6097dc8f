"""Makes keras_losses.json: Keras's losses and gradients, for tests/keras/test_keras_losses.py.

    python tests/keras/make_keras_losses.py      (in any environment with Keras 3 and JAX)

In float64. A weight for each sample is given to Keras as one for each step: against values of
steps, it would take (batch,) for weights of the last axis.
"""

import json
import sys
from pathlib import Path

import jax
import keras64
import numpy as np
from keras.src import backend
from keras.src.losses.loss import reduce_weighted_values

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
import loss_cases as cases

make = keras64.keras.losses
backend.result_type = keras64.dtypes.result_type  # CTC has it from here


def reduced(loss, y, weight, mask):
    """A function of the predictions, as Loss.__call__ has it for predictions with this mask."""
    return lambda p: reduce_weighted_values(loss.call(y, p), weight, mask, loss.reduction)


def main():
    out = []
    for name, arguments, kind in cases.LOSSES:
        y, p = cases.inputs(kind)
        y = y.astype(np.float64) if y.dtype.kind == "f" else y
        p, case = p.astype(np.float64), {}
        per_sample = np.repeat(cases.WEIGHT[:, :1], cases.T, 1)
        weights = {"none": None, "sample": per_sample, "step": cases.WEIGHT}
        masks = {"all": None, "masked": cases.MASK}
        if not cases.masked(name, arguments):
            weights = {"none": None}
            masks = {"all": None}
        if "axis" in arguments:  # these values have units along the last axis
            weights["sample"] = np.repeat(cases.WEIGHT[:, :1], cases.C, 1)
        elif name == "CTC":
            weights["sample"] = cases.WEIGHT[:, 0]
        ignored = arguments.get("ignore_class")
        if ignored is not None:  # a mask that Keras cannot hand on while it differentiates
            masks = {"all": y != ignored, "masked": (y != ignored) & cases.MASK}
        for reduction in cases.REDUCTIONS:
            loss = getattr(make, name)(reduction=reduction, **arguments)
            for which, weight in weights.items():
                for real, mask in masks.items():
                    weight = None if weight is None else np.asarray(weight, np.float64)
                    run = reduced(loss, y, weight, mask)
                    value = float(run(p))
                    if real == "all":
                        assert np.isclose(value, float(loss(y, p, weight)), rtol=1e-14), name
                    entry = case.setdefault(f"{which}, {real}", {"values": []})
                    entry["values"].append(value)
                    if reduction == "sum_over_batch_size" and which != "sample":
                        entry["gradient"] = np.asarray(jax.grad(run)(p)).ravel().tolist()
        loss = getattr(make, name)(reduction="none", **arguments)
        case["each"] = np.asarray(loss(y, p)).ravel().tolist()
        out.append(case)
    text = json.dumps(out).replace(', {"none, all"', ',\n{"none, all"')  # a line for each case
    (Path(__file__).parent / "data" / "keras_losses.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
