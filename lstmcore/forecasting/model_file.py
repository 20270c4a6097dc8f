"""Model files of forecasters: the network, its scaling, and the last steps of the data."""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from ..data import SeasonalCurve, Standardizer
from ..saving.model_file import load_with_extra, save_model
from ..validation import whole
from . import settings
from .blend import METHODS, REGRESSION, Blend
from .columns import FORMS, Columns, Index, check_dates
from .network import Head
from .preparation import AVERAGE, Covariate, Preparation, SeasonalProfile, Target
from .regression import Ridge
from .smoothing import Smoothing

if TYPE_CHECKING:
    from .forecaster import LSTMForecaster

F = TypeVar("F", bound="LSTMForecaster")
KIND = "forecaster"
LEAST = 60  # steps to save, enough to tell the frequency of their dates
FITTED = ("season_", "window_", "epochs_", "n_features_in_", "history_", "validation_history_")
NAMES = ("targets_", "past_", "known_")
SMOOTHED = ("settings", "level", "trend", "season", "errors")  # arrays of `Smoothing`
TARGET_ARRAYS = ("slope", "shift", "spread")  # fields of `Target`


def save(forecaster: LSTMForecaster, path: str | os.PathLike[str], overwrite: bool) -> None:
    """Write a forecaster; see `LSTMForecaster.save`."""
    preparation, columns = forecaster.preparation_, forecaster.columns_
    first = max(len(columns) - max(preparation.length, LEAST), 0)
    tail = columns[first:]
    dates = None
    if tail.dates is not None:
        dates = {"type": str(tail.dates.dtype), "text": np.datetime_as_string(tail.dates).tolist()}
    config = {
        "params": {name: _plain(value) for name, value in forecaster.get_params().items()},
        "fitted": {name: getattr(forecaster, name) for name in (*FITTED, *NAMES)},
        "head": vars(forecaster.head_),
        "columns": {
            "names": columns.names,
            "form": columns.form,
            "dates": dates,
            "index": asdict(columns.index),
        },
        "first": forecaster.first_ + first,
        "targets": [_describe(target) for target in preparation.targets],
        "blends": [
            {"weights": b.weights, "errors": b.errors, "independent": b.independent, "log": b.log}
            for b in forecaster.blends_
        ],
        "past": [asdict(c) for c in preparation.past],
        "known": [asdict(c) for c in preparation.known],
    }
    arrays = {"values": tail.values}
    for i, target in enumerate(preparation.targets):
        arrays.update({f"{name}_{i}": getattr(target, name) for name in TARGET_ARRAYS})
        if target.curve is not None:
            arrays[f"curve_{i}"] = target.curve.weights
    arrays.update(_arrays_of_methods(forecaster, forecaster.first_ + first))
    save_model(forecaster.model_, path, overwrite, extra=(KIND, config, arrays))


def load(cls: type[F], path: str | os.PathLike[str]) -> F:
    """Read a forecaster; see `LSTMForecaster.load`."""

    def build(model: Any, config: Any, arrays: dict[str, np.ndarray]) -> F:
        forecaster = cls(**config["params"])
        fitted = config["fitted"]
        for name in (*FITTED, *NAMES):
            value = fitted[name]
            setattr(forecaster, name, tuple(value) if name in NAMES else value)
        forecaster.model_ = model
        forecaster.head_ = Head(**config["head"])
        forecaster.levels_ = forecaster.head_.levels
        columns, dates = config["columns"], None
        if columns["dates"] is not None:
            dates = np.array(columns["dates"]["text"], dtype=columns["dates"]["type"])
        names = tuple(columns["names"])
        index = Index(**columns.get("index", {}))  # files of 2026 before December have none
        forecaster.columns_ = Columns(names, arrays["values"], dates, columns["form"], index)
        forecaster.first_ = int(config["first"])
        forecaster.preparation_ = Preparation(
            int(fitted["window_"]),
            len(arrays["slope_0"]),
            tuple(_target(t, arrays, i) for i, t in enumerate(config["targets"])),
            *(tuple(_covariate(c) for c in config[part]) for part in ("past", "known")),
        )
        _set_methods(forecaster, config, arrays)
        _check(forecaster)
        return forecaster

    return load_with_extra(path, KIND, build)


def _arrays_of_methods(forecaster: LSTMForecaster, step: int) -> dict[str, np.ndarray]:
    """Return the arrays of what forecasts beside the network; smoothing's of that step."""
    arrays: dict[str, np.ndarray] = {}
    for i, blend in enumerate(forecaster.blends_):
        arrays |= {f"spread_of_{i}": blend.spread, f"residuals_{i}": blend.residuals}
    if forecaster.ridge_ is not None:
        arrays |= {"ridge_weights": forecaster.ridge_.weights, "ridge_bias": forecaster.ridge_.bias}
    smoothed = forecaster.smoothed(forecaster.columns_) if forecaster.smoothings_ else ()
    for i, (state, (y, _)) in enumerate(zip(forecaster.smoothings_, smoothed, strict=True)):
        moved = state.at(max(step, state.step), y, forecaster.first_)
        arrays |= {f"smoothing_{name}_{i}": getattr(moved, name) for name in SMOOTHED}
        arrays[f"smoothing_step_{i}"] = np.array([moved.step], np.int64)
    return arrays


