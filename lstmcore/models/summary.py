"""The table that `Model.summary` prints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..layers.base import Layer, Shape
from ..quantization.quantize import storages, weight_bytes

MIDDLE = "Connected to"
AGAIN = " again"  # after the name of a layer in its later calls


def summary_lines(
    model: Any,
    line_length: int | None = None,
    expand_nested: bool = False,
    show_trainable: bool = False,
    layer_range: Sequence[str] | None = None,
) -> list[str]:
    """Return the lines of `Model.summary`."""
    rows = _rows(model, expand_nested)
    if layer_range is not None:
        rows = _between(rows, layer_range, model)
    head = ["Layer (type)", "Output Shape", "Param #"]
    if any(row[3] is not None for row in rows):
        head.append(MIDDLE)
    if show_trainable:
        head.append("Trainable")
    table = [_cells(row, head) for row in rows]
    widths = [max(len(line[i]) for line in [head, *table]) + 4 for i in range(len(head))]
    widths[0], widths[1] = max(widths[0], 30), max(widths[1], 22)
    if line_length is not None:
        widths[-1] += max(0, line_length - sum(widths) - 2)

    def line(cells: Sequence[str]) -> str:
        left = (f"{c:<{w}}" for c, w in zip(cells[:2], widths[:2], strict=True))
        rest = (
            f"{c:>{w}}" if i == 2 else f"    {c:<{w - 4}}"
            for i, (c, w) in enumerate(zip(cells[2:], widths[2:], strict=True), 2)
        )
        return " " + "".join([*left, *rest]).rstrip()

    rule = "=" * (sum(widths) + 2)
    return [
        f'Model: "{model.name}"',
        rule,
        line(head),
        rule,
        *map(line, table),
        rule,
        *_totals(model),
    ]


def summary_html(model: Any) -> str:
    """Return the summary as an HTML table, for notebooks."""
    from .. import notebook

    rows = _rows(model, expand_nested=False)
    head = ["Layer (type)", "Output Shape", "Param #"]
    if any(row[3] is not None for row in rows):
        head.append(MIDDLE)
    title = f"{type(model).__name__} {model.name!r}"
    lines = notebook.table(head, [_cells(row, head) for row in rows], title)
    return lines + notebook.text("\n".join(line.strip() for line in _totals(model)))


# A layer, its name, its output shape, and the layers it is connected to (None in a chain).
Row = tuple[Layer, str, Any, str | None]


def _rows(model: Any, expand_nested: bool, indent: str = "") -> list[Row]:
    graph = getattr(model, "graph", None)
    found = _graph_rows(model, graph, indent) if graph else _chain_rows(model, indent)
    if not expand_nested:
        return found
    rows: list[Row] = []
    for row in found:
        rows.append(row)
        if hasattr(row[0], "layers"):
            inner = _rows(row[0], True, indent + "  ")
            rows += [(layer, name, shape, row[3] and "-") for layer, name, shape, _ in inner]
    return rows


def _chain_rows(model: Any, indent: str) -> list[Row]:
    rows: list[Row] = []
    shape: Shape | None = model.input_shape
    for layer in model.layers:
        shape = None if shape is None else layer.compute_output_shape(shape)
        rows.append((layer, indent + layer.name, shape, None))
    return rows


def _graph_rows(model: Any, graph: Any, indent: str) -> list[Row]:
    """Return a row for each call, in order, with its sources unless the graph is a chain."""
    inputs = [s for s in graph.inputs if s.node.layer in graph.layers]
    calls = [*(s.node for s in inputs), *(call.node for call in graph.calls)]
    chain = all(len(list(node.sources())) <= 1 for node in calls) and len(inputs) == 1
    chain = chain and len({node.layer for node in calls}) == len(calls)
    rows, seen = [], set()
    for node in calls:
        shapes = [s.shape for s in node.outputs]
        sources = ", ".join(f"{s.name}[{s.position}]" for s in node.sources()) or "-"
        name = indent + node.layer.name + (AGAIN if node.layer in seen else "")
        seen.add(node.layer)
        shape = shapes[0] if node.single else shapes
        rows.append((node.layer, name, shape, None if chain else sources))
    return rows


def _between(rows: list[Row], layer_range: Sequence[str], model: Any) -> list[Row]:
    """Return the rows from the first layer of a name to the last of another."""
    if len(layer_range) != 2:
        raise ValueError(f"summary: layer_range: expected two names, got {layer_range!r}")
    at = [model.layers.index(model.get_layer(name)) for name in layer_range]
    wanted = model.layers[at[0] : at[1] + 1]
    return [row for row in rows if row[0] in wanted]


def _cells(row: Row, head: list[str]) -> list[str]:
    layer, name, shape, sources = row
    count = f"{layer.count_params():,}" if layer.built else "0 (unbuilt)"
    count = "(above)" if name.endswith(AGAIN) else count
    kind = ", ".join([type(layer).__name__, *sorted(set(storages(layer).values()))])
    cells = [f"{name} ({kind})", "?" if shape is None else str(shape), count]
    if MIDDLE in head:
        cells.append(sources or "-")
    if "Trainable" in head:
        cells.append(("Y" if layer.trainable else "N") if layer.weights else "-")
    return cells


def _totals(model: Any) -> list[str]:
    sizes = weight_bytes(model)
    params = {
        "Total params": model.weights,
        "Trainable params": model.trainable_weights,
        "Non-trainable params": model.non_trainable_weights,
    }
    counts = {
        what: (sum(p.value.size for p in found), sum(sizes[p] for p in found))
        for what, found in params.items()
    }
    if model.optimizer is not None and model.optimizer.slots:
        slots = model.optimizer.slots.values()
        counts["Optimizer params"] = sum(s.size for s in slots), sum(s.nbytes for s in slots)
    return [f" {what}: {n:,} ({_bytes(size)})" for what, (n, size) in counts.items()]


def _bytes(n: float) -> str:
    for unit in ("B", "KB", "MB", "GB"):
        if n < 1024 or unit == "GB":
            break
        n /= 1024
    return f"{n:.2f} {unit}"
