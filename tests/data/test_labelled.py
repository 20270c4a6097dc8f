"""Texts and labels from tables and folders, and what is wrong with them."""

import numpy as np
import pytest
from sample_texts import reviews, write

from lstmcore.data import DataError, read_labelled_texts, split_by_label


def test_a_table(tmp_path):
    data = read_labelled_texts(write(tmp_path / "r.tsv", *reviews(4)))
    assert (data.texts, data.labels) == reviews(4)
    assert data.places[1].endswith("r.tsv line 3")


@pytest.mark.parametrize(
    ("head", "text", "label"),
    [
        ("Sentiment,Review,stars", None, None),
        ("label,whatever,id", "whatever", None),
        ("x,y,z", "y", "x"),
        ("text,comment,label", "comment", "text"),
    ],
)
def test_columns(tmp_path, head, text, label):
    (tmp_path / "r.csv").write_text(f'{head}\npos,"good, and, great",3\n')
    data = read_labelled_texts(tmp_path / "r.csv", text, label)
    assert (data.texts, data.labels) == (["good, and, great"], ["pos"])


def test_two_columns_of_which_one_is_known(tmp_path):
    (tmp_path / "r.csv").write_text("quote,label\nso good,pos\n")
    data = read_labelled_texts(tmp_path / "r.csv")
    assert (data.texts, data.labels) == (["so good"], ["pos"])
    (tmp_path / "r.csv").write_text("text,mood\nso good,pos\n")
    assert read_labelled_texts(tmp_path / "r.csv").labels == ["pos"]


def test_labels_may_be_missing_where_they_are_not_wanted(tmp_path):
    (tmp_path / "r.csv").write_text("id,text\n1,good\n2,bad\n")
    data = read_labelled_texts(tmp_path / "r.csv", labels=False)
    assert (data.texts, data.labels) == (["good", "bad"], None)


def test_a_folder(tmp_path):
    for name, text in (("pos/b.txt", "fine"), ("pos/a.txt", "good\nfilm"), ("neg/1.TXT", "bad")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "pos" / "notes.md").write_text("no text")
    (tmp_path / ".cache").mkdir()
    data = read_labelled_texts(tmp_path)
    assert data.texts == ["bad", "good\nfilm", "fine"]
    assert data.labels == ["neg", "pos", "pos"]
    assert data.places[0].endswith("1.TXT")


def broken(tmp_path, what):
    path = tmp_path / "r.csv"
    if what == "encoding":
        path.write_bytes("text,label\nsch\u00f6n,pos\n".encode("latin-1"))
    elif what == "folders":
        return tmp_path
    elif what == "files":
        (tmp_path / "pos").mkdir()
        return tmp_path
    elif what == "empty text":
        (tmp_path / "pos").mkdir()
        (tmp_path / "pos" / "a.txt").write_text(" ")
        return tmp_path
    else:
        path.write_text(what)
    return path


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("", "r.csv is empty"),
        ("encoding", r"r.csv is not UTF-8 text \(byte 14\)"),
        ("text,label\n", "is empty; expected a line of column names and rows"),
        ("text,stars,votes\na,1,2", "no column 'label'; name it with --label-column: there is "),
        ("a,label,c\na,1,2", "has no column 'text'; name it with --text-column"),
        ("text,label\ngood,\n", "line 2: column 'label' is empty"),
        ("text,label\n,pos\n", "line 2: column 'text' is empty"),
        ("folders", "has no folders; expected one for each class"),
        ("files", r"pos has no \.txt files"),
        ("empty text", r"a\.txt is empty"),
    ],
)
def test_what_cannot_be_read(tmp_path, what, message):
    with pytest.raises(DataError, match=message) as error:
        read_labelled_texts(broken(tmp_path, what))
    assert "\n" not in str(error.value)


def test_a_missing_column_says_the_nearest(tmp_path):
    with pytest.raises(DataError, match="no column 'lable'; did you mean 'label'"):
        read_labelled_texts(write(tmp_path / "r.tsv", *reviews(2)), None, "lable")


def test_labels_are_checked(tmp_path):
    data = read_labelled_texts(write(tmp_path / "r.tsv", ["a", "b", "c"], ["x", "y", "z"]))
    assert data.check_labels() == ["x", "y", "z"]
    with pytest.raises(DataError, match=r"line 4: the label 'z' was not seen in training.* x, y"):
        data.check_labels(["x", "y"])
    with pytest.raises(DataError, match="all texts have the label 'x'"):
        data.part(np.array([0])).check_labels()


def test_split_by_label():
    labels = ["a"] * 50 + ["b"] * 20 + ["c"]
    rows, held = split_by_label(labels, 0.2, np.random.default_rng(0))
    assert sorted([*rows, *held]) == list(range(71))
    names = np.array(labels)[held]
    assert [sum(names == c) for c in "abc"] == [10, 4, 0]
    assert not np.array_equal(rows, np.sort(rows))
    assert len(split_by_label(labels, 0.0, np.random.default_rng(0))[1]) == 0
