"""Series in, arrays for training out: reading, windows, scaling, seasons, baselines."""

from .baselines import persistence, rmse_per_horizon, seasonal_naive
from .scaling import Standardizer, seasonal_curve
from .series import DataError, Series, read_series
from .windows import sliding_windows

__all__ = [
    "DataError",
    "Series",
    "Standardizer",
    "persistence",
    "read_series",
    "rmse_per_horizon",
    "seasonal_curve",
    "seasonal_naive",
    "sliding_windows",
]
