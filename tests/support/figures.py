"""What stands in a figure."""

import numpy as np


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
