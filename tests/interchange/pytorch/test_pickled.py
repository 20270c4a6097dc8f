"""Pickles from outside: no name is imported, nothing is called, and what is refused is named."""

import os
import pickle
import sys
import time
import tracemalloc

import numpy as np
import pytest
from torch_files import FILES, STORAGE, state, tensor, value, write

from lstmcore import read_torch
from lstmcore.interchange.pytorch import pickled as machine

ONE = {"0": np.arange(12, dtype="<f4").tobytes()}


class Evil:
    """What is executed if a file is unpickled."""

    def __init__(self, call, *arguments):
        self.call, self.arguments = call, arguments

    def __reduce__(self):
        return self.call, self.arguments


def refuse(path, pickled, match, records=()):
    write(path, pickled, records)
    start = time.process_time()
    with pytest.raises(ValueError, match=match):
        read_torch(path)
    assert time.process_time() - start < 1


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize(
    ("evil", "name"),
    [
        (Evil(os.system, "touch EXECUTED"), "system"),
        (Evil(eval, "open('EXECUTED', 'w')"), "eval"),
        (Evil(exec, "open('EXECUTED', 'w')"), "exec"),
        (Evil(getattr, "x", "upper"), "getattr"),
        (Evil(__import__, "antigravity"), "__import__"),
        (Evil(open, "EXECUTED", "w"), "open"),
        (Evil(np.load, "EXECUTED"), "load"),
    ],
)
def test_calls_of_other_names_are_refused_and_named(tmp_path, monkeypatch, protocol, evil, name):
    monkeypatch.chdir(tmp_path)
    pickled = pickle.dumps({"weight": evil}, protocol)
    refuse(tmp_path / "f", pickled, rf"names \S*\.{name}, which is not on the closed list")
    assert not os.path.exists("EXECUTED")
    assert "antigravity" not in sys.modules


@pytest.mark.parametrize(
    ("pickled", "message"),
    [
        # names that are on the list of other machines, or begin like those of this one
        (b"\x80\x02cbuiltins\ngetattr\n.", r"builtins\.getattr"),
        (b"\x80\x02ctorch._utils\n_rebuild_tensor_v2.__globals__\n.", "closed list"),
        (b"\x80\x04\x8c\x05torch\x8c\x08_C.Loads\x93.", r"torch\._C\.Loads"),
        (b"\x80\x04\x8c\x11collections.abc.X\x8c\x0bOrderedDict\x93.", "closed list"),
        (b"\x80\x04K\x01K\x02\x93.", "a name that is no text"),
        (b"\x80\x02c__main__\nModel\n)\x81.", r"__main__\.Model.*torch\.save\(model\.state_dict"),
        # a value of the list, called; and something that is no name
        (b"\x80\x02ctorch\nFloatStorage\n)R.", "calls something that is no function"),
        (b"\x80\x02X\x19\x00\x00\x00collections.OrderedDict\x00\x00)R.", "calls something"),
        (b"\x80\x02ccollections\nOrderedDict\n]R.", "calls something"),
        # operations that no file of tensors has
        (b"\x80\x02(ios\nsystem\n.", "operation INST"),
        (b"\x80\x02(cos\nsystem\no.", r"os\.system"),
        (b"\x80\x02\x82\x01.", "operation EXT1"),
        (b"\x80\x02Pid\n.", "operation PERSID"),
        (b"\x80\x02ccollections\nOrderedDict\n)\x81.", "operation NEWOBJ"),
        (b"\x80\x02I1\n.", "operation INT"),
        (b"\x80\x05\x97.", "operation NEXT_BUFFER"),
        (b"\x80\x00N.", "protocol 0"),
        (b"\x80\x06N.", "protocol 6"),
        # the state of things
        (b"\x80\x02}}b.", "sets the state of a dict"),
        (b"\x80\x02ccollections\nOrderedDict\n)R}X\x08\x00\x00\x00__dict__}sb.", "sets the state"),
        (b"\x80\x02ccollections\nOrderedDict\n)RNb.", "sets the state of a Ordered"),
        (b"\x80\x02]]b.", "sets the state of a list"),
        # a stack that is not there
        (b"\x80\x02.", "damaged"),
        (b"\x80\x02(.", "damaged"),
        (b"\x80\x02N(\x85.", "damaged"),
        (b"\x80\x02h\x07.", "damaged"),
        (b"\x80\x02t.", "damaged"),
        (b"\x80\x02]a.", "damaged"),
        (b"\x80\x02NNs.", "damaged|sets an item"),
        (b"\x80\x02N", "exhausted"),
        (b"", "exhausted"),
        (b"\x80\x02\xff.", "opcode"),
        # keys
        (b"\x80\x02})Ns.", "a key of type tuple"),
        (b"\x80\x02}NNs.", "a key of type NoneType"),
        (b"\x80\x02}K\x01NsK\x01Ns.", "the key '1' twice"),
        (b"\x80\x04\x8f(}\x90.", "a set of other things"),
        # numbers and texts longer than the file
        (b"\x80\x02\x8b\xff\xff\xff\x7f1.", "."),
        (b"\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\x7f1.", "."),
        (b"\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\xff1.", "."),
        (b"\x80\x05\x96\x00\x00\x00\x00\x00\x01\x00\x001.", "."),
        (b"\x80\x02X\xff\xff\xff\xffx.", "."),
        (b"\x80\x02X\x01\x00\x00\x00\xff.", "."),
    ],
)
def test_other_pickles(tmp_path, pickled, message):
    refuse(tmp_path / "f", pickled, message)


