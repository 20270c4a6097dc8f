"""``python -m benchmarks.serving.load``: see the package."""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lstmcore import Input, Sequential, layers

STEPS, FEATURES = 20, 8
HERE = Path(__file__).parent


@dataclass(frozen=True)
class Load:
    """What a run of the client has measured; times in microseconds."""

    seconds: float
    p50: float
    p90: float
    p99: float
    longest: float
    wrong: int
    requests: int

    @property
    def rate(self) -> float:
        return self.requests / self.seconds


def save_models(folder: Path) -> None:
    """Save a small model and a large one."""
    for name, sizes in (("small", (64, 64)), ("large", (512,))):
        stack = [layers.LSTM(n, return_sequences=i + 1 < len(sizes)) for i, n in enumerate(sizes)]
        model = Sequential([Input((None, FEATURES)), *stack, layers.Dense(1)])
        model.save(folder / f"{name}.safetensors")


def write_request(path: Path, model: str, binary: bool) -> None:
    """Write the bytes of a request for one row."""
    x = np.random.default_rng(0).normal(size=(1, STEPS, FEATURES)).astype(np.float32)
    entry = {"name": "input", "datatype": "FP32", "shape": list(x.shape)}
    message, tail = {"inputs": [entry]}, b""
    if binary:
        entry["parameters"] = {"binary_data_size": x.nbytes}
        message["parameters"], tail = {"binary_data_output": True}, x.tobytes()
    else:
        entry["data"] = x.tolist()
    text = json.dumps(message).encode()
    head = [
        f"POST /v2/models/{model}/infer HTTP/1.1",
        "Host: localhost",
        f"Content-Length: {len(text) + len(tail)}",
        *([f"Inference-Header-Content-Length: {len(text)}"] if binary else []),
    ]
    path.write_bytes("\r\n".join([*head, "", ""]).encode() + text + tail)


class Bench:
    """A folder with models, requests and the client."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.models = folder / "models"
        self.models.mkdir()
        save_models(self.models)
        self.client = folder / "client"
        compiler = os.environ.get("CC", "cc")
        subprocess.run([compiler, "-O2", "-o", self.client, HERE / "client.c"], check=True)
        for model in ("small", "large"):
            for binary in (False, True):
                write_request(self.request(model, binary), model, binary)
        live = b"GET /v2/health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"
        (folder / "live").write_bytes(live)

    def request(self, model: str, binary: bool) -> Path:
        """Return the file of a request."""
        return self.folder / f"{model}-{'binary' if binary else 'json'}"

    @contextmanager
    def server(self, *options: str) -> Iterator[tuple[int, int]]:
        """Start a server; yield its port and its process."""
        argv = [sys.executable, "-m", "lstmcore", "serve", str(self.models), "--port", "0"]
        process = subprocess.Popen(
            [*argv, "--drain", "0", "--poll", "0", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert process.stdout is not None
        try:
            found = re.search(r":(\d+)$", process.stdout.readline())
            assert found, "the server did not start"
            yield int(found[1]), process.pid
        finally:
            process.terminate()
            process.communicate()

    def load(self, port: int, connections: int, requests: int, file: Path) -> Load:
        """Send requests, and return what the client says."""
        argv = [self.client, str(port), str(connections), str(requests), file]
        text = subprocess.run(argv, check=True, capture_output=True, text=True).stdout
        *times, wrong = text.split()
        return Load(*map(float, times), int(wrong), requests)


def resident(pid: int) -> float:
    """Return the resident memory of a process in MB."""
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    assert found
    return int(found[1]) / 1024


def say(what: str, load: Load) -> None:
    """Print one line of results."""
    times = f"p50 {load.p50:6.0f}  p90 {load.p90:6.0f}  p99 {load.p99:6.0f} us"
    wrong = f"  {load.wrong} NOT 200" if load.wrong else ""
    print(f"{what:<44} {times}  {load.rate:7.0f}/s{wrong}", flush=True)


def latency(bench: Bench, scale: float) -> None:
    """One row of a small model: alone, and by 16 clients."""
    print(f"LSTM(64) x 2, one row of {STEPS} steps")
    count = int(4000 * scale)
    with bench.server() as (port, _):
        for binary in (True, False):
            bench.load(port, 16, 2000, bench.request("small", binary))  # warm
        say("  /v2/health/live, 1 client", bench.load(port, 1, count, bench.folder / "live"))
        for binary in (True, False):
            for connections in (1, 16):
                what = f"  {'binary' if binary else 'JSON'}, {connections} client(s)"
                file = bench.request("small", binary)
                say(what, bench.load(port, connections, count, file))


def batching(bench: Bench, scale: float) -> None:
    """A large model by 64 clients, with batches and without."""
    print(f"LSTM(512), one row of {STEPS} steps, 64 clients")
    rates = []
    for most in ("1", "64"):
        with bench.server("--max-batch", most) as (port, _):
            file = bench.request("large", binary=True)
            bench.load(port, 64, 200, file)
            found = bench.load(port, 64, int(1500 * scale), file)
            say(f"  --max-batch {most}", found)
            rates.append(found.rate)
    print(f"  batches: {rates[1] / rates[0]:.1f} times as many")


def memory(bench: Bench, requests: int) -> None:
    """The slope of the resident memory over many requests."""
    with bench.server() as (port, pid):
        file = bench.request("small", binary=True)
        bench.load(port, 16, 20_000, file)
        sizes = [resident(pid)]
        for _ in range(4):
            bench.load(port, 16, requests // 4, file)
            sizes.append(resident(pid))
    slope = np.polyfit(np.arange(5) * (requests // 4), sizes, 1)[0] * 1e6
    said = ", ".join(f"{size:.1f}" for size in sizes)
    print(f"memory over {requests:,} requests: {said} MB; {slope:+.1f} MB per million")


def main() -> None:
    """Execute the command."""
    parser = argparse.ArgumentParser(description="The speed of lstmcore serve.")
    parser.add_argument("--part", choices=("latency", "batching", "memory"), action="append")
    parser.add_argument("--scale", type=float, default=1.0, help="of the number of requests")
    parser.add_argument("--requests", type=int, default=200_000, help="for the memory")
    args = parser.parse_args()
    parts = args.part or ["latency", "batching", "memory"]
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        if "latency" in parts:
            latency(bench, args.scale)
        if "batching" in parts:
            batching(bench, args.scale)
        if "memory" in parts:
            memory(bench, args.requests)


if __name__ == "__main__":
    main()
