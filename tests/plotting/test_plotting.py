"""Every picture: files, formats, matplotlib, and that pyplot is left alone."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import lstmcore
from lstmcore import plotting
from lstmcore.inspection import Trace
from lstmcore.plotting.style import STYLE

mpl = pytest.importorskip("matplotlib")
rng = np.random.default_rng(0)
TRACE = Trace({"f": rng.random((1, 3, 2))}, None, rng.random((1, 3, 2)))
EVERY = {
    "plot_history": lambda **o: plotting.plot_history({"loss": [2.0, 1.0]}, **o),
    "plot_forecast": lambda **o: plotting.plot_forecast([1.0, 2.0], **o),
    "plot_backtest": lambda **o: plotting.plot_backtest(
        np.ones((4, 2)), {"LSTM": np.ones((4, 2))}, {"LSTM": np.ones(2)}, **o
    ),
    "plot_confusion": lambda **o: plotting.plot_confusion([0, 1], [0, 0], **o),
    "plot_gates": lambda **o: plotting.plot_gates(TRACE, **o),
    "plot_saturation": lambda **o: plotting.plot_saturation(TRACE, **o),
    "plot_text": lambda **o: plotting.plot_text("a b", [1, 0, -1], **o),
}
STARTS = {"png": b"\x89PNG", "pdf": b"%PDF", "svg": b"<?xml"}


def test_every_picture_is_tested():
    assert set(EVERY) == {name for name in plotting.__all__ if name.startswith("plot_")}


@pytest.mark.parametrize("name", EVERY)
def test_a_figure_comes_back_and_is_written(tmp_path, name):
    before = [mpl.rcParams[key] for key in STYLE]
    path = tmp_path / "x.png"
    figure = EVERY[name](to_file=path, title="costs $5 or $_{x}")
    assert isinstance(figure, mpl.figure.Figure)
    assert path.read_bytes().startswith(STARTS["png"])
    assert [mpl.rcParams[key] for key in STYLE] == before


@pytest.mark.parametrize("ending", STARTS)
def test_the_name_decides_the_format(tmp_path, ending):
    path = tmp_path / f"x.{ending.upper()}"
    plotting.plot_forecast([1.0, 2.0], to_file=path)
    assert path.read_bytes().startswith(STARTS[ending])


def test_pyplot_is_left_alone(tmp_path):
    code = (
        "import sys; from lstmcore import plotting\n"
        "assert 'matplotlib' not in sys.modules\n"
        f"plotting.plot_text('ab', [1, 0], to_file={str(tmp_path / 'x.png')!r})\n"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(lstmcore.__file__).parents[1])}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)


@pytest.mark.parametrize("name", EVERY)
def test_a_format_that_is_not_written(tmp_path, name):
    with pytest.raises(ValueError, match=rf"{name}: to_file: '.*x\.gif' must end in \.png, "):
        EVERY[name](to_file=tmp_path / "x.gif")


@pytest.mark.parametrize("name", EVERY)
def test_matplotlib_is_named_where_it_is_missing(monkeypatch, name):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"pip install lstmcore\[plot\]"):
        EVERY[name]()
