"""What notebooks show of objects: the parts of their ``_repr_html_``."""

from .histories import first_and_last, history
from .pieces import chart, table, text

__all__ = ["chart", "first_and_last", "history", "table", "text"]
