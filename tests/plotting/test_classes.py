"""Pictures of confusions."""

import numpy as np
import pytest
from figures import drawn, image, text_of

from lstmcore import plotting


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
