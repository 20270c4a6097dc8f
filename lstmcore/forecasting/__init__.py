"""Forecasts of time series, with intervals, and backtests against simple baselines."""

from .backtest import Backtest
from .forecaster import LSTMForecaster
from .panels import CrossValidation, GlobalForecaster, PerSeries, SeasonalNaive, cross_validation
from .predictions import Forecast

__all__ = [
    "Backtest",
    "CrossValidation",
    "Forecast",
    "GlobalForecaster",
    "LSTMForecaster",
    "PerSeries",
    "SeasonalNaive",
    "cross_validation",
]
