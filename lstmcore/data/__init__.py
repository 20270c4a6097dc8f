"""Series in, arrays for training out: reading, windows, scaling, seasons, baselines."""

from .baselines import persistence, rmse_per_horizon, seasonal_naive
from .scaling import Standardizer, seasonal_curve
from .series import Series, read_series
from .table import DataError, Table, read_table, read_text
from .windows import sliding_windows

__all__ = [
    "DataError",
    "Series",
    "Standardizer",
    "Table",
    "persistence",
    "read_series",
    "read_table",
    "read_text",
    "rmse_per_horizon",
    "seasonal_curve",
    "seasonal_naive",
    "sliding_windows",
]
