"""Optimizers that users write as Keras writes them: `update_step` for one variable at a time.

`build` makes the variables of the state, `update_step` changes them and a weight. Here a weight is
a view of the flat array of all weights, and a variable of the state is one of the slot of its name:
so files, copies and weights that are frozen are what they are for every optimizer.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from .. import initializers
from ..layers.parameters import OwnMemory, Param
from .by_variable import ByVariable

Array = NDArray[Any]


class Weight(OwnMemory):
    """What stands for a weight in `build` and `update_step`; `index` is its place among them."""

    __slots__ = ("index",)

    def __init__(self, name: str, value: Array, index: int) -> None:
        super().__init__(name, value, np.zeros)
        self.index = index


class StateVariable(OwnMemory):
    """A variable of the state: the part of the slot `slot` that belongs to weight `index`."""

    __slots__ = ("index", "slot")

    def __init__(self, slot: str, value: Array, index: int) -> None:
        super().__init__(slot, value, np.zeros)
        self.slot, self.index = slot, index


class OwnUpdate(ByVariable):
    """The mixin of `Optimizer` for subclasses that write `update_step`, and mostly `build`.

    Attributes
    ----------
    overrides_update_step : bool
        True for a class with an `update_step` of its own.
    """

    overrides_update_step: ClassVar[bool] = False
    _weights: list[Weight] | None = None
    _state: list[StateVariable]
    _initials: dict[str, float]
    _step_layout: tuple[Sequence[slice], Sequence[str], Sequence[tuple[int, ...]]] = ((), (), ())

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "update_step" in cls.__dict__ or "_update" in cls.__dict__:
            cls.overrides_update_step = "_update" not in cls.__dict__

    # -- what a subclass writes ------------------------------------------------------------

    def update_step(self, gradient: Array, variable: Any, learning_rate: float) -> None:
        """Change one weight, by ``variable.assign`` or `assign_sub`, and its part of the state."""
        raise NotImplementedError(f"{type(self).__name__}: write update_step")

    # -- what it uses ------------------------------------------------------------------------

    def add_variable_from_reference(
        self, reference_variable: Any, name: str | None = None, initializer: Any = "zeros"
    ) -> StateVariable:
        """Return a new variable of the state, of the shape of a weight.

        Parameters
        ----------
        reference_variable : Param
            One of those that `build` was given.
        name : str, default "var"
        initializer : str, Initializer or callable, default "zeros"
            Of equal numbers: `Constant`, say.
        """
        slot, who = name or "var", f"optimizer {self.name!r}: add_variable_from_reference"
        shape, dtype = reference_variable.shape, reference_variable.dtype
        value = np.array(initializers.get(initializer or "zeros")(shape, dtype), dtype)
        first = float(value.flat[0]) if value.size else 0.0
        if (value != first).any() or self._initials.setdefault(slot, first) != first:
            raise ValueError(
                f"{who}: initializer: expected equal numbers, the same for all of {slot!r}"
            )
        index = self._get_variable_index(reference_variable)
        if any((v.slot, v.index) == (slot, index) for v in self._state):
            raise ValueError(f"{who}: name: expected a new one, got {slot!r} again")
        self._state.append(StateVariable(slot, value, index))
        return self._state[-1]

    def add_optimizer_variables(
        self, trainable_variables: Iterable[Any], name: Any, initializer: Any = "zeros"
    ) -> Any:
        """Return the list of a new variable for each weight; for a list of names, such lists."""
        weights = list(trainable_variables)
        if isinstance(name, str):
            return [self.add_variable_from_reference(w, name, initializer) for w in weights]
        names = list(name)
        several = isinstance(initializer, list | tuple)
        kinds = list(initializer) if several else [initializer] * len(names)
        pairs = zip(names, kinds, strict=True)
        return tuple(self.add_optimizer_variables(weights, n, kind) for n, kind in pairs)

    def add_variable(self, *args: Any, **kwargs: Any) -> Any:
        """Raise ValueError: the state is made of arrays of the weights' shapes."""
        raise ValueError(
            f"optimizer {self.name!r}: add_variable: expected add_variable_from_reference, for the "
            "state is saved in the shapes of the weights; a counter is self.iterations"
        )

    def _get_variable_index(self, variable: Any) -> int:
        if isinstance(variable, Weight):
            return variable.index
        for index, known in enumerate(self._known or ()):
            if known is variable:
                return index
        raise ValueError(
            f"optimizer {self.name!r}: expected a variable that build was given, got {variable!r}"
        )

    def assign(self, variable: Any, value: Any) -> None:
        """Set a variable."""
        variable.assign(value)

    def assign_add(self, variable: Any, value: Any) -> None:
        """Add to a variable."""
        variable.assign_add(value)

    def assign_sub(self, variable: Any, value: Any) -> None:
        """Subtract from a variable."""
        variable.assign_sub(value)

    # -- how the loops call it ---------------------------------------------------------------

    def build(self, variables: Iterable[Any]) -> None:
        """Begin with these variables; see `ByVariable.build`."""
        if not self.overrides_update_step:
            super().build(variables)
            return
        given = list(variables)
        if not all(isinstance(v, Weight) for v in given):
            self._state, self._initials = [], {}
            self._known = given = self._checked(given)
        self._weights = [Weight(v.name, v.value, i) for i, v in enumerate(given)]

    @property
    def built(self) -> bool:
        """True if there is a state, or the variables are known."""
        if self.overrides_update_step:
            return self._weights is not None
        return super().built

    def _begin(self, named: Iterable[tuple[str, tuple[int, ...]]], dtype: Any) -> None:
        """Call `build` with what stands for weights of these names and shapes."""
        self._weights, self._state, self._initials = None, [], {}
        self.build([Weight(n, np.zeros(shape, dtype), i) for i, (n, shape) in enumerate(named)])
        if self._weights is None:
            raise ValueError(
                f"optimizer {self.name!r} ({type(self).__name__}): build: expected a call of "
                "super().build(variables), got none"
            )

    def _slots_of_state(self) -> tuple[str, ...]:
        """Return the names of the state's variables; before the first step by a trial."""
        if self._weights is None:
            self._begin([("weight", (1,))], np.float32)
            self._weights = None
        return tuple(dict.fromkeys(variable.slot for variable in self._state))

    def _update_by_steps(self, param: Array, grad: Array, rate: float, decay: float) -> None:
        """Call `update_step` for every weight."""
        windows, _, shapes = self._step_layout
        assert self._weights is not None
        if decay:
            param -= param * decay
        state: dict[int, list[StateVariable]] = {}
        for variable in self._state:
            state.setdefault(variable.index, []).append(variable)
        places = self._places if self._places is not None else range(len(windows))
        for place, window, shape in zip(places, windows, shapes, strict=True):
            weight = self._weights[place]
            weight.value = param[window].reshape(shape)
            for variable in state.get(place, ()):
                variable.value = self.slots[variable.slot][window].reshape(shape)
            self.update_step(grad[window].reshape(shape), weight, rate)

    def _prepare(
        self,
        param: Array,
        windows: Sequence[slice],
        names: Sequence[str],
        shapes: Sequence[tuple[int, ...]],
    ) -> None:
        """Take note of the weights of a step, and call `build` before the first one."""
        windows = windows or (slice(0, param.size),)
        shapes = shapes or [(param[window].size,) for window in windows]
        names = names or ["weight"] * len(windows)
        self._step_layout = windows, names, shapes
        if self._weights is None:
            self._begin(zip(names, shapes, strict=True), param.dtype)

    def _begin_with(self, params: list[Param]) -> None:
        if not self.overrides_update_step:
            super()._begin_with(params)
            return
        self._weights = None
        self.build(params)
        size = sum(p.size for p in params)
        self.make_slots(size, params[0].dtype)  # type: ignore[attr-defined]

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_weights": None}
