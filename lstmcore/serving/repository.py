"""The folder of models: which files it has, and when they have changed.

    name.safetensors                               version 1 of `name`
    name/1/model.safetensors, .keras or .onnx      version 1, and so on
    name/config.toml                               optional settings, see `SETTINGS`

All paths come of listing the folder; none is ever made of what a client sends.
"""

from __future__ import annotations

import os
import re
import tomllib
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

NAME = re.compile(r"[A-Za-z0-9._-]+")
_VERSION = re.compile(r"[1-9][0-9]{0,8}")
SUFFIXES = (".safetensors", ".keras", ".onnx")
CONFIG = "config.toml"
LIMITS = ("max_batch", "max_rows", "max_steps", "max_queue")  # settings that are Limits
SETTINGS = (*LIMITS, "versions")
_HEADER = 1 << 16  # bytes at the start of a file that its fingerprint covers


@dataclass(frozen=True)
class ModelFile:
    """The file of one version.

    Parameters
    ----------
    path : Path
    fingerprint : tuple
        Changes when the file, or the settings of its model, do.
    """

    path: Path
    fingerprint: tuple[Any, ...]


@dataclass
class Found:
    """What the folder has of one model.

    Parameters
    ----------
    files : dict of int to ModelFile
        The versions that are wanted.
    limits : dict of str to int
        Settings of config.toml.
    problem : str
        Why none can be served; "" if some can.
    """

    files: dict[int, ModelFile] = field(default_factory=dict)
    limits: dict[str, int] = field(default_factory=dict)
    problem: str = ""


class Repository:
    """A folder of models.

    Parameters
    ----------
    folder : path-like

    Raises
    ------
    NotADirectoryError
        If it is none.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        if not self.folder.is_dir():
            raise NotADirectoryError(f"{self.folder} is no folder: give one that has models in it")

    def scan(self) -> dict[str, Found]:
        """Return what there is of each model, by name.

        Files and folders that are hidden, or of other names than clients may say, are left out.
        """
        found: dict[str, Found] = {}
        for entry in sorted(os.scandir(self.folder), key=lambda entry: entry.name):
            if entry.name.startswith("."):
                continue
            if entry.is_dir():
                if NAME.fullmatch(entry.name):
                    of_folder = _of_folder(Path(entry.path))
                    if of_folder is not None:
                        found[entry.name] = of_folder
            elif entry.name.endswith(SUFFIXES[0]):
                name = entry.name.removesuffix(SUFFIXES[0])
                if NAME.fullmatch(name) and name not in found:
                    files = _files({1: Path(entry.path)}, "")
                    found[name] = Found(files)
        return found


def _of_folder(folder: Path) -> Found | None:
    """Return what a model's folder has; None if it is no model's."""
    paths: dict[int, Path] = {}
    for entry in sorted(folder.iterdir()):
        if _VERSION.fullmatch(entry.name) and entry.is_dir():
            for suffix in SUFFIXES:
                path = entry / f"model{suffix}"
                if path.is_file():
                    paths[int(entry.name)] = path
                    break
    config = folder / CONFIG
    if not paths and not config.is_file():
        return None
    try:
        settings, text = _settings(config)
        return Found(_files(_wanted(paths, settings.pop("versions", "latest")), text), settings)
    except (ValueError, OSError) as error:
        return Found(problem=f"{CONFIG}: {error}")


def _settings(config: Path) -> tuple[dict[str, Any], str]:
    if not config.is_file():
        return {}, ""
    text = config.read_text(encoding="utf-8")
    settings = tomllib.loads(text)
    for name, value in settings.items():
        if name not in SETTINGS:
            raise ValueError(f"expected {', '.join(SETTINGS)}, got {name!r:.80}")
        if name in LIMITS and (type(value) is not int or value < 1):
            raise ValueError(f"{name}: expected a whole number from 1, got {value!r:.80}")
    return settings, text


def _wanted(paths: Mapping[int, Path], versions: Any) -> dict[int, Path]:
    if not paths:
        raise ValueError("there is no folder of a version, such as 1/model.safetensors")
    if versions == "latest":
        return {max(paths): paths[max(paths)]}
    if versions == "all":
        return dict(sorted(paths.items()))
    if not isinstance(versions, list) or any(type(v) is not int for v in versions) or not versions:
        raise ValueError(f'versions: expected "latest", "all" or numbers, got {versions!r:.80}')
    missing = [version for version in versions if version not in paths]
    if missing:
        raise ValueError(f"versions: there is no {missing[0]}, but {sorted(paths)}")
    return {version: paths[version] for version in versions}


def _files(paths: Mapping[int, Path], settings: str) -> dict[int, ModelFile]:
    """Return the files with their fingerprints, without those that have just gone."""
    found = {}
    for version, path in paths.items():
        try:
            found[version] = ModelFile(path, (settings, *fingerprint(path)))
        except OSError:
            continue
    return found


def fingerprint(path: Path) -> tuple[Any, ...]:
    """Return what changes when a file is replaced or written: times, size, CRC of its header."""
    with open(path, "rb") as file:
        stat = os.fstat(file.fileno())
        return (
            str(path),
            stat.st_ino,
            stat.st_mtime_ns,
            stat.st_size,
            zlib.crc32(file.read(_HEADER)),
        )
