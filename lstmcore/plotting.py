"""Pictures, with matplotlib (``pip install lstmcore[plot]``)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FORMATS = (".png", ".pdf", ".svg")
MOST_STEPS = 1000  # of a held-out part that are drawn; more would be a smear

INK, GREY, BLUE, ORANGE = "#222222", "#9a9a9a", "#1b6ca8", "#e07b39"
COLORS = (BLUE, "#7f7f7f", "#b9b9b9", "#dcc48e")  # of the methods; the first is the model's
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


def _matplotlib() -> Any:
    """Return matplotlib, or say how to get it; no screen and no global state are needed."""
    try:
        import matplotlib
        import matplotlib.dates
        import matplotlib.figure
    except ImportError as error:
        raise ImportError("plots need matplotlib: pip install lstmcore[plot]") from error
    return matplotlib


def plot_forecast(
    path: str | os.PathLike[str],
    truth: np.ndarray,
    forecasts: Mapping[str, np.ndarray],
    rmse: Mapping[str, np.ndarray],
    *,
    dates: np.ndarray | None = None,
    ylabel: str = "",
    title: str = "",
    step: str = "step",
) -> None:
    """Draw a held-out part with its forecasts, and the error of each method below.

    Parameters
    ----------
    path : path-like
        Where to write; the ending (.png, .pdf, .svg) decides the format.
    truth : ndarray, shape (windows, horizon)
        What came; row i holds steps ``i`` to ``i + horizon - 1`` of the held-out part.
    forecasts : mapping of str to ndarray, shape (windows, horizon)
        By method; the first is drawn above, all are compared below.
    rmse : mapping of str to ndarray, shape (horizon,)
        By the same names.
    dates : ndarray of datetime64, shape (windows + horizon - 1,), optional
        Of the held-out part.
    ylabel, title : str, optional
    step : str, default "step"
        What one step ahead is called.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    """
    mpl = _matplotlib()
    with mpl.rc_context(STYLE):
        # A Figure made this way, and not by pyplot, draws with Agg and is freed when we return.
        figure = mpl.figure.Figure(figsize=(11, 7.5), layout="constrained")
        above, below = figure.subplots(2, 1, height_ratios=(3, 2))
        name = next(iter(forecasts))
        _held_out(above, truth, forecasts[name], name, dates, step)
        above.set_ylabel(ylabel)
        _errors(below, rmse, step)
        below.set_ylabel(f"RMSE, {ylabel}" if ylabel else "RMSE")
        figure.suptitle(title, x=0.01, ha="left", fontsize=13, fontweight="bold", color=INK)
        figure.savefig(path, dpi=130)


def _held_out(
    axes: Axes,
    truth: np.ndarray,
    forecast: np.ndarray,
    name: str,
    dates: np.ndarray | None,
    step: str,
) -> None:
    """The values, and what was forecast for each of them one and `horizon` steps before."""
    windows, horizon = truth.shape
    actual = np.concatenate([truth[:, 0], truth[-1, 1:]])
    when = np.arange(1, len(actual) + 1) if dates is None else dates
    first = max(len(actual) - MOST_STEPS, 0)
    axes.plot(when[first:], actual[first:], color=GREY, lw=1, marker=".", ms=3.5, label="actual")
    for ahead, color in {1: BLUE, horizon: ORANGE}.items():
        label = f"{name}, {ahead} {step}{'s' * (ahead > 1)} ahead"
        known = slice(max(first - ahead + 1, 0), windows)  # row i forecasts step i + ahead - 1
        line = forecast[known, ahead - 1]
        place = when[known.start + ahead - 1 :][: len(line)]
        axes.plot(place, line, color=color, lw=1.6, zorder=3 if ahead == 1 else 2.5, label=label)
    axes.margins(x=0.01)
    if dates is None:
        axes.set_xlabel(f"{step} of the held-out part")
    else:
        ticks = _matplotlib().dates
        locator = ticks.AutoDateLocator()
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(ticks.ConciseDateFormatter(locator))
    drawn = f"The last {MOST_STEPS} {step}s held out" if first else "The part held out of training"
    _head(axes, drawn, columns=3)


def _errors(axes: Axes, rmse: Mapping[str, np.ndarray], step: str) -> None:
    """Bars of each method side by side for every step ahead, and the means."""
    horizon = len(next(iter(rmse.values())))
    width = 0.8 / len(rmse)
    for i, (name, errors) in enumerate(rmse.items()):
        place = np.arange(1, horizon + 1) + (i - (len(rmse) - 1) / 2) * width
        color = COLORS[i % len(COLORS)]
        bars = axes.bar(
            place, errors, 0.92 * width, color=color, label=f"{name}, mean {errors.mean():.3g}"
        )
        if horizon <= 10:
            axes.bar_label(bars, fmt="%.3g", fontsize=7, color=INK, padding=1)
    if horizon <= 31:
        axes.set_xticks(range(1, horizon + 1))
    axes.margins(x=0.01)
    axes.set_xlabel(f"{step}s ahead")
    _head(axes, "Lower is better", columns=len(rmse))


def _head(axes: Axes, title: str, columns: int) -> None:
    """A title on the left and the legend on the right, both above the picture."""
    axes.set_title(title, loc="left", fontsize=11, color=INK)
    axes.legend(loc="lower right", bbox_to_anchor=(1.005, 0.99), ncols=columns, fontsize=9)
