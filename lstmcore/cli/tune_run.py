"""Work of ``lstmcore tune``: the search space of networks for a series, and the result."""

from __future__ import annotations

import argparse
import importlib.util
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .. import tuner as kt
from ..callbacks import EarlyStopping
from ..data import (
    DataError,
    Series,
    Standardizer,
    persistence,
    read_series,
    rmse_per_horizon,
    sliding_windows,
)
from ..layers import LSTM, Dense, Dropout, Input
from ..models import Sequential
from ..optimizers import Adam
from .common import CommandError, table

WINDOWS = (8, 16, 32, 64)
BATCHES = (16, 32, 64)
PATIENCE = 5  # epochs without improvement


@dataclass(frozen=True)
class Problem:
    """Forecasting problem: a series with its windows, horizon and split.

    Parameters
    ----------
    series : Series
    horizon : int
    windows : tuple of int
        Candidates for the number of input steps.
    parts : (int, int)
        Indices of the first validation and the first held-out value.
    scale : Standardizer
        Standardization fitted to the training part.
    scaled : ndarray of float32
    """

    series: Series
    horizon: int
    windows: tuple[int, ...]
    parts: tuple[int, int]
    scale: Standardizer
    scaled: np.ndarray


def read(args: argparse.Namespace) -> Problem:
    """Read the series, and choose windows and parts.

    Raises
    ------
    DataError
        If the file cannot be used, or the series is too short.
    """
    series = read_series(args.data, args.target, option="--target")
    n, horizon = len(series.values), args.horizon
    parts = (3 * n // 5, 4 * n // 5)
    room = parts[0] - horizon - 15  # a batch of windows to train on, at least
    given = WINDOWS if args.window is None else (args.window,)
    windows = tuple(w for w in given if w <= room)
    if not windows or parts[1] - parts[0] < horizon:
        raise DataError(
            f"{series.source}: {series.name} is too short: {parts[0]} of its {n} values are to "
            f"train on, {min(given)} go in and {horizon} come out; give more rows, or a smaller "
            "--window or --horizon"
        )
    try:
        scale = Standardizer.fit(series.values[: parts[0]])
    except ValueError:
        raise DataError(
            f"{series.source}: {series.name} does not vary in the {parts[0]} values to train on: "
            "there is nothing to learn"
        ) from None
    scaled = scale.transform(series.values).astype(np.float32)
    return Problem(series, horizon, windows, parts, scale, scaled)


class SeriesModel(kt.HyperModel):
    """Networks that forecast changes from the last value of a window.

    Parameters
    ----------
    problem : Problem
    file : str, optional
        A Python file with ``build_model(hp)``.
    """

    def __init__(self, problem: Problem, file: str | None = None) -> None:
        super().__init__()
        self.problem, self.file = problem, file
        self._function: Any = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_function": None}

    def build(self, hp: Any) -> Any:
        """Return a compiled model."""
        windows = self.problem.windows
        window = hp.Choice("window", windows) if len(windows) > 1 else hp.Fixed("window", *windows)
        horizon = hp.Fixed("horizon", self.problem.horizon)
        hp.Choice("batch_size", BATCHES)
        if self.file is not None:
            return self._user_function()(hp)
        layers: list[Any] = [Input((window, 1))]
        units = hp.Int("units", 8, 64, step=8)
        deep = hp.Int("layers", 1, 2) == 2
        layers += [LSTM(units, return_sequences=True)] * deep + [LSTM(units)]
        layers += [Dropout(hp.Float("dropout", 0.0, 0.5, step=0.1)), Dense(horizon)]
        model = Sequential(layers)
        rate = hp.Float("learning_rate", 3e-4, 3e-2, sampling="log")
        model.compile(Adam(learning_rate=rate), loss="mse")
        return model

    def _user_function(self) -> Any:
        if self._function is None:
            assert self.file is not None
            if not Path(self.file).is_file():
                raise CommandError(f"--build {self.file} is no file")
            spec = importlib.util.spec_from_file_location("lstmcore_tune_build", self.file)
            if spec is None or spec.loader is None:
                raise CommandError(f"--build {self.file}: expected a Python file, say network.py")
            module = importlib.util.module_from_spec(spec)
            try:
                spec.loader.exec_module(module)
            except Exception as error:
                raise CommandError(
                    f"--build {self.file}: {type(error).__name__}: {error}"
                ) from None
            self._function = getattr(module, "build_model", None)
            if self._function is None:
                raise CommandError(f"--build {self.file} has no function build_model(hp)")
        return self._function

    def windows(self, hp: Any, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        """Return windows whose targets are in a part, and the changes to forecast."""
        problem = self.problem
        x, y = sliding_windows(
            problem.scaled, hp.get("window"), problem.horizon, start=start, stop=stop
        )
        return x[..., None], y - x[:, -1:]

    def fit(self, hp: Any, model: Any, *args: Any, **kwargs: Any) -> Any:
        """Train on the first part, with the second for validation."""
        first, second = self.problem.parts
        kwargs["callbacks"] = [EarlyStopping(patience=PATIENCE), *kwargs["callbacks"]]
        return model.fit(
            *self.windows(hp, 0, first),
            batch_size=hp.get("batch_size"),
            validation_data=self.windows(hp, first, second),
            **kwargs,
        )


def make_tuner(args: argparse.Namespace, problem: Problem) -> Any:
    """Return the search, whose name depends on data and settings."""
    hypermodel = SeriesModel(problem, args.build)
    settings = f"{problem.windows} {problem.parts} {args.search} {args.epochs} {args.seed}"
    if args.build is not None:
        hypermodel._user_function()
        settings += Path(args.build).read_text(encoding="utf-8")
    crc = zlib.crc32(settings.encode(), zlib.crc32(problem.scaled.tobytes()))
    name = "".join(c if c.isalnum() else "-" for c in problem.series.name)
    options = {
        "objective": "val_loss",
        "max_trials": args.trials,
        "seed": args.seed,
        "directory": args.directory,
        "project_name": f"{name}-{problem.horizon}-{crc:08x}",
        "overwrite": args.new,
        "n_jobs": args.jobs,
        "storage": args.storage,
    }
    try:
        if args.search == "hyperband":
            return kt.RandomSearch(hypermodel, pruner="hyperband", **options)
        kind = kt.RandomSearch if args.search == "random" else kt.BayesianOptimization
        return kind(hypermodel, **options)
    except (CommandError, OSError, ImportError):
        raise
    except Exception as error:
        raise CommandError(f"tune: {type(error).__name__}: {error}") from error


def introduce(problem: Problem) -> str:
    """Return the line about the data."""
    series, (first, second) = problem.series, problem.parts
    n = len(series.values)
    return (
        f"{series.source}: {series.name}, {n} values: {first} to train on, {second - first} to "
        f"choose by, {n - second} held out"
    )


def plan(args: argparse.Namespace) -> str:
    """Return the line about the search."""
    return f"{args.trials} networks, {args.search} search, {args.epochs} epochs at most each\n"


def training(args: argparse.Namespace) -> dict[str, Any]:
    """Return what a search passes to `fit`."""
    return {} if args.build is None else {"epochs": args.epochs}


def save_best_so_far(tuner: Any, save: str | None) -> str:
    """Save the best model of an interrupted search, and return a message about it."""
    best = tuner.get_best_trials(1)
    if not best:
        return "no network was done yet; the same command goes on"
    path = tuner.model_path(best[0].trial_id)
    if save:
        tuner.get_best_models()[0].save(save)
        path = Path(save)
    done = len(tuner.trials)
    return f"the best of {done} networks so far is in {path}; the same command goes on"


def result(tuner: Any, problem: Problem) -> dict[str, Any]:
    """Return the result for JSON, with the error on the held-out part.

    Raises
    ------
    CommandError
        If no network could be trained.
    """
    if not tuner.get_best_trials(1):
        reason = next((t.message for t in tuner.trials.values()), "none was tried")
        raise CommandError(f"no network could be trained: {reason}")
    best, hypermodel = tuner.get_best_trials(1)[0], tuner.hypermodel
    series, (_, start) = problem.series, problem.parts
    stop = len(series.values)
    x, _ = hypermodel.windows(best.hyperparameters, start, stop)
    change = tuner.get_best_models()[0].predict(x, verbose=0)
    forecast = problem.scale.inverse(x[:, -1] + change.astype(np.float64))
    truth = sliding_windows(series.values, 1, problem.horizon, start=start)[1]
    errors = {
        "LSTM": rmse_per_horizon(forecast, truth),
        "persistence": rmse_per_horizon(
            persistence(series.values, problem.horizon, start=start), truth
        ),
    }
    return {
        "series": series.name,
        "source": series.source,
        "horizon": problem.horizon,
        "rmse": {name: float(e.mean()) for name, e in errors.items()},
        "rmse_per_step": errors,
        "scale": {"mean": problem.scale.mean, "std": problem.scale.std},
        "best": _trial_to_json(best),
        "trials": [_trial_to_json(trial) for trial in tuner.trials.values()],
        "model": str(tuner.model_path(best.trial_id)),
        "folder": tuner.project_dir,
    }


def _trial_to_json(trial: Any) -> dict[str, Any]:
    return {
        "trial": trial.trial_id,
        "status": trial.status.lower(),
        "val_loss": trial.score,
        "epoch": trial.best_step,
        "hyperparameters": trial.hyperparameters.values,
    }


def report(result: dict[str, Any], plot: str | None) -> str:
    """Return a result as text."""
    best = result["best"]
    kind = "mase" if "mase" in result else "rmse"
    errors, (ours, floor) = result[kind], result[kind]
    gain = 100 * (1 - errors[ours] / errors[floor]) if errors[floor] else 0.0
    beaten = "repeating the last value" if floor == "persistence" else f"the {floor} forecast"
    values = {
        k: f"{v:.4g}" if isinstance(v, float) else str(v)
        for k, v in best["hyperparameters"].items()
    }
    lines = [
        f"Best network: trial {best['trial']}, epoch {best['epoch']}",
        *(f"  {line}" for line in table(("hyperparameter", "value"), values.items())),
        "",
        *table(
            (f"held-out error ({kind.upper()})", ""), ((k, f"{v:.4g}") for k, v in errors.items())
        ),
        f"{abs(gain):.1f} % {'below' if gain >= 0 else 'above'} {beaten}",
        "",
        f"model: {result['model']}",
    ]
    return "\n".join(lines + ([f"plot: {plot}"] if plot else []))
