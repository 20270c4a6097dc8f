"""Pictures, with matplotlib (``pip install lstmcore[plot]``).

Each function draws a matplotlib ``Figure`` and returns it; with ``to_file`` it writes it too, and
the name's ending decides the format. Nothing is shown, and nothing of pyplot's is touched.
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
