"""Forecasts of time series, with intervals, and backtests against simple baselines."""

from .backtest import Backtest
from .forecaster import LSTMForecaster
from .predictions import Forecast

__all__ = ["Backtest", "Forecast", "LSTMForecaster"]
