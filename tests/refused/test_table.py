"""The table of what is refused against what Keras has and what is here.

Keras's names are frozen in tests/keras/data/keras_public.json.
"""

import re
from functools import cache

import pytest
from keras_numbers import keras_numbers

import lstmcore
from lstmcore.refused.table import advice, entries

PUBLIC = keras_numbers("public")["modules"]


@cache
def is_here(path):
    """True if the library has what a path such as ``layers.Dense`` leads to."""
    found = lstmcore
    for part in path.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            return False
    return True


def is_refused(path):
    """True if the table has the path, or a module on the way to it."""
    for inner in ("ops.linalg.", "ops.nn.", "ops.numpy."):
        path = path.replace(inner, "ops.")  # which has all of them
    parts = ["lstmcore", *path.split(".")]
    return any(advice(".".join(parts[:i]), parts[i]) for i in range(1, len(parts)))


@pytest.mark.parametrize("module", PUBLIC)
def test_every_name_of_keras_is_here_or_refused(module):
    paths = [f"{module}.{name.rstrip('/')}".lstrip(".") for name in PUBLIC[module].split()]
    assert len(paths) > 0
    lacking = [p for p in paths if not (is_here(p) or is_refused(p))]
    assert not lacking


def test_nothing_is_refused_that_is_here():
    assert len(entries()) > 200
    stale = [p for m, name, _ in entries() if is_here(p := f"{m}.{name}".lstrip("."))]
    assert not stale, "take them out of lstmcore/refused/table.py"


def test_advice_names_what_is_here():
    for module, name, told in entries():
        assert told.strip() == told
        assert len(told) >= len("lstmcore.Model"), (module, name)
        for path in re.findall(r"lstmcore\.(\w+(?:\.\w+)*)", told):
            assert is_here(path), f"the advice for {module}.{name} names {path}"


def test_modules_of_the_table_are_here():
    modules = {m for m, _, _ in entries()} - {""}
    assert all(is_here(m) for m in modules)
    assert {"layers", "utils", "datasets", "losses"} < modules
