"""`get_file`: a file from the Internet, kept in a folder, with its hash checked.

What downloads and unpacks is imported when it is used: it takes as long as half the library.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

_SCHEMES = ("https", "http", "ftp", "file")
_ALGORITHMS = {32: "md5", 64: "sha256"}  # by the number of digits


def get_file(
    fname: Any = None,
    origin: str | None = None,
    untar: bool = False,
    md5_hash: str | None = None,
    file_hash: str | None = None,
    cache_subdir: str = "datasets",
    hash_algorithm: str = "auto",
    extract: bool = False,
    archive_format: Any = "auto",
    cache_dir: Any = None,
    force_download: bool = False,
) -> str:
    """Download a file unless it is there already, and return its path.

    Parameters
    ----------
    fname : str, optional
        The name to keep it under; the default is the last part of `origin`.
    origin : str
        The address: https, http, ftp or file.
    untar, extract : bool, default False
        Unpack the archive; the path is then that of the folder.
    md5_hash, file_hash : str, optional
        The hash that the file must have. A file from outside is best read with one.
    cache_subdir : str, default "datasets"
        The folder inside of `cache_dir`.
    hash_algorithm : {"auto", "md5", "sha256"}
        "auto" tells by the length of `file_hash`.
    archive_format : {"auto", "tar", "zip"} or list of them
    cache_dir : path, optional
        The default is ``$LSTMCORE_HOME``, or else ``~/.lstmcore``.
    force_download : bool, default False
        Download a file that is there already, too.

    Returns
    -------
    str
        The path of the file; with `extract` that of a folder, ``<name>_extracted`` as in Keras.

    Raises
    ------
    ValueError
        If the hash is another, the archive cannot be read, or an argument is not valid.
    OSError
        If the download fails (`urllib.error.URLError`); nothing is left behind.
    """
    import urllib.parse

    if not isinstance(origin, str) or urllib.parse.urlsplit(origin).scheme not in _SCHEMES:
        wanted = ", ".join(f"{scheme}://" for scheme in _SCHEMES)
        raise ValueError(f"get_file: origin: expected an address ({wanted}), got {origin!r}")
    if md5_hash is not None and file_hash is None:
        file_hash, hash_algorithm = md5_hash, "md5"
    algorithm = _algorithm(file_hash, hash_algorithm)
    name = _name(fname, origin)
    home = cache_dir or os.environ.get("LSTMCORE_HOME") or Path.home() / ".lstmcore"
    folder = Path(home).expanduser() / cache_subdir
    folder.mkdir(parents=True, exist_ok=True)
    unpack = extract or untar
    # as in Keras: beside the folder of a name without a dot, its archive has another name
    has_dot = "." in name and fname is not None
    target = folder / (f"{name}_archive" if unpack and not has_dot else name)
    if force_download or not target.exists() or not _has_hash(target, file_hash, algorithm):
        _download(origin, target, file_hash, algorithm)
    if not unpack:
        return str(target)
    unpacked = folder / (f"{name.partition('.')[0]}_extracted" if has_dot else name)
    if force_download or not unpacked.exists():
        _extract(target, unpacked, "tar" if untar and not extract else archive_format)
    return str(unpacked)


def _name(fname: Any, origin: str) -> str:
    """Return the name of the file, which is no path."""
    import urllib.parse

    if fname is None:
        fname = os.path.basename(urllib.parse.unquote(urllib.parse.urlsplit(origin).path))
        if not fname:
            raise ValueError(f"get_file: fname: expected a name: {origin!r} ends with none")
    name = str(os.fspath(fname))
    if not name or name != os.path.basename(name) or name in (".", "..") or "\\" in name:
        raise ValueError(f"get_file: fname: expected a name without a path, got {name!r}")
    return name


def _algorithm(file_hash: str | None, algorithm: str) -> str:
    if algorithm not in ("auto", *_ALGORITHMS.values()):
        raise ValueError(
            f"get_file: hash_algorithm: expected 'auto', 'md5' or 'sha256', got {algorithm!r}"
        )
    if algorithm != "auto" or file_hash is None:
        return algorithm
    if len(file_hash) not in _ALGORITHMS:
        raise ValueError(
            f"get_file: file_hash: expected 32 digits (md5) or 64 (sha256), got {len(file_hash)}"
        )
    return _ALGORITHMS[len(file_hash)]


def _has_hash(path: Path, file_hash: str | None, algorithm: str) -> bool:
    """Return True if a file has this hash, or none is asked for."""
    import hashlib

    if file_hash is None:
        return True
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest() == file_hash.lower()


def _download(origin: str, target: Path, file_hash: str | None, algorithm: str) -> None:
    """Download to a file beside the target, which it becomes when it is whole and right."""
    import shutil
    import tempfile
    import urllib.request

    print(f"Downloading data from {origin}")
    with tempfile.NamedTemporaryFile(dir=target.parent, delete=False) as file:
        partial = Path(file.name)
        try:
            with urllib.request.urlopen(origin) as response:
                shutil.copyfileobj(response, file)
        except BaseException:
            file.close()
            partial.unlink()
            raise
    if not _has_hash(partial, file_hash, algorithm):
        partial.unlink()
        raise ValueError(f"get_file: file_hash: expected {file_hash}, {origin} has another")
    partial.replace(target)


def _extract(archive: Path, folder: Path, formats: Any) -> None:
    """Unpack an archive into a folder, which appears when all is there."""
    import shutil
    import tarfile
    import tempfile
    import zipfile

    if formats == "auto":
        formats = ["tar", "zip"]
    wanted: list[str] = [formats] if isinstance(formats, str) else list(formats or [])
    for name in wanted:
        if name not in ("tar", "zip"):
            raise ValueError(f"get_file: archive_format: expected 'tar' or 'zip', got {name!r}")
    partial = Path(tempfile.mkdtemp(dir=folder.parent))
    try:
        if "tar" in wanted and tarfile.is_tarfile(archive):
            with tarfile.open(archive) as tar:
                tar.extractall(partial, filter="data")  # nothing outside, no devices, no owners
        elif "zip" in wanted and zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as unzip:
                unzip.extractall(partial)  # drops what would lead outside
        else:
            raise ValueError(f"get_file: extract: {archive.name!r} is no archive of {wanted}")
        if folder.exists():
            shutil.rmtree(folder)
        partial.rename(folder)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
