"""Forecasts of panels: one network for many series."""

from .forecaster import GlobalForecaster
from .panel import Panel
from .validation import CrossValidation, PerSeries, SeasonalNaive, cross_validation

__all__ = [
    "CrossValidation",
    "GlobalForecaster",
    "Panel",
    "PerSeries",
    "SeasonalNaive",
    "cross_validation",
]
