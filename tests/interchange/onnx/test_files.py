"""ONNX files at the door."""

import pytest

from lstmcore.interchange.onnx import files


def test_weights_alone_make_no_model(tmp_path):
    with pytest.raises(ValueError, match="it is an ONNX graph"):
        files.read_model(str(tmp_path / "f"))
