"""Keras's .keras files: what an archive may be."""

import zipfile

import pytest

from lstmcore import load_model


def archive(path, **members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name.replace("_", ".", 1), content)
    return path


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"config_json": "{}"}, "it has 0 members 'model.weights.h5'"),
        (
            {"config_json": b" " * (2 << 20), "model_weights.h5": b""},
            "'config.json' claims 2097152",
        ),
        ({"config_json": "[]", "model_weights.h5": b""}, "config.json: expected a dict"),
        ({"config_json": "{}", "model_weights.h5": b""}, "which version of Keras"),
    ],
)
def test_what_is_refused(tmp_path, members, words):
    with pytest.raises(ValueError, match=words):
        load_model(archive(tmp_path / "m.keras", **members))
