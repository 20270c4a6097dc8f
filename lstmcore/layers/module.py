"""Module, base of everything that owns weights: layers, and layers inside layers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from .. import config, constraints, context, initializers, regularizers
from ..serialization import Configurable
from ..validation import Array, entries, plain_array
from .parameters import Flat, Param

DTYPES = config.FLOATS


@contextmanager
def shapes_only() -> Iterator[None]:
    """Let models and layers declare their weights, but give them no memory."""
    with context.changed(shapes_only=True):
        yield


class Module(Configurable):
    """Owner of weights: declares and materializes them, reads and sets them, nested ones too."""

    name: str
    dtype: str | None
    default_dtype: str = DTYPES[0]  # where neither the layer nor its model states a dtype
    _trainable: bool
    _params: list[Param]

    def sublayers(self) -> Sequence[Any]:
        """Return the layers inside this one."""
        return ()

    def named_sublayers(self) -> Sequence[tuple[str, Any]]:
        """Return (name, layer) for the layers inside this one: the names in paths of weights."""
        return [(layer.name, layer) for layer in self.sublayers()]

    @property
    def trainable(self) -> bool:
        """True if `fit` trains the weights; setting it also sets it on all nested layers."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = bool(value)
        for layer in self.sublayers():
            layer.trainable = value

    def describe(self) -> str:
        """Return the name and the class, as error messages begin."""
        return f"layer {self.name!r} ({type(self).__name__})"

    def error(self, argument: str, expected: object, got: object) -> ValueError:
        """Return a ValueError about an argument, in the form that all layers use."""
        return ValueError(f"{self.describe()}: {argument}: expected {expected}, got {got}")

    def add_weight(
        self,
        shape: Any = None,
        initializer: Any = None,
        dtype: Any = None,
        trainable: bool = True,
        autocast: bool = True,
        regularizer: Any = None,
        constraint: Any = None,
        aggregation: str | None = None,
        overwrite_with_gradient: bool = False,
        name: str | None = None,
    ) -> Param:
        """Declare a weight array; its memory comes later, with that of the whole model.

        Parameters
        ----------
        shape : tuple of int, default ()
        initializer : str, Initializer or callable, default "glorot_uniform"
        dtype : optional
            Must be that of the layer: all weights of a model have one dtype.
        trainable : bool, default True
        regularizer, constraint : optional
        name : str, optional
            The default is ``"variable"``, numbered.
        autocast, aggregation, overwrite_with_gradient
            Accepted for compatibility with Keras; no effect.
        """
        if isinstance(shape, str):  # Keras 2: the name came first
            raise self.error("add_weight: shape", "a tuple of sizes (name= is by name)", shape)
        shape = () if shape is None else (shape,) if isinstance(shape, int) else tuple(shape)
        if dtype is not None and self.dtype is not None and str(np.dtype(dtype)) != self.dtype:
            raise self.error("add_weight: dtype", f"{self.dtype}, as the layer has", dtype)
        if name is None:
            count = sum(p.name.startswith("variable") for p in self._params)
            name = f"variable_{count}" if count else "variable"
        param = Param(
            name,
            tuple(int(n) for n in shape),
            initializers.get("glorot_uniform" if initializer is None else initializer),
            trainable,
            regularizers.get(regularizer),
            constraints.get(constraint),
        )
        self._params.append(param)
        return param

    def materialize(self, initialize: bool = True) -> None:
        """Give memory to declared weights; without `initialize`, new ones are 0 and not drawn."""
        if not context.current().shapes_only:
            params = [(p, trainable) for _, p, trainable in self.named_params()]
            self._materialize(params, initialize)

    def _materialize(self, params: list[tuple[Param, bool]], initialize: bool) -> None:
        if any(p.flat is None for p, _ in params):
            Flat(params, self.dtype or self.default_dtype, initialize)

    def named_params(
        self, prefix: str = "", trainable: bool = True
    ) -> Iterator[tuple[str, Param, bool]]:
        """Yield (path, weight, trainable) for all weights, those of nested layers last.

        A weight of a layer that two layers share comes once.
        """
        seen: set[Param] = set()
        for entry in self._all_params(prefix, trainable):
            if entry[1] not in seen:
                seen.add(entry[1])
                yield entry

    def _all_params(self, prefix: str, trainable: bool) -> Iterator[tuple[str, Param, bool]]:
        trainable = trainable and self._trainable
        for param in self._params:
            yield prefix + param.name, param, trainable and param.trainable
        if self.sublayers():
            for name, layer in self.named_sublayers():
                yield from layer._all_params(f"{prefix}{name}/", trainable)

    @property
    def weights(self) -> list[Param]:
        """All weights."""
        return [p for _, p, _ in self.named_params()]

    @property
    def trainable_weights(self) -> list[Param]:
        """The weights that `fit` changes."""
        return [p for _, p, trainable in self.named_params() if trainable]

    @property
    def non_trainable_weights(self) -> list[Param]:
        """The weights that `fit` leaves as they are."""
        return [p for _, p, trainable in self.named_params() if not trainable]

    # Keras's other names for them
    variables = weights
    trainable_variables = trainable_weights
    non_trainable_variables = non_trainable_weights

    def trains(self) -> bool:
        """Return True if any weight of the layer is trained."""
        return bool(self._params and self.trainable) or bool(self.trainable_weights)

    def count_params(self) -> int:
        """Return the number of scalars in all weights."""
        return sum(math.prod(p.shape) for p in self.weights)

    def get_weights(self) -> list[Array]:
        """Return copies of all weights, in the order of `weights`."""
        return [p.numpy() for p in self.weights]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Set all weights from arrays in the order of `weights`.

        Raises
        ------
        ValueError
            If their number or a shape does not fit; then no weight is changed.
        """
        params = self.weights
        given = entries("set_weights: weights", weights, "arrays")
        arrays = [plain_array(w, f"weights[{i}]") for i, w in enumerate(given)]
        if len(arrays) != len(params):
            raise self.error("weights", f"{len(params)} arrays", len(arrays))
        for param, array in zip(params, arrays, strict=True):
            if array.shape != param.shape:
                raise self.error(f"weight {param.name!r}", f"shape {param.shape}", array.shape)
        for param, array in zip(params, arrays, strict=True):
            param.assign(array)
