"""Series in, arrays for training out: reading, windows, scaling, seasons, baselines."""

from .baselines import persistence, rmse_per_horizon, seasonal_naive
from .comparison import PERSISTENCE, SEASONAL_NAIVE, Comparison, finite
from .dates import future_dates
from .scaling import SeasonalCurve, Standardizer, seasonal_curve
from .series import Known, Series, held_out, read_columns, read_series
from .table import DataError, Table, read_table, read_text
from .windows import sliding_windows, windows_at

__all__ = [
    "PERSISTENCE",
    "SEASONAL_NAIVE",
    "Comparison",
    "DataError",
    "Known",
    "SeasonalCurve",
    "Series",
    "Standardizer",
    "Table",
    "finite",
    "future_dates",
    "held_out",
    "persistence",
    "read_columns",
    "read_series",
    "read_table",
    "read_text",
    "rmse_per_horizon",
    "seasonal_curve",
    "seasonal_naive",
    "sliding_windows",
    "windows_at",
]
