"""Streams over WebSockets: frames of steps in, frames of outputs out, at `/v2/models/NAME/stream`.

A binary frame has the next steps [steps][features] of one row, little-endian, in the datatype of
the model's input, float32 as a rule; its answer has the outputs, in that of the output. A text
frame is JSON: `{"reset": true}` sets the states to 0, `{"state": "save"}` keeps a copy of them with
the socket and `{"state": "restore"}` goes back to it. Each is answered, in turn.

The states die with the socket. It is closed by the server with one of `CLOSES`. The frames of a
socket are computed one after another, those of many sockets together. While one is computed no
further ones are read from the network, so a client that does not wait is held up by itself.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any

import numpy as np
from starlette.routing import BaseRoute, WebSocketRoute
from starlette.types import Receive, Scope, Send

from ..streaming import Stream
from ..validation import Array
from .engine import Engine, within
from .errors import (
    BadRequestError,
    DeadlineError,
    InternalError,
    NotFoundError,
    ServingError,
    TooLargeError,
    UnavailableError,
)
from .protocol import parse_object
from .streams import ServedStream
from .tensors import NUMBERS

log = logging.getLogger("lstmcore.serving")
RESTART = 1012  # the server is stopping
CLOSES: dict[type[ServingError], int] = {
    BadRequestError: 4000,
    NotFoundError: 4004,
    DeadlineError: 4008,
    TooLargeError: 4013,
    UnavailableError: 1013,
    InternalError: 1011,
}
_MOST_REASON = 123  # bytes, by the protocol of WebSockets


class Socket:
    """One connection.

    Parameters
    ----------
    engine : Engine
    receive, send : callable
        ASGI's.
    """

    def __init__(self, engine: Engine, receive: Receive, send: Send) -> None:
        self.engine, self._receive, self._send = engine, receive, send
        self.at_work, self.closed = True, False
        self._saved: Stream | None = None

    async def serve(self, name: str, version: str) -> None:
        """Answer frames until the client goes, the server stops, or a frame is wrong."""
        started = time.perf_counter()
        await self._receive()
        await self._send({"type": "websocket.accept"})
        try:
            self.engine.admit()
            stream = ServedStream(self.engine.find(name, version))
        except ServingError as error:
            self.engine.count(name, error.status, time.perf_counter() - started)
            stopping = self.engine.stopping.is_set()
            await self.close(RESTART if stopping else CLOSES[type(error)], str(error))
            return
        try:
            await self._answer_all(stream, name)
        finally:
            stream.close()

    async def _answer_all(self, stream: ServedStream, name: str) -> None:
        while not self.engine.stopping.is_set():
            self.at_work = False
            message = await self._receive()
            if message["type"] == "websocket.disconnect":
                return
            self.at_work, started = True, time.perf_counter()
            try:
                answer = await self._answer(stream, message)
                failure = None
            except ServingError as error:
                failure = error
            except (ValueError, TypeError, IndexError) as error:
                failure = BadRequestError(str(error))
            except Exception:
                log.exception("socket failed", extra={"model": name})
                failure = InternalError()
            code = 200 if failure is None else failure.status
            self.engine.count(name, code, time.perf_counter() - started)
            if failure is not None:
                await self.close(CLOSES[type(failure)], str(failure))
                return
            await self._send(answer)
        await self.stop()

    async def _answer(self, stream: ServedStream, message: Any) -> dict[str, Any]:
        raw, most = message.get("bytes"), stream.served.limits.max_body
        if raw is None:
            text = message["text"].encode("utf-8", "surrogatepass")
            if len(text) > most:
                raise TooLargeError(f"frame: expected {most} bytes at most, got {len(text)}")
            return {"type": "websocket.send", "text": self._command(stream, text)}
        if len(raw) > most:
            raise TooLargeError(f"frame: expected {most} bytes at most, got {len(raw)}")
        x = stream.accept(_steps(raw, stream))
        y = await within(stream.served.limits.timeout, stream.feed(x))
        out = y.astype(y.dtype.newbyteorder("<"), copy=False).tobytes()
        return {"type": "websocket.send", "bytes": out}

    def _command(self, stream: ServedStream, text: bytes) -> str:
        command = parse_object(text, "frame")
        if command == {"reset": True} and command["reset"] is True:
            stream.stream.reset()
            return '{"reset": true}'
        if command == {"state": "save"}:
            self._saved = stream.stream.snapshot()
            return '{"state": "saved"}'
        if command == {"state": "restore"}:
            if self._saved is None:
                raise BadRequestError("frame: no state was saved")
            stream.stream.copy_rows(self._saved, 0, 0, 1)
            return '{"state": "restored"}'
        raise BadRequestError(
            'frame: expected {"reset": true}, {"state": "save"} or {"state": "restore"}, got '
            f"{text.decode()!r:.40}"
        )

    async def close(self, code: int, reason: str) -> None:
        """Close the connection, once."""
        if not self.closed:
            self.closed = True
            short = reason.encode()[:_MOST_REASON].decode(errors="ignore")
            await self._send({"type": "websocket.close", "code": code, "reason": short})

    async def stop(self) -> None:
        """Close the connection as the server is stopping."""
        await self.close(RESTART, "the server is stopping")


def _steps(raw: bytes, stream: ServedStream) -> Array:
    """Return the steps in a frame as an array (1, steps, ...)."""
    spec = stream.input
    dtype, sizes = np.dtype(NUMBERS[spec.datatype]), spec.shape[2:]
    step = dtype.itemsize * int(np.prod(sizes))
    if not raw or len(raw) % step:
        raise BadRequestError(
            f"frame: expected steps of {step} bytes, {list(sizes)} {spec.datatype}, got {len(raw)}"
        )
    return np.frombuffer(raw, dtype).reshape(1, -1, *sizes)


class Sockets:
    """The endpoint: an ASGI application.

    Parameters
    ----------
    engine : Engine
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._open: dict[Socket, asyncio.Task[Any]] = {}
        self._watch: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._watch is None:
            self._watch = asyncio.create_task(self._stop_idle())
        socket, task = Socket(self.engine, receive, send), asyncio.current_task()
        assert task is not None
        self._open[socket] = task
        try:
            path = scope["path_params"]
            await socket.serve(path["name"], path.get("version", ""))
        except OSError:  # the client went away while it was answered
            pass
        except asyncio.CancelledError:
            if not socket.closed:
                raise
        finally:
            del self._open[socket]

    async def _stop_idle(self) -> None:
        """Close those that wait for a frame when the server stops; others do it themselves."""
        await self.engine.stopping.wait()
        for socket, task in list(self._open.items()):
            if not socket.at_work:
                await socket.stop()
                task.cancel()  # a client that is gone would never answer


def routes(engine: Engine) -> list[BaseRoute]:
    """Return the routes of streams."""
    sockets = Sockets(engine)
    return [
        WebSocketRoute(f"/v2/models/{{name}}{version}/stream", sockets)
        for version in ("", "/versions/{version}")
    ]
