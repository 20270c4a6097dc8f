"""Sampling of the next token in NumPy: the reference that the core's sampler is tested against."""

from __future__ import annotations

import numpy as np

from ..validation import Array, number, whole


class Sampling:
    """Options for sampling tokens from a model's outputs.

    Parameters
    ----------
    temperature : float, default 1.0
        Below 1 likely tokens become even more likely; 0 always takes the most likely token.
    top_k : int, optional
        Sample from the `top_k` most likely tokens only.
    top_p : float, optional
        Sample from the smallest set of most likely tokens whose probabilities sum to at least
        this.

    Raises
    ------
    ValueError
        If an option is out of range.
    """

    def __init__(
        self, temperature: float = 1.0, top_k: int | None = None, top_p: float | None = None
    ) -> None:
        self.temperature = number("temperature", temperature)
        self.top_k = whole("top_k", top_k, 0)
        self.top_p = 1.0 if top_p is None else number("top_p", top_p, 1.0, above=True)

    def options(self, tokens: int) -> dict[str, float]:
        """Return the arguments of the core's sampler for a vocabulary of this size."""
        top_k = self.top_k if self.top_k < tokens else 0
        return {"temperature": self.temperature, "top_k": top_k, "top_p": self.top_p}


def distribution(
    output: Array, sampling: Sampling, logits: bool = False, never: int | None = None
) -> tuple[Array, Array]:
    """Return the tokens that may be sampled, most likely first, and their probabilities.

    Parameters
    ----------
    output : ndarray, (tokens,)
        The model's output: probabilities or logits.
    sampling : Sampling
    logits : bool, default False
    never : int, optional
        A token that is never sampled.
    """
    z = np.array(output, np.float64)
    allowed = np.arange(len(z)) != (-1 if never is None else never)
    largest = z[allowed].max()
    z[~allowed] = largest
    if sampling.temperature == 0:
        weights = (z == largest).astype(np.float64)
    elif logits:
        with np.errstate(over="ignore"):  # of a tiny temperature: exp(-inf) is the limit
            weights = np.exp((z - largest) / sampling.temperature)
    else:
        weights = (z / largest) ** (1 / sampling.temperature)
    weights[~allowed] = 0
    order = np.argsort(-weights, kind="stable")
    if sampling.top_k:
        order = order[: sampling.top_k]
    order = order[weights[order] > 0]
    if sampling.top_p < 1:
        sums = np.cumsum(weights[order])
        order = order[: int(np.searchsorted(sums, sampling.top_p * sums[-1])) + 1]
    kept = weights[order]
    return order, kept / kept.sum()


def pick(tokens: Array, probabilities: Array, uniform: float) -> int:
    """Return the token at a quantile in [0, 1) of the distribution."""
    index = np.searchsorted(np.cumsum(probabilities), uniform, side="right")
    return int(tokens[min(int(index), len(tokens) - 1)])
