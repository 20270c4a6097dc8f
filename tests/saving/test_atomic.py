"""Atomic writing: the old file or the new one, whole; its mode and its links; nothing beside it."""

import errno
import os
import shutil
import signal
import stat
import subprocess
import sys
import textwrap

import pytest

from lstmcore.saving import atomic
from lstmcore.saving.atomic import atomic_write, leftovers

posix = pytest.mark.skipif(os.name != "posix", reason="modes and links are POSIX's")
KINDS = ["without a name", "without a name, no links", "with a name"]


@pytest.fixture(params=KINDS)
def system(request, monkeypatch):
    """A system with files that have no name, one that cannot name them later, one without them."""
    if request.param == "with a name":
        monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    elif not hasattr(os, "O_TMPFILE"):
        pytest.skip("Linux's")
    elif request.param == KINDS[1]:
        monkeypatch.setattr(os, "link", refuse)
    return request.param


def refuse(*args, **kwargs):
    raise PermissionError(errno.EPERM, "forbidden")


def put(path, content=b"new"):
    with atomic_write(path) as file:
        file.write(content)


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_the_old_file_is_there_until_the_new_one_is_whole(tmp_path, system):
    path = tmp_path / "m"
    path.write_bytes(b"old")
    with atomic_write(path) as file:
        file.write(b"new!")
        file.seek(0)
        assert file.read() == b"new!"
        file.seek(3)
        file.write(b", and whole")
        assert path.read_bytes() == b"old"
        assert len(os.listdir(tmp_path)) == 1 + (system == "with a name")
    assert path.read_bytes() == b"new, and whole"
    assert os.listdir(tmp_path) == ["m"]


@pytest.mark.skipif(not hasattr(os, "O_TMPFILE"), reason="Linux's")
def test_a_file_without_a_name_is_named_and_not_copied(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "copyfileobj", refuse)
    put(tmp_path / "m")
    assert (tmp_path / "m").read_bytes() == b"new"


@pytest.mark.parametrize("where", ["block", "fsync", "replace"])
def test_after_an_error_the_old_file_is_there_and_nothing_else(
    tmp_path, system, monkeypatch, where
):
    path = tmp_path / "m"
    path.write_bytes(b"old")
    path.chmod(0o640)
    if where != "block":
        monkeypatch.setattr(os, where, refuse)

    def write():
        with atomic_write(path) as file:
            file.write(b"new")
            if where == "block":
                raise KeyboardInterrupt

    with pytest.raises((PermissionError, KeyboardInterrupt)):
        write()
    assert path.read_bytes() == b"old"
    assert mode(path) == 0o640
    assert os.listdir(tmp_path) == ["m"]


@posix
@pytest.mark.parametrize("before", [0o600, 0o640, 0o664, 0o444, 0o755])
def test_a_file_that_is_replaced_keeps_its_mode(tmp_path, system, before):
    path = tmp_path / "m"
    path.write_bytes(b"old")
    path.chmod(before)
    put(path)
    assert path.read_bytes() == b"new"
    assert mode(path) == before


@posix
@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_a_new_file_follows_the_umask(tmp_path, system, umask):
    old = os.umask(umask)
    try:
        put(tmp_path / "m")
    finally:
        os.umask(old)
    assert mode(tmp_path / "m") == 0o666 & ~umask


@posix
def test_nobody_else_reads_a_private_file_while_it_is_replaced(tmp_path, system, monkeypatch):
    path = tmp_path / "m"
    path.write_bytes(b"old")
    path.chmod(0o600)
    seen = []
    real = os.fchown
    monkeypatch.setattr(
        os, "fchown", lambda fd, *a: (seen.append(os.fstat(fd).st_mode & 0o777), real(fd, *a))
    )
    with atomic_write(path) as file:
        seen.append(os.fstat(file.fileno()).st_mode & 0o777)
    assert set(seen) == {0o600}


@posix
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="root alone gives away")
def test_a_file_that_is_replaced_keeps_its_owner(tmp_path, system):
    path = tmp_path / "m"
    path.write_bytes(b"old")
    os.chown(path, 1234, 2345)
    path.chmod(0o604)
    put(path)
    assert (path.stat().st_uid, path.stat().st_gid, mode(path)) == (1234, 2345, 0o604)


