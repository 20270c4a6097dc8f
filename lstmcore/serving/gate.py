"""What every request passes before its handler: the bearer token, the count of those under way.

An ASGI application around another one. While the server drains, each answer also closes its
connection, so that clients open their next one elsewhere.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import os
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from .engine import Engine
from .errors import UnauthorizedError
from .http import error_response
from .page import PATH

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

OPEN_PATHS = {"health": ("/v2/health/live", "/v2/health/ready"), "metrics": ("/metrics",)}
log = logging.getLogger("lstmcore.serving.access")


def read_token(path: str | os.PathLike[str]) -> bytes:
    """Return the bearer token in a file, without white space around it.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If there is no token in it, or more than one word.
    """
    token = Path(path).read_bytes().strip()
    if not token or len(token.split()) > 1:
        raise ValueError(f"{os.fspath(path)}: expected one token, got {len(token.split())} words")
    return token


def expected_header(token: bytes | None) -> bytes | None:
    """Return what `token_matches` compares with."""
    return None if token is None else b"bearer " + token


def token_matches(given: bytes, expected: bytes) -> bool:
    """Return True if the value of a header is the one expected, "bearer " and the token."""
    scheme, _, token = given.partition(b" ")
    return hmac.compare_digest(scheme.lower() + b" " + token.strip(), expected)


class Gate:
    """See the module.

    Parameters
    ----------
    app : ASGI application
    engine : Engine
    token : bytes, optional
        What clients have to show; None: nothing.
    without_token : sequence of {"health", "metrics"}
        Paths that need no token.
    access_log : bool
        Log each request.
    """

    def __init__(
        self,
        app: App,
        engine: Engine,
        token: bytes | None = None,
        without_token: Sequence[str] = (),
        access_log: bool = False,
    ) -> None:
        self.app, self.engine, self.access_log = app, engine, access_log
        self._token = expected_header(token)
        self._open = frozenset({PATH}) | frozenset(
            path for name in without_token for path in OPEN_PATHS[name]
        )
        self.under_way = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if not self._allows(scope):
            await self._refuse(scope, receive, send)
            return
        self.under_way += 1  # a socket counts until it is closed
        try:
            if scope["type"] == "http" and (self.access_log or self.engine.draining):
                await self._watched(scope, receive, send)
            else:
                await self.app(scope, receive, send)
        finally:
            self.under_way -= 1

    async def _watched(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request with an eye on its answer: for the log, or to close its connection."""
        status, started = 500, time.perf_counter()

        async def sending(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                if self.engine.draining:
                    message["headers"] = [*message.get("headers", ()), (b"connection", b"close")]
            await send(message)

        try:
            await self.app(scope, receive, sending)
        finally:
            if self.access_log:
                milliseconds = round((time.perf_counter() - started) * 1e3, 3)
                extra = {"method": scope["method"], "path": scope["path"]}
                log.info("request", extra={**extra, "status": status, "ms": milliseconds})

    def _allows(self, scope: Scope) -> bool:
        if self._token is None or scope["path"] in self._open:
            return True
        given = next((v for k, v in scope["headers"] if k == b"authorization"), b"")
        return token_matches(given, self._token)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        error = UnauthorizedError("expected the header Authorization: Bearer, with the token")
        if scope["type"] == "websocket":  # refused before it is accepted: the client sees 403
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": str(error)})
            return
        await error_response(error)(scope, receive, send)

    async def finished(self, seconds: float) -> bool:
        """Wait until no request is under way; return False if that takes longer than `seconds`."""
        end = time.monotonic() + seconds
        while self.under_way and time.monotonic() < end:
            await asyncio.sleep(0.02)
        return not self.under_way
