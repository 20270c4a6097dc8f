"""Metrics for Prometheus: requests, times and batches of each model, what is loaded, the process.

Labels are names of models that are, or were, loaded, and codes: a client cannot make new ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily

from .batching import Job
from .engine import Engine
from .served import Served

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 5e-2, 0.1, 0.25, 0.5, 1, 2.5, 10)
_ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 1024)


class Metrics:
    """The metrics of one server."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self._requests = Counter(
            "lstmcore_requests", "Requests answered", ["model", "code"], registry=registry
        )
        self._request, self._queue, self._compute = (
            Histogram(
                f"lstmcore_{name}_seconds", text, ["model"], buckets=_SECONDS, registry=registry
            )
            for name, text in (
                ("request", "From the first byte of a request to its answer"),
                ("queue", "Waiting for the thread of the model"),
                ("compute", "Computation of the batch that a request was in"),
            )
        )
        self._rows = Histogram(
            *("lstmcore_batch_rows", "Rows computed together", ["model"]),
            buckets=_ROWS,
            registry=registry,
        )
        self._children: dict[Any, Any] = {}

    def watch(self, engine: Engine) -> None:
        """Add what is loaded, and what waits, at the time of asking."""
        self.registry.register(_State(engine))

    def request(self, model: str, code: int, seconds: float) -> None:
        """Count a request; `model` is "" for none that is loaded."""
        self._child(self._requests, model, str(code)).inc()
        self._child(self._request, model).observe(seconds)

    def batch(self, served: Served, jobs: list[Job]) -> None:
        """Count a batch that was computed."""
        self._child(self._rows, served.name).observe(jobs[0].together)
        compute, queue = (
            self._child(self._compute, served.name),
            self._child(self._queue, served.name),
        )
        for job in jobs:
            queue.observe((job.started - job.queued) / 1e9)
            compute.observe((job.ended - job.started) / 1e9)

    def _child(self, metric: Any, *labels: str) -> Any:
        """Return a metric with its labels, which prometheus-client would look up under a lock."""
        key = (metric, labels)
        found = self._children.get(key)
        if found is None:
            found = self._children[key] = metric.labels(*labels)
        return found

    def text(self) -> bytes:
        """Return all of it in Prometheus's text format."""
        return generate_latest(self.registry)


class _State:
    """What an engine has at the time of asking."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def collect(self) -> Iterator[GaugeMetricFamily]:
        waiting = GaugeMetricFamily(
            "lstmcore_queue_length", "Requests that wait", labels=["model", "version"]
        )
        loaded = GaugeMetricFamily(
            "lstmcore_model_loaded", "1 where a version is served", labels=["model", "version"]
        )
        for served in self.engine.served():
            labels = [served.name, served.version]
            waiting.add_metric(labels, len(served.worker))
            loaded.add_metric(labels, 1)
        yield waiting
        yield loaded
        if self.engine.sequences is not None:
            alive = GaugeMetricFamily("lstmcore_sequences", "Sequences alive", labels=["model"])
            for name, count in self.engine.sequences.counts().items():
                alive.add_metric([name], count)
            yield alive
