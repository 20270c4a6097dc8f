"""benchmarks/accuracy: its tasks run on data made up in the form of the real ones."""

import gzip
import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest

import lstmcore

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(
    not (ROOT / "benchmarks").is_dir(), reason="benchmarks are not here"
)


@pytest.fixture
def accuracy(monkeypatch):
    monkeypatch.syspath_prepend(ROOT)
    from benchmarks.accuracy import tasks

    return tasks


@pytest.fixture
def data(tmp_path):
    """Sentences of two words, pieces of 30 keys, recordings of noise around a digit's number."""
    rng = np.random.default_rng(0)
    folder = tmp_path / "data" / "ud_english_ewt"
    folder.mkdir(parents=True)
    for part in ("train", "dev", "test"):
        with gzip.open(folder / f"ewt-{part}.tsv.gz", "wt", encoding="utf-8") as file:
            file.write("The\tDET\tDT\nantidisestablishmentarian\tNOUN\tNN\n\nYes\tINTJ\tUH\n\n" * 4)
    bits, lengths = {}, {}
    for part in ("train", "valid", "test"):
        lengths[f"{part}_len"] = np.array([5, 3], np.int32)
        keys = rng.random((8, 88)) < 0.3
        bits[f"{part}_bits"] = np.packbits(keys, axis=1)
    (tmp_path / "data" / "music_polyphonic").mkdir()
    np.savez(tmp_path / "data" / "music_polyphonic" / "JSB_Chorales.npz", **bits, **lengths)
    length, label = rng.integers(6, 12, 60), np.arange(60) % 10
    frames = rng.normal(size=(length.sum(), 26)) / 9 + np.repeat(label, length)[:, None]
    (tmp_path / "data" / "fsdd").mkdir()
    np.savez(
        tmp_path / "data" / "fsdd" / "fsdd_logmel26.npz",
        logmel=frames.astype(np.float16),
        length=length.astype(np.int16),
        label=label.astype(np.uint8),
        index=np.repeat([0, 20, 7, 30, 5, 49], 10).astype(np.uint8),
    )
    return tmp_path / "data"


def run(accuracy, monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["tasks.py", *map(str, arguments)])
    return accuracy.main()


def test_parts_of_speech(accuracy, data):
    from benchmarks.accuracy import labelling as task

    found = task.tagging(data, epochs=1, verbose=0)
    assert found["baseline"] == 1.0
    assert 0 <= found["figure"] <= 1
    vocabulary = task.Vocabulary(task.read(data, "train"))
    assert vocabulary.tags == ["DET", "INTJ", "NOUN"]
    inverse = {i: c for c, i in vocabulary.letters.items()}
    spelt = vocabulary.spell("antidisestablishmentarian")
    assert "".join(inverse[i] for i in spelt) == "antidise" + "entarian"
    assert vocabulary.spell("the!")[-13:] == [task.UNKNOWN] + [0] * 12


def test_chorales(accuracy, data):
    from benchmarks.accuracy import music as task

    train, test = task.read(data, "train"), task.read(data, "test")
    assert [roll.shape for roll in train] == [(5, 88), (3, 88)]
    before = task.shifted(train)
    assert not before[1][0].any()
    np.testing.assert_array_equal(before[1][1:], train[1][:2])
    rates = np.concatenate(train).mean(axis=0)
    by_hand = 0.0
    for step in np.concatenate(test):
        for p, y in zip(np.clip(rates, 1e-7, 1 - 1e-7), step, strict=True):
            by_hand -= np.log(p if y else 1 - p) / 8
    assert task.frequencies(train, test) == pytest.approx(by_hand, rel=1e-4)
    found = task.chorales(data, epochs=1, verbose=0)
    assert 20 < found["figure"] < 88  # 61 nats if all keys are as likely to sound as not
    assert found["baseline"] == task.frequencies(train, test)


def test_digits(accuracy, data):
    from benchmarks.accuracy import speech as task

    recordings, said, test = task.read(data)
    assert len(recordings) == 60
    assert test.sum() == 10
    np.testing.assert_array_equal(said[test], np.arange(10))
    scaled = np.concatenate([r for r, tested in zip(recordings, test, strict=True) if not tested])
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-4)
    found = task.digits(data, epochs=1, verbose=0)
    assert found["baseline"] == 1.0
    assert 0 <= found["figure"] <= 1


