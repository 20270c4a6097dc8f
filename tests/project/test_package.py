"""The package as a whole: modules look only down, imports are light, inference memory is flat."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import lstmcore
from lstmcore import _core

PACKAGE = Path(lstmcore.__file__).parent
ROOT = Path(__file__).parents[2]
DOCS = sorted((ROOT / "docs").glob("*.md"))
# From the ground up; a module may import from lower floors only, a folder also within itself.
FLOORS = [
    {"_core", "_version", "context", "names", "serialization", "registry", "reference"},
    {"_blas", "_threads", "validation", "ragged"},
    {
        "regularizers",
        "constraints",
        "inspection",
        "activations",
        "initializers",
        "losses",
        "metrics",
        "optimizers",
        "layers",
        "random",
        "training",
        "models",
        "callbacks",
        "streaming",
        "utils",
        "saving",
        "preprocessing",
        "data",
        "datasets",
    },
    {"plotting"},
    {"classification", "forecasting", "text", "tuner"},
    {"estimators"},
    {"cli"},
    {"__main__", "__init__"},
]
LEVEL = {name: level for level, names in enumerate(FLOORS) for name in names}


def imports(path):
    """The modules of the package that a file imports, by their top name."""
    depth = len(path.relative_to(PACKAGE).parts)
    tree = ast.parse(path.read_text())
    for node in list(ast.walk(tree)):  # what only the type checker imports does not count
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.ImportFrom) or node.level < 1:
            continue
        if node.level == depth:  # from the package itself
            names = [node.module.split(".")[0]] if node.module else [a.name for a in node.names]
            yield from (name for name in names if name in LEVEL)


@pytest.mark.parametrize(
    "path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: str(p.relative_to(PACKAGE))
)
def test_modules_look_down(path):
    name = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    assert name in LEVEL, f"{name} has no floor: give it one in this test and in ARCHITECTURE.md"
    for other in imports(path):
        assert LEVEL[other] <= LEVEL[name], f"{name} imports {other}"


@pytest.mark.parametrize("page", ["README.md", *(f"docs/{p.name}" for p in DOCS)])
def test_python_in_documents_runs(page, tmp_path):
    text = (ROOT / page).read_text(encoding="utf-8")
    blocks = [block.split("```")[0] for block in text.split("```python\n")[1:]]
    assert blocks
    code = "\n".join(blocks)  # each goes on from those above it
    run = [sys.executable, "-c", code.replace("epochs=10", "epochs=1")]
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE.parent)}
    done = subprocess.run(run, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert page != "README.md" or (tmp_path / "sine.safetensors").exists()


def test_documents_link_to_files_that_are_there():
    pages = [*ROOT.glob("*.md"), *DOCS]
    for page in pages:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_header_has_the_version_of_the_package():
    header = (ROOT / "src_c" / "lstmcore.h").read_text()
    major, minor, patch = (int(n) for n in lstmcore.__version__.split("."))
    assert f'#define LC_VERSION_TEXT "{lstmcore.__version__}"\n' in header
    assert f"#define LC_VERSION {10000 * major + 100 * minor + patch} " in header


def test_reference_needs_numpy_alone():
    files = list((PACKAGE / "reference").glob("*.py"))
    assert len(files) > 1
    for path in files:
        assert not list(imports(path)), path


def test_import_is_light():
    code = """
import sys, lstmcore
heavy = {"scipy", "safetensors", "tqdm", "matplotlib", "pandas", "sklearn"} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_environment_is_left_as_it_was():
    code = (
        "import os; before = dict(os.environ); import lstmcore; assert dict(os.environ) == before"
    )
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("OMP", "GOMP"))}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)


@pytest.mark.parametrize("batch", [1, 2, 32])
def test_inference_memory_does_not_grow_with_time(batch):
    """What a call takes from the pool is bounded: the same for 10 times as many steps."""
    rng = np.random.default_rng(0)
    weights = tuple(rng.standard_normal(s).astype("f4") for s in ((8, 256), (64, 256)))
    packed = _core.pack(_core.Cell(), weights)
    x = rng.standard_normal((batch, 200, 8)).astype("f4")
    taken = []
    for steps in (20_000, 2_000):
        _core.trim()
        long = np.lib.stride_tricks.as_strided(x, (batch, steps, 8), (x.strides[0], 0, 4))
        _core.forward(packed, long)
        taken.append(_core.pooled_bytes())
    _core.trim()
    assert taken[0] == taken[1]
