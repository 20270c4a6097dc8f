"""Keras's way to call an optimizer: gradients and variables in lists.

`fit` gives an optimizer all weights as one flat array. Here it is given the arrays one by one, all
that it knows or some of them: those alone are updated, with their part of the state.
"""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..layers.parameters import Flat, OwnMemory, Param
from ..serialization import Configurable

Array = NDArray[Any]


class ByVariable(Configurable):
    """The mixin of `Optimizer` that updates given variables."""

    name: str
    slots: dict[str, Array]
    iterations: Any
    learning_rate: Any
    use_ema: bool
    _calls: int
    _known: list[Param] | None  # the variables whose state the slots hold, in this order
    _unseen: Array | None
    _decayed: list[slice] | None
    _excluded: tuple[list[Any], Any] | None
    _built_for: tuple[int, Any] | None
    _places: list[int] | None = None  # the numbers of the variables in a step of some of them

    def build(self, variables: Iterable[Param]) -> None:
        """Make the state for these variables, or for all that are trained with them in a model."""
        params = self._checked(variables)
        if self._known is None:
            self._known = _all_of_model(params)
        size = sum(p.size for p in self._known)
        self.make_slots(size, params[0].dtype)  # type: ignore[attr-defined]

    @property
    def built(self) -> bool:
        """True if there is a state, or the variables are known."""
        return self._known is not None or bool(self.slots)

    @property
    def variables(self) -> list[Any]:
        """The numbers `iterations` and, if it can be set, `learning_rate`, then the state.

        The state is an array for each slot of each variable that `build` or `apply` was given.
        """
        found: list[Any] = [self.iterations]
        if self.fixed_rate is not None:  # type: ignore[attr-defined]
            found.append(self.learning_rate)
        for p, window in zip(self._known or (), _windows(self._known or ()), strict=True):
            for name, slot in self.slots.items():
                found.append(OwnMemory(f"{p.name}_{name}", slot[window].reshape(p.shape), np.zeros))
        return found

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Param]]) -> Any:
        """Update variables from pairs (gradient, variable); return `iterations`."""
        pairs = list(grads_and_vars)
        self.apply([g for g, _ in pairs], [v for _, v in pairs])
        return self.iterations

    def apply(
        self, grads: Sequence[Any], trainable_variables: Iterable[Param] | None = None
    ) -> None:
        """Update variables by one step, and apply their constraints.

        Parameters
        ----------
        grads : sequence of array or None
            A gradient for each variable. A variable without one stays as it is.
        trainable_variables : sequence of Param, optional
            Such as ``model.trainable_weights``, or some of them: no others are changed. The
            default is what `build` was given.

        Raises
        ------
        ValueError
            If numbers or shapes do not fit, no variable has a gradient, or a variable is none of
            those that the optimizer has begun with.
        """
        grads = list(grads)
        if not grads:
            return
        who = f"optimizer {self.name!r}: apply"
        if trainable_variables is None and self._known is None:
            raise ValueError(f"{who}: expected variables, or a call of build before, got none")
        given = self._known if trainable_variables is None else trainable_variables
        params = self._checked(given or ())
        if len(grads) != len(params):
            raise ValueError(f"{who}: expected {len(params)} gradients, got {len(grads)}")
        if self._known is None or not self.slots:
            self._begin_with(_all_of_model(params))
        assert self._known is not None
        pairs = [(p, _gradient(g, p, who)) for g, p in zip(grads, params, strict=True)]
        used = {p: g for p, g in pairs if g is not None}
        self._warn_of_missing(who, [p for p, g in pairs if g is None], used)
        unknown = [p.name for p in params if p not in set(self._known)]
        if unknown:
            raise ValueError(
                f"{who}: expected variables that it has begun with, got {unknown[0]!r}: a new set "
                "of variables needs an optimizer of its own"
            )
        ordered = [p for p in self._known if p in used]
        flat = params[0].flat
        if flat is not None and ordered == self._known == flat.order[: flat.count]:
            changed = self._step_of_all(flat, used)
        else:
            changed = self._step_of(ordered, used)
        if changed:
            for p in ordered:
                if p.constraint is not None:
                    p.assign(p.constraint(p.value))

    def _begin_with(self, params: list[Param]) -> None:
        """Begin with these variables, in the first call of `apply`."""
        self.build(params)

    def _step_of_all(self, flat: Flat, grads: dict[Param, Array]) -> bool:
        """Update all weights of a model where they are, as `fit` does."""
        grad = np.concatenate([grads[p].ravel() for p in flat.order[: flat.count]])
        try:
            return self._step(flat.value[: flat.size], grad, flat.order[: flat.count])
        finally:
            flat.version += 1

    def _step(self, param: Array, grad: Array, params: list[Param]) -> bool:
        """Update a flat array of these variables."""
        excluded = self._excluded
        windows = _windows(params)
        if excluded is not None:  # as parts of this array
            left_out = [
                param[window]
                for p, window in zip(params, windows, strict=True)
                if any(np.may_share_memory(p.value, getattr(v, "value", v)) for v in excluded[0])
            ]
            self._excluded = (left_out, excluded[1])
        names, shapes = [p.name for p in params], [p.shape for p in params]
        try:
            self._decayed = None
            changed: bool = self.step(  # type: ignore[attr-defined]
                param, grad, windows, names, shapes
            )
            return changed
        finally:
            self._excluded, self._decayed = excluded, None

    def _step_of(self, params: list[Param], grads: dict[Param, Array]) -> bool:
        """Update some of the known variables, with their part of the state."""
        assert self._known is not None
        param = np.concatenate([p.value.ravel() for p in params])
        grad = np.concatenate([grads[p].ravel() for p in params])
        places = dict(zip(self._known, _windows(self._known), strict=True))
        size = sum(p.size for p in self._known)
        at = np.concatenate([np.arange(size)[places[p]] for p in params])
        whole, unseen = dict(self.slots), self._unseen
        if self.use_ema and not self._calls:
            unseen = np.ones(size, np.bool_)  # the others are in no average yet
        numbers = {p: i for i, p in enumerate(self._known)}
        try:
            self._places = [numbers[p] for p in params]
            self.slots.update({name: slot[at] for name, slot in whole.items()})
            self._unseen = None if unseen is None else unseen[at]
            changed = self._step(param, grad, params)
            for name, slot in whole.items():
                slot[at] = self.slots[name]
            if unseen is not None:
                unseen[at] = False
        finally:
            self.slots.update(whole)
            self._unseen = unseen if unseen is not None and unseen.any() else None
            self._built_for = self._places = None
        if changed:
            for p, window in zip(params, _windows(params), strict=True):
                p.assign(param[window].reshape(p.shape))
        return changed

    def __getstate__(self) -> dict[str, Any]:
        """Copy and pickle no variables: a copy is of another model's."""
        return {**vars(self), "_known": None}

    def _checked(self, variables: Iterable[Any]) -> list[Param]:
        params = list(variables)
        for p in params:
            if not isinstance(p, Param):
                raise TypeError(
                    f"optimizer {self.name!r}: expected variables such as model.trainable_weights, "
                    f"got {type(p).__name__}"
                )
            if p.value.shape != p.shape:
                raise ValueError(
                    f"optimizer {self.name!r}: variable {p.name!r} has no memory before its layer "
                    "is built: give the model an Input, or call it"
                )
        if not params:
            raise ValueError(f"optimizer {self.name!r}: expected variables, got none")
        return params

    def _warn_of_missing(self, who: str, missing: list[Param], used: dict[Param, Array]) -> None:
        names = ", ".join(repr(p.name) for p in missing[:4])
        if not used:
            raise ValueError(f"{who}: expected gradients, got None for every variable ({names})")
        if missing:
            warnings.warn(f"{who}: no gradient for {names}: they stay as they are", stacklevel=3)


def _windows(params: Sequence[Param]) -> list[slice]:
    """Return where each of some arrays lies, one after another."""
    ends = list(itertools.accumulate((math.prod(p.shape) for p in params), initial=0))
    return [slice(start, end) for start, end in itertools.pairwise(ends)]


def _all_of_model(params: list[Param]) -> list[Param]:
    """Return all weights that are trained with these in one model, in the order of its array.

    So the state is the one that `fit` uses. Weights of no model, or of several, are returned.
    """
    flat = params[0].flat
    trained = [] if flat is None else flat.order[: flat.count]
    return list(trained) if {*params} <= {*trained} else params


def _gradient(gradient: Any, param: Param, who: str) -> Array | None:
    if gradient is None:
        return None
    array = np.array(gradient, param.dtype)
    if array.shape != param.shape:
        raise ValueError(
            f"{who}: gradient of {param.name!r}: expected shape {param.shape}, got {array.shape}"
        )
    return array
