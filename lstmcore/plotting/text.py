"""Plots of texts with units' values as background colours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .style import INK, PathLike, add_colorbar, matplotlib, new_figure, title_and_legend

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MAX_LETTERS = 6000  # more would be too small to read, and slow
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
    """Plot a text with a value for each character or word as its background colour.

    Blue is above 0, red below it. Karpathy et al., "Visualizing and Understanding Recurrent
    Networks" (2015), found in this way units that track the position in a line, or quotations.

    Parameters
    ----------
    text : str or sequence of str
        The characters, or a list of words.
    values : array_like, (steps,) or (steps, units)
        One for each character or word, such as ``np.tanh(trace.cell[0, :, unit])``. The text is
        plotted once for each unit. NaN has no colour.
    names : list of str, optional
        The title of each unit's text.
    width : int, default 90
        Characters in a line.
    limit : float or None, default 1.0
        The magnitude of the strongest colour; None for the largest of each unit.
    title : str, optional
    to_file : path-like, optional
        Also write the figure to this file: .png, .pdf or .svg.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    ValueError
        If the lengths do not match, or the text is too long.

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
    places, letters = _layout(text, width)
    if len(letters) * units > MAX_LETTERS:
        raise ValueError(
            f"plot_text: text: expected at most {MAX_LETTERS} characters in all, got "
            f"{len(letters) * units}: draw a part of it, or fewer units"
        )
    lines = places[-1][0] + 1
    width = max(column + count for _, column, count in places)
    size = (max(LETTER * width + 0.8, 4), units * (LINE * lines + 0.5) + 0.4)
    with new_figure("plot_text", size, title, to_file) as figure:
        for i, axes in enumerate(figure.subplots(units, 1, squeeze=False)[:, 0]):
            column = table[:, i]
            largest = np.nanmax(np.abs(column), initial=0) if limit is None else limit
            image = _shades(axes, column, places, (lines, width), largest or 1.0)
            _letters(axes, letters, column, largest or 1.0)
            add_colorbar(axes, image, label_size=7, pad=0.01, fraction=0.02, aspect=15)
            title_and_legend(axes, names[i] if names is not None else "")
    return figure


def _columns(values: Any, steps: int) -> np.ndarray:
    """Return values as (steps, units)."""
    table = np.asarray(values, dtype=float)
    if table.ndim not in (1, 2) or len(table) != steps or not steps:
        raise ValueError(
            f"plot_text: values: expected {steps} for the text, or ({steps}, units); "
            f"got shape {table.shape}"
        )
    return table.reshape(steps, -1)


# Line, first column and number of columns of each step; line, column and step of each letter.
Places = list[tuple[int, int, int]]
Letters = list[tuple[int, int, tuple[int, str]]]


def _layout(text: str | Sequence[str], width: int) -> tuple[Places, Letters]:
    """Return the positions of steps and letters, breaking lines, with spaces between words."""
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
    """Plot the values as an image with one pixel per letter, and return it."""
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
    """Write the letters, dark on light colours and white on strong ones."""
    for line, column, (step, letter) in letters:
        strong = abs(values[step]) > 0.75 * limit
        axes.text(
            *(column, line, letter),
            ha="center",
            va="center_baseline",
            family="monospace",
            fontsize=8.5,
            color="white" if strong else INK,
        ).set_in_layout(False)  # laying out a box for each letter would take most of the time