@posix
def test_an_owner_that_cannot_be_kept_is_no_error(tmp_path, system, monkeypatch):
    monkeypatch.setattr(os, "fchown", refuse)
    path = tmp_path / "m"
    path.write_bytes(b"old")
    path.chmod(0o600)
    put(path)
    assert (path.read_bytes(), mode(path)) == (b"new", 0o600)


@posix
def test_links_are_followed(tmp_path, system):
    real, link, chain = tmp_path / "there" / "m", tmp_path / "link", tmp_path / "chain"
    real.parent.mkdir()
    link.symlink_to(real)
    chain.symlink_to("link")
    put(chain, b"1")  # it pointed to nothing, and makes the file, as open does
    assert real.read_bytes() == b"1"
    real.chmod(0o600)
    put(link, b"2")
    assert chain.is_symlink()
    assert link.is_symlink()
    assert not real.is_symlink()
    assert (real.read_bytes(), mode(real)) == (b"2", 0o600)
    assert os.listdir(real.parent) == ["m"]


@posix
def test_other_hard_links_keep_the_old_contents(tmp_path):
    path, other = tmp_path / "m", tmp_path / "other"
    path.write_bytes(b"old")
    os.link(path, other)
    put(path)
    assert (path.read_bytes(), other.read_bytes()) == (b"new", b"old")


def test_what_is_no_file_is_never_replaced(tmp_path, system):
    with pytest.raises(FileNotFoundError, match=r"no folder .*nowhere"):
        put(tmp_path / "nowhere" / "m")
    with pytest.raises(IsADirectoryError, match="is a folder"):
        put(tmp_path)
    if os.name == "posix":
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(OSError, match="not a regular file"):
            put(tmp_path / "pipe")
        with pytest.raises(OSError, match="not a regular file"):
            put("/dev/null")
        (tmp_path / "a").symlink_to("b")
        (tmp_path / "b").symlink_to("a")
        with pytest.raises(OSError, match=os.strerror(errno.ELOOP)):
            put(tmp_path / "a")
        assert sorted(os.listdir(tmp_path)) == ["a", "b", "pipe"]


def test_the_longest_name(tmp_path, system):
    for name in ("m" * 255, "é" * 127):
        put(tmp_path / name)
        assert (tmp_path / name).read_bytes() == b"new"


def test_leftovers(tmp_path):
    path = tmp_path / "m[1]"
    left = tmp_path / ".m[1].01ab.part"
    for other in (left, tmp_path / ".m1.01ab.part", tmp_path / ".m[1].txt"):
        other.write_text("")
    assert leftovers(path) == [str(left)]


@posix
def test_the_folder_is_written_to_disk_after_the_file(tmp_path, system, monkeypatch):
    done = []
    real = os.fsync, os.replace

    def fsync(fd):
        done.append("folder" if stat.S_ISDIR(os.fstat(fd).st_mode) else "file")
        real[0](fd)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", lambda a, b: (done.append("replace"), real[1](a, b)))
    put(tmp_path / "m")
    assert done[-3:] == ["file", "replace", "folder"]


@pytest.mark.parametrize("number", [errno.EINVAL, errno.EIO])
def test_a_folder_that_cannot_be_written_to_disk(tmp_path, monkeypatch, number):
    def fsync(fd):
        if stat.S_ISDIR(os.fstat(fd).st_mode):
            raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fsync)
    if number == errno.EINVAL:  # a file system that does not know what that is
        put(tmp_path / "m")
    else:
        with pytest.raises(OSError, match=os.strerror(number)):
            put(tmp_path / "m")
    assert (tmp_path / "m").read_bytes() == b"new"


@pytest.mark.skipif(not hasattr(os, "O_TMPFILE"), reason="Linux's")
def test_a_killed_process_leaves_nothing(tmp_path):
    code = """
        import os, signal, sys
        from lstmcore.saving.atomic import atomic_write
        with atomic_write(sys.argv[1]) as file:
            file.write(bytes(100_000))
            file.flush()
            os.kill(os.getpid(), signal.SIGKILL)
    """
    path = tmp_path / "m"
    path.write_bytes(b"old")
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), path], check=False, timeout=60
    )
    assert done.returncode == -signal.SIGKILL
    assert os.listdir(tmp_path) == ["m"] or not atomic_knows(tmp_path)
    assert path.read_bytes() == b"old"


def atomic_knows(folder):
    """True if the folder's file system has files without names."""
    part = os.path.join(folder, "part")
    with atomic._open(os.fspath(folder), part, 0o600):
        return not os.path.exists(part)
