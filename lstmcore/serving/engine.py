"""The engine that all transports call: models by name and version, and `Engine.infer`.

The interface, for transports (all of it in the thread of the event loop):

* ``await engine.infer(name, version, inputs, parameters) -> Answer``: `inputs` are arrays by name
  (numbers in the protocol's datatypes, texts as arrays of str objects), `version` may be "". It
  raises a `ServingError`, whose `status` and text are the client's; whatever else happens is
  logged and becomes `InternalError`.
* ``engine.find(name, version="") -> Served``: for metadata, and for what lives longer than a
  request: ``served.hold()``, ``served.adapter.model.stream()`` in ``served.worker.submit(payload,
  execute, key=..., rows=...)``, ``served.release()``. A version that was replaced goes on for
  those that hold it.
* ``engine.sequences``: None, or a `SequenceHandler` that gets the requests with a `sequence_id`.
* ``engine.admit()``: raises `UnavailableError` once new work is refused; `engine.infer` calls it.
* ``engine.draining``: True after SIGTERM: not ready, but still working. ``engine.stopping`` is set
  when new work is refused: what lives long ends then (``await engine.stopping.wait()``).
* ``engine.count(name, code, seconds)``: for the metrics; every transport calls it once a request.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from .._version import __version__
from ..names import nearest
from ..validation import Array
from .batching import Job
from .errors import (
    BadRequestError,
    DeadlineError,
    InternalError,
    NotFoundError,
    ServingError,
    UnavailableError,
)
from .limits import Limits
from .opening import open_adapter
from .repository import Found, ModelFile, Repository
from .served import Served

log = logging.getLogger("lstmcore.serving")
_SEQUENCE = ("sequence_id", "sequence_start", "sequence_end")
_PARAMETERS = ("timeout", "priority", *_SEQUENCE)
EXTENSIONS = ("binary_tensor_data", "statistics", "sequence", "sequence(string_id)", "generate")


@dataclass(frozen=True)
class Answer:
    """Outputs of a model.

    Parameters
    ----------
    model, version : str
    outputs : dict of str to ndarray
    """

    model: str
    version: str
    outputs: dict[str, Array]


class SequenceHandler(Protocol):
    """What answers the requests of sequences."""

    def counts(self) -> Mapping[str, int]:
        """Return the number of sequences that are alive, by model."""

    async def infer(
        self, served: Served, inputs: Mapping[str, Array], parameters: Mapping[str, Any]
    ) -> tuple[Served, dict[str, Array]]:
        """Return the outputs of the next steps of a sequence, and the version that gave them."""


class Observer(Protocol):
    """What is told of requests and batches: the metrics."""

    def request(self, model: str, code: int, seconds: float) -> None:
        """Count a request."""

    def batch(self, served: Served, jobs: list[Job]) -> None:
        """Count a batch."""


@dataclass
class Entry:
    """What is served of one model.

    Parameters
    ----------
    versions : dict of str to Served
    fingerprints : dict of str to tuple
        Of the files that were last tried, whether they could be read or not.
    problems : dict of str to str
        Why the file of a version could not be read; "" for the version: the whole model.
    """

    versions: dict[str, Served]
    fingerprints: dict[str, tuple[Any, ...]]
    problems: dict[str, str]


class Engine:
    """Models of a folder, and their inference; see the module.

    Parameters
    ----------
    repository : Repository
    limits : Limits, optional
    observer : Observer, optional
    """

    def __init__(
        self,
        repository: Repository,
        limits: Limits | None = None,
        observer: Observer | None = None,
    ) -> None:
        self.repository, self.limits, self.observer = repository, limits or Limits(), observer
        self.entries: dict[str, Entry] = {}
        self.unloaded: set[str] = set()
        self.sequences: SequenceHandler | None = None
        self.extensions = list(EXTENSIONS)
        self.draining, self.stopping = False, asyncio.Event()
        self._refreshing = asyncio.Lock()

    # -- models ----------------------------------------------------------------------------

    def find(self, name: str, version: str = "") -> Served:
        """Return a version of a model, by default the latest.

        Raises
        ------
        NotFoundError
            If there is none.
        """
        entry = self.entries.get(name)
        if entry is None or not entry.versions:
            names = sorted(n for n, e in self.entries.items() if e.versions)
            raise NotFoundError(f"no model {name!r:.80}: {nearest(name[:80], names)}")
        if not version:
            return entry.versions[max(entry.versions, key=int)]
        found = entry.versions.get(version)
        if found is None:
            versions = ", ".join(sorted(entry.versions, key=int))
            raise NotFoundError(f"model {name!r}: no version {version!r:.80}: there is {versions}")
        return found

    def served(self) -> list[Served]:
        """Return all versions of all models that are served."""
        return [s for name in sorted(self.entries) for s in self.entries[name].versions.values()]

    def metadata(self, name: str, version: str = "") -> dict[str, Any]:
        """Return the protocol's metadata of a model."""
        found = self.find(name, version)
        return found.metadata(sorted(self.entries[name].versions, key=int))

    def describe(self) -> dict[str, Any]:
        """Return the protocol's metadata of the server."""
        return {"name": "lstmcore", "version": __version__, "extensions": self.extensions}

    @property
    def ready(self) -> bool:
        """False after SIGTERM."""
        return not self.draining

    # -- inference -------------------------------------------------------------------------

    def admit(self) -> None:
        """Raise UnavailableError if new work is refused."""
        if self.stopping.is_set():
            raise UnavailableError("the server is stopping", retry_after=5)

    def count(self, name: str, code: int, seconds: float) -> None:
        """Count a request in the metrics; a name that is not loaded counts as ""."""
        if self.observer is not None:
            self.observer.request(name if name in self.entries else "", code, seconds)

    async def infer(
        self,
        name: str,
        version: str,
        inputs: Mapping[str, Array],
        parameters: Mapping[str, Any],
    ) -> Answer:
        """Return the outputs of a model for a request; see the module.

        Raises
        ------
        ServingError
            The answer in place of outputs.
        """
        self.admit()
        served, started = self.find(name, version), time.perf_counter_ns()
        outcome = "fail"
        try:
            served, outputs = await self._outputs(served, inputs, parameters)
            outcome = "success"
        except ServingError:
            raise
        except (ValueError, TypeError, IndexError) as error:
            raise BadRequestError(f"model {name!r}: {error}") from error
        except MemoryError as error:
            raise UnavailableError("there is not enough memory for this request") from error
        except Exception as error:
            log.exception("inference failed", extra={"model": name, "version": served.version})
            raise InternalError from error
        finally:
            served.statistics.add(outcome, time.perf_counter_ns() - started)
        return Answer(name, served.version, outputs)

    async def _outputs(
        self, served: Served, inputs: Mapping[str, Array], parameters: Mapping[str, Any]
    ) -> tuple[Served, dict[str, Array]]:
        adapter = served.adapter
        for key in parameters:
            if key not in _PARAMETERS and key not in adapter.known_parameters:
                known = (*_PARAMETERS, *adapter.known_parameters)
                raise BadRequestError(f"parameters: unknown {key!r:.80}: {nearest(key, known)}")
        seconds = served.limits.seconds(parameters)
        if parameters.get("sequence_id", 0) not in (0, ""):
            if self.sequences is None:
                raise BadRequestError("sequence_id: this server keeps no sequences")
            return await self.sequences.infer(served, inputs, parameters)
        work = adapter.accept(inputs, parameters)
        served.limits.check_sizes(work.rows, work.steps)
        size = work.rows * work.steps
        future = served.worker.submit(
            work.payload, adapter.compute, key=work.key, rows=work.rows, size=size
        )
        return served, await within(seconds, future)

    # -- the folder ------------------------------------------------------------------------

    async def refresh(self, only: str | None = None) -> None:
        """Load what is new in the folder, or changed, and let go what is no longer there.

        A version is loaded and warmed beside the old one, and takes its place at once. One that
        cannot be read leaves the old one serving.
        """
        async with self._refreshing:
            found = await asyncio.to_thread(self.repository.scan)
            for name in sorted({*found, *self.entries} if only is None else {only}):
                if name not in self.unloaded:
                    await self._refresh(name, found.get(name))

    async def _refresh(self, name: str, found: Found | None) -> None:
        if found is None:
            self._remove(name)
            return
        entry = self.entries.setdefault(name, Entry({}, {}, {}))
        if found.problem:
            if entry.problems.get("") != found.problem:
                log.warning("model not loaded", extra={"model": name, "reason": found.problem})
            entry.problems[""] = found.problem
            return
        entry.problems.pop("", None)
        for number, file in found.files.items():
            if entry.fingerprints.get(str(number)) != file.fingerprint:
                await self._load(entry, name, str(number), file, found.limits)
        kept = {str(number) for number in found.files}
        if any(version in entry.versions for version in kept):  # else the old ones go on
            for version in [v for v in entry.versions if v not in kept]:
                entry.versions.pop(version).retire()
        for version in [v for v in entry.fingerprints if v not in kept]:
            entry.fingerprints.pop(version)
            entry.problems.pop(version, None)

    async def _load(
        self, entry: Entry, name: str, version: str, file: ModelFile, settings: Mapping[str, int]
    ) -> None:
        entry.fingerprints[version] = file.fingerprint
        extra = {"model": name, "version": version}
        try:
            adapter = await asyncio.to_thread(open_adapter, file.path)
        except Exception as error:  # a file is data from outside
            reason = str(error).replace(f"{self.repository.folder}{os.sep}", "")  # clients see it
            entry.problems[version] = reason
            log.warning("model not loaded", extra={**extra, "reason": reason})
            return
        try:
            await asyncio.to_thread(adapter.warm)
        except Exception as error:  # some take no zeros; their first request is a little slower
            log.info("model not warmed", extra={**extra, "reason": str(error)})
        limits = self.limits.with_settings(settings)
        observe = None if self.observer is None else self.observer.batch
        new, old = Served(name, version, adapter, limits, observe), entry.versions.get(version)
        entry.versions[version] = new
        entry.problems.pop(version, None)
        if old is not None:
            old.retire()
        log.info("model loaded", extra=extra)

    def _remove(self, name: str) -> None:
        entry = self.entries.pop(name, None)
        if entry is not None:
            for served in entry.versions.values():
                served.retire()
            log.info("model removed", extra={"model": name})

    async def load(self, name: str) -> None:
        """Load a model of the folder, also one that was unloaded.

        Raises
        ------
        BadRequestError
            If the folder has none, or it cannot be read.
        """
        self.unloaded.discard(name)
        await self.refresh(name)
        entry = self.entries.get(name)
        if entry is None:
            raise BadRequestError(f"no model {name!r:.80} in the folder of models")
        if entry.problems:
            raise BadRequestError(f"model {name!r}: {'; '.join(entry.problems.values())}")

    async def unload(self, name: str) -> None:
        """Let a model go, and do not load it again before `load`."""
        if name not in self.entries:
            raise BadRequestError(f"no model {name!r:.80} is loaded")
        async with self._refreshing:
            self.unloaded.add(name)
            self._remove(name)

    def index(self) -> list[dict[str, str]]:
        """Return the state of every version of every model."""
        found = []
        for name, entry in sorted(self.entries.items()):
            whole = entry.problems.get("", "")
            versions = {*entry.versions, *entry.problems} - {""} or {""}
            for version in sorted(versions, key=lambda v: int(v or 0)):
                reason = entry.problems.get(version, whole)
                if reason and version in entry.versions:
                    reason += "; the version before is served"
                state = "UNAVAILABLE" if reason else "READY"
                found.append({"name": name, "version": version, "state": state, "reason": reason})
        unloaded = sorted(self.unloaded - set(self.entries))
        return found + [
            {"name": name, "version": "", "state": "UNAVAILABLE", "reason": "unloaded"}
            for name in unloaded
        ]

    def close(self) -> None:
        """Let all models go."""
        for name in list(self.entries):
            self._remove(name)


async def within(seconds: float, future: asyncio.Future[Any]) -> Any:
    """Return the result of a future; raise DeadlineError if it takes longer than this."""
    if future.done():
        return future.result()

    def expire() -> None:
        if not future.done():
            future.set_exception(DeadlineError(f"there was no answer within {seconds:g} s"))

    timer = asyncio.get_running_loop().call_later(seconds, expire)
    try:
        return await future
    finally:
        timer.cancel()
