"""The server's process: uvicorn around the application, polling, and an orderly end.

SIGTERM or SIGINT: not ready at once (`/v2/health/ready` answers 503, `/live` still 200) and normal
service for `drain` seconds, in which connections are closed after their next answer; then new work
is answered with 503, what was accepted is finished within `grace` seconds, and the process ends
with exit code 0. A second signal ends it at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from . import generation, page, sockets
from .engine import Engine
from .gate import Gate, read_token
from .http import make_app
from .limits import Limits
from .metrics import CONTENT_TYPE, Metrics
from .repository import Repository
from .sequences import Sequences

log = logging.getLogger("lstmcore.serving")


@dataclass(frozen=True)
class Options:
    """Options of a server.

    Parameters
    ----------
    folder : path-like
    host : str
    port : int
        0: any that is free; `Server.port` has it.
    poll : float
        Seconds between two looks at the folder; 0: only at the start.
    admin : bool
        Clients may load and unload models.
    drain, grace : float
        Seconds of normal service after SIGTERM, and for what is still under way then.
    token_file : path-like, optional
        The file that has the bearer token.
    without_token : sequence of {"health", "metrics"}
        What needs no token.
    access_log : bool
    sequence_idle : float
        Seconds without a request after which a sequence is closed.
    max_sequences : int
        Sequences that may be open.
    grpc_port : int, optional
        Serve gRPC as well, at this port; 0: any that is free, `Server.grpc_port` has it.
    limits : Limits
    """

    folder: str | os.PathLike[str]
    host: str = "127.0.0.1"
    port: int = 8000
    poll: float = 2.0
    admin: bool = False
    drain: float = 5.0
    grace: float = 30.0
    token_file: str | os.PathLike[str] | None = None
    without_token: Sequence[str] = ()
    access_log: bool = False
    sequence_idle: float = 60.0
    max_sequences: int = 10_000
    grpc_port: int | None = None
    limits: Limits = field(default_factory=Limits)


class _Uvicorn(uvicorn.Server):
    """uvicorn, which leaves signals to `Server`."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


class Server:
    """A server of the models in a folder.

    Parameters
    ----------
    options : Options
    on_ready : callable, optional
        Called with the server when it listens.

    Attributes
    ----------
    engine : Engine
        Made by `serve`, in its event loop.
    loop : asyncio.AbstractEventLoop
    port : int
    """

    engine: Engine
    loop: asyncio.AbstractEventLoop

    def __init__(self, options: Options, on_ready: Callable[[Server], None] | None = None) -> None:
        self.options, self.on_ready, self.port = options, on_ready, options.port
        self._stopping: asyncio.Task[None] | None = None
        self._rpc: Any = None
        self.grpc_port: int | None = None

    def run(self) -> None:
        """Serve until a signal ends it."""
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(self.serve())

    async def serve(self) -> None:
        """Serve until `stop` has ended it."""
        options = self.options
        self.loop = asyncio.get_running_loop()
        token = None if options.token_file is None else read_token(options.token_file)
        metrics = Metrics()
        engine = self.engine = Engine(Repository(options.folder), options.limits, metrics)
        metrics.watch(engine)
        engine.sequences = Sequences(options.sequence_idle, options.max_sequences)
        if options.admin:
            engine.extensions.append("model_repository")
        listener = _listen(options.host, options.port)
        self.port = listener.getsockname()[1]
        try:
            await engine.refresh()
            if options.grpc_port is not None:
                from . import rpc

                made = await rpc.start(engine, options.host, options.grpc_port, token)
                self._rpc, self.grpc_port = made
            await self._serve(listener, token, metrics)
        finally:
            if self._rpc is not None:
                await self._rpc.stop(0)
            listener.close()
            engine.close()

    async def _serve(self, listener: socket.socket, token: bytes | None, metrics: Metrics) -> None:
        options, engine = self.options, self.engine
        others = [
            _metrics_route(metrics),
            *sockets.routes(engine),
            *generation.routes(engine),
            *page.routes(),
        ]
        app = make_app(engine, others, admin=options.admin)
        gate = Gate(app, engine, token, options.without_token, options.access_log)
        self._gate = gate
        self._uvicorn = _Uvicorn(
            uvicorn.Config(
                gate,
                log_config=None,
                access_log=False,
                lifespan="off",
                ws="websockets-sansio",
                proxy_headers=False,
                server_header=False,
                date_header=False,
                timeout_keep_alive=60,
                ws_max_size=2 * options.limits.max_body,  # up to which sockets say 4013
                ws_per_message_deflate=False,
                timeout_graceful_shutdown=1,  # `_stop` has waited for what was under way
            )
        )
        poll = asyncio.create_task(self._poll())
        ready = asyncio.create_task(self._announce())
        try:
            with self._signals():
                await self._uvicorn.serve([listener])
        finally:
            for task in (poll, ready):
                task.cancel()

    async def _announce(self) -> None:
        while not self._uvicorn.started:
            await asyncio.sleep(0.01)
        host, token = self.options.host, self.options.token_file
        log.info("listening", extra={"host": host, "port": self.port})
        if token is None and host not in ("127.0.0.1", "::1", "localhost"):
            log.warning("no token: whoever reaches this address may ask", extra={"host": host})
        if self.on_ready is not None:
            self.on_ready(self)

    async def _poll(self) -> None:
        while self.options.poll:
            await asyncio.sleep(self.options.poll)
            try:
                await self.engine.refresh()
            except OSError as error:  # the folder is gone; what is served goes on
                log.warning("folder not read", extra={"reason": str(error)})

    @contextlib.contextmanager
    def _signals(self) -> Generator[None, None, None]:
        loop, wanted = self.loop, (signal.SIGTERM, signal.SIGINT)
        try:
            for number in wanted:
                loop.add_signal_handler(number, self.stop)
        except (RuntimeError, ValueError):  # not the main thread: whoever made the thread stops it
            yield
            return
        try:
            yield
        finally:
            for number in wanted:
                loop.remove_signal_handler(number)

    def stop(self) -> None:
        """Begin the end; the second call ends at once. For the thread of the event loop."""
        if self._stopping is None:
            self._stopping = asyncio.create_task(self._stop())
        else:
            self._uvicorn.should_exit = self._uvicorn.force_exit = True

    async def _stop(self) -> None:
        self.engine.draining = True
        log.info("draining", extra={"seconds": self.options.drain})
        await asyncio.sleep(self.options.drain)
        self.engine.stopping.set()
        if self._rpc is not None:  # refuses what is new, and waits
            await self._rpc.stop(self.options.grace)
        if not await self._gate.finished(self.options.grace):
            log.warning("not finished", extra={"requests": self._gate.under_way})
        await asyncio.sleep(0.1)  # those who were about to send get their 503, too
        self._uvicorn.should_exit = True


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return uvloop's, which not every platform has."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


def _listen(host: str, port: int) -> socket.socket:
    """Return a socket that is bound; connections wait until uvicorn accepts them."""
    with contextlib.ExitStack() as stack:
        try:
            family, kind, protocol, _, address = socket.getaddrinfo(
                host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )[0]
            found = stack.enter_context(socket.socket(family, kind, protocol))
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            found.bind(address)
        except OSError as error:
            reason = error.strerror or error
            raise OSError(f"cannot listen on {host}, port {port}: {reason}") from error
        stack.pop_all()
    return found


def _metrics_route(metrics: Metrics) -> Route:
    async def answer(request: Request) -> Response:
        return Response(metrics.text(), media_type=CONTENT_TYPE)

    return Route("/metrics", answer)
