"""Figures of a trained model whose weights are stored in fewer bytes: `Model.quantize`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any


def figures(model: Any, modes: Sequence[str], figure: Callable[[], float]) -> dict[str, Any]:
    """Return the figure of a model in float32 and in each of several formats.

    Parameters
    ----------
    model : Model
        Trained; it is in float32 afterwards, too.
    modes : sequence of str
        Formats that `Model.quantize` takes.
    figure : callable
        Returns the figure of the model as it is.

    Returns
    -------
    dict
        ``stored``, the figures by format, float32's first, and ``bytes``, the weights' share of
        the bytes of float32; empty without modes.
    """
    if not modes:
        return {}
    found, shares = {"float32": figure()}, {}
    for mode in modes:
        report = model.quantize(mode)
        found[mode] = figure()
        shares[mode] = report.bytes_after / report.bytes_before
        model.dequantize()
    return {"stored": found, "bytes": shares}


def changes(found: dict[str, Any], places: int) -> list[str]:
    """Return a text for each format: its figure, and the change from float32's."""
    kept = dict(found.get("stored") or {})
    if not kept:
        return []
    floats = kept.pop("float32")
    return [
        f"{mode} {value:.{places}f} ({value - floats:+.{places}f}, {found['bytes'][mode]:.2f} of "
        "the bytes)"
        for mode, value in kept.items()
    ]
