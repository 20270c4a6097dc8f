"""Word vectors that others have trained: files of word2vec, GloVe and fastText."""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterable, Iterator, Sequence
from typing import IO, TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from ..random.generator import generator

if TYPE_CHECKING:
    from ..data import DataError

Vectors = dict[str, NDArray[np.float32]]
LONGEST = 10_000  # bytes of a word in a binary file


def _error(message: str) -> DataError:
    from ..data import DataError  # not imported with the library

    return DataError(message)


def read_vectors(path: str | os.PathLike[str], words: Iterable[str] | None = None) -> Vectors:
    """Read the vectors of words.

    A line of a text file has a word and its numbers, separated by spaces; word2vec and fastText
    begin it with a line of two counts, GloVe does not. A file whose name ends in ``.bin`` is
    word2vec's binary format: float32 numbers, little-endian. Either may be compressed, with ``.gz``
    behind.

    Parameters
    ----------
    path : path-like
        Such as ``"glove.6B.100d.txt"``, ``"wiki.vec"`` or ``"GoogleNews.bin.gz"``.
    words : iterable of str, optional
        The words to keep; by default all, which may need gigabytes.

    Returns
    -------
    dict of str to ndarray of float32, (length,)
        In the order of the file.

    Raises
    ------
    DataError
        If the file cannot be read; the message names the line or the word.
    """
    wanted = None if words is None else set(words)
    name = str(path).lower()
    binary = name.removesuffix(".gz").endswith(".bin")
    try:
        with cast("IO[bytes]", (gzip.open if name.endswith(".gz") else open)(path, "rb")) as file:
            entries = _binary(path, file) if binary else _lines(path, file)
            return {word: v for word, v in entries if wanted is None or word in wanted}
    except (OSError, EOFError) as error:
        reason = getattr(error, "strerror", None) or error
        raise _error(f"{path} cannot be read: {reason}") from None


def _lines(path: Any, file: IO[bytes]) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Yield the entries of a text file."""
    length = None
    for number, line in enumerate(file, 1):
        word, *numbers = line.rstrip().split(b" ")
        if number == 1 and len(numbers) == 1 and word.isdigit() and numbers[0].isdigit():
            length = int(numbers[0])
            continue
        length = length or len(numbers)
        # a word may have spaces inside; its numbers are the last fields
        word = b" ".join([word, *numbers[:-length]])
        try:
            vector = np.array(numbers[-length:], np.float32)
        except ValueError:
            raise _error(f"{path} line {number} holds no vector of {length} numbers") from None
        if len(vector) != length or not np.isfinite(vector).all():
            raise _error(
                f"{path} line {number} has {len(vector)} finite numbers, expected {length}"
            )
        yield word.decode("utf-8", "replace"), vector


def _binary(path: Any, file: IO[bytes]) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Yield the entries of a file in word2vec's binary format."""
    head = file.readline(100).split()
    if len(head) != 2 or not all(part.isdigit() for part in head):
        raise _error(f"{path} is no binary file of word2vec: expected two counts at its begin")
    count, length = map(int, head)
    for i in range(count):
        word = bytearray()
        while (letter := file.read(1)) not in (b" ", b""):
            word += letter
            if len(word) > LONGEST:
                raise _error(f"{path}: word {i} has no end; is it word2vec's binary format?")
        data = file.read(4 * length)
        if len(data) != 4 * length:
            raise _error(f"{path} ends in word {i} of {count}")
        yield word.lstrip(b"\n").decode("utf-8", "replace"), np.frombuffer(data, "<f4")


def embedding_matrix(
    path: str | os.PathLike[str], vocabulary: Sequence[str]
) -> tuple[NDArray[np.float32], int]:
    """Return the weights of an `Embedding` from a file of word vectors.

    Words that the file has in small letters alone get those. The others are drawn from a normal
    distribution of the found vectors' mean square; the first entry, padding, is zero.

    Parameters
    ----------
    path : path-like
        See `read_vectors`.
    vocabulary : sequence of str
        Such as ``TextVectorization.get_vocabulary()`` returns.

    Returns
    -------
    weights : ndarray of float32, (vocabulary, length)
    found : int
        How many of the words the file has.

    Raises
    ------
    DataError
        If the file cannot be read, or has none of the words.
    """
    words = list(vocabulary)
    known = read_vectors(path, {*words, *(word.lower() for word in words)})
    rows = [known.get(word, known.get(word.lower())) for word in words]
    found = [row for row in rows if row is not None]
    if not found:
        raise _error(f"{path} has none of the {len(words)} words, such as {words[-1]!r}")
    scale = float(np.sqrt(np.mean(np.square(found))))
    weights = generator().normal(0, scale, (len(words), len(found[0]))).astype(np.float32)
    for weight, row in zip(weights, rows, strict=True):
        if row is not None:
            weight[:] = row
    weights[0] = 0
    return weights, len(found)
