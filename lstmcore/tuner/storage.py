"""Storage of a search, and leases that tell which of its processes are alive.

The default storage is a journal, a file that processes on one file system append to. Other Optuna
storages are given by URL: ``sqlite:///search.db``, ``postgresql://user@host/name``.
"""

from __future__ import annotations

import os
import secrets
import signal
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

TRIES = 10  # to open a database that another program is just filling with tables
HEARTBEAT_TIMEOUT = 300.0  # seconds; a process on another host without a heartbeat is then dead
HEARTBEAT_INTERVAL = 30.0  # seconds
CLAIM_TIMEOUT = 15.0  # seconds for a process to claim its trial, which takes a millisecond


def optuna() -> Any:
    """Import and return Optuna; raise ImportError with the command that installs it."""
    try:
        import optuna
    except ImportError as error:
        raise ImportError("the tuner needs Optuna: pip install lstmcore[tuner]") from error
    return optuna


class _FileLock:
    """Lock on a journal that the system releases when its holder dies.

    Optuna's own locks remain when a process that holds one is killed, and all others then wait for
    half a minute.
    """

    def __init__(self, path: Path) -> None:
        self._path = path.with_name(f"{path.name}.flock")
        self._local = threading.local()

    def acquire(self) -> bool:
        import fcntl

        self._local.file = self._path.open("ab")
        fcntl.flock(self._local.file, fcntl.LOCK_EX)
        return True

    def release(self) -> None:
        self._local.file.close()


def open_storage(storage: Any, folder: Path) -> Any:
    """Open an Optuna storage.

    Parameters
    ----------
    storage : None, str, path-like or Optuna storage
        None: ``study.journal`` in `folder`. A URL, or the path of a journal.
    folder : Path
    """
    module = optuna().storages
    if storage is None:
        storage = folder / "study.journal"
    if isinstance(storage, module.BaseStorage):
        return storage
    if not isinstance(storage, str | os.PathLike):
        wanted = "a path, a URL or an Optuna storage"
        raise TypeError(f"storage: expected {wanted}, got {storage!r:.80}")
    if "://" not in os.fspath(storage):
        path = Path(storage)
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = _FileLock(path)
        _drop_partial_line(path, lock)
        return module.JournalStorage(module.journal.JournalFileBackend(str(path), lock))
    # SQLite allows one writer at a time; the others have to wait.
    options = {"connect_args": {"timeout": 60}} if str(storage).startswith("sqlite") else None
    for again in range(TRIES - 1, -1, -1):
        try:
            return module.RDBStorage(storage, engine_kwargs=options)
        except ImportError as error:
            raise ImportError(f"storage {_without_password(str(storage))}: {error}") from error
        except Exception as error:
            # Two programs that begin a search make the same tables: one of them is too late.
            late = "Integrity" in type(error).__name__ or "already exists" in str(error)
            if late and again:
                time.sleep(0.2)
                continue
            reason = str(error).splitlines() or [type(error).__name__]
            text = f"storage {_without_password(str(storage))} cannot be used: {reason[0]}"
            raise OSError(text) from error
    raise AssertionError("unreachable")


def _without_password(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"


def _drop_partial_line(path: Path, lock: _FileLock) -> None:
    """Remove an incomplete last line, which a crash or power failure may leave."""
    if not path.exists():
        return
    lock.acquire()
    try:
        with path.open("r+b") as file:
            data = file.read()
            if data and not data.endswith(b"\n"):
                file.truncate(data.rfind(b"\n") + 1)
    finally:
        lock.release()


def host_id() -> str:
    """Return a name of this host that changes when it is rebooted."""
    boot = ""
    with suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return f"{socket.gethostname()} {boot}".strip()


class WorkerLease:
    """Lease that shows other processes of a search that this one is alive.

    It holds a lock on a file, which the system releases when the process ends in any way, so
    processes on the same host notice at once. For other hosts it writes a heartbeat, the current
    time, to its trial every half minute.

    Parameters
    ----------
    folder : Path
    """

    def __init__(self, folder: Path) -> None:
        import fcntl

        self.path = folder.resolve() / f"at-work-{os.getpid()}-{secrets.token_hex(4)}.lock"
        self._file = self.path.open("ab")
        fcntl.flock(self._file, fcntl.LOCK_EX)
        self.trial: Any = None
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._send_heartbeats, daemon=True)
        self._thread.start()

    def describe(self) -> dict[str, Any]:
        """Return the value of a trial's "owner" attribute for this process."""
        return {"machine": host_id(), "lock": str(self.path), "pid": os.getpid()}

    def _send_heartbeats(self) -> None:
        while not self._end.wait(HEARTBEAT_INTERVAL):
            if self.trial is not None:
                with suppress(Exception):  # the trial has just ended, or the storage is unreachable
                    self.trial.set_user_attr("beat", time.time())

    def close(self) -> None:
        """Release the lease."""
        self._end.set()
        self._thread.join()
        self.path.unlink(missing_ok=True)
        self._file.close()


@contextmanager
def interrupts_deferred() -> Iterator[None]:
    """Defer SIGINT and SIGTERM until the end of the block."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    received: list[int] = []
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    deferred = [number for number, handler in handlers.items() if handler is not None]
    for number in deferred:
        signal.signal(number, lambda number, _: received.append(number))
    try:
        yield
    finally:
        for number in deferred:
            signal.signal(number, handlers[number])
        for signum in received:
            signal.raise_signal(signum)


def is_dead(trial: Any) -> bool:
    """Return True if no live process executes a running trial."""
    attrs: Mapping[str, Any] = trial.user_attrs
    owner = attrs.get("owner")
    started = trial.datetime_start.timestamp() if trial.datetime_start else 0.0
    if owner is None:
        return bool(time.time() - started > CLAIM_TIMEOUT)
    if owner["machine"] == host_id():
        return not _is_locked(owner["lock"])
    return bool(time.time() - max(started, attrs.get("beat", 0.0)) > HEARTBEAT_TIMEOUT)


def _is_locked(path: str) -> bool:
    import fcntl

    try:
        with open(path, "rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    with suppress(OSError):
        os.remove(path)
    return False
