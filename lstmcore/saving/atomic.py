"""Atomic writing: a whole file takes its place, or the one that was there stays as it was."""

from __future__ import annotations

import errno
import glob
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO


@contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """Write a file that takes its place, on disk, when the block ends without an error.

    A file that is replaced keeps its mode and, where the system allows it, its owner and group; a
    new one follows the umask. A symbolic link is followed, as `open` does: the file it points to
    is replaced, or made. Other hard links of the old file keep the old contents.

    After an error nothing is left. On Linux the file has no name until it is complete, so that a
    process that is killed leaves nothing either; elsewhere, and on file systems without such
    files, it may leave one beside the target that `leftovers` finds.

    Parameters
    ----------
    path : path-like

    Yields
    ------
    file : binary file
        Open for writing, reading and seeking; what is written to it is the new file.

    Raises
    ------
    FileNotFoundError
        If the folder does not exist.
    IsADirectoryError, OSError
        If the path is a folder, a device, a pipe or a circle of links; if writing fails.
    """
    path = os.path.realpath(path)
    folder, name = os.path.split(path)
    if not os.path.isdir(folder):
        raise FileNotFoundError(f"save: no folder {folder}")
    before = _replaced(path)
    part = os.path.join(folder, f"{_prefix(name)}{secrets.token_hex(4)}.part")
    try:
        with _open(folder, part, 0o666 if before is None else 0o600) as file:
            yield file
            if before is not None:
                _take_over(file, before)
            _sync(file)
            if not os.path.lexists(part):
                _give_name(file, part, before)
        os.replace(part, path)
    finally:
        with suppress(FileNotFoundError):
            os.remove(part)
    _sync_folder(folder)


def leftovers(path: str | os.PathLike[str]) -> list[str]:
    """Return the paths of what writers of this file that were killed have left."""
    folder, name = os.path.split(os.path.realpath(path))
    return glob.glob(os.path.join(glob.escape(folder), f"{glob.escape(_prefix(name))}*.part"))


def _prefix(name: str) -> str:
    """Return how the temporary names of a file begin; names have 255 bytes at most."""
    return f".{os.fsdecode(os.fsencode(name)[:200])}."


def _replaced(path: str) -> os.stat_result | None:
    """Return the state of the file that will be replaced, None if there is none."""
    try:
        before = os.stat(path)
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(before.st_mode):
        raise IsADirectoryError(f"save: {path} is a folder")
    if not stat.S_ISREG(before.st_mode):
        raise OSError(errno.EINVAL, "save: not a regular file", path)
    return before


def _open(folder: str, part: str, mode: int) -> IO[bytes]:
    """Open a file without a name in a folder, or one with a temporary name."""
    if hasattr(os, "O_TMPFILE"):
        with suppress(OSError):  # a file system without such files
            return os.fdopen(os.open(folder, os.O_TMPFILE | os.O_RDWR, mode), "w+b")
    flags = os.O_CREAT | os.O_EXCL | os.O_RDWR | getattr(os, "O_BINARY", 0)
    return os.fdopen(os.open(part, flags, mode), "w+b")


def _give_name(file: IO[bytes], part: str, before: os.stat_result | None) -> None:
    """Give a name to a file that has none."""
    try:
        # with a folder's descriptor Python calls linkat, which can follow /proc's link
        source = f"/proc/self/fd/{file.fileno()}"
        os.link(source, part, src_dir_fd=file.fileno(), follow_symlinks=True)
    except OSError:  # without /proc, or forbidden
        file.seek(0)
        with open(part, "xb", opener=lambda p, flags: os.open(p, flags, 0o600)) as copy:
            shutil.copyfileobj(file, copy, 1 << 20)
            _take_over(copy, before or os.fstat(file.fileno()))
            _sync(copy)


def _take_over(file: IO[bytes], before: os.stat_result) -> None:
    """Give a file the owner, group and mode of another, as far as the system allows."""
    if not hasattr(os, "fchown"):
        return
    for owner in (before.st_uid, -1):
        with suppress(OSError):
            os.fchown(file.fileno(), owner, before.st_gid)
            break
    os.fchmod(file.fileno(), stat.S_IMODE(before.st_mode) & 0o777)


def _sync(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())


def _sync_folder(folder: str) -> None:
    """Write a folder's list of names to disk, where the system has that."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    with suppress(PermissionError):  # a folder that may be written and not read
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.ENOTSUP):
                raise
        finally:
            os.close(descriptor)
