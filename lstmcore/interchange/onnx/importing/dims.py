"""Sizes of a graph's axes that are not known: integers that are sums of products of names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_MOST_TERMS = 64  # of a size; graphs from outside could let them grow


class Dim:
    """A size that is not known, such as ``2 t - 1``, with the arithmetic of integers.

    Parameters
    ----------
    terms : mapping of tuple of str to int
        The factor of each product of names; the empty product is the number without any.
    """

    __slots__ = ("terms",)

    def __init__(self, terms: Mapping[tuple[str, ...], int]) -> None:
        if len(terms) > _MOST_TERMS:
            raise ValueError("a size of an axis is too complicated")
        self.terms = dict(terms)

    @classmethod
    def named(cls, name: str) -> Dim:
        """Return a size that has a name of its own."""
        return cls({(name,): 1})

    @property
    def name(self) -> str | None:
        """The name, if it is nothing else."""
        names = next(iter(self.terms), ())
        return names[0] if self.terms == {names: 1} and len(names) == 1 else None

    def __repr__(self) -> str:
        parts = [
            "*".join(map(str, ([] if factor == 1 and names else [factor]) + list(names)))
            for names, factor in sorted(self.terms.items(), key=lambda item: item[0][::-1])
        ]
        return " + ".join(parts) or "0"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Dim) and self.terms == other.terms

    def __hash__(self) -> int:
        return hash(frozenset(self.terms.items()))

    def __add__(self, other: Any) -> Any:
        terms = dict(self.terms)
        for names, factor in _terms(other).items():
            terms[names] = terms.get(names, 0) + factor
        return _simplest(terms)

    def __mul__(self, other: Any) -> Any:
        terms: dict[tuple[str, ...], int] = {}
        for names, factor in self.terms.items():
            for more, times in _terms(other).items():
                both = tuple(sorted(names + more))
                terms[both] = terms.get(both, 0) + factor * times
        return _simplest(terms)

    def __floordiv__(self, other: Any) -> Any:
        divided = divide(self, other)
        return Dim.named(f"({self}) // ({other})") if divided is None else divided

    def __rfloordiv__(self, other: Any) -> Any:
        return Dim.named(f"({other}) // ({self})")

    def __neg__(self) -> Any:
        return self * -1

    def __sub__(self, other: Any) -> Any:
        return self + -1 * other

    def __rsub__(self, other: Any) -> Any:
        return -1 * self + other

    __radd__, __rmul__ = __add__, __mul__


def divide(a: Any, b: Any) -> Any:
    """Return a / b if that is sure to be an integer; else None."""
    if not isinstance(a, Dim):
        exact = not isinstance(b, Dim) and b != 0 and a % b == 0
        return a // b if exact else None
    over = _terms(b)
    if len(over) != 1:
        return 1 if a == b else None
    ((names, factor),) = over.items()
    terms = {}
    for own, times in a.terms.items():
        rest = list(own)
        for name in names:
            if name not in rest:
                return None
            rest.remove(name)
        if factor == 0 or times % factor:
            return None
        terms[tuple(rest)] = times // factor
    return _simplest(terms)


def substituted(value: Any, name: str, number: Any) -> Any:
    """Return a size with a number, or another size, for one of its names."""
    if not isinstance(value, Dim):
        return value
    total: Any = 0
    for names, factor in value.terms.items():
        product: Any = factor
        for own in names:
            product = product * (number if own == name else Dim.named(own))
        total = total + product
    return total


def size_of(value: Any) -> int | None:
    """Return a size as layers have it: None if it is not known."""
    return None if isinstance(value, Dim) else int(value)


def _terms(value: Any) -> dict[tuple[str, ...], int]:
    return value.terms if isinstance(value, Dim) else {(): int(value)} if int(value) else {}


def _simplest(terms: dict[tuple[str, ...], int]) -> Any:
    """Return a Dim without terms that vanish, or an int."""
    kept = {names: factor for names, factor in terms.items() if factor}
    if not kept.keys() - {()}:
        return kept.get((), 0)
    return Dim(kept)
