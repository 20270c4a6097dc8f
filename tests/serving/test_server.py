"""The server's process: its end, its logs, its command."""

import http.client
import json
import logging
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from serving_cases import Client, RefusedError, in_loop, infer_body, last_model, running

from lstmcore import cli
from lstmcore.serving import logs

X = np.ones((1, 3, 3), np.float32)


@pytest.fixture
def one(tmp_path):
    """A folder of one model."""
    last_model().save(tmp_path / "m.safetensors")
    return tmp_path


def test_the_end_is_orderly(one):
    """Not ready at once, normal service while it drains, then 503, and what is under way ends."""
    begun, release, answers = threading.Event(), threading.Event(), []

    def slow(payloads):
        begun.set()
        release.wait(10)
        return [{"output": np.ones((1, 1))}]

    with running(one, drain=0.4) as server, Client(server) as client, Client(server) as other:
        in_loop(server, server.stop)
        status, found = client.get("/v2/health/ready")
        assert (status, found) == (503, {"ready": False})
        assert client.get("/v2/health/live")[0] == 200
        assert client.get("/v2/models/m/ready")[0] == 503
        client.infer("m", {"input": X})
        _, headers, _ = client.ask("GET", "/v2")
        assert headers["Connection"] == "close"
        server.engine.find("m").adapter.compute = slow
        thread = threading.Thread(target=lambda: answers.append(other.infer("m", {"input": X})))
        thread.start()
        assert begun.wait(5)
        while not server.engine.stopping.is_set():
            time.sleep(0.01)
        with pytest.raises(RefusedError, match="503: the server is stopping"):
            client.infer("m", {"input": X})
        time.sleep(0.3)
        assert not server._uvicorn.should_exit  # one request is still under way
        release.set()
        thread.join()
    assert answers[0]["output"] == 1


def test_a_second_signal_ends_it_at_once(one):
    with running(one, drain=60) as server:
        in_loop(server, server.stop)
        in_loop(server, server.stop)


def test_port_in_use(one, capsys):
    with running(one) as server:
        code = cli.main(["serve", str(one), "--port", str(server.port)])
    assert code == 1
    error = capsys.readouterr().err
    assert error.startswith(f"lstmcore: cannot listen on 127.0.0.1, port {server.port}: ")


@pytest.mark.parametrize(
    ("argv", "text"),
    [
        (["no_such_folder"], "lstmcore: no_such_folder is no folder: give one that has models"),
        ([".", "--token-file", "none"], "No such file or directory: 'none'"),
        ([".", "--token-file", "two.txt"], "lstmcore: two.txt: expected one token, got 2 words"),
    ],
)
def test_errors_of_the_command(tmp_path, monkeypatch, capsys, argv, text):
    monkeypatch.chdir(tmp_path)
    Path("two.txt").write_text("one two")
    assert cli.main(["serve", *argv]) == 1
    assert text in capsys.readouterr().err


def test_a_missing_extra_is_said(monkeypatch, capsys):
    monkeypatch.setattr("lstmcore.cli.common.find_spec", lambda name: None)
    assert cli.main(["serve", "."]) == 1
    assert (
        capsys.readouterr().err == "lstmcore: serve needs starlette: pip install lstmcore[serve]\n"
    )


def test_logs():
    record = logging.makeLogRecord({"msg": "model %s", "args": ("m",), "levelno": logging.INFO})
    record.levelname, record.reason = "INFO", "none"
    found = json.loads(logs.JSONFormatter().format(record))
    assert found.pop("time").endswith("+00:00")
    assert found == {"level": "info", "event": "model m", "reason": "none"}
    assert logs.TextFormatter().format(record).endswith("INFO model m reason=none")
    try:
        raise ValueError("inside")
    except ValueError:
        record.exc_info = sys.exc_info()
    assert "ValueError: inside" in json.loads(logs.JSONFormatter().format(record))["trace"]


def test_access_log(one, caplog):
    with running(one, access_log=True) as server, Client(server) as client:
        caplog.set_level(logging.INFO, "lstmcore.serving")
        client.get("/v2/models/m")
        client.ask("GET", "/nothing")
    found = [r for r in caplog.records if r.getMessage() == "request"]
    assert [(r.method, r.path, r.status) for r in found] == [
        ("GET", "/v2/models/m", 200),
        ("GET", "/nothing", 404),
    ]


def start(folder, *options):
    """A server in a process of its own, and its port."""
    process = subprocess.Popen(
        [sys.executable, "-m", "lstmcore", "serve", str(folder), "--port", "0", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    line = process.stdout.readline()
    port = re.fullmatch(r"serving 1 models of .* at http://127\.0\.0\.1:(\d+)\n", line)
    assert port, (line, process.communicate())
    return process, int(port[1])


@pytest.mark.slow
def test_sigterm_under_load_loses_nothing(one):
    """Every request that was sent is answered, with outputs or 503, and the process ends with 0."""
    process, port = start(one, "--drain", "1")
    body, headers = infer_body({"input": X}, binary=True)
    sent, answered, refused = [0] * 8, [0] * 8, []

    def ask(i):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=100)
        while True:
            try:
                connection.connect()
            except ConnectionRefusedError:
                return  # it has ended: nothing was sent
            while True:
                sent[i] += 1
                connection.request("POST", "/v2/models/m/infer", body, headers)
                answer = connection.getresponse()
                answer.read()
                answered[i] += 1
                if answer.status == 503:
                    refused.append(answer.headers["Retry-After"])
                    return
                assert answer.status == 200
                if answer.headers["Connection"] == "close":
                    break
            connection.close()

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    process.send_signal(signal.SIGTERM)
    for thread in threads:
        thread.join()
    _, log = process.communicate(timeout=100)
    assert process.returncode == 0
    assert sent == answered
    assert min(answered) > 10
    assert all(wait == "5" for wait in refused)
    assert [json.loads(line)["event"] for line in log.splitlines()].count("draining") == 1


@pytest.mark.slow
def test_memory_is_flat(one):
    """Many requests of changing sizes leave the server as large as it was."""
    process, port = start(one, "--drain", "0")
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=100)
    requests = [infer_body({"input": np.ones((i, 4, 3), np.float32)}, True) for i in (1, 2, 5)]

    def resident():
        for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1024
        return None

    def ask(count):
        for i in range(count):
            body, headers = requests[i % 3]
            connection.request("POST", "/v2/models/m/infer", body, headers)
            connection.getresponse().read()

    try:
        ask(3_000)
        before = resident()
        ask(15_000)
        assert resident() - before < 2
    finally:
        connection.close()
        process.terminate()
        process.communicate(timeout=100)
