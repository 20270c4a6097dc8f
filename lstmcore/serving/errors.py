"""Errors that a client is answered: one class for each status."""

from __future__ import annotations

from typing import ClassVar


class ServingError(Exception):
    """Error whose text a client is answered.

    Attributes
    ----------
    status : int
        The HTTP status; other transports translate it.
    retry_after : int or None
        Seconds after which another try makes sense.
    """

    status: ClassVar[int] = 500
    retry_after: int | None = None


class BadRequestError(ServingError):
    """What the client sent is wrong."""

    status = 400


class UnauthorizedError(ServingError):
    """The bearer token is missing or wrong."""

    status = 401


class NotFoundError(ServingError):
    """There is no such model, version or path."""

    status = 404


class DeadlineError(ServingError):
    """The time that the request allowed has passed."""

    status = 408


class TooLargeError(ServingError):
    """The body, its rows or its steps are more than the server takes."""

    status = 413


class UnavailableError(ServingError):
    """The server is full, or is stopping."""

    status = 503

    def __init__(self, text: str, retry_after: int = 1) -> None:
        super().__init__(text)
        self.retry_after = retry_after


class InternalError(ServingError):
    """The server failed; the log has the reason, which is no matter of the client's."""

    status = 500

    def __init__(self) -> None:
        super().__init__("the server failed; its log has the reason")
