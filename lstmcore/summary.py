"""What `Model.summary` prints."""

from __future__ import annotations

from typing import Any

from .layers.base import Layer, Shape


def summary_lines(model: Any) -> list[str]:
    """The lines of `Model.summary`."""
    rows: list[tuple[str, str, str]] = []

    def add(layer: Layer, shape: Shape | None) -> None:
        out = "?" if shape is None else str(layer.compute_output_shape(shape))
        count = f"{layer.count_params():,}" if layer.built else "0 (unbuilt)"
        rows.append((f"{layer.name} ({type(layer).__name__})", out, count))

    shape = model.input_shape
    for layer in model.layers:
        add(layer, shape)
        shape = None if shape is None else layer.compute_output_shape(shape)
    head = ("Layer (type)", "Output Shape", "Param #")
    widths = [max(len(row[i]) for row in [head, *rows]) + 4 for i in range(3)]
    widths[0], widths[1] = max(widths[0], 30), max(widths[1], 22)

    def line(row: tuple[str, str, str]) -> str:
        return f" {row[0]:<{widths[0]}}{row[1]:<{widths[1]}}{row[2]:>{widths[2]}}"

    rule = "=" * (sum(widths) + 2)
    return [
        f'Model: "{model.name}"',
        rule,
        line(head),
        rule,
        *map(line, rows),
        rule,
        *_totals(model),
    ]


def _totals(model: Any) -> list[str]:
    trained = sum(p.value.size for p in model.trainable_weights)
    frozen = sum(p.value.size for p in model.non_trainable_weights)
    counts = {
        "Total params": trained + frozen,
        "Trainable params": trained,
        "Non-trainable params": frozen,
    }
    if model.optimizer is not None and model.optimizer.slots:
        counts["Optimizer params"] = sum(slot.size for slot in model.optimizer.slots.values())
    size = 8 if model.dtype == "float64" else 4
    return [f" {what}: {n:,} ({_bytes(n * size)})" for what, n in counts.items()]


def _bytes(n: float) -> str:
    for unit in ("B", "KB", "MB", "GB"):
        if n < 1024 or unit == "GB":
            break
        n /= 1024
    return f"{n:.2f} {unit}"
