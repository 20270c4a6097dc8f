"""Work of ``lstmcore tune`` on the forecasters that ``lstmcore forecast`` trains.

Every trial trains a forecaster on the first three fifths of the steps and forecasts the fourth
fifth, by whose error the best is chosen. That one is then trained on four fifths, and its error on
the last fifth reported.
"""

from __future__ import annotations

import argparse
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .. import tuner as kt
from ..data import DataError, Long, Series, persistence, read_long, read_series
from ..forecasting import GlobalForecaster, LSTMForecaster, SeasonalNaive
from ..forecasting.panels.panel import Panel
from ..forecasting.panels.reading import read as read_panel
from .common import CommandError

WINDOWS = (8, 16, 32, 64)
BATCHES = (16, 32, 64)
LAST_VALUE = "persistence"


def space(hp: Any, windows: tuple[int, ...]) -> dict[str, Any]:
    """Return settings of a forecaster for hyperparameters."""
    return {
        "window": hp.Choice("window", windows)
        if len(windows) > 1
        else hp.Fixed("window", *windows),
        "units": hp.Int("units", 8, 64, step=8),
        "layers": hp.Int("layers", 1, 2),
        "dropout": hp.Float("dropout", 0.0, 0.5, step=0.1),
        "linear": hp.Boolean("linear"),
        "batch_size": hp.Choice("batch_size", BATCHES),
        "learning_rate": hp.Float("learning_rate", 3e-4, 1e-2, sampling="log"),
    }


@dataclass(frozen=True)
class OneSeries:
    """The search for a forecaster of one series.

    Parameters
    ----------
    series : Series
    windows : tuple of int
        Candidates for the number of input steps.
    settings : dict of str to object
        Settings that are not searched.
    """

    series: Series
    windows: tuple[int, ...]
    settings: dict[str, Any]
    what = "RMSE"

    @property
    def name(self) -> str:
        """The name of the series."""
        return self.series.name

    @property
    def source(self) -> str:
        """The file."""
        return self.series.source

    @property
    def parts(self) -> tuple[int, int, int]:
        """The first step to choose by, the first one held out, and the number of steps."""
        n = len(self.series.values)
        return 3 * n // 5, 4 * n // 5, n

    def unfitted(self, **settings: Any) -> LSTMForecaster:
        """Return a forecaster with these settings."""
        return LSTMForecaster(**{**self.settings, **settings})

    def trained(self, forecaster: Any, stop: int) -> Any:
        """Return the forecaster, trained on the steps before `stop`."""
        dates = None if self.series.dates is None else self.series.dates[:stop]
        return forecaster.fit(self.series.values[:stop], dates)

    def error(self, forecaster: Any, part: int) -> float:
        """Train on the parts before one and return the error of forecasts of it."""
        start, stop = self.parts[part : part + 2]
        self.trained(forecaster, start)
        origins = np.arange(start, stop - forecaster.horizon + 1)
        point, _ = forecaster.forecast_at(self.series.values[:stop], origins)
        return _rmse(point[..., 0], self._truth(origins, forecaster.horizon))

    def floor(self) -> tuple[str, float]:
        """Return the name and the error on the last part of the forecast to beat."""
        _, start, stop = self.parts
        horizon = int(self.settings["horizon"])
        origins = np.arange(start, stop - horizon + 1)
        found = persistence(self.series.values, horizon, start=start)
        return LAST_VALUE, _rmse(found, self._truth(origins, horizon))

    def _truth(self, origins: np.ndarray, horizon: int) -> np.ndarray:
        return np.asarray(self.series.values[origins[:, None] + np.arange(horizon)])

    def introduction(self) -> str:
        """Return the line about the data."""
        first, second, n = self.parts
        return (
            f"{self.source}: {self.name}, {n} values: {first} to train on, {second - first} to "
            f"choose by, {n - second} held out"
        )


