"""Work of `lstmcore demo`: forecast a series with an LSTM, and compare with simple baselines.

`forecast` trains and evaluates, `plot` plots the result, and `demo_report` reports it.
"""

from __future__ import annotations

import os
import time
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from .. import _core
from ..data import (
    PERSISTENCE,
    Comparison,
    DataError,
    Series,
    Standardizer,
    held_out,
    persistence,
    seasonal_curve,
    seasonal_naive,
    sliding_windows,
)
from ..datasets import load_seattle_weather
from ..layers import LSTM, Dense, Dropout, Input
from ..models import Sequential
from ..names import nearest
from ..optimizers import Adam
from ..plotting import plot_backtest
from ..random.generator import set_random_seed

YEAR = 365
BATCH = 32
DROPOUT = 0.5
CURVE = "seasonal curve"
FAR = 1e4  # standard deviations; float32 still resolves a thousandth of one there
WEATHER = {
    "temp_max": ("daily maximum temperature", "°C"),
    "temp_min": ("daily minimum temperature", "°C"),
    "precipitation": ("daily precipitation", "mm"),
    "wind": ("daily mean wind speed", "m/s"),
}


@dataclass(frozen=True)
class Settings:
    """Settings of the demo.

    Parameters
    ----------
    window, horizon : int, default 30 and 7
        Numbers of input and forecast steps.
    season : int, optional
        Steps in a season, 0 for none. By default 365 for two years or more of daily values,
        otherwise none.
    hidden : int, default 32
        Units of the LSTM.
    epochs : int, default 20
    seed : int, default 0
    """

    window: int = 30
    horizon: int = 7
    season: int | None = None
    hidden: int = 32
    epochs: int = 20
    seed: int = 0


@dataclass(frozen=True)
class Result(Comparison):
    """Result of the demo: forecasts of the held-out part, and facts about training.

    Parameters
    ----------
    series : Series
    settings : Settings
        Settings, with the season that was used.
    split : int
        The index of the first held-out value.
    truth : ndarray, shape (windows, horizon)
        Targets of all windows whose targets lie in the held-out part.
    forecasts : dict of str to ndarray, shape (windows, horizon)
        By method, the LSTM first.
    ahead : ndarray, shape (horizon,)
        The forecast of the steps after the last value.
    trained_windows, weights : int
    seconds : float
        The duration of training.
    isa : str
        The instruction set of the kernels.
    threads : int
    """

    series: Series
    settings: Settings
    split: int
    truth: np.ndarray
    forecasts: dict[str, np.ndarray]
    ahead: np.ndarray
    trained_windows: int
    weights: int
    seconds: float
    isa: str
    threads: int


def seattle(column: str | None = None) -> Series:
    """Return a column of the bundled weather, by default the daily maximum temperature.

    Raises
    ------
    DataError
        If there is no such column.
    """
    dates, columns = load_seattle_weather()
    column = column or "temp_max"
    if column not in columns:
        hint = nearest(column, columns)
        raise DataError(f"the bundled weather has no column {column!r}; {hint}")
    name, unit = WEATHER[column]
    source = "Seattle-Tacoma airport, NOAA GHCN-Daily"
    return Series(name, columns[column], dates.astype("datetime64[s]"), unit, source)


def choose_split(series: Series, settings: Settings) -> tuple[int, int]:
    """Choose the season and the first held-out step.

    The last year of two years or more of daily values is held out, otherwise the last quarter.

    Returns
    -------
    season, split : int

    Raises
    ------
    DataError
        If the series is too short for the settings.
    """
    n = len(series.values)
    years = series.daily and n >= 2 * YEAR
    season = settings.season if settings.season is not None else YEAR * years
    split = n - held_out(n, series.dates)
    needed = settings.window + settings.horizon + BATCH - 1  # one batch of windows
    if split < needed:
        raise DataError(
            f"{series.source}: {series.name} is too short: {split} of its {n} values are to train "
            f"on, where --window {settings.window} and --horizon {settings.horizon} need {needed}; "
            "give more rows or a smaller window"
        )
    if n - split < settings.horizon:
        raise DataError(
            f"--horizon {settings.horizon} is longer than the held-out part of {n - split} values; "
            "give more rows or a smaller horizon"
        )
    if split < season:
        raise DataError(
            f"--season {season} is longer than the {split} values to train on; "
            "give more rows, a smaller season or --season 0"
        )
    return season, split