@pytest.mark.parametrize(
    ("call", "arguments"),
    [
        ("torch._utils\n_rebuild_tensor_v2", ()),
        ("torch._utils\n_rebuild_tensor_v2", (None, 0, (1,), (1,), False, {})),
        ("torch._utils\n_rebuild_tensor_v3", (None, 0, (1,), (1,), False, {}, None)),
        ("torch._utils\n_rebuild_parameter", (1, True, {})),
        ("torch._tensor\n_rebuild_from_type_v2", (1, 2, (), {})),
        ("collections\nOrderedDict", ("ab",)),
        ("collections\nOrderedDict", ([1],)),
        ("collections\nOrderedDict", ([([], 1)],)),
        ("collections\nCounter", ([1],)),
        ("torch\nSize", (3,)),
        ("torch\ndevice", (3,)),
        ("_codecs\nencode", ("x", "rot13")),
        ("_codecs\nencode", (b"x", "latin1")),
        ("_codecs\nencode", ("\u20ac", "latin1")),
        ("builtins\nset", ([[]],)),
        ("builtins\ncomplex", ("1", 2)),
        ("numpy\ndtype", ("O8", False, True)),
        ("numpy\ndtype", (["f4"],)),
        ("numpy._core.multiarray\nscalar", (1, b"x")),
        ("numpy._core.multiarray\n_reconstruct", (1, (0,), b"b")),
    ],
)
def test_wrong_arguments_of_the_functions_on_the_list(tmp_path, call, arguments):
    pickled = b"\x80\x02c" + call.encode() + b"\n" + value(arguments) + b"R."
    refuse(tmp_path / "f", pickled, ".")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (tensor(12, -1, (2,), (1,)), "whole numbers >= 0"),
        (tensor(12, 0, (-2,), (1,)), "whole numbers >= 0"),
        (tensor(12, 11, (3,), (-1,)), "whole numbers >= 0"),
        (tensor(12, 0, (2.0,), (1,)), "whole numbers >= 0"),
        (tensor(12, 0, (True,), (1,)), "whole numbers >= 0"),
        (tensor(12, 2**70, (1,), (1,)), "whole numbers >= 0"),
        (tensor(12, 11, (2,), (1,)), "reaches to element 12 of storage '0', which has 12"),
        (tensor(12, 0, (3, 2), (5, 2)), "reaches to element 12"),
        (tensor(12, 0, (4, 4), (1, 1)), "repeats those of storage"),
        (tensor(12, 0, (2**40, 2**40), (0, 0)), "repeats those of storage"),
        (tensor(12, 0, (2**61, 2), (2**61, 1)), "reaches to element"),
        (tensor(12, 0, (2,), (1, 1)), "expected as many"),
        (tensor(12, 0, (1,) * 40, (1,) * 40), "at most 32"),
        (tensor(12, 0, (0, 2**61), (1, 1)), "sizes are too large"),
        (tensor(12, 0, [2], (1,)), "without size and stride"),
        (tensor(13, 0, (2,), (1,)), "expected 52 bytes, as the pickle says, got 48"),
        (tensor(2**40, 0, (2**40,), (1,)), "expected 4398046511104 bytes"),
        (tensor(-1, 0, (0,), (1,)), "without a key or a number"),
        (tensor(12, 0, (2,), (1,), key="../../x"), r"lacks the record 'data/\.\./\.\./x'"),
        (tensor(12, 0, (2,), (1,), key=0), "without a key or a number"),
        (tensor(12, 0, (2,), (1,), storage=b"ctorch\nfloat32\n"), "a storage of type"),
        (tensor(12, 0, (2,), (1,), storage=b"N"), "a storage of type"),
        (b"ctorch\nFloatStorage\nQ", "a persistent id that is no storage"),
        (b"X\x07\x00\x00\x00storage" + STORAGE + b"\x86Q", "a persistent id that is no storage"),
    ],
)
def test_tensors_outside_of_their_storage(tmp_path, content, message):
    refuse(tmp_path / "f", state(w=content), message, ONE)