@dataclass(frozen=True)
class ManySeries:
    """The search for a forecaster of a panel; errors are means over series of their MASE.

    Parameters
    ----------
    known : Long
    panel : Panel
    windows, settings
        As for `OneSeries`.
    """

    known: Long
    panel: Panel
    source: str
    windows: tuple[int, ...]
    settings: dict[str, Any]
    what = "mean MASE"

    @property
    def name(self) -> str:
        """The column of the target."""
        return self.panel.columns[2]

    @property
    def parts(self) -> tuple[int, int, int]:
        """Origins before the ends of the series: to choose by, held out, none."""
        horizon = int(self.settings["horizon"])
        return -2 * horizon, -horizon, 0

    def unfitted(self, **settings: Any) -> GlobalForecaster:
        """Return a forecaster with these settings."""
        return GlobalForecaster(**{**self.settings, **settings})

    def trained(self, forecaster: Any, stop: int) -> Any:
        """Return the forecaster, trained on all but the last steps."""
        return forecaster.fit_panel(self._before(stop))

    def error(self, forecaster: Any, part: int) -> float:
        """Train on the steps before a part and return the error of forecasts of it."""
        from ..forecasting import cross_validation

        horizon = int(self.settings["horizon"])
        known = self._before(self.parts[part] + horizon)
        found = cross_validation({"LSTM": forecaster}, known, baseline=False)
        return float(found.metrics(["mase"], by_series=False)["LSTM"][0])

    def floor(self) -> tuple[str, float]:
        """Return the name and the error on the last steps of the forecast to beat."""
        naive = SeasonalNaive(int(self.settings["horizon"]), self.settings["season"])
        return "seasonal naive", self.error(naive, 1)

    def _before(self, stop: int) -> Panel:
        """Return the panel without the last ``-stop`` steps of series that have more."""
        series = np.flatnonzero(self.panel.lengths + stop > 0)
        return self.panel.take(series, self.panel.lengths[series] + stop)

    def introduction(self) -> str:
        """Return the line about the data."""
        horizon, count = self.settings["horizon"], len(self.panel)
        return (
            f"{self.source}: {self.name}, {count} series: the last {horizon} steps of each are "
            f"held out, the {horizon} before them are to choose by"
        )


Task = OneSeries | ManySeries


def _rmse(forecast: np.ndarray, truth: np.ndarray) -> float:
    """Return the mean over steps ahead of the root mean squared error."""
    return float(np.sqrt(np.mean((forecast - truth) ** 2, axis=0)).mean())


def read(args: argparse.Namespace) -> Task:
    """Read the data of the options.

    Raises
    ------
    DataError
        If the file cannot be used, or the series are too short.
    """
    settings = {
        "horizon": args.horizon,
        "epochs": args.epochs,
        "random_state": args.seed,
    }
    if args.id is not None:
        known = read_long(args.data, args.id, args.target)
        panel = read_panel(known.columns, known.names)
        longest = int(panel.lengths.max()) - 3 * args.horizon
        windows = _windows(args, longest)
        if not windows:
            raise DataError(
                f"{args.data}: the longest series has {panel.lengths.max()} steps; a window of "
                f"{args.window or WINDOWS[0]} and three horizons of {args.horizon} need more; give "
                "a smaller --window or --horizon"
            )
        settings["season"] = "auto"
        return ManySeries(known, panel, args.data, windows, settings)
    series = read_series(args.data, args.target, option="--target")
    found = OneSeries(series, (), settings)
    first, second, n = found.parts
    windows = _windows(args, first - args.horizon - 15)
    if not windows or second - first < args.horizon:
        raise DataError(
            f"{series.source}: {series.name} is too short: {first} of its {n} values are to "
            f"train on, {args.window or WINDOWS[0]} go in and {args.horizon} come out; give more "
            "rows, or a smaller --window or --horizon"
        )
    if (series.values[:first] == series.values[0]).all():
        raise DataError(
            f"{series.source}: {series.name} does not vary in the {first} values to train on: "
            "there is nothing to learn"
        )
    return OneSeries(series, windows, settings)


def _windows(args: argparse.Namespace, room: int) -> tuple[int, ...]:
    given = WINDOWS if args.window is None else (args.window,)
    return tuple(window for window in given if window <= room)


