"""Text, token by token, from a model that was trained to foretell the next one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..random.generator import generator
from ..validation import Array, whole
from .evaluation import gives_probabilities
from .sampling import Sampling
from .vocabulary import Vocabulary, get

AT_ONCE = 64  # tokens drawn without a look at `stop`, or at Ctrl-C


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
    """Return the text that a model writes after a prompt.

    The model runs on as a stream, so that a token takes the same time however long the text is.

    Parameters
    ----------
    model : Sequential
        From numbers of tokens (an `Embedding` first), or from one-hot tokens, to probabilities of
        the next token, or their logits; it must be fit for `Sequential.stream`.
    prompt : str
        What the text goes on from; by default, a new line.
    n : int, default 200
        How many tokens to write: characters or words, whatever the vocabulary has.
    temperature : float, default 1.0
        Below 1 likely tokens become more likely still; 0 always takes the likeliest.
    top_k : int, optional
        Draw from so many tokens at most, the likeliest.
    top_p : float, optional
        Draw from the likeliest tokens alone, as few as together have this probability. With
        `top_k`, of those.
    seed : int, optional
        The same text again; the default draws from the library's stream (`set_random_seed`).
    stop : str or sequence of str, optional
        End before the first of these.
    vocabulary : Vocabulary, optional
        The default is the model's own.

    Returns
    -------
    str
        Without the prompt.

    Raises
    ------
    ValueError
        If an option is out of its range, the model has no vocabulary or cannot write with it.
    FloatingPointError
        If the model's output is NaN or infinite.
    """
    how = Sampling(temperature, top_k, top_p)
    return "".join(write(model, prompt, n, how, seed, stop, vocabulary))


def write(
    model: Any,
    prompt: str,
    n: int,
    sampling: Sampling,
    seed: int | None = None,
    stop: str | Sequence[str] | None = None,
    vocabulary: Any = None,
) -> Iterator[str]:
    """Yield the text of `generate` piece by piece as it is drawn."""
    n = whole("n", n, 200, least=0)
    stops = _stops(stop)
    seed = None if seed is None else whole("seed", seed, 0, least=0)
    known = _vocabulary(model, vocabulary)
    stream = model.stream()
    output = stream.read(_numbers(prompt, known))
    if len(output) != len(known):
        raise ValueError(
            f"model {model.name!r}: expected {len(known)} outputs, as many as the vocabulary has "
            f"tokens (number 0 is any other), got {len(output)}"
        )
    random, options = generator(seed), sampling.options(len(known))
    options |= {"logits": not gives_probabilities(model), "never": 0}
    pieces = _pieces(stream, output, n, random, known, options)
    return _until(pieces, stops) if stops else pieces


def _pieces(
    stream: Any,
    output: Array,
    n: int,
    random: np.random.Generator,
    vocabulary: Vocabulary,
    options: dict[str, Any],
) -> Iterator[str]:
    for start in range(0, n, AT_ONCE):
        uniforms = random.random(min(AT_ONCE, n - start))
        yield vocabulary.decode(stream.sample(output, uniforms, **options))


def _until(pieces: Iterator[str], stops: Sequence[str]) -> Iterator[str]:
    """Pieces up to the first stop; what could be the beginning of one is held back."""
    held = ""
    keep = max(map(len, stops)) - 1
    for piece in pieces:
        held += piece
        found = [at for at in (held.find(stop) for stop in stops) if at >= 0]
        if found:
            yield held[: min(found)]
            return
        ready = max(0, len(held) - keep)
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
    """The prompt's tokens; without one, a new line, or else the likeliest token."""
    if not prompt:
        prompt = "\n" if "\n" in vocabulary or len(vocabulary) < 2 else vocabulary.tokens[0]
    return vocabulary.encode(prompt)
