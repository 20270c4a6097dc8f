"""Makes keras_cells.json: what Keras's recurrent layers give, for tests/reference.

    python tests/keras/make_keras_cells.py      (in any environment with Keras 3)

All inputs and weights have two decimals, so that the file says everything; Keras computes in
float32.
"""

import json
from pathlib import Path

import keras
import numpy as np

B, T, I, H = 3, 5, 2, 2
MASKS = {
    "right": ["11100", "11111", "00000"],
    "left": ["00011", "11111", "00000"],
    "interior": ["10101", "01101", "10010"],
}
ACTIVATIONS = ["tanh", "sigmoid", "hard_sigmoid", "relu", "linear", "softsign", "elu"]
LAYERS = {
    "lstm": (keras.layers.LSTM, {}, 4, 2),
    "gru": (keras.layers.GRU, {"reset_after": True}, 3, 1),
    "gru_before": (keras.layers.GRU, {"reset_after": False}, 3, 1),
    "rnn": (keras.layers.SimpleRNN, {}, 1, 1),
}


def numbers(rng, *shape):
    return (0.7 * rng.standard_normal(shape)).round(2)


def compute(name, weights, x, states, mask=None, **options):
    """The outputs of a layer at all steps, and its last states."""
    make, more, *_ = LAYERS[name]
    layer = make(H, return_sequences=True, return_state=True, **more, **options)
    layer.build(x.shape)
    layer.set_weights(weights)
    if mask is not None:
        mask = np.array([[step == "1" for step in row] for row in MASKS[mask]])
    results = layer(x, initial_state=list(states), mask=mask)
    y, *last = (np.asarray(r, np.float64).round(6).tolist() for r in results)
    return {"layer": name, "y": y, "states": last}


def main():
    rng = np.random.default_rng(5)
    out = {"x": numbers(rng, B, T, I), "masks": MASKS, "layers": {}, "cases": []}
    for name, (_, more, gates, count) in LAYERS.items():
        bias = (2, gates * H) if more.get("reset_after") else (gates * H,)
        weights = [numbers(rng, *s) for s in ((I, gates * H), (H, gates * H), bias)]
        states = [numbers(rng, B, H) for _ in range(count)]
        out["layers"][name] = {"weights": weights, "states": states}
        cases = [{"mask": mask} for mask in MASKS]
        cases.append({"mask": "interior", "zero_output_for_mask": True})
        cases.append({"mask": "right", "go_backwards": True})
        cases += [{"activation": activation} for activation in ACTIVATIONS]
        if name != "rnn":
            cases += [{"recurrent_activation": a} for a in ACTIVATIONS if a != "sigmoid"]
        for case in cases:
            out["cases"].append(case | compute(name, weights, out["x"], states, **case))
    text = json.dumps(out, default=np.ndarray.tolist)
    text = text.replace('{"', '\n{"')  # a line for each case
    (Path(__file__).parent / "data" / "keras_cells.json").write_text(text.lstrip() + "\n")


if __name__ == "__main__":
    main()
