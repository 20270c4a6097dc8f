"""MLflow and Weights & Biases: what their own files have after training."""

import sys

import numpy as np
import pytest
from helpers import X, Y, small

from lstmcore.callbacks import Callback, MLflowCallback, WandbCallback
from lstmcore.saving import load_model


def fit(*given, epochs=3, **kwargs):
    model = small()
    model.fit(
        X, Y, epochs=epochs, batch_size=10, verbose=0, callbacks=list(given), validation_split=0.2
    )
    return model


class Stop(Callback):
    """An error in the second epoch."""

    def on_epoch_end(self, epoch, logs=None):
        if epoch == 1:
            raise RuntimeError("stopped")


# --- MLflow ---------------------------------------------------------------------------------------


@pytest.fixture
def mlflow(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    mlflow = pytest.importorskip("mlflow")
    mlflow.set_tracking_uri((tmp_path / "runs").as_uri())
    yield mlflow
    mlflow.end_run()


@pytest.mark.filterwarnings("ignore")  # of MLflow's own
def test_mlflow_has_parameters_metrics_and_the_model(mlflow, tmp_path):
    tracker = MLflowCallback(run_name="first", log_model=True)
    model = fit(tracker)
    client = mlflow.MlflowClient()
    run = client.get_run(tracker.run_id)
    assert (run.info.run_name, run.info.status) == ("first", "FINISHED")
    assert run.data.params["epochs"] == "3"
    assert run.data.params["weights"] == str(model.count_params())
    for name, values in model.history.history.items():
        found = client.get_metric_history(tracker.run_id, name)
        assert [metric.step for metric in found] == [0, 1, 2]
        np.testing.assert_allclose([metric.value for metric in found], values)
    path = client.download_artifacts(tracker.run_id, "model.safetensors", str(tmp_path))
    np.testing.assert_array_equal(
        load_model(path).predict(X, verbose=0), model.predict(X, verbose=0)
    )
    assert mlflow.active_run() is None


@pytest.mark.filterwarnings("ignore")
def test_mlflow_takes_an_active_run_and_leaves_it_open(mlflow):
    tracker = MLflowCallback()
    with mlflow.start_run() as run:
        fit(tracker)
        fit(tracker, epochs=2)  # whose other parameters are no error
        assert tracker.run_id == run.info.run_id
        assert mlflow.active_run() is not None
    assert mlflow.get_run(run.info.run_id).data.params["epochs"] == "3"


@pytest.mark.filterwarnings("ignore")
def test_mlflow_says_that_a_run_failed(mlflow):
    tracker = MLflowCallback()
    with pytest.raises(RuntimeError, match="stopped"):
        fit(tracker, Stop())
    assert mlflow.get_run(tracker.run_id).info.status == "FAILED"
    assert mlflow.active_run() is None


# --- Weights & Biases -----------------------------------------------------------------------------


@pytest.fixture
def wandb(tmp_path, monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    monkeypatch.setenv("WANDB_DIR", str(tmp_path))
    wandb = pytest.importorskip("wandb")
    yield wandb
    wandb.teardown()


@pytest.mark.filterwarnings("ignore")  # of wandb's own
def test_wandb_offline_has_metrics_and_the_model(wandb, tmp_path):
    tracker = WandbCallback(project="tests", log_model=True)
    run = wandb.init(project="tests", dir=str(tmp_path))
    model = fit(tracker)
    assert tracker.run_id == run.id
    assert wandb.run is run  # it was open before
    assert run.summary["epoch"] == 2
    np.testing.assert_allclose(run.summary["val_loss"], model.history.history["val_loss"][-1])
    assert run.config["weights"] == model.count_params()
    (path,) = tmp_path.glob("wandb/offline-run-*/files/model.safetensors")
    run.finish()
    np.testing.assert_array_equal(
        load_model(path).predict(X, verbose=0), model.predict(X, verbose=0)
    )


@pytest.mark.filterwarnings("ignore")
def test_wandb_finishes_the_run_that_it_started(wandb, tmp_path):
    tracker = WandbCallback(project="tests", dir=tmp_path)
    with pytest.raises(RuntimeError, match="stopped"):
        fit(tracker, Stop())
    assert wandb.run is None
    assert list(tmp_path.glob(f"wandb/offline-run-*-{tracker.run_id}/*.wandb"))


# --- without them ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("cls", "name"), [(MLflowCallback, "mlflow"), (WandbCallback, "wandb")])
def test_without_the_library(monkeypatch, cls, name):
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match=rf"needs .*pip install lstmcore\[{name}\]"):
        fit(cls())
