"""The script that compares two versions to the bit sees a bit, a file and a name."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

SCRIPT = Path(__file__).with_name("same_bits.py")


def script(*arguments):
    done = subprocess.run([sys.executable, SCRIPT, *arguments], capture_output=True, text=True)
    assert not done.stderr, done.stderr
    return done


@pytest.fixture(scope="module")
def dumped(tmp_path_factory):
    file = tmp_path_factory.mktemp("bits") / "a.json"
    script("dump", file, "--only", "ragged")
    return file


@pytest.mark.slow
def test_a_second_dump_is_the_same(dumped, tmp_path):
    script("dump", tmp_path / "b.json", "--only", "ragged")
    done = script("compare", dumped, tmp_path / "b.json")
    assert done.returncode == 0, done.stdout
    assert "all the same" in done.stdout


def changed(file, into, change):
    found = json.loads(file.read_text())
    change(found)
    into.write_text(json.dumps(found))
    return into


@pytest.mark.parametrize("item", ["outputs at first", "trained weights", "file", "history"])
def test_another_digest_is_said(item, dumped, tmp_path):
    (key, *_) = [k for k in json.loads(dumped.read_text())["digests"] if k.endswith(f"/ {item}")]
    other = changed(dumped, tmp_path / "b.json", lambda d: d["digests"].update({key: "0"}))
    done = script("compare", dumped, other)
    assert (done.returncode, done.stdout) == (1, f"differs: {key}\n")


def test_a_name_that_is_gone_is_said(dumped, tmp_path):
    def change(found):
        found["names"]["lstmcore.layers"].remove("LSTM")
        del found["names"]["lstmcore.data"]

    done = script("compare", dumped, changed(dumped, tmp_path / "b.json", change))
    assert done.returncode == 1
    assert done.stdout.startswith("no longer there: lstmcore.layers.LSTM\n")
    assert "no longer there: lstmcore.data\n" in done.stdout


def test_one_bit_is_another_digest():
    sys.path.insert(0, str(SCRIPT.parent))
    from same_bits import sha

    x = np.linspace(0, 1, 10)
    y = x.copy()
    y.view("u8")[3] ^= 1
    assert sha(x) == sha(x.copy()) != sha(y)
    assert sha(x) != sha(x.astype("f4")) != sha(x.reshape(2, 5))
    assert sha(-0.0) != sha(0.0)
    assert sha({"a": 1, "b": [x]}) == sha({"b": [x], "a": 1}) != sha({"b": [y], "a": 1})
