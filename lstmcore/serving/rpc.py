"""The protocol over gRPC: GRPCInferenceService, in the event loop of the server."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc
import numpy as np

from ..validation import Array
from .engine import Engine
from .errors import BadRequestError, ServingError, UnauthorizedError
from .gate import expected_header, token_matches
from .protocol import chosen
from .rpc_messages import CLASSES, METHODS, SERVICE
from .tensors import BYTES, check_datatype, check_shape, datatype_of, from_bytes, to_bytes

CODES = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    401: grpc.StatusCode.UNAUTHENTICATED,
    404: grpc.StatusCode.NOT_FOUND,
    408: grpc.StatusCode.DEADLINE_EXCEEDED,
    413: grpc.StatusCode.RESOURCE_EXHAUSTED,
    503: grpc.StatusCode.UNAVAILABLE,
    500: grpc.StatusCode.INTERNAL,
}
_CONTENTS = {
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    "INT32": "int_contents",
    "INT64": "int64_contents",
    BYTES: "bytes_contents",
}


class Service:
    """The methods of the service.

    Parameters
    ----------
    engine : Engine
    token : bytes, optional
        What clients have to show in the metadata `authorization`.
    """

    def __init__(self, engine: Engine, token: bytes | None = None) -> None:
        self.engine, self._token = engine, expected_header(token)

    def handlers(self) -> Any:
        """Return the handlers for grpcio."""
        made = {}
        for name, (asked, answered) in METHODS.items():
            kinds = {
                "request_deserializer": CLASSES[asked].FromString,
                "response_serializer": CLASSES[answered].SerializeToString,
            }
            if name == "ModelStreamInfer":
                made[name] = grpc.stream_stream_rpc_method_handler(self._stream, **kinds)
            else:
                made[name] = grpc.unary_unary_rpc_method_handler(
                    self._guarded(getattr(self, f"_{name}")), **kinds
                )
        return grpc.method_handlers_generic_handler(SERVICE, made)

    def _check_token(self, context: Any) -> None:
        if self._token is not None:
            given = dict(context.invocation_metadata()).get("authorization", "")
            if not token_matches(str(given).encode(), self._token):
                raise UnauthorizedError("expected the metadata authorization: Bearer TOKEN")

    def _guarded(
        self, method: Callable[[Any], Awaitable[Any]]
    ) -> Callable[[Any, Any], Awaitable[Any]]:
        async def answer(request: Any, context: Any) -> Any:
            try:
                self._check_token(context)
                return await method(request)
            except ServingError as error:
                await context.abort(CODES[error.status], str(error))

        return answer

    async def _ServerLive(self, request: Any) -> Any:
        return CLASSES["ServerLiveResponse"](live=True)

    async def _ServerReady(self, request: Any) -> Any:
        return CLASSES["ServerReadyResponse"](ready=self.engine.ready)

    async def _ModelReady(self, request: Any) -> Any:
        self.engine.find(request.name, request.version)
        return CLASSES["ModelReadyResponse"](ready=self.engine.ready)

    async def _ServerMetadata(self, request: Any) -> Any:
        return CLASSES["ServerMetadataResponse"](**self.engine.describe())

    async def _ModelMetadata(self, request: Any) -> Any:
        found = self.engine.metadata(request.name, request.version)
        found.pop("parameters", None)
        return CLASSES["ModelMetadataResponse"](**found)

    async def _ModelInfer(self, request: Any) -> Any:
        started, code = time.perf_counter(), 500
        try:
            answer = await self.engine.infer(
                request.model_name, request.model_version, _inputs(request), _parameters(request)
            )
            found = _answer(request, answer.model, answer.version, answer.outputs)
            code = 200
        except ServingError as error:
            code = error.status
            raise
        finally:
            self.engine.count(request.model_name, code, time.perf_counter() - started)
        return found

    async def _stream(self, requests: Any, context: Any) -> AsyncIterator[Any]:
        """Answer the requests of a stream in turn; one that is wrong does not end it."""
        made = CLASSES["ModelStreamInferResponse"]
        try:
            self._check_token(context)
        except ServingError as error:
            await context.abort(CODES[error.status], str(error))
        async for request in requests:
            try:
                yield made(infer_response=await self._ModelInfer(request))
            except ServingError as error:
                yield made(error_message=str(error))


def _inputs(request: Any) -> dict[str, Array]:
    raws, found = list(request.raw_input_contents), {}
    if raws and len(raws) != len(request.inputs):
        raise BadRequestError(
            f"raw_input_contents: expected {len(request.inputs)}, one an input, got {len(raws)}"
        )
    for i, tensor in enumerate(request.inputs):
        what = f"input {tensor.name!r:.80}"
        if tensor.name in found:
            raise BadRequestError(f"{what}: it is there twice")
        datatype = check_datatype(tensor.datatype, what)
        shape = check_shape(list(tensor.shape), what)
        if raws:
            found[tensor.name] = from_bytes(memoryview(raws[i]), datatype, shape, what)
        else:
            found[tensor.name] = _contents(tensor.contents, datatype, shape, what)
    return found


def _contents(contents: Any, datatype: str, shape: tuple[int, ...], what: str) -> Array:
    values = list(getattr(contents, _CONTENTS[datatype]))
    if len(values) != int(np.prod(shape)):
        raise BadRequestError(
            f"{what}: contents: expected {int(np.prod(shape))} elements in {_CONTENTS[datatype]}, "
            f"got {len(values)}"
        )
    if datatype == BYTES:
        try:
            return np.array([value.decode() for value in values], object).reshape(shape)
        except UnicodeDecodeError as error:
            raise BadRequestError(f"{what}: expected texts in UTF-8: {error}") from None
    kinds = {"FP32": np.float32, "FP64": np.float64, "INT32": np.int32, "INT64": np.int64}
    return np.array(values, kinds[datatype]).reshape(shape)


def _parameters(request: Any) -> dict[str, Any]:
    found = {}
    for key, value in request.parameters.items():
        chosen = value.WhichOneof("parameter_choice")
        if chosen is None:
            raise BadRequestError(f"parameters: {key!r:.80}: expected a value")
        found[key] = getattr(value, chosen)
    return found


def _answer(request: Any, model: str, version: str, outputs: dict[str, Array]) -> Any:
    names = [tensor.name for tensor in request.outputs] or list(outputs)
    found = chosen(outputs, names)
    answer = CLASSES["ModelInferResponse"](model_name=model, model_version=version, id=request.id)
    for name in names:
        array = found[name]
        answer.outputs.add(name=name, datatype=datatype_of(array), shape=array.shape)
        answer.raw_output_contents.append(to_bytes(array))
    return answer


async def start(engine: Engine, host: str, port: int, token: bytes | None) -> tuple[Any, int]:
    """Return a server that listens, and its port."""
    size = [("grpc.max_receive_message_length", engine.limits.max_body)]
    server = grpc.aio.server(options=[*size, ("grpc.so_reuseport", 0)])
    server.add_generic_rpc_handlers((Service(engine, token).handlers(),))
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    try:
        found = server.add_insecure_port(address)
    except RuntimeError as error:
        raise OSError(f"cannot listen on {host}, port {port} for gRPC: {error}") from None
    await server.start()
    return server, found