class ForecasterTrials:
    """Trials of a search that train forecasters; each is kept in a file of its own."""

    task: Task
    project_dir: Any

    def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> float:
        """Train a forecaster and return its error on the part to choose by."""
        forecaster = self.task.unfitted(**space(trial.hyperparameters, self.task.windows))
        error = self.task.error(forecaster, 0)
        if isinstance(forecaster, LSTMForecaster):
            forecaster.save(self.forecaster_path(trial.trial_id))
        return error

    def forecaster_path(self, trial_id: str) -> Path:
        """Return the file of a trial's forecaster."""
        return Path(self.project_dir) / f"forecaster-{trial_id}.safetensors"


class BayesianForecasters(ForecasterTrials, kt.BayesianOptimization):
    """Bayesian search of forecasters."""


class RandomForecasters(ForecasterTrials, kt.RandomSearch):
    """Random search of forecasters."""


def make_tuner(args: argparse.Namespace, task: Task) -> Any:
    """Return the search, whose name depends on data and settings."""
    if args.search == "hyperband":
        raise CommandError(
            "--search hyperband stops networks early, so it is for --build alone; take bayesian "
            "or random"
        )
    values = task.series.values if isinstance(task, OneSeries) else task.panel.y
    settings = f"{task.windows} {task.settings} {args.search} {args.id}"
    crc = zlib.crc32(settings.encode(), zlib.crc32(np.ascontiguousarray(values).tobytes()))
    name = "".join(c if c.isalnum() else "-" for c in task.name)
    kind = RandomForecasters if args.search == "random" else BayesianForecasters
    try:
        tuner = kind(
            None,
            objective=None,
            max_trials=args.trials,
            seed=args.seed,
            directory=args.directory,
            project_name=f"{name}-{args.horizon}-{crc:08x}",
            overwrite=args.new,
            n_jobs=args.jobs,
            storage=args.storage,
        )
    except (CommandError, OSError, ImportError):
        raise
    except Exception as error:
        raise CommandError(f"tune: {type(error).__name__}: {error}") from error
    tuner.task = task
    return tuner


def best_so_far(tuner: Any, task: Task, save: str | None) -> str:
    """Return a message about an interrupted search."""
    best = tuner.get_best_trials(1)
    if not best:
        return "no network was done yet; the same command goes on"
    done = len(tuner.trials)
    path = tuner.forecaster_path(best[0].trial_id)
    if not path.exists():
        return f"{done} networks are done; the same command goes on"
    if save:
        path = Path(save)
        path.write_bytes(tuner.forecaster_path(best[0].trial_id).read_bytes())
    return f"the best of {done} networks so far is in {path}; the same command goes on"


def result(tuner: Any, task: Task, save: str | None) -> dict[str, Any]:
    """Return the result for JSON, with the error on the last part; write the best forecaster.

    Raises
    ------
    CommandError
        If no forecaster could be trained.
    """
    if not tuner.get_best_trials(1):
        reason = next((t.message for t in tuner.trials.values()), "none was tried")
        raise CommandError(f"no network could be trained: {reason}")
    best = tuner.get_best_trials(1)[0]
    settings = best.hyperparameters.values
    floor, error = task.floor()
    found = {"LSTM": task.error(task.unfitted(**settings), 1), floor: error}
    whole = task.trained(task.unfitted(**settings), task.parts[2])
    path = save or str(tuner.forecaster_path("best"))
    whole.save(path)
    return {
        "series": task.name,
        "source": task.source,
        "horizon": task.settings["horizon"],
        "error": task.what,
        "rmse" if isinstance(task, OneSeries) else "mase": found,
        "best": {**_to_json(best), "epoch": whole.epochs_},
        "trials": [_to_json(trial) for trial in tuner.trials.values()],
        "model": path,
        "folder": tuner.project_dir,
    }


def _to_json(trial: Any) -> dict[str, Any]:
    return {
        "trial": trial.trial_id,
        "status": trial.status.lower(),
        "val_error": trial.score,
        "hyperparameters": trial.hyperparameters.values,
    }
