"""Language models with their vocabulary: training, evaluation, generation, files."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from typing import Any, Self

import numpy as np

from .. import layers, saving
from ..callbacks import Callback, EarlyStopping, History, Logs
from ..layers import Embedding
from ..layers.base import registry
from ..losses import SparseCategoricalCrossentropy
from ..models import Sequential
from ..names import nearest
from ..optimizers import Adam, schedules
from ..validation import Array, number, whole
from .evaluation import check_sequences, gives_probabilities, nats
from .generation import write
from .sampling import Sampling
from .truncated import ResetStates, Streams
from .vocabulary import LEVELS, Vocabulary, get


@registry.add()
class TextModel(Sequential):
    """`Sequential` with a vocabulary, which its files and copies include.

    Parameters
    ----------
    layers, trainable, name, dtype
        As of `Sequential`.
    vocabulary : Vocabulary, optional
    """

    vocabulary: Vocabulary | None = None

    def __init__(
        self,
        layers: Sequence[Any] | None = None,
        trainable: bool = True,
        name: str | None = None,
        *,
        vocabulary: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(layers, trainable, name, dtype=dtype)
        self.vocabulary = None if vocabulary is None else get(vocabulary)
        if self.built:
            self._check_vocabulary()

    def build_for(self, input_shape: Any, dtype: str) -> None:
        super().build_for(input_shape, dtype)
        self._check_vocabulary()

    def _check_vocabulary(self) -> None:
        """Raise ValueError unless an embedding at the front has a vector for each token."""
        layer = self.layers[0]
        if self.vocabulary is None or not isinstance(layer, Embedding):
            return
        if layer.input_dim < len(self.vocabulary):
            most = f"{layer.input_dim} tokens at most, as layer {layer.name!r} has"
            raise self.error("vocabulary", most, len(self.vocabulary))


class LanguageModel:
    """Model that predicts the next character or word of a text, and generates texts.

    An `Embedding`, LSTM layers and a `Dense` layer, trained on one long text by truncated
    backpropagation through time: states are carried from batch to batch through the whole text.

    Parameters
    ----------
    level : {"char", "word"}, default "char"
    units : int, default 256
        Units of each LSTM.
    layers : int, default 2
        The number of LSTM layers.
    embedding : int, default 64
        The length of a token's embedding vector.
    dropout : float, default 0.1
        The dropout rate after each LSTM layer.
    max_tokens : int, optional
        The largest size of the vocabulary; by default 10,000 for words and unlimited for
        characters. All other tokens become one unknown token, which is never generated.
    model : TextModel, optional
        A model with a vocabulary to continue with; the other arguments are then ignored.

    Attributes
    ----------
    model : TextModel or None
        None before `fit`.
    vocabulary : Vocabulary or None

    Examples
    --------
    >>> from lstmcore.text import LanguageModel
    >>> model = LanguageModel(units=16, layers=1)
    >>> history = model.fit("to be or not to be, " * 50, epochs=2, verbose=0)
    >>> len(model.generate("to ", 10))
    10
    """

    def __init__(
        self,
        level: str = "char",
        units: int = 256,
        layers: int = 2,
        embedding: int = 64,
        dropout: float = 0.1,
        max_tokens: int | None = None,
        *,
        model: Any = None,
    ) -> None:
        if level not in LEVELS:
            raise ValueError(f"level: expected 'char' or 'word', {nearest(str(level), LEVELS)}")
        self.level, self.units = level, whole("units", units, 256)
        self.layers, self.embedding = whole("layers", layers, 2), whole("embedding", embedding, 64)
        self.dropout = number("dropout", dropout, 1.0)
        self.max_tokens = max_tokens if max_tokens or level == "char" else 10_000
        if model is not None and getattr(model, "vocabulary", None) is None:
            raise ValueError("model: expected one with a vocabulary: a TextModel")
        self.model: TextModel | None = model

    @property
    def vocabulary(self) -> Vocabulary | None:
        """The vocabulary; None before the first `fit`."""
        return None if self.model is None else self.model.vocabulary

    # -- training --------------------------------------------------------------------------

    def fit(
        self,
        text: str,
        epochs: int = 10,
        *,
        batch_size: int = 32,
        steps: int = 64,
        learning_rate: float = 4e-3,
        validation_split: float = 0.1,
        validation_text: str | None = None,
        clipnorm: float = 1.0,
        verbose: Any = "auto",
        callbacks: Sequence[Callback] = (),
    ) -> History:
        """Train on a text; further calls continue training with the same vocabulary.

        Parameters
        ----------
        text : str
        epochs : int, default 10
            The number of passes over the text.
        batch_size, steps : int, default 32 and 64
            The number of places at which the text is read in parallel, and the number of tokens
        that gradients flow back.
        learning_rate : float, default 4e-3
            The initial rate of Adam; it decays to 1 % of this along a cosine.
        validation_split : float, default 0.1
            The share of the text, taken from its end, that is held out; 0 for none.
        validation_text : str, optional
            A separate text for validation; all of `text` is then trained on.
        clipnorm : float, default 1.0
            The largest global norm of the gradients.
        verbose, callbacks
            As in `Sequential.fit`.

        Returns
        -------
        History
            ``loss``, and for the held-out text ``val_loss`` (nats per token), ``val_perplexity``
            and ``val_bits_per_character``. The weights are those of the epoch with the lowest
            ``val_loss``, also after an interrupt.

        Raises
        ------
        TypeError, ValueError
            If an argument is invalid, or the text is too short.
        """
        share = number("validation_split", validation_split, 0.9)
        cut = len(text)
        if validation_text is None and share:
            cut = round(len(text) * (1 - share))
            text, validation_text = text[:cut], text[cut:]
        model, vocabulary = self._get_or_build(text)
        numbers = vocabulary.encode(text)
        if len(numbers) < 2:
            raise ValueError(f"text: expected 2 tokens or more to train on, got {len(numbers)}")
        data = Streams(numbers, batch_size, steps)
        rate = schedules.CosineDecay(
            number("learning_rate", learning_rate, above=True),
            len(data) * whole("epochs", epochs, 10),
            alpha=0.01,
        )
        loss = SparseCategoricalCrossentropy(from_logits=not gives_probabilities(model))
        model.compile(Adam(rate, global_clipnorm=clipnorm), loss)
        all_callbacks = [*callbacks, ResetStates(0.05)]
        if validation_text:
            best = EarlyStopping("val_loss", patience=epochs, restore_best_weights=True)
            validation = _Validation(self, validation_text, text[-2000:])
            all_callbacks = [validation, best, *all_callbacks]
        return model.fit(
            data, epochs=epochs, shuffle=False, verbose=verbose, callbacks=all_callbacks
        )

    def _get_or_build(self, text: str) -> tuple[TextModel, Vocabulary]:
        if self.model is None:
            vocabulary = LEVELS[self.level].learn(text, self.max_tokens)
            self.model = self._build(vocabulary)
        assert self.model.vocabulary is not None
        return self.model, self.model.vocabulary

    def _build(self, vocabulary: Vocabulary) -> TextModel:
        tokens = len(vocabulary)
        parts: list[Any] = [layers.Input((None,)), layers.Embedding(tokens, self.embedding)]
        for _ in range(self.layers):
            parts.append(layers.LSTM(self.units, return_sequences=True, stateful=True))
            if self.dropout:
                parts.append(layers.Dropout(self.dropout))
        parts.append(layers.Dense(tokens))
        return TextModel(parts, name="language_model", vocabulary=vocabulary)

    # -- use -------------------------------------------------------------------------------

    def evaluate(self, text: str, context: str = "") -> dict[str, float]:
        """Return the model's cross-entropy on a text, and measures derived from it.

        Parameters
        ----------
        text : str
        context : str, optional
            Text that precedes it, which is read first and does not count. Without a context the
            first token does not count, because there is nothing to predict it from.

        Returns
        -------
        dict of str to float
            ``nats_per_token``, the mean of -log p, and ``perplexity``, exp of that;
            ``nats_per_character``, ``bits_per_character``; ``tokens``, the number that count, and
            ``unknown``, the number of unknown tokens in the text.
        """
        model, vocabulary = self._trained("evaluate")
        before, numbers = vocabulary.encode(context), vocabulary.encode(text)
        if not len(numbers) or len(before) + len(numbers) < 2:
            raise ValueError("text: expected 2 tokens or more")
        total = nats(model, np.concatenate([before, numbers]), len(before))
        tokens = len(numbers) - (0 if len(before) else 1)
        characters = len(text) - (0 if len(before) else len(vocabulary.split(text)[0]))
        return _measures(total, tokens, characters, numbers)

    def generate(
        self,
        prompt: str = "",
        n: int = 200,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        seed: int | None = None,
        stop: str | Sequence[str] | None = None,
    ) -> str:
        """Return the text that the model generates after a prompt; see `lstmcore.text.generate`."""
        sampling = Sampling(temperature, top_k, top_p)
        return "".join(self.write(prompt, n, sampling, seed, stop))

    def write(
        self,
        prompt: str = "",
        n: int = 200,
        sampling: Sampling | None = None,
        seed: int | None = None,
        stop: str | Sequence[str] | None = None,
    ) -> Iterator[str]:
        """Yield the text of `generate` in pieces, as they are sampled."""
        model, _ = self._trained("generate")
        return write(model, prompt, n, sampling or Sampling(), seed, stop)

    def _trained(self, method: str) -> tuple[TextModel, Vocabulary]:
        if self.model is None:
            raise RuntimeError(f"{method}: the model has learned nothing yet: fit it first")
        return self._get_or_build("")

    # -- files -----------------------------------------------------------------------------

    def save(self, filepath: str | os.PathLike[str], overwrite: bool = True) -> None:
        """Write the model and its vocabulary to one file; see `Sequential.save`."""
        self._trained("save")[0].save(filepath, overwrite)

    @classmethod
    def load(cls, filepath: str | os.PathLike[str]) -> Self:
        """Read a model from a file that `save` wrote.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            If it is not a model file, is damaged, has no vocabulary, or cannot write with it.
        """
        model, path = saving.load_model(filepath), os.fspath(filepath)
        if getattr(model, "vocabulary", None) is None:
            raise ValueError(f"{path}: this model has no vocabulary")
        try:  # a file may say what it likes
            last_token = model.vocabulary.decode([len(model.vocabulary) - 1])
            write(model, last_token, 0, Sampling())
            check_sequences(model)
        except Exception as error:
            raise ValueError(f"{path}: this model writes no texts: {error}") from error
        found = cls(model=model)
        found.level = next(n for n, c in LEVELS.items() if isinstance(model.vocabulary, c))
        return found

    def __repr__(self) -> str:
        state = "untrained" if self.model is None else f"{len(self.model.vocabulary or ())} tokens"
        return f"LanguageModel(level={self.level!r}, {state})"


def _measures(total: float, tokens: int, characters: int, numbers: Array) -> dict[str, float]:
    per_token, per_character = total / tokens, total / max(characters, 1)
    return {
        "nats_per_token": per_token,
        "perplexity": math.exp(min(per_token, 700.0)),
        "nats_per_character": per_character,
        "bits_per_character": per_character / math.log(2),
        "tokens": tokens,
        "unknown": int(np.count_nonzero(numbers == 0)),
    }


class _Validation(Callback):
    """Callback that evaluates the model on the held-out text after every epoch."""

    def __init__(self, model: LanguageModel, text: str, context: str) -> None:
        self._language_model, self._text, self._context = model, text, context

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        found = self._language_model.evaluate(self._text, self._context)
        assert logs is not None
        logs["val_loss"] = found["nats_per_token"]
        logs["val_perplexity"] = found["perplexity"]
        logs["val_bits_per_character"] = found["bits_per_character"]
