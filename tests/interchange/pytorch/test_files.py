"""PyTorch's files at the door."""

import pytest

from lstmcore.interchange.pytorch import files


def test_weights_alone_make_no_model(tmp_path):
    with pytest.raises(ValueError, match="it is PyTorch's"):
        files.read_model(str(tmp_path / "f"))
