"""Plots of a search, with matplotlib (``pip install lstmcore[plot]``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..plotting.style import BLUE, GREY, INK, ORANGE, PathLike, new_figure, title_and_legend
from .storage import optuna
from .tuner import Tuner

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_history(tuner: Tuner, to_file: PathLike | None = None) -> Figure:
    """Plot the score of every trial in order, and the best score so far.

    Parameters
    ----------
    tuner : Tuner
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
        If no trial has a score.
    """
    trials = [t for t in tuner.trials.values() if t.score is not None]
    if not trials:
        raise ValueError("plot_history: no trial has a score yet")
    number = np.array([int(t.trial_id) for t in trials])
    scores = np.array([t.score for t in trials], dtype=float)
    done = np.array([t.status == "COMPLETED" for t in trials])
    smaller = tuner.objective.direction == "min"
    counted = np.where(done, scores, np.inf if smaller else -np.inf)
    best = (np.minimum if smaller else np.maximum).accumulate(counted)
    known = np.isfinite(best)

    name = tuner.objective.name
    with new_figure("plot_history", (8, 4.5), "", to_file) as figure:
        axes = figure.subplots()
        axes.plot(number[done], scores[done], "o", ms=4, color=BLUE, label="trials")
        if not done.all():
            axes.plot(number[~done], scores[~done], "x", ms=4, color=GREY, label="pruned")
        line = axes.step(number[known], best[known], where="post", color=ORANGE, lw=1.6)
        line[0].set_label("best so far")
        axes.set_xlabel("trial")
        axes.set_ylabel(name)
        title_and_legend(axes, f"{name} of every trial of {tuner.project_name}", columns=3)
    return figure


def plot_importance(tuner: Tuner, to_file: PathLike | None = None) -> Figure:
    """Plot the importance of each hyperparameter for the score.

    Importances are Optuna's: how much the values of the better trials differ from those of all
    (PED-ANOVA).

    Parameters
    ----------
    tuner : Tuner
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
        If there are fewer than two trials with a score, or nothing varies.
    """
    shares = importances(tuner)

    names = list(shares)[::-1]
    with new_figure("plot_importance", (8, 4.5), "", to_file) as figure:
        axes = figure.subplots()
        bars = axes.barh(names, [shares[name] for name in names], color=BLUE)
        axes.bar_label(bars, fmt="%.2f", fontsize=9, color=INK, padding=3)
        axes.grid(False)
        axes.set_xlabel("share of the importance")
        title_and_legend(axes, f"What decides about {tuner.objective.name}")
    return figure


def importances(tuner: Tuner) -> dict[str, float]:
    """Return the importance of each hyperparameter for the score, largest first, as shares of 1.

    Raises
    ------
    ValueError
        If there are fewer than two trials with a score, or nothing varies.
    """
    from .samplers import optuna_quiet

    if sum(t.status == "COMPLETED" for t in tuner.trials.values()) < 2:
        raise ValueError("importances: expected two trials with a score, or more")
    with optuna_quiet():
        shares = optuna().importance.get_param_importances(tuner.study)
    if not shares:
        raise ValueError("importances: no hyperparameter varies")
    return {name: float(share) for name, share in shares.items()}
