"""Write written.json: configs, paths and optimizers' variables as Keras 3 itself writes them.

Run by hand, where Keras 3.15 is installed, from this folder: `KERAS_BACKEND=jax python
make_written.py`.
"""

import io
import json
import tempfile
import zipfile
from pathlib import Path

import h5py
import keras
from written_models import MODELS, OPTIMIZERS, small


def written(make):
    """Return the config, and by path the names of the groups and the shapes of the arrays."""
    keras.utils.clear_session()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        model = make(keras)
        if model.compiled:
            model.optimizer.build(model.trainable_variables)
        model.save(path)
        with zipfile.ZipFile(path) as archive:
            config = json.loads(archive.read("config.json"))
            weights = archive.read("model.weights.h5")
    arrays, names = {}, {}

    def visit(path, entry):
        if isinstance(entry, h5py.Dataset):
            arrays[path] = list(entry.shape)
        elif "name" in entry.attrs:
            names[path] = entry.attrs["name"]

    with h5py.File(io.BytesIO(weights)) as file:
        file.visititems(visit)
    return {"config": config, "arrays": arrays, "names": names}


def variables(name, options):
    """Return the names of an optimizer's variables in order."""
    keras.utils.clear_session()
    model = small(keras)
    optimizer = getattr(keras.optimizers, name)(**options)
    optimizer.build(model.trainable_variables)
    return [variable.name for variable in optimizer.variables]


made = {
    "models": {name: written(make) for name, make in MODELS.items()},
    "optimizers": {name: variables(name, options) for name, options in OPTIMIZERS.items()},
}
with open("written.json", "w") as file:
    json.dump(made, file, separators=(",", ":"))
    file.write("\n")
