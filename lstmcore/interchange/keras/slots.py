"""The state of an optimizer, in the order in which Keras 3 numbers its variables.

First the number of calls and the learning rate, if that is a number. Then come the arrays of all
trained weights: most optimizers keep those of one weight together, some have an array for each
weight and then the next kind.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ...layers.parameters import Param
from ...names import is_builtin
from ...optimizers import Muon, Nadam, Optimizer
from ...validation import Array

# The first two kinds of arrays of optimizers that keep those of a weight together.
_TOGETHER = {
    *{("momentum", "velocity"), ("momentum", "norm"), ("accumulator", "linear")},
    *{("accumulated_grad", "accumulated_delta_var"), ("offset", "velocity")},
}
_RMSPROP = ("velocity", "momentum", "average_gradient")
_FIRST = ("average", "gradient_accumulator")
_CALLS, _RATE, _PRODUCT = "iteration", "learning_rate", "product"


class Slot(NamedTuple):
    """A variable of an optimizer: of a weight, or a number if there is no weight.

    Parameters
    ----------
    kind : str
        This library's name of the slot.
    param : Param or None
    """

    kind: str
    param: Param | None = None


def slots(optimizer: Optimizer, model: Any) -> list[Slot]:
    """Return the variables of a model's optimizer in Keras's order.

    Raises
    ------
    ValueError
        If the state of such an optimizer has no place in Keras's files.
    """
    if not is_builtin(type(optimizer)) or type(optimizer).__name__ == "Adafactor":
        name = type(optimizer).__name__
        raise ValueError(f"optimizer {optimizer.name!r} ({name}): there is no place for its state")
    numbers = [Slot(_CALLS), *([Slot(_RATE)] if optimizer.fixed_rate is not None else [])]
    trained = [(name, p) for name, p, trained in model.named_params() if trained]
    own = optimizer.slot_names()
    kinds = [kind for kind in own if kind not in _FIRST]
    found = [Slot(kind, p) for kind in _FIRST if kind in own for _, p in trained]
    if isinstance(optimizer, Muon):  # matrices have no velocity
        for name, p in trained:
            used = kinds if optimizer._by_adam(name, p.ndim) else kinds[:1]
            found += [Slot(kind, p) for kind in used]
        return [*numbers, *found]
    if tuple(kinds[:2]) in _TOGETHER:
        found += [Slot(kind, p) for _, p in trained for kind in kinds[:2]]
        kinds = kinds[2:]
    elif "velocity" in kinds:
        kinds.sort(key=_RMSPROP.index)
    found += [Slot(kind, p) for kind in kinds for _, p in trained]
    return [*numbers, *found, *([Slot(_PRODUCT)] if isinstance(optimizer, Nadam) else [])]


def state_arrays(optimizer: Optimizer, model: Any) -> list[Array]:
    """Return the values of `slots`; before the first step, those it begins with."""
    return [_value(optimizer, slot, model.dtype) for slot in slots(optimizer, model)]


def _value(optimizer: Optimizer, slot: Slot, dtype: Any) -> Array:
    kind, param = slot
    if param is None:
        if kind == _CALLS:
            calls = optimizer.iterations * (optimizer.gradient_accumulation_steps or 1)
            return np.asarray(int(calls + optimizer.state().get("accumulated", 0)), np.int64)
        if isinstance(optimizer, Nadam) and kind == _PRODUCT:
            return np.asarray(optimizer._product_of(int(optimizer.iterations)), dtype)
        return np.asarray(optimizer.fixed_rate, dtype)
    flat = optimizer.slots.get(kind)
    array: Array = (
        np.full(param.shape, optimizer._initial(kind), dtype)
        if flat is None
        else flat[_window(param)].reshape(param.shape)
    )
    return param.value + array if kind == "offset" else array  # Keras keeps z itself


def restore(optimizer: Optimizer, model: Any, arrays: list[Array]) -> None:
    """Set the state of a model's optimizer to that of a file, whose weights the model has.

    Raises
    ------
    ValueError
        If the arrays are not those of `slots`.
    """
    wanted = slots(optimizer, model)
    if len(arrays) != len(wanted):
        if len(arrays) <= 2 and not (arrays and arrays[0]):  # it was not used before it was saved
            return
        raise _misfit(optimizer, f"{len(wanted)} arrays", len(arrays))
    for (kind, param), array in zip(wanted, arrays, strict=True):
        shape = () if param is None else param.shape
        if array.shape != shape or array.dtype.kind not in "iuf":
            raise _misfit(optimizer, f"{kind} of shape {shape}", f"shape {array.shape}")
    _set_numbers(optimizer, wanted, arrays)
    optimizer.make_slots(sum(p.size for p in model.trainable_weights), np.dtype(model.dtype))
    for (kind, param), array in zip(wanted, arrays, strict=True):
        if param is not None:
            own = array - param.value if kind == "offset" else array
            optimizer.slots[kind][_window(param)] = own.reshape(-1)


def arranged(
    optimizer: Optimizer, model: Any, arrays: list[Array], names: list[str]
) -> list[Array]:
    """Return the arrays of an optimizer of Keras 1 or 2 in the order of `slots`.

    There is no learning rate among them. Before Keras 2.11, whose number of steps is named
    ``iteration``, they came kind by kind: all first moments, then all second ones.

    Parameters
    ----------
    arrays : list of ndarray
    names : list of str
        The arrays' names, if they have any.
    """
    wanted = slots(optimizer, model)
    first, *rest = arrays
    numbers = [first, *([np.asarray(optimizer.fixed_rate)] if Slot(_RATE) in wanted else [])]
    own = [slot for slot in wanted if slot.param is not None]
    product = (
        [np.asarray(optimizer._product_of(int(first)))] if isinstance(optimizer, Nadam) else []
    )
    if names and names[0].removesuffix(":0").rpartition("/")[2] != "iteration":
        rest = [array for array in rest if array.shape != () or len(rest) == len(own)]
        kinds = [kind for kind in optimizer.slot_names() if Slot(kind, own[0].param) in own]
        by_kind = [Slot(kind, slot.param) for kind in kinds for slot in own if slot.kind == kind]
        found = dict(zip(by_kind, rest, strict=False))  # unused ones of amsgrad may follow
        rest = [found[slot] for slot in own if slot in found]
    elif product and rest and rest[-1].shape == ():
        rest.pop()
    return [*numbers, *rest, *product]


def _set_numbers(optimizer: Optimizer, wanted: list[Slot], arrays: list[Array]) -> None:
    """Set the number of steps and, unless it is the config's, the learning rate."""
    calls = int(arrays[0])
    if calls < 0:
        raise _misfit(optimizer, "a number of steps", calls)
    steps = optimizer.gradient_accumulation_steps or 1
    optimizer.iterations = calls // steps
    optimizer.set_state({"accumulated": calls % steps} if calls % steps else {})
    if wanted[1:2] == [Slot(_RATE)]:
        rate = arrays[1].dtype.type(optimizer.fixed_rate)
        if rate != arrays[1]:
            optimizer.learning_rate = float(arrays[1])


def _window(param: Param) -> slice:
    assert param.flat is not None
    return param.flat.windows[param]


def _misfit(optimizer: Optimizer, expected: object, got: object) -> ValueError:
    return ValueError(f"optimizer {optimizer.name!r}: its state: expected {expected}, got {got}")
