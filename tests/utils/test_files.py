"""`get_file`, from addresses of local files: kept, checked, unpacked, and nothing left behind."""

import hashlib
import io
import tarfile
import urllib.error
import zipfile

import pytest

from lstmcore.utils import get_file


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "source" / "words.txt"
    path.parent.mkdir()
    path.write_bytes(b"one two")
    return path


def fetch(source, tmp_path, name=None, **options):
    return get_file(name, source.as_uri(), cache_dir=tmp_path / "cache", **options)


def kept(tmp_path):
    return sorted(p.name for p in (tmp_path / "cache" / "datasets").iterdir())


def test_a_file_is_downloaded_once(source, tmp_path, capsys):
    path = fetch(source, tmp_path)
    assert path == str(tmp_path / "cache" / "datasets" / "words.txt")
    assert capsys.readouterr().out == f"Downloading data from {source.as_uri()}\n"
    source.write_bytes(b"changed")
    assert fetch(source, tmp_path) == path
    assert not capsys.readouterr().out
    with open(path, "rb") as file:
        assert file.read() == b"one two"
    fetch(source, tmp_path, force_download=True)
    with open(path, "rb") as file:
        assert file.read() == b"changed"


def test_the_folder_is_that_of_the_environment(source, tmp_path, monkeypatch):
    monkeypatch.setenv("LSTMCORE_HOME", str(tmp_path / "home"))
    path = get_file("w", source.as_uri(), cache_subdir="texts")
    assert path == str(tmp_path / "home" / "texts" / "w")


@pytest.mark.parametrize("algorithm", ["md5", "sha256"])
def test_hashes(source, tmp_path, algorithm):
    right = hashlib.new(algorithm, b"one two").hexdigest()
    fetch(source, tmp_path, file_hash=right.upper())
    if algorithm == "md5":
        fetch(source, tmp_path, md5_hash=right)
    with open(fetch(source, tmp_path), "wb") as file:
        file.write(b"cut")
    with open(fetch(source, tmp_path, file_hash=right), "rb") as file:  # downloaded again
        assert file.read() == b"one two"
    wrong = "0" * len(right)
    with pytest.raises(ValueError, match=f"get_file: file_hash: expected {wrong}, .* has another"):
        fetch(source, tmp_path, "other", file_hash=wrong)
    assert kept(tmp_path) == ["words.txt"]


def test_what_cannot_be_downloaded_leaves_nothing(tmp_path):
    with pytest.raises(urllib.error.URLError):
        fetch(tmp_path / "none.txt", tmp_path)
    assert kept(tmp_path) == []


def archive(path, kind, member="data/a.txt"):
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as file:
            file.writestr(member, b"text")
        return path
    with tarfile.open(path, "w:gz") as file:
        entry = tarfile.TarInfo(member)
        entry.size = 4
        file.addfile(entry, io.BytesIO(b"text"))
    return path


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_archives_are_unpacked(tmp_path, kind):
    made = archive(tmp_path / f"made.{kind}", kind)
    path = fetch(made, tmp_path, f"made.{kind}", extract=True)
    assert path == str(tmp_path / "cache" / "datasets" / "made_extracted")
    with open(f"{path}/data/a.txt", "rb") as file:
        assert file.read() == b"text"
    assert kept(tmp_path) == [f"made.{kind}", "made_extracted"]
    path = fetch(made, tmp_path, "made", extract=True)
    assert path.endswith("/made")
    assert kept(tmp_path) == sorted([f"made.{kind}", "made_extracted", "made", "made_archive"])


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_an_archive_cannot_write_outside(tmp_path, kind):
    made = archive(tmp_path / "evil", kind, "../../outside.txt")
    try:
        fetch(made, tmp_path, "evil", extract=True)
    except tarfile.TarError:
        assert kind == "tar.gz"
        assert kept(tmp_path) == ["evil_archive"]
    else:
        assert kind == "zip"  # which drops the dots
    assert not list(tmp_path.glob("**/cache/outside.txt"))
    assert not (tmp_path / "outside.txt").exists()


def test_what_is_no_archive_is_refused(source, tmp_path):
    with pytest.raises(ValueError, match=r"'words.txt' is no archive of \['tar', 'zip'\]"):
        fetch(source, tmp_path, "words.txt", extract=True)
    assert kept(tmp_path) == ["words.txt"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"origin": "words.txt"}, "origin: expected an address"),
        ({"origin": None}, "origin: expected an address"),
        ({"origin": "https://x.org/"}, "fname: expected a name: 'https://x.org/' ends with none"),
        ({"fname": "../x"}, "fname: expected a name without a path, got '../x'"),
        ({"file_hash": "abc"}, r"file_hash: expected 32 digits \(md5\) or 64"),
        ({"hash_algorithm": "sha1"}, "hash_algorithm: expected 'auto', 'md5' or 'sha256'"),
    ],
)
def test_errors(tmp_path, options, message):
    with pytest.raises(ValueError, match=f"get_file: {message}"):
        get_file(**{"origin": "https://x.org/y", "cache_dir": tmp_path, **options})
