"""The documents: their code runs, and every file, module, test and command they name exists."""

import ast
import os
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import lstmcore
from lstmcore import _moved
from lstmcore.cli import COMMANDS

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "benchmarks/README.md"])
TEXTS = {page.relative_to(ROOT).as_posix(): page.read_text(encoding="utf-8") for page in PAGES}
RUN = [name for name, text in TEXTS.items() if "```python\n" in text]
# CHANGELOG and the table of old module names tell what was, too.
OF_NOW = [name for name in TEXTS if name not in ("CHANGELOG.md", "docs/moved_names.md")]
FOLDERS = ("lstmcore", "src_c", "tests", "benchmarks", "docs", "examples")
SUFFIXES = (".py", ".pyi", ".pyx", ".pxi", ".pxd", ".c", ".h", ".def", ".md", ".toml")


@pytest.mark.parametrize("name", RUN)
def test_python_runs(name, tmp_path):
    blocks = [block.split("```")[0] for block in TEXTS[name].split("```python\n")[1:]]
    code = "\n".join(blocks)  # each goes on from those above it
    run = [sys.executable, "-c", code.replace("epochs=10", "epochs=1")]
    environment = {**os.environ, "PYTHONPATH": str(Path(lstmcore.__file__).parents[1])}
    done = subprocess.run(run, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert name != "README.md" or (tmp_path / "sine.safetensors").exists()


def test_the_pages_that_teach_have_code():
    assert {"README.md", "docs/from_keras.md", "docs/lstm_equations.md"} <= set(RUN)


@pytest.mark.parametrize("name", TEXTS)
def test_links_lead_to_files(name):
    targets = re.findall(r"\]\(([^)#:]+)\)", TEXTS[name])
    targets += re.findall(r'(?:src|srcset)="([^":]+)"', TEXTS[name])
    for target in targets:
        assert ((ROOT / name).parent / target).exists(), f"{name} links to {target}"


def snippets(text):
    """What stands in backquotes or is indented as code; not the Python that is run."""
    text = re.sub(r"```python\n.*?```", "", text, flags=re.DOTALL)
    return [*re.findall(r"`([^`\n]+)`", text), *re.findall(r"^    (.*)$", text, re.M)]


def files():
    """All files and folders of the project, as paths with a slash before them and behind."""
    for folder in FOLDERS:
        yield from (f"/{p.relative_to(ROOT).as_posix()}/" for p in (ROOT / folder).rglob("*"))
    yield from (f"/{p.name}/" for p in ROOT.glob("*"))


@pytest.mark.parametrize("name", OF_NOW)
def test_files_that_are_named_exist(name):
    known = list(files())
    words = [word for code in snippets(TEXTS[name]) for word in re.findall(r"[\w./:<>*-]+", code)]
    for word in words:
        path = word.split("::")[0].strip(".:").rstrip("/")
        whole = "/" in path and path.split("/")[0] in FOLDERS
        if set(path) & set("<>*") or not (whole or path.endswith(SUFFIXES)):
            continue
        assert any(file.endswith(f"/{path}/") for file in known), f"{name} names {path}"


@pytest.mark.parametrize("name", OF_NOW)
def test_modules_that_are_named_exist(name):
    for dotted in re.findall(r"`((?:lstmcore|benchmarks)(?:\.\w+)+)[`( ]", TEXTS[name]):
        if dotted.endswith(SUFFIXES):
            continue  # a file: lstmcore.h
        module, _, attribute = dotted.rpartition(".")
        is_module = any((ROOT / f"{dotted.replace('.', '/')}{end}").exists() for end in ("", ".py"))
        assert is_module or hasattr(import_module(module), attribute), f"{name} names {dotted}"


@pytest.mark.parametrize("name", OF_NOW)
def test_commands_exist(name):
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.M)
    code = "\n".join(snippets(TEXTS[name]))
    for target in re.findall(r"(?:^|=\S+ )make ([a-z]+)", code, re.M):
        assert target in targets, f"{name} names make {target}"
    for command in re.findall(r"^(?:\.venv/bin/)?lstmcore ([a-z]+)", code, re.M):
        assert command in COMMANDS, f"{name} names lstmcore {command}"
    for module in re.findall(r"python -m (benchmarks(?:\.\w+)+)", code):
        path = ROOT / (module.replace(".", "/") + ".py")
        assert path.exists(), f"{name} names {module}"


@pytest.mark.parametrize("old", sorted(_moved.MOVED))
def test_old_module_paths_are_listed_with_the_new_ones(old):
    homes = ", ".join(f"`lstmcore.{home}`" for home in _moved.MOVED[old])
    assert f"| `lstmcore.{old}` | {homes} |\n" in TEXTS["docs/moved_names.md"]


def test_renamed_classes_are_listed():
    for old, new in _moved.RENAMED.items():
        assert f"| `{old}` | `{new}` |\n" in TEXTS["docs/moved_names.md"]


def test_the_pictures_are_light():
    pictures = list(ROOT.glob("docs/images/*.png"))
    assert len(pictures) == 4
    assert max(p.stat().st_size for p in pictures) < 60_000


@pytest.mark.parametrize("mode", ["inference", "training"])
def test_a_table_s_last_column_is_the_fastest_other_library_over_ours(mode):
    table = TEXTS["BENCHMARKS.md"].split(f"Layer {mode}")[1].split("\n\n")[1].split("\n")[2:]
    assert len(table) > 5
    for row in table:
        _, ours, *others, ratio = [cell.strip() for cell in row.strip("|").split("|")]
        assert abs(min(map(float, others)) / float(ours) - float(ratio)) < 0.01, row


@pytest.mark.parametrize("folder", ["lstmcore", "lstmcore/layers", "src_c", "tests"])
def test_the_map_names_every_package(folder):
    the_map = TEXTS["ARCHITECTURE.md"].split("## The map\n")[1].split("\n## ")[0]
    own = [path for path in (ROOT / folder).iterdir() if not path.name.startswith(("_", "."))]
    packages = [p.name for p in own if p.is_dir() and any(p.rglob("*.[chp]*"))]
    loose = [p.name for p in own if p.suffix == ".py"] if folder == "lstmcore" else []
    for name in (*packages, *loose):
        place = ROOT / "lstmcore" / name
        mirrored = folder == "tests" and (place.exists() or place.with_suffix(".py").exists())
        written = re.search(rf"[`/]{re.escape(name)}/?`", the_map)
        assert mirrored or written, f"{folder}/{name} is not in ARCHITECTURE's map"


def invariants():
    """The numbered paragraphs of the section on invariants."""
    section = TEXTS["ARCHITECTURE.md"].split("## Ten invariants\n")[1].split("\n## ")[0]
    return re.split(r"^\d+\. ", section, flags=re.M)[1:]


def test_there_are_ten_invariants():
    assert len(invariants()) == 10


@pytest.mark.parametrize("number", range(10))
def test_an_invariant_names_tests_that_exist(number):
    tests = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", invariants()[number])
    assert tests
    for path, test in tests:
        tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
        assert test in {n.name for n in tree.body if isinstance(n, ast.FunctionDef)}, test
