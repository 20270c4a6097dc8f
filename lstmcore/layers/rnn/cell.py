"""Cell, base of all cells: one time step and its backward function; StackedRNNCells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, ClassVar

import numpy as np

from ... import context
from ...context import in_training
from ...structure import map_structure
from ...validation import Array, as_array
from ..base import Back, Layer, Shape, get, registry
from ..calls import gradients_of_outputs
from ..symbolic import is_symbolic, record
from .call_cell import CallCell, initial_states, steps_of

StepBack = Callable[[Array, list[Array]], tuple[Array, Sequence[Array]]]
StepResult = tuple[Array, Sequence[Array], StepBack]
Step = Callable[[Array, list[Array]], StepResult]


def flatten_states(states: Any) -> list[Any]:
    """Return the entries of nested lists in one flat list."""
    if not isinstance(states, list | tuple):
        return [states]
    return [leaf for entry in states for leaf in flatten_states(entry)]


class Cell(Layer):
    """Base of all cells: subclass it, set `state_size`, write `build` and `step`.

    The fast way to write a cell. Keras's way, a `Layer` with ``call(inputs, states)``, needs no
    backward function: its steps are derived.

    Attributes
    ----------
    state_size : int or list of int
        The size of each state, for one row of a batch.
    output_size : int
        The size of the output; the default is that of the first state.

    Examples
    --------
    A complete cell, used in a layer:

    >>> import numpy as np
    >>> from lstmcore.layers import RNN, Cell
    >>> class Leaky(Cell):
    ...     def __init__(self, units, **kwargs):
    ...         super().__init__(**kwargs)
    ...         self.units = self.state_size = units
    ...
    ...     def build(self, input_shape):
    ...         shape = (input_shape[-1], self.units)
    ...         self.kernel = self.add_weight(shape, "glorot_uniform", name="kernel")
    ...
    ...     def step(self, x, states, training=False):
    ...         h = states[0] / 2 + np.tanh(x @ self.kernel.value)
    ...
    ...         def back(dy, dstates):
    ...             dh = dy + dstates[0]
    ...             dz = dh * (1 - (h - states[0] / 2) ** 2)
    ...             self.kernel.grad[...] += x.T @ dz
    ...             return dz @ self.kernel.value.T, [dh / 2]
    ...
    ...         return h, [h], back
    >>> RNN(Leaky(8), return_sequences=True)(np.ones((2, 5, 3))).shape
    (2, 5, 8)
    """

    state_size: Any = None
    _output_size: int | None = None
    differentiable_options: ClassVar[tuple[str, ...]] = ("states",)

    # -- what a subclass writes, beside `build` ------------------------------------------------

    def step(self, x: Array, states: list[Array], training: bool = False) -> StepResult:
        """Compute one time step and its backward function.

        Parameters
        ----------
        x : ndarray, (batch, features)
        states : list of ndarray, each (batch, size)
            The states after the previous step. Neither they nor x may be written to.
        training : bool, default False

        Returns
        -------
        y : ndarray, (batch, output_size)
        new_states : list of ndarray
            As many as `states`.
        back : callable
            ``back(dy, dnew_states)`` adds to the gradients of the weights and returns ``(dx,
            dstates)``. Its arguments are 0 in rows that are masked at this step.
        """
        raise NotImplementedError(f"{type(self).__name__}.step")

    def start(self, batch_size: int, training: bool = False) -> Step:
        """Begin a call: return the function of ``(x, states)`` that computes each of its steps.

        A cell overrides this to do something once for all steps, such as to draw a dropout mask.
        """
        return partial(self.step, training=training)

    def get_initial_state(self, batch_size: int) -> list[Any]:
        """Return the states before the first step; the default is 0."""
        dtype = self.dtype or self.default_dtype
        return self.grouped(
            [np.zeros((batch_size, n), dtype) for n in flatten_states(self.state_size)]
        )

    # -- the rest ------------------------------------------------------------------------------

    @property
    def output_size(self) -> int:
        """The size of the output, for one row of a batch."""
        if self._output_size is None:
            return int(flatten_states(self.state_size)[0])
        return self._output_size

    @output_size.setter
    def output_size(self, size: int) -> None:
        self._output_size = size

    @property
    def output_state(self) -> int | None:
        """The index of the state that is the output before the first step; None if that is 0."""
        return 0 if flatten_states(self.state_size)[0] == self.output_size else None

    def grouped(self, states: Sequence[Array]) -> list[Any]:
        """Return a flat list of states in the form that users see."""
        return list(states)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return (batch, output_size)."""
        return (input_shape[0], self.output_size)

    def __call__(self, x: Any, states: Any, training: Any = None) -> Any:  # type: ignore[override]
        """Compute one time step; build the cell if it is not built.

        Parameters
        ----------
        x : array_like, (batch, features)
        states : array_like, or list of array_like for several
        training : bool, default False

        Returns
        -------
        y : ndarray
        new_states
            In the form of `states`.
        """
        if self.overrides_call:
            return Layer.__call__(self, x, states, training=training)
        if is_symbolic([x, *flatten_states(states)]):
            y, new = record(self, x, {"states": states, "training": training})
            return y, _as_given(new, states)
        current = context.current()
        if current.tape is None and not current.trial:
            what = f"layer {self.name!r}"
            x = as_array(x, self.input_dtype, f"{what}: x")
            states = map_structure(lambda s: as_array(s, self.dtype, f"{what}: states"), states)
            if not self.built:
                self.build_for(np.shape(x), self.dtype or self.default_dtype)
            self.materialize()
        return _call(self, x, states, training)

    def call_output_shape(self, input_shape: Shape, states: Any = None, **options: Any) -> Any:
        """Return the shapes of the output and of the new states."""
        sizes: Any = [(input_shape[0], n) for n in flatten_states(self.state_size)]
        return self.compute_output_shape(input_shape), self.grouped(sizes)

    def forward(self, x: Array, grad: bool = False, states: Any = None) -> tuple[Any, Back | None]:
        """Compute one time step in a graph, where a cell is called with its states.

        Returns
        -------
        y : tuple of ndarray and list
            The output and the new states.
        back : callable or None
            ``back(dy)`` returns (dx, dstates).
        """
        if states is None:
            raise self.error("use", "a cell within RNN(cell)", "a cell where a layer is wanted")
        before = [np.asarray(s, x.dtype) for s in flatten_states(states)]
        y, new, step_back = self.start(len(x), in_training(grad))(x, before)
        output = (y, self.grouped(new))
        if not grad:
            return output, None

        def back(dy: Any, need_dx: bool = True) -> Any:
            pairs = zip(gradients_of_outputs(dy, output), (y, *new), strict=True)
            given, *dnew = [np.zeros_like(part) if d is None else d for d, part in pairs]
            return step_back(given, dnew)

        return output, back


