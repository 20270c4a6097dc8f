"""Einstein sums: products of arrays, summed over the axes of equal letters."""

from __future__ import annotations

from typing import Any

import autograd.numpy as np
import numpy
from autograd.core import defvjp_argnum

from ..autodiff.derivatives import moved, primitive, summed_to
from ..validation import Array
from .operation import op
from .types import joined


@op
def einsum(subscripts: str, *operands: Any, **kwargs: Any) -> Any:
    """Return Einstein's sum: ``einsum("bij,bjk->bik", a, b)``."""
    arrays = joined(operands)
    terms, result = _terms(subscripts, arrays)
    parts = []
    for term, array in zip(terms, arrays, strict=True):
        if len(set(term)) < len(term):  # a diagonal
            term, array = _without_repeats(term, array)
        parts.append((term, array))
    text = ",".join(term for term, _ in parts) + "->" + result
    return _einsum(text, *(array for _, array in parts))


_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def _terms(subscripts: str, arrays: list[Any]) -> tuple[list[str], str]:
    """Return the letters of each operand and of the result, with letters for dots, too."""
    text = subscripts.replace(" ", "")
    left, arrow, right = text.partition("->")
    terms = left.split(",")
    if len(terms) != len(arrays):
        raise ValueError(f"einsum: {subscripts!r}: expected {len(terms)} arrays, got {len(arrays)}")
    free = [letter for letter in _LETTERS if letter not in text]
    dots = [np.ndim(a) - len(t) + 3 for t, a in zip(terms, arrays, strict=True) if "..." in t]
    widest = "".join(free[: max(dots, default=0)])
    full = []
    for term, array in zip(terms, arrays, strict=True):
        own = np.ndim(array) - len(term) + 3
        full.append(term.replace("...", widest[len(widest) - own :]))
    if not arrow:
        letters = "".join(full)
        right = "".join(sorted(l for l in set(letters) - set(widest) if letters.count(l) == 1))
        right = widest + right
    return full, right.replace("...", widest)


def _without_repeats(term: str, array: Any) -> tuple[str, Any]:
    letters = "".join(dict.fromkeys(term))
    return letters, moved(array, lambda a: numpy.einsum(f"{term}->{letters}", a))


@primitive
def _einsum(text: str, *arrays: Array) -> Array:
    return numpy.asarray(numpy.einsum(text, *arrays, optimize=len(arrays) > 1))


def _of_einsum(k: int, y: Any, args: Any, kwargs: Any) -> Any:
    terms, _, result = args[0].partition("->")
    inputs, arrays = terms.split(","), list(args[1:])
    own, x = inputs[k - 1], arrays[k - 1]
    others = [*inputs[: k - 1], *inputs[k:]]
    known = set(result + "".join(others))

    def vjp(g: Any) -> Any:
        kept = "".join(letter for letter in own if letter in known)
        rest = [*arrays[: k - 1], *arrays[k:]]
        gx = _einsum(",".join([result, *others]) + "->" + kept, g, *rest)
        if kept != own:  # letters of this operand alone, which were summed away
            shape = [1 if letter not in known else None for letter in own]
            sizes = iter(np.shape(gx))
            shape = [next(sizes) if n is None else n for n in shape]
            wide = [
                n if letter not in known else 1 for letter, n in zip(own, np.shape(x), strict=True)
            ]
            gx = np.reshape(gx, shape) * numpy.ones(wide, gx.dtype)
        return summed_to(gx, x)

    return vjp


defvjp_argnum(_einsum, _of_einsum)
