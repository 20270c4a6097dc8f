"""Progbar: what it shows on a terminal and elsewhere, and the means of values."""

import io
import sys

import pytest

from lstmcore import config
from lstmcore.utils import Progbar


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_means_and_last_values():
    bar = Progbar(10, stateful_metrics=["acc"], verbose=0)
    bar.update(2, [("loss", 1.0), ("acc", 0.5)])
    bar.add(6, [("loss", 3.0), ("acc", 0.75)])
    assert bar.values() == {"loss": 2.5, "acc": 0.75}  # 1 counts for two steps, 3 for six
    other = Progbar(10, stateless_metrics=["loss"], verbose=0)
    other.update(5, [("loss", 2.0), ("acc", 1.0)])
    other.update(10, [("loss", 4.0), ("acc", 3.0)])
    assert other.values() == {"loss": 3.0, "acc": 3.0}


def test_a_line_where_there_is_no_terminal(capsys):
    bar = Progbar(3)
    for i in range(3):
        bar.add(1, [("loss", i)])
    assert capsys.readouterr().out == "3/3 - loss: 1.0000\n"
    endless = Progbar(None, verbose=2)
    endless.update(7)
    assert not capsys.readouterr().out
    endless.update(8, finalize=True)
    assert capsys.readouterr().out == "8/8\n"


def test_a_bar_on_a_terminal(monkeypatch):
    monkeypatch.setattr(sys, "stdout", Terminal())
    bar = Progbar(3, width=12)
    for i in range(3):
        bar.add(1, [("loss", i)])
    drawn = sys.stdout.getvalue()
    assert "3/3" in drawn
    assert "loss: 1.0000" in drawn
    assert "\r" in drawn


def test_no_bar_without_interactive_logging(monkeypatch):
    monkeypatch.setattr(sys, "stdout", Terminal())
    monkeypatch.setattr(config.Settings, "bars", False)
    Progbar(2).update(2)
    assert sys.stdout.getvalue() == "2/2\n"


def test_errors():
    with pytest.raises(ValueError, match="stateful_metrics or stateless_metrics, got both"):
        Progbar(1, stateful_metrics=[], stateless_metrics=[])
    with pytest.raises(ValueError, match="verbose: expected 0, 1 or 2, got 'x'"):
        Progbar(1, verbose="x")
