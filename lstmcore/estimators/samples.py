"""Validation and conversion of X: a table, an array of series, or series of different lengths."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.validation import check_array, validate_data

from .._binding.numpy_blas import matmul
from ..validation import refuse_masked

Array = np.ndarray[Any, Any]
TYPES = [np.float64, np.float32]
SHAPES = "(samples, columns), (samples, steps, variables) or a list of (steps, variables)"


def read(estimator: Any, X: Any, reset: bool) -> Any:
    """Return series as an array (samples, steps, variables), or a list if their lengths differ.

    Parameters
    ----------
    estimator : estimator
        Its `timesteps` is the number of steps in a row of a table. With `reset` its attributes
        `n_features_in_`, `feature_names_in_` and `series_in_` are set; otherwise X is checked
        against them.
    X : array_like, pandas, or list of array_like
    reset : bool
        True if X is data to fit.
    """
    refuse_masked(X, "X")
    series = _series_list(X)
    if series is None:
        array = np.asarray(X) if not hasattr(X, "dtypes") else None
        if array is None or array.ndim < 3:
            return _from_table(estimator, X, reset)
        series = check_array(X, dtype=TYPES, order="C", allow_nd=True, estimator=estimator)
        if series.ndim != 3:
            raise ValueError(f"X: expected {SHAPES}, got shape {series.shape}")
    return _check_series(estimator, series, reset)


def _series_list(X: Any) -> list[Array] | None:
    """Return the arrays of a list of series of different lengths; None for anything else."""
    if getattr(getattr(X, "dtype", None), "kind", "") == "O" and X.ndim == 1:
        X = list(X)  # a column of a data frame, an array of arrays
    if not isinstance(X, list | tuple) or not X or not all(map(_is_series, X)):
        return None
    if len({np.shape(x) for x in X}) == 1:
        return None  # NumPy makes an array of them
    parts = [_series(x, i) for i, x in enumerate(X)]
    variables = parts[0].shape[1]
    for i, part in enumerate(parts):
        if part.shape[1] != variables:
            raise ValueError(
                f"X: sample {i}: expected {variables} variables, as sample 0 has, got shape "
                f"{part.shape}; series of different lengths are (steps, variables) each"
            )
    return parts


def _is_series(x: Any) -> bool:
    return not isinstance(x, str | bytes | dict) and hasattr(x, "__len__")


def _series(x: Any, sample: int) -> Array:
    """Return one checked series, (steps, variables)."""
    try:
        array: Array = check_array(x, dtype=TYPES, ensure_2d=False, allow_nd=True, order="C")
    except (ValueError, TypeError) as error:
        raise type(error)(f"X: sample {sample}: {error}") from None
    if array.ndim > 2:
        got = f"got shape {array.shape}"
        raise ValueError(f"X: sample {sample}: expected (steps, variables), {got}")
    return array if array.ndim == 2 else array[:, None]


def _from_table(estimator: Any, X: Any, reset: bool) -> Array:
    """Return the series in the rows of a table, which has one or more columns per step."""
    if not reset and estimator.series_in_ != "table" and np.ndim(X) == 2:
        if estimator.n_features_in_ != 1:
            raise _mismatch(estimator, "a table")
        rows: Array = check_array(X, dtype=TYPES, order="C", estimator=estimator)
        return rows[:, :, None]
    table: Array = validate_data(estimator, X, dtype=TYPES, order="C", reset=reset)
    if not reset and estimator.series_in_ != "table":
        raise _mismatch(estimator, "a table")
    columns, steps = table.shape[1], estimator.timesteps
    steps = columns if steps is None else steps
    if isinstance(steps, bool) or not isinstance(steps, int | np.integer) or steps < 1:
        raise ValueError(f"timesteps: expected a whole number >= 1 or None, got {steps!r}")
    if columns % steps:
        raise ValueError(
            f"timesteps={steps} does not divide the {columns} columns of X; a row holds all "
            "variables of the first step, then those of the next"
        )
    if reset:
        estimator.series_in_ = "table"
    return table.reshape(len(table), steps, columns // steps)


def _check_series(estimator: Any, series: Any, reset: bool) -> Any:
    variables = series[0].shape[1]
    if reset:
        estimator.series_in_, estimator.n_features_in_ = "series", variables
        if hasattr(estimator, "feature_names_in_"):
            del estimator.feature_names_in_
    elif estimator.series_in_ == "table":
        raise _mismatch(estimator, "series of their own")
    elif variables != estimator.n_features_in_:
        name = type(estimator).__name__
        raise ValueError(
            f"X has {variables} features, but {name} is expecting {estimator.n_features_in_} "
            "features as input"
        )
    return series


def _mismatch(estimator: Any, got: str) -> ValueError:
    fitted = {"table": f"a table of {estimator.n_features_in_} columns"}.get(
        estimator.series_in_, f"series of {estimator.n_features_in_} variables"
    )
    return ValueError(f"X: expected {fitted}, as {type(estimator).__name__} was fitted, got {got}")


def take(series: Any, rows: Array) -> Any:
    """Return some of the samples."""
    return series[rows] if isinstance(series, np.ndarray) else [series[i] for i in rows]


def moments(series: Any, weight: Array) -> tuple[Array, Array]:
    """Return mean and standard deviation of each variable over all steps.

    The standard deviation of a constant variable is replaced by 1.

    Parameters
    ----------
    series : ndarray or list of ndarray
    weight : ndarray, (samples,)
        The weight of each sample's steps.
    """
    flat = np.concatenate(list(series)).astype(np.float64, copy=False)
    step_weight = np.repeat(weight, [len(s) for s in series])
    return weighted_moments(flat, step_weight)


def weighted_moments(values: Array, weight: Array) -> tuple[Array, Array]:
    """Return weighted mean and standard deviation of each column, 1 for constant columns."""
    share = weight / weight.sum()
    mean = matmul(share, values)
    deviation = np.sqrt(matmul(share, np.square(values - mean)))
    small = deviation <= 1e-12 * np.maximum(np.abs(mean), 1e-300)
    return mean, np.where(small, 1.0, deviation)


def scale(series: Any, mean: Array, deviation: Array, dtype: Any) -> Any:
    """Return ``(series - mean) / deviation``."""
    if isinstance(series, np.ndarray):
        return ((series - mean) / deviation).astype(dtype)
    return [((s - mean) / deviation).astype(dtype) for s in series]


def stack(series: Any) -> Any:
    """Return one array if all series have the same length, otherwise the list."""
    equal = not isinstance(series, np.ndarray) and len({len(s) for s in series}) == 1
    return np.stack(series) if equal else series
