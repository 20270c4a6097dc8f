"""PackedWeights: a recurrent layer's weights in the kernels' order."""

from __future__ import annotations

import threading
from typing import Any

from ... import _core
from ..parameters import Flat
from ..stored import refuse_training, rounded_values

# Packing takes microseconds and happens only after weights have changed, so one lock serves all.
_packing = threading.Lock()


class PackedWeights:
    """A layer's weights in the kernels' order, repacked when they have changed."""

    def __init__(self) -> None:
        # (packed weights, their Flat, its version, packed for backward too, their format): a single
        # tuple, so that a thread never sees parts of two entries
        self._entry: tuple[Any, Flat | None, int, bool, str | None] = (None, None, -1, False, None)
        self._pinned: Any = None

    def get(self, layer: Any, backward: bool) -> Any:
        """Return the packed weights; safe to call from any number of threads."""
        if backward:
            refuse_training(layer)
        packed = self._if_current(layer, backward)
        if packed is None:
            with _packing:
                packed = self._if_current(layer, backward) or self._pack(layer, backward)
        return packed

    def pin(self, layer: Any) -> Any:
        """Return packed weights that never change: their memory is not reused by later packing."""
        with _packing:
            packed = self._if_current(layer, False) or self._pack(layer, False)
            self._pinned = packed
        return packed

    def _if_current(self, layer: Any, backward: bool) -> Any:
        packed, flat, version, both, storage = self._entry
        if flat is not layer.kernel.flat or flat is None or flat.version != version:
            return None
        if storage != layer.packed_storage:
            return None
        return packed if (both or not backward) and packed.isa == _core.isa() else None

    def _pack(self, layer: Any, backward: bool) -> Any:
        old, _, _, both, format_then = self._entry
        storage = layer.packed_storage
        both = both and layer.storage is None
        flat = layer.kernel.flat
        if flat is None:
            raise ValueError(f"layer {layer.name!r}: has no weights before it is built")
        version = flat.version  # read before the weights, so that a concurrent change is noticed
        reuse = old is not None and (both or not backward) and old.isa == _core.isa()
        reuse = reuse and old is not self._pinned and storage == format_then
        packed = _core.pack(
            layer.core_cell,
            tuple(None if p is None else p.value for p in layer.core_weights),
            backward=backward or both,
            out=old if reuse else None,
            storage=storage,
        )
        self._entry = (packed, flat, version, backward or both, storage)
        return packed


def pack_rounded(layer: Any) -> Any:
    """Pack the float32 weights that the stored ones of a quantized layer stand for."""
    rounded = rounded_values(layer)
    weights = (None if p is None else rounded.get(p, p.value) for p in layer.core_weights)
    return _core.pack(layer.core_cell, tuple(weights))
