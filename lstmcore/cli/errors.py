"""Exceptions that end a command: errors of one line, and Ctrl-C."""

from __future__ import annotations


class CommandError(Exception):
    """Error that ends a command; the message is one line and says what to do."""


class Interrupted(KeyboardInterrupt):
    """Ctrl-C with a message that says what was saved."""
