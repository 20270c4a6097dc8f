"""Small tables and line charts as HTML.

Nothing is imported and no style sheet needed; colours work on light and dark pages.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

MOST_ROWS = 60  # of a table; the middle of longer ones is left out
COLORS = ("#1f77b4", "#e8710a", "#2a9d4e", "#b33ca0", "#7f7f7f")
_WIDTH, _HEIGHT = 480, 120


def table(head: Sequence[Any], rows: Sequence[Sequence[Any]], title: str = "") -> str:
    """Return an HTML table; numbers are rounded and stand to the right.

    Parameters
    ----------
    head : sequence
        Names of the columns.
    rows : sequence of sequences
    title : str, optional
    """
    shown = list(rows)
    if len(shown) > MOST_ROWS:
        half = MOST_ROWS // 2
        shown = [*shown[:half], ["\u2026"] * len(head), *shown[-half:]]
    lines = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in shown)
    names = "".join(f"<th>{html.escape(str(name))}</th>" for name in head)
    caption = f"<caption>{html.escape(title)}</caption>" if title else ""
    return f"<table>{caption}<thead><tr>{names}</tr></thead><tbody>{lines}</tbody></table>"


def text(lines: str) -> str:
    """Return plain text in a font of fixed width."""
    return f"<pre>{html.escape(lines)}</pre>"


def _cell(value: Any) -> str:
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if isinstance(value, float | np.floating):
        value = f"{value:.4g}"
    side = "right" if number else "left"
    return f'<td style="text-align:{side}">{html.escape(str(value))}</td>'


def chart(
    lines: Mapping[str, Any],
    band: tuple[Any, Any] | None = None,
    first: int = 1,
) -> str:
    """Return a line chart as SVG, with a legend and the range of values.

    Parameters
    ----------
    lines : mapping of str to array_like, (steps,)
        Values by name; numbers that are not finite are gaps.
    band : (low, high) of array_like, (steps,), optional
        An area, as of an interval.
    first : int, default 1
        The number of the first step.
    """
    arrays = {name: np.asarray(values, float).reshape(-1) for name, values in lines.items()}
    edges = [np.asarray(edge, float).reshape(-1) for edge in band or ()]
    everything = np.concatenate([*arrays.values(), *edges, np.empty(0)])
    finite = everything[np.isfinite(everything)]
    steps = max((len(values) for values in arrays.values()), default=0)
    if not len(finite) or steps < 2:
        return ""
    low, high = float(finite.min()), float(finite.max())
    span = high - low or 1.0

    def point(i: int, value: float) -> str:
        x = 4 + (_WIDTH - 8) * i / (steps - 1)
        return f"{x:.1f},{_HEIGHT - 4 - (_HEIGHT - 8) * (value - low) / span:.1f}"

    shapes = []
    if edges and all(np.isfinite(edge).all() for edge in edges):
        around = [point(i, v) for i, v in enumerate(edges[0])]
        around += [point(i, v) for i, v in reversed(list(enumerate(edges[1])))]
        shapes.append(f'<polygon points="{" ".join(around)}" fill="{COLORS[0]}" opacity="0.2"/>')
    legend = []
    for number, (name, values) in enumerate(arrays.items()):
        color = COLORS[number % len(COLORS)]
        for part in _parts(values):
            path = " ".join(point(i, float(values[i])) for i in part)
            shapes.append(f'<polyline points="{path}" fill="none" stroke="{color}"/>')
        legend.append(f'<span style="color:{color}">\u2014 {html.escape(name)}</span>')
    scale = f"{low:.4g} to {high:.4g}, steps {first} to {first + steps - 1}"
    return (
        f'<div><svg width="{_WIDTH}" height="{_HEIGHT}" viewBox="0 0 {_WIDTH} {_HEIGHT}">'
        f"{''.join(shapes)}</svg><br>{' '.join(legend)} <small>{scale}</small></div>"
    )


def _parts(values: np.ndarray) -> list[range]:
    """Return the runs of finite values, a single one as two equal points."""
    edges = np.flatnonzero(np.diff(np.isfinite(values).astype(int), prepend=0, append=0))
    return [range(a, b) for a, b in edges.reshape(-1, 2).tolist()]
