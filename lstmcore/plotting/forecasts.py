"""Plots of forecasts with intervals, and of backtests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from .style import (
    BLUE,
    COLORS,
    GREY,
    INK,
    ORANGE,
    PathLike,
    date_ticks,
    is_dates,
    new_figure,
    title_and_legend,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MAX_STEPS = 1000  # of a held-out part to plot; more could not be told apart
SHADES = ("#d9e6f1", "#b9d1e5", "#94b9d7")  # of intervals, widest first
Intervals = Mapping[float, tuple[Any, Any]]


def plot_forecast(
    forecast: Any,
    *,
    history: Any = (),
    truth: Any = None,
    intervals: Intervals | None = None,
    others: Mapping[str, Any] | None = None,
    times: Any = None,
    name: str = "forecast",
    ylabel: str = "",
    title: str = "",
    to_file: PathLike | None = None,
) -> Figure:
    """Plot a forecast with intervals, after the values before it.

    Parameters
    ----------
    forecast : array_like, (horizon,)
        The mean or median.
    history : array_like, (steps,), optional
        The last values before the forecast.
    truth : array_like, (horizon,) or shorter, optional
        The actual values.
    intervals : dict of float to (low, high), optional
        Bounds, each (horizon,), by nominal probability: ``{0.8: (low, high)}``.
    others : dict of str to array_like, (horizon,), optional
        Other forecasts, such as persistence.
    times : array_like, (steps + horizon,), optional
        Numbers or dates of the steps of history and forecast.
    name : str, default "forecast"
        The label of the forecast.
    ylabel, title : str, optional
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
        If the lengths do not match.

    Examples
    --------
    ::

        low, high = np.quantile(draws, [0.1, 0.9], axis=0)
        plot_forecast(draws.mean(0), history=y[-60:], intervals={0.8: (low, high)})
    """
    point, past = _row("forecast", forecast), _row("history", history)
    n, horizon = len(past), len(point)
    when = np.arange(1 - n, horizon + 1) if times is None else np.asarray(times)
    if len(when) != n + horizon:
        raise ValueError(f"plot_forecast: times: expected {n + horizon}, got {len(when)}")
    with new_figure("plot_forecast", (10, 4.5), title, to_file) as figure:
        axes = figure.subplots()
        steps = when[n:]
        for i, (share, low, high) in enumerate(_bands(intervals, horizon)):
            shade, label = SHADES[min(i, len(SHADES) - 1)], f"{100 * share:g} % interval"
            axes.fill_between(steps, low, high, color=shade, lw=0, label=label)
        if n:
            axes.plot(when[:n], past, color=INK, lw=1.2, label="known")
            axes.axvline(when[n - 1], color=GREY, lw=0.8, ls=":")
        if truth is not None:
            actual = _row("truth", truth, most=horizon)
            axes.plot(
                steps[: len(actual)], actual, color=GREY, lw=1, marker=".", ms=4, label="actual"
            )
        for i, (other, values) in enumerate((others or {}).items()):
            line = _row(f"others[{other!r}]", values, exactly=horizon)
            color = COLORS[1 + i % (len(COLORS) - 1)]
            axes.plot(steps, line, color=color, lw=1.2, ls="--", label=other)
        axes.plot(steps, point, color=ORANGE, lw=1.8, marker="o", ms=3.5, label=name, zorder=3)
        axes.set_ylabel(ylabel)
        axes.margins(x=0.01)
        if is_dates(when):
            date_ticks(axes)
        else:
            axes.set_xlabel("steps ahead" if times is None else "")
        title_and_legend(axes, f"The next {horizon} steps", columns=4)
    return figure


def _row(
    what: str, values: Any, *, exactly: int | None = None, most: int | None = None
) -> np.ndarray:
    """Return one row of numbers, checking its length."""
    row = np.asarray(values, dtype=float)
    if row.ndim == 2 and 1 in row.shape:
        row = row.ravel()
    if row.ndim != 1:
        raise ValueError(f"plot_forecast: {what}: expected one dimension, got shape {row.shape}")
    if (exactly is not None and len(row) != exactly) or (most is not None and len(row) > most):
        raise ValueError(
            f"plot_forecast: {what}: expected {exactly or most} values, got {len(row)}"
        )
    return row


def _bands(intervals: Intervals | None, horizon: int) -> list[tuple[float, np.ndarray, np.ndarray]]:
    """Return the intervals, widest first, so that narrower ones are drawn on top."""
    bands = []
    for share, (low, high) in sorted((intervals or {}).items(), reverse=True):
        if not 0 < share < 1:
            raise ValueError(f"plot_forecast: intervals: expected shares in (0, 1), got {share!r}")
        ends = [_row(f"intervals[{share}]", end, exactly=horizon) for end in (low, high)]
        bands.append((share, ends[0], ends[1]))
    return bands


def plot_backtest(
    truth: np.ndarray,
    forecasts: Mapping[str, np.ndarray],
    rmse: Mapping[str, np.ndarray],
    *,
    dates: np.ndarray | None = None,
    ylabel: str = "",
    title: str = "",
    step: str = "step",
    error: str = "RMSE",
    to_file: PathLike | None = None,
) -> Figure:
    """Plot a held-out part with its forecasts, and the errors of all methods below.

    Parameters
    ----------
    truth : ndarray, shape (windows, horizon)
        Actual values; row i holds steps ``i`` to ``i + horizon - 1`` of the held-out part.
    forecasts : mapping of str to ndarray, shape (windows, horizon)
        By method; the first is plotted above.
    rmse : mapping of str to ndarray, shape (horizon,)
        Errors by method, which are compared below.
    dates : ndarray of datetime64, shape (windows + horizon - 1,), optional
        Dates of the held-out part.
    ylabel, title : str, optional
    step : str, default "step"
        The name of one step.
    error : str, default "RMSE"
        The name of the error.
    to_file : path-like, optional
        Also write the figure to this file: .png, .pdf or .svg.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    """
    with new_figure("plot_backtest", (11, 7.5), title, to_file) as figure:
        above, below = figure.subplots(2, 1, height_ratios=(3, 2))
        name = next(iter(forecasts))
        _held_out(above, truth, forecasts[name], name, dates, step)
        above.set_ylabel(ylabel)
        _errors(below, rmse, step)
        below.set_ylabel(f"{error}, {ylabel}" if ylabel else error)
    return figure


def _held_out(
    axes: Axes,
    truth: np.ndarray,
    forecast: np.ndarray,
    name: str,
    dates: np.ndarray | None,
    step: str,
) -> None:
    """Plot the actual values with their forecasts one and `horizon` steps ahead."""
    windows, horizon = truth.shape
    actual = np.concatenate([truth[:, 0], truth[-1, 1:]])
    when = np.arange(1, len(actual) + 1) if dates is None else dates
    first = max(len(actual) - MAX_STEPS, 0)
    axes.plot(when[first:], actual[first:], color=GREY, lw=1, marker=".", ms=3.5, label="actual")
    for ahead, color in {1: BLUE, horizon: ORANGE}.items():
        label = f"{name}, {ahead} {step}{'s' * (ahead > 1)} ahead"
        known = slice(max(first - ahead + 1, 0), windows)  # row i forecasts step i + ahead - 1
        line = forecast[known, ahead - 1]
        times = when[known.start + ahead - 1 :][: len(line)]
        axes.plot(times, line, color=color, lw=1.6, zorder=3 if ahead == 1 else 2.5, label=label)
    axes.margins(x=0.01)
    if dates is None:
        axes.set_xlabel(f"{step} of the held-out part")
    else:
        date_ticks(axes)
    heading = f"The last {MAX_STEPS} {step}s held out" if first else "The part held out of training"
    title_and_legend(axes, heading, columns=3)


def _errors(axes: Axes, rmse: Mapping[str, np.ndarray], step: str) -> None:
    """Plot the methods' errors as bars side by side for every step ahead."""
    horizon = len(next(iter(rmse.values())))
    width = 0.8 / len(rmse)
    for i, (name, errors) in enumerate(rmse.items()):
        center = np.arange(1, horizon + 1) + (i - (len(rmse) - 1) / 2) * width
        color = COLORS[i % len(COLORS)]
        bars = axes.bar(
            center, errors, 0.92 * width, color=color, label=f"{name}, mean {errors.mean():.3g}"
        )
        if horizon <= 10:
            axes.bar_label(bars, fmt="%.3g", fontsize=7, color=INK, padding=1)
    if horizon <= 31:
        axes.set_xticks(range(1, horizon + 1))
    axes.margins(x=0.01)
    axes.set_xlabel(f"{step}s ahead")
    title_and_legend(axes, "Lower is better", columns=len(rmse))
