"""Drawings of models: boxes for layers, arrows for the arrays between them.

This uses only attributes of models and layers and does not import them.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

# in points: font size, average width of a letter, line height, padding of boxes, gap between them
_FONT, _LETTER, _LINE, _PAD, _GAP = 12, 7.2, 17, 9, 36


class Box:
    """The box of a layer; without lines of text, a point where an arrow passes a row of boxes."""

    def __init__(self, lines: Sequence[str], rank: int) -> None:
        self.lines, self.rank = list(lines), rank
        self.above: list[Box] = []
        self.below: list[Box] = []
        longest = max(map(len, lines), default=0)
        self.width = longest * _LETTER + 2 * _PAD if lines else 0.0
        self.height = len(lines) * _LINE + _PAD if lines else 0.0
        self.x = self.y = 0.0  # the centre


class Drawing:
    """The result of `plot_model`, which Jupyter displays.

    Attributes
    ----------
    svg : str
        The drawing as SVG.
    """

    def __init__(self, boxes: list[Box], rankdir: str) -> None:
        self.boxes, self.rankdir = boxes, rankdir
        self.width, self.height = _place(boxes, rankdir)
        self.svg = _svg(self)

    def _repr_svg_(self) -> str:
        return self.svg


def plot_model(
    model: Any,
    to_file: Any = "model.svg",
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = True,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: int = 200,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
    splines: str = "ortho",
) -> Drawing:
    """Draw a model's layers and write the drawing to a file.

    Unlike Keras's it needs no other program, and for SVG nothing but NumPy.

    Parameters
    ----------
    model : Sequential or Model
    to_file : path or None, default "model.svg"
        The suffix gives the format. Formats other than SVG (PNG, PDF) need Matplotlib.
    show_shapes, show_dtype, show_layer_names, show_layer_activations, show_trainable : bool
        The contents of the boxes.
    rankdir : {"TB", "LR"}
        From top to bottom or from left to right.
    expand_nested : bool, default False
        Draw the layers of nested models.
    dpi : int, default 200
        Resolution of a PNG.
    splines
        Accepted for compatibility with Keras; no effect.

    Returns
    -------
    Drawing

    Raises
    ------
    ValueError
        If the model is not built, `rankdir` is unknown, or the format needs Matplotlib, which is
        not installed.
    """
    show = {
        "name": show_layer_names,
        "shapes": show_shapes,
        "dtype": show_dtype,
        "activation": show_layer_activations,
        "trainable": show_trainable,
    }
    made = Drawing(boxes_of("plot_model", model, show, rankdir, expand_nested), rankdir)
    if to_file is not None:
        _write(made, Path(to_file), dpi)
    return made


def boxes_of(
    what: str, model: Any, show: dict[str, bool], rankdir: str, expand_nested: bool
) -> list[Box]:
    """Return the boxes of a model, each with those above it; `what` names the caller."""
    if rankdir not in ("TB", "LR"):
        raise ValueError(f"{what}: rankdir: expected 'TB' or 'LR', got {rankdir!r}")
    if not getattr(model, "built", False):
        raise ValueError(
            f"{what}: model {getattr(model, 'name', model)!r} is not built: give its first "
            "layer an input_shape, or call it on data"
        )
    tracer = _Tracer(show, expand_nested)
    tracer.model(model, None)
    return tracer.boxes


class _Tracer:
    """Makes the boxes of a model by following its arrays."""

    def __init__(self, show: dict[str, bool], expand: bool) -> None:
        self.show, self.expand = show, expand
        self.boxes: list[Box] = []

    def box(self, layer: Any, in_shape: Any, out_shape: Any, sources: Iterable[Box]) -> Box:
        """Add and return the box of a call of a layer, one rank below its sources."""
        show, kind = self.show, getattr(layer, "drawn_as", type(layer).__name__)
        lines = [f"{layer.name} ({kind})" if show["name"] else kind]
        activation = getattr(layer, "activation", None)
        if show["activation"] and activation is not None:
            lines.append(f"Activation: {getattr(activation, '__name__', activation)}")
        if show["shapes"]:
            lines += ([] if in_shape is None else [f"Input: {in_shape}"]) + [f"Output: {out_shape}"]
        if show["dtype"]:
            lines.append(f"Dtype: {layer.dtype}")
        if show["trainable"]:
            lines.append(f"Trainable: {layer.trainable}")
        above = list(dict.fromkeys(sources))
        made = Box(lines, max((s.rank + 1 for s in above), default=0))
        made.above = above
        self.boxes.append(made)
        return made

    def model(self, model: Any, entries: list[Box] | None) -> list[Box]:
        """Add the boxes of a model; return those of its outputs."""
        graph = getattr(model, "graph", None)
        return self._chain(model, entries) if graph is None else self._graph(graph, entries)

    def _chain(self, model: Any, entries: list[Box] | None) -> list[Box]:
        shape = model.input_shape
        inputs, layers = _split_inputs(model.layers)
        if entries is None:
            first = inputs[0] if inputs else ImpliedInput(f"{model.name}_input", model.dtype)
            entries = [self.box(first, None, shape, [])]
        for layer in layers:
            out_shape = layer.compute_output_shape(shape)
            entries = self._call(layer, shape, out_shape, entries)
            shape = out_shape
        return entries

    def _graph(self, graph: Any, entries: list[Box] | None) -> list[Box]:
        if entries is None:
            entries = [self.box(s.node.layer, None, s.shape, []) for s in graph.inputs]
        places: dict[Any, Box] = dict(zip(graph.inputs, entries, strict=True))
        for call in graph.calls:
            node = call.node
            in_shape = [s.shape for s in node.inputs] if node.several else node.inputs[0].shape
            out_shape = node.outputs[0].shape if node.single else [s.shape for s in node.outputs]
            ends = self._call(node.layer, in_shape, out_shape, [places[s] for s in node.sources()])
            for i, tensor in enumerate(node.outputs):
                places[tensor] = ends[min(i, len(ends) - 1)]
        return [places[s] for s in graph.outputs]

    def _call(self, layer: Any, in_shape: Any, out_shape: Any, sources: list[Box]) -> list[Box]:
        nested = hasattr(layer, "layers") and hasattr(layer, "compile")
        if nested and self.expand:
            return self.model(layer, sources)
        return [self.box(layer, in_shape, out_shape, sources)]


class ImpliedInput:
    """Stands for the `InputLayer` of a model that has none, such as a Sequential."""

    trainable = True
    drawn_as = "InputLayer"

    def __init__(self, name: str, dtype: Any) -> None:
        self.name, self.dtype = name, dtype


def _split_inputs(layers: Iterable[Any]) -> tuple[list[Any], list[Any]]:
    parts: tuple[list[Any], list[Any]] = ([], [])
    for layer in layers:
        parts[type(layer).__name__ != "InputLayer"].append(layer)
    return parts


# -- layout ----------------------------------------------------------------------------------


def _place(boxes: list[Box], rankdir: str) -> tuple[float, float]:
    """Set the positions of all boxes; return width and height of the drawing."""
    rows = _rows(boxes)
    across, along = ("x", "y") if rankdir == "TB" else ("y", "x")
    wide, deep = ("width", "height") if rankdir == "TB" else ("height", "width")
    lengths = [sum(getattr(b, wide) + _GAP for b in row) for row in rows]
    at = float(_PAD)
    for row, length in zip(rows, lengths, strict=True):
        depth = max(getattr(b, deep) for b in row)
        side = (max(lengths) - length) / 2
        for b in row:
            size = getattr(b, wide) + _GAP
            setattr(b, across, side + size / 2)
            setattr(b, along, at + depth / 2)
            if not b.lines:  # arrows are straight within a row, and bend between rows
                setattr(b, deep, depth)
            side += size
        at += depth + _GAP
    size = {across: max(lengths), along: at - _GAP + _PAD}
    return size["x"], size["y"]


def _rows(boxes: list[Box]) -> list[list[Box]]:
    """Return the boxes by rank, ordered to reduce crossings, with points for long arrows."""
    rows: list[list[Box]] = [[] for _ in range(1 + max(b.rank for b in boxes))]
    for b in boxes:
        rows[b.rank].append(b)
    for b in boxes:
        for i, source in enumerate(b.above):
            for rank in range(source.rank + 1, b.rank):
                between = Box([], rank)
                between.above = [source]
                source.below.append(between)
                rows[rank].append(between)
                source = between
            b.above[i] = source
            source.below.append(b)
    for row in rows:
        _space_evenly(row)
    for _ in range(4):
        for row in rows[1:]:
            row.sort(key=lambda b: _mean(b.above, b.x))
            _space_evenly(row)
        for row in rows[-2::-1]:
            row.sort(key=lambda b: _mean(b.below, b.x))
            _space_evenly(row)
    return rows


def _space_evenly(row: list[Box]) -> None:
    for i, b in enumerate(row):
        b.x = (i + 0.5) / len(row)


def _mean(boxes: list[Box], otherwise: float) -> float:
    return sum(b.x for b in boxes) / len(boxes) if boxes else otherwise


def _arrows(boxes: list[Box], rankdir: str) -> list[list[tuple[float, float]]]:
    """Return the arrows as lists of points, from the edge of a box to that of another."""
    found = []
    for b in boxes:
        for source in b.above:
            line = [_edge(b, rankdir, -1)]
            while not source.lines:
                line += [_edge(source, rankdir, 1), _edge(source, rankdir, -1)]
                source = source.above[0]
            found.append([_edge(source, rankdir, 1), *line[::-1]])
    return found


def _edge(b: Box, rankdir: str, side: int) -> tuple[float, float]:
    if rankdir == "TB":
        return b.x, b.y + side * b.height / 2
    return b.x + side * b.width / 2, b.y


# -- output ----------------------------------------------------------------------------------


def _svg(made: Drawing) -> str:
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{made.width:.0f}" '
        f'height="{made.height:.0f}" font-family="sans-serif" font-size="{_FONT}">',
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" '
        'markerHeight="8" orient="auto"><path d="M0 0L8 4L0 8z"/></marker></defs>',
        '<rect width="100%" height="100%" fill="white"/>',
    ]
    for line in _arrows(made.boxes, made.rankdir):
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in line)
        parts.append(
            f'<polyline points="{points}" fill="none" stroke="black" marker-end="url(#tip)"/>'
        )
    for b in made.boxes:
        left, top = b.x - b.width / 2, b.y - b.height / 2
        parts.append(
            f'<rect x="{left:.1f}" y="{top:.1f}" width="{b.width:.1f}" height="{b.height:.1f}" '
            'rx="3" fill="#eef3fa" stroke="black"/>'
        )
        for i, text in enumerate(b.lines):
            y = top + _PAD / 2 + (i + 0.75) * _LINE
            weight = "" if i else ' font-weight="bold"'
            parts.append(
                f'<text x="{b.x:.1f}" y="{y:.1f}" text-anchor="middle"{weight}>'
                f"{html.escape(text)}</text>"
            )
    return "\n".join([*parts, "</svg>\n"])


def _write(made: Drawing, path: Path, dpi: int) -> None:
    if path.suffix.lower() == ".svg":
        path.write_text(made.svg, encoding="utf-8")
        return
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
        from matplotlib.patches import FancyBboxPatch
    except ImportError:
        raise ValueError(
            f"plot_model: to_file: {path.name!r} takes Matplotlib (pip install lstmcore[plot]); "
            "a name that ends in .svg takes nothing"
        ) from None
    figure = Figure(figsize=(made.width / 72, made.height / 72))
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, made.width), ylim=(made.height, 0))
    axes.axis("off")
    tip = {"arrowstyle": "-|>", "color": "black", "shrinkA": 0, "shrinkB": 0}
    for line in _arrows(made.boxes, made.rankdir):
        axes.plot(*zip(*line[:-1], strict=True), color="black", linewidth=1)
        axes.annotate("", line[-1], line[-2], arrowprops=tip)
    for b in made.boxes:
        corner = (b.x - b.width / 2, b.y - b.height / 2)
        axes.add_patch(
            FancyBboxPatch(corner, b.width, b.height, "round,pad=0,rounding_size=3", fc="#eef3fa")
        )
        for i, text in enumerate(b.lines):
            y = corner[1] + _PAD / 2 + (i + 0.5) * _LINE
            weight = "normal" if i else "bold"
            axes.text(
                b.x, y, text, ha="center", va="center", size=_FONT * 0.85, weight=weight,
                parse_math=False,
            )  # fmt: skip
    figure.savefig(path, dpi=dpi)
