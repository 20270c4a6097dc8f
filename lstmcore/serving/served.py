"""Served: one version of one model with its thread, alive as long as somebody uses it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from .adapter import Adapter
from .batching import Job, Worker
from .limits import Limits
from .statistics import Statistics


@dataclass
class Served:
    """One version of a model.

    Only the thread of the event loop calls its methods. Whoever needs the version for longer than
    one request, as a sequence does, calls `hold`, and `release` at the end: a version that was
    replaced keeps its thread until then.

    Parameters
    ----------
    name, version : str
    adapter : Adapter
        What it takes and gives; `adapter.model` is the network, for streams.
    limits : Limits
    observe : callable, optional
        Called with this and the jobs of each batch.

    Attributes
    ----------
    worker : Worker
        All work on the model goes through its `submit`.
    statistics : Statistics
    """

    name: str
    version: str
    adapter: Adapter
    limits: Limits
    observe: Callable[[Served, list[Job]], None] | None = None
    statistics: Statistics = field(default_factory=Statistics)
    _holders: int = 0
    _retired: bool = False

    def __post_init__(self) -> None:
        limits = self.limits
        name = f"lstmcore {self.name}/{self.version}"
        self.worker = Worker(name, limits.max_batch, limits.max_queue, self._observe)

    def _observe(self, jobs: list[Job]) -> None:
        self.statistics.add_batch(jobs)
        if self.observe is not None:
            self.observe(self, jobs)

    def hold(self) -> None:
        """Keep the version alive until `release`."""
        self._holders += 1

    def release(self) -> None:
        """Undo one `hold`."""
        self._holders -= 1
        self._close_if_unused()

    def retire(self) -> None:
        """Let the version go: it was replaced or unloaded."""
        self._retired = True
        self._close_if_unused()

    def _close_if_unused(self) -> None:
        if self._retired and not self._holders:
            self.worker.close()

    def metadata(self, versions: list[str]) -> dict[str, object]:
        """Return the protocol's metadata of the model."""
        adapter = self.adapter
        found: dict[str, object] = {
            "name": self.name,
            "versions": versions,
            "platform": "lstmcore",
            "inputs": [spec.describe() for spec in adapter.inputs],
            "outputs": [spec.describe() for spec in adapter.outputs],
        }
        optional = [spec.name for spec in adapter.inputs if spec.optional]
        parameters = {**adapter.details, **({"optional_inputs": optional} if optional else {})}
        if parameters:
            found["parameters"] = parameters
        return found
