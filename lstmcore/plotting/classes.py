"""Confusion matrices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .style import INK, PathLike, add_colorbar, matplotlib, new_figure, title_and_legend

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MAX_NUMBERED = 20  # classes; cells of larger matrices have no numbers


def plot_confusion(
    y_true: Any,
    y_pred: Any,
    labels: Sequence[str] | None = None,
    *,
    mask: Any = None,
    title: str = "",
    to_file: PathLike | None = None,
) -> Figure:
    """Plot a confusion matrix, with a row for each true class and a column for each prediction.

    Colours are shares of the row, so that rare classes are as visible as frequent ones.

    Parameters
    ----------
    y_true : array_like
        Classes, (samples,) or (samples, time): indices from 0, or names; or one-hot rows.
    y_pred : array_like
        Classes as in `y_true`, or probabilities of all classes.
    labels : list of str, optional
        Names of the classes, in the order of their indices. If `y_true` contains names: those to
        show, in this order; by default all, sorted.
    mask : array_like of bool, the shape of `y_true`, optional
        True for unmasked steps.
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
        If the shapes or the classes do not match.

    Examples
    --------
    ::

        plot_confusion(y_test, model.predict(x_test), ["negative", "positive"])
    """
    counts, names = _confusion(y_true, y_pred, labels, mask)
    n = len(names)
    side = min(max(2.2 + 0.55 * n, 4), 14)
    with new_figure("plot_confusion", (side + 0.9, side), title, to_file) as figure:
        axes = figure.subplots()
        totals = counts.sum(1, keepdims=True)
        shares = np.divide(counts, totals, out=np.full(counts.shape, np.nan), where=totals > 0)
        colors = matplotlib().colormaps["Blues"]
        image = axes.imshow(shares, cmap=colors, vmin=0, vmax=1)
        add_colorbar(axes, image, shrink=0.7, label="share of the true class")
        rotation = 90 if max(map(len, names)) > 4 and n > 3 else 0
        axes.set_xticks(range(n), names, rotation=rotation, fontsize=9)
        axes.set_yticks(range(n), names, fontsize=9)
        axes.set_xlabel("predicted")
        axes.set_ylabel("true")
        axes.grid(False)
        if n <= MAX_NUMBERED:
            _write_counts(axes, counts, shares)
        total = int(counts.sum())
        right = f"{100 * np.trace(counts) / total:.1f} % right" if total else "no samples"
        title_and_legend(axes, f"{total:,} samples, {right}")
    return figure


def _write_counts(axes: Axes, counts: np.ndarray, shares: np.ndarray) -> None:
    """Write the count in each cell, and its share of the row if there is room."""
    n = len(counts)
    for i, j in zip(*np.nonzero(counts), strict=True):
        share = f"\n{100 * shares[i, j]:.0f} %" if n <= 12 else ""
        color = "white" if shares[i, j] > 0.55 else INK
        size = 9 if n <= 12 else 6
        text = f"{int(counts[i, j])}{share}"
        axes.text(j, i, text, ha="center", va="center", color=color, fontsize=size)


def _confusion(
    y_true: Any, y_pred: Any, labels: Sequence[str] | None, mask: Any
) -> tuple[np.ndarray, list[str]]:
    """Return the confusion matrix and the names of the classes."""
    true, predicted = np.asarray(y_true), np.asarray(y_pred)
    if true.ndim > 1 and true.shape == predicted.shape and predicted.dtype.kind == "f":
        true = true.argmax(-1)
    if predicted.ndim == true.ndim + 1 and predicted.shape[-1] > 1:
        predicted = predicted.argmax(-1)
    elif predicted.dtype.kind == "f" and true.size == predicted.size:  # binary probabilities
        predicted = (predicted.reshape(true.shape) > 0.5).astype(int)
    if true.shape != predicted.shape:
        raise ValueError(
            f"plot_confusion: y_true {true.shape} and y_pred {predicted.shape} do not fit together"
        )
    if mask is not None:
        unmasked = np.asarray(mask, dtype=bool)
        true, predicted = true[unmasked], predicted[unmasked]
    true, predicted = true.ravel(), predicted.ravel()
    if true.dtype.kind in "UO":
        return _confusion_of_names(true.astype(str), predicted.astype(str), labels)
    true, predicted = true.astype(int), predicted.astype(int)
    found = max(true.max(initial=-1), predicted.max(initial=-1)) + 1
    n = len(labels) if labels is not None else max(int(found), 1)
    if found > n or min(true.min(initial=0), predicted.min(initial=0)) < 0:
        raise ValueError(f"plot_confusion: expected classes from 0 to {n - 1}, got {found - 1}")
    return _pairs(true, predicted, n), [str(i) for i in (labels or range(n))]


def _confusion_of_names(
    true: np.ndarray, predicted: np.ndarray, labels: Sequence[str] | None
) -> tuple[np.ndarray, list[str]]:
    names = sorted({*true, *predicted}) if labels is None else list(labels)
    number = {name: i for i, name in enumerate(names)}
    unknown = sorted({*true, *predicted} - number.keys())
    if unknown:
        raise ValueError(f"plot_confusion: labels: {str(unknown[0])!r} is not among them")
    rows, columns = ([number[name] for name in side] for side in (true, predicted))
    return _pairs(np.array(rows, int), np.array(columns, int), len(names)), [str(n) for n in names]


def _pairs(rows: np.ndarray, columns: np.ndarray, n: int) -> np.ndarray:
    return np.bincount(rows * n + columns, minlength=n * n).reshape(n, n)
