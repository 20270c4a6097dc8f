"""How the next token is drawn, in NumPy: the formula that the core's loop is held to."""

from __future__ import annotations

import numpy as np

from ..validation import Array, number, whole


class Sampling:
    """How tokens are drawn from a model's outputs.

    Parameters
    ----------
    temperature : float, default 1.0
        Below 1 likely tokens become more likely still; 0 always takes the likeliest.
    top_k : int, optional
        Draw from so many tokens at most, the likeliest.
    top_p : float, optional
        Draw from the likeliest tokens alone, as few as together have this probability.

    Raises
    ------
    ValueError
        If one of them is out of its range.
    """

    def __init__(
        self, temperature: float = 1.0, top_k: int | None = None, top_p: float | None = None
    ) -> None:
        self.temperature = number("temperature", temperature)
        self.top_k = whole("top_k", top_k, 0)
        self.top_p = 1.0 if top_p is None else number("top_p", top_p, 1.0, above=True)

    def options(self, tokens: int) -> dict[str, float]:
        """Return the arguments of the core's loop for so many tokens."""
        top_k = self.top_k if self.top_k < tokens else 0
        return {"temperature": self.temperature, "top_k": top_k, "top_p": self.top_p}


def distribution(
    output: Array, sampling: Sampling, logits: bool = False, never: int | None = None
) -> tuple[Array, Array]:
    """Return the tokens that may be drawn, likeliest first, and their probabilities.

    Parameters
    ----------
    output : ndarray, (tokens,)
        The model's output: probabilities or logits.
    sampling : Sampling
    logits : bool, default False
    never : int, optional
        A token that is not to be drawn.
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
    """Return the token that a number from 0 to below 1 stands for."""
    place = np.searchsorted(np.cumsum(probabilities), uniform, side="right")
    return int(tokens[min(int(place), len(tokens) - 1)])
