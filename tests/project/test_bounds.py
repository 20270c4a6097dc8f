"""The lowest versions that `make bounds` installs are those of pyproject.toml, all of them."""

import tomllib

import bounds
import pytest

PROJECT = tomllib.loads((bounds.ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_every_requirement_has_a_lowest_version():
    listed = PROJECT["project"]["optional-dependencies"]
    found = bounds.requirements(PROJECT, listed)
    for group in (
        PROJECT["build-system"]["requires"],
        PROJECT["project"]["dependencies"],
        *listed.values(),
    ):
        assert group
        assert all(r in found or r.startswith("lstmcore[") for r in group)
    pins = [bounds.lowest(r) for r in found]
    names = [pin.split("==")[0] for pin in pins]
    assert len(set(names)) == len(names), "two bounds of one package"
    assert {"numpy", "scipy", "safetensors", "tqdm", "Cython", "optuna", "pytest"} <= set(names)


def test_extras_within_extras():
    project = {
        "build-system": {"requires": ["a>=1"]},
        "project": {
            "name": "own",
            "dependencies": ["b>=2.0"],
            "optional-dependencies": {"x": ["c==3"], "y": ["own[x,z]", "d>=4"], "z": ["own[y]"]},
        },
    }
    assert bounds.requirements(project, ["z"]) == ["a>=1", "b>=2.0", "c==3", "d>=4"]
    assert bounds.requirements(project, []) == ["a>=1", "b>=2.0"]


def test_lowest():
    pins = ["numpy==2.0", "clang-format==19.1.7"]
    assert [bounds.lowest(r) for r in ("numpy>=2.0", "clang-format==19.1.7")] == pins


@pytest.mark.parametrize("requirement", ["numpy", "numpy<3", "numpy>=2,<3", "numpy~=2.0"])
def test_a_requirement_without_a_lowest_version_is_refused(requirement):
    with pytest.raises(ValueError, match=f"{requirement}: expected NAME>=VERSION"):
        bounds.lowest(requirement)
