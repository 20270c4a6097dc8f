"""Common parts of all plots: lazy import of matplotlib, style, frame, ticks, files."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FORMATS = (".png", ".pdf", ".svg")
DPI = 130

INK, GREY, BLUE, ORANGE = "#222222", "#9a9a9a", "#1b6ca8", "#e07b39"
COLORS = (BLUE, "#7f7f7f", "#b9b9b9", "#dcc48e")  # of methods; the first is the model's
SERIES = (BLUE, ORANGE, "#4f9d69", "#8a5a9e", "#c0504d", "#7f7f7f")  # of series of equal rank
MISSING = "#d9d9d9"  # colour of missing values
STYLE = {
    "font.size": 10,
    "text.parse_math": False,  # a column may be named "price in $"
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "grid.color": "#e6e6e6",
    "legend.frameon": False,
    "xtick.color": INK,
    "ytick.color": INK,
}

PathLike = str | os.PathLike[str]


def matplotlib() -> Any:
    """Import and return matplotlib; raise ImportError with the command that installs it."""
    try:
        import matplotlib
        import matplotlib.dates
        import matplotlib.figure
        import matplotlib.ticker
    except ImportError as error:
        raise ImportError("plots need matplotlib: pip install lstmcore[plot]") from error
    return matplotlib


def check_file(who: str, to_file: PathLike | None) -> None:
    """Raise ValueError unless the file name ends in a supported format."""
    if to_file is not None and not os.fspath(to_file).lower().endswith(FORMATS):
        raise ValueError(f"{who}: to_file: {os.fspath(to_file)!r} must end in {', '.join(FORMATS)}")


@contextmanager
def new_figure(
    who: str, size: tuple[float, float], title: str, to_file: PathLike | None
) -> Iterator[Figure]:
    """Yield an empty figure; after the block add its title, and write it to a file.

    Parameters
    ----------
    who : str
        The calling function, for error messages.
    size : (float, float)
        Width and height in inches.
    title : str
    to_file : path-like or None
        None to write no file.
    """
    check_file(who, to_file)
    mpl = matplotlib()
    with mpl.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")  # shown as boxes
        # A Figure created without pyplot uses Agg and is freed with its last reference.
        figure = mpl.figure.Figure(figsize=size, layout="constrained")
        yield figure
        if title:
            figure.suptitle(title, x=0.01, ha="left", fontsize=13, fontweight="bold", color=INK)
        if to_file is not None:
            figure.savefig(to_file, dpi=DPI)


def title_and_legend(axes: Axes, title: str, columns: int = 0) -> None:
    """Set a title on the left and, with `columns`, a legend on the right, above the axes."""
    axes.set_title(title, loc="left", fontsize=11, color=INK)
    if columns:
        axes.legend(loc="lower right", bbox_to_anchor=(1.005, 0.99), ncols=columns, fontsize=9)


def date_ticks(axes: Axes) -> None:
    """Use concise tick labels for dates."""
    dates = matplotlib().dates
    locator = dates.AutoDateLocator()
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator))


def integer_ticks(axes: Axes) -> None:
    """Place ticks at integers only."""
    axes.xaxis.set_major_locator(matplotlib().ticker.MaxNLocator(integer=True))


def is_dates(values: Any) -> bool:
    """Return True if values are dates, of NumPy or Python."""
    return values is not None and np.asarray(values).dtype.kind in "MO"


def evenly_spaced(number: int, most: int) -> list[int]:
    """Return at most `most` evenly spaced integers from 0 to ``number - 1``."""
    return list(range(0, number, -(-number // most)))


def add_colorbar(axes: Axes, image: Any, *, label_size: int | None = None, **options: Any) -> None:
    """Add a colour bar without an outline; options are those of ``Figure.colorbar``."""
    bar = axes.figure.colorbar(image, ax=axes, **options)
    bar.outline.set_visible(False)
    if label_size is not None:
        bar.ax.tick_params(labelsize=label_size)
