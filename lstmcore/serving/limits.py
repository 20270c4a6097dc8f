"""Limits of a server: how much it takes of a client, and how long a client waits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from .errors import BadRequestError, TooLargeError

MOST_SECONDS = 86400.0


@dataclass(frozen=True)
class Limits:
    """What a request may ask for.

    Parameters
    ----------
    max_body : int
        Bytes of a request's body.
    max_rows : int
        Rows of a request.
    max_steps : int
        Time steps of a request.
    max_batch : int
        Rows of several requests that are computed together.
    max_queue : int
        Requests of a model that may wait.
    timeout : float
        Seconds that a request may take; its parameter `timeout` can ask for less.
    """

    max_body: int = 16 << 20
    max_rows: int = 4096
    max_steps: int = 100_000
    max_batch: int = 64
    max_queue: int = 1024
    timeout: float = 60.0

    def with_settings(self, settings: Mapping[str, int]) -> Self:
        """Return the limits of one model, some of which its config.toml sets."""
        return replace(self, **settings)

    def check_sizes(self, rows: int, steps: int) -> None:
        """Raise TooLargeError unless a request of this size is taken."""
        if rows > self.max_rows:
            raise TooLargeError(f"expected {self.max_rows} rows at most, got {rows}")
        if steps > self.max_steps:
            raise TooLargeError(f"expected {self.max_steps} time steps at most, got {steps}")

    def seconds(self, parameters: Mapping[str, Any]) -> float:
        """Return how long a request may take, whose parameter `timeout` is in microseconds."""
        asked = parameters.get("timeout")
        if asked is None:
            return self.timeout
        if type(asked) is not int or not 0 < asked <= MOST_SECONDS * 1e6:
            raise BadRequestError(
                "parameters: timeout: expected a whole number of microseconds from 1 to "
                f"{MOST_SECONDS * 1e6:.0f}, got {asked!r:.80}"
            )
        return min(asked / 1e6, self.timeout)
