"""The protocol over HTTP, against the models' own predictions."""

import json
import threading

import numpy as np
import pytest
from serving_cases import Client, infer_body

from lstmcore import __version__

RNG = np.random.default_rng(0)


def rows(*shape):
    return RNG.normal(size=shape).astype(np.float32)


def test_health_and_metadata(client):
    assert client.get("/v2/health/live") == (200, {"live": True})
    assert client.get("/v2/health/ready") == (200, {"ready": True})
    status, found = client.get("/v2")
    assert status == 200
    assert (found["name"], found["version"]) == ("lstmcore", __version__)
    assert {"binary_tensor_data", "statistics", "model_repository"} <= set(found["extensions"])


def test_metadata_of_models(client):
    status, found = client.get("/v2/models/last")
    assert status == 200
    assert found == {
        "name": "last",
        "versions": ["1"],
        "platform": "lstmcore",
        "inputs": [
            {"name": "input", "datatype": "FP32", "shape": [-1, -1, 3]},
            {"name": "lengths", "datatype": "INT32", "shape": [-1]},
        ],
        "outputs": [{"name": "output", "datatype": "FP32", "shape": [-1, 2]}],
        "parameters": {"optional_inputs": ["lengths"]},
    }
    assert client.get("/v2/models/last/versions/1") == (200, found)
    assert client.get("/v2/models/last/ready") == (200, {"name": "last", "ready": True})
    assert client.get("/v2/models/last/versions/1/ready")[0] == 200


def test_names_of_a_graph_are_kept(client):
    found = client.get("/v2/models/two")[1]
    assert [(t["name"], t["datatype"], t["shape"]) for t in found["inputs"]] == [
        ("words", "INT64", [-1, -1]),
        ("facts", "FP32", [-1, 5]),
    ]
    assert [t["name"] for t in found["outputs"]] == ["one", "other"]


@pytest.mark.parametrize("binary", [False, True])
def test_answers_are_those_of_predict(client, models, binary):
    x = rows(3, 6, 3)
    for name in ("last", "steps"):
        found = client.infer(name, {"input": x}, binary=binary)["output"]
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, models[name].predict(x, verbose=0))


@pytest.mark.parametrize("binary", [False, True])
def test_several_inputs_and_outputs(client, models, binary):
    words, facts = RNG.integers(0, 10, (2, 4)), rows(2, 5)
    found = client.infer("two", {"facts": facts, "words": words}, binary=binary)
    one, other = models["two"].predict([words, facts], verbose=0)
    assert list(found) == ["one", "other"]
    np.testing.assert_array_equal(found["one"], one)
    np.testing.assert_array_equal(found["other"], other)
    narrow = client.infer("two", {"facts": facts, "words": words.astype(np.int32)}, binary=binary)
    np.testing.assert_array_equal(narrow["one"], one)


def test_lengths_are_rows_of_different_lengths(client, models):
    x, lengths = rows(3, 5, 3), np.array([5, 2, 1], np.int32)
    ragged = [row[:n] for row, n in zip(x, lengths, strict=True)]
    found = client.infer("last", {"input": x, "lengths": lengths})["output"]
    np.testing.assert_array_equal(found, models["last"].predict(ragged, verbose=0))
    found = client.infer("steps", {"input": x, "lengths": lengths})["output"]
    for y, row in zip(models["steps"].predict(ragged, verbose=0), found, strict=True):
        np.testing.assert_array_equal(row[: len(y)], y)
        assert not row[len(y) :].any()
    full = client.infer("steps", {"input": x, "lengths": np.full(3, 5, np.int32)})["output"]
    np.testing.assert_array_equal(full, models["steps"].predict(x, verbose=0))


def test_a_stateful_model_begins_anew_each_time(client, models):
    x = rows(2, 4, 3)
    models["fixed"].reset_states()
    wanted = models["fixed"].predict(x, batch_size=2, verbose=0)
    for _ in range(2):
        np.testing.assert_array_equal(client.infer("fixed", {"input": x})["output"], wanted)


@pytest.mark.parametrize("binary", [False, True])
def test_a_text_classifier(client, models, binary):
    texts = np.array(["good", "a bad film", ""], object)
    found = client.infer("film", {"text": texts}, binary=binary)
    scores = models["film"].predict_proba(texts.tolist())
    np.testing.assert_array_equal(found["scores"], scores)
    assert found["label"].tolist() == models["film"].predict(texts.tolist()).tolist()
    assert client.get("/v2/models/film")[1]["parameters"] == {"classes": ["neg", "pos"]}


def test_a_forecaster(client, models):
    found, wave = client.infer("wave", {}), models["wave"]
    np.testing.assert_array_equal(found["forecast"][:, 0], wave.predict())
    np.testing.assert_array_equal(found["quantiles"][:, 0, 0], wave.predict_quantiles()[0.1])
    new = np.array([[0.5], [0.7]])
    later = client.infer("wave", {"values": new})["forecast"][:, 0]
    before = len(wave.columns_)
    other = type(wave).load(next_path(client, "wave")).append(new)
    np.testing.assert_array_equal(later, other.predict())
    assert len(wave.columns_) == before
    np.testing.assert_array_equal(client.infer("wave", {})["forecast"], found["forecast"])
    assert len(client.infer("wave", {}, horizon=2)["forecast"]) == 2


