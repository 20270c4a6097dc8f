"""Plots of gates and cell states over time or text, from `Model.trace`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..inspection import CANDIDATES, Trace, saturation
from ..names import nearest
from .style import (
    GREY,
    INK,
    MISSING,
    SERIES,
    PathLike,
    add_colorbar,
    evenly_spaced,
    is_dates,
    matplotlib,
    new_figure,
    title_and_legend,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAMES = {
    "i": "input gate i",
    "f": "forget gate f",
    "o": "output gate o",
    "c": "candidate",
    "z": "update gate z",
    "r": "reset gate r",
    "h": "candidate",
}
GATE, SIGNED = "cividis", "RdBu"  # colour maps: from 0 to 1; red below 0, blue above
MAX_TOKENS = 160  # tokens; of longer texts only some are written below the steps


def plot_gates(
    trace: Trace | Mapping[str, Trace],
    times: Any = None,
    *,
    sample: int = 0,
    units: Sequence[int] | None = None,
    show: Sequence[str] | None = None,
    values: Any = None,
    title: str = "",
    to_file: PathLike | None = None,
) -> Figure:
    """Plot the gates, the cell state and the output of a layer: steps across, units down.

    Closed gates are dark and open gates bright. Candidate, cell state and output are blue above 0
    and red below it. Masked steps are grey.

    Parameters
    ----------
    trace : Trace, or dict of one
        ``model.trace(x)["lstm"]``.
    times : str, or sequence of str, numbers or dates, (time,), optional
        Labels of the steps: the input characters or words, or times.
    sample : int, default 0
        The index of the sample in the batch.
    units : list of int, optional
        Units to plot, in this order; by default all.
    show : list of str, optional
        Panels to plot: names of gates, ``"cell"``, ``"output"``; by default all.
    values : array_like, (time,) or (time, features), optional
        A series to plot above, such as the input.
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
        If there is no such sample, unit or panel, or lengths do not match.

    Examples
    --------
    ::

        text = "the quick brown fox"
        x = np.array([[vocabulary.index(c) for c in text]])
        plot_gates(model.trace(x)["lstm"], text, to_file="gates.png")
    """
    trace = _single(trace)
    panels = _panels(trace, sample, show)
    steps, count = next(iter(panels.values())).shape
    rows = _units(units, count)
    if times is not None and len(times) != steps:
        raise ValueError(f"plot_gates: times: expected {steps}, got {len(times)}")
    series = None if values is None else _series(values, steps)
    tall = min(max(0.9, 0.035 * len(rows) + 0.6), 3.0)
    heights = [0.8 * tall] * (series is not None) + [tall] * len(panels)
    size = (min(max(8, 0.13 * steps + 2.5), 24), sum(heights) + 0.6)
    with new_figure("plot_gates", size, title, to_file) as figure:
        axes = figure.subplots(len(heights), 1, height_ratios=heights, sharex=True, squeeze=False)
        panel_axes = list(axes[:, 0])
        if series is not None:
            above = panel_axes.pop(0)
            above.plot(np.arange(steps), series, lw=1.2)
            title_and_legend(above, "what goes in")
        for panel, (name, array) in zip(panel_axes, panels.items(), strict=True):
            _image(panel, name, array[:, rows], units is not None, rows)
        _steps(axes[-1, 0], times, steps)
    return figure


def _single(trace: Trace | Mapping[str, Trace]) -> Trace:
    """Return the trace, or the only one of a dict."""
    if isinstance(trace, Trace):
        return trace
    if not isinstance(trace, Mapping) or len(trace) != 1:
        which = f"one of {', '.join(map(repr, trace))}" if trace else "a Trace"
        raise ValueError(f"plot_gates: trace: expected {which}, as in model.trace(x)['lstm']")
    return next(iter(trace.values()))


def _panels(trace: Trace, sample: int, show: Sequence[str] | None) -> dict[str, np.ndarray]:
    """Return the arrays to plot by name, each (time, units), NaN at masked steps."""
    arrays = dict(trace.gates) | {"cell": trace.cell, "output": trace.output}
    available = {name: array for name, array in arrays.items() if array is not None}
    for name in show or ():
        if name not in available:
            raise ValueError(f"plot_gates: show: no {name!r}: {nearest(name, available)}")
    batch = len(trace.output)
    if not -batch <= sample < batch:
        raise ValueError(f"plot_gates: sample: there are {batch}, got {sample}")
    found = {}
    for name in show or available:
        array = np.array(available[name][sample], dtype=float)
        if trace.mask is not None:
            array[~trace.mask[sample]] = np.nan
        found[name] = array
    return found


def _units(units: Sequence[int] | None, count: int) -> list[int]:
    rows = list(range(count)) if units is None else [int(unit) for unit in units]
    wrong = [unit for unit in rows if not 0 <= unit < count]
    if wrong or not rows:
        raise ValueError(f"plot_gates: units: expected 0 to {count - 1}, got {wrong or rows}")
    return rows


def _series(values: Any, steps: int) -> np.ndarray:
    series = np.asarray(values, dtype=float)
    if series.ndim not in (1, 2) or len(series) != steps:
        raise ValueError(f"plot_gates: values: expected {steps} steps, got shape {series.shape}")
    return series


def _image(axes: Axes, name: str, array: np.ndarray, numbered: bool, rows: list[int]) -> None:
    """Plot one panel: units down, steps across."""
    signed = name in CANDIDATES or name in ("cell", "output")
    limit = 1.0
    if signed and np.isfinite(array).any():
        # a quantile, so that one very large unit does not make all others pale
        limit = max(float(np.nanquantile(np.abs(array), 0.98)), 1e-12)
    colors = matplotlib().colormaps[SIGNED if signed else GATE].with_extremes(bad=MISSING)
    image = axes.imshow(
        array.T,
        cmap=colors,
        vmin=-limit if signed else 0,
        vmax=limit,
        aspect="auto",
        interpolation="nearest",
    )
    add_colorbar(axes, image, label_size=7, pad=0.01, fraction=0.03, aspect=12)
    places = evenly_spaced(len(rows), 24 if numbered else 4)
    axes.set_yticks(places, [str(rows[i]) for i in places], fontsize=7)
    axes.set_ylabel("unit", fontsize=8)
    axes.grid(False)
    title_and_legend(axes, NAMES.get(name, name))


def _steps(axes: Axes, times: Any, steps: int) -> None:
    """Label the steps with tokens, times or dates."""
    if times is None:
        axes.set_xlabel("step")
        return
    if isinstance(times, str) or isinstance(times[0], str):
        tokens = [_visible(token) for token in times]
        places = evenly_spaced(steps, MAX_TOKENS)
        wide = max(map(len, tokens)) > 1
        axes.set_xticks(
            places,
            [tokens[i] for i in places],
            fontsize=8,
            family="monospace",
            rotation=90 if wide else 0,
        )
        for panel in axes.figure.axes:
            panel.tick_params(axis="x", length=0)
        return
    places = evenly_spaced(steps, 10)
    labels = [str(times[i]) for i in places]
    if is_dates(times):
        labels = [label.removesuffix("T00:00:00") for label in labels]
    axes.set_xticks(places, labels, fontsize=8)


def _visible(token: str) -> str:
    return {"\n": "↵", "\t": "→", " ": "␣"}.get(token, token)


def plot_saturation(
    trace: Trace | Mapping[str, Trace],
    *,
    low: float = 0.1,
    high: float = 0.9,
    title: str = "",
    to_file: PathLike | None = None,
) -> Figure:
    """Plot the shares of steps at which each unit's gates are nearly closed and nearly open.

    Each circle is a unit: near the top its gate is open most of the time, at the right it is
    closed. Units with forget gates near the top remember for long. See figure 3 of Karpathy et
    al., "Visualizing and Understanding Recurrent Networks" (2015).

    Parameters
    ----------
    trace : Trace, or dict of str to Trace
        The trace of one layer, or of all layers as `Model.trace` returns it.
    low, high : float, default 0.1, 0.9
        See `lstmcore.inspection.saturation`.
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
        If no layer has gates.
    """
    traces = {"": trace} if isinstance(trace, Trace) else dict(trace)
    shares = {name: saturation(one, low, high) for name, one in traces.items()}
    gates = list(dict.fromkeys(gate for found in shares.values() for gate in found))
    if not gates:
        raise ValueError("plot_saturation: trace: expected a layer with gates")
    with new_figure("plot_saturation", (3.3 * len(gates) + 0.4, 3.9), title, to_file) as figure:
        panels = figure.subplots(1, len(gates), sharey=True, squeeze=False)[0]
        for axes, gate in zip(panels, gates, strict=True):
            for i, (layer, found) in enumerate(shares.items()):
                if gate in found:
                    color = SERIES[i % len(SERIES)]
                    left, right = found[gate]
                    axes.scatter(left, right, s=22, color=color, alpha=0.55, lw=0, label=layer)
            axes.plot([0, 1], [1, 0], color=GREY, lw=0.8, ls=":")
            axes.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), aspect="equal")
            axes.set_xlabel(f"share of steps below {low:g}")
            title_and_legend(axes, NAMES.get(gate, gate))
        panels[0].set_ylabel(f"share of steps above {high:g}")
        if len(traces) > 1:
            panels[-1].legend(fontsize=8, labelcolor=INK)
    return figure
