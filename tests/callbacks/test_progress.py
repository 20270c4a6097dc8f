"""Progress on and off a terminal."""

import io

import pytest
from helpers import X, Y, small

from lstmcore.callbacks import (
    ProgbarLogger,
    progress,
)


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


def test_progress_on_a_terminal_is_a_bar(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr("sys.stdout", terminal)
    fit(small(), epochs=2, verbose="auto", batch_size=1, validation_split=0.2)
    text = terminal.getvalue()
    assert "Epoch 2/2: 100%" in text
    assert "40/40" in text
    assert "val_loss: " in text.rsplit("\r", 1)[1]


def test_progress_chooses_by_the_output():
    assert progress(0, Terminal()) == []
    assert isinstance(progress("auto", Terminal())[0], ProgbarLogger)
    assert not isinstance(progress(2, Terminal())[0], ProgbarLogger)
