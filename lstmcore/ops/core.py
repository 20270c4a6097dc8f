"""What an array is, and loops of a program over arrays."""

from __future__ import annotations

import builtins
import inspect
import math
from collections.abc import Callable, Sequence
from typing import Any

import autograd.numpy as np
import numpy

from .. import context
from ..autodiff.boxes import is_box, unboxed
from ..layers.parameters import Param
from ..layers.symbolic import SymbolicTensor
from ..structure import flatten, map_structure, pack_like
from .operation import op
from .shapes import stack, unstack
from .types import cast_to, dtype_named, float_type, plain, tensor


def shape(x: Any) -> tuple[int | None, ...]:
    """Return the shape as a tuple; sizes of a symbolic tensor may be None."""
    return tuple(x.shape if isinstance(x, SymbolicTensor) else np.shape(tensor(x)))


def ndim(x: Any) -> int:
    """Return the number of axes."""
    return len(shape(x))


def size(x: Any) -> int:
    """Return how many numbers there are.

    Raises
    ------
    ValueError
        If a size of a symbolic tensor is unknown.
    """
    known = [n for n in shape(x) if n is not None]
    if len(known) < ndim(x):
        raise ValueError(f"size: expected an array, got {x!r}, of unknown size")
    return math.prod(known)


def dtype(x: Any) -> str:
    """Return the name of the type, such as "float32"."""
    if isinstance(x, SymbolicTensor):
        return x.dtype or float_type().name
    return str(plain(x).dtype.name)


def is_tensor(x: Any) -> bool:
    """Return True for an array, also one that is being derived."""
    return isinstance(x, numpy.ndarray | numpy.generic) or is_box(x)


@op
def cast(x: Any, dtype: Any) -> Any:
    """Return x in another type; between real types it is derived."""
    kind, x = dtype_named(dtype), tensor(x)
    return cast_to(x if kind.kind in "fc" else plain(x), kind)


@op
def saturate_cast(x: Any, dtype: Any) -> Any:
    """Return x in another type, cut at its smallest and largest number."""
    kind, x = dtype_named(dtype), tensor(x)
    if kind.kind in "iu":
        limits = numpy.iinfo(kind)
        return numpy.clip(plain(x), limits.min, limits.max).astype(kind)
    if kind.kind == "b":
        return numpy.clip(plain(x), 0, 1).astype(kind)
    limit = numpy.finfo(kind).max
    return cast_to(np.clip(x, -limit, limit) if x.dtype.itemsize > kind.itemsize else x, kind)


@op
def convert_to_tensor(x: Any, dtype: Any = None, sparse: Any = None, ragged: Any = None) -> Any:
    """Return x as an array: numbers of Python become float32, int32 or bool."""
    if sparse or ragged:
        raise ValueError("convert_to_tensor: expected neither sparse nor ragged: there are none")
    x = tensor(x)
    x = x if is_box(x) else numpy.asarray(x)
    return x if dtype is None else cast(x, dtype)


@op
def array(x: Any, dtype: Any = None) -> Any:
    """Return x as a new array; see `convert_to_tensor`."""
    x = convert_to_tensor(x, dtype)
    return x if is_box(x) else numpy.array(x)


@op
def copy(x: Any) -> Any:
    """Return a copy."""
    x = tensor(x)
    return x if is_box(x) else numpy.array(x)


def convert_to_numpy(x: Any) -> Any:
    """Return x as an array of NumPy.

    Raises
    ------
    TypeError
        If x is being derived: the derivative would be lost.
    """
    return numpy.asarray(x if is_box(x) else tensor(x))


@op
def view(x: Any, dtype: Any = None) -> Any:
    """Return the bytes of x as numbers of another type."""
    return plain(x).view(dtype_named(dtype))


@op
def stop_gradient(variable: Any) -> Any:
    """Return an array through which nothing is derived."""
    return unboxed(tensor(variable))


