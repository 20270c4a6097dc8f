"""Products into sums: z += x W, of float32 weights or of scaled whole numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from ...validation import Array
from .arithmetic import Numbers
from .expressions import Text
from .program import Matrix


class Part(NamedTuple):
    """Columns of a matrix that are multiplied: ``z[at : at + n] += x @ W[:, column : column + n]``.

    `source` names x, k numbers from `start` on.
    """

    source: str
    k: int
    matrix: Matrix
    n: int
    column: int = 0
    at: int = 0
    start: int = 0


class Region(NamedTuple):
    """Sums that are scaled by numbers `scale_at` and following of the first matrix's scales."""

    n: int
    at: int = 0
    scale_at: int = 0


class Operand(NamedTuple):
    """Products that are summed up before they are scaled, if they are."""

    parts: Sequence[Part]
    regions: Sequence[Region]
    scale: str = ""  # the C name of the scales
    scales: Array | None = None


def operand(parts: Sequence[Part], regions: Sequence[Region] = ()) -> Operand:
    """Return the operand of parts; by default the first part's sums are all that there are."""
    first = parts[0]
    regions = regions or (Region(first.n, first.at, first.column),)
    return Operand(parts, regions, first.matrix.scale_name, first.matrix.scale)


def size_of(operands: Sequence[Operand]) -> int:
    """Return how many numbers of scratch the sums of whole numbers need."""
    ends = [r.at + r.n for o in operands if o.scales is not None for r in o.regions]
    return max(ends, default=0)


def text(o: Text, what: Operand, z: str, scratch: str) -> list[str]:
    """Return the C lines of an operand; sources are names of pointers."""
    scaled = what.scales is not None
    to, product = (scratch, "product8") if scaled else (z, "product")
    lines = []
    o.helpers.add(product)
    for p in what.parts:
        x, w = _at(p.source, p.start), _at(p.matrix.name, p.column)
        lines.append(f"@{product}({p.n}, {p.matrix.row}, {p.k}, {x}, {w}, {_at(to, p.at)});")
    if not scaled:
        return lines
    o.helpers |= {"zero", "scale"}
    zeros = [f"@zero({r.n}, {_at(to, r.at)});" for r in what.regions]
    scales = [
        f"@scale({r.n}, {_at(to, r.at)}, {_at(what.scale, r.scale_at)}, {_at(z, r.at)});"
        for r in what.regions
    ]
    return [*zeros, *lines, *scales]


def run(o: Numbers, what: Operand, z: Array, sources: dict[str, Any]) -> None:
    """Add an operand to z (..., n), in place."""
    to = z if what.scales is None else 0 * z
    for p in what.parts:
        at, columns = slice(p.at, p.at + p.n), slice(p.column, p.column + p.n)
        x = sources[p.source][..., p.start : p.start + p.k]
        to[..., at] = o.product(to[..., at], x, p.matrix.data[:, columns])
    if what.scales is None:
        return
    for r in what.regions:
        at = slice(r.at, r.at + r.n)
        scales = what.scales[r.scale_at : r.scale_at + r.n]
        z[..., at] = o.madd(to[..., at], scales, z[..., at])


def _at(pointer: str, offset: int) -> str:
    return f"{pointer} + {offset}" if offset else pointer
