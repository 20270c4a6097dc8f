"""CallCell: the steps of a cell written as Keras writes it, with ``call(inputs, states)``: derived.

Importing this module does not import autograd; taking a step that is to be derived does.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from ... import context
from ...structure import flatten, is_nested
from ...validation import Array
from ..base import Layer, Shape

StepBack = Callable[[Array, list[Array]], tuple[Array, Sequence[Array]]]
InitialBack = Callable[[list[Array]], None]


class CallCell:
    """What `RNN` asks of a cell, for a layer with ``call(inputs, states)`` and `state_size`.

    Each step is recorded on a tape of its own, whose backward function it has.

    Parameters
    ----------
    cell : Layer
        Its `call` returns ``(output, new_states)``. It may take ``training`` and ``constants``,
        and it may have ``output_size`` and ``get_initial_state(batch_size)``, as in Keras.
    """

    def __init__(self, cell: Any) -> None:
        self.cell = cell
        parameters = list(inspect.signature(cell.call).parameters.values())
        places = [p.name for p in parameters if p.kind is not p.KEYWORD_ONLY]
        if len(places) < 2:
            raise cell.error("call", "call(self, inputs, states)", f"arguments {places}")
        self.states_name = places[1]
        self.takes_constants = any(p.name == "constants" for p in parameters)

    @property
    def sizes(self) -> list[int]:
        """The sizes of the states in one flat list."""
        return flatten(self.cell.state_size)

    @property
    def output_size(self) -> int:
        """The size of the output; the default is that of the first state."""
        given = getattr(self.cell, "output_size", None)
        return int(self.sizes[0] if given is None else given)

    @property
    def output_state(self) -> int | None:
        """The index of the state that is the output before the first step; None if that is 0."""
        return 0 if self.sizes[0] == self.output_size else None

    def grouped(self, states: Sequence[Any]) -> list[Any]:
        """Return a flat list of states as the cell takes it: nested as `state_size` is."""
        size, left = self.cell.state_size, iter(states)
        if not is_nested(size):
            return list(states)

        def group(part: Any) -> Any:
            return [group(p) for p in part] if is_nested(part) else next(left)

        grouped: list[Any] = group(size)
        return grouped

    def build_for(self, input_shape: Shape, dtype: str) -> None:
        """Build the cell, and the layers that its `call` builds, by a trial on zeros."""
        self.cell.declare(input_shape, dtype)
        if not self.takes_constants:  # their shapes are known in a call: see `try_out`
            self.try_out(input_shape)

    def try_out(self, input_shape: Shape, constants: Sequence[Shape] = ()) -> None:
        """Call the cell on zeros, with constants of these shapes, which builds layers in it."""
        from .. import derived

        rows = next((shape[0] for shape in constants if shape[0] is not None), 2)
        dtype = self.cell.dtype

        def zeros(shape: Shape) -> Array:
            sizes: Any = [rows if n is None else n for n in shape]
            return np.zeros(sizes, dtype)

        states = [zeros((None, n)) for n in self.sizes]
        options = self._options(states, [zeros(shape) for shape in constants])
        derived.trial(self.cell, (rows, *input_shape[1:]), options)

    # -- the states before the first step ------------------------------------------------------

    def get_initial_state(self, batch_size: int) -> list[Any]:
        """Return the states before the first step, 0 if the cell does not say what they are."""
        return self.grouped(self.initial(batch_size, False)[0])

    def initial(self, batch_size: int, grad: bool) -> tuple[list[Array], InitialBack | None]:
        """Return the states before the first step; see `initial_states`."""
        cell, dtype = self.cell, self.cell.dtype or self.cell.default_dtype
        make = getattr(cell, "get_initial_state", None)
        if make is None:
            return [np.zeros((batch_size, n), dtype) for n in self.sizes], None
        return initial_states(make, batch_size, dtype, grad)

    # -- steps ---------------------------------------------------------------------------------

    def start(
        self,
        batch_size: int,
        training: bool = False,
        grad: bool = True,
        constants: Sequence[tuple[Array, Array]] = (),
    ) -> Callable[..., Any]:
        """Begin a call: return the function of ``(x, states)`` that computes each of its steps.

        `constants` are pairs of an array and its gradient, to which the steps' backward functions
        add.
        """
        ours = hasattr(type(self.cell), "step_scaled")  # a `GatedCell`, with dropout
        begun = self.cell.start(batch_size, training) if ours else None
        fields = {"training": training, "cell_steps": {self.cell: begun} if begun else {}}
        if not grad:
            return partial(self._step, fields, [array for array, _ in constants])
        return partial(self._recorded_step, fields, constants)

    def _options(self, states: Sequence[Any], constants: Sequence[Any]) -> dict[str, Any]:
        options: dict[str, Any] = {self.states_name: self.grouped(states)}
        if self.takes_constants:
            options["constants"] = list(constants)
        return options

    def _step(
        self, fields: dict[str, Any], constants: list[Array], x: Array, states: list[Array]
    ) -> tuple[Array, list[Array], None]:
        from .. import derived

        with context.changed(tape=None, **fields):
            found = derived.invoke(self.cell, x, None, self._options(states, constants))
        y, *new = [np.asarray(_array(part), x.dtype) for part in self._parts(found)]
        return y, new, None

    def _recorded_step(
        self,
        fields: dict[str, Any],
        constants: Sequence[tuple[Array, Array]],
        x: Array,
        states: list[Array],
    ) -> tuple[Array, list[Array], StepBack]:
        from ...autodiff.tape import Tape
        from .. import derived

        tape = Tape()
        with context.changed(**fields), tape:
            boxes = [tape.watch(a) for a in (x, *states, *(array for array, _ in constants))]
            inputs, (before, held) = (
                boxes[0],
                (boxes[1 : 1 + len(states)], boxes[1 + len(states) :]),
            )
            found = derived.invoke(self.cell, inputs, None, self._options(before, held))
        ends = self._parts(found)
        y, *new = [np.asarray(_array(part), x.dtype) for part in ends]
        derived.collect(self.cell, tape.losses)

        def back(dy: Array, dstates: list[Array]) -> tuple[Array, list[Array]]:
            pairs = [
                *zip(ends, (dy, *dstates), strict=True),
                *((loss, 1.0) for loss in tape.losses),
            ]
            gradients = _add_gradients(tape, pairs)
            dx, *rest = [_or_zeros(gradients.of(box), box._value) for box in boxes]
            for (_, total), gradient in zip(constants, rest[len(states) :], strict=True):
                total += gradient
            return dx, rest[: len(states)]

        return y, new, back

    def _parts(self, found: Any) -> list[Any]:
        """Return the output and the new states in one list; raise if they are not a pair."""
        if not isinstance(found, tuple | list) or len(found) != 2 or is_nested(found[0]):
            got = f"{len(found)} entries" if is_nested(found) else f"a {type(found).__name__}"
            raise self.cell.error("call", "to return a pair (output, new_states)", got)
        return [found[0], *flatten(found[1])]


def initial_states(
    make: Callable[..., Any], batch_size: int, dtype: str, grad: bool
) -> tuple[list[Array], InitialBack | None]:
    """Return the states that a user's `get_initial_state` returns, in one flat list.

    And with `grad`, if it computes them of weights, what takes their gradients to these.
    """
    known = inspect.signature(make).parameters
    offered = {"batch_size": batch_size, "dtype": dtype, "inputs": None}
    make = partial(make, **{name: value for name, value in offered.items() if name in known})
    if not grad:
        with context.changed(tape=None):
            return [np.asarray(_array(s), dtype) for s in flatten(make())], None
    from ...autodiff.tape import Tape

    tape = Tape()
    with tape:
        ends = flatten(make())
    states = [np.asarray(_array(s), dtype) for s in ends]

    def back(dstates: list[Array]) -> None:
        _add_gradients(tape, zip(ends, dstates, strict=True))

    return states, back if tape.leaves else None


def steps_of(cell: Layer) -> Any:
    """Return what takes the steps of a cell: itself, or a `CallCell` if it has a `call`.

    Of a class and its bases the one that comes first and has `step` or `call` decides.

    Raises
    ------
    ValueError
        If it has both.
    """
    for cls in type(cell).__mro__:
        own = vars(cls)
        if "call" in own and "step" in own and cell.overrides_call:
            raise cell.error("step", "step (with its backward function) or call (derived)", "both")
        if "step" in own:
            return cell
        if "call" in own and cls is not Layer:
            return CallCell(cell)
    return cell


def _array(part: Any) -> Any:
    """Return the array of a box or of a weight; anything else as it is."""
    return getattr(part, "_value", part)


def _or_zeros(gradient: Any, like: Array) -> Array:
    return np.zeros_like(like) if gradient is None else np.ascontiguousarray(gradient, like.dtype)


def _add_gradients(tape: Any, ends: Any) -> Any:
    """Return the gradients on a tape, given those of its ends; add those of weights to theirs."""
    gradients = tape.backward(list(ends))
    for param, node in tape.leaves.items():
        gradient = gradients.of_node(node)
        if gradient is not None and param.flat is not None:
            param.grad += gradient
    return gradients
