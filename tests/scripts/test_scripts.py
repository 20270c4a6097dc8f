"""Well-known Keras scripts in words of our own: with their imports changed they run."""

import ast
import runpy
from pathlib import Path

import pytest

from lstmcore import utils

FOLDER = Path(__file__).parent
SCRIPTS = sorted(path.stem for path in FOLDER.glob("*.py") if path != Path(__file__))
ENDINGS = {}  # of those that end in an error: the error, which says what to write


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


def test_at_least_58_of_64_run():
    assert len(SCRIPTS) == 64
    assert set(ENDINGS) <= set(SCRIPTS)
    assert len(ENDINGS) <= 6


@pytest.mark.parametrize("name", [name for name in SCRIPTS if name not in ENDINGS])
def test_it_runs(name):
    runpy.run_path(str(FOLDER / f"{name}.py"))


@pytest.mark.parametrize("name", ENDINGS)
def test_it_ends_in_a_line_that_says_what_to_write(name):
    with pytest.raises(Exception) as ended:  # noqa: PT011
        runpy.run_path(str(FOLDER / f"{name}.py"))
    assert str(ended.value) == ENDINGS[name]
    assert "\n" not in ENDINGS[name]


@pytest.mark.parametrize("name", SCRIPTS)
def test_it_says_what_it_is_and_asserts_something(name):
    tree = ast.parse((FOLDER / f"{name}.py").read_text(encoding="utf-8"))
    assert "\n" not in ast.get_docstring(tree)
    asserts = any(isinstance(node, ast.Assert) for node in ast.walk(tree))
    assert asserts != (name in ENDINGS)
