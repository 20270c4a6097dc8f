"""CSVLogger: the files that it writes."""

import csv

import pytest
from helpers import X, Y, small

from lstmcore.callbacks import CSVLogger


def fit(model, *given, **kwargs):
    kwargs = {"epochs": 3, "batch_size": 10, "verbose": 0} | kwargs
    return model.fit(X, Y, callbacks=list(given), **kwargs)


def rows(path, delimiter=","):
    with open(path, newline="") as file:
        return list(csv.reader(file, delimiter=delimiter))


def test_csv(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("an old file")
    model, logger = small(), CSVLogger(path)
    history = fit(model, logger, validation_split=0.2).history
    written = rows(path)
    assert written[0] == ["epoch", "loss", "val_loss"]
    for i, row in enumerate(written[1:]):
        assert [float(v) for v in row] == [i, history["loss"][i], history["val_loss"][i]]
    fit(model, CSVLogger(path, ";", append=True), epochs=1)
    assert rows(path)[:4] == written
    assert rows(path, ";")[4][0::2] == ["0", "NA"]  # keys for a validation that may come, as Keras
    fit(model, logger, epochs=1)
    assert rows(path)[0] == ["epoch", "loss", "val_loss"]
    assert len(rows(path)) == 2
    with pytest.raises(FileNotFoundError):
        fit(model, CSVLogger(tmp_path / "no folder" / "log.csv"))
