"""What notebooks show of forecasts and backtests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import notebook

if TYPE_CHECKING:
    from .backtest import Backtest
    from .predictions import Forecast


def forecast_html(forecast: Forecast) -> str:
    """Return a chart and a table of the next steps for each target."""
    steps = forecast.dates
    labels: Any = range(1, len(forecast.point) + 1) if steps is None else steps.astype(str)
    found = []
    for i, name in enumerate(forecast.names):
        head, columns = ["step" if steps is None else "date", "forecast"], [forecast.point[:, i]]
        widest = None
        for share, low, high in forecast.intervals:
            head += [f"{100 * share:g} % from", "to"]
            columns += [low[:, i], high[:, i]]
            widest = widest or (low[:, i], high[:, i])
        rows = [[label, *map(float, row)] for label, *row in zip(labels, *columns, strict=True)]
        found.append(notebook.chart({name: forecast.point[:, i]}, widest))
        found.append(notebook.table(head, rows, f"{name}: the next {len(rows)} steps"))
    return "".join(found)


def backtest_html(tested: Backtest) -> str:
    """Return errors by step ahead as chart and table, the coverage, and the verdict."""
    means, gains = tested.mean_rmse, tested.gains
    own = next(iter(means))
    rows = [
        [name, mean, f"{gains[name]:.1f} %" if name in gains else ""]
        for name, mean in means.items()
    ]
    windows, horizon = tested.truth.shape
    title = f"{tested.name}: {windows} forecasts of {horizon} steps, {tested.fits} trainings"
    *_, verdict = tested.summary().splitlines()
    lines = [
        f"{100 * inside.mean():.0f} % of the values lie in the {100 * share:g} % interval"
        for share, inside in tested.coverage.items()
    ]
    return (
        notebook.chart(tested.rmse)
        + notebook.table(["method", "mean RMSE", f"{own} better by"], rows, title)
        + notebook.text("\n".join([*lines, verdict.removeprefix("verdict").strip()]))
    )
