"""What notebooks show: well-formed HTML with the numbers of the objects."""

import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from helpers import X, Y, small

from lstmcore import Input, Model, Sequential, notebook
from lstmcore.forecasting import LSTMForecaster
from lstmcore.layers import LSTM, Concatenate, Dense


def parsed(html):
    """The elements and the whole text; every tag must be closed."""
    tree = ElementTree.fromstring(f"<all>{html.replace('<br>', '<br/>')}</all>")
    return tree, " ".join("".join(tree.itertext()).split())


def cells(tree):
    return [[cell.text for cell in row] for row in tree.iter("tr")]


def test_models():
    model = small(name="<little>")
    tree, text = parsed(model._repr_html_())
    assert cells(tree)[1][1:] == ["(None, 3)", "72"]
    assert "Sequential '<little>'" in text
    assert "Total params: 76" in text
    a = Input((2,))
    graph = Model(a, Concatenate()([Dense(2, name="one")(a), a]))
    assert "Connected to" in parsed(graph._repr_html_())[1]
    assert "(unbuilt)" in parsed(Sequential([LSTM(2)])._repr_html_())[1]


def test_histories():
    history = small().fit(X, Y, epochs=3, verbose=0, validation_split=0.2)
    losses = history.history["loss"]
    tree, text = parsed(history._repr_html_())
    row = next(row for row in cells(tree) if row[0] == "loss")
    assert row[1:4] == [f"{losses[-1]:.4g}", f"{min(losses):.4g}", str(np.argmin(losses) + 1)]
    assert len(list(tree.iter("polyline"))) == 2
    assert "3 epochs" in text
    assert repr(history).startswith(f"<History of 3 epochs, loss: {losses[0]:.4g} to ")
    odd = {"loss": [np.nan, np.nan], "matrix": [[[1, 2], [3, 4]]] * 2, "x": []}
    assert "matrix" not in parsed(notebook.history(odd))[1]
    assert parsed(notebook.history({}))[1].startswith("0 epochs")


@pytest.fixture(scope="module")
def forecaster():
    y = np.sin(np.arange(120) / 3) + 0.05 * np.random.default_rng(0).standard_normal(120)
    dates = np.datetime64("2024-01-01") + np.arange(120)
    model = LSTMForecaster(horizon=3, epochs=1, units=2, random_state=0, verbose=0)
    return model.fit({"a<b": y}, dates=dates)


def test_forecasts(forecaster):
    found = forecaster.forecast()
    tree, text = parsed(found._repr_html_())
    rows = cells(tree)
    assert rows[0][:2] == ["date", "forecast"]
    assert rows[1][:2] == ["2024-04-30", f"{found.point[0, 0]:.4g}"]
    assert len(rows) == 4
    assert len(list(tree.iter("polygon"))) == 1  # the widest interval
    assert "a<b: the next 3 steps" in text
    assert repr(found) == "<Forecast of a<b: 3 steps until 2024-05-02>"


def test_backtests(forecaster):
    y = forecaster.columns_.select(["a<b"])[:, 0]
    found = forecaster.backtest({"a<b": y}, initial=100, step=6)
    tree, text = parsed(found._repr_html_())
    assert [row[0] for row in cells(tree)[1:]] == list(found.forecasts)
    assert cells(tree)[1][1] == f"{next(iter(found.mean_rmse.values())):.4g}"
    assert "the mean error of the" in text
    assert "% interval" in text
    assert len(repr(found)) < 300


def test_long_tables_and_gaps():
    tree, _ = parsed(notebook.table(["i"], [[i] for i in range(1000)]))
    shown = [row[0] for row in cells(tree)]
    assert len(shown) == 1 + 61
    assert shown[-1] == "999"
    tree, _ = parsed(notebook.chart({"x": [1, 2, np.nan, 3, 5], "flat": [2.0] * 5}))
    assert len(list(tree.iter("polyline"))) == 3
    assert notebook.chart({"x": [1.0]}) == notebook.chart({}) == ""
    assert notebook.chart({"x": [np.nan, np.inf]}) == ""
