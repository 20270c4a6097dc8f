"""Layers of several inputs."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from ... import layers
from .program import Program, Value
from .refusal import refused
from .rows import Joined, Pointwise
from .table import has_form


def _all(two: Callable[[Any, Any, Any], Any]) -> Callable[..., Any]:
    """Return a formula of any number of inputs, made of one of two."""
    return lambda o, *xs: functools.reduce(lambda a, b: two(o, a, b), xs)


def _larger(o: Any, a: Any, b: Any) -> Any:
    return o.let("most", o.where_less(a, b, b, a))


def _smaller(o: Any, a: Any, b: Any) -> Any:
    return o.let("least", o.where_less(b, a, b, a))


_FORMULAS: dict[type, Callable[..., Any]] = {
    layers.Add: _all(lambda o, a, b: a + b),
    layers.Subtract: _all(lambda o, a, b: a - b),
    layers.Multiply: _all(lambda o, a, b: a * b),
    layers.Maximum: _all(_larger),
    layers.Minimum: _all(_smaller),
    layers.Average: lambda o, *xs: functools.reduce(lambda a, b: a + b, xs) / np.float32(len(xs)),
}


@has_form(*_FORMULAS)
def elementwise(program: Program, layer: Any, inputs: list[Value]) -> Value:
    """Add a formula of numbers at the same place in rows of one width."""
    first = inputs[0]
    if any((x.width, x.timed) != (first.width, first.timed) for x in inputs):
        raise refused(layer, "x: inputs of unlike shapes")
    name, end = program.name_for(layer), Value(first.width, first.timed)
    return program.add(Pointwise(program, name, inputs, end, formula=_FORMULAS[type(layer)]))


@has_form(layers.Concatenate)
def concatenate(program: Program, layer: Any, inputs: list[Value]) -> Value:
    """Add rows one behind the other."""
    timed = inputs[0].timed
    if layer.axis not in (-1, 2 if timed else 1):
        raise refused(layer, f"axis={layer.axis}")
    end = Value(sum(x.width for x in inputs), timed)
    return program.add(Joined(program, program.name_for(layer), inputs, end))
