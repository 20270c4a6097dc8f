"""The protocol over HTTP: a Starlette application around an `Engine`.

`make_app(engine, options)` returns it. Other transports add their routes to what `routes` returns.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import time
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from .engine import Engine
from .errors import (
    BadRequestError,
    DeadlineError,
    InternalError,
    NotFoundError,
    ServingError,
    TooLargeError,
)
from .limits import Limits
from .protocol import (
    HEADER_LENGTH,
    chosen,
    error_body,
    parse_object,
    read_request,
    write_answer,
)

JSON, BINARY = "application/json", "application/octet-stream"
INFER = re.compile(r"/v2/models/(?P<name>[^/]+)(?:/versions/(?P<version>[^/]+))?/infer")
log = logging.getLogger("lstmcore.serving")
_JSON_TYPE, _BINARY_TYPE = (b"content-type", JSON.encode()), (b"content-type", BINARY.encode())
_HEADER_LENGTH = HEADER_LENGTH.encode()


def json_response(value: Any, status: int = 200) -> Response:
    """Return a response of JSON."""
    return Response(json.dumps(value), status, media_type=JSON)


def error_response(error: ServingError) -> Response:
    """Return the response that a client gets for an error."""
    headers = {}
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return Response(error_body(str(error)), error.status, headers, JSON)


def header(scope: Scope, name: bytes) -> str | None:
    """Return the value of a request's header, whose name is in lower case."""
    found = next((value for key, value in scope["headers"] if key == name), None)
    return None if found is None else found.decode("latin-1")


async def read_body(scope: Scope, receive: Receive, limits: Limits) -> bytes:
    """Return the body of a request.

    Raises
    ------
    TooLargeError
        As soon as it is longer than the limit.
    DeadlineError
        If it has not come in time.
    """
    most, claimed = limits.max_body, header(scope, b"content-length") or ""
    if header(scope, b"content-encoding") not in (None, "identity"):
        raise BadRequestError("content-encoding: expected identity: bodies are not decompressed")
    if claimed.isdigit() and int(claimed) > most:
        raise TooLargeError(f"body: expected {most} bytes at most, got {claimed[:20]}")
    parts, size, more = [], 0, True
    try:
        async with asyncio.timeout(limits.timeout):
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise BadRequestError("body: the client went away")
                parts.append(message.get("body", b""))
                size += len(parts[-1])
                if size > most:
                    raise TooLargeError(f"body: expected {most} bytes at most, got more")
                more = message.get("more_body", False)
    except TimeoutError:
        raise DeadlineError(f"body: it did not come within {limits.timeout:g} s") from None
    return parts[0] if len(parts) == 1 else b"".join(parts)