@pytest.mark.parametrize("kind", [b"ctorch\nSize\n", b"ctorch\nfloat32\n", b"N"])
def test_tensors_of_other_classes(tmp_path, kind):
    whole = tensor(12, 0, (2,), (1,))
    call, arguments = b"ctorch._utils\n_rebuild_tensor_v2\n", whole.partition(b"v2\n")[2][:-1]
    content = b"ctorch._tensor\n_rebuild_from_type_v2\n(%b%b%b}tR"
    good = content % (call, b"ctorch\nTensor\n", arguments)
    np.testing.assert_array_equal(
        read_torch(write(tmp_path / "f", state(w=good), ONE))["w"], [0, 1]
    )
    refuse(tmp_path / "f", state(w=content % (call, kind, arguments)), "a tensor of class", ONE)
    wrong = content % (b"ccollections\nCounter\n", b"ctorch\nTensor\n", b"}\x85")
    refuse(tmp_path / "f", state(w=wrong), "a tensor of class", ONE)


def test_a_storage_with_two_types(tmp_path):
    other = tensor(12, 0, (2,), (1,), "0", b"ctorch\nIntStorage\n")
    two = state(a=tensor(12, 0, (2,), (1,)), b=other)
    refuse(tmp_path / "f", two, "its storage has tensors of two types", ONE)


def test_a_storage_alone(tmp_path):
    stored = b"(" + value("storage") + STORAGE + value("0") + value("cpu") + value(12) + b"tQ"
    refuse(tmp_path / "f", b"\x80\x02" + stored + b".", "is a storage: save a tensor of it", ONE)


def doubled(levels):
    """A list of None twice, a list of that list twice, and so on."""
    numbers = [i.to_bytes(4, "little") for i in range(levels)]
    return b"\x80\x02N" + b"".join(b"r%b](j%bj%be" % (n, n, n) for n in numbers) + b"."


@pytest.mark.parametrize(
    ("pickled", "message"),
    [
        (doubled(60), "containers repeat each other"),
        (b"\x80\x02" + b"]" * 20_000 + b"a" * 19_999 + b".", "more than 64 containers inside"),
        (b"\x80\x02]q\x00h\x00a.", "more than 64 containers inside"),
        (b"\x80\x02)" + b"\x85" * 20_000 + b".", "more than 64 containers inside"),
        (b"\x80\x02}" + b"}" * 10_000 + b"N" * 10_001, "exhausted"),
    ],
)
def test_memory_is_bounded_by_the_file(tmp_path, pickled, message):
    tracemalloc.start()
    refuse(tmp_path / "f", pickled, message)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20e6


def test_a_large_index_of_the_memo_takes_no_memory(tmp_path):
    tracemalloc.start()
    assert read_torch(write(tmp_path / "f", b"\x80\x02Nr\xff\xff\xff\x7f.")).others == {"": None}
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1e6


def test_many_operations_are_too_many(monkeypatch):
    monkeypatch.setattr(machine, "MOST_OPERATIONS", 1000)
    content = b"\x80\x02" + b"}" * 996 + b"."
    with pytest.raises(ValueError, match="damaged"):  # 998 operations, and several values
        machine.read_pickle(content.replace(b"}.", b"(."))
    with pytest.raises(ValueError, match="more than 1000 operations"):
        machine.read_pickle(b"\x80\x02" + b"}" * 2000 + b".")


def mutations(count, seed):
    """Random changes of a sound file: bytes, blocks, pieces cut out, in, and off."""
    sound = (FILES / "types.pt").read_bytes()
    random = np.random.default_rng(seed)
    for _ in range(count):
        bad = bytearray(sound)
        for _ in range(random.integers(1, 4)):
            at, kind = int(random.integers(len(bad))), random.integers(4)
            if kind == 0:
                bad[at] = random.integers(256)
            elif kind == 1:
                bad[at : at + 8] = random.bytes(8)
            elif kind == 2:
                del bad[at : at + int(random.integers(1, 40))]
            else:
                bad[at:at] = bad[: int(random.integers(1, 40))]
        yield bytes(bad)


def survive(path, count, seed, traced):
    """Each damaged file is read or refused by a ValueError, at once and without much memory."""
    refused = 0
    if traced:
        tracemalloc.start()
    for bad in mutations(count, seed):
        path.write_bytes(bad)
        if traced:
            tracemalloc.reset_peak()
        before, start = tracemalloc.get_traced_memory()[0], time.process_time()
        try:
            read_torch(path)
        except ValueError:
            refused += 1
        assert time.process_time() - start < 1
        assert tracemalloc.get_traced_memory()[1] - before < 10 * max(len(bad), 20_000)
    tracemalloc.stop()
    assert refused > count // 2


def test_damaged_files(tmp_path):
    survive(tmp_path / "f", 300, 1, traced=False)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 22))
def test_ten_thousand_damaged_files(tmp_path, seed):
    survive(tmp_path / "f", 500, seed, traced=True)
