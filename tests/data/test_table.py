"""Tables of text: what is read, and what is refused in one line."""

import numpy as np
import pytest

from lstmcore.data import DataError, read_table, read_text


@pytest.fixture
def write(tmp_path):
    def write(text, name="t.csv", encoding="utf-8"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
        return path

    return write


def test_columns_by_name(write):
    table = read_table(write('text,n\n"a, b",1\n\nc,-2e3\n'))
    assert table.texts("text") == ["a, b", "c"]
    assert table.numbers("n").tolist() == [1, -2000]
    assert table.numbers("n").dtype == np.float64
    assert table.lines == [2, 4]
    assert len(table) == 2


def test_a_byte_order_mark_is_no_part_of_the_name(write):
    assert read_table(write("a,b\n1,2\n", encoding="utf-8-sig")).header == ["a", "b"]


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_quotes_in_a_file_of_tabs(write, newline):
    lines = [
        "label\ttext",
        '1\t"he said" she said',
        '0\t" unbalanced',
        '1\t"a ""whole"" field"',
        '0\t"with\ta tab"',
        '1\tsay "no"',
    ]
    table = read_table(write(newline.join(lines), "t.tsv"))
    assert table.texts("text") == [
        '"he said" she said',
        '" unbalanced',
        'a "whole" field',
        "with\ta tab",
        'say "no"',
    ]
    assert table.lines == [2, 3, 4, 5, 6]


def test_a_name_that_ends_in_tsv_is_a_file_of_tabs(write):
    content = "text, or so\nyes, no, or so\n"
    assert read_table(write(content, "t.tsv")).texts("text, or so") == ["yes, no, or so"]
    with pytest.raises(DataError, match="line 2 has 3 fields"):
        read_table(write(content))


def test_characters_that_str_splitlines_would_split_at(write):
    table = read_table(write("a\tb\n1\tx\x0b\u2028y\n", "t.tsv"))
    assert table.texts("b") == ["x\x0b\u2028y"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        (" \n\n", "is empty"),
        ("a,b\n", "is empty; expected a line of column names and rows below it"),
        ("a,b\n1,2,3\n", "line 2 has 3 fields, the line of names has 2"),
        ("a,b\n1,2\nä,4\n".encode("latin-1"), "is not UTF-8 text \\(byte 8\\); save it with"),
    ],
)
def test_files_that_are_no_tables(write, content, message):
    with pytest.raises(DataError, match=message) as refusal:
        read_table(write(content))
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("method", "column", "message"),
    [
        ("texts", "labels", "t.csv has no column 'labels'; did you mean 'label'"),
        ("numbers", "x", "t.csv has several columns 'x'; rename all but one"),
        ("texts", "gap", "t.csv line 3: column 'gap' is empty"),
        ("numbers", "gap", "t.csv line 3: column 'gap' has no value"),
        ("numbers", "label", "t.csv line 2: column 'label' holds 'good', not a number"),
        ("numbers", "far", "t.csv line 2: column 'far' is not finite"),
    ],
)
def test_columns_that_cannot_be_had(write, method, column, message):
    table = read_table(write("label,x,x,gap,far\ngood,1,1,1,1e999\nbad,2,2,,1\n"))
    with pytest.raises(DataError, match=message):
        getattr(table, method)(column)
    assert table.texts("gap", empty=True) == ["1", ""]


def test_text_of_a_file(write, tmp_path):
    assert read_text(write("\ufeffab\n")) == "ab\n"
    with pytest.raises(DataError, match="is empty"):
        read_text(write(" \n"))
    with pytest.raises(DataError, match=r"gone\.txt cannot be read: No such file"):
        read_text(tmp_path / "gone.txt")
