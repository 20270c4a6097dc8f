"""Windows of Conv and MaxPool; the numbers of both are in test_operators.py."""

import numpy as np
import pytest
from onnx import helper

from lstmcore.interchange.onnx.windows import Windows

NODE = helper.make_node("Conv", ["x", "w"], ["y"], "node")


def test_windows_are_views():
    made = Windows.of(NODE, [2], (5,), {"strides": [2], "dilations": [2], "pads": [1, 0]})
    assert made.spans == [3]
    x = np.arange(1.0, 6).reshape(1, 1, 5)
    assert made.view(x, 0)[0, 0].tolist() == [[0, 2], [2, 4]]


@pytest.mark.parametrize(
    ("kind", "n", "stride", "pads"),
    [
        ("SAME_UPPER", 5, 1, (1, 1)),
        ("SAME_UPPER", 6, 2, (0, 1)),
        ("SAME_LOWER", 6, 2, (1, 0)),
        ("SAME_LOWER", 5, 2, (1, 1)),
        ("VALID", 5, 2, (0, 0)),
    ],
)
def test_automatic_padding(kind, n, stride, pads):
    made = Windows.of(NODE, [3], (n,), {"strides": [stride], "auto_pad": kind.encode()})
    assert made.pads == [pads]


@pytest.mark.parametrize("options", [{"pads": [-1, 0]}, {"pads": [1]}, {"auto_pad": "SAME"}])
def test_padding_that_cannot_be_read(options):
    with pytest.raises(ValueError, match=r"node 'node' .Conv.: pads: cannot be read"):
        Windows.of(NODE, [3], (5,), options)