def test_the_table(accuracy, data, tmp_path, monkeypatch, capsys):
    def good(data, seed, quantize):
        return {"nats_per_character": 1.25, "target": 1.5, "baselines": {"a": 3.3, "b": 2.5}}

    def bad(data, **_):
        return {"figure": 0.5, "target": 0.97, "baseline": 0.4, "seconds": 7}

    tasks = {"digits": bad}
    tasks["shakespeare"] = good
    monkeypatch.setattr(accuracy, "find", tasks.__getitem__)
    file = tmp_path / "found.json"
    given = ("--data", data, "--json", file, "--only")
    assert run(accuracy, monkeypatch, *given, "shakespeare") == 0
    assert run(accuracy, monkeypatch, *given, "shakespeare,digits") == 1
    shakespeare, digits = capsys.readouterr().out.splitlines()[-2:]
    assert shakespeare.split()[-6:] == ["character", "1.25", "<=", "1.5", "2.50", "0"]
    assert digits.split()[-6:] == ["0.500", ">=", "0.97", "0.400", "7", "MISSED"]
    records = json.loads(file.read_text())["tasks"]
    assert [record["reached"] for record in records] == [True, False]


def test_what_is_missing_is_said(accuracy, tmp_path, monkeypatch, capsys):
    assert run(accuracy, monkeypatch, "--data", tmp_path, "--only", "digits") == 1
    assert "no data: " in capsys.readouterr().out
    monkeypatch.setitem(accuracy.TASKS, "vowels", accuracy.Task("nowhere", "vowels"))
    assert run(accuracy, monkeypatch, "--data", tmp_path, "--only", "vowels") == 0
    assert "left out: nowhere.py: No module named" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        run(accuracy, monkeypatch, "--data", tmp_path, "--only", "vowles")
    assert "no task 'vowles'" in capsys.readouterr().err


class Rounded:
    """A model whose figure depends on the format of its weights, as a test says."""

    figures: ClassVar = {None: 0.5, "int8": 0.45, "bfloat16": 0.51}
    mode = None

    def quantize(self, mode):
        self.mode = mode
        return SimpleNamespace(bytes_before=400, bytes_after={"int8": 108, "bfloat16": 200}[mode])

    def dequantize(self):
        self.mode = None


@pytest.mark.usefixtures("default_settings", "with_products")
def test_seeds_formats_and_policies(accuracy, data, tmp_path, monkeypatch, capsys):
    from benchmarks.accuracy.stored import figures

    def task(data, seed, quantize):
        assert lstmcore.layers.Dense(1).compute_dtype == "bfloat16"
        model = Rounded()
        taken = figures(model, quantize, lambda: model.figures[model.mode])
        return {"figure": 0.5 + seed / 4, "target": 0.4, "baseline": 0.1, "seconds": 1, **taken}

    monkeypatch.setattr(accuracy, "find", {"digits": task}.__getitem__)
    file = tmp_path / "found.json"
    options = ("--dtype", "mixed_bfloat16", "--seeds", "0,1", "--quantize", "int8,bfloat16")
    given = ("--data", data, "--only", "digits", "--json", file, *options)
    assert run(accuracy, monkeypatch, *given) == 0
    first, second, both = capsys.readouterr().out.splitlines()[-3:]
    ends = "int8 0.45000 (-0.05000, 0.27 of the bytes)  bfloat16 0.51000 (+0.01000, 0.50 of the by"
    assert ends in first
    assert f"seed 1  {ends}" in second
    assert both == "digits: 2 seeds: mean 0.6250, from 0.5000 to 0.7500, standard deviation 0.1768"
    written = json.loads(file.read_text())
    assert written["dtype"] == "mixed_bfloat16"
    assert [r["seed"] for r in written["tasks"]] == [0, 1]
    assert written["tasks"][0]["stored"] == {"float32": 0.5, "int8": 0.45, "bfloat16": 0.51}
