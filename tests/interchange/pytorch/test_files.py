"""PyTorch's files at the door: what they have is said, and what can be done with it."""

import json

import pytest
from torch_files import FILES

from lstmcore import Input, Sequential, load_model
from lstmcore.cli import main
from lstmcore.layers import LSTM
from lstmcore.saving import describe_file


def test_weights_alone_make_no_model():
    with pytest.raises(ValueError, match="a PyTorch state dict with 74 tensors: it has weights"):
        load_model(FILES / "everything.pt")
    with pytest.raises(ValueError, match=r"layers_from_torch\(state, 'bare_linear\.'\)"):
        load_model(FILES / "everything.pt")
    with pytest.raises(ValueError, match="a PyTorch state dict with 5 tensors"):
        load_model(FILES / "other.safetensors")


def test_weights_are_not_taken_for_the_model_s():
    model = Sequential([Input((None, 3)), LSTM(4)])
    before = model.get_weights()
    with pytest.raises(ValueError, match=r"whose names are not the model's; .*model\.load_torch"):
        model.load_weights(FILES / "protocol5.pt")
    assert all((a == b).all() for a, b in zip(before, model.get_weights(), strict=True))


@pytest.mark.parametrize(
    ("name", "message"),
    [("script.pt", "it is TorchScript"), ("legacy.pt", "before version 1.6")],
)
def test_other_files_of_pytorch_are_refused_by_name(name, message):
    with pytest.raises(ValueError, match=message):
        load_model(FILES / name)


def test_description(capsys):
    found = describe_file(FILES / "checkpoint.pt")
    assert found["tensors"]["state_dict.fc.weight"] == ((1, 3), "float32")
    assert found["tensors"]["mean"] == ((3, 2), "float64")
    assert found["config"]["others"]["epoch"] == "3"
    assert found["bytes"] == (FILES / "checkpoint.pt").stat().st_size
    assert describe_file(FILES / "other.safetensors")["tensors"]["bfloat16"] == ((3,), "bfloat16")
    main(["info", str(FILES / "checkpoint.pt"), "--json"])
    assert json.loads(capsys.readouterr().out)["tensors"]["mean"] == [[3, 2], "float64"]
