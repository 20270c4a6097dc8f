"""Forecasts of time series, with intervals, and what they are worth beside simple ones."""

from .backtest import Backtest
from .forecaster import LSTMForecaster
from .predictions import Forecast

__all__ = ["Backtest", "Forecast", "LSTMForecaster"]
