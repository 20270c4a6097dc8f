"""Reading texts from files, with error messages that say what to do."""

from __future__ import annotations

import os
from pathlib import Path


def read_text(path: str | os.PathLike[str]) -> str:
    """Return the text of a file in UTF-8; a file whose name ends in .gz is decompressed.

    Raises
    ------
    DataError
        If the file cannot be read, is not UTF-8 text, or is empty.
    """
    import gzip
    import zlib

    from ..data import DataError

    try:
        raw = Path(path).read_bytes()
        if str(path).endswith(".gz"):
            raw = gzip.decompress(raw)
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path} is not UTF-8 text (byte {error.start}); save it with the encoding UTF-8"
        ) from None
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(
            f"{path} cannot be read: {getattr(error, 'strerror', None) or error}"
        ) from None
    if not text.strip():
        raise DataError(f"{path} is empty; expected a text")
    return text.replace("\r\n", "\n")


def python_documentation() -> str:
    """Return the text of Python's ``help()`` topics, about half a million characters."""
    from ..data import DataError

    try:
        from pydoc_data.topics import topics
    except ImportError:
        raise DataError(
            "this Python comes without its documentation (pydoc_data); give a FILE"
        ) from None
    return "\n\n".join(text.strip() for _, text in sorted(topics.items()))
