"""Weights stored in fewer bytes, for inference: the formats, and what `Model.quantize` does."""

from .report import QuantizationReport
from .storage import FORMATS

__all__ = ["FORMATS", "QuantizationReport"]
