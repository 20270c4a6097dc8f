"""Pictures of models: what stands in them, and that nothing lies on anything else."""

import itertools
from types import SimpleNamespace
from xml.etree import ElementTree

import pytest
from helpers import small
from hypothesis import given
from hypothesis import strategies as st

from lstmcore import Input, Sequential
from lstmcore.layers import LSTM, Dense, Layer
from lstmcore.layers.symbolic import Node, SymbolicTensor, record
from lstmcore.utils import plot_model

SVG = "{http://www.w3.org/2000/svg}"


def texts(made):
    return [node.text for node in ElementTree.fromstring(made.svg).iter(SVG + "text")]


def arrows(made):
    """The arrows as lists of points."""
    lines = ElementTree.fromstring(made.svg).iter(SVG + "polyline")
    return [[tuple(map(float, p.split(","))) for p in n.get("points").split()] for n in lines]


def rectangles(made):
    """Left, top, right and bottom of the boxes, by the box's first line."""
    root = ElementTree.fromstring(made.svg)
    sizes = [
        [float(r.get(k)) for k in ("x", "y", "width", "height")]
        for r in root.iter(SVG + "rect")
        if r.get("x")
    ]
    names = [t.text for t in root.iter(SVG + "text") if t.get("font-weight") == "bold"]
    return {n: (x, y, x + w, y + h) for n, (x, y, w, h) in zip(names, sizes, strict=True)}


class InputLayer:
    trainable, dtype = True, "float32"

    def __init__(self, name):
        self.name = name


class Join(Layer):
    several_inputs = True

    def compute_output_shape(self, input_shape):
        return (*input_shape[0][:-1], sum(shape[-1] for shape in input_shape))


def entry(name, shape=(None, 6, 2)):
    node = Node(InputLayer(name), [], False, {})
    node.outputs = [SymbolicTensor(shape, "float32", node, 0)]
    return node.outputs[0]


def graph(inputs, outputs, nodes):
    calls = [SimpleNamespace(node=node) for node in nodes]
    held = SimpleNamespace(inputs=inputs, outputs=outputs, calls=calls)
    return SimpleNamespace(name="graph", built=True, graph=held)


def attention():
    a, b = entry("a"), entry("b", (None, 6, 4))
    h = record(LSTM(3, return_sequences=True, name="h"), a, {})
    k = record(Dense(4, name="k"), h, {})
    y = record(Join(name="j<1>"), [h, k, b], {})
    return graph([a, b], [y], [s.node for s in (h, k, y)])


def test_a_chain(tmp_path):
    made = plot_model(small(), tmp_path / "m.svg", show_shapes=True)
    assert (tmp_path / "m.svg").read_text() == made.svg == made._repr_svg_()
    shown = texts(made)
    assert [t for t in shown if "(None" in t] == [
        "Output: (None, 6, 2)",
        "Input: (None, 6, 2)",
        "Output: (None, 3)",
        "Input: (None, 3)",
        "Output: (None, 1)",
    ]
    assert len(arrows(made)) == 2
    tops = [top for _, top, _, _ in rectangles(made).values()]
    assert tops == sorted(tops)


def test_what_stands_in_a_box():
    model = Sequential([Input((6, 2)), LSTM(3, name="l", trainable=False)])
    assert texts(plot_model(model, None, show_layer_names=False))[1:] == ["LSTM"]
    made = plot_model(
        model, None, show_dtype=True, show_layer_activations=True, show_trainable=True
    )
    assert texts(made)[-4:] == [
        "l (LSTM)",
        "Activation: tanh",
        "Dtype: float32",
        "Trainable: False",
    ]


@pytest.mark.parametrize("rankdir", ["TB", "LR"])
def test_a_graph(rankdir):
    made = plot_model(attention(), None, rankdir=rankdir)
    boxes = rectangles(made)
    assert set(boxes) == {
        "a (InputLayer)",
        "b (InputLayer)",
        "h (LSTM)",
        "k (Dense)",
        "j<1> (Join)",
    }
    side = 1 if rankdir == "TB" else 0
    order = [boxes[n][side] for n in ("a (InputLayer)", "h (LSTM)", "k (Dense)", "j<1> (Join)")]
    assert order == sorted(order)
    assert len(arrows(made)) == 5
    check(made)


def test_models_in_models():
    inner = Sequential([Input((6, 2)), Dense(5, name="d"), Dense(3, name="e")], name="inner")
    a = entry("a")
    y = record(inner, a, {})
    outer = graph([a], [y], [y.node])
    assert texts(plot_model(outer, None)) == ["a (InputLayer)", "inner (Sequential)"]
    made = plot_model(outer, None, expand_nested=True, show_shapes=True)
    assert texts(made)[2::3] == ["d (Dense)", "e (Dense)"]
    assert len(arrows(made)) == 2


def check(made):
    """No box lies on another, and no arrow crosses a box."""
    boxes = list(rectangles(made).values())
    for i, (left, top, right, bottom) in enumerate(boxes):
        assert 0 <= left < right <= made.width
        assert 0 <= top < bottom <= made.height + 0.1
        for other in boxes[i + 1 :]:
            assert right < other[0] or other[2] < left or bottom < other[1] or other[3] < top
        for line in arrows(made):
            for (x0, y0), (x1, y1) in itertools.pairwise(line):
                for t in range(1, 20):
                    x, y = x0 + (x1 - x0) * t / 20, y0 + (y1 - y0) * t / 20
                    inside = left < x < right and top + 0.2 < y < bottom - 0.2
                    assert not inside


@given(st.lists(st.sets(st.integers(0, 7), min_size=1, max_size=3), min_size=1, max_size=7))
def test_any_graph(sources):
    """Layer i joins some of the arrays before it."""
    arrays = [entry("0")]
    for i, chosen in enumerate(sources, 1):
        given_ = [arrays[j % i] for j in sorted({j % i for j in chosen})]
        arrays.append(record(Join(name=str(i)), given_, {}))
    nodes = [s.node for s in arrays[1:]]
    made = plot_model(graph(arrays[:1], arrays[-1:], nodes), None)
    assert len(rectangles(made)) == len(arrays)
    assert len(arrows(made)) == sum(len(node.inputs) for node in nodes)
    check(made)


def test_other_forms_take_matplotlib(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.backends.backend_agg", None)
    with pytest.raises(ValueError, match=r"'m.png' takes Matplotlib .* ends in .svg takes nothing"):
        plot_model(small(), tmp_path / "m.png")


def test_png(tmp_path):
    pytest.importorskip("matplotlib")
    plot_model(attention(), tmp_path / "m.png", dpi=50)
    assert (tmp_path / "m.png").read_bytes().startswith(b"\x89PNG")


def test_drawing_errors():
    with pytest.raises(ValueError, match="rankdir: expected 'TB' or 'LR', got 'BT'"):
        plot_model(small(), None, rankdir="BT")
    with pytest.raises(ValueError, match=r"model '\w+' is not built: give its first layer"):
        plot_model(Sequential([Dense(1)]), None)
