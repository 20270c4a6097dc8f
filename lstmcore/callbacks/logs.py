"""CSVLogger and LambdaCallback: logs written to a file, and hooks from functions."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable
from typing import Any, TextIO

import numpy as np

from ..names import nearest
from ..validation import file_path
from .base import HOOKS, OLD_NAMES, Callback, Logs


class CSVLogger(Callback):
    """Write the logs of every epoch to a CSV file.

    Parameters
    ----------
    filename : path-like
    separator : str, default ","
    append : bool, default False
        Append to an existing file.
    """

    writes = True

    def __init__(
        self, filename: str | os.PathLike[str], separator: str = ",", append: bool = False
    ) -> None:
        self.filename, self.separator = file_path("CSVLogger: filename", filename), separator
        self.append = bool(append)
        self._file: TextIO | None = None
        self._keys: list[str] | None = None
        self._end = 0  # position of the next row; anything after it is truncated

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.close()
        self._file = open(self.filename, "a", newline="")  # noqa: SIM115 - `close` closes it
        self._keys = None
        self._end = self._file.tell() if self.append else 0

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        logs, file = logs or {}, self._file
        if file is None:
            return
        file.truncate(self._end)
        writer = csv.writer(file, delimiter=self.separator)
        if self._keys is None:
            self._keys = sorted(logs)
            if not any(key.startswith("val_") for key in self._keys):
                self._keys += [f"val_{key}" for key in self._keys]
            if not self._end:
                writer.writerow(["epoch", *self._keys])
        writer.writerow([epoch, *(_cell(logs.get(key, "NA")) for key in self._keys)])
        file.flush()
        self._end = file.tell()

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def get_state(self) -> dict[str, Any]:
        return {"keys": self._keys, "end": self._end}

    def set_state(self, state: dict[str, Any]) -> None:
        self._keys = state["keys"]
        self._end = min(state["end"], os.path.getsize(self.filename))


def _cell(value: Any) -> Any:
    if isinstance(value, str) or np.ndim(value) == 0:
        return value
    return f'"[{", ".join(map(str, value))}]"'


class LambdaCallback(Callback):
    """A callback whose hooks are the given functions.

    Parameters
    ----------
    on_epoch_begin, on_epoch_end : callable, optional
        ``f(epoch, logs)``.
    on_train_begin, on_train_end : callable, optional
        ``f(logs)``.
    on_train_batch_begin, on_train_batch_end : callable, optional
        ``f(batch, logs)``.
    **kwargs
        Any other hook of `Callback`.
    """

    def __init__(
        self,
        on_epoch_begin: Callable[..., object] | None = None,
        on_epoch_end: Callable[..., object] | None = None,
        on_train_begin: Callable[..., object] | None = None,
        on_train_end: Callable[..., object] | None = None,
        on_train_batch_begin: Callable[..., object] | None = None,
        on_train_batch_end: Callable[..., object] | None = None,
        **kwargs: Callable[..., object] | None,
    ) -> None:
        given = {
            "on_epoch_begin": on_epoch_begin,
            "on_epoch_end": on_epoch_end,
            "on_train_begin": on_train_begin,
            "on_train_end": on_train_end,
            "on_train_batch_begin": on_train_batch_begin,
            "on_train_batch_end": on_train_batch_end,
            **kwargs,
        }
        hooks = (*HOOKS, *OLD_NAMES.values(), "close")
        for name, function in given.items():
            if name not in hooks:
                hint = nearest(name, hooks)
                raise TypeError(f"LambdaCallback has no argument {name!r}: {hint}")
            if function is not None:
                setattr(self, name, function)
