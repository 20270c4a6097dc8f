"""A zip of small models with their inputs and outputs, as the generators beside this file make it.

For every model NAME: NAME.npz with inputs x0, x1 ... and outputs y0, y1 ... of the library that
wrote it, and what it wrote: NAME.h5, NAME.keras, or NAME.json with NAME.weights.h5.
Python 3.6 and NumPy 1.16 are enough, as old libraries need them.
"""

import os
import shutil
import tempfile
import zipfile

import numpy as np


class Pack:
    """A folder that becomes a zip: ``with Pack(path) as pack: pack.add(...)``."""

    def __init__(self, path):
        self.path = path

    def __enter__(self):
        self.folder = tempfile.mkdtemp()
        return self

    def __exit__(self, kind, *rest):
        if kind is None:
            with zipfile.ZipFile(self.path, "w", zipfile.ZIP_DEFLATED) as archive:
                for name in sorted(os.listdir(self.folder)):
                    entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
                    entry.compress_type = zipfile.ZIP_DEFLATED
                    with open(os.path.join(self.folder, name), "rb") as file:
                        archive.writestr(entry, file.read())
        shutil.rmtree(self.folder)

    def file(self, name):
        return os.path.join(self.folder, name)

    def add(self, model, name, x, kinds, y=None):
        """Save a model in each of the kinds: ".h5", ".keras", ".weights.h5" (with its .json)."""
        x = x if isinstance(x, list) else [x]
        y = model.predict(x if len(x) > 1 else x[0]) if y is None else y
        y = y if isinstance(y, list) else [y]
        if getattr(model, "stateful", False) and hasattr(model, "reset_states"):
            model.reset_states()
        for kind in kinds:
            write = model.save_weights if kind == ".weights.h5" else model.save
            write(self.file(name + kind))
        if ".weights.h5" in kinds:
            with open(self.file(name + ".json"), "w") as file:
                file.write(model.to_json())
        arrays = [(f"x{i}", a) for i, a in enumerate(x)]
        arrays += [(f"y{i}", np.asarray(a)) for i, a in enumerate(y)]
        np.savez(self.file(name + ".npz"), **dict(arrays))
        print(name, [a.shape for a in model.get_weights()])
