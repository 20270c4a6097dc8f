"""Models in the language of Graphviz."""

import pytest

from lstmcore import Input, Model, Sequential
from lstmcore.layers import LSTM, Concatenate, Dense
from lstmcore.utils import model_to_dot


def branched():
    x = Input((6, 2), name="x")
    h = LSTM(3, return_sequences=True, name="h")(x)
    return Model(x, Dense(1, name="y")(Concatenate(name="both")([h, x])))


def test_boxes_and_arrows():
    dot = model_to_dot(branched(), show_shapes=True)
    lines = dot.to_string().splitlines()
    assert lines[0] == "digraph G {"
    assert lines[1] == 'rankdir=TB; dpi=200; splines="ortho";'
    assert lines[3] == '0 [label="{x (InputLayer)|Output: (None, 6, 2)}"];'
    assert lines[4] == '1 [label="{h (LSTM)|Input: (None, 6, 2)|Output: (None, 6, 3)}"];'
    assert lines[7:] == ["0 -> 1;", "1 -> 2;", "0 -> 2;", "2 -> 3;", "}"]
    assert str(dot) == dot.source == dot.to_string()


def test_from_left_to_right_and_nested(tmp_path):
    inner = Sequential([Input((3,)), Dense(2, name="a<b>|c")], name="inner")
    model = Sequential([Input((3,)), inner])
    closed = model_to_dot(model, rankdir="LR").source
    assert '1 [label="inner (Sequential)"];' in closed
    opened = model_to_dot(model, expand_nested=True, show_layer_names=True).source
    assert r"a\<b\>\|c (Dense)" in opened
    model_to_dot(model).write(tmp_path / "m.dot")
    assert (tmp_path / "m.dot").read_text() == model_to_dot(model).source


def test_errors():
    with pytest.raises(ValueError, match="model_to_dot: model 'm' is not built"):
        model_to_dot(Sequential([Dense(1)], name="m"))
    with pytest.raises(ValueError, match="model_to_dot: rankdir: expected 'TB' or 'LR', got 'X'"):
        model_to_dot(branched(), rankdir="X")
    with pytest.raises(ValueError, match="model_to_dot: subgraph: expected False"):
        model_to_dot(branched(), subgraph=True)
