"""Keras's .keras files."""

import pytest

from lstmcore.interchange.keras import archive


def test_weights_alone_make_no_model(tmp_path):
    with pytest.raises(ValueError, match="it is Keras's"):
        archive.read_model(str(tmp_path / "f"))
