"""Model files of global forecasters: the network, its scaling, the last steps of each series."""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from ...data import DataError, Frequency
from ...saving.model_file import load_with_extra, save_model
from ...validation import whole
from .. import heads
from . import steps
from .inputs import Inputs
from .panel import Panel

if TYPE_CHECKING:
    from .forecaster import GlobalForecaster

F = TypeVar("F", bound="GlobalForecaster")
Array = np.ndarray
KIND = "global forecaster"
FORMS = ("dict", "pandas", "polars")
NUMBERS = ("season_", "window_", "epochs_")
FITTED = (*NUMBERS, "history_", "validation_history_", "levels_")
ARRAYS = ("shifts_", "dependence_")


def save(forecaster: GlobalForecaster, path: str | os.PathLike[str], overwrite: bool) -> None:
    """Write a forecaster; see `GlobalForecaster.save`."""
    whole_panel = forecaster.panel_
    panel = whole_panel.take(np.arange(len(whole_panel)), last=forecaster.window_)
    ids = panel.ids.tolist()
    if not all(isinstance(one, str | int) for one in ids):
        odd = next(one for one in ids if not isinstance(one, str | int))
        raise DataError(f"save: expected ids of text or whole numbers, got {odd!r}")
    static = {n: v for n, v in panel.static.items() if n in forecaster.inputs_.static}
    labels = {n: [str(v) for v in panel.static[n]] for n in forecaster.inputs_.labels}
    config = {
        "params": {name: _plain(value) for name, value in forecaster.get_params().items()},
        "fitted": {name: _plain(getattr(forecaster, name)) for name in FITTED},
        "inputs": {k: _plain(v) for k, v in asdict(forecaster.inputs_).items()},
        "panel": {
            "ids": ids,
            "columns": panel.columns,
            "form": panel.form,
            "dated": panel.dates.dtype.kind == "M",
            "frequency": _frequency_config(panel.frequency),
            "covariates": list(panel.covariates),
            "static": list(static),
            "labels": labels,
        },
    }
    arrays = {name: getattr(forecaster, name) for name in ARRAYS}
    arrays.update(starts=panel.starts, y=panel.y, dates=panel.dates.astype(np.int64))
    level, spread = forecaster.inputs_.of_series(whole_panel)
    arrays.update(level=level, spread=spread)
    arrays.update({f"covariate_{i}": v for i, v in enumerate(panel.covariates.values())})
    arrays.update({f"static_{i}": v for i, v in enumerate(static.values())})
    arrays = {name: np.asarray(values, np.float64) for name, values in arrays.items()}
    save_model(forecaster.model_, path, overwrite, extra=(KIND, config, arrays))


def load(cls: type[F], path: str | os.PathLike[str]) -> F:
    """Read a forecaster; see `GlobalForecaster.load`."""

    def build(model: Any, config: Any, arrays: dict[str, Array]) -> F:
        forecaster = cls(**config["params"])
        forecaster._check_settings()
        for name in FITTED:
            setattr(forecaster, name, config["fitted"][name])
        for name in ARRAYS:
            setattr(forecaster, name, arrays[name])
        for name in NUMBERS:
            whole(name, getattr(forecaster, name), 0, least=0)
        forecaster.model_ = model
        forecaster.levels_ = tuple(float(level) for level in forecaster.levels_)
        forecaster.head_ = heads.make(forecaster.head, forecaster.levels_)
        forecaster.inputs_ = _inputs(config["inputs"])
        panel = forecaster.panel_ = _panel(config["panel"], arrays)
        panel.measured[forecaster.inputs_.measure_of_series] = arrays["level"], arrays["spread"]
        _check(forecaster)
        return forecaster

    return load_with_extra(path, KIND, build)


def _inputs(config: dict[str, Any]) -> Inputs:
    tuples = {k: tuple(config[k]) for k in ("past", "known", "calendar", "static")}
    scales = {name: (float(mean), float(std)) for name, (mean, std) in config["scales"].items()}
    return Inputs(**{**config, **tuples, "scales": scales})


def _panel(config: dict[str, Any], arrays: dict[str, Array]) -> Panel:
    """Return the panel of a file; raise ValueError if its parts do not fit."""
    given = config["ids"]
    ids = np.array(given, np.int64 if all(isinstance(one, int) for one in given) else object)
    starts, dates = arrays["starts"].astype(np.int64), arrays["dates"].astype(np.int64)
    rows, series = len(arrays["y"]), len(ids)
    frequency = _frequency(config["frequency"])
    if isinstance(frequency, Frequency) != config["dated"]:
        raise ValueError(f"frequency: got {config['frequency']!r:.80}")
    if (
        starts.shape != (series + 1,)
        or starts[0]
        or starts[-1] != rows
        or (np.diff(starts) < 1).any()
    ):
        raise ValueError("starts: expected the first row of each series")
    covariates = {n: arrays[f"covariate_{i}"] for i, n in enumerate(config["covariates"])}
    static = {n: arrays[f"static_{i}"] for i, n in enumerate(config["static"])}
    static.update({n: np.array(v, object) for n, v in config["labels"].items()})
    for name, values in {"dates": dates, **covariates}.items():
        if values.shape != (rows,):
            raise ValueError(f"{name}: expected {rows} values, got shape {values.shape}")
    for name, values in {**static, "level": arrays["level"], "spread": arrays["spread"]}.items():
        if values.shape != (series,):
            raise ValueError(f"{name}: expected {series} values, got shape {values.shape}")
    columns = config["columns"]
    if config["form"] not in FORMS:
        raise ValueError(f"form: expected one of {FORMS}, got {config['form']!r:.80}")
    return Panel(
        ids,
        starts,
        arrays["y"],
        dates.astype("datetime64[s]") if config["dated"] else dates,
        frequency,
        covariates,
        static,
        (str(columns[0]), str(columns[1]), str(columns[2])),
        config["form"],
    )


def _frequency_config(step: steps.Step) -> Any:
    return step if isinstance(step, int) else asdict(step)


def _frequency(config: Any) -> steps.Step:
    """Return the frequency of a file."""
    if not isinstance(config, dict):
        return whole("frequency", config, 1)
    unit, count, day = str(config["unit"]), whole("count", config["count"], 1), int(config["day"])
    if unit not in ("us", "B", "M"):
        raise ValueError(f"frequency: got {config!r:.80}")
    return Frequency(unit, count, day)


def _check(forecaster: GlobalForecaster) -> None:
    """Raise ValueError if the parts of a file are inconsistent, by a forecast of one series."""
    horizon, parameters = forecaster.horizon, forecaster.head_.parameters
    for name, shape in (("shifts_", (horizon, parameters)), ("dependence_", (horizon, horizon))):
        if getattr(forecaster, name).shape != shape:
            raise ValueError(f"{name}: expected shape {shape}")
    if (forecaster.inputs_.horizon, forecaster.inputs_.window) != (horizon, forecaster.window_):
        raise ValueError("inputs: horizon and window differ from the settings")
    panel = forecaster.panel_.take(np.array([0]))
    known = {name: np.zeros((1, horizon)) for name in forecaster.inputs_.known}
    known[""] = steps.after(panel.frequency, panel.last_dates, horizon)
    forecaster._network(panel, np.array([0]), panel.lengths, known)


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    return list(value) if isinstance(value, tuple) else value
