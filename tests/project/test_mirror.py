"""tests/ mirrors lstmcore/: the tests of a module are found by its name."""

from pathlib import Path

import lstmcore

PACKAGE = Path(lstmcore.__file__).parent
TESTS = Path(__file__).parents[1]

# folders of tests that are no package's
FOLDERS = {
    "core": "the C core: its tests are of what a call does, whichever file does it",
    "keras": "the numbers of Keras: one case often is of several modules",
    "project": "the project as a whole",
    "scripts": "scripts as users write them, of several modules each",
    "support": "what tests share",
}
# packages without a folder of tests
PACKAGES = {}
# files whose tests are of no one module
FILES = {
    "distribution/test_batch.py": "the jobs of docs/batch.md",
    "tuner/test_postgresql.py": "storage.py to workers.py over a real server",
    "layers/core/test_masking.py": "Masking stands in dense.py",
    "layers/rnn/test_masks.py": "masks through LSTM and whole models of it",
    "layers/test_conformance.py": "what is true of every layer",
    "layers/test_ways_of_calling.py": "every layer in every way: calls.py to predictor.py",
    "layers/test_masks.py": "masks beside the samples: layers/base.py and what layers say of it",
    "losses/test_masked.py": "losses and metrics alike",
    "losses/test_names.py": "losses and metrics alike",
    "models/test_nested_structures.py": "nested inputs and outputs: functional.py to compiled.py",
    "models/test_inputs.py": "how samples are given to Sequential and functional models alike",
    "saving/test_hostile_files.py": "files from outside, whoever reads them",
    "saving/test_many_files.py": "thousands of files from outside, whoever reads them",
    "saving/test_old_files.py": "files of earlier versions, whatever wrote them",
    "training/test_arguments.py": "data and arguments that fit, evaluate and predict refuse",
    "training/test_masks.py": "what training makes of masks, from targets.py to trainer.py",
}


def modules_of(folder):
    """The names that a test in this folder of tests may have: modules, packages, and its own."""
    inside = {path.stem for path in folder.iterdir() if path.suffix == ".py"}
    packages = {path.parent.name for path in folder.glob("*/__init__.py")}
    return {name.strip("_") for name in inside | packages} | {folder.name}


def is_apart(path):
    return path.relative_to(TESTS).parts[0] in FOLDERS


def test_every_package_has_its_folder():
    packages = [path.parent.relative_to(PACKAGE) for path in PACKAGE.rglob("__init__.py")]
    lacking = [str(p) for p in packages if not list((TESTS / p).glob("test_*.py"))]
    assert set(lacking) <= set(PACKAGES)


def test_every_folder_has_its_package():
    for folder in {file.parent for file in TESTS.rglob("test_*.py") if not is_apart(file)}:
        assert (PACKAGE / folder.relative_to(TESTS) / "__init__.py").exists(), folder
    assert all((TESTS / name).is_dir() for name in FOLDERS)


def test_every_file_names_a_module_or_package():
    for file in sorted(TESTS.rglob("test_*.py")):
        where = file.relative_to(TESTS)
        if not is_apart(file):
            named = file.stem.removeprefix("test_") in modules_of(PACKAGE / where.parent)
            assert named != (str(where) in FILES), where  # an exception that is none is too many
    assert all((TESTS / file).exists() for file in FILES)
