"""How a command ends without its result: an error of one line, or Ctrl-C."""

from __future__ import annotations


class CommandError(Exception):
    """The job cannot be done; the message is one line and says what to do."""


class Interrupted(KeyboardInterrupt):
    """Ctrl-C, with what became of the work."""
