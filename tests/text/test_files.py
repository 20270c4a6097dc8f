"""Texts are read, or refused in one line."""

import gzip

import pytest

from lstmcore import text
from lstmcore.data import DataError
from lstmcore.utils import set_random_seed


@pytest.fixture(autouse=True)
def seeded():
    set_random_seed(0)


def test_texts_are_read(tmp_path):
    (tmp_path / "a.txt").write_bytes("\ufeffé\r\nb".encode())
    assert text.read_text(tmp_path / "a.txt") == "é\nb"
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress("é".encode()))
    assert text.read_text(tmp_path / "a.txt.gz") == "é"
    assert len(text.python_documentation()) > 100_000


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", b"caf\xe9", "not UTF-8 text .byte 3."),
        ("a.txt", b" \n", "is empty"),
        ("a.txt.gz", b"no gzip", "cannot be read"),
        ("a.txt.gz", gzip.compress(b"abc" * 99, mtime=0)[:-9], "cannot be read"),
    ],
)
def test_unreadable_texts_are_refused_in_one_line(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message) as found:
        text.read_text(tmp_path / name)
    assert "\n" not in str(found.value)
    with pytest.raises(DataError, match="cannot be read: No such file"):
        text.read_text(tmp_path / "none.txt")
