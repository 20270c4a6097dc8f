"""Metrics for Prometheus: requests, times and batches of each model, what is loaded, the process.

Labels are names of models that are, or were, loaded, and codes: a client cannot make new ones.
All of it happens in the thread of the event loop, so numbers are added up without locks;
prometheus-client makes the text.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from .batching import Job
from .engine import Engine
from .served import Served

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 5e-2, 0.1, 0.25, 0.5, 1, 2.5, 10)
_ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 1024)


class Histograms:
    """A histogram for each model.

    Parameters
    ----------
    name, text : str
        Of the metric.
    bounds : sequence of float
        Upper bounds of the buckets; one without a bound follows.
    """

    def __init__(self, name: str, text: str, bounds: Sequence[float]) -> None:
        self.name, self.text, self.bounds = name, text, bounds
        self.counts: dict[str, list[int]] = {}
        self.sums: dict[str, float] = {}

    def add(self, model: str, value: float) -> None:
        """Count a value."""
        counts = self.counts.get(model)
        if counts is None:
            counts = self.counts[model] = [0] * (len(self.bounds) + 1)
            self.sums[model] = 0.0
        counts[bisect_left(self.bounds, value)] += 1
        self.sums[model] += value

    def family(self) -> Metric:
        """Return all of it for Prometheus."""
        found = HistogramMetricFamily(self.name, self.text, labels=["model"])
        names = [*map(str, map(float, self.bounds)), "+Inf"]
        for model, counts in self.counts.items():
            buckets = list(zip(names, accumulate(counts), strict=True))
            found.add_metric([model], buckets, self.sums[model])
        return found


class Metrics:
    """The metrics of one server."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._requests: dict[tuple[str, int], int] = {}
        self._request = Histograms(
            "lstmcore_request_seconds", "From a request's headers to its answer", _SECONDS
        )
        self._queue = Histograms("lstmcore_queue_seconds", "Waiting for the model", _SECONDS)
        self._compute = Histograms(
            "lstmcore_compute_seconds", "Computation of a request's batch", _SECONDS
        )
        self._rows = Histograms("lstmcore_batch_rows", "Rows computed together", _ROWS)

    def watch(self, engine: Engine) -> None:
        """Collect what was counted, and what the engine has at the time of asking."""
        self._engine = engine
        self.registry.register(self)

    def request(self, model: str, code: int, seconds: float) -> None:
        """Count a request; `model` is "" for none that is loaded."""
        key = (model, code)
        self._requests[key] = self._requests.get(key, 0) + 1
        self._request.add(model, seconds)

    def batch(self, served: Served, jobs: list[Job]) -> None:
        """Count a batch that was computed."""
        name, first = served.name, jobs[0]
        self._rows.add(name, first.together)
        computed = (first.ended - first.started) / 1e9
        for job in jobs:
            self._queue.add(name, (job.started - job.queued) / 1e9)
            self._compute.add(name, computed)

    def text(self) -> bytes:
        """Return all of it in Prometheus's text format."""
        return generate_latest(self.registry)

    def collect(self) -> Iterator[Metric]:
        """Yield all metrics but those of the process; for the registry."""
        requests = CounterMetricFamily(
            "lstmcore_requests", "Requests answered", labels=["model", "code"]
        )
        for (model, code), count in self._requests.items():
            requests.add_metric([model, str(code)], count)
        yield requests
        for histograms in (self._request, self._queue, self._compute, self._rows):
            yield histograms.family()
        yield from self._state()

    def _state(self) -> Iterator[Metric]:
        labels = ["model", "version"]
        waiting = GaugeMetricFamily("lstmcore_queue_length", "Requests that wait", labels=labels)
        loaded = GaugeMetricFamily("lstmcore_model_loaded", "1 where it is served", labels=labels)
        for served in self._engine.served():
            waiting.add_metric([served.name, served.version], len(served.worker))
            loaded.add_metric([served.name, served.version], 1)
        yield waiting
        yield loaded
        if self._engine.sequences is not None:
            alive = GaugeMetricFamily("lstmcore_sequences", "Sequences alive", labels=["model"])
            for name, count in self._engine.sequences.counts().items():
                alive.add_metric([name], count)
            yield alive
