"""Masks in an ONNX graph: their lengths, and sequences with their unmasked steps in front.

ONNX's recurrent operators know a length for each row, not a mask. A mask of trailing padding is
such a length. Any other mask becomes one when the unmasked steps are moved to the front:

    order     (batch, time)  the unmasked steps in their order, then the masked ones
    place     (batch, time)  where a step stands among the unmasked ones
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .builder import WHOLE, Builder, Value


def of_lengths(b: Builder, x: Value, lengths: str) -> Value:
    """Return the mask (batch, time) of rows of x that have these lengths, int32."""
    b.has_masks = True
    steps = b.cast(b.steps(x), "int32")
    name = b("Less", steps, b("Unsqueeze", lengths, [1]))
    mask = Value(name, x.shape[:2], "bool", trailing=True)
    b.once(("rows", name), lambda: Rows(b, mask, lengths, None))  # they need not be counted
    return mask


def of_steps(b: Builder, mask: Value | None) -> Value | None:
    """Return the mask (batch, time) of a mask of parts of steps: unmasked if any part is."""
    if mask is None or mask.ndim < 3:
        return mask

    def make() -> str:
        counts = b.reduced("ReduceMax", b.cast(mask, "int32"), list(range(2, mask.ndim)))
        return b.cast(counts, "bool")

    name = b.once(("of steps", mask.name), make)
    return Value(name, mask.shape[:2], "bool", trailing=mask.trailing)


def both(b: Builder, one: Value | None, other: Value | None) -> Value | None:
    """Return the mask of what both masks leave unmasked; the second may have more axes."""
    if one is None or other is None:
        return other if one is None else one
    ndim = max(one.ndim, other.ndim)
    made = b("And", b.expanded(one, ndim), b.expanded(other, ndim))
    shape = one.shape if one.ndim == ndim else other.shape
    return Value(made, shape, "bool", trailing=one.trailing and other.trailing)


def any_of(b: Builder, masks: list[Value | None]) -> Value | None:
    """Return the mask of what any of the masks leaves unmasked; None if one is None."""
    found = [m for m in masks if m is not None]
    if len(found) < len(masks) or not found:
        return None
    ndim, made = max(m.ndim for m in found), found[0]
    for m in found[1:]:
        name = b("Or", b.expanded(made, ndim), b.expanded(m, ndim))
        shape = next(each.shape for each in (made, m) if each.ndim == ndim)
        made = Value(name, shape, "bool", trailing=made.trailing and m.trailing)
    return made


@dataclass(frozen=True)
class Rows:
    """Rows of different lengths, as recurrent nodes take them.

    Attributes
    ----------
    mask : Value
        (batch, time)
    lengths : str
        (batch,), int32
    order : str or None
        (batch, time, 1); None if the unmasked steps stand in front anyway.
    """

    b: Builder
    mask: Value
    lengths: str
    order: str | None

    def packed(self, x: str) -> str:
        """Return (batch, time, features) with the unmasked steps in front."""
        return x if self.order is None else self.b("GatherND", x, self.order, batch_dims=1)

    def unpacked(self, y: str, carried: str | None, backwards: bool) -> str:
        """Return outputs (batch, time, units) of packed steps where these stood.

        Parameters
        ----------
        y : str
            Of packed steps, each at its place, whatever the direction.
        carried : str or None
            (batch, 1, units): what masked steps return that come before every unmasked one, in
            the direction; and of trailing padding that is run through forwards those after it.
            None: masked steps return 0.
        backwards : bool
            The direction.
        """
        b, steps = self.b, self.b.expanded(self.mask, 3)
        if self.order is None:
            return b("Where", steps, y, 0.0 if carried is None else carried)
        count = self._counted(exclusive=backwards and carried is not None)
        if carried is None:
            return b("Where", steps, self._at(y, b("Max", b("Sub", count, [1]), [0])), 0.0)
        if backwards:  # the next unmasked step, if there is one
            inside = b("Less", count, b("Unsqueeze", b.cast(self.lengths, WHOLE), [1]))
            last = b("Sub", b.sizes(y, 1, 2), [1])
            found = self._at(y, b("Min", count, last))
        else:
            inside = b("Greater", count, [0])
            found = self._at(y, b("Max", b("Sub", count, [1]), [0]))
        return b("Where", b("Unsqueeze", inside, [2]), found, carried)

    def or_initial(self, last: list[str], initial: list[str]) -> list[str]:
        """Return last states; of rows without a step the initial ones, where runtimes return 0."""
        b = self.b
        some = b("Unsqueeze", b("Greater", self.lengths, np.int32(0)), [1])
        return [b("Where", some, *pair) for pair in zip(last, initial, strict=True)]

    def _counted(self, exclusive: bool) -> str:
        """Return how many steps up to each are unmasked, it included or not."""
        b = self.b

        def make() -> str:
            return b("CumSum", b.cast(self.mask, WHOLE), np.int64(1), exclusive=int(exclusive))

        return b.once(("counted", self.mask.name, exclusive), make)

    def _at(self, y: str, places: str) -> str:
        return self.b("GatherND", y, self.b("Unsqueeze", places, [2]), batch_dims=1)


def rows_of(b: Builder, mask: Value | None) -> Rows | None:
    """Return what recurrent nodes need of a mask; None if there is none."""
    mask = of_steps(b, mask)
    if mask is None:
        return None
    known = mask

    def make() -> Rows:
        counts = b.reduced("ReduceSum", b.cast(known, "int32"), [1])
        if known.trailing:
            return Rows(b, known, counts, None)
        return Rows(b, known, counts, _order(b, known))

    return b.once(("rows", known.name), make)


def _order(b: Builder, mask: Value) -> str:
    """Return the unmasked steps in their order, then the masked ones, (batch, time, 1).

    They are those of the largest keys: time - t of unmasked steps, -t of masked ones.
    """
    steps = b.steps(mask)
    count = b.sizes(mask, 1, 2)
    falling = b("Neg", steps)
    keys = b("Where", mask, b("Add", falling, count), falling)
    _, order = b.several("TopK", 2, keys, count, axis=1)
    return b("Unsqueeze", order, [2])
