"""The libraries whose files are read are not needed for it."""

import ast
from pathlib import Path

import pytest

import lstmcore

FILES = sorted((Path(lstmcore.__file__).parent / "interchange").rglob("*.py"))
NEVER = {"torch", "tensorflow", "keras", "tf_keras", "onnxruntime"}
INSIDE = {
    "h5py",
    "onnx",
    "pyfive",
    "safetensors",
}  # of functions: extras, and what takes time to import


@pytest.mark.parametrize("path", FILES, ids=lambda path: "/".join(path.parts[-2:]))
def test_no_other_library_is_imported(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    top = {id(node) for node in tree.body}
    for node in ast.walk(tree):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module or ""]
        roots = {name.partition(".")[0] for name in names}
        assert not roots & NEVER
        assert id(node) not in top or not roots & INSIDE
