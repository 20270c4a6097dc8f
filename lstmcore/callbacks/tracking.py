"""Callbacks that log training to experiment trackers: MLflow, and Weights & Biases."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from typing import Any

from ..validation import file_path
from .base import Callback, Logs
from .rates import learning_rate


class Tracker(Callback):
    """Base class: a run with parameters, and a row of metrics after every epoch.

    Subclasses implement `_log_params`, `_log_metrics`, and whatever opens and closes a run.
    """

    writes = True

    _status: str | None = None  # how the run ends; None if none is open

    def _begin(self) -> None:
        """Open a run, or take the one that is open."""
        raise NotImplementedError

    def _log_params(self, params: Mapping[str, Any]) -> None:
        raise NotImplementedError

    def _log_metrics(self, metrics: Mapping[str, float], epoch: int) -> None:
        raise NotImplementedError

    def _finish(self, status: str) -> None:
        """Close the run if this callback opened it."""
        raise NotImplementedError

    def set_model(self, model: Any) -> None:
        """Set the model, and raise ImportError now if the tracker is missing."""
        super().set_model(model)
        self._library()

    def _library(self) -> Any:
        raise NotImplementedError

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._begin()
        self._status = "FAILED"  # unless on_train_end is reached
        self._log_params(self._params())

    def _params(self) -> dict[str, Any]:
        """Return what the run was made with."""
        optimizer = self.model.optimizer
        found = {
            "model": self.model.name,
            "weights": self.model.count_params(),
            "layers": len(self.model.layers),
            "optimizer": type(optimizer).__name__,
            "learning_rate": learning_rate(optimizer),
            "epochs": self.params["epochs"],
            "steps": self.params["steps"],  # None for a generator
        }
        return {name: value for name, value in found.items() if value is not None}

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        found = {name: _number(value) for name, value in (logs or {}).items()}
        metrics = {name: value for name, value in found.items() if value is not None}
        self._log_metrics({**metrics, "learning_rate": learning_rate(self.model.optimizer)}, epoch)

    def on_train_end(self, logs: Logs | None = None) -> None:
        self._status = "FINISHED"

    def close(self) -> None:
        """Close the run, as failed if training was not ended."""
        status, self._status = self._status, None
        if status is not None:
            self._finish(status)


def _number(value: Any) -> float | None:
    """Return a metric that is one number as float, None for arrays of them."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


class MLflowCallback(Tracker):
    """Log parameters, metrics and the trained model to MLflow.

    Needs MLflow (``pip install lstmcore[mlflow]``). Where the run goes is MLflow's own setting:
    ``mlflow.set_tracking_uri``, ``mlflow.set_experiment`` or its environment variables. A run that
    is active is used and stays open; otherwise one is started for each `fit`, and ended with it:
    ``FINISHED``, or ``FAILED`` after an error or an interrupt.

    Parameters
    ----------
    run_name : str, optional
        The name of a run that is started.
    log_model : bool, default False
        Also store the model's file, ``model.safetensors``, with the run.

    Attributes
    ----------
    run_id : str or None
        The run of the last `fit`.

    Examples
    --------
    >>> import mlflow  # doctest: +SKIP
    >>> mlflow.set_tracking_uri("sqlite:///runs.db")  # doctest: +SKIP
    >>> model.fit(x, y, callbacks=[MLflowCallback(log_model=True)])  # doctest: +SKIP
    """

    def __init__(self, run_name: str | None = None, log_model: bool = False) -> None:
        self.run_name, self.log_model = run_name, bool(log_model)
        self.run_id: str | None = None
        self._own = False

    def _library(self) -> Any:
        try:
            import mlflow
        except ImportError as error:
            raise ImportError(
                "MLflowCallback needs MLflow: pip install lstmcore[mlflow]"
            ) from error
        return mlflow

    def _begin(self) -> None:
        mlflow = self._library()
        run = mlflow.active_run()
        self._own = run is None
        if run is None:
            run = mlflow.start_run(run_name=self.run_name)
        self.run_id = run.info.run_id

    def _log_params(self, params: Mapping[str, Any]) -> None:
        client = self._library().MlflowClient()
        known = client.get_run(self.run_id).data.params
        # a parameter cannot change in a run; the first fit's stay if there are several
        for name, value in params.items():
            if name not in known:
                client.log_param(self.run_id, name, value)

    def _log_metrics(self, metrics: Mapping[str, float], epoch: int) -> None:
        self._library().log_metrics(dict(metrics), step=epoch, run_id=self.run_id)

    def on_train_end(self, logs: Logs | None = None) -> None:
        super().on_train_end(logs)
        if self.log_model:
            with tempfile.TemporaryDirectory() as folder:
                path = os.path.join(folder, "model.safetensors")
                self.model.save(path)
                self._library().MlflowClient().log_artifact(self.run_id, path)

    def _finish(self, status: str) -> None:
        if self._own:
            self._library().end_run(status)


class WandbCallback(Tracker):
    """Log parameters, metrics and the trained model to Weights & Biases.

    Needs wandb (``pip install lstmcore[wandb]``). A run that is active is used and stays open;
    otherwise one is started for each `fit`, and finished with it. With ``mode="offline"`` nothing
    leaves the machine; ``wandb sync`` sends it later.

    Parameters
    ----------
    project, name : str, optional
        Of a run that is started.
    mode : {"online", "offline", "disabled"}, optional
        Of a run that is started; by default what ``WANDB_MODE`` says.
    dir : path-like, optional
        The folder in which a run that is started has its files.
    log_model : bool, default False
        Also store the model's file, ``model.safetensors``, with the run.

    Attributes
    ----------
    run_id : str or None
        The run of the last `fit`.
    """

    def __init__(
        self,
        project: str | None = None,
        name: str | None = None,
        mode: str | None = None,
        dir: Any = None,
        log_model: bool = False,
    ) -> None:
        self.project, self.name, self.mode, self.log_model = project, name, mode, bool(log_model)
        self.dir = None if dir is None else file_path("WandbCallback: dir", dir)
        self.run_id: str | None = None
        self._run: Any = None
        self._own = False

    def _library(self) -> Any:
        try:
            import wandb
        except ImportError as error:
            raise ImportError("WandbCallback needs wandb: pip install lstmcore[wandb]") from error
        return wandb

    def _begin(self) -> None:
        wandb = self._library()
        self._own = wandb.run is None
        self._run = wandb.run
        if self._own:
            self._run = wandb.init(
                project=self.project, name=self.name, mode=self.mode, dir=self.dir
            )
        self.run_id = self._run.id

    def _log_params(self, params: Mapping[str, Any]) -> None:
        for name, value in params.items():
            self._run.config.setdefaults({name: value})

    def _log_metrics(self, metrics: Mapping[str, float], epoch: int) -> None:
        # a run that goes on has steps of its own: the epoch is a metric beside the others
        self._run.log({**metrics, "epoch": epoch})

    def on_train_end(self, logs: Logs | None = None) -> None:
        super().on_train_end(logs)
        if self.log_model:
            path = os.path.join(self._run.dir, "model.safetensors")
            self.model.save(path)
            self._run.save(path, base_path=self._run.dir, policy="now")

    def _finish(self, status: str) -> None:
        if self._own:
            self._run.finish(exit_code=0 if status == "FINISHED" else 1)
        self._run = None
