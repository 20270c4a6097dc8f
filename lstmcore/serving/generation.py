"""Completion of texts by language models: Triton's generate extension.

`POST /v2/models/NAME/generate` answers with the whole text, `.../generate_stream` with server-sent
events, one for each token as it is drawn. The body is JSON: `text_input`, and beside it, or under
`parameters`, those of `PARAMETERS`.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from ..names import nearest
from ..text.generation import CHUNK, write
from ..text.sampling import Sampling
from ..validation import whole
from .engine import Engine, within
from .errors import BadRequestError, DeadlineError, InternalError, ServingError
from .http import json_response, read_body
from .protocol import parse_object
from .served import Served

PARAMETERS = ("max_tokens", "temperature", "top_k", "top_p", "seed", "stop", "timeout")
_KEYS = ("id", "text_input", "parameters", "stream", *PARAMETERS)
log = logging.getLogger("lstmcore.serving")


class Completion:
    """A text that is being written.

    Parameters
    ----------
    served : Served
    asked : dict
        The body of the request.
    every : int
        Tokens of a piece; between two pieces other requests have their turn.

    Raises
    ------
    BadRequestError
        If the model has no vocabulary, or the body is wrong.
    """

    def __init__(self, served: Served, asked: Mapping[str, Any], every: int) -> None:
        model = served.adapter.model
        if "generates" not in served.adapter.details:
            raise BadRequestError(f"model {served.name!r} writes no texts: it is no language model")
        given, prompt = _parameters(asked), asked.get("text_input")
        if not isinstance(prompt, str):
            raise BadRequestError(f"text_input: expected a text, got {prompt!r:.80}")
        served.limits.check_sizes(1, len(prompt))
        self.served, self.every, self.seconds = served, every, served.limits.seconds(given)
        try:
            sampling = Sampling(
                given.get("temperature", 1.0), given.get("top_k"), given.get("top_p")
            )
            tokens = whole("max_tokens", given.get("max_tokens"), 200, least=0)
        except ValueError as error:
            raise BadRequestError(str(error)) from None
        served.limits.check_sizes(1, tokens)
        self._how = (model, prompt, tokens, sampling, given.get("seed"), given.get("stop"))
        self._size = len(prompt) + every  # of the first piece
        self._iterator: Iterator[str] | None = None

    def next(self) -> str | None:
        """Write the next piece; None at the end."""
        if self._iterator is None:
            self._iterator = write(*self._how, every=self.every)
        return next(self._iterator, None)

    async def pieces(self) -> AsyncIterator[str]:
        """Yield the text piece by piece."""
        due, size = time.monotonic() + self.seconds, self._size
        self.served.hold()
        try:
            while True:
                left = due - time.monotonic()
                if left <= 0:  # each piece by itself may be there at once
                    raise DeadlineError(f"the text was not finished within {self.seconds:g} s")
                future = self.served.worker.submit(self, _next, size=size)
                piece = await within(left, future)
                if piece is None:
                    return
                size = self.every
                if piece:
                    yield piece
        finally:
            self.served.release()


def _next(completions: list[Completion]) -> list[str | None]:
    return [completion.next() for completion in completions]


def _parameters(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters in the body, be they in it or under "parameters"."""
    for key in asked:
        if key not in _KEYS:
            raise BadRequestError(f"body: unknown {key!r:.80}: {nearest(key, _KEYS)}")
    inner = asked.get("parameters", {})
    if not isinstance(inner, dict):
        raise BadRequestError(f"parameters: expected an object, got {inner!r:.80}")
    for key in inner:
        if key not in (*PARAMETERS, "stream"):
            raise BadRequestError(f"parameters: unknown {key!r:.80}: {nearest(key, PARAMETERS)}")
    return {key: value for key, value in {**asked, **inner}.items() if key in PARAMETERS}


class Generation:
    """The handlers of requests.

    Parameters
    ----------
    engine : Engine
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    async def generate(self, request: Request) -> Response:
        """Answer with the whole text."""
        with self._counted(request):
            completion, answer = await self._begin(request, CHUNK)
            text = "".join([piece async for piece in completion.pieces()])
            return json_response({**answer, "text_output": text})

    async def generate_stream(self, request: Request) -> Response:
        """Answer with an event for each piece."""
        with self._counted(request):
            completion, answer = await self._begin(request, 1)
            pieces = completion.pieces()
            first = await anext(pieces, None)  # an error of it has its own status
        return StreamingResponse(
            _events(answer, first, pieces),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-cache"},
        )

    async def _begin(self, request: Request, every: int) -> tuple[Completion, dict[str, Any]]:
        engine, path = self.engine, request.path_params
        engine.admit()
        served = engine.find(path["name"], path.get("version", ""))
        asked = parse_object(await read_body(request.scope, request.receive, engine.limits))
        answer = {"model_name": served.name, "model_version": served.version}
        if "id" in asked:
            answer = {"id": asked["id"], **answer}
        return Completion(served, asked, every), answer

    @contextmanager
    def _counted(self, request: Request) -> Iterator[None]:
        """Count the request, and turn what fails into an error for the client."""
        started, code, name = time.perf_counter(), 500, request.path_params["name"]
        try:
            yield
            code = 200
        except ServingError as error:
            code = error.status
            raise
        except (ValueError, TypeError) as error:
            code = 400
            raise BadRequestError(f"model {name!r}: {error}") from error
        except Exception as error:
            log.exception("generation failed", extra={"model": name})
            raise InternalError from error
        finally:
            self.engine.count(name, code, time.perf_counter() - started)


async def _events(
    answer: Mapping[str, Any], first: str | None, pieces: AsyncIterator[str]
) -> AsyncIterator[str]:
    """Yield server-sent events; what fails on the way is the last one."""
    try:
        if first is not None:
            yield _event({**answer, "text_output": first})
            async for piece in pieces:
                yield _event({**answer, "text_output": piece})
    except ServingError as error:
        yield _event({"error": str(error)})
    except (ValueError, ArithmeticError) as error:
        yield _event({"error": f"model {answer['model_name']!r}: {error}"})


def _event(value: Mapping[str, Any]) -> str:
    return f"data: {json.dumps(value)}\n\n"


def routes(engine: Engine) -> list[BaseRoute]:
    """Return the routes of completion."""
    at = Generation(engine)
    return [
        Route(f"/v2/models/{{name}}{version}/{endpoint.__name__}", endpoint, methods=["POST"])
        for version in ("", "/versions/{version}")
        for endpoint in (at.generate, at.generate_stream)
    ]
