"""Variable: a number or array of users' own that functions read and callbacks set."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import config, initializers
from .parameters import OwnMemory


class Variable(OwnMemory):
    """A number or an array that is not learnt, such as a weight of a loss that grows by epochs.

    It computes as an array in losses, layers and metrics; `assign` sets it, at any time.

    Parameters
    ----------
    initializer : array_like, or str, Initializer or callable with a shape
        The value, or what makes it.
    shape : tuple of int, optional
    dtype : str, optional
        The default is `lstmcore.config.floatx`.
    trainable : bool
        Only False: what is learnt is a weight of a layer, by `Layer.add_weight`.
    name : str, default "variable"

    Examples
    --------
    >>> from lstmcore import Variable
    >>> beta = Variable(0.0, trainable=False)
    >>> beta.assign(0.5)
    >>> float(beta * 2)
    1.0
    """

    __slots__ = ()

    def __init__(
        self,
        initializer: Any,
        shape: Any = None,
        dtype: Any = None,
        trainable: bool = True,
        *,
        name: str | None = None,
    ) -> None:
        if trainable:
            raise ValueError(
                f"Variable: trainable: expected False, got {trainable!r}: what is learnt is a "
                "weight of a layer, made by its add_weight"
            )
        kind = config.floatx() if dtype is None else np.dtype(dtype)
        made = callable(initializer) or isinstance(initializer, str)
        if made:
            initializer = initializers.get(initializer)
            value = np.array(initializer(tuple(shape or ()), kind), kind)
        else:
            value = np.array(initializer, kind)
            if shape is not None and value.shape != tuple(shape):
                raise ValueError(f"Variable: shape: expected {value.shape}, got {tuple(shape)}")
        super().__init__(name or "variable", value, initializer)

    def __repr__(self) -> str:
        return f"<Variable {self.name} {self.shape} value={self.value}>"
