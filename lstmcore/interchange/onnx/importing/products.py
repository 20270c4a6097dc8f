"""Handlers of matrix products: Dense layers, and products of two arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from .dense import Product, constant, dense
from .graph_reader import GraphReader, handler
from .pairs import combined
from .plan import check_size
from .views import Atom, Source, View


@handler("Gemm")
def gemm(reader: GraphReader, node: Any, x: Any, kernel: Any, bias: Any = None) -> list[Any]:
    """Read a Gemm as a Dense layer."""
    if reader.attribute(node, "transA", 0):
        raise ValueError("transA: expected 0")
    if not isinstance(x, View):
        raise ValueError("A: expected what depends on the inputs")
    kernel = constant(kernel, "B")
    if reader.attribute(node, "transB", 0):
        kernel = kernel.T
    made = dense(reader, x, kernel * kernel.dtype.type(reader.attribute(node, "alpha", 1.0)))
    if bias is None:
        return [made]
    if isinstance(bias, View):
        if reader.attribute(node, "beta", 1.0) != 1:
            raise ValueError("beta: expected 1")
        return [combined(reader, "Add", made, bias)]
    bias = constant(bias, "C") * bias.dtype.type(reader.attribute(node, "beta", 1.0))
    units = kernel.shape[1]
    if bias.size not in (1, units) or (bias.ndim and bias.shape[-1] not in (1, units)):
        raise ValueError(f"C: expected a bias of {units} numbers, got {bias.shape}")
    assert isinstance(made.source, Product)
    made.source.bias = np.ascontiguousarray(np.broadcast_to(bias.ravel(), (units,)))
    return [made]


@handler("MatMul")
def matmul(reader: GraphReader, node: Any, a: Any, b: Any) -> list[Any]:
    """Read a product with a matrix as a Dense layer, another as an op."""
    if isinstance(a, View) and isinstance(b, np.ndarray) and b.ndim == 2:
        return [dense(reader, a, b)]
    if not (isinstance(a, View) and isinstance(b, View)):
        raise ValueError("a product with a constant of other than two axes")
    if a.order is not b.order or min(a.ndim, b.ndim) < 3 or a.ndim != b.ndim:
        raise ValueError(f"a product of arrays {a.shape} and {b.shape}")
    (one, order, axes), (other, again, _) = reader.standard(a), reader.standard(b)
    whole = list(range(a.ndim))
    if a.shape[:-2] != b.shape[:-2] or a.shape[-1] != b.shape[-2]:
        raise ValueError(f"a product of arrays {a.shape} and {b.shape}")
    if reader.makes_layers and (order != whole or again != whole):
        raise ValueError("a product along the axis of the batch")
    check_size([*a.axes[1:-1], b.axes[-1]])
    made = reader.op("matmul", one, other)
    new = (Atom(b.shape[-1]),)
    source = Source(lambda: made, (*axes[:-1], new))
    return [a.on(source, (*a.axes[:-1], new))]
