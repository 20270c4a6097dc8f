"""benchmarks/accuracy: its tasks run on data made up in the form of the real ones."""

import gzip
import json
import sys
from pathlib import Path

import numpy as np
import pytest

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
    def good(data):
        return {"nats_per_character": 1.25, "target": 1.5, "baselines": {"a": 3.3, "b": 2.5}}

    tasks = {"digits": lambda data: {"figure": 0.5, "target": 0.97, "baseline": 0.4, "seconds": 7}}
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
