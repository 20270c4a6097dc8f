"""What happens on the two ways to a name that is refused, or misspelt: attributes and imports."""

import importlib
import pickle
import sys

import pytest

import lstmcore
from lstmcore.refused import describe
from lstmcore.refused.table import entries

ENTRIES = {}
for m, n, text in entries():
    ENTRIES.setdefault(m, []).append((n, text))


@pytest.mark.parametrize("module", ENTRIES)
def test_attributes_and_imports_say_what_to_use_instead(module):
    path = f"lstmcore.{module}".rstrip(".")
    found = importlib.import_module(path)
    for name, told in ENTRIES[module]:
        assert not hasattr(found, name)
        with pytest.raises(AttributeError) as attribute:
            getattr(found, name)
        with pytest.raises(ImportError) as imported:
            exec(f"from {path} import {name}")
        assert str(attribute.value) == str(imported.value) == f"{path} has no {name!r}: {told}"


@pytest.mark.parametrize(
    "code",
    [
        "import lstmcore.applications",
        "from lstmcore import applications",
        "from lstmcore.applications import VGG16",
        "from lstmcore.applications.vgg16 import VGG16",
        "import lstmcore.applications.vgg16 as vgg",
    ],
)
def test_modules_are_refused_with_all_that_is_in_them(code):
    with pytest.raises(ImportError, match=r"lstmcore has no 'applications': lstmcore is for seq"):
        exec(code)


def test_a_plain_module_refuses_imports_too():
    with pytest.raises(ImportError, match=r"lstmcore.regularizers has no 'l1l2': "):
        exec("from lstmcore.regularizers import l1l2")
    exec("from lstmcore.regularizers import L1L2")


@pytest.mark.parametrize(
    ("module", "wrong", "right"),
    [("layers", "LTSM", "LSTM"), ("losses", "MeanSquareError", "MeanSquaredError")],
)
def test_a_misspelt_name_gets_the_near_one(module, wrong, right):
    said = f"module 'lstmcore.{module}' has no attribute '{wrong}': did you mean '{right}'?"
    with pytest.raises(AttributeError) as attribute:
        getattr(getattr(lstmcore, module), wrong)
    with pytest.raises(ImportError) as imported:
        exec(f"from lstmcore.{module} import {wrong}")
    assert str(attribute.value) == str(imported.value) == said


def test_packages_that_are_imported_late_are_near_too():
    with pytest.raises(AttributeError, match=r"did you mean 'datasets'\?"):
        _ = lstmcore.dataset


def test_nothing_near_is_the_ordinary_error():
    with pytest.raises(AttributeError, match=r"^module 'lstmcore.layers' has no attribute 'qqq'$"):
        _ = lstmcore.layers.qqq
    with pytest.raises(ModuleNotFoundError, match=r"No module named 'lstmcore.qqq'"):
        importlib.import_module("lstmcore.qqq")
    with pytest.raises(ImportError, match="cannot import name 'qqq'"):
        exec("from lstmcore.layers import qqq")
    assert importlib.util.find_spec("lstmcore.qqq") is None
    assert describe("lstmcore.layers", "qqq") is None


def test_what_python_asks_modules_for_is_plainly_absent():
    assert not hasattr(lstmcore.layers, "__wrapped__")
    assert getattr(lstmcore.layers, "Conv2D", None) is None
    assert pickle.loads(pickle.dumps(lstmcore.layers.Dense)) is lstmcore.layers.Dense
    assert not hasattr(sys.modules["lstmcore.initializers"], "__version__")
