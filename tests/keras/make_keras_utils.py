"""Makes keras_utils.json: padded sequences, windows and splits, for tests/utils.

KERAS_BACKEND=torch python tests/keras/make_keras_utils.py      (needs torch and grain)
"""

import json
from pathlib import Path

import keras
import numpy as np

SEQUENCES = [[1, 2, 3, 4, 5], [], [6, 7], [8]]
PADS = [
    {},
    {"maxlen": 3},
    {"maxlen": 3, "truncating": "post"},
    {"maxlen": 7, "padding": "post", "value": 9},
    {"maxlen": 3, "padding": "post", "truncating": "post", "dtype": "float32", "value": 0.5},
]
WINDOWS = [
    {"sequence_length": 3},
    {"sequence_length": 3, "batch_size": 4},
    {"sequence_length": 3, "batch_size": None},
    {"sequence_length": 2, "sequence_stride": 3, "sampling_rate": 4, "batch_size": 2},
    {"sequence_length": 4, "batch_size": 5, "start_index": 3, "end_index": 17},
    {"sequence_length": 4, "batch_size": 3, "start_index": 2, "sequence_stride": 2},
]
SIZES = [(0.8, None), (None, 0.25), (3, None), (None, 4), (0.3, 0.7), (2, 8), (0.26, 7)]


def windows(targets, options):
    data = np.arange(40).reshape(20, 2)
    made = keras.utils.timeseries_dataset_from_array(
        data, np.arange(100, 120) if targets else None, **options, format="grain"
    )
    batches = [[np.asarray(part).tolist() for part in b] if targets else b for b in made]
    return [b if targets else np.asarray(b).tolist() for b in batches]


def split(left, right):
    return [len(half) for half in keras.utils.split_dataset(np.arange(10), left, right)]


def main():
    pad = keras.utils.pad_sequences
    x = np.linspace(-1, 2, 12).reshape(3, 4)
    out = {
        "keras": keras.__version__,
        "sequences": SEQUENCES,
        "pads": [{"options": o, "out": pad(SEQUENCES, **o).tolist()} for o in PADS],
        "windows": [
            {"options": o, "targets": t, "batches": windows(t, o)}
            for o in WINDOWS
            for t in (False, True)
        ],
        "splits": [{"sizes": s, "out": split(*s)} for s in SIZES],
        "normalize": [
            {"axis": axis, "order": order, "out": keras.utils.normalize(x, axis, order).tolist()}
            for axis in (1, -1)
            for order in (1, 2)
        ],
        "to_categorical": keras.utils.to_categorical([[3], [0], [1]], 5).tolist(),
    }
    text = json.dumps(out).replace('{"', '\n{"')  # a line for each case
    (Path(__file__).parent / "data" / "keras_utils.json").write_text(text.lstrip() + "\n")


if __name__ == "__main__":
    main()
