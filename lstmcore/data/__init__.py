"""Reading and preparing data: tables, series, windows, scaling, seasons, baselines."""

from ..refused import install as _install
from .baselines import persistence, rmse_per_horizon, seasonal_naive
from .comparison import PERSISTENCE, SEASONAL_NAIVE, Comparison, finite
from .errors import DataError
from .frequency import Frequency, future_dates
from .gaps import FILLS, Regular, check_fill, make_regular
from .labelled import LabelledTexts, read_labelled_texts, split_by_label
from .long import Long, read_long
from .no_better import BaselineWarning, warn_if_no_better
from .scaling import SeasonalCurve, Standardizer, seasonal_curve
from .series import Known, Series, held_out, read_columns, read_series
from .stamps import ORDERS
from .stamps import write as write_date
from .table import Table, read_table, read_text
from .ts_files import LabelledSeries, read_ts
from .windows import sliding_windows, windows_at

__all__ = [
    "FILLS",
    "ORDERS",
    "PERSISTENCE",
    "SEASONAL_NAIVE",
    "BaselineWarning",
    "Comparison",
    "DataError",
    "Frequency",
    "Known",
    "LabelledSeries",
    "LabelledTexts",
    "Long",
    "Regular",
    "SeasonalCurve",
    "Series",
    "Standardizer",
    "Table",
    "check_fill",
    "finite",
    "future_dates",
    "held_out",
    "make_regular",
    "persistence",
    "read_columns",
    "read_labelled_texts",
    "read_long",
    "read_series",
    "read_table",
    "read_text",
    "read_ts",
    "rmse_per_horizon",
    "seasonal_curve",
    "seasonal_naive",
    "sliding_windows",
    "split_by_label",
    "warn_if_no_better",
    "windows_at",
    "write_date",
]

_install(__name__)
