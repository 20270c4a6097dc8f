"""Plots, with matplotlib (``pip install lstmcore[plot]``).

Each function returns a matplotlib ``Figure``, and with ``to_file`` also writes it to a file, whose
name's ending decides the format. Figures are not shown, and pyplot's state is not changed.
"""

from .classes import plot_confusion
from .forecasts import plot_backtest, plot_forecast
from .history import plot_history
from .style import FORMATS
from .text import plot_text
from .traces import plot_gates, plot_saturation

__all__ = [
    "FORMATS",
    "plot_backtest",
    "plot_confusion",
    "plot_forecast",
    "plot_gates",
    "plot_history",
    "plot_saturation",
    "plot_text",
]
