"""The order of the house: modules and packages import downwards only, the engine no application."""

import ast
import functools
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import lstmcore

PACKAGE = Path(lstmcore.__file__).parent
# What is made with the engine; nothing of the engine imports these.
APPLICATIONS = {
    "classification",
    "cli",
    "data",
    "datasets",
    "estimators",
    "forecasting",
    "plotting",
    "serving",
    "text",
    "tuner",
}
OUTSIDE = {"", "__main__"}  # the package's own __init__, which imports all, and the command
FILES = {
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
    if path != PACKAGE / "__init__.py"
}
FILES[""] = PACKAGE / "__init__.py"


def imports(module):
    """The modules of the library that one imports, at its top or inside of a function."""
    path = FILES[module]
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in list(ast.walk(tree)):  # what only the type checker imports does not count
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.ImportFrom) or not node.level:
            continue
        parts = package.split(".") if package else []
        parts = parts[: len(parts) - (node.level - 1)] + (node.module or "").split(".")
        base = ".".join(part for part in parts if part)
        for alias in node.names:
            inner = f"{base}.{alias.name}" if base else alias.name
            found = inner if inner in FILES else base
            # a package stands in no relation to what is in it: its face imports its modules
            if found in FILES and found != module and not module.startswith(f"{found}."):
                yield found


@functools.cache
def graph():
    """What every module imports of the library."""
    return {module: set(imports(module)) - {""} for module in FILES}


def top(module):
    return module.partition(".")[0]


def test_the_graph_is_that_of_the_library():
    assert "layers.base" in graph()["layers.rnn.lstm"]
    assert "training.step" in graph()["training.trainer"]
    assert "saving" in graph()["models.model"]
    assert len(graph()) > 150


def in_order(graph):
    try:
        return list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(f"a circle: {' -> '.join(error.args[1])}")


def test_no_circle_of_modules():
    assert len(in_order(graph())) >= len(graph())


def test_no_circle_of_packages():
    packages = {}
    for module, found in graph().items():
        if module not in OUTSIDE:
            packages.setdefault(top(module), set()).update(top(m) for m in found)
    in_order({name: found - {name} for name, found in packages.items()})


def test_the_engine_imports_no_application():
    for module, found in graph().items():
        if top(module) not in APPLICATIONS | OUTSIDE:
            wrong = {m for m in found if top(m) in APPLICATIONS}
            assert not wrong, f"{module} imports {wrong}"


def test_training_knows_no_layer():
    for module, found in graph().items():
        if top(module) == "training":
            assert not {m for m in found if top(m) in ("layers", "models")}, module


def test_few_modules_are_loose():
    loose = [path.name for path in PACKAGE.glob("*.py") if not path.name.startswith("_")]
    assert len(loose) < 14, loose


def test_reference_needs_numpy_alone():
    found = [module for module in graph() if top(module) == "reference"]
    assert len(found) > 1
    for module in found:
        assert all(top(m) == "reference" for m in graph()[module]), module


@pytest.mark.parametrize("module", ["lstmcore", "lstmcore.cli"])
def test_import_is_light(module):
    code = f"""
import sys, {module}
heavy = {{"scipy", "safetensors", "tqdm", "matplotlib", "pandas", "sklearn", "autograd"}}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True)
