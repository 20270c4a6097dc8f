"""Where a search is kept: an Optuna storage, and who is at work on it.

By default it is a journal, a file that processes on one file system append to. Anything else that
Optuna can store in has a URL: ``sqlite:///search.db``, ``postgresql://user@host/name``.
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

GRACE = 300.0  # seconds without a beat after which a process on another machine is dead
BEAT = 30.0
CLAIM = 15.0  # seconds that a process has to say that a trial is its own; it needs a millisecond


def optuna() -> Any:
    """Return Optuna, or say how to get it."""
    try:
        import optuna
    except ImportError as error:
        raise ImportError("the tuner needs Optuna: pip install lstmcore[tuner]") from error
    return optuna


class _FileLock:
    """A lock on a journal that the system opens when its holder dies.

    Optuna's own locks stay when a process is killed while it holds one: all others wait for half a
    minute.
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
    """Return an Optuna storage.

    Parameters
    ----------
    storage : None, str, path-like or Optuna storage
        None: ``study.journal`` in `folder`. A URL, or the path of a journal.
    folder : Path
    """
    module = optuna().storages
    if storage is None:
        storage = folder / "study.journal"
    if not isinstance(storage, str | os.PathLike):
        return storage
    if "://" not in os.fspath(storage):
        path = Path(storage)
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = _FileLock(path)
        _repair(path, lock)
        return module.JournalStorage(module.journal.JournalFileBackend(str(path), lock))
    # SQLite lets one process write at a time: the others wait for their turn.
    options = {"connect_args": {"timeout": 60}} if str(storage).startswith("sqlite") else None
    try:
        return module.RDBStorage(storage, engine_kwargs=options)
    except ImportError as error:
        raise ImportError(f"storage {_without_password(str(storage))}: {error}") from error
    except Exception as error:
        reason = str(error).splitlines() or [type(error).__name__]
        text = f"storage {_without_password(str(storage))} cannot be used: {reason[0]}"
        raise OSError(text) from error


def _without_password(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"


def _repair(path: Path, lock: _FileLock) -> None:
    """Cut off a last line that was not written to its end, say for want of power."""
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
    """A name of this machine since it was started."""
    boot = ""
    with suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return f"{socket.gethostname()} {boot}".strip()


class Presence:
    """Says that a process is at work, for as long as it lives.

    It holds a lock on a file, which the system lets go when the process ends, however that comes
    about: so that others on the machine know at once. For those elsewhere the trial that it works
    on has a beat, the time, every half minute.

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
        self._thread = threading.Thread(target=self._beats, daemon=True)
        self._thread.start()

    def describe(self) -> dict[str, Any]:
        """What a trial says of the process that works on it."""
        return {"machine": host_id(), "lock": str(self.path), "pid": os.getpid()}

    def _beats(self) -> None:
        while not self._end.wait(BEAT):
            if self.trial is not None:
                with suppress(Exception):  # the trial is over by now, or the storage is away
                    self.trial.set_user_attr("beat", time.time())

    def close(self) -> None:
        """The process is no longer at work."""
        self._end.set()
        self._thread.join()
        self.path.unlink(missing_ok=True)
        self._file.close()


@contextmanager
def undisturbed() -> Iterator[None]:
    """Let Ctrl-C, and the end that others wish for, come after the block and not within."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    mine = [number for number, handler in before.items() if handler is not None]
    for number in mine:
        signal.signal(number, lambda number, _: came.append(number))
    try:
        yield
    finally:
        for number in mine:
            signal.signal(number, before[number])
        for late in came:
            signal.raise_signal(late)


def is_dead(trial: Any) -> bool:
    """Whether a trial is running in a study, and no process is at work on it."""
    attrs: Mapping[str, Any] = trial.user_attrs
    owner = attrs.get("owner")
    started = trial.datetime_start.timestamp() if trial.datetime_start else 0.0
    if owner is None:
        return bool(time.time() - started > CLAIM)
    if owner["machine"] == host_id():
        return not _is_held(owner["lock"])
    return bool(time.time() - max(started, attrs.get("beat", 0.0)) > GRACE)


def _is_held(path: str) -> bool:
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
