"""read_torch: what files of PyTorch have, as PyTorch itself reads them."""

import sys

import numpy as np
import pytest
from safetensors.numpy import save_file
from torch_files import FILES, state, tensor, write

import lstmcore
from lstmcore import Input, Sequential, read_torch
from lstmcore.layers import Dense

EXPECTED = np.load(FILES / "types.npz")


def test_types_views_and_shared_storages():
    found = read_torch(FILES / "types.pt")
    assert set(found) == set(EXPECTED)
    for name, array in found.items():
        assert array.dtype == EXPECTED[name].dtype, name
        np.testing.assert_array_equal(array, EXPECTED[name], err_msg=name)
    assert found["float16"].dtype == found["bfloat16"].dtype == np.float32
    assert found["turned"].shape == (6, 4)


def test_tensors_share_memory_as_they_do_in_pytorch():
    found = read_torch(FILES / "types.pt")
    found["base"][5] = -1
    assert found["middle"][0] == -1
    assert not np.shares_memory(found["base"], found["float64"])


def test_a_checkpoint_keeps_what_stands_beside_its_tensors():
    found = read_torch(FILES / "checkpoint.pt")
    assert found["state_dict.lstm.weight_ih_l0"].shape == (12, 2)
    assert found["optimizer.state.0.exp_avg"].shape == (12, 2)
    np.testing.assert_array_equal(found["parameter"], [1.5, 2.5])
    np.testing.assert_array_equal(found["mean"], np.arange(6.0).reshape(2, 3).T)
    others = found.others
    assert (others["epoch"], others["best"], others["large"]) == (3, 0.25, 2**70)
    assert (others["raw"], others["names"], others["complex"]) == (b"\x00\xff", {"a"}, 1 + 2j)
    assert others["optimizer.param_groups.0.lr"] == 0.001
    assert others["scheduler.milestones.5"] == 2
    assert (others["shape.0"], others["shape.1"], others["device"]) == (1, 3, "cpu")
    assert others["dtype"] == "torch.float32"


def test_a_key_picks_a_part():
    found = read_torch(FILES / "checkpoint.pt", key="state_dict")
    assert next(iter(found)) == "lstm.weight_ih_l0"
    assert found.others == {}
    assert set(read_torch(FILES / "checkpoint.pt", key="optimizer.state.0")) == {
        "step",
        "exp_avg",
        "exp_avg_sq",
    }
    assert list(read_torch(FILES / "checkpoint.pt", key="parameter")) == [""]
    assert set(read_torch(FILES / "checkpoint.pt", key="state_dict.fc.bias")) == {""}
    for key in ("model", "state_dict.gru", "epoch.x"):
        with pytest.raises(ValueError, match="key: there is no"):
            read_torch(FILES / "checkpoint.pt", key=key)


@pytest.mark.parametrize("name", ["protocol5", "without_sums"])
def test_other_ways_of_saving_give_the_same(name):
    whole, found = read_torch(FILES / "everything.pt"), read_torch(FILES / f"{name}.pt")
    assert len(found) == 16
    for key, array in found.items():
        np.testing.assert_array_equal(array, whole[f"gru.{key}"])


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("whole_module.pt", r"whole pickled module, of class torch\.nn\.modules\.linear\.Linear"),
        ("script.pt", "it is TorchScript"),
        ("legacy.pt", "before version 1.6"),
        ("exported.pt2", "a program of torch.export"),
        ("quantized.pt", "a quantized tensor"),
        ("sparse.pt", r"a sparse tensor: save tensor\.to_dense"),
        ("float8.pt", "of type float8_e4m3fn"),
        ("conjugated.pt", "conjugated or negated"),
        ("expanded.pt", r"a tensor of 1000 elements repeats those of storage '0', which has 1"),
        ("meta.pt", "a tensor of device 'meta'"),
    ],
)
def test_what_is_not_read_is_named(name, message):
    with pytest.raises(ValueError, match=message) as info:
        read_torch(FILES / name)
    assert str(info.value).startswith(f"{FILES / name}: no tensors can be read from this file: ")


def test_big_endian(tmp_path):
    numbers = np.array([1.5, -2.0, 3e-8], np.float32)
    half = np.array([0x3FC0, 0xC000], np.uint16)  # bfloat16: the upper half of 1.5 and -2
    pickled = state(
        a=tensor(3, 0, (3,), (1,)),
        b=tensor(2, 0, (2,), (1,), "1", b"ctorch\nBFloat16Storage\n"),
    )
    for order, kind in (("little", "<"), ("big", ">")):
        records = {
            "0": numbers.astype(f"{kind}f4").tobytes(),
            "1": half.astype(f"{kind}u2").tobytes(),
        }
        found = read_torch(write(tmp_path / "f.pt", pickled, records, order))
        np.testing.assert_array_equal(found["a"], numbers)
        np.testing.assert_array_equal(found["b"], [1.5, -2.0])
        assert found["a"].dtype.isnative
    with pytest.raises(ValueError, match="byteorder: expected little or big, got 'middle'"):
        read_torch(write(tmp_path / "f.pt", pickled, records, "middle"))


def test_safetensors_of_other_libraries(tmp_path):
    found = read_torch(FILES / "other.safetensors")
    for name in found:
        np.testing.assert_array_equal(found[name], EXPECTED[name], err_msg=name)
    assert len(found) == 5
    assert found.others == {"metadata.format": "pt"}
    save_file({"a.w": np.ones(2), "b.w": np.ones(3)}, tmp_path / "f")
    assert list(read_torch(tmp_path / "f", key="a")) == ["w"]
    with pytest.raises(ValueError, match="there is no 'c'"):
        read_torch(tmp_path / "f", key="c")


@pytest.mark.parametrize("start", [2, 3, 4, 5])
def test_a_header_whose_length_begins_as_a_pickle_does(tmp_path, start):
    length = 0x80 + start * 256
    header = b'{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'.ljust(length)
    file = length.to_bytes(8, "little") + header + np.float32(7).tobytes()
    (tmp_path / "f").write_bytes(file)
    assert read_torch(tmp_path / "f")["x"] == [7]


def test_this_library_s_own_files_are_models(tmp_path):
    Sequential([Input((3,)), Dense(2)]).save(tmp_path / "m.safetensors")
    with pytest.raises(ValueError, match=r"lstmcore's own file: lstmcore\.load_model"):
        read_torch(tmp_path / "m.safetensors")


def test_two_values_of_one_name(tmp_path):
    one = tensor(1, 0, (1,), (1,))
    pickled = b"\x80\x02}(X\x03\x00\x00\x00a.b" + one + b"X\x01\x00\x00\x00a}X\x01\x00\x00\x00b"
    path = write(tmp_path / "f", pickled + one + b"su.", {"0": b"\0" * 4})
    with pytest.raises(ValueError, match=r"two values of the name .a\.b."):
        read_torch(path)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match="read_torch: no file"):
        read_torch(tmp_path / "f.pt")


def test_pytorch_is_not_imported():
    lstmcore.layers_from_torch(read_torch(FILES / "everything.pt"), "lstm")
    assert not [name for name in sys.modules if name.partition(".")[0] == "torch"]
