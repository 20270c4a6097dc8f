"""The protocol over HTTP: a Starlette application around an `Engine`.

`make_app(engine, options)` returns it. Other transports add their routes to what `routes` returns.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from .engine import Engine
from .errors import BadRequestError, NotFoundError, ServingError, TooLargeError
from .protocol import HEADER_LENGTH, error_body, parse_object, read_request, write_answer

JSON, BINARY = "application/json", "application/octet-stream"
Handler = Callable[[Request], Awaitable[Response]]


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


async def read_body(request: Request, most: int) -> bytes:
    """Return the body of a request; raise TooLargeError as soon as it is longer than `most`."""
    claimed = request.headers.get("content-length", "")
    if claimed.isdigit() and int(claimed) > most:
        raise TooLargeError(f"body: expected {most} bytes at most, got {claimed[:20]}")
    if request.headers.get("content-encoding", "identity") != "identity":
        raise BadRequestError("content-encoding: expected identity: bodies are not decompressed")
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > most:
            raise TooLargeError(f"body: expected {most} bytes at most, got more")
        parts.append(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


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

    async def infer(self, request: Request) -> Response:
        engine = self.engine
        name, version = _model_of(request)
        engine.admit()
        engine.find(name, version)  # before the body is read
        body = await read_body(request, engine.limits.max_body)
        wanted = read_request(body, request.headers.get(HEADER_LENGTH))
        answer = await engine.infer(name, version, wanted.inputs, wanted.parameters)
        outputs = _chosen(answer.outputs, wanted.outputs)
        raw, length = write_answer(wanted, answer.model, answer.version, outputs)
        headers = {} if length is None else {HEADER_LENGTH: str(length)}
        return Response(raw, headers=headers, media_type=JSON if length is None else BINARY)

    async def index(self, request: Request) -> Response:
        await _options(request)
        return json_response(self.engine.index())

    async def load(self, request: Request) -> Response:
        await _options(request)
        await self.engine.load(request.path_params["name"])
        return json_response({})

    async def unload(self, request: Request) -> Response:
        await _options(request)
        await self.engine.unload(request.path_params["name"])
        return json_response({})


async def _options(request: Request) -> None:
    """Read the body of a request about the repository, which can ask for nothing but the usual."""
    options = parse_object(await read_body(request, 1 << 16))
    given = {key: value for key, value in options.items() if value not in ({}, False)}
    parameters = given.get("parameters")
    if isinstance(parameters, dict) and set(parameters) == {"unload_dependents"}:
        given.pop("parameters")  # there are none, whatever it says
    if given:
        raise BadRequestError(f"body: expected an empty object, got {next(iter(given))!r:.80}")


def _model_of(request: Request) -> tuple[str, str]:
    return request.path_params["name"], request.path_params.get("version", "")


def _chosen(outputs: Mapping[str, Any], wanted: Mapping[str, bool] | None) -> Mapping[str, Any]:
    if wanted is None:
        return outputs
    for name in wanted:
        if name not in outputs:
            known = ", ".join(outputs)
            raise BadRequestError(f"output {name!r:.80}: not of this model, which has: {known}")
    return {name: outputs[name] for name in wanted}


def routes(engine: Engine, *, admin: bool = False) -> list[BaseRoute]:
    """Return the routes of the protocol.

    Parameters
    ----------
    engine : Engine
    admin : bool, default False
        Clients may load and unload models.
    """
    at = Endpoints(engine)
    found: list[BaseRoute] = [
        Route("/v2/health/live", at.live),
        Route("/v2/health/ready", at.ready),
        Route("/v2", at.server),
        Route("/v2/models/stats", at.statistics),
    ]
    for path in ("/v2/models/{name}", "/v2/models/{name}/versions/{version}"):
        found += [
            Route(path, at.model),
            Route(f"{path}/ready", at.model_ready),
            Route(f"{path}/stats", at.statistics),
            Route(f"{path}/infer", at.infer, methods=["POST"]),
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


def make_app(engine: Engine, extra_routes: list[BaseRoute], *, admin: bool = False) -> Starlette:
    """Return the application.

    Parameters
    ----------
    engine : Engine
    extra_routes : list of Route
        Of other transports.
    admin : bool, default False
        See `routes`.
    """
    return Starlette(
        routes=[*routes(engine, admin=admin), *extra_routes],
        exception_handlers={ServingError: _on_serving_error, HTTPException: _on_http_error},
    )
