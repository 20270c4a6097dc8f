"""Module paths of Keras 1 and 2: what is in them is handed out, what is not is refused."""

import importlib
import warnings

import pytest

import lstmcore
from lstmcore import layers, models, optimizers, utils
from lstmcore.refused.old_modules import OLD_MODULES


@pytest.mark.parametrize("path", OLD_MODULES)
def test_every_old_module_hands_out_the_names_of_its_home(path):
    old, home = (importlib.import_module(f"lstmcore.{p}") for p in (path, OLD_MODULES[path]))
    for name in getattr(home, "__all__", [n for n in dir(home) if n[0].isupper()]):
        assert getattr(old, name) is getattr(home, name)
    with pytest.raises(AttributeError, match="has no attribute 'qqqq'"):
        _ = old.qqqq


LINES = {
    "from lstmcore.layers.embeddings import Embedding": layers.Embedding,
    "from lstmcore.layers.advanced_activations import LeakyReLU": layers.LeakyReLU,
    "from lstmcore.layers.convolutional import Conv1D": layers.Conv1D,
    "from lstmcore.layers.merge import concatenate": layers.concatenate,
    "from lstmcore.layers.recurrent import LSTM": layers.LSTM,
    "from lstmcore.layers.wrappers import TimeDistributed": layers.TimeDistributed,
    "from lstmcore.layers.core import Dense, Dropout, Activation": layers.Activation,
    "from lstmcore.layers.normalization import BatchNormalization": layers.BatchNormalization,
    "from lstmcore.layers.experimental.preprocessing import Normalization": layers.Normalization,
    "from lstmcore.engine.topology import Layer": layers.Layer,
    "from lstmcore.engine.training import Model": models.Model,
    "from lstmcore.utils import np_utils; np_utils = np_utils.to_categorical": utils.to_categorical,
    "from lstmcore.utils.np_utils import to_categorical": utils.to_categorical,
    "from lstmcore.utils.vis_utils import plot_model": utils.plot_model,
    "from lstmcore.optimizers.legacy import Adam": optimizers.Adam,
    "from lstmcore.objectives import mean_squared_error": lstmcore.losses.mean_squared_error,
    "import lstmcore as keras; found = keras.optimizers.legacy.SGD": optimizers.SGD,
    "import lstmcore as keras; found = keras.utils.np_utils.normalize": utils.normalize,
}


@pytest.mark.parametrize("line", LINES)
def test_imports_of_old_scripts(line):
    place = {}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        exec(line, place)
    assert LINES[line] in [value for key, value in place.items() if key != "__builtins__"]


@pytest.mark.parametrize(
    "line",
    [
        "from lstmcore.layers.convolutional import Conv2D",
        "from lstmcore.layers.core import Conv2D",
    ],
)
def test_what_is_refused_is_refused_there_too(line):
    with pytest.raises(ImportError, match=r"lstmcore.layers has no 'Conv2D': "):
        exec(line)
