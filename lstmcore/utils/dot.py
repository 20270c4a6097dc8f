"""`model_to_dot`: a model as a graph in the language of Graphviz."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from .drawing import Box, boxes_of


def model_to_dot(
    model: Any,
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = True,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: int = 200,
    subgraph: bool = False,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
    splines: str = "ortho",
) -> Dot:
    """Describe a model's layers in the language of Graphviz.

    Parameters
    ----------
    model, show_shapes, show_dtype, show_layer_names, rankdir, expand_nested, dpi
        See `plot_model`, which draws without Graphviz.
    subgraph : bool, default False
        Only False.
    show_layer_activations, show_trainable : bool, default False
        See `plot_model`.
    splines : str, default "ortho"
        The form of the arrows, in Graphviz's words.

    Returns
    -------
    Dot
        ``to_string()`` is the text; ``write(path)`` writes it.

    Raises
    ------
    ValueError
        If the model is not built, or an argument is not valid.
    """
    if subgraph:
        raise ValueError(f"model_to_dot: subgraph: expected False, got {subgraph!r}")
    show = {
        "name": show_layer_names,
        "shapes": show_shapes,
        "dtype": show_dtype,
        "activation": show_layer_activations,
        "trainable": show_trainable,
    }
    return Dot(boxes_of("model_to_dot", model, show, rankdir, expand_nested), rankdir, dpi, splines)


class Dot:
    """A graph in the language of Graphviz, as `model_to_dot` returns it.

    Attributes
    ----------
    source : str
        The text.
    """

    def __init__(self, boxes: list[Box], rankdir: str, dpi: int, splines: str) -> None:
        numbers = {id(box): i for i, box in enumerate(boxes)}
        lines = [
            "digraph G {",
            f"rankdir={rankdir}; dpi={int(dpi)}; splines={_quoted(splines)};",
            'node [shape=record, style="rounded,filled", fillcolor="#eef3fa"];',
        ]
        for i, box in enumerate(boxes):
            label = "|".join(_escaped(line) for line in box.lines)
            # a record's fields lie across the direction of the graph unless in braces
            label = f"{{{label}}}" if rankdir == "TB" else label
            lines.append(f'{i} [label="{label}"];')
        lines += [f"{numbers[id(s)]} -> {numbers[id(b)]};" for b in boxes for s in b.above]
        self.source = "\n".join([*lines, "}\n"])

    def to_string(self) -> str:
        """Return the text."""
        return self.source

    def write(self, path: Any) -> None:
        """Write the text to a file; the command ``dot`` makes a picture of it."""
        Path(path).write_text(self.source, encoding="utf-8")

    def __str__(self) -> str:
        return self.source


def _quoted(text: str) -> str:
    return '"' + str(text).replace("\\", "").replace('"', "") + '"'


def _escaped(text: str) -> str:
    """Return a text without the signs that mean something in a label of Graphviz."""
    return re.sub(r'([\\"{}|<>])', r"\\\1", text)
