"""A text in the colours of what a unit thought of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .style import INK, PathLike, drawing, head, matplotlib

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_LETTERS = 6000  # drawn: more would be too small to read, and slow
LETTER, LINE = 0.085, 0.2  # inches
COLORS = "RdBu"  # red below 0, blue above


def plot_text(
    text: str | Sequence[str],
    values: Any,
    *,
    names: Sequence[str] | None = None,
    width: int = 90,
    limit: float | None = 1.0,
    title: str = "",
    to_file: PathLike | None = None,
) -> Figure:
    """Draw a text with the value at each of its characters, or words, as the colour behind it.

    This is how Karpathy et al., "Visualizing and Understanding Recurrent Networks" (2015), found
    units that know where a line or a quotation ends: blue is above 0, red below it.

    Parameters
    ----------
    text : str or sequence of str
        Characters, or words.
    values : array_like, (steps,) or (steps, units)
        One for each character or word, say ``np.tanh(trace.cell[0, :, unit])``; the text is drawn
        once for each unit. Where a value is NaN there is no colour.
    names : list of str, optional
        What stands above each unit's text.
    width : int, default 90
        Characters in a line.
    limit : float or None, default 1.0
        The value of the strongest colour; None: the largest there is in each unit.
    title : str, optional
    to_file : path-like, optional
        Where to write it: .png, .pdf or .svg.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    ValueError
        If the lengths do not fit together, or there is too much text.

    Examples
    --------
    ::

        trace = model.trace(x)["lstm"]
        units = [3, 17]
        plot_text(text, np.tanh(trace.cell[0][:, units]), names=["unit 3", "unit 17"])
    """
    table = _columns(values, len(text))
    units = table.shape[1]
    if names is not None and len(names) != units:
        raise ValueError(f"plot_text: names: expected {units}, got {len(names)}")
    if width < 10:
        raise ValueError(f"plot_text: width: expected at least 10, got {width}")
    places, letters = _materialize(text, width)
    if len(letters) * units > MOST_LETTERS:
        raise ValueError(
            f"plot_text: text: expected at most {MOST_LETTERS} characters in all, got "
            f"{len(letters) * units}: draw a part of it, or fewer units"
        )
    lines = places[-1][0] + 1
    width = max(column + count for _, column, count in places)
    size = (max(LETTER * width + 0.8, 4), units * (LINE * lines + 0.5) + 0.4)
    with drawing("plot_text", size, title, to_file) as figure:
        for i, axes in enumerate(figure.subplots(units, 1, squeeze=False)[:, 0]):
            column = table[:, i]
            largest = np.nanmax(np.abs(column), initial=0) if limit is None else limit
            image = _shades(axes, column, places, (lines, width), largest or 1.0)
            _letters(axes, letters, column, largest or 1.0)
            bar = figure.colorbar(image, ax=axes, pad=0.01, fraction=0.02, aspect=15)
            bar.outline.set_visible(False)
            bar.ax.tick_params(labelsize=7)
            head(axes, names[i] if names is not None else "")
    return figure


def _columns(values: Any, steps: int) -> np.ndarray:
    """The values as (steps, units)."""
    table = np.asarray(values, dtype=float)
    if table.ndim not in (1, 2) or len(table) != steps or not steps:
        raise ValueError(
            f"plot_text: values: expected {steps} for the text, or ({steps}, units); "
            f"got shape {table.shape}"
        )
    return table.reshape(steps, -1)


# For each step the line, the first column and how many columns; for each letter line, column, step.
Places = list[tuple[int, int, int]]
Letters = list[tuple[int, int, tuple[int, str]]]


def _materialize(text: str | Sequence[str], width: int) -> tuple[Places, Letters]:
    """Where each character or word stands; words have a space between them."""
    space = 0 if isinstance(text, str) else 1
    places: Places = []
    letters: Letters = []
    line = column = 0
    for step, token in enumerate(text):
        shown = "↵" if token == "\n" else token.replace("\n", "↵").replace("\t", " ")[:width]
        if column + len(shown) > width:
            line, column = line + 1, 0
        places.append((line, column, len(shown)))
        letters += [(line, column + i, (step, c)) for i, c in enumerate(shown) if c != " "]
        column += len(shown) + space
        if token == "\n":
            line, column = line + 1, 0
    return places, letters


def _shades(
    axes: Axes, values: np.ndarray, places: Places, shape: tuple[int, int], limit: float
) -> Any:
    """The colours, as an image with a pixel for each letter."""
    grid = np.full(shape, np.nan)
    for value, (line, column, count) in zip(values, places, strict=True):
        grid[line, column : column + count] = value
    image = axes.imshow(
        grid,
        cmap=matplotlib().colormaps[COLORS],
        vmin=-limit,
        vmax=limit,
        aspect="auto",
        interpolation="nearest",
        alpha=0.75,
    )
    axes.grid(False)
    axes.set_xticks([])
    axes.set_yticks([])
    for side in axes.spines.values():
        side.set_visible(False)
    return image


def _letters(axes: Axes, letters: Letters, values: np.ndarray, limit: float) -> None:
    """The text itself, dark on light colours and white on strong ones."""
    for line, column, (step, letter) in letters:
        strong = abs(values[step]) > 0.75 * limit
        axes.text(
            *(column, line, letter),
            ha="center",
            va="center_baseline",
            family="monospace",
            fontsize=8.5,
            color="white" if strong else INK,
        ).set_in_layout(False)  # a box for each letter would take longer than all the rest
