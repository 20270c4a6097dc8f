"""A model's layers as a program: walks a Sequential or a graph, layer by layer."""

from __future__ import annotations

from typing import Any, NamedTuple

from ...models import Functional, Model, Sequential
from ...names import is_builtin
from . import (  # noqa: F401 - they enter their layers in the table
    merging,
    over_time,
    recurrent_layers,
    scaling,
    simple,
)
from .program import Program, Value
from .refusal import Refused, refused
from .rows import Take
from .table import add_form

# methods with which a class may compute something else than its base does
_OVERRIDABLE = ("call", "forward", "run", "forward_with_mask", "predict_step", "predict")


def program_of(model: Any, weights: str) -> Program:
    """Return a built model as a program.

    Raises
    ------
    Refused
        If a layer, or an option of one, has no C form; the message names both.
    """
    if not getattr(model, "built", False):
        raise Refused(
            f"export: model {model.name!r} has no weights yet: give it an Input, call it or "
            "build(input_shape)"
        )
    program = Program(model, weights)
    shape, tokens = _input(model)
    program.input = Value(shape[-1] if not tokens else 1, timed=len(shape) == (2 if tokens else 3))
    program.tokens = tokens
    x = program.input
    if not tokens:
        x = program.add(
            Take(program, program.name_for(_Named("input")), [x], Value(x.width, x.timed))
        )
    (program.output,) = add_model(program, model, [x])
    program.check()
    if program.skips_zero and program.output.timed:
        raise Refused(
            f"export: model {model.name!r}: mask_zero=True with an output for every step has no "
            "C form"
        )
    return program


class _Named(NamedTuple):
    name: str


def _input(model: Any) -> tuple[tuple[Any, ...], bool]:
    """Return the shape of the model's one input, and True if it takes tokens."""
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        got = f"{len(model.inputs)} and {len(model.outputs)}"
        raise Refused(
            f"export: model {model.name!r}: expected one input and one output in C, got {got}"
        )
    shape = tuple(model.inputs[0].shape)
    tokens = _begins_with_embedding(model)
    axes = (2,) if tokens else (2, 3)
    if len(shape) not in axes or (not tokens and shape[-1] is None):
        wanted = "(batch, steps)" if tokens else "(batch, steps, features) or (batch, features)"
        raise Refused(f"export: model {model.name!r}: input: expected {wanted}, got {shape}")
    return shape, tokens


def _begins_with_embedding(model: Any) -> bool:
    from ...layers import Embedding, InputLayer

    if isinstance(model, Functional):
        readers = [c.layer for c in model.graph.calls if 0 in c.inputs]
    else:
        readers = [layer for layer in model.layers if not isinstance(layer, InputLayer)][:1]
    if readers and isinstance(readers[0], Sequential | Functional):
        return _begins_with_embedding(readers[0])
    return bool(readers) and all(isinstance(layer, Embedding) for layer in readers)


# -- layers ----------------------------------------------------------------------------------------


def add_layer(program: Program, layer: Any, inputs: list[Value]) -> Value:
    """Add a layer's operations; return what it makes."""
    if isinstance(layer, Sequential | Functional):
        (found,) = add_model(program, layer, inputs)
        return found
    return add_form(program, layer, inputs)


def add_model(program: Program, model: Any, inputs: list[Value]) -> list[Value]:
    """Add the layers of a model; return its outputs."""
    _check_class(model)
    if isinstance(model, Sequential):
        for layer in model.layers:
            inputs = [add_layer(program, layer, inputs)]
        return inputs
    slots: list[Any] = [*inputs, *[None] * (len(model.graph.slots) - len(inputs))]
    for call in model.graph.calls:
        options = [name for name, value in call.options.items() if value is not None]
        if options:
            raise refused(call.layer, f"{options[0]}= in its call")
        (end,) = call.outputs if len(call.outputs) == 1 else (None,)
        if end is None:
            raise refused(call.layer, "more than one output")
        slots[end] = add_layer(program, call.layer, [slots[i] for i in call.inputs])
    return [slots[i] for i in model.graph.ends]


def _check_class(model: Model) -> None:
    """Raise Refused for a model whose class computes something of its own."""
    if not isinstance(model, Sequential | Functional):
        raise refused(model)
    base = Sequential if isinstance(model, Sequential) else Functional
    for name in () if is_builtin(type(model)) else _OVERRIDABLE:
        if getattr(type(model), name, None) is not getattr(base, name, None):
            raise refused(model, f"{name} of its own")
