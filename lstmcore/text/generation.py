"""Generation of text, token by token, by a model trained to predict the next token."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..random.generator import generator
from ..validation import Array, whole
from .evaluation import gives_probabilities
from .sampling import Sampling
from .vocabulary import Vocabulary, get

CHUNK = 64  # tokens drawn between two checks for `stop` and Ctrl-C


def generate(
    model: Any,
    prompt: str = "",
    n: int = 200,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    seed: int | None = None,
    stop: str | Sequence[str] | None = None,
    *,
    vocabulary: Any = None,
) -> str:
    """Return the text that a model generates after a prompt.

    The model is called as a stream, so the time per token does not depend on the text's length.

    Parameters
    ----------
    model : Sequential
        Takes numbers of tokens (an `Embedding` first) or one-hot tokens and returns probabilities
        of the next token, or logits. It must support `Sequential.stream`.
    prompt : str
        The text to continue; by default a new line.
    n : int, default 200
        The number of tokens to generate: characters or words, depending on the vocabulary.
    temperature : float, default 1.0
        Below 1 likely tokens become even more likely; 0 always takes the most likely token.
    top_k : int, optional
        Sample from the `top_k` most likely tokens only.
    top_p : float, optional
        Nucleus sampling: sample from the smallest set of most likely tokens whose probabilities
        sum to at least this, after `top_k`.
    seed : int, optional
        Repeats a text exactly. By default the library's generator is used (`set_random_seed`).
    stop : str or sequence of str, optional
        Texts before the first of which generation ends.
    vocabulary : Vocabulary, optional
        By default the model's own.

    Returns
    -------
    str
        The generated text without the prompt.

    Raises
    ------
    ValueError
        If an option is out of range, or the model has no vocabulary or does not match it.
    FloatingPointError
        If the model's output is NaN or infinite.
    """
    sampling = Sampling(temperature, top_k, top_p)
    return "".join(write(model, prompt, n, sampling, seed, stop, vocabulary))


def write(
    model: Any,
    prompt: str,
    n: int,
    sampling: Sampling,
    seed: int | None = None,
    stop: str | Sequence[str] | None = None,
    vocabulary: Any = None,
    *,
    every: int = CHUNK,
) -> Iterator[str]:
    """Yield the text of `generate` in pieces of `every` tokens, as they are sampled."""
    n = whole("n", n, 200, least=0)
    stops = _stops(stop)
    seed = None if seed is None else whole("seed", seed, 0, least=0)
    vocabulary = _vocabulary(model, vocabulary)
    stream = model.stream()
    output = stream.read(_numbers(prompt, vocabulary))
    if len(output) != len(vocabulary):
        raise ValueError(
            f"model {model.name!r}: expected {len(vocabulary)} outputs, as many as the vocabulary "
            f"has tokens (number 0 is any other), got {len(output)}"
        )
    random, options = generator(seed), sampling.options(len(vocabulary))
    options |= {"logits": not gives_probabilities(model), "never": 0}
    pieces = _pieces(stream, output, n, random, vocabulary, options, every)
    return _until(pieces, stops) if stops else pieces


def _pieces(
    stream: Any,
    output: Array,
    n: int,
    random: np.random.Generator,
    vocabulary: Vocabulary,
    options: dict[str, Any],
    every: int,
) -> Iterator[str]:
    for start in range(0, n, every):
        uniforms = random.random(min(every, n - start))
        yield vocabulary.decode(stream.sample(output, uniforms, **options))


def _until(pieces: Iterator[str], stops: Sequence[str]) -> Iterator[str]:
    """Yield pieces up to the first stop; hold back text that may be the beginning of one."""
    held = ""
    overlap = max(map(len, stops)) - 1
    for piece in pieces:
        held += piece
        found = [at for at in (held.find(stop) for stop in stops) if at >= 0]
        if found:
            yield held[: min(found)]
            return
        ready = max(0, len(held) - overlap)
        yield held[:ready]
        held = held[ready:]
    yield held


def _stops(stop: Any) -> list[str]:
    stops = [stop] if isinstance(stop, str) else list(stop or ())
    if not all(isinstance(text, str) and text for text in stops):
        raise ValueError(f"stop: expected texts that are not empty, got {stop!r}")
    return stops


def _vocabulary(model: Any, given: Any) -> Vocabulary:
    if given is None:
        given = getattr(model, "vocabulary", None)
    if given is None:
        raise ValueError(f"model {model.name!r} has no vocabulary: give vocabulary=")
    return get(given)


def _numbers(prompt: str, vocabulary: Vocabulary) -> Array:
    """Return the prompt's tokens; for an empty prompt a new line, or else the commonest token."""
    if not prompt:
        prompt = "\n" if "\n" in vocabulary or len(vocabulary) < 2 else vocabulary.tokens[0]
    return vocabulary.encode(prompt)
