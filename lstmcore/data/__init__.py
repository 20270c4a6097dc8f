"""Reading and preparing data: tables, series, windows, scaling, seasons, baselines."""

from ..refused import install as _install
from .baselines import persistence, rmse_per_horizon, seasonal_naive
from .comparison import PERSISTENCE, SEASONAL_NAIVE, Comparison, finite
from .dates import future_dates
from .labelled import LabelledTexts, read_labelled_texts, split_by_label
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
    "LabelledTexts",
    "SeasonalCurve",
    "Series",
    "Standardizer",
    "Table",
    "finite",
    "future_dates",
    "held_out",
    "persistence",
    "read_columns",
    "read_labelled_texts",
    "read_series",
    "read_table",
    "read_text",
    "rmse_per_horizon",
    "seasonal_curve",
    "seasonal_naive",
    "sliding_windows",
    "split_by_label",
    "windows_at",
]

_install(__name__)