def custom_gradient(f: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a function that returns its result and its own backward function.

    ``f(*args) -> (y, grad)``, with ``grad(upstream)`` or ``grad(upstream=...)`` the gradient of the
    argument, or a tuple of them for several. What `f` computes is not derived.
    """

    def derived(*args: Any, **kwargs: Any) -> Any:
        tape = context.current().tape
        given = [arg.traced() if isinstance(arg, Param) else arg for arg in args]
        places = [i for i, arg in enumerate(given) if tape is not None and tape.owns(arg)]
        if not places:
            return f(*given, **kwargs)[0]
        with context.changed(tape=None):
            y, grad = f(*(unboxed(arg) for arg in given), **kwargs)

        def back(dys: list[Any]) -> list[Any]:
            found = _call_gradient(grad, dys[0])
            parts = found if isinstance(found, list | tuple) else [found]
            if len(parts) not in (len(given), len(places)):
                raise ValueError(
                    f"custom_gradient: expected {len(given)} gradients, got {len(parts)}"
                )
            parts = parts if len(parts) == len(places) else [parts[i] for i in places]
            return [numpy.asarray(part) for part in parts]

        return tape.record([given[i] for i in places], [numpy.asarray(y)], back)[0]

    return derived


def _call_gradient(grad: Callable[..., Any], dy: Any) -> Any:
    named = inspect.signature(grad).parameters.get("upstream")
    by_name = named is not None and named.kind is named.KEYWORD_ONLY
    return grad(upstream=dy) if by_name else grad(dy)


# -- loops -------------------------------------------------------------------------------------


def _map(function: Callable[..., Any], *trees: Any) -> Any:
    """Return the structure of the function's values for the leaves; None stays None."""
    return map_structure(lambda x, *xs: None if x is None else function(x, *xs), *trees)


def _length(tree: Any) -> int:
    """Return the number of entries along the first axis."""
    return len(tensor(next(leaf for leaf in flatten(tree) if leaf is not None)))


def _entry(tree: Any, i: int) -> Any:
    return _map(lambda x: tensor(x)[i], tree)


def _stacked(trees: Sequence[Any]) -> Any:
    return _map(lambda *parts: stack(parts), *trees)


@op
def map(f: Callable[..., Any], xs: Any) -> Any:
    """Return f of every entry along the first axis, stacked; xs and results may be nested."""
    return _stacked([f(_entry(xs, i)) for i in range(_length(xs))])


@op
def vectorized_map(function: Callable[..., Any], elements: Any) -> Any:
    """Return the function of every entry along the first axis, stacked; see `map`."""
    return _stacked([function(_entry(elements, i)) for i in range(_length(elements))])


@op
def scan(
    f: Callable[..., Any],
    init: Any,
    xs: Any = None,
    length: int | None = None,
    reverse: bool = False,
    unroll: Any = 1,
) -> tuple[Any, Any]:
    """Return the last state and the stacked outputs of ``state, y = f(state, x)``.

    Parameters
    ----------
    f : callable
        From a state and an entry of xs to the next state and an output, nested as it likes.
    init : nested arrays
        The first state.
    xs : nested arrays, optional
        x runs along their first axes.
    length : int, optional
        The number of steps, without `xs`.
    reverse : bool, default False
        From the last entry to the first; the outputs stand at their entries' places.
    unroll : optional
        Ignored: it names a compilation, not a result.
    """
    if xs is None and length is None:
        raise ValueError("scan: expected xs, or length, got neither")
    count = _length(xs) if xs is not None else int(length or 0)
    if length is not None and count != length:
        raise ValueError(f"scan: length: expected {count}, as xs has, got {length}")
    order = range(count)[::-1] if reverse else range(count)
    state, ys = init, []
    for i in order:
        state, y = f(state, None if xs is None else _entry(xs, i))
        ys.append(y)
    return state, _stacked(ys[::-1] if reverse else ys) if ys else None


@op
def associative_scan(
    f: Callable[..., Any], elems: Any, reverse: bool = False, axis: int = 0
) -> Any:
    """Return x1, f(x1, x2), f(f(x1, x2), x3) ... along an axis, for an associative f."""
    columns = [unstack(x, axis=axis) for x in flatten(elems)]
    rows = [pack_like(elems, list(row)) for row in zip(*columns, strict=True)]
    rows = rows[::-1] if reverse else rows
    found = rows[:1]
    for row in rows[1:]:
        found.append(f(found[-1], row))
    return _map(lambda *ys: stack(ys, axis=axis), *(found[::-1] if reverse else found))


def while_loop(
    cond: Callable[..., Any],
    body: Callable[..., Any],
    loop_vars: Any,
    maximum_iterations: int | None = None,
) -> Any:
    """Return the variables after ``loop_vars = body(*loop_vars)`` while cond(*loop_vars)."""
    several = isinstance(loop_vars, list | tuple)
    state, done = tuple(loop_vars) if several else (loop_vars,), 0
    while bool(unboxed(cond(*state))) and (maximum_iterations is None or done < maximum_iterations):
        found = body(*state)
        state = tuple(found) if isinstance(found, list | tuple) else (found,)
        done += 1
    return state if several else state[0]


def fori_loop(lower: Any, upper: Any, body_fun: Callable[..., Any], init_val: Any) -> Any:
    """Return the value after ``value = body_fun(i, value)`` for i from `lower` up to `upper`."""
    value = init_val
    for i in range(int(plain(lower)), int(plain(upper))):
        value = body_fun(i, value)
    return value


def cond(pred: Any, true_fn: Callable[[], Any], false_fn: Callable[[], Any]) -> Any:
    """Return true_fn() if `pred` is true, else false_fn()."""
    return true_fn() if bool(unboxed(pred)) else false_fn()


def switch(index: Any, branches: Sequence[Callable[..., Any]], *operands: Any) -> Any:
    """Return the branch of this number, from 0 and cut at the last one, of the operands."""
    at = builtins.min(builtins.max(int(plain(index)), 0), len(branches) - 1)
    return branches[at](*operands)
