"""The public names for ONNX graphs."""

import subprocess
import sys

import lstmcore
from lstmcore.interchange.onnx.runner import Runner


def test_names():
    assert lstmcore.onnx.Runner is Runner
    assert set(lstmcore.onnx.__all__) <= set(dir(lstmcore.onnx))


def test_neither_they_nor_the_onnx_package_are_imported_before_they_are_used():
    code = "import sys, lstmcore; print([n for n in sys.modules if 'onnx' in n])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    code = "import sys, lstmcore; lstmcore.onnx.Runner; print('onnx' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
