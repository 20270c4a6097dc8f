"""Calls of `lstmcore.ops` in a graph, where an operator, or a few, say the same."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ....activations import get as activation_of
from ....layers.module import DTYPES
from ....layers.parameters import Param
from ....layers.symbolic import shape_leaves
from ....ops.layer import Operation, Place
from . import op_shapes
from .activations import activate
from .builder import WHOLE, Builder, Call, Value, onnx_type
from .op_arguments import OpCall
from .table import exports

_UNARY = {
    **{"exp": "Exp", "log": "Log", "sqrt": "Sqrt", "sin": "Sin", "cos": "Cos", "tan": "Tan"},
    **{"arcsin": "Asin", "arccos": "Acos", "arctan": "Atan", "sinh": "Sinh", "cosh": "Cosh"},
    **{"arcsinh": "Asinh", "arccosh": "Acosh", "arctanh": "Atanh", "floor": "Floor"},
    **{"ceil": "Ceil", "erf": "Erf", "abs": "Abs", "absolute": "Abs", "fabs": "Abs"},
    **{"negative": "Neg", "sign": "Sign", "reciprocal": "Reciprocal"},
}
_BINARY = {
    **{"add": "Add", "subtract": "Sub", "multiply": "Mul", "divide": "Div", "true_divide": "Div"},
    **{"power": "Pow", "maximum": "Max", "minimum": "Min", "matmul": "MatMul"},
}
_COMPARISONS = {
    **{"equal": "Equal", "greater": "Greater", "greater_equal": "GreaterOrEqual"},
    **{"less": "Less", "less_equal": "LessOrEqual"},
}
_LOGICAL = {"logical_and": "And", "logical_or": "Or", "logical_xor": "Xor"}
_REDUCTIONS = {"sum": "Sum", "mean": "Mean", "max": "Max", "min": "Min", "prod": "Prod"}
_ACTIVATIONS = (
    *("tanh", "sigmoid", "relu", "relu6", "leaky_relu", "elu", "celu", "selu", "gelu", "softplus"),
    *("softsign", "silu", "swish", "hard_sigmoid", "hard_silu", "hard_swish", "hard_tanh"),
    *("log_sigmoid", "mish", "squareplus", "sparse_plus", "sparse_sigmoid", "tanh_shrink"),
    *("hard_shrink", "soft_shrink", "threshold", "softmax", "log_softmax"),
)
_AS_IT_IS = ("stop_gradient", "copy", "convert_to_tensor")

Making = Callable[[Any], Any]


# -- numbers ---------------------------------------------------------------------------------------


def _unary(o: OpCall) -> str:
    return o.b(_UNARY[o.op], o.tensor(next(iter(o.given.values()))))


def _binary(o: OpCall) -> str:
    pair = list(o.given.values())[:2]
    if not _has_reals(o, pair):
        raise o.refused("x1", "whole numbers")
    return o.b(_BINARY[o.op], *(o.tensor(leaf) for leaf in pair))


def _dot(o: OpCall) -> str:
    pair = [o.given["x1"], o.given["x2"]]
    second = o.resolved(pair[1])
    ndim = len(second.shape) if isinstance(second, Value | Param) else np.ndim(second)
    if ndim > 2 or not _has_reals(o, pair):
        raise o.refused("x2", f"an array of {ndim} axes")
    return o.b("MatMul", *(o.tensor(leaf) for leaf in pair))


def _has_reals(o: OpCall, leaves: list[Any]) -> bool:
    """Return True if an input among them is of reals, or a constant that makes the result real."""
    for leaf in map(o.resolved, leaves):
        kind = leaf.dtype if isinstance(leaf, Value | Param) else np.asarray(leaf).dtype
        if str(kind) in DTYPES:
            return True
    return False


def _comparison(o: OpCall) -> str:
    return o.b(_COMPARISONS[o.op], *(o.tensor(leaf) for leaf in list(o.given.values())[:2]))


def _not_equal(o: OpCall) -> str:
    pair = list(o.given.values())[:2]
    return o.b("Not", o.b("Equal", *(o.tensor(leaf) for leaf in pair)))


def _logical(o: OpCall) -> str:
    pair = list(o.given.values())[:2]
    return o.b(_LOGICAL[o.op], *(o.tensor(leaf, "bool") for leaf in pair))


def _activation(o: OpCall) -> str:
    options = {name: value for name, value in o.given.items() if name != "x"}
    if any(isinstance(v, Place) or v is None for v in options.values()):
        raise o.refused("axis", None)
    function = activation_of(o.op)
    function = function.using(**options) if options else function
    x = o.input()
    return activate(o.b, o.call, function, o.tensor(o.given["x"]), x.ndim)


def _round(o: OpCall) -> str:
    if o.given["decimals"]:
        raise o.refused("decimals", o.given["decimals"])
    return o.b("Round", o.tensor(o.given["x"]))


def _clip(o: OpCall) -> str:
    low, high = (o.tensor(o.given[name]) for name in ("x_min", "x_max"))
    return o.b("Min", o.b("Max", o.tensor(o.given["x"]), low), high)


def _where(o: OpCall) -> str:
    if o.given["x1"] is None or not _has_reals(o, [o.given["x1"], o.given["x2"]]):
        raise o.refused("x1", o.given["x1"])
    parts = (o.tensor(o.given[name]) for name in ("x1", "x2"))
    return o.b("Where", o.tensor(o.given["condition"], "bool"), *parts)


def _cast(o: OpCall) -> str:
    wanted = o.call.layer.outputs[2][0]
    if wanted not in (*DTYPES, "bool", "int32", WHOLE):
        raise o.refused("dtype", wanted)
    return o.b("Cast", o.input(), to=onnx_type(wanted))


# -- over axes -------------------------------------------------------------------------------------


def _reduction(o: OpCall) -> str:
    x = o.input()
    if x.dtype not in DTYPES:
        raise o.refused("x", x.dtype)
    if o.given.get("initial") is not None or o.given.get("dtype") is not None:
        raise o.refused("initial", o.given.get("initial"))
    return o.b.reduced(f"Reduce{_REDUCTIONS[o.op]}", x, o.axes(x.ndim), o.given["keepdims"])


def _variance(o: OpCall) -> str:
    b, x = o.b, o.input()
    axes = o.axes(x.ndim)
    centred = b("Sub", o.tensor(o.given["x"]), b.reduced("ReduceMean", x, axes, keepdims=True))
    y = b.reduced("ReduceMean", b("Mul", centred, centred), axes, o.given["keepdims"])
    return y if o.op == "var" else b("Sqrt", y)


def _cumsum(o: OpCall) -> str:
    if o.given["axis"] is None or o.given["dtype"] is not None:
        raise o.refused("axis", o.given["axis"])
    return o.b("CumSum", o.tensor(o.given["x"]), np.int64(o.whole("axis")[0]))


def _argmax(o: OpCall) -> str:
    if o.given["axis"] is None:
        raise o.refused("axis", None)
    kept = int(o.given["keepdims"])
    op = "ArgMax" if o.op == "argmax" else "ArgMin"
    y = o.b(op, o.tensor(o.given["x"]), axis=o.whole("axis")[0], keepdims=kept)
    return o.b("Cast", y, to=onnx_type(o.call.layer.outputs[2][0]))


def _einsum(o: OpCall) -> str:
    operands = [o.tensor(leaf) for leaf in o.given["operands"]]
    equation = o.given["subscripts"]
    if o.given.get("kwargs"):
        raise o.refused("kwargs", o.given["kwargs"])
    return o.b("Einsum", *operands, equation=equation)


_MAKERS: dict[str, Making] = {
    **dict.fromkeys(_UNARY, _unary),
    **dict.fromkeys(_BINARY, _binary),
    **dict.fromkeys(_COMPARISONS, _comparison),
    **dict.fromkeys(_LOGICAL, _logical),
    **dict.fromkeys(_REDUCTIONS, _reduction),
    **dict.fromkeys(_ACTIVATIONS, _activation),
    **dict.fromkeys(_AS_IT_IS, lambda o: o.input(next(iter(o.given))).name),
    **{"amax": lambda o: _extreme(o, "Max"), "amin": lambda o: _extreme(o, "Min")},
    **{"not_equal": _not_equal, "dot": _dot},
    "logical_not": lambda o: o.b("Not", o.tensor(o.given["x"], "bool")),
    "square": lambda o: o.b("Mul", *[o.tensor(o.given["x"])] * 2),
    "rsqrt": lambda o: o.b("Reciprocal", o.b("Sqrt", o.tensor(o.given["x"]))),
    "log2": lambda o: o.b("Div", o.b("Log", o.tensor(o.given["x"])), math.log(2)),
    "log10": lambda o: o.b("Div", o.b("Log", o.tensor(o.given["x"])), math.log(10)),
    "log1p": lambda o: o.b("Log", o.b("Add", o.tensor(o.given["x"]), 1.0)),
    "expm1": lambda o: o.b("Sub", o.b("Exp", o.tensor(o.given["x"])), 1.0),
    **{"round": _round, "clip": _clip, "where": _where, "cast": _cast},
    **{"var": _variance, "std": _variance, "cumsum": _cumsum, "einsum": _einsum},
    **{"argmax": _argmax, "argmin": _argmax},
    **op_shapes.MAKERS,
}


def _extreme(o: OpCall, name: str) -> str:
    return o.b.reduced(f"Reduce{name}", o.input(), o.axes(o.input().ndim), o.given["keepdims"])


def _by_step(call: Call) -> bool:
    """Return True for an op of each number by itself, with nothing that differs by step."""
    pointwise = {*_UNARY, *_BINARY, *_COMPARISONS, *_LOGICAL, *_AS_IT_IS, "square", "cast"}
    alike = len({x.ndim for x in call.inputs}) == 1 and call.x.ndim > 2
    constants = [a for a in (*call.layer.args, *call.layer.kwargs.values()) if _is_array(a)]
    return call.layer.op in pointwise - {"matmul"} and alike and not constants


def _is_array(leaf: Any) -> bool:
    return not isinstance(leaf, Place) and np.ndim(leaf) > 1


@exports(Operation, by_step=_by_step)
def _operation(b: Builder, call: Call) -> Value:
    layer = call.layer
    make = _MAKERS.get(layer.op)
    if make is None:
        raise call.refused("op", "an op that ONNX has an operator for", f"ops.{layer.op}")
    if not layer.single_output:
        raise call.refused("op", "an op of one output", f"ops.{layer.op}")
    name = make(OpCall(b, call))
    shape = _shape(call)
    dtype = str(layer.outputs[2][0]) if layer.outputs and layer.outputs[2][0] else b.dtype
    return call.value(name, shape, dtype=dtype)


def _shape(call: Call) -> Any:
    """Return the shape of the output; the layer stays as it is."""
    layer = call.layer
    kept = layer.outputs, layer._found_for
    try:
        return shape_leaves(layer.call_output_shape(call.shapes()))[0]
    finally:
        layer.outputs, layer._found_for = kept