def next_path(client, name):
    """The file of a model of the server."""
    return client.folder / f"{name}.safetensors"


@pytest.fixture(autouse=True)
def _folder(client, folder):
    client.folder = folder


def test_a_forecaster_with_dates_and_known_columns(client, models):
    future = np.array([[1.0], [2.0], [3.0]])
    found = client.infer("dated", {"future": future})
    wanted = models["dated"].forecast(future={"price": future[:, 0]})
    np.testing.assert_array_equal(found["forecast"], wanted.point)
    assert found["dates"].tolist() == ["2024-03-01", "2024-03-02", "2024-03-03"]
    later = client.infer("dated", {"future": future, "values": np.array([[0.1, 1.0]])})
    assert later["dates"].tolist() == ["2024-03-02", "2024-03-03", "2024-03-04"]


def test_chosen_outputs_each_in_its_form(client, models):
    words, facts = RNG.integers(0, 10, (2, 4)), rows(2, 5)
    body, _ = infer_body({"words": words, "facts": facts})
    message = json.loads(body)
    message |= {"id": "seven", "outputs": [{"name": "other"}]}
    status, found = client.post("/v2/models/two/infer", message)
    assert status == 200
    assert (found["id"], found["model_name"], found["model_version"]) == ("seven", "two", "1")
    assert [t["name"] for t in found["outputs"]] == ["other"]
    message["outputs"] = [{"name": "other"}, {"name": "one", "parameters": {"binary_data": True}}]
    status, headers, raw = client.ask("POST", "/v2/models/two/infer", json.dumps(message))
    assert (status, headers["Content-Type"]) == (200, "application/octet-stream")
    length = int(headers["Inference-Header-Content-Length"])
    other, one = json.loads(raw[:length])["outputs"]
    assert "data" in other
    assert one["parameters"] == {"binary_data_size": len(raw) - length}


def test_numbers_may_be_nested_or_flat(client, models):
    x = rows(2, 3, 3)
    flat = json.loads(infer_body({"input": x})[0])
    flat["inputs"][0]["data"] = x.reshape(-1).tolist()
    found = client.post("/v2/models/last/infer", flat)[1]["outputs"][0]["data"]
    np.testing.assert_array_equal(
        np.array(found, np.float32), models["last"].predict(x, verbose=0).reshape(-1)
    )


def test_many_clients_at_once_get_their_own_answers(server, models):
    wrong, inputs = [], [rows(1 + i % 3, 4 + i % 2, 3) for i in range(12)]
    wanted = [models["last"].predict(x, verbose=0) for x in inputs]

    def many(i):
        with Client(server) as client:
            for _ in range(12):
                found = client.infer("last", {"input": inputs[i]}, binary=True)["output"]
                if not np.array_equal(found, wanted[i]):
                    wrong.append(i)

    threads = [threading.Thread(target=many, args=(i,)) for i in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_statistics(client):
    before = client.get("/v2/models/last/stats")[1]["model_stats"][0]
    client.infer("last", {"input": rows(3, 2, 3)})
    after = client.get("/v2/models/last/versions/1/stats")[1]["model_stats"][0]
    assert (after["name"], after["version"]) == ("last", "1")
    assert after["inference_count"] - before["inference_count"] == 3
    assert after["execution_count"] - before["execution_count"] == 1
    counts = [s["inference_stats"]["success"]["count"] for s in (before, after)]
    assert counts[1] - counts[0] == 1
    assert after["inference_stats"]["compute_infer"]["ns"] > 0
    assert 3 in [batch["batch_size"] for batch in after["batch_stats"]]
    everything = client.get("/v2/models/stats")[1]["model_stats"]
    assert {"last", "film", "wave"} <= {entry["name"] for entry in everything}


def test_metrics_are_read_by_prometheus(client):
    from prometheus_client.parser import text_string_to_metric_families

    client.infer("steps", {"input": rows(2, 2, 3)})
    client.ask("POST", "/v2/models/steps/infer", b"{")
    client.ask("POST", "/v2/models/no_such/infer", b"{}")
    status, headers, raw = client.ask("GET", "/metrics")
    assert (status, headers.get_content_type()) == (200, "text/plain")
    families = {f.name: f for f in text_string_to_metric_families(raw.decode())}
    names = {"requests", "request_seconds", "queue_seconds", "compute_seconds", "batch_rows"}
    names |= {"queue_length", "model_loaded"}
    assert {f"lstmcore_{name}" for name in names} <= set(families)
    samples = families["lstmcore_requests"].samples
    totals = {
        (s.labels["model"], s.labels["code"]): s.value for s in samples if s.name.endswith("_total")
    }
    assert totals["steps", "200"] >= 1
    assert totals["steps", "400"] >= 1
    assert totals["", "404"] >= 1
    assert not any("no_such" in label for labels in totals for label in labels)
    for name in ("request_seconds", "queue_seconds", "compute_seconds", "batch_rows"):
        samples = [s for s in families[f"lstmcore_{name}"].samples if s.labels["model"] == "steps"]
        values = {(s.name.rpartition("_")[2], s.labels.get("le")): s.value for s in samples}
        assert values["count", None] == values["bucket", "+Inf"] >= 1
        assert values["sum", None] > 0
    loaded = {s.labels["model"]: s.value for s in families["lstmcore_model_loaded"].samples}
    assert loaded["last"] == 1
    assert "process_resident_memory_bytes" in families
