"""Completion of texts, whole and as server-sent events."""

import json

import pytest
from serving_cases import Client, running

from lstmcore.text import LanguageModel

ASKED = {"text_input": "the cat", "max_tokens": 150, "seed": 3, "temperature": 0.8}


@pytest.fixture(scope="module")
def poet():
    model = LanguageModel(units=8)
    model.fit("the cat sat on the mat.\n" * 30, epochs=1, verbose=0)
    return model


@pytest.fixture(scope="module")
def texts(poet, folder, tmp_path_factory):
    """A server of a language model, and of one that is none."""
    path = tmp_path_factory.mktemp("texts")
    poet.save(path / "poet.safetensors")
    (path / "last.safetensors").write_bytes((folder / "last.safetensors").read_bytes())
    with running(path) as found:
        yield found


@pytest.fixture
def client(texts):
    with Client(texts) as found:
        yield found


def events(client, asked, model="poet"):
    status, headers, raw = client.ask(
        "POST", f"/v2/models/{model}/generate_stream", json.dumps(asked)
    )
    assert status == 200
    assert headers["Content-Type"].startswith("text/event-stream")
    found = raw.decode().split("\n\n")
    assert found.pop() == ""
    return [json.loads(event.removeprefix("data: ")) for event in found]


def test_whole(client, poet):
    expected = poet.generate("the cat", 150, temperature=0.8, seed=3)
    assert client.post("/v2/models/poet/generate", {**ASKED, "id": "a"}) == (
        200,
        {"id": "a", "model_name": "poet", "model_version": "1", "text_output": expected},
    )
    inner = {"text_input": "the cat", "parameters": {k: ASKED[k] for k in list(ASKED)[1:]}}
    assert client.post("/v2/models/poet/versions/1/generate", inner)[1]["text_output"] == expected


def test_an_event_for_each_token(client, poet):
    found = events(client, ASKED)
    assert len(found) == 150
    assert all(event["model_name"] == "poet" for event in found)
    expected = poet.generate("the cat", 150, temperature=0.8, seed=3)
    assert "".join(event["text_output"] for event in found) == expected
    assert events(client, {**ASKED, "max_tokens": 0}) == []


def test_stop(client, poet):
    expected = poet.generate("the cat", 150, temperature=0.8, seed=3)
    stop = expected[60:62]
    found = events(client, {**ASKED, "stop": stop})
    assert "".join(event["text_output"] for event in found) == expected.split(stop)[0]


@pytest.mark.parametrize(
    ("model", "asked", "status", "text"),
    [
        ("no", {}, 404, "no model 'no'"),
        ("last", {"text_input": ""}, 400, "model 'last' writes no texts"),
        ("poet", {}, 400, "text_input: expected a text, got None"),
        ("poet", {**ASKED, "temperature": "hot"}, 400, "temperature: expected a number"),
        ("poet", {**ASKED, "max_tokens": -1}, 400, "max_tokens: expected a whole number"),
        ("poet", {**ASKED, "max_tokens": 10**9}, 413, "expected 100000 time steps at most"),
        ("poet", {**ASKED, "seed": "x"}, 400, "seed: expected a whole number"),
        ("poet", {**ASKED, "stop": 3}, 400, "model 'poet': "),
        ("poet", {**ASKED, "temperatur": 1}, 400, "body: unknown 'temperatur'"),
        ("poet", {**ASKED, "parameters": {"x": 1}}, 400, "parameters: unknown 'x'"),
        ("poet", {**ASKED, "parameters": 1}, 400, "parameters: expected an object"),
    ],
)
@pytest.mark.parametrize("path", ["generate", "generate_stream"])
def test_errors(client, path, model, asked, status, text):
    found, answer = client.post(f"/v2/models/{model}/{path}", asked)
    assert found == status
    assert text in answer["error"]


def test_what_fails_on_the_way_is_the_last_event(client):
    found = events(client, {**ASKED, "max_tokens": 100_000, "timeout": 50_000})
    assert len(found) > 1
    assert found[-1] == {"error": "the text was not finished within 0.05 s"}
