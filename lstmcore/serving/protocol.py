"""Bodies of the Open Inference Protocol V2 over HTTP, JSON and binary, to arrays and back.

A body is JSON, or JSON followed by the bytes of tensors ("binary_tensor_data"); a header says how
long the JSON is then. Nothing here knows of models or of transports.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NoReturn

from ..validation import Array
from .errors import BadRequestError
from .tensors import (
    check_datatype,
    check_shape,
    datatype_of,
    from_bytes,
    from_data,
    to_bytes,
    to_json_text,
)

HEADER_LENGTH = "inference-header-content-length"  # bytes of JSON before those of tensors
_FLAGS = ("binary_data", "binary_data_output")


@dataclass(frozen=True)
class InferRequest:
    """A request for inference.

    Parameters
    ----------
    inputs : dict of str to ndarray
        Arrays of numbers may be views of the body, which need not be aligned.
    parameters : dict
        Those of the whole request, such as `sequence_id` and `timeout`.
    outputs : dict of str to bool, optional
        The outputs wanted, in their order, and whether each is wanted as binary data; None: all.
    binary : bool
        Outputs are wanted as binary data unless `outputs` says otherwise.
    id : str
    """

    inputs: dict[str, Array]
    parameters: dict[str, Any] = field(default_factory=dict)
    outputs: dict[str, bool] | None = None
    binary: bool = False
    id: str = ""


def _refuse_constant(text: str) -> NoReturn:
    raise BadRequestError(f"body: expected JSON, which has no {text}")


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)


def parse_json(raw: bytes | memoryview, what: str = "body") -> Any:
    """Return the value of a JSON text in UTF-8; raise BadRequestError if it is none."""
    try:
        return _DECODER.decode(str(raw, "utf-8"))
    except RecursionError:
        raise BadRequestError(f"{what}: its lists are nested too deeply") from None
    except ValueError as error:  # also of UTF-8
        raise BadRequestError(f"{what}: expected JSON in UTF-8: {error}") from None


def parse_object(raw: bytes | memoryview, what: str = "body") -> dict[str, Any]:
    """Return the value of a JSON text, which is an object; an empty text is an empty one."""
    found = parse_json(raw, what) if len(raw) else {}
    if not isinstance(found, dict):
        raise BadRequestError(f"{what}: expected a JSON object, got a {type(found).__name__}")
    return found


def read_request(body: bytes, header_length: str | None = None) -> InferRequest:
    """Return the request in a body.

    Parameters
    ----------
    body : bytes
    header_length : str, optional
        The value of the header `HEADER_LENGTH`; None: the body is JSON alone.

    Raises
    ------
    BadRequestError
        If the body is none of the protocol; the message says where and what was expected.
    """
    length = len(body) if header_length is None else _header_length(header_length, len(body))
    view = memoryview(body)
    message = parse_object(view[:length])
    _check_keys(message, ("id", "parameters", "inputs", "outputs"), "body")
    parameters = _parameters(message, "body")
    binary = _flag(parameters.pop("binary_data_output", False), "binary_data_output")
    outputs = None
    if message.get("outputs"):
        outputs = _wanted(message["outputs"], binary)
    name = message.get("id", "")
    if not isinstance(name, str):
        raise BadRequestError(f"id: expected a text, got {name!r:.80}")
    inputs = _inputs(message.get("inputs", []), view[length:])
    return InferRequest(inputs, parameters, outputs, binary, name)


def _header_length(text: str, size: int) -> int:
    length = int(text) if text.isascii() and text.isdigit() and len(text) < 19 else -1
    if not 0 <= length <= size:
        raise BadRequestError(
            f"Inference-Header-Content-Length: expected 0 to {size}, the bytes of the body, got "
            f"{text!r:.80}"
        )
    return length


def _check_keys(message: Mapping[str, Any], known: Sequence[str], what: str) -> None:
    for key in message:
        if key not in known:
            raise BadRequestError(f"{what}: expected {', '.join(known)}, got {key!r:.80}")


def _parameters(message: Mapping[str, Any], what: str) -> dict[str, Any]:
    found = message.get("parameters", {})
    if not isinstance(found, dict):
        raise BadRequestError(f"{what}: parameters: expected an object, got {found!r:.80}")
    return dict(found)


def _flag(value: Any, name: str) -> bool:
    if not isinstance(value, bool):
        raise BadRequestError(f"{name}: expected true or false, got {value!r:.80}")
    return value


def _entries(value: Any, what: str) -> list[dict[str, Any]]:
    """Return a list of objects, each with a name of its own."""
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise BadRequestError(f"{what}: expected a list of objects, got {value!r:.80}")
    names: set[str] = set()
    for i, entry in enumerate(value):
        name = entry.get("name")
        if not isinstance(name, str) or name in names:
            raise BadRequestError(
                f"{what}[{i}]: name: expected a text that no other has, got {name!r:.80}"
            )
        names.add(name)
    return value


def _wanted(value: Any, binary: bool) -> dict[str, bool]:
    found = {}
    for entry in _entries(value, "outputs"):
        what = f"output {entry['name']!r:.80}"
        _check_keys(entry, ("name", "parameters"), what)
        parameters = _parameters(entry, what)
        _check_keys(parameters, ("binary_data",), f"{what}: parameters")
        found[entry["name"]] = _flag(parameters.get("binary_data", binary), f"{what}: binary_data")
    return found


def _inputs(value: Any, rest: memoryview) -> dict[str, Array]:
    """Return the arrays of all inputs; `rest` has the bytes of those that are binary, in turn."""
    found = {}
    for entry in _entries(value, "inputs"):
        what = f"input {entry['name']!r:.80}"
        _check_keys(entry, ("name", "datatype", "shape", "data", "parameters"), what)
        datatype = check_datatype(entry.get("datatype"), what)
        shape = check_shape(entry.get("shape"), what)
        parameters = _parameters(entry, what)
        _check_keys(parameters, ("binary_data_size",), f"{what}: parameters")
        if "binary_data_size" in parameters:
            size = parameters["binary_data_size"]
            if type(size) is not int or not 0 <= size <= len(rest):
                raise BadRequestError(
                    f"{what}: binary_data_size: expected 0 to {len(rest)}, the bytes that are "
                    f"left, got {size!r:.80}"
                )
            found[entry["name"]] = from_bytes(rest[:size], datatype, shape, what)
            rest = rest[size:]
        else:
            found[entry["name"]] = from_data(entry.get("data"), datatype, shape, what)
    if len(rest):
        raise BadRequestError(f"body: {len(rest)} bytes are left after the last input")
    return found


def chosen(outputs: Mapping[str, Array], wanted: Iterable[str] | None) -> dict[str, Array]:
    """Return the outputs that a request names; None: all."""
    names = list(outputs if wanted is None else wanted)
    for name in names:
        if name not in outputs:
            known = ", ".join(outputs)
            raise BadRequestError(f"output {name!r:.80}: not of this model, which has: {known}")
    return {name: outputs[name] for name in names}


def write_answer(
    request: InferRequest, model: str, version: str, outputs: Mapping[str, Array]
) -> tuple[bytes, int | None]:
    """Return the body of an answer, and the length of its JSON where bytes of tensors follow.

    Parameters
    ----------
    request : InferRequest
        Which says the outputs that are wanted as binary data.
    model, version : str
    outputs : mapping of str to ndarray
        Those that the request wants, in their order.
    """
    parts, tail = [], []
    for name, array in outputs.items():
        binary = request.binary if request.outputs is None else request.outputs[name]
        shape = ", ".join(map(str, array.shape))
        head = f'"name": {_quoted(name)}, "datatype": "{datatype_of(array)}", "shape": [{shape}]'
        if binary:
            raw = to_bytes(array)
            parts.append(f'{{{head}, "parameters": {{"binary_data_size": {len(raw)}}}}}')
            tail.append(raw)
        else:
            parts.append(f'{{{head}, "data": {to_json_text(array, f"output {name!r}")}}}')
    names = f'"model_name": {_quoted(model)}, "model_version": {_quoted(version)}'
    head = f'{names}, "id": {json.dumps(request.id)}'
    text = f'{{{head}, "outputs": [{", ".join(parts)}]}}'.encode()
    return b"".join([text, *tail]), len(text) if tail else None


@lru_cache(1024)
def _quoted(name: str) -> str:
    """Return a name of a model or an output as JSON."""
    return json.dumps(name)


def error_body(text: str) -> bytes:
    """Return the body of an error."""
    return json.dumps({"error": text}).encode()
