"""Progress on and off a terminal."""

import io
import sys

import pytest
from helpers import X, Y, small

from lstmcore.callbacks import LambdaCallback, ProgbarLogger, progress


def fit(model, **kwargs):
    kwargs = {"epochs": 3, "batch_size": 16, "verbose": 0} | kwargs
    return model.fit(X, Y, **kwargs)


@pytest.mark.parametrize("verbose", ["auto", 1, 2])
def test_progress_off_a_terminal_is_a_line_an_epoch(capsys, verbose):
    fit(small(), epochs=2, verbose=verbose, validation_split=0.2)
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert err == ""
    assert [line.split(" - ")[0] for line in lines] == ["Epoch 1/2", "Epoch 2/2"]
    for line in lines:
        assert " loss: " in line
        assert "val_loss: " in line
        assert "ms/step" in line
    assert "\r" not in out
    assert "\x1b" not in out


def test_verbose_0_and_predict_are_silent(capsys):
    model = small()
    fit(model, verbose=0)
    model.evaluate(X, Y, verbose=0)
    model.predict(X)
    assert capsys.readouterr() == ("", "")
    model.evaluate(X, Y)
    model.predict(X, verbose=1)
    out = capsys.readouterr().out.splitlines()
    assert [line.split(" - ")[0] for line in out] == ["Evaluated", "Predicted"]
    with pytest.raises(ValueError, match="verbose: expected 'auto', 0, 1 or 2, got 3"):
        fit(model, verbose=3)


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_all_epochs_have_one_live_line_on_a_terminal(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr("sys.stdout", terminal)
    fit(small(), epochs=3, verbose="auto", batch_size=1, validation_split=0.2)
    text = terminal.getvalue()
    assert "Epoch 3/3: 100%" in text
    assert "120/120" in text
    assert text.count("\n") == 1  # all else overwrites the line
    assert text.rstrip().rsplit("\r", 1)[1].startswith("Epoch 3/3")
    assert "val_loss: " in text.rsplit("\r", 1)[1]


def test_a_generator_shows_what_is_left_from_the_second_epoch_on(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr("sys.stdout", terminal)
    batches = iter([(X[:10], Y[:10])] * 100)
    small().fit(batches, steps_per_epoch=5, epochs=2, verbose=1)
    assert "10/10" in terminal.getvalue()
    terminal.truncate(0)
    small().fit(PyDatasetOfFive(), epochs=2, verbose=1)
    assert "10/10" in terminal.getvalue()


class PyDatasetOfFive:
    """Batches that can be had again, of a number that nobody says."""

    def __iter__(self):
        return iter([(X[:10], Y[:10])] * 5)


def test_a_run_that_stops_ends_its_line(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr("sys.stdout", terminal)

    def stop(epoch, logs):
        if epoch == 1:
            raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        small().fit(X, Y, epochs=3, verbose=1, callbacks=[LambdaCallback(on_epoch_end=stop)])
    assert terminal.getvalue().endswith("\n")


class Notebook:
    """What a notebook's kernel leaves in sys.modules."""

    @staticmethod
    def get_ipython():
        return type("Shell", (), {"kernel": None})()


def test_a_notebook_has_tqdm_s_own_bar(monkeypatch):
    out = io.StringIO()
    monkeypatch.setattr("sys.stdout", out)
    assert not isinstance(progress("auto")[0], ProgbarLogger)
    monkeypatch.setitem(sys.modules, "IPython", Notebook)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert not isinstance(progress("auto")[0], ProgbarLogger)  # nothing draws bars
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name == "ipywidgets")
    assert isinstance(progress("auto")[0], ProgbarLogger)
    assert not isinstance(progress("auto", io.StringIO())[0], ProgbarLogger)  # a file


def test_progress_chooses_by_the_output():
    assert progress(0, Terminal()) == []
    assert isinstance(progress("auto", Terminal())[0], ProgbarLogger)
    assert not isinstance(progress(2, Terminal())[0], ProgbarLogger)
