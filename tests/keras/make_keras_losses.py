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
        if isinstance(arguments.get("axis"), list):
            arguments = {**arguments, "axis": tuple(arguments["axis"])}
        each = np.asarray(getattr(make, name)(reduction="none", **arguments)(y, p))
        weights, masks = {"none": None}, {"all": None}
        per_sample = cases.sample_weights(name, arguments)
        if per_sample is not None:
            wide = np.reshape(per_sample, (-1,) + (1,) * (each.ndim - 1))
            weights["sample"] = np.broadcast_to(wide, each.shape)
        if cases.masked(name, arguments):
            weights["step"], masks["masked"] = cases.WEIGHT, cases.MASK
        ignored = arguments.get("ignore_class")
        if ignored is not None:  # a mask that Keras cannot hand on while it differentiates
            masks = {"all": y != ignored, "masked": (y != ignored) & cases.MASK}
        if name == "Circle":  # another one
            masks = {"all": each > 0}
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
        case["each"] = each.ravel().tolist()
        out.append(case)
    text = json.dumps(out).replace(', {"none, all"', ',\n{"none, all"')  # a line for each case
    (Path(__file__).parent / "data" / "keras_losses.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
