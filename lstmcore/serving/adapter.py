"""Adapter: a model as the protocol sees it, with named inputs and outputs.

An `Adapter` says what a model takes and gives (`inputs`, `outputs`), makes a `Work` of a request's
arrays, in the thread of the event loop, and computes works, in the thread of the model.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ..names import nearest
from ..validation import Array
from .errors import BadRequestError
from .tensors import BYTES, NUMBERS, TensorSpec, datatype_of


@dataclass(frozen=True)
class Work:
    """What a model has to compute for a request.

    Parameters
    ----------
    payload : object
    key : hashable
        Works of equal keys may be computed together; None: alone.
    rows, steps : int
        Its size; 1 step where there is no time axis.
    """

    payload: Any
    key: Hashable
    rows: int
    steps: int = 1


class Adapter:
    """A model behind the protocol; see the module.

    Attributes
    ----------
    model : Model
        The network, for transports that stream.
    inputs, outputs : tuple of TensorSpec
    details : dict
        What the metadata say besides, under "parameters".
    """

    known_parameters: ClassVar[tuple[str, ...]] = ()
    model: Any
    inputs: tuple[TensorSpec, ...] = ()
    outputs: tuple[TensorSpec, ...] = ()
    details: Mapping[str, Any] = {}

    def accept(self, inputs: Mapping[str, Array], parameters: Mapping[str, Any]) -> Work:
        """Return the work of a request; raise BadRequestError if its inputs are not the model's."""
        raise NotImplementedError

    def compute(self, payloads: list[Any]) -> Sequence[dict[str, Array]]:
        """Return the outputs of each work."""
        raise NotImplementedError

    def warm(self) -> None:
        """Compute once, so that the first request finds packed weights and warm caches."""

    def checked(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Return the inputs by name, in the model's datatypes.

        Raises
        ------
        BadRequestError
            If one is unknown, missing, of another datatype or of another shape.
        """
        specs = {spec.name: spec for spec in self.inputs}
        for name in inputs:
            if name not in specs:
                raise BadRequestError(
                    f"input {name!r:.80}: not of this model: {nearest(name, specs)}"
                )
        missing = [s.name for s in self.inputs if s.name not in inputs and not s.optional]
        if missing:
            raise BadRequestError(f"inputs: expected {missing[0]!r} too, which the model needs")
        return {name: fitted(array, specs[name]) for name, array in inputs.items()}


def fitted(array: Array, spec: TensorSpec) -> Array:
    """Return an array in the datatype of the specification, aligned and contiguous.

    Raises
    ------
    BadRequestError
        If its datatype or its shape is another.
    """
    what, found = f"input {spec.name!r}", datatype_of(array)
    if len(array.shape) != len(spec.shape) or any(
        wanted not in (-1, size) for size, wanted in zip(array.shape, spec.shape, strict=True)
    ):
        raise BadRequestError(f"{what}: expected shape {list(spec.shape)}, got {list(array.shape)}")
    if not array.size:
        raise BadRequestError(f"{what}: expected at least one element, got {list(array.shape)}")
    if found == spec.datatype:
        flags = array.flags  # bytes of a body may stand at any address
        usable = found == BYTES or (flags.aligned and flags.c_contiguous and array.dtype.isnative)
        return array if usable else array.astype(array.dtype.newbyteorder("="), "C")
    if BYTES in (found, spec.datatype) or not np.can_cast(
        NUMBERS[found], NUMBERS[spec.datatype], "safe"
    ):
        raise BadRequestError(f"{what}: expected datatype {spec.datatype}, got {found}")
    native = np.dtype(NUMBERS[spec.datatype]).newbyteorder("=")
    return array.astype(native, "C")
