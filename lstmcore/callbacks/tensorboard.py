"""TensorBoard: event files for TensorBoard, without TensorFlow."""

from __future__ import annotations

import itertools
import os
import time
from typing import Any

import numpy as np

from ..validation import file_path, whole
from .base import Callback, Logs
from .rates import learning_rate

_numbers = itertools.count()  # keeps files of the same second apart


class TensorBoard(Callback):
    """Write loss, metrics, learning rate and weights to event files for TensorBoard.

    Needs tensorboardX (``pip install lstmcore[tensorboard]``). TensorBoard itself is needed only to
    view the logs: ``tensorboard --logdir logs``. Names are Keras's, such as ``epoch_loss``, in the
    folders ``train`` and ``validation``.

    Parameters
    ----------
    log_dir : path-like, default "logs"
    histogram_freq : int, default 0
        Number of epochs between histograms of the weights; 0: none.
    write_graph : bool, default True
        Write the model's config as text.
    write_images : bool, default False
        Only False is supported: images of weights are not written.
    write_steps_per_second : bool, default False
    update_freq : "epoch", "batch" or int, default "epoch"
        Also write the means so far after every batch, or every n-th batch.
    profile_batch, embeddings_freq : int, default 0
        Only 0 is supported: there is no profile and no projector.
    embeddings_metadata
        Accepted for compatibility with Keras; no effect.
    """

    writes = True

    def __init__(
        self,
        log_dir: str | os.PathLike[str] = "logs",
        histogram_freq: int = 0,
        write_graph: bool = True,
        write_images: bool = False,
        write_steps_per_second: bool = False,
        update_freq: Any = "epoch",
        profile_batch: Any = 0,
        embeddings_freq: int = 0,
        embeddings_metadata: Any = None,
    ) -> None:
        refused = {"write_images": write_images, "profile_batch": profile_batch}
        for name, value in {**refused, "embeddings_freq": embeddings_freq}.items():
            if value:
                hint = "; histogram_freq shows weights" if name != "profile_batch" else ""
                raise ValueError(f"TensorBoard: {name}: expected nothing, got {value!r}{hint}")
        self.log_dir = file_path("TensorBoard: log_dir", log_dir)
        self.histogram_freq = whole("TensorBoard: histogram_freq", histogram_freq, 0, least=0)
        self.write_graph, self.write_images = bool(write_graph), False
        self.write_steps_per_second = bool(write_steps_per_second)
        self.update_freq = 1 if update_freq == "batch" else update_freq
        if update_freq != "epoch" and (not isinstance(self.update_freq, int) or update_freq == 0):
            wanted = "'epoch', 'batch' or a number of batches"
            raise ValueError(f"TensorBoard: update_freq: expected {wanted}, got {update_freq!r}")
        self.profile_batch, self.embeddings_freq = 0, 0
        self.embeddings_metadata = embeddings_metadata
        self._batches, self._writers = 0, dict[str, Any]()

    def listens(self, hook: str) -> bool:
        """Return True if the hook is overridden; batch hooks only if `update_freq` is a number."""
        method = getattr(type(self), hook, None)
        own = method in (TensorBoard.on_train_batch_begin, TensorBoard.on_train_batch_end)
        return super().listens(hook) and not (own and self.update_freq == "epoch")

    def set_model(self, model: Any) -> None:
        """Set the model, and raise ImportError now if tensorboardX is missing."""
        super().set_model(model)
        writer_class()

    # -- writing ---------------------------------------------------------------------------

    def _writer(self, folder: str) -> Any:
        if folder not in self._writers:
            path = os.path.join(self.log_dir, folder)
            suffix = f".{os.getpid()}.{next(_numbers)}"
            self._writers[folder] = writer_class()(path, filename_suffix=suffix)
        return self._writers[folder]

    def _scalars(self, folder: str, logs: Logs, tag: str, step: int) -> None:
        for name, value in logs.items():
            numbers = np.asarray(value)
            for index in np.ndindex(numbers.shape):  # a metric may be an array
                part = "".join(f"/{i}" for i in index)
                self._writer(folder).add_scalar(tag.format(name) + part, numbers[index], step)

    def _histograms(self, epoch: int) -> None:
        for path, param, _ in self.model.named_params():
            self._writer("train").add_histogram(f"{path}/histogram", param.value, epoch)

    # -- hooks -----------------------------------------------------------------------------

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._batches = 0
        if self.write_graph:
            config = f"    {self.model.to_json(indent=2)}".replace("\n", "\n    ")  # as code
            self._writer("train").add_text("model", config, 0)

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        self._batch_start = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self._batches += 1
        if self._batches % self.update_freq:
            return
        self._scalars("train", logs or {}, "batch_{}", self._batches)
        if self.write_steps_per_second:
            rate = 1 / (time.perf_counter() - self._batch_start)
            self._scalars("train", {"steps_per_second": rate}, "batch_{}", self._batches)

    def on_test_end(self, logs: Logs | None = None) -> None:
        optimizer = self.model.optimizer
        if optimizer is not None:
            tag = "evaluation_{}_vs_iterations"
            self._scalars("validation", logs or {}, tag, optimizer.iterations)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._epoch_start = time.perf_counter(), self.model.optimizer.iterations

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        logs = logs or {}
        train = {name: v for name, v in logs.items() if not name.startswith("val_")}
        train["learning_rate"] = learning_rate(self.model.optimizer)
        if self.write_steps_per_second:
            start, done = self._epoch_start
            steps = self.model.optimizer.iterations - done
            train["steps_per_second"] = steps / (time.perf_counter() - start)
        self._scalars("train", train, "epoch_{}", epoch)
        tested = {name[4:]: v for name, v in logs.items() if name.startswith("val_")}
        self._scalars("validation", tested, "epoch_{}", epoch)
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            self._histograms(epoch)
        for writer in self._writers.values():
            writer.flush()

    def close(self) -> None:
        """Flush and close the files."""
        while self._writers:
            self._writers.popitem()[1].close()

    def get_state(self) -> dict[str, Any]:
        return {"batches": self._batches}

    def set_state(self, state: dict[str, Any]) -> None:
        self._batches = state["batches"]


def writer_class() -> Any:
    """Return tensorboardX's writer class, or raise ImportError with the way to install it."""
    try:
        from tensorboardX import SummaryWriter
    except ImportError as error:
        raise ImportError(
            "TensorBoard: event files need tensorboardX: pip install lstmcore[tensorboard]"
        ) from error
    return SummaryWriter
