"""Calls of `lstmcore.ops` in a graph, where an operator says the same."""

from __future__ import annotations

from .table import EXPORTS  # noqa: F401