class App:
    """The application: inference without detours, everything else by Starlette.

    Parameters
    ----------
    engine : Engine
    others : Starlette
    """

    def __init__(self, engine: Engine, others: Starlette) -> None:
        self.engine, self.others = engine, others

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        infer = scope["type"] == "http" and INFER.fullmatch(scope["path"])
        if infer and scope["method"] == "POST":
            await self._infer(scope, receive, send, infer["name"], infer["version"] or "")
        else:
            await self.others(scope, receive, send)

    async def _infer(
        self, scope: Scope, receive: Receive, send: Send, name: str, version: str
    ) -> None:
        started, failure = time.perf_counter(), None
        try:
            raw, length = await self._answer(scope, receive, name, version)
        except ServingError as error:
            failure = error
        except Exception:
            log.exception("request failed", extra={"model": name})
            failure = InternalError()
        code = 200 if failure is None else failure.status
        self.engine.count(name, code, time.perf_counter() - started)
        if failure is not None:
            await error_response(failure)(scope, receive, send)
            return
        headers = [(b"content-length", b"%d" % len(raw)), _JSON_TYPE]
        if length is not None:
            headers[1:] = [_BINARY_TYPE, (_HEADER_LENGTH, b"%d" % length)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": raw})

    async def _answer(
        self, scope: Scope, receive: Receive, name: str, version: str
    ) -> tuple[bytes, int | None]:
        engine = self.engine
        engine.admit()
        engine.find(name, version)  # before the body is read
        body = await read_body(scope, receive, engine.limits)
        wanted = read_request(body, header(scope, _HEADER_LENGTH))
        answer = await engine.infer(name, version, wanted.inputs, wanted.parameters)
        outputs = chosen(answer.outputs, wanted.outputs)
        return write_answer(wanted, answer.model, answer.version, outputs)


class Endpoints:
    """The handlers of requests.

    Parameters
    ----------
    engine : Engine
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    async def live(self, request: Request) -> Response:
        return json_response({"live": True})

    async def ready(self, request: Request) -> Response:
        ready = self.engine.ready
        return json_response({"ready": ready}, 200 if ready else 503)

    async def server(self, request: Request) -> Response:
        return json_response(self.engine.describe())

    async def model(self, request: Request) -> Response:
        return json_response(self.engine.metadata(*_model_of(request)))

    async def model_ready(self, request: Request) -> Response:
        name, version = _model_of(request)
        self.engine.find(name, version)
        ready = self.engine.ready
        return json_response({"name": name, "ready": ready}, 200 if ready else 503)

    async def statistics(self, request: Request) -> Response:
        if "name" in request.path_params:
            found = [self.engine.find(*_model_of(request))]
        else:
            found = self.engine.served()
        stats = [s.statistics.describe(s.name, s.version) for s in found]
        return json_response({"model_stats": stats})

    async def index(self, request: Request) -> Response:
        await self._options(request)
        return json_response(self.engine.index())

    async def _options(self, request: Request) -> None:
        """Read the body of a request about the repository, which can ask for nothing more."""
        options = parse_object(await read_body(request.scope, request.receive, self.engine.limits))
        given = {key: value for key, value in options.items() if value not in ({}, False)}
        parameters = given.get("parameters")
        if isinstance(parameters, dict) and set(parameters) == {"unload_dependents"}:
            given.pop("parameters")  # there are none, whatever it says
        if given:
            raise BadRequestError(f"body: expected an empty object, got {next(iter(given))!r:.80}")

    async def load(self, request: Request) -> Response:
        await self._options(request)
        await self.engine.load(request.path_params["name"])
        return json_response({})

    async def unload(self, request: Request) -> Response:
        await self._options(request)
        await self.engine.unload(request.path_params["name"])
        return json_response({})


def _model_of(request: Request) -> tuple[str, str]:
    return request.path_params["name"], request.path_params.get("version", "")


def routes(engine: Engine, *, admin: bool = False) -> list[BaseRoute]:
    """Return the routes of the protocol.

    Parameters
    ----------
    engine : Engine
    admin : bool, default False
        Clients may load and unload models.
    """
    at = Endpoints(engine)
    paths = ("/v2/models/{name}", "/v2/models/{name}/versions/{version}")
    found: list[BaseRoute] = [
        Route("/v2/health/live", at.live),
        Route("/v2/health/ready", at.ready),
        Route("/v2", at.server),
        Route("/v2/models/stats", at.statistics),
    ]
    for path in paths:
        found += [
            Route(path, at.model),
            Route(f"{path}/ready", at.model_ready),
            Route(f"{path}/stats", at.statistics),
            Route(f"{path}/infer", _only_post),
        ]
    found.append(Route("/v2/repository/index", at.index, methods=["POST"]))
    if admin:
        found += [
            Route("/v2/repository/models/{name}/load", at.load, methods=["POST"]),
            Route("/v2/repository/models/{name}/unload", at.unload, methods=["POST"]),
        ]
    return found


async def _on_serving_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ServingError)
    return error_response(error)


async def _on_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        return error_response(NotFoundError(f"no path {request.url.path!r:.80}"))
    return Response(error_body(error.detail), error.status_code, error.headers, JSON)


async def _on_failure(request: Request, error: Exception) -> Response:
    return error_response(InternalError())  # which uvicorn writes


async def _only_post(request: Request) -> Response:
    raise HTTPException(405, "Method Not Allowed", {"Allow": "POST"})


def make_app(engine: Engine, extra_routes: list[BaseRoute], *, admin: bool = False) -> App:
    """Return the application.

    Parameters
    ----------
    engine : Engine
    extra_routes : list of Route
        Of other transports.
    admin : bool, default False
        See `routes`.
    """
    others = Starlette(
        routes=[*routes(engine, admin=admin), *extra_routes],
        exception_handlers={
            ServingError: _on_serving_error,
            HTTPException: _on_http_error,
            Exception: _on_failure,
        },
    )
    return App(engine, others)
