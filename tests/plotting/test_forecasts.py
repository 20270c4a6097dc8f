"""Pictures of forecasts."""

import numpy as np
import pytest
from figures import drawn, lines

from lstmcore import plotting


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