def _set_methods(forecaster: LSTMForecaster, config: Any, arrays: dict[str, np.ndarray]) -> None:
    """Set what forecasts beside the network; files before December 2026 have the network alone."""
    forecaster.blends_ = tuple(
        Blend(
            {str(name): float(weight) for name, weight in blend["weights"].items()},
            {str(name): float(error) for name, error in blend["errors"].items()},
            arrays[f"spread_of_{i}"],
            arrays[f"residuals_{i}"],
            float(blend["independent"]),
            bool(blend["log"]),
        )
        for i, blend in enumerate(config.get("blends", ()))
    )
    known = "ridge_weights" in arrays
    ridge = Ridge(arrays["ridge_weights"], arrays["ridge_bias"]) if known else None
    forecaster.ridge_ = ridge
    forecaster.smoothings_ = tuple(
        Smoothing(
            **{name: arrays[f"smoothing_{name}_{i}"] for name in SMOOTHED},
            step=int(arrays[f"smoothing_step_{i}"][0]),
        )
        for i in range(len(forecaster.blends_))
    )


def _check(forecaster: LSTMForecaster) -> None:
    """Raise ValueError if the parts of a file are inconsistent."""
    settings.check(forecaster)
    preparation, columns = forecaster.preparation_, forecaster.columns_
    parts = (preparation.targets, preparation.past, preparation.known)
    if [len(getattr(forecaster, name)) for name in NAMES] != list(map(len, parts)):
        raise ValueError("its columns and their scaling differ in number")
    if columns.values.shape != (len(columns), len(columns.names)):
        raise ValueError("its names and its columns differ in number")
    if len(columns) < preparation.length:
        raise ValueError("it has fewer steps than the network sees")
    for target in preparation.targets:
        if any(getattr(target, name).shape != (preparation.horizon,) for name in TARGET_ARRAYS):
            raise ValueError(f"targets: expected {preparation.horizon} numbers in each array")
    if forecaster.head_.kind != forecaster.head:
        raise ValueError(f"head: expected {forecaster.head!r}, got {forecaster.head_.kind!r:.80}")
    outputs = forecaster.head_.units(preparation.horizon * len(preparation.targets))
    if forecaster.model_.output_shape != (None, outputs):
        found = forecaster.model_.output_shape
        raise ValueError(f"network: expected {outputs} outputs, got shape {found}")
    if columns.form not in FORMS:
        raise ValueError(f"columns: form: expected one of {FORMS}, got {columns.form!r:.80}")
    if columns.dates is not None:
        if columns.dates.dtype.kind != "M":
            raise ValueError(f"dates: expected datetime64, got {columns.dates.dtype!s:.80}")
        check_dates(columns.dates, len(columns))
    for name in ("season_", "epochs_", "first_", "n_features_in_"):
        whole(name, getattr(forecaster, name), 0, least=0)
    settings.check_horizon(forecaster.horizon, forecaster.strategy, preparation.horizon)
    _check_methods(forecaster)
    rows = np.zeros((preparation.horizon, len(forecaster.known_)))
    y, past, known = forecaster.series()
    known = np.concatenate([known, rows])
    rollout = forecaster.rollout()
    rollout.paths = 1
    rollout.forecast((y, past, known), np.array([len(y)]), 1, (0.5,))


def _check_methods(forecaster: LSTMForecaster) -> None:
    """Raise ValueError if what forecasts beside the network does not fit to the rest."""
    blends, preparation = forecaster.blends_, forecaster.preparation_
    if not blends:
        return
    if len(blends) != len(preparation.targets):
        raise ValueError("its blends and its targets differ in number")
    for blend, state in zip(blends, forecaster.smoothings_, strict=True):
        if not blend.weights or not set(blend.weights) <= set(METHODS):
            raise ValueError(f"blends: expected some of {METHODS}, got {list(blend.weights)!r:.80}")
        if blend.spread.shape != (preparation.horizon,) or not blend.residuals.size:
            raise ValueError("blends: expected a spread for each step ahead, and residuals")
        count = len(state.level)
        shapes = [state.settings.shape, state.trend.shape, state.season.shape[:1]]
        if not count or state.season.ndim != 2 or shapes != [(count, 4), (count,), (count,)]:
            raise ValueError("smoothing: its arrays differ in length")
        if not forecaster.first_ <= state.step <= forecaster.first_ + len(forecaster.columns_):
            raise ValueError(f"smoothing: expected a step of its columns, got {state.step}")
    if any(REGRESSION in blend.weights for blend in blends):
        ridge, inputs = forecaster.ridge_, forecaster.model_.input_shape
        outputs = preparation.horizon * len(preparation.targets)
        if ridge is None or ridge.bias.shape != (outputs,) or ridge.weights.shape[1:] != (outputs,):
            raise ValueError(f"regression: expected {outputs} outputs for {inputs}")


def _describe(target: Target) -> dict[str, Any]:
    names = ("log", "adjust", "season", "relative")
    return {**{name: getattr(target, name) for name in names}, "scale": asdict(target.scale)}


def _target(config: dict[str, Any], arrays: dict[str, np.ndarray], i: int) -> Target:
    weights = arrays.get(f"curve_{i}")
    kind = SeasonalProfile if config["adjust"] == AVERAGE else SeasonalCurve
    return Target(
        bool(config["log"]),
        str(config["adjust"]),
        int(config["season"]),
        None if weights is None else kind(int(config["season"]), weights),
        Standardizer(**config["scale"]),
        bool(config["relative"]),
        *(arrays[f"{name}_{i}"] for name in TARGET_ARRAYS),
    )


def _covariate(config: dict[str, Any]) -> Covariate:
    return Covariate(Standardizer(**config["scale"]), bool(config["relative"]))


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    return list(value) if isinstance(value, tuple) else value
