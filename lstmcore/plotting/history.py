"""Plots of training histories: loss and metrics by epoch."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..callbacks.monitor import DOWN, UP
from ..names import nearest
from .style import BLUE, GREY, INK, ORANGE, PathLike, integer_ticks, new_figure, title_and_legend

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def plot_history(
    history: Any,
    metrics: Sequence[str] | None = None,
    *,
    log: bool = False,
    title: str = "",
    to_file: PathLike | None = None,
) -> Figure:
    """Plot loss and metrics of training, and of validation if there was one.

    The best epoch is marked, on the validation curve if there is one.

    Parameters
    ----------
    history : History or dict of str to list of float
        The return value of `fit`.
    metrics : list of str, optional
        Names to plot, without ``val_``; by default all.
    log : bool, default False
        Use a logarithmic scale.
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

    Examples
    --------
    ::

        history = model.fit(x, y, epochs=20, validation_split=0.1)
        plot_history(history, to_file="history.png")
    """
    logs: Mapping[str, Any] = getattr(history, "history", history)
    if not isinstance(logs, Mapping) or not logs:
        raise ValueError("plot_history: history: expected what fit returned, after an epoch")
    known = list(dict.fromkeys(name.removeprefix("val_") for name in logs))
    known.sort(key=lambda name: name != "loss")
    shown = known if metrics is None else list(metrics)
    for name in shown:
        if name not in known:
            raise ValueError(f"plot_history: metrics: no {name!r}: {nearest(name, known)}")
    rows = math.ceil(len(shown) / 2)
    columns = min(len(shown), 2)
    with new_figure("plot_history", (5.5 * columns, 3.2 * rows + 0.3), title, to_file) as figure:
        panels = figure.subplots(rows, columns, squeeze=False).ravel()
        for axes, name in zip(panels, shown, strict=False):
            _panel(axes, name, logs, _validated(history, logs), log)
        for axes in panels[len(shown) :]:
            axes.set_axis_off()
    return figure


def _validated(history: Any, logs: Mapping[str, Any]) -> np.ndarray:
    """Return the epochs, counted from 1, after which there was a validation."""
    epochs = max(len(values) for values in logs.values())
    count = max((len(v) for name, v in logs.items() if name.startswith("val_")), default=0)
    freq = getattr(getattr(history, "model", None), "validation_freq", None)
    if isinstance(freq, list | tuple | set):
        found = np.array(sorted(n for n in freq if n <= epochs))
        if len(found) == count:
            return found
    return np.arange(1, count + 1) * (epochs // count if count else 1)


def _panel(
    axes: Axes, name: str, logs: Mapping[str, Any], validated: np.ndarray, log: bool
) -> None:
    lines = {}
    if name in logs:
        lines["training"] = (np.arange(1, len(logs[name]) + 1), np.asarray(logs[name], float), BLUE)
    if f"val_{name}" in logs:
        values = np.asarray(logs[f"val_{name}"], float)
        lines["validation"] = (validated[: len(values)], values, ORANGE)
    for label, (epochs, values, color) in lines.items():
        marker = "o" if len(values) <= 30 else None
        curves = axes.plot(epochs, values, color=color, lw=1.6, marker=marker, ms=3.5)
        curves[0].set_label(label)
    epochs, values, color = list(lines.values())[-1]
    _mark_best(axes, name, epochs, values, color)
    if log or name == "learning_rate":
        axes.set_yscale("log")
    integer_ticks(axes)
    axes.set_xlabel("epoch")
    title_and_legend(axes, name, columns=2 if len(lines) > 1 else 0)


def _mark_best(axes: Axes, name: str, epochs: np.ndarray, values: np.ndarray, color: str) -> None:
    """Mark the best value, if the direction is known from the name."""
    up, down = (any(word in name.lower() for word in words) for words in (UP, DOWN))
    if values.ndim != 1 or not (up or down) or np.isnan(values).all():
        return
    best = int(np.nanargmax(values) if up else np.nanargmin(values))
    axes.plot(epochs[best], values[best], "o", ms=10, mfc="none", mec=color, mew=1.5)
    axes.axvline(epochs[best], color=GREY, lw=0.8, ls=":", zorder=0.5)
    axes.text(
        *(0.99, 0.03 if up else 0.97, f"best {values[best]:.4g}, epoch {epochs[best]}"),
        transform=axes.transAxes,
        ha="right",
        va="bottom" if up else "top",
        fontsize=9,
        color=INK,
    )
