"""Every answer that is an error: its code, its text, and that the server goes on."""

import json
import socket
import threading
import time
from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from serving_cases import Client, RefusedError, in_loop, infer_body, last_model, running

from lstmcore.serving.limits import Limits

X = np.zeros((1, 2, 3), np.float32)
ENTRY = {"name": "input", "datatype": "FP32", "shape": [1, 2, 3], "data": [0.0] * 6}


def entry(**changes):
    return {"inputs": [{**ENTRY, **changes}]}


WRONG = {
    "no JSON": (b"{", "expected JSON in UTF-8"),
    "no UTF-8": (b'{"id": "\xff"}', "expected JSON in UTF-8"),
    "NaN": (b'{"inputs": NaN}', "JSON, which has no NaN"),
    "no object": (b"[]", "expected a JSON object, got a list"),
    "too deep": (b"[" * 100_000, "nested too deeply"),
    "unknown key": ({"input": []}, "expected id, parameters, inputs, outputs, got 'input'"),
    "id": ({"id": 7}, "id: expected a text, got 7"),
    "inputs": ({"inputs": 7}, "inputs: expected a list of objects, got 7"),
    "no inputs": ({}, "inputs: expected 'input' too, which the model needs"),
    "no name": ({"inputs": [{}]}, "inputs[0]: name: expected a text"),
    "twice": ({"inputs": [ENTRY, ENTRY]}, "expected a text that no other has"),
    "unknown input": (entry(name="inputs"), "not of this model: did you mean 'input'?"),
    "no datatype": (entry(datatype=None), "datatype: expected one of FP32, FP64"),
    "other datatype": (entry(datatype="FP64"), "expected datatype FP32, got FP64"),
    "texts": (entry(datatype="BYTES", data=["a"] * 6), "expected datatype FP32, got BYTES"),
    "no shape": (entry(shape=6), "shape: expected a list of up to 8 sizes, got 6"),
    "negative": (entry(shape=[-1, 2, 3]), "expected whole numbers from 0 to 2147483647, got -1"),
    "axes": (entry(shape=[2, 3]), "expected shape [-1, -1, 3], got [2, 3]"),
    "features": (entry(shape=[1, 3, 2]), "expected shape [-1, -1, 3], got [1, 3, 2]"),
    "empty": (entry(shape=[1, 0, 3], data=[]), "expected at least one element"),
    "elements": (entry(data=[0.0] * 5), "expected 6 elements, as shape [1, 2, 3] has"),
    "no data": (entry(data=None), "data: expected a list, got a NoneType"),
    "strings": (entry(data=["a"] * 6), "data: expected numbers, got 'a'"),
    "ragged": (entry(data=[[1.0, 2.0], [3.0]]), "data: expected rows of equal lengths"),
    "too large": (entry(data=[1e39] * 6), "data: expected numbers of FP32, got 1e+39"),
    "unknown output": ({**entry(), "outputs": [{"name": "y"}]}, "not of this model, which has"),
    "parameters": ({"parameters": []}, "parameters: expected an object, got []"),
    "unknown parameter": ({**entry(), "parameters": {"timeouts": 1}}, "did you mean 'timeout'?"),
    "timeout": ({**entry(), "parameters": {"timeout": 0}}, "timeout: expected a whole number"),
    "binary flag": (
        {**entry(), "parameters": {"binary_data_output": 1}},
        "binary_data_output: expected true or false, got 1",
    ),
    "no bytes": (
        entry(parameters={"binary_data_size": 24}),
        "binary_data_size: expected 0 to 0, the bytes that are left, got 24",
    ),
    "lengths": (
        {
            "inputs": [
                ENTRY,
                {"name": "lengths", "datatype": "INT32", "shape": [1], "data": [3]},
            ]
        },
        "input 'lengths': expected 1 numbers from 1 to 2, got [3]",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_400_says_what_is_wrong(client, case):
    body, text = WRONG[case]
    status, found = client.post("/v2/models/last/infer", body)
    assert (status, list(found)) == (400, ["error"])
    assert text in found["error"]
    client.infer("last", {"input": X})


@pytest.mark.parametrize("length", ["-1", "x", "9999", "1e2", "٣"])
def test_400_for_the_length_of_the_json(client, length):
    body, _ = infer_body({"input": X})
    headers = {"Inference-Header-Content-Length": length.encode()}
    status, _, raw = client.ask("POST", "/v2/models/last/infer", body, **headers)
    assert status == 400
    assert b"Inference-Header-Content-Length: expected 0 to" in raw


def test_400_for_bytes_that_are_left_or_missing(client):
    body, headers = infer_body({"input": X}, binary=True)
    status, found = client.post("/v2/models/last/infer", body + b"1", **headers)
    assert (status, found["error"]) == (400, "body: 1 bytes are left after the last input")
    assert client.post("/v2/models/last/infer", body[:-1], **headers)[0] == 400


def test_400_for_rows_that_differ(client):
    words, facts = np.zeros((2, 4), np.int64), np.zeros((3, 5), np.float32)
    with pytest.raises(RefusedError, match=r"400: inputs: expected as many rows in each"):
        client.infer("two", {"words": words, "facts": facts})


def test_400_for_what_the_model_itself_refuses(client):
    words, facts = np.full((1, 4), 10), np.zeros((1, 5), np.float32)
    with pytest.raises(RefusedError, match=r"400: model 'two': layer 'embedding.*got 10"):
        client.infer("two", {"words": words, "facts": facts})
    with pytest.raises(RefusedError, match=r"400: parameters: horizon: expected a whole"):
        client.infer("wave", {}, horizon=0)
    with pytest.raises(RefusedError, match=r"400: model 'wave': .*horizon"):
        client.infer("wave", {}, horizon=99)
    with pytest.raises(RefusedError, match=r"400: .*'future'"):
        client.infer("dated", {})


def test_400_for_numbers_that_json_cannot_say(client):
    body, headers = infer_body({"input": np.full((1, 2, 3), np.nan, np.float32)}, binary=True)
    body = body.replace(b'"binary_data_output": true', b'"binary_data_output":false')
    status, found = client.post("/v2/models/last/infer", body, **headers)
    assert status == 400
    assert "output 'output': it has NaN or infinite numbers" in found["error"]


def test_400_for_a_sequence_where_there_are_none(client, server):
    if server.engine.sequences is None:
        with pytest.raises(RefusedError, match="400: sequence_id"):
            client.infer("last", {"input": X}, sequence_id=7)


def test_404(client):
    asked = ["/v2/models/lasst", "/v2/models/last/versions/2", "/v2/models/lasst/ready", "/nothing"]
    for path in asked:
        status, found = client.get(path)
        assert (status, list(found)) == (404, ["error"])
    assert client.get("/v2/models/lasst")[1]["error"].endswith("did you mean 'last'?")
    assert client.post("/v2/models/lasst/infer", entry())[0] == 404
    assert "there is 1" in client.post("/v2/models/last/versions/2/infer", entry())[1]["error"]


@pytest.mark.parametrize("name", ["../last", "..%2Flast", "%2Fetc%2Fpasswd", "last.safetensors"])
def test_404_for_paths_in_place_of_names(client, name):
    assert client.ask("GET", f"/v2/models/{name}")[0] == 404
    assert client.ask("POST", f"/v2/repository/models/{name}/load", "{}")[0] in (400, 404)


def test_405(client):
    status, _, raw = client.ask("GET", "/v2/models/last/infer")
    assert (status, json.loads(raw)) == (405, {"error": "Method Not Allowed"})


@pytest.fixture(scope="module")
def strict(tmp_path_factory):
    """A server that takes little, and wants a token."""
    folder = tmp_path_factory.mktemp("strict")
    last_model().save(folder / "last.safetensors")
    token = folder / "token.txt"
    token.write_text("secret\n")
    limits = Limits(max_body=2000, max_rows=3, max_steps=5, max_queue=2, timeout=0.4)
    with running(folder, limits=limits, token_file=token, without_token=["health"]) as server:
        yield server


@pytest.fixture
def known(strict):
    """A client with the token."""
    with Client(strict, "secret") as client:
        yield client


def test_401(strict, known):
    with Client(strict) as client, Client(strict, "secre") as wrong:
        for one in (client, wrong):
            status, headers, raw = one.ask("GET", "/v2/models/last")
            assert (status, headers["WWW-Authenticate"]) == (401, "Bearer")
            assert "Authorization: Bearer" in json.loads(raw)["error"]
            assert one.ask("POST", "/v2/models/last/infer", "{}")[0] == 401
            assert one.ask("GET", "/metrics")[0] == 401
            assert one.ask("GET", "/v2/health/../models/last")[0] == 401
        assert client.get("/v2/health/ready")[0] == 200
    assert known.get("/v2/models/last")[0] == 200


@contextmanager
def kept_busy(server):
    """The worker of the model has begun something that lasts as long as the block."""
    begun, release = threading.Event(), threading.Event()

    def slow(payloads):
        begun.set()
        release.wait(10)
        return payloads

    worker = server.engine.find("last").worker
    in_loop(server, worker.submit, None, slow)
    assert begun.wait(5)
    try:
        yield worker, slow
    finally:
        release.set()


def goes_on(client):
    """Return True if the server answers again, which on a busy machine takes a moment."""
    body, headers = infer_body({"input": X})
    return any(
        client.ask("POST", "/v2/models/last/infer", body, **headers)[0] == 200 or time.sleep(0.05)
        for _ in range(40)
    )


def test_408_when_the_time_is_over(strict, known):
    with kept_busy(strict):
        with pytest.raises(RefusedError, match=r"408: there was no answer within 0\.05 s"):
            known.infer("last", {"input": X}, timeout=50_000)
        with pytest.raises(RefusedError, match=r"408: there was no answer within 0\.4 s"):
            known.infer("last", {"input": X})
    assert goes_on(known)


def test_408_when_the_body_does_not_come(strict):
    with socket.create_connection(("127.0.0.1", strict.port), timeout=5) as connection:
        connection.sendall(
            b"POST /v2/models/last/infer HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer secret\r\n"
            b"Content-Length: 100\r\n\r\n{"
        )
        answer = connection.recv(4096)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"body: it did not come within 0.4 s" in answer


def test_413(known):
    for shape, text in (((4, 1, 3), "3 rows at most"), ((1, 6, 3), "5 time steps at most")):
        with pytest.raises(RefusedError, match=rf"413: expected {text}"):
            known.infer("last", {"input": np.zeros(shape, np.float32)})
    status, found = known.post("/v2/models/last/infer", b" " * 2001)
    assert (status, found["error"]) == (413, "body: expected 2000 bytes at most, got 2001")


def test_413_for_a_body_of_unknown_length(strict):
    chunk = b"400\r\n" + b" " * 1024 + b"\r\n"
    with socket.create_connection(("127.0.0.1", strict.port), timeout=5) as connection:
        connection.sendall(
            b"POST /v2/models/last/infer HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer secret\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n" + 2 * chunk
        )
        answer = connection.recv(4096)
    assert answer.startswith(b"HTTP/1.1 413 ")


def test_503_when_too_many_wait(strict, known):
    body, headers = infer_body({"input": X})
    with kept_busy(strict) as (worker, slow):
        for _ in range(2):
            in_loop(strict, worker.submit, None, slow)
        while len(worker) < 2:
            time.sleep(0.005)
        status, headers, raw = known.ask("POST", "/v2/models/last/infer", body, **headers)
        assert (status, headers["Retry-After"]) == (503, "1")
        assert json.loads(raw)["error"] == "2 requests are waiting for this model"
    assert goes_on(known)


def test_500_says_nothing_of_the_inside(client, server, monkeypatch, caplog):
    def broken(payloads):
        raise KeyError("a secret of the inside")

    adapter = server.engine.find("steps").adapter
    monkeypatch.setattr(adapter, "compute", broken)
    with pytest.raises(RefusedError, match=r"^500: the server failed; its log has the reason$"):
        client.infer("steps", {"input": X})
    monkeypatch.undo()
    assert "a secret of the inside" in caplog.text
    client.infer("steps", {"input": X})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["name", "shape", "data", "datatype", "parameters", "inputs", "id"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
SIZES = st.lists(st.integers(-1, 4) | JSON, max_size=4)
INPUT = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["input", "lengths", "text", "words", "facts"]) | JSON,
        "datatype": st.sampled_from(["FP32", "FP64", "INT32", "INT64", "BYTES"]) | JSON,
        "shape": st.just([1, 2, 3]) | SIZES | JSON,
    },
    optional={
        "data": st.just([0.5] * 6) | st.lists(JSON, max_size=7) | JSON,
        "parameters": st.dictionaries(st.just("binary_data_size"), st.integers(-1, 40) | JSON),
    },
)
BODY = st.fixed_dictionaries(
    {"inputs": st.lists(INPUT, max_size=3) | JSON},
    optional={
        "id": JSON,
        "outputs": st.lists(st.fixed_dictionaries({"name": st.just("output") | JSON})) | JSON,
        "parameters": st.dictionaries(
            st.sampled_from(["timeout", "priority", "binary_data_output", "horizon"]), JSON
        ),
    },
)


def ask_anything(client, model, body, tail, claimed):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {}
    if claimed is not None:
        headers["Inference-Header-Content-Length"] = str(len(raw) if claimed else len(tail))
    status, _, answer = client.ask("POST", f"/v2/models/{model}/infer", raw + tail, **headers)
    assert status in (200, 400, 413), (status, answer)
    if status != 200:
        assert list(json.loads(answer)) == ["error"]


ANYTHING = {
    "model": st.sampled_from(["last", "steps", "two", "film", "wave", "fixed"]),
    "body": BODY | JSON | st.binary(max_size=40),
    "tail": st.binary(max_size=40),
    "claimed": st.none() | st.booleans(),
}


@given(**ANYTHING)
@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
def test_no_body_is_answered_with_500(client, model, body, tail, claimed):
    ask_anything(client, model, body, tail, claimed)


@pytest.mark.slow
@given(**ANYTHING)
@settings(max_examples=4000, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_body_of_very_many_is_answered_with_500(client, model, body, tail, claimed):
    ask_anything(client, model, body, tail, claimed)
