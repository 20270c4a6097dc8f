"""Pictures of texts in colours."""

import numpy as np
import pytest
from figures import drawn, image

from lstmcore import plotting


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
