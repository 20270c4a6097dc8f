"""The protocol over gRPC."""

import numpy as np
import pytest
from serving_cases import last_model, running

grpc = pytest.importorskip("grpc")
pytest.importorskip("google.protobuf")
messages = pytest.importorskip("lstmcore.serving.rpc_messages")
CLASSES, METHODS, SERVICE = messages.CLASSES, messages.METHODS, messages.SERVICE
X = np.random.default_rng(5).normal(size=(2, 4, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def rpc(folder):
    with running(folder, grpc_port=0) as server:
        yield server


@pytest.fixture
def channel(rpc):
    with grpc.insecure_channel(f"127.0.0.1:{rpc.grpc_port}") as found:
        yield found


def call(channel, name, request=None, **options):
    asked, answered = METHODS[name]
    kind = channel.stream_stream if name == "ModelStreamInfer" else channel.unary_unary
    method = kind(
        f"/{SERVICE}/{name}", CLASSES[asked].SerializeToString, CLASSES[answered].FromString
    )
    return method(CLASSES[asked]() if request is None else request, timeout=20, **options)


def asking(model="last", x=X, raw=True, **parameters):
    request = CLASSES["ModelInferRequest"](model_name=model, id="a")
    tensor = request.inputs.add(name="input", datatype="FP32", shape=x.shape)
    if raw:
        request.raw_input_contents.append(x.tobytes())
    else:
        tensor.contents.fp32_contents.extend(x.ravel())
    for key, value in parameters.items():
        kind = {bool: "bool_param", int: "int64_param", str: "string_param"}[type(value)]
        setattr(request.parameters[key], kind, value)
    return request


def test_health_and_metadata(channel):
    assert call(channel, "ServerLive").live
    assert call(channel, "ServerReady").ready
    assert "sequence" in call(channel, "ServerMetadata").extensions
    assert call(channel, "ModelReady", CLASSES["ModelReadyRequest"](name="last")).ready
    found = call(channel, "ModelMetadata", CLASSES["ModelMetadataRequest"](name="last"))
    assert [(t.name, t.datatype, list(t.shape)) for t in found.outputs] == [
        ("output", "FP32", [-1, 2])
    ]


@pytest.mark.parametrize("raw", [True, False])
def test_inference_equals_predict(channel, models, raw):
    found = call(channel, "ModelInfer", asking(raw=raw))
    assert (found.model_name, found.model_version, found.id) == ("last", "1", "a")
    assert found.raw_output_contents[0] == models["last"].predict(X, verbose=0).tobytes()


def test_a_stream_of_a_sequence_equals_predict(channel, models):
    requests = [
        asking(x=X[:, i : i + 1], sequence_id="s", sequence_start=i == 0, sequence_end=i == 3)
        for i in range(4)
    ]
    requests.append(asking(x=X[:, :1], sequence_id="s"))
    found = list(call(channel, "ModelStreamInfer", iter(requests)))
    expected = models["last"].predict(X, verbose=0).tobytes()
    assert found[3].infer_response.raw_output_contents[0] == expected
    assert found[4].error_message.startswith("sequence 's' is not open")


@pytest.mark.parametrize(
    ("request_", "code", "text"),
    [
        (asking("no"), "NOT_FOUND", "no model 'no'"),
        (asking(x=X[0]), "INVALID_ARGUMENT", "expected shape"),
        (asking(horizon=1), "INVALID_ARGUMENT", "parameters: unknown 'horizon'"),
    ],
)
def test_errors(channel, request_, code, text):
    with pytest.raises(grpc.RpcError) as error:
        call(channel, "ModelInfer", request_)
    assert error.value.code().name == code
    assert text in error.value.details()


def test_it_needs_the_token(tmp_path):
    last_model().save(tmp_path / "m.safetensors")
    (tmp_path / "token").write_text("secret")
    with (
        running(tmp_path, grpc_port=0, token_file=tmp_path / "token") as server,
        grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel,
    ):
        with pytest.raises(grpc.RpcError) as error:
            call(channel, "ModelInfer", asking("m"))
        assert error.value.code().name == "UNAUTHENTICATED"
        metadata = [("authorization", "Bearer secret")]
        assert call(channel, "ModelInfer", asking("m"), metadata=metadata).raw_output_contents
