"""Texts in a folder for each class: order, labels, parts, and what is refused."""

import numpy as np
import pytest

from lstmcore.utils import text_dataset_from_directory


@pytest.fixture
def folder(tmp_path):
    for name, count in (("neg", 6), ("pos", 4)):
        (tmp_path / name / "inner").mkdir(parents=True)
        for i in range(count):
            place = tmp_path / name / ("inner" if i == 0 else "")
            (place / f"{i}.txt").write_text(f"{name} {i} é", encoding="utf-8")
    (tmp_path / "pos" / "left_out.csv").write_text("no")
    (tmp_path / ".hidden").mkdir()
    return tmp_path


def entries(dataset):
    pairs = [(t, y) for texts, labels in dataset for t, y in zip(texts, labels, strict=True)]
    return [text for text, _ in pairs], np.array([label for _, label in pairs])


def read(folder, **options):
    return text_dataset_from_directory(folder, verbose=False, **options)


def test_sorted(folder, capsys):
    made = text_dataset_from_directory(folder, shuffle=False, batch_size=4)
    assert capsys.readouterr().out == "Found 10 files belonging to 2 classes.\n"
    assert made.class_names == ["neg", "pos"]
    texts, labels = entries(made)
    order = [1, 2, 3, 4, 5, 0]
    assert texts == [f"neg {i} é" for i in order] + [f"pos {i} é" for i in (1, 2, 3, 0)]
    assert labels.tolist() == [0] * 6 + [1] * 4
    assert len(made) == 3
    for batch, y in made.take(1):
        assert batch.numpy()[0] == "neg 1 é"
        assert y.dtype == np.int32


def test_shuffled(folder):
    made = read(folder, seed=1)
    first, labels = entries(made)
    second, _ = entries(made)
    assert sorted(first) == sorted(second)
    assert first != second
    assert [t.startswith("pos") for t in first] == labels.astype(bool).tolist()
    assert entries(read(folder, seed=1))[0] == first


def test_forms_of_labels(folder):
    hot = entries(read(folder, label_mode="categorical", shuffle=False))[1]
    assert np.array_equal(hot, np.repeat(np.eye(2), [6, 4], axis=0))
    ones = entries(read(folder, label_mode="binary", shuffle=False))[1]
    assert ones.shape == (10, 1)
    assert ones.dtype == hot.dtype == np.float32
    for batch in read(folder, label_mode=None, batch_size=3).take(1):
        assert batch.shape == (3,)
    for text in read(folder, labels=None, batch_size=None, shuffle=False).take(1):
        assert text.numpy() == "neg 1 é"
    turned = read(folder, class_names=["pos", "neg"], shuffle=False)
    assert entries(turned)[1].tolist() == [0] * 4 + [1] * 6
    own = read(folder, labels=list(range(10)), shuffle=False)
    assert entries(own)[1].tolist() == list(range(10))
    assert entries(read(folder, max_length=3))[0][0] in ("neg", "pos")


def test_parts(folder):
    options = {"validation_split": 0.3, "seed": 4}
    train, test = read(folder, subset="both", **options)
    alone = read(folder, subset="training", **options)
    held = read(folder, subset="validation", **options)
    assert [len(entries(part)[0]) for part in (train, test)] == [7, 3]
    assert set(entries(train)[0]) == set(entries(alone)[0])
    assert set(entries(test)[0]) == set(entries(held)[0])
    assert len(set(entries(train)[0]) | set(entries(test)[0])) == 10


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"labels": "x"}, "labels: expected 'inferred', a list or None"),
        ({"labels": [1, 2]}, "labels: expected 10, one a file, got 2"),
        ({"label_mode": "x"}, "label_mode: expected 'int'"),
        ({"class_names": ["neu"]}, r"class_names: expected some of \['neg', 'pos'\]"),
        ({"subset": "training"}, "validation_split and subset: expected both or none"),
        ({"validation_split": 0.5, "subset": "x", "seed": 1}, "subset: expected 'training'"),
        ({"validation_split": 2, "subset": "both", "seed": 1}, "a share between 0 and 1"),
        ({"validation_split": 0.5, "subset": "both"}, "seed: expected an int"),
        ({"validation_split": 0.01, "subset": "both", "seed": 1}, "no file of 10 is for valid"),
        ({"class_names": ["neg"], "label_mode": "binary"}, "'binary' takes 2 classes, got 1"),
        ({"format": "x"}, "format: expected 'tf' or 'grain'"),
    ],
)
def test_errors(folder, options, message):
    with pytest.raises(ValueError, match=f"^text_dataset_from_directory: .*{message}"):
        read(folder, **options)


def test_a_folder_without_texts(tmp_path):
    with pytest.raises(ValueError, match=r"directory: expected \.txt files"):
        read(tmp_path)
    with pytest.raises(ValueError, match="directory: expected a folder"):
        read(tmp_path / "none")
