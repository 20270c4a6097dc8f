"""Models: layers one after another, or in any graph."""

from .base import Model, formats
from .functional import Functional
from .sequential import Sequential

__all__ = ["Functional", "Model", "Sequential", "formats"]
