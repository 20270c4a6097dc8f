"""Series without any step yet: their level is that of series like them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from .columns import static_rows
from .inputs import Inputs
from .panel import Panel

Array = np.ndarray


def with_unseen(panel: Panel, new: Sequence[Any], static: Any, inputs: Inputs) -> Panel:
    """Return the panel with series that have one missing step, at the last date of all.

    Their level and spread are the medians of the series with the same labels, or of all series if
    there are none or no labels.

    Parameters
    ----------
    panel : Panel
    new : sequence
        Ids that the panel has not.
    static : DataFrame or dict of columns
        Their static columns.
    inputs : Inputs
    """
    count, rows = len(new), len(panel.y)
    ids = np.empty(len(panel) + count, object)
    ids[:] = [*panel.ids.tolist(), *new]
    names = [*inputs.static, *inputs.labels]
    found = static_rows(static, panel.columns[0], ids[len(panel) :], names) if names else {}
    covariates = {
        name: np.concatenate([values, np.full(count, inputs.scales[name][0])])
        for name, values in panel.covariates.items()
    }
    joined = replace(
        panel,
        ids=ids,
        starts=np.concatenate([panel.starts, rows + 1 + np.arange(count)]),
        y=np.concatenate([panel.y, np.full(count, np.nan)]),
        dates=np.concatenate([panel.dates, np.repeat(panel.last_dates.max(), count)]),
        covariates=covariates,
        static={name: np.concatenate([panel.static[name], found[name]]) for name in names},
    )
    level, spread = inputs.of_series(panel)
    like = [_alike(panel, joined, len(panel) + i, inputs) for i in range(count)]
    joined.measured[inputs.measure_of_series] = (
        np.concatenate([level, [np.median(level[rows]) for rows in like]]),
        np.concatenate([spread, [np.median(spread[rows]) for rows in like]]),
    )
    return joined


def _alike(panel: Panel, joined: Panel, series: int, inputs: Inputs) -> Array:
    """Return True for the series whose labels are those of another one; for all if none is so."""
    same = np.ones(len(panel), bool)
    for name in inputs.labels:
        same &= panel.static[name].astype(str) == str(joined.static[name][series])
    return same if same.any() else np.ones(len(panel), bool)