def build(settings: Settings) -> Sequential:
    """Return the network, which forecasts changes from the last value of the window."""
    model = Sequential(
        [
            Input((settings.window, 1)),
            LSTM(settings.hidden),
            Dropout(DROPOUT),
            Dense(settings.horizon),
        ]
    )
    model.compile(optimizer=Adam(learning_rate=1e-3), loss="mse")
    return model


def forecast(series: Series, settings: Settings, verbose: Any = "auto") -> Result:
    """Train on the first part of a series, forecast the held-out last part, and compare.

    Parameters
    ----------
    series : Series
    settings : Settings
    verbose : {"auto", 0, 1, 2}
        Progress of training, as in `fit`.

    Returns
    -------
    Result

    Raises
    ------
    DataError
        If the series is too short, or constant in the training part.
    """
    season, split = choose_split(series, settings)
    values, window, horizon = series.values, settings.window, settings.horizon
    n = len(values)
    curve = np.zeros(n + horizon)
    if season:
        curve = seasonal_curve(values[:split], season, n + horizon)
    try:
        scale = Standardizer.fit(values[:split] - curve[:split])
    except ValueError:
        raise DataError(
            f"{series.source}: {series.name} does not vary in the {split} values to train on: "
            "there is nothing to learn"
        ) from None
    scaled = scale.transform(values - curve[:n])
    if not np.abs(scaled).max() < FAR:
        raise DataError(
            f"{series.source}: {series.name} leaves the range of its first {split} values by far; "
            "look for a wrong value among the last rows"
        )
    scaled = scaled.astype(np.float32)

    set_random_seed(settings.seed)
    model = build(settings)
    x, y = sliding_windows(scaled, window, horizon, stop=split)
    start = time.perf_counter()
    model.fit(
        x[..., None], y - x[:, -1:], batch_size=BATCH, epochs=settings.epochs, verbose=verbose
    )
    seconds = time.perf_counter() - start

    def predict(x: np.ndarray, season_ahead: np.ndarray) -> np.ndarray:
        change: np.ndarray = model.predict(x[..., None], verbose=0)
        levels: np.ndarray = scale.inverse((change + x[:, -1:]).astype(np.float64)) + season_ahead
        return levels

    x_test, _ = sliding_windows(scaled, window, horizon, start=split)
    _, season_ahead = sliding_windows(curve[:n], window, horizon, start=split)
    _, truth = sliding_windows(values, window, horizon, start=split)
    forecasts = {
        "LSTM": predict(x_test, season_ahead),
        PERSISTENCE: persistence(values, horizon, start=split),
    }
    if season:
        year = series.daily and season == YEAR
        name = "same day last year" if year else f"{season} steps earlier"
        forecasts[name] = seasonal_naive(values, horizon, season, start=split)
        forecasts[CURVE] = season_ahead + scale.mean
    return Result(
        series=series,
        settings=Settings(**{**asdict(settings), "season": season}),
        split=split,
        truth=truth,
        forecasts=forecasts,
        ahead=predict(scaled[None, -window:], curve[None, n:])[0],
        trained_windows=len(x),
        weights=model.count_params(),
        seconds=seconds,
        isa=_core.isa(),
        threads=_core.get_num_threads(),
    )


def plot(result: Result, path: str | os.PathLike[str]) -> None:
    """Plot a result to a file: the held-out part with its forecasts, and the errors.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    """
    series, settings = result.series, result.settings
    step = "day" if series.daily else "step"
    name = series.name[:1].upper() + series.name[1:]
    plot_backtest(
        result.truth,
        result.forecasts,
        result.rmse,
        dates=None if series.dates is None else series.dates[result.split :],
        ylabel=series.unit or series.name,
        title=f"{name}: the next {settings.horizon} {step}s from the last {settings.window}",
        step=step,
        to_file=path,
    )
