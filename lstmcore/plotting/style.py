"""What all pictures have in common: matplotlib when it is wanted, colours, files."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FORMATS = (".png", ".pdf", ".svg")
PIXELS_AN_INCH = 130

INK, GREY, BLUE, ORANGE = "#222222", "#9a9a9a", "#1b6ca8", "#e07b39"
COLORS = (BLUE, "#7f7f7f", "#b9b9b9", "#dcc48e")  # of the methods; the first is the model's
SERIES = (BLUE, ORANGE, "#4f9d69", "#8a5a9e", "#c0504d", "#7f7f7f")  # of things of equal rank
NOTHING = "#d9d9d9"  # where there is no value
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
T = TypeVar("T")


def matplotlib() -> Any:
    """Return matplotlib, or say how to get it; no screen and no global state are needed."""
    try:
        import matplotlib
        import matplotlib.dates
        import matplotlib.figure
        import matplotlib.ticker
    except ImportError as error:
        raise ImportError("plots need matplotlib: pip install lstmcore[plot]") from error
    return matplotlib


def check_file(who: str, to_file: PathLike | None) -> None:
    """Raise ValueError unless the name ends in a format that is written."""
    if to_file is not None and not os.fspath(to_file).lower().endswith(FORMATS):
        raise ValueError(f"{who}: to_file: {os.fspath(to_file)!r} must end in {', '.join(FORMATS)}")


@contextmanager
def drawing(
    who: str, size: tuple[float, float], title: str, to_file: PathLike | None
) -> Iterator[Figure]:
    """Give an empty figure; title it and write it, if it is to be, when it is drawn.

    Parameters
    ----------
    who : str
        The function, for the messages.
    size : (float, float)
        Inches.
    title : str
    to_file : path-like or None
    """
    check_file(who, to_file)
    mpl = matplotlib()
    with mpl.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")  # boxes will do
        # A Figure made this way, and not by pyplot, draws with Agg and is freed with its last user.
        figure = mpl.figure.Figure(figsize=size, layout="constrained")
        yield figure
        if title:
            figure.suptitle(title, x=0.01, ha="left", fontsize=13, fontweight="bold", color=INK)
        if to_file is not None:
            figure.savefig(to_file, dpi=PIXELS_AN_INCH)


def head(axes: Axes, title: str, columns: int = 0) -> None:
    """A title on the left and the legend on the right, both above the picture."""
    axes.set_title(title, loc="left", fontsize=11, color=INK)
    if columns:
        axes.legend(loc="lower right", bbox_to_anchor=(1.005, 0.99), ncols=columns, fontsize=9)


def dates_below(axes: Axes) -> None:
    """Ticks for dates, as short as can be."""
    dates = matplotlib().dates
    locator = dates.AutoDateLocator()
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator))


def whole_ticks(axes: Axes) -> None:
    """Ticks at whole numbers alone."""
    axes.xaxis.set_major_locator(matplotlib().ticker.MaxNLocator(integer=True))


def is_dates(values: Any) -> bool:
    """Whether these are dates, NumPy's or Python's."""
    return values is not None and np.asarray(values).dtype.kind in "MO"


def chosen(number: int, most: int, pick: Callable[[int], T]) -> list[T]:
    """What `pick` gives for at most so many numbers, evenly spread over 0 to ``number - 1``."""
    step = -(-number // most)
    return [pick(i) for i in range(0, number, step)]
