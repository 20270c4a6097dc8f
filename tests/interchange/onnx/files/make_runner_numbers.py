"""Freeze what ONNX Runtime computes for recurrent nodes, and the onnx package's own node tests.

Run by hand where onnxruntime is installed: python make_runner_numbers.py
"""

import sys
from pathlib import Path

import numpy as np
import onnx.backend.test.case.node as nodes
import onnxruntime

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[2] / "support"))
from onnx_graphs import FUNCTIONS, INPUTS, TAKES, random_arrays, recurrent, store  # noqa: E402


def random_case(rng):
    """A node with some of everything that ONNX Runtime takes."""
    kind = ["LSTM", "GRU", "RNN"][rng.integers(3)]
    direction = ["forward", "reverse", "bidirectional"][rng.integers(3)]
    d = 2 if direction == "bidirectional" else 1
    names = ["X", "W", "R", *(name for name in INPUTS[3:] if rng.random() < 0.5)]
    units = 2
    arrays = random_arrays(rng, kind, d, steps=3, batch=2, features=2, units=units, names=names)
    attributes = {"hidden_size": units, "direction": direction}
    if rng.random() < 0.4:
        attributes["clip"] = 0.5
    if kind == "LSTM" and rng.random() < 0.4:
        attributes["input_forget"] = 1
    if kind == "GRU":
        attributes["linear_before_reset"] = int(rng.integers(2))
    if rng.random() < 0.5:
        count = d * {"LSTM": 3, "GRU": 2, "RNN": 1}[kind]
        names = list(rng.choice(sorted(FUNCTIONS), count))
        attributes["activations"] = [str(name) for name in names]
        for letter, argument in (("a", "activation_alpha"), ("b", "activation_beta")):
            taken = sum(letter in TAKES.get(name, "") for name in names)
            if taken:
                attributes[argument] = [round(float(v), 2) for v in rng.uniform(0.1, 0.9, taken)]
    return kind, arrays, attributes


def frozen_by_onnxruntime(count):
    rng = np.random.default_rng(12)
    made = []
    while len(made) < count:
        kind, arrays, attributes = random_case(rng)
        proto, feeds = recurrent(kind, arrays, attributes)
        session = onnxruntime.InferenceSession(proto.SerializeToString())
        outputs = session.run(None, feeds)
        if all(np.isfinite(y).all() and np.abs(y).max() < 50 for y in outputs):
            made.append((proto, feeds, outputs))
    return made


def node_tests():
    found = []
    for case in nodes.collect_testcases(""):
        if not case.name.startswith(("test_lstm_", "test_gru_", "test_rnn_", "test_simple_rnn_")):
            continue
        inputs, outputs = case.data_sets[0]
        names = [value.name for value in case.model.graph.input]
        found.append((case.name, case.model, dict(zip(names, inputs, strict=True)), outputs))
    assert len(found) == 18, [name for name, *_ in found]
    return found


if __name__ == "__main__":
    store(HERE / "onnxruntime_numbers.npz", frozen_by_onnxruntime(90))
    store(HERE / "node_tests.npz", [case[1:] for case in node_tests()])
