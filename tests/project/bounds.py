"""Runs the tests with the lowest versions that pyproject.toml allows: `make bounds`.

The versions are read from there, so that no second list can differ from it. The environment and a
copy of the tree stand in a folder of their own; the Python is the lowest that is supported, since
wheels of the lowest versions are often made for that one alone.
"""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TREE = ["setup.py", "pyproject.toml", "Makefile", "MANIFEST.in", "lstmcore", "src_c", "tests"]
TREE += ["CMakeLists.txt", "LICENSE", *sorted(p.name for p in ROOT.glob("*.md"))]
TREE += ["examples", "benchmarks", "docs"]
BUILT = shutil.ignore_patterns("*.so", "__pycache__", ".*_cache")


def requirements(project, extras):
    """The build's and the package's requirements, and those of extras, however they are nested."""
    own, listed = project["project"]["name"], project["project"]["optional-dependencies"]
    found = [*project["build-system"]["requires"], *project["project"]["dependencies"]]
    extras = list(extras)
    for extra in extras:  # grows
        for requirement in listed[extra]:
            inner = re.fullmatch(re.escape(own) + r"\[(.+)\]", requirement)
            if inner:
                extras += [name for name in inner[1].split(",") if name not in extras]
            else:
                found.append(requirement)
    return sorted(set(found))


def lowest(requirement):
    """The requirement held to the lowest version that it allows."""
    bound = re.fullmatch(r"([\w.-]+)(>=|==)([\w.]+)", requirement)
    if not bound:
        raise ValueError(f"{requirement}: expected NAME>=VERSION or NAME==VERSION")
    return f"{bound[1]}=={bound[3]}"


def interpreter(requires):
    """The lowest Python that the package supports."""
    wanted = re.fullmatch(r">=(\d+\.\d+)", requires)[1]
    if wanted == f"{sys.version_info.major}.{sys.version_info.minor}":
        return sys.executable
    found = shutil.which(f"python{wanted}")
    if not found:
        raise SystemExit(f"make bounds needs Python {wanted}, the lowest that is supported")
    return found


def main(folder):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    pins = [lowest(r) for r in requirements(project, project["project"]["optional-dependencies"])]
    print("lowest versions:", *pins)
    shutil.rmtree(folder, ignore_errors=True)
    tree, python = folder / "tree", folder / "venv" / "bin" / "python"
    tree.mkdir(parents=True)
    for name in TREE:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tree / name, ignore=BUILT)
        else:
            shutil.copy(source, tree / name)
    base = interpreter(project["project"]["requires-python"])
    pip = [python, "-m", "pip", "--disable-pip-version-check", "--quiet", "install"]
    tests = [python, "-m", "pytest", "-n", "2", "--dist", "worksteal"]
    for command in (
        [base, "-m", "venv", folder / "venv"],
        [*pip, *pins],
        [*pip, "--no-build-isolation", "--no-deps", "-e", "."],
        [python, "-m", "pip", "check"],
        [python, "-m", "ruff", "check"],
        [python, "-m", "ruff", "format", "--check"],
        tests,
    ):
        subprocess.run(command, cwd=tree, check=True)


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]).resolve())
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode)
