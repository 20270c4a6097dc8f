"""Model files: one module a format."""

from .native import load_model, save_model

__all__ = ["load_model", "save_model"]
