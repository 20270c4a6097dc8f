"""Files of models to adapters."""

from __future__ import annotations

import os
from typing import Any

from ..models.texts import TextReader
from ..saving import describe_file, load_model
from .adapter import Adapter
from .applications import Forecaster, Texts
from .network import Network

FORECASTER = "forecaster"  # the kind of file that lstmcore.forecasting writes


def open_adapter(path: str | os.PathLike[str]) -> Adapter:
    """Return the adapter of a file: of a forecaster, of a text classifier, or of any model.

    Raises
    ------
    FileNotFoundError, ValueError, ImportError
        As for `lstmcore.load_model`.
    """
    config = describe_file(path).get("config")
    extra = config.get("extra") if isinstance(config, dict) else None
    if isinstance(extra, dict) and extra.get("kind") == FORECASTER:
        from ..forecasting import LSTMForecaster

        return Forecaster(LSTMForecaster.load(path))
    return adapter_of(load_model(path, compile=False))


def adapter_of(model: Any) -> Adapter:
    """Return the adapter of a model."""
    return Texts(model) if isinstance(model, TextReader) else Network(model)
