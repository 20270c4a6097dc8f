"""Pictures: what is drawn where, that pyplot is left alone, and what is refused."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import lstmcore
from lstmcore import plotting
from lstmcore.inspection import Trace
from lstmcore.layers import GRU, LSTM, Dense, Masking
from lstmcore.plotting.style import STYLE

mpl = pytest.importorskip("matplotlib")

rng = np.random.default_rng(0)


def drawn(figure, tmp_path):
    """See to it that a figure can be drawn; return it."""
    figure.savefig(tmp_path / "drawn.png")
    return figure


def lines(axes):
    return {line.get_label(): line.get_data() for line in axes.get_lines()}


def image(axes):
    return np.ma.filled(axes.get_images()[0].get_array().astype(float), np.nan)


def text_of(axes):
    return {text.get_text() for text in axes.texts}


# --- all ----------------------------------------------------------------------------------------


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


# --- history ------------------------------------------------------------------------------------


def test_history(tmp_path):
    logs = {
        "accuracy": [0.1, 0.5, 0.4],
        "loss": [3.0, 2.0, 1.0],
        "val_accuracy": [0.2, 0.3, 0.1],
        "val_loss": [3.0, 2.5, 2.7],
    }
    figure = drawn(plotting.plot_history(logs), tmp_path)
    loss, accuracy = figure.axes
    assert [loss.get_title("left"), accuracy.get_title("left")] == ["loss", "accuracy"]
    np.testing.assert_array_equal(lines(loss)["training"], ([1, 2, 3], logs["loss"]))
    np.testing.assert_array_equal(lines(loss)["validation"], ([1, 2, 3], logs["val_loss"]))
    assert text_of(loss) == {"best 2.5, epoch 2"}  # the least
    assert text_of(accuracy) == {"best 0.3, epoch 2"}  # the most


def test_history_of_a_fit(tmp_path):
    model = lstmcore.Sequential([lstmcore.Input((3, 1)), LSTM(2), Dense(1)])
    model.compile(loss="mse")
    x, y = rng.random((12, 3, 1)), rng.random((12, 1))
    options = {"epochs": 5, "validation_split": 0.5, "verbose": 0}
    for freq, epochs in ((2, [2, 4]), ([1, 5], [1, 5])):
        figure = plotting.plot_history(model.fit(x, y, validation_freq=freq, **options))
        assert lines(drawn(figure, tmp_path).axes[0])["validation"][0].tolist() == epochs


def test_history_of_some(tmp_path):
    logs = {"loss": [1.0], "mae": [np.nan], "f1": [np.array([0.1, 0.2])], "learning_rate": [0.1]}
    figure = drawn(plotting.plot_history(logs, ["mae", "f1", "learning_rate"], log=True), tmp_path)
    assert [a.get_title("left") for a in figure.axes][:3] == ["mae", "f1", "learning_rate"]
    with pytest.raises(ValueError, match="plot_history: metrics: no 'los': did you mean 'loss'"):
        plotting.plot_history(logs, ["los"])
    with pytest.raises(ValueError, match="expected what fit returned"):
        plotting.plot_history({})


# --- forecasts ----------------------------------------------------------------------------------


def test_forecast(tmp_path):
    middle = np.array([1.0, 2, 3])
    bands = {0.5: (middle - 1, middle + 1), 0.9: (middle - 2, middle + 2)}
    figure = plotting.plot_forecast(
        middle,
        history=[5, 4],
        truth=[1.5],
        intervals=bands,
        others={"persistence": [4, 4, 4]},
        times=np.arange("2024-01-30", "2024-02-04", dtype="datetime64[D]"),
    )
    axes = drawn(figure, tmp_path).axes[0]
    found = lines(axes)
    days = [str(day) for day in found["forecast"][0]]
    assert days == ["2024-02-01", "2024-02-02", "2024-02-03"]
    assert found["forecast"][1].tolist() == [1, 2, 3]
    assert [str(day) for day in found["known"][0]] == ["2024-01-30", "2024-01-31"]
    assert found["actual"][1].tolist() == [1.5]
    assert found["persistence"][1].tolist() == [4, 4, 4]
    wide, narrow = axes.collections  # in the order of drawing
    assert [wide.get_label(), narrow.get_label()] == ["90 % interval", "50 % interval"]
    ends = wide.get_paths()[0].get_extents()
    assert (ends.y0, ends.y1) == (-1, 5)


def test_steps_are_counted_from_the_forecast():
    axes = plotting.plot_forecast([1, 2], history=[3, 4, 5]).axes[0]
    assert lines(axes)["known"][0].tolist() == [-2, -1, 0]
    assert lines(axes)["forecast"][0].tolist() == [1, 2]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"times": [1]}, "times: expected 2, got 1"),
        ({"truth": [1, 2, 3]}, "truth: expected 2 values, got 3"),
        ({"intervals": {0.9: ([1], [2, 2])}}, r"intervals\[0.9\]: expected 2 values, got 1"),
        ({"intervals": {90: ([1, 1], [2, 2])}}, r"intervals: expected shares in \(0, 1\), got 90"),
        ({"others": {"x": np.ones((2, 2))}}, r"others\['x'\]: expected one dimension"),
    ],
)
def test_forecasts_that_do_not_fit(options, message):
    with pytest.raises(ValueError, match=f"^plot_forecast: {message}"):
        plotting.plot_forecast([1, 2], **options)


# --- classes ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("true", "predicted", "labels"),
    [
        ([0, 0, 1, 2, 2, 2], [0, 1, 1, 2, 0, 2], None),
        (np.eye(3)[[0, 0, 1, 2, 2, 2]], np.eye(3)[[0, 1, 1, 2, 0, 2]] * 0.9, None),
        ([0, 0, 1, 2, 2, 2], np.eye(3)[[0, 1, 1, 2, 0, 2]], ["a", "b", "c"]),
        (list("aabccc"), list("abbcac"), None),
        ([[0, 0, 1], [2, 2, 2]], np.array([[0, 1, 1], [2, 0, 2]]), None),
    ],
)
def test_confusion(tmp_path, true, predicted, labels):
    figure = drawn(plotting.plot_confusion(true, predicted, labels), tmp_path)
    axes = figure.axes[0]
    expected = [[1 / 2, 1 / 2, 0], [0, 1, 0], [1 / 3, 0, 2 / 3]]
    np.testing.assert_allclose(image(axes), expected)
    assert axes.get_title("left") == "6 samples, 66.7 % right"
    assert "2\n67 %" in text_of(axes)
    if labels or isinstance(true[0], str):
        assert [t.get_text() for t in axes.get_xticklabels()] == ["a", "b", "c"]


def test_confusion_of_one_probability_and_a_mask():
    axes = plotting.plot_confusion([0, 1, 1], [[0.2], [0.7], [0.4]], ["no", "yes"]).axes[0]
    np.testing.assert_array_equal(image(axes), [[1, 0], [0.5, 0.5]])
    mask = [[True, False], [True, True]]
    axes = plotting.plot_confusion([[0, 1], [1, 1]], [[0, 0], [1, 1]], mask=mask).axes[0]
    np.testing.assert_array_equal(image(axes), np.eye(2))


def test_a_class_that_never_came_is_grey(tmp_path):
    axes = drawn(plotting.plot_confusion([0, 0], [0, 1], ["a", "b"]), tmp_path).axes[0]
    assert np.isnan(image(axes)[1]).all()


def test_confusions_that_do_not_fit():
    with pytest.raises(ValueError, match=r"y_true \(3,\) and y_pred \(2,\) do not fit"):
        plotting.plot_confusion([0, 1, 2], [0, 1])
    with pytest.raises(ValueError, match="expected classes from 0 to 1, got 2"):
        plotting.plot_confusion([0, 2], [0, 1], ["a", "b"])
    with pytest.raises(ValueError, match="labels: 'c' is not among them"):
        plotting.plot_confusion(["a", "c"], ["a", "b"], ["a", "b"])


# --- gates and cells ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def traces():
    model = lstmcore.Sequential(
        [
            lstmcore.Input((7, 2)),
            Masking(),
            LSTM(5, return_sequences=True, name="lstm"),
            GRU(3, name="gru"),
        ]
    )
    x = rng.standard_normal((2, 7, 2)).astype("f4")
    x[1, 5:] = 0
    return model.trace(x)


def test_gates(tmp_path, traces):
    trace = traces["lstm"]
    figure = drawn(plotting.plot_gates(trace, "a b\tc\nd", sample=1), tmp_path)
    panels = {axes.get_title("left"): axes for axes in figure.axes if axes.get_images()}
    expected = {
        "input gate i": trace.gates["i"],
        "forget gate f": trace.gates["f"],
        "candidate": trace.gates["c"],
        "output gate o": trace.gates["o"],
        "cell": trace.cell,
        "output": trace.output,
    }
    assert list(panels) == list(expected)
    for name, array in expected.items():
        np.testing.assert_allclose(image(panels[name])[:, :5], array[1, :5].T, rtol=1e-6)
        assert np.isnan(image(panels[name])[:, 5:]).all()  # masked
    below = [t.get_text() for t in panels["output"].get_xticklabels()]
    assert below == ["a", "␣", "b", "→", "c", "↵", "d"]
    gate, cell = (panels[n].get_images()[0].get_clim() for n in ("forget gate f", "cell"))
    assert gate == (0, 1)
    assert cell[0] == -cell[1]


def test_some_gates_with_what_goes_in(tmp_path, traces):
    trace, series = traces["gru"], np.arange(7.0)
    times = np.arange("2024-01-01", "2024-01-08", dtype="datetime64[D]")
    figure = plotting.plot_gates(trace, times, units=[2, 0], show=["z", "output"], values=series)
    above, gate, output = drawn(figure, tmp_path).axes[:3]
    assert above.get_lines()[0].get_ydata().tolist() == series.tolist()
    np.testing.assert_allclose(image(gate), trace.gates["z"][0].T[[2, 0]], rtol=1e-6)
    np.testing.assert_allclose(image(output), trace.output[0].T[[2, 0]], rtol=1e-6)
    assert [t.get_text() for t in gate.get_yticklabels()] == ["2", "0"]
    assert "2024-01-01" in [t.get_text() for t in output.get_xticklabels()]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"times": "abc"}, "times: expected 7, got 3"),
        ({"sample": 2}, "sample: there are 2, got 2"),
        ({"units": [5]}, r"units: expected 0 to 4, got \[5\]"),
        ({"units": []}, r"units: expected 0 to 4, got \[\]"),
        ({"show": ["cel"]}, "show: no 'cel': did you mean 'cell'"),
        ({"values": [1, 2]}, r"values: expected 7 steps, got shape \(2,\)"),
    ],
)
def test_gates_that_do_not_fit(traces, options, message):
    with pytest.raises(ValueError, match=f"^plot_gates: {message}"):
        plotting.plot_gates(traces["lstm"], **options)


def test_one_layer_is_to_be_chosen(traces):
    with pytest.raises(ValueError, match=r"expected one of 'lstm', 'gru', as in model\.trace"):
        plotting.plot_gates(traces)
    assert plotting.plot_gates({"gru": traces["gru"]}) is not None


def test_saturation(tmp_path, traces):
    figure = drawn(plotting.plot_saturation(traces, low=0.5, high=0.5), tmp_path)
    panels = {axes.get_title("left"): axes for axes in figure.axes}
    assert list(panels) == [
        *("input gate i", "forget gate f", "output gate o"),
        *("update gate z", "reset gate r"),
    ]
    (circles,) = panels["forget gate f"].collections
    real = traces["lstm"].gates["f"][traces["lstm"].mask]
    expected = np.stack([(real < 0.5).mean(0), (real > 0.5).mean(0)], axis=1)
    np.testing.assert_allclose(circles.get_offsets(), expected)
    with pytest.raises(ValueError, match="expected a layer with gates"):
        plotting.plot_saturation({})


# --- text ---------------------------------------------------------------------------------------


def test_text_in_colours(tmp_path):
    text, values = "abc d\nefghijklmnop", np.linspace(-0.9, 0.9, 18)
    figure = plotting.plot_text(text, np.stack([values, -values], 1), names=["u", "v"], width=10)
    first, second = [a for a in drawn(figure, tmp_path).axes if len(a.texts)]
    grid = image(first)
    assert grid.shape == (3, 10)  # a new line begins at \n, and where one is full
    np.testing.assert_allclose(grid[0, :6], values[:6])
    np.testing.assert_allclose(grid[1], values[6:16])
    np.testing.assert_allclose(grid[2, :2], values[16:])
    assert np.isnan(grid[0, 6:]).all()
    np.testing.assert_allclose(image(second), -grid)
    placed = {tuple(map(int, t.get_position())): t.get_text() for t in first.texts}
    assert placed[2, 0] == "c"
    assert placed[5, 0] == "↵"
    assert placed[0, 2] == "o"
    assert (3, 0) not in placed  # a space
    assert [first.get_title("left"), second.get_title("left")] == ["u", "v"]


def test_words_in_colours(tmp_path):
    words, values = ["short", "words", "a-very-long-one", "x"], [1.0, -1.0, np.nan, 0.5]
    figure = plotting.plot_text(words, values, width=11, limit=None)
    axes = drawn(figure, tmp_path).axes[0]
    nan = [np.nan]
    np.testing.assert_array_equal(image(axes)[0], [1] * 5 + nan + [-1] * 5)
    np.testing.assert_array_equal(image(axes)[1:], [nan * 11, [0.5, *nan * 10]])


def test_letters_that_the_font_lacks_are_no_warning(tmp_path):
    plotting.plot_text("\U00010330 漢字", [1, 0, 0, 1], to_file=tmp_path / "x.png")


@pytest.mark.parametrize(
    ("text", "values", "options", "message"),
    [
        ("abc", [1, 2], {}, r"values: expected 3 for the text, or \(3, units\); got shape \(2,\)"),
        ("abc", np.ones((3, 2)), {"names": ["u"]}, "names: expected 2, got 1"),
        ("abc", [1, 2, 3], {"width": 3}, "width: expected at least 10, got 3"),
        ("a" * 3001, np.ones((3001, 2)), {}, "at most 6000 characters in all, got 6002"),
        ("", [], {}, "values: expected 0"),
    ],
)
def test_texts_that_do_not_fit(text, values, options, message):
    with pytest.raises(ValueError, match=f"^plot_text: .*{message}"):
        plotting.plot_text(text, values, **options)
