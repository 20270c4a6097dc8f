"""TextReader: a functional model with a text vectorization in front."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..layers import Embedding, TextVectorization
from ..layers.base import get, registry
from ..serialization import to_json
from ..validation import Array
from .functional import Functional


@registry.add()
class TextReader(Functional):
    """A functional model whose samples are texts.

    It holds the `TextVectorization` that encodes them, also in files and copies.

    Parameters
    ----------
    inputs, outputs, name, trainable, dtype
        As of `Functional`; the input takes the numbers of words, as an `Embedding` does.
    vectorization : TextVectorization
        An adapted one, which has a vocabulary; with ``ragged=True`` texts need no padding.
    classes : sequence of str or int, optional
        The classes that the outputs stand for.
    counts : sequence of int, optional
        Number of training samples of each class.

    Examples
    --------
    >>> from lstmcore import Input
    >>> from lstmcore.layers import LSTM, Dense, Embedding, TextVectorization
    >>> from lstmcore.models.texts import TextReader
    >>> words = TextVectorization(ragged=True)
    >>> words.adapt(["a good film", "a bad one"])
    >>> x = Input((None,))
    >>> y = Dense(1)(LSTM(4)(Embedding(words.vocabulary_size(), 4, mask_zero=True)(x)))
    >>> TextReader(x, y, vectorization=words).predict(["good", "a very bad film"]).shape
    (2, 1)
    """

    def __init__(
        self,
        inputs: Any,
        outputs: Any,
        name: str | None = None,
        *,
        vectorization: Any,
        classes: Sequence[Any] | None = None,
        counts: Sequence[int] | None = None,
        trainable: bool = True,
        dtype: Any = None,
    ) -> None:
        super().__init__(inputs, outputs, name, trainable=trainable, dtype=dtype)
        found = get(vectorization)
        if not isinstance(found, TextVectorization):
            raise self.error("vectorization", "a TextVectorization", type(found).__name__)
        self.vectorization = found
        self.classes = None if classes is None else list(classes)
        self.counts = None if counts is None else list(counts)
        self._check_words()
        self._check_classes()

    def _check_words(self) -> None:
        """Raise ValueError unless there are words, and an embedding for each."""
        words = self.vectorization
        if not words.has_vocabulary():
            raise self.error("vectorization", "one that has been adapted", "no vocabulary")
        inputs = range(len(self.graph.inputs))
        for call in self.graph.calls:
            layer, first = call.layer, bool(set(call.inputs) & set(inputs))
            size = words.vocabulary_size()
            if first and isinstance(layer, Embedding) and layer.input_dim < size:
                most = f"{layer.input_dim} words at most, as layer {layer.name!r} has"
                raise self.error("vectorization", most, size)

    @property
    def multi_label(self) -> bool:
        """True if each output is the probability of a label of its own: the last is a sigmoid."""
        activation = getattr(self.layers[-1], "activation", None)
        return self.classes is not None and getattr(activation, "__name__", "") == "sigmoid"

    def _check_classes(self) -> None:
        """Raise ValueError unless classes and counts are as many as the outputs."""
        classes, counts = self.classes, self.counts
        if classes is None:
            return
        of_one_kind = any(all(type(c) is kind for c in classes) for kind in (str, int, bool))
        if not of_one_kind or len(set(classes)) < len(classes):
            raise self.error("classes", "different texts or whole numbers", f"{classes!r:.80}")
        outputs = [tensor.shape[-1] for tensor in self.graph.outputs]
        if outputs != [len(classes)]:
            raise self.error("classes", f"{outputs} names, as there are outputs", len(classes))
        if counts is not None and (
            len(counts) != len(classes) or any(type(n) is not int or n < 0 for n in counts)
        ):
            raise self.error("counts", f"{len(classes)} whole numbers", f"{counts!r:.80}")

    def get_config(self) -> dict[str, Any]:
        """Return layers, calls, inputs and outputs, and the vocabulary, ready for JSON."""
        own = ("vectorization", "classes", "counts")
        return super().get_config() | {name: to_json(getattr(self, name)) for name in own}

    def convert_inputs(self, x: Any, what: str = "x") -> list[Any]:
        """Convert texts, or the numbers of their words, to the form the layers take."""
        return super().convert_inputs(self.numbers(x) if _are_texts(x) else x, what)

    def numbers(self, texts: Any) -> Any:
        """Return the numbers of the words of each text; an empty text is one unknown word."""
        found = self.vectorization(texts)
        if isinstance(found, np.ndarray):
            return found
        rows: list[Array] = [row if len(row) else np.ones(1, np.int64) for row in found]
        return np.stack(rows) if len({len(row) for row in rows}) == 1 else rows


def _are_texts(x: Any) -> bool:
    """Return True if these are texts: a list, array or column of str."""
    if hasattr(x, "dtype"):
        kind = getattr(x.dtype, "kind", "O")
        return kind in "UT" or (kind == "O" and len(x) > 0 and isinstance(np.asarray(x)[0], str))
    return isinstance(x, list | tuple) and len(x) > 0 and isinstance(x[0], str)
