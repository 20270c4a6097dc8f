"""Interpretable cells of a character model: the position in a line, and open quotations.

Usage: python inspect_gates.py [--epochs 10] [--characters 200000] [--folder .]

As in Karpathy et al., "Visualizing and Understanding Recurrent Networks" (arXiv:1506.02078).
With matplotlib, plot the text coloured by the values of these cells, and their gates.
"""

import argparse
import re
from importlib.util import find_spec
from itertools import accumulate
from pathlib import Path
from pydoc_data.topics import topics  # a part of Python's manual, included with Python

import numpy as np

from lstmcore import Input, Sequential, plotting
from lstmcore.inspection import saturation
from lstmcore.layers import LSTM, Dense, Embedding
from lstmcore.optimizers import Adam
from lstmcore.utils import set_random_seed

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("--epochs", type=int, default=10)
parser.add_argument("--characters", type=int, default=200_000)
parser.add_argument("--folder", type=Path, default=Path())
options = parser.parse_args()
set_random_seed(0)

text = re.sub("\n +", "\n", "\n".join(topics.values()))[: options.characters]
number = {character: i for i, character in enumerate(sorted(set(text)))}
codes = np.array([number[character] for character in text])
split, steps = len(codes) * 9 // 10, 100
rows = (split - 1) // steps
x, y = (codes[start : start + rows * steps].reshape(rows, steps) for start in (0, 1))
model = Sequential(
    [
        Input((None,), dtype="int32"),
        Embedding(len(number), 32),
        LSTM(64, return_sequences=True, name="lstm"),
        Dense(len(number), activation="softmax"),
    ]
)
model.compile(optimizer=Adam(5e-3, clipnorm=1.0), loss="sparse_categorical_crossentropy")

# Properties that a cell may represent, of each character of a held-out text. A counting cell is
# unbounded and compared as it is; a binary one is compared after the tanh of the output.
unseen, coded = text[split : split + 4000], codes[None, split : split + 4000]
counted = list(accumulate(unseen, lambda n, c: 0 if c == "\n" else n + 1, initial=0))[1:]
quoted = list(accumulate(unseen, lambda n, c: 0 if c == "\n" else n ^ (c == '"'), initial=0))[1:]
PROPERTIES = {"the length of the line": (counted, np.array), "an open quotation": (quoted, np.tanh)}


def nearest_cells(when):
    """Return for each property the cell with the highest correlation, and its values."""
    cells = model.trace(coded)["lstm"].cell[0]
    found = {}
    for name, (known, transform) in PROPERTIES.items():
        correlation = np.abs([np.corrcoef(known, cell)[0, 1] for cell in transform(cells).T])
        unit = int(correlation.argmax())
        print(f"{when}: {name:<23} cell {unit:2}, correlation {correlation[unit]:.2f}")
        found[unit] = transform(cells)[:1500, unit]
    return found


nearest_cells("before training")
model.fit(x, y, batch_size=8, epochs=options.epochs, verbose=2)
found = nearest_cells("after training")
remember = saturation(model.trace(coded)["lstm"])["f"].right
print(f"forget gates over 0.9 most of the time: {(remember > 0.5).sum()} of {len(remember)} cells")

if find_spec("matplotlib") is not None:
    for unit, values in found.items():
        file = options.folder / f"cell-{unit}.png"
        plotting.plot_text(unseen[:1500], values, limit=None, title=f"cell {unit}", to_file=file)
    part, file = model.trace(coded[:, :120])["lstm"], options.folder / "gates.png"
    plotting.plot_gates(part, unseen[:120], units=sorted(found), to_file=file)
    print(f"drawn: {', '.join(f'cell-{unit}.png' for unit in found)}, gates.png")