@registry.add()
class StackedRNNCells(Cell):
    """A stack of cells as one cell: the output of each is the input of the next.

    Parameters
    ----------
    cells : list of Cell
    **kwargs
        `name`, `dtype`, `trainable`: see `Layer`.
    """

    def __init__(self, cells: Sequence[Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(cells, list | tuple) or not cells:
            raise self.error("cells", "a list of at least one cell", repr(cells))
        self.cells: list[Layer] = [check_cell(self, "cells", cell) for cell in cells]
        self._steps = [steps_of(cell) for cell in self.cells]
        names = [cell.name for cell in self.cells]
        if len(set(names)) < len(names):
            raise self.error("cells", "names that differ", names)
        stated = (cell.dtype for cell in self.cells if cell.dtype is not None)
        self.dtype = self.dtype or next(stated, None)
        self.state_size = [check_size_of_states(cell) for cell in self.cells]
        self.output_size = self._steps[-1].output_size
        ends = np.cumsum([0] + [len(flatten_states(size)) for size in self.state_size]).tolist()
        self._parts = [slice(*ends[k : k + 2]) for k in range(len(names))]

    def sublayers(self) -> Sequence[Layer]:
        """Return the cells."""
        return self.cells

    @property
    def output_state(self) -> int | None:
        """The index of the state that is the output before the first step: the last cell's."""
        last = self._steps[-1].output_state
        return None if last is None else int(self._parts[-1].start) + last

    def grouped(self, states: Sequence[Array]) -> list[Any]:
        """Return one list of states for each cell."""
        pairs = zip(self._steps, self._parts, strict=True)
        return [cell.grouped(states[part]) for cell, part in pairs]

    def get_initial_state(self, batch_size: int) -> list[Any]:
        """Return the states before the first step: one list for each cell."""
        return [cell.get_initial_state(batch_size) for cell in self._steps]

    def build(self, input_shape: Shape) -> None:
        for cell in self._steps:
            cell.build_for(input_shape, str(self.dtype))
            input_shape = (input_shape[0], cell.output_size)

    def try_out(self, input_shape: Shape, constants: Sequence[Shape] = ()) -> None:
        """Call the cells on zeros that take constants; see `CallCell.try_out`."""
        for cell in self._steps:
            if takes_constants(cell):
                cell.try_out(input_shape, constants)
            input_shape = (input_shape[0], cell.output_size)

    def start(
        self,
        batch_size: int,
        training: bool = False,
        grad: bool = True,
        constants: Sequence[Any] = (),
    ) -> Step:
        """Begin a call of all cells; see `CallCell.start`."""
        steps = [begin(cell, batch_size, training, grad, constants) for cell in self._steps]
        return partial(self._step, steps)

    def initial(self, batch_size: int, grad: bool) -> tuple[list[Array], Any]:
        """Return the states of all cells before the first step; see `CallCell.initial`."""
        found = [initial(cell, batch_size, grad) for cell in self._steps]

        def back(dstates: list[Array]) -> None:
            for (_, own), part in zip(found, self._parts, strict=True):
                if own is not None:
                    own(dstates[part])

        some = any(own is not None for _, own in found)
        return [state for states, _ in found for state in states], back if some else None

    def step(self, x: Array, states: list[Array], training: bool = False) -> StepResult:
        """Compute one time step of all cells; see `Cell.step`."""
        return self.start(len(x), training)(x, states)

    def _step(self, steps: list[Step], x: Array, states: list[Array]) -> StepResult:
        new: list[Array] = []
        backs = []
        for step, part in zip(steps, self._parts, strict=True):
            x, after, step_back = step(x, states[part])
            new += after
            backs.append(step_back)

        def back(dy: Array, dstates: list[Array]) -> tuple[Array, list[Array]]:
            before: list[Array] = []
            for step_back, part in zip(backs[::-1], self._parts[::-1], strict=True):
                dy, d = step_back(dy, dstates[part])
                before = [*d, *before]
            return dy, before

        return x, new, back


def begin(cell: Any, batch_size: int, training: bool, grad: bool, constants: Sequence[Any]) -> Step:
    """Begin a call of a cell, of whichever kind; see `CallCell.start`."""
    if isinstance(cell, StackedRNNCells | CallCell):
        return cell.start(batch_size, training, grad, constants)
    step: Step = cell.start(batch_size, training)
    return step


def initial(cell: Any, batch_size: int, grad: bool) -> tuple[list[Array], Any]:
    """Return a cell's states before the first step; see `CallCell.initial`."""
    if isinstance(cell, StackedRNNCells | CallCell):
        return cell.initial(batch_size, grad)
    if type(cell).get_initial_state is Cell.get_initial_state:
        return flatten_states(cell.get_initial_state(batch_size)), None
    dtype = cell.dtype or cell.default_dtype
    return initial_states(cell.get_initial_state, batch_size, dtype, grad)


def takes_constants(cell: Any) -> bool:
    """Return True if the `call` of a cell, or of one in a stack, has the argument constants."""
    if isinstance(cell, StackedRNNCells):
        return any(takes_constants(part) for part in cell._steps)
    return isinstance(cell, CallCell) and cell.takes_constants


def check_size_of_states(cell: Any) -> Any:
    """Return the `state_size` of a cell, which may be any sequence."""
    size = cell.state_size
    return list(size) if isinstance(size, tuple) else size


def check_cell(layer: Layer, argument: str, value: Any) -> Any:
    """Return the cell of a config or an instance; raise ValueError if it is not a valid cell."""
    cell: Any = get(value) if isinstance(value, dict) else value
    written = isinstance(cell, Layer) and cell.overrides_call and hasattr(cell, "state_size")
    if not isinstance(cell, Cell) and not written:
        wanted = "a Cell, a layer with call(inputs, states) and state_size, or a list of them"
        raise layer.error(argument, wanted, f"{value!r:.80}")
    sizes = flatten_states(cell.state_size)
    if not sizes or any(not isinstance(n, int | np.integer) or n < 1 for n in sizes):
        wanted = "a cell whose state_size is an int >= 1 or a list of them"
        raise layer.error(argument, wanted, f"{cell.state_size!r} in {cell.name!r}")
    if cell.activity_regularizer is not None:
        wanted = "a cell without activity_regularizer (the layer around it has one)"
        raise layer.error(argument, wanted, f"one with it, {cell.name!r}")
    return cell


def _call(cell: Any, x: Any, states: Any, training: Any = None) -> Any:
    """Compute one step on arrays, or within a user's function that is derived.

    The `call` of all cells with a `step`: so that ``super().call(inputs, states)`` works in a
    class of a user's, and a call of the cell in a layer or model of theirs.
    """
    current = context.current()
    training = bool(current.training if training is None else training)
    if current.tape is not None or current.trial:
        from .. import derived

        y, new = derived.call_cell(cell, x, states, training)
        return y, _as_given(new, states)
    x, *flat = [np.asarray(part, cell.dtype) for part in (x, *flatten_states(states))]
    wanted, shapes = [(len(x), n) for n in flatten_states(cell.state_size)], [s.shape for s in flat]
    if shapes != wanted:
        raise cell.error("states", f"arrays of shapes {wanted}", shapes)
    step = current.cell_steps.get(cell) or cell.start(len(x), training)
    y, after, _ = step(x, flat)
    return y, _as_given(cell.grouped(after), states)


def _as_given(new: list[Any], states: Any) -> Any:
    """Return new states in a list, or the only one by itself if the states were given so."""
    return new if isinstance(states, list | tuple) else new[0]


Cell.call = _call  # type: ignore[assignment, method-assign]  # not in the class: see `Layer`
