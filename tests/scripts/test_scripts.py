"""Well-known Keras scripts in words of our own: with their imports changed they run."""

import ast
import runpy
from pathlib import Path

import pytest

from lstmcore import utils

FOLDER = Path(__file__).parent
SCRIPTS = sorted(path.stem for path in FOLDER.glob("*.py") if path != Path(__file__))
# Those that end in an error: what it says, and what to change in the script to follow it.
ENDINGS = {
    "adam_lr": (
        "Adam has no argument 'decay': write learning_rate=lstmcore.optimizers.schedules."
        "InverseTimeDecay(0.01, decay_steps=1, decay_rate=0.001), which is what it did",
        ("lr=0.01, decay=1e-3", "learning_rate=InverseTimeDecay(0.01, 1, 0.001)"),
        ("import Adam", "import Adam; from lstmcore.optimizers.schedules import InverseTimeDecay"),
    ),
    "alice": (
        "ModelCheckpoint: save: 'weights-improvement-{epoch:02d}-{loss:.4f}.hdf5' names another "
        "format; write 'weights-improvement-{epoch:02d}-{loss:.4f}.keras' instead",
        (".hdf5", ".keras"),
    ),
    "bidirectional_imdb": (
        "lstmcore.datasets has no 'imdb': datasets are not downloaded by name; path = "
        "lstmcore.utils.get_file('imdb.npz', 'https://storage.googleapis.com/tensorflow/"
        "tf-keras-datasets/imdb.npz'), then numpy.load(path, allow_pickle=True)['x_train'], "
        "'y_train', 'x_test', 'y_test'; add 3 to every word, put 1 before each review, and 2 for "
        "words from num_words on",
        (
            "keras.datasets.imdb.load_data(num_words=max_features)",
            "2 * [([[1, 14, 22], [1, 194], [1, 5, 6, 7]], __import__('numpy').array([1, 0, 1]))]",
        ),
    ),
    "power_convlstm": (
        "lstmcore.layers has no 'ConvLSTM2D': lstmcore is for sequences, not for images; of frames "
        "with one axis of places there is lstmcore.layers.ConvLSTM1D; others become vectors by "
        "lstmcore.layers.TimeDistributed of lstmcore.layers.Flatten, and those go into "
        "lstmcore.layers.LSTM",
        ("ConvLSTM2D", "ConvLSTM1D"),
        ("(20, 2, 1, 7, 1)", "(20, 2, 7, 1)"),
        ("kernel_size=(1, 3)", "kernel_size=3"),
        ("input_shape=(2, 1, 7, 1)", "input_shape=(2, 7, 1)"),
    ),
}


@pytest.fixture(autouse=True)
def _apart(tmp_path, monkeypatch):
    """A folder, a seed, names and custom objects of its own for each script."""
    monkeypatch.chdir(tmp_path)
    utils.clear_session()
    utils.set_random_seed(0)
    before = dict(utils.get_custom_objects())
    yield
    utils.get_custom_objects().clear()
    utils.get_custom_objects().update(before)


def test_at_least_60_of_64_run():
    assert len(SCRIPTS) == 64
    assert set(ENDINGS) <= set(SCRIPTS)
    assert len(ENDINGS) <= 4


@pytest.mark.parametrize("name", [name for name in SCRIPTS if name not in ENDINGS])
def test_it_runs(name):
    runpy.run_path(str(FOLDER / f"{name}.py"))


@pytest.mark.parametrize("name", ENDINGS)
def test_it_ends_in_a_line_that_says_what_to_write(name):
    with pytest.raises(Exception) as ended:  # noqa: PT011
        runpy.run_path(str(FOLDER / f"{name}.py"))
    assert str(ended.value) == ENDINGS[name][0]
    assert "\n" not in ENDINGS[name][0]


@pytest.mark.parametrize("name", ENDINGS)
def test_it_runs_when_one_has_written_that(name, tmp_path):
    code = (FOLDER / f"{name}.py").read_text(encoding="utf-8")
    for old, new in ENDINGS[name][1:]:
        assert old in code
        code = code.replace(old, new)
    (tmp_path / "followed.py").write_text(code, encoding="utf-8")
    runpy.run_path(str(tmp_path / "followed.py"))


@pytest.mark.parametrize("name", SCRIPTS)
def test_it_says_what_it_is_and_asserts_something(name):
    tree = ast.parse((FOLDER / f"{name}.py").read_text(encoding="utf-8"))
    assert "\n" not in ast.get_docstring(tree)
    assert name in ENDINGS or any(isinstance(node, ast.Assert) for node in ast.walk(tree))
