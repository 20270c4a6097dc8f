"""Messages of the Open Inference Protocol V2 over gRPC, made at run time.

The names, numbers and types of their fields are those of the protocol's `grpc_predict_v2.proto`.
As they are made here, a wheel needs no compiler of .proto files, and no generated code that fits
one version of protobuf alone; as they have a pool of their own, a client's in the same process do
not clash with them.
"""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

PACKAGE, SERVICE = "inference", "inference.GRPCInferenceService"
_NAME = "name:1:string"
_VERSION = f"{_NAME} version:2:string"
_PARAMETERS = "map:InferParameter"
# name:number:type, * before the type: repeated
MESSAGES = {
    "InferParameter": (
        "bool_param:1:bool int64_param:2:int64 string_param:3:string double_param:4:double "
        "uint64_param:5:uint64"
    ),
    "InferTensorContents": (
        "bool_contents:1:*bool int_contents:2:*int32 int64_contents:3:*int64 "
        "uint_contents:4:*uint32 uint64_contents:5:*uint64 fp32_contents:6:*float "
        "fp64_contents:7:*double bytes_contents:8:*bytes"
    ),
    "ServerLiveRequest": "",
    "ServerLiveResponse": "live:1:bool",
    "ServerReadyRequest": "",
    "ServerReadyResponse": "ready:1:bool",
    "ModelReadyRequest": _VERSION,
    "ModelReadyResponse": "ready:1:bool",
    "ServerMetadataRequest": "",
    "ServerMetadataResponse": f"{_VERSION} extensions:3:*string",
    "ModelMetadataRequest": _VERSION,
    "ModelMetadataResponse": (
        f"{_NAME} versions:2:*string platform:3:string inputs:4:*TensorMetadata "
        "outputs:5:*TensorMetadata"
    ),
    "ModelMetadataResponse.TensorMetadata": f"{_NAME} datatype:2:string shape:3:*int64",
    "ModelInferRequest": (
        f"model_name:1:string model_version:2:string id:3:string parameters:4:{_PARAMETERS} "
        "inputs:5:*InferInputTensor outputs:6:*InferRequestedOutputTensor "
        "raw_input_contents:7:*bytes"
    ),
    "ModelInferRequest.InferInputTensor": (
        f"{_NAME} datatype:2:string shape:3:*int64 parameters:4:{_PARAMETERS} "
        "contents:5:InferTensorContents"
    ),
    "ModelInferRequest.InferRequestedOutputTensor": f"{_NAME} parameters:2:{_PARAMETERS}",
    "ModelInferResponse": (
        f"model_name:1:string model_version:2:string id:3:string parameters:4:{_PARAMETERS} "
        "outputs:5:*InferOutputTensor raw_output_contents:6:*bytes"
    ),
    "ModelInferResponse.InferOutputTensor": (
        f"{_NAME} datatype:2:string shape:3:*int64 parameters:4:{_PARAMETERS} "
        "contents:5:InferTensorContents"
    ),
    "ModelStreamInferResponse": "error_message:1:string infer_response:2:ModelInferResponse",
}
METHODS = {
    **{
        name: (f"{name}Request", f"{name}Response")
        for name in (
            *("ServerLive", "ServerReady", "ModelReady", "ServerMetadata", "ModelMetadata"),
            "ModelInfer",
        )
    },
    "ModelStreamInfer": ("ModelInferRequest", "ModelStreamInferResponse"),
}


def _fill(message: Any, name: str, fields: str) -> None:
    """Add the fields to the descriptor of a message."""
    kinds = descriptor_pb2.FieldDescriptorProto
    for field in fields.split():
        key, number, kind = field.split(":", 2)
        added = message.field.add(name=key, number=int(number), label=kinds.LABEL_OPTIONAL)
        if kind.startswith("map:"):
            entry = message.nested_type.add(name=f"{key.capitalize()}Entry")
            entry.options.map_entry = True
            _fill(entry, f"{name}.{entry.name}", f"key:1:string value:2:{kind[4:]}")
            kind = f"*{entry.name}"
        if kind.startswith("*"):
            added.label, kind = kinds.LABEL_REPEATED, kind[1:]
        basic = getattr(kinds, f"TYPE_{kind.upper()}", None)
        if basic is not None:
            added.type = basic
        else:
            inner = f"{name}.{kind}" in MESSAGES or kind.endswith("Entry")
            added.type = kinds.TYPE_MESSAGE
            added.type_name = f".{PACKAGE}.{name}.{kind}" if inner else f".{PACKAGE}.{kind}"


def _make() -> dict[str, Any]:
    """Return the classes of the messages by name."""
    file = descriptor_pb2.FileDescriptorProto(
        name="lstmcore_inference.proto", package=PACKAGE, syntax="proto3"
    )
    made: dict[str, Any] = {}
    for name, fields in MESSAGES.items():
        outer, _, own = name.rpartition(".")
        made[name] = (
            made[outer].nested_type.add(name=own) if outer else file.message_type.add(name=own)
        )
        _fill(made[name], name, fields)
    choice = made["InferParameter"]
    choice.oneof_decl.add(name="parameter_choice")
    for field in choice.field:
        field.oneof_index = 0
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    get = message_factory.GetMessageClass
    return {n: get(pool.FindMessageTypeByName(f"{PACKAGE}.{n}")) for n in MESSAGES if "." not in n}


CLASSES = _make()
