"""Pictures of gates and cells."""

import numpy as np
import pytest
from figures import drawn, image

import lstmcore
from lstmcore import plotting
from lstmcore.layers import GRU, LSTM, Masking

rng = np.random.default_rng(0)


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
    unmasked = traces["lstm"].gates["f"][traces["lstm"].mask]
    expected = np.stack([(unmasked < 0.5).mean(0), (unmasked > 0.5).mean(0)], axis=1)
    np.testing.assert_allclose(circles.get_offsets(), expected)
    with pytest.raises(ValueError, match="expected a layer with gates"):
        plotting.plot_saturation({})
