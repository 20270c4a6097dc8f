"""Handlers for sequences of different lengths: sorted by length, and put back in order.

PyTorch's pack_padded_sequence sorts the rows of a batch by their lengths (TopK, Gather), and puts
the results back by the inverse order (ScatterElements of Range, Gather). Layers take the rows in
any order, so the sorting is dropped and the lengths are kept, as a mask.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .constants import Spread
from .graph_reader import GraphReader, handler
from .views import View, resolved


class Order:
    """The places of the rows when they are sorted by some lengths.

    Parameters
    ----------
    size : int or Dim
        The number of rows.
    of : Order, optional
        The order that this one is the inverse of.
    """

    def __init__(self, size: Any, of: Order | None = None) -> None:
        self.shape, self.of = (size,), of


class Counting:
    """The numbers 0, 1, ... up to a size that is not known.

    Parameters
    ----------
    size : int or Dim
    """

    def __init__(self, size: Any) -> None:
        self.shape = (size,)


@handler("TopK")
def sorted_by_length(reader: GraphReader, node: Any, x: Any, count: Any = None) -> list[Any]:
    """Read a complete TopK of lengths as an order of the rows."""
    if not isinstance(x, View) or x.ndim != 1 or x.kind != "i":
        raise ValueError("the largest of what are no lengths")
    count = [reader.attribute(node, "k")] if count is None else list(np.ravel(count))
    if count != [x.shape[0]]:
        raise ValueError(f"K: expected the number of rows {x.shape[0]}, got {count}")
    if not reader.attribute(node, "largest", 1):
        raise ValueError("largest: expected 1")
    order = Order(x.shape[0])
    return [View(x.source, x.axes, x.kind, order), order]


@handler("Range")
def counting(reader: GraphReader, node: Any, start: Any, limit: Any, delta: Any) -> list[Any]:
    """Read the numbers of all rows."""
    numbers = [np.ravel(a)[0] if isinstance(a, np.ndarray) else a for a in (start, limit, delta)]
    if numbers[0] != 0 or numbers[2] != 1 or isinstance(numbers[1], View):
        raise ValueError(f"from {numbers[0]} to {numbers[1]} in steps of {numbers[2]}")
    return [Counting(numbers[1])]


@handler("ScatterElements", "Scatter")
def inverse(reader: GraphReader, node: Any, x: Any, index: Any, updates: Any) -> list[Any]:
    """Read the inverse of an order of rows."""
    fits = isinstance(index, Order) and isinstance(updates, Counting)
    if not fits or updates.shape != index.shape or tuple(x.shape) != index.shape:
        raise ValueError("writes to places that are not known")
    if reader.attribute(node, "axis", 0) % 1 or not isinstance(x, Spread | np.ndarray):
        raise ValueError("axis: expected 0")
    return [Order(index.shape[0], index)]


def sorted_rows(reader: GraphReader, x: Any, index: Any, axis: int) -> View:
    """Return the view of rows in an order, or back from it."""
    if not isinstance(index, Order) or not isinstance(x, View):
        raise ValueError("places that are not known")
    reader.note_batch(x.axes[axis])
    if reader.makes_layers and not reader.is_batch(x, x.axes[axis]):
        raise ValueError("an order of rows along another axis than that of the batch")
    if index.of is None and x.order is None:
        return View(x.source, x.axes, x.kind, index)
    if index.of is not None and index.of is x.order:
        return View(x.source, x.axes, x.kind)
    raise ValueError("rows in an order that are in another one")


def mask_of_lengths(reader: GraphReader, x: View, lengths: Any, tensor: Any) -> tuple[Any, Any]:
    """Return the mask (batch, time) of the steps before the end of each row.

    And (batch, 1), 1 for rows that have any steps, else 0.
    """
    if not isinstance(lengths, View) or lengths.kind != "i" or lengths.ndim != 1:
        raise ValueError("sequence_lens: expected what depends on the inputs")
    if lengths.order is not x.order:
        raise ValueError("sequence_lens: in another order of rows than X")
    reader.note_batch(lengths.axes[0])
    if not reader.makes_layers:
        return None, None
    if resolved(lengths.source.axes[0]) != resolved(lengths.axes[0]):
        raise ValueError("sequence_lens: expected one for each row")
    first = reader.item(tensor, (slice(None), slice(None), 0))
    steps = reader.op("cumsum", reader.op("ones_like", first), axis=1)
    ends = reader.op("cast", reader.op("expand_dims", lengths.source.tensor, 1), reader.dtype)
    mask = reader.op("less_equal", steps, ends)
    return mask, reader.op("minimum", ends, 1.0)
