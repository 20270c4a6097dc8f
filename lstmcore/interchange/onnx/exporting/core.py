"""Dense, Embedding, activations, masks and what does nothing at inference."""

from __future__ import annotations

import numpy as np

from ....layers import (
    ELU,
    Activation,
    ActivityRegularization,
    AlphaDropout,
    Dense,
    Dropout,
    EinsumDense,
    Embedding,
    GaussianDropout,
    GaussianNoise,
    Identity,
    InputLayer,
    LeakyReLU,
    Masking,
    PReLU,
    ReLU,
    ReversibleEmbedding,
    Softmax,
    SpatialDropout1D,
)
from ....layers.core.einsum_dense import _Axes
from ....layers.module import DTYPES
from .activations import activate, softmax
from .builder import WHOLE, Builder, Call, Value
from .masks import both
from .table import exports


def keeps_steps_apart(call: Call) -> bool:
    """Return True if an activation works on no axis that could be time."""
    axis = call.layer.activation.options.get("axis", -1)
    axes = axis if isinstance(axis, list | tuple) else [axis]
    return all(a % call.x.ndim != 1 or call.x.ndim == 2 for a in axes)


@exports(
    Identity,
    Dropout,
    SpatialDropout1D,
    AlphaDropout,
    GaussianDropout,
    GaussianNoise,
    ActivityRegularization,
    InputLayer,
    by_step=True,
)
def _nothing(b: Builder, call: Call) -> Value:
    return call.x


def dense(b: Builder, x: str, kernel: str, bias: str | None, ndim: int) -> str:
    """Add a product with a matrix, and a bias: one node, Gemm, for rows."""
    if ndim == 2:
        return b("Gemm", x, kernel, bias)
    y = b("MatMul", x, kernel)
    return y if bias is None else b("Add", y, bias)


@exports(Dense, by_step=lambda call: call.x.ndim > 2 and keeps_steps_apart(call))
def _dense(b: Builder, call: Call) -> Value:
    layer = call.layer
    call.x.size(-1)
    bias = None if layer.bias is None else b.weight(layer.bias)
    y = dense(b, call.x.name, b.weight(layer.kernel), bias, call.x.ndim)
    y = activate(b, call, layer.activation, y, call.x.ndim)
    return call.output(y, call.mask)


@exports(Embedding, by_step=True)
def _embedding(b: Builder, call: Call) -> Value:
    return call.output(_looked_up(b, call), _embedding_mask(b, call), dtype=b.dtype)


def _looked_up(b: Builder, call: Call) -> str:
    """Return the vectors of indices, which may come as reals."""
    x = b.cast(call.x, WHOLE) if call.x.dtype in DTYPES else call.x
    return b("Gather", b.weight(call.layer.embeddings), x, axis=0)


def _embedding_mask(b: Builder, call: Call) -> Value | None:
    if not call.layer.mask_zero:
        return call.mask
    b.has_masks = True
    name = b("Not", b("Equal", call.x, np.array(0, call.x.dtype)))
    own = Value(name, call.x.shape, "bool", trailing=b.trailing)
    return own if call.mask is None else both(b, own, call.mask)


@exports(ReversibleEmbedding, by_step=True)
def _reversible(b: Builder, call: Call) -> Value:
    layer = call.layer
    if not call.options.get("reverse"):
        return call.output(_looked_up(b, call), _embedding_mask(b, call), dtype=b.dtype)
    call.x.size(-1)
    if layer.reverse_embeddings is None:
        kernel = b("Transpose", b.weight(layer.embeddings), perm=[1, 0])
    else:
        kernel = b.weight(layer.reverse_embeddings)
    y = b("MatMul", call.x, kernel)
    if layer.logit_soft_cap is not None:
        cap = layer.logit_soft_cap
        y = b("Mul", b("Tanh", b("Div", y, cap)), cap)
    return call.output(y, call.mask)


@exports(Masking, by_step=True)
def _masking(b: Builder, call: Call) -> Value:
    b.has_masks = True
    value = np.array(call.layer.mask_value, call.x.dtype)
    other = b.cast(b("Not", b("Equal", call.x, value)), "int32")
    name = b.cast(b.reduced("ReduceMax", other, [-1]), "bool")
    own = Value(name, call.x.shape[:-1], "bool", trailing=b.trailing)
    mask = own if call.mask is None else both(b, own, call.mask)
    assert mask is not None
    y = b("Where", b.expanded(mask, call.x.ndim), call.x, np.array(0, call.x.dtype))
    return call.output(y, mask)


# -- activations as layers -------------------------------------------------------------------------


@exports(Activation, by_step=keeps_steps_apart)
def _activation(b: Builder, call: Call) -> Value:
    function = call.layer.activation
    return call.output(activate(b, call, function, call.x.name, call.x.ndim), call.mask)


@exports(ReLU, LeakyReLU, ELU, by_step=True)
def _activation_layer(b: Builder, call: Call) -> Value:
    function = call.layer.function
    return call.output(activate(b, call, function, call.x.name, call.x.ndim), call.mask)


def _shares_time(call: Call) -> bool:
    return call.layer.alpha.shape[0] == 1 or call.x.ndim < 3


@exports(PReLU, by_step=_shares_time)
def _prelu(b: Builder, call: Call) -> Value:
    call.check_fits(call.layer.alpha.shape)
    return call.output(b("PRelu", call.x, b.weight(call.layer.alpha)), call.mask)


def _softmax_by_step(call: Call) -> bool:
    return all(axis % call.x.ndim not in (0, 1) for axis in call.layer._axes)


@exports(Softmax, by_step=_softmax_by_step)
def _softmax(b: Builder, call: Call) -> Value:
    layer, x, mask = call.layer, call.x, call.mask
    if any(axis % x.ndim == 0 for axis in layer._axes):
        raise call.refused("axis", "axes after that of the batch", layer.axis)
    axis = layer._axes[0] if len(layer._axes) == 1 else list(layer._axes)
    if mask is None:
        return call.output(softmax(b, x.name, x.ndim, axis))
    wide = b.expanded(mask, x.ndim)
    y = softmax(b, b("Where", wide, x, -1e9), x.ndim, axis)
    y = b("Where", wide, y, 0.0)
    return call.output(y, mask if mask.ndim < max(x.ndim, 3) else None)


# -- dense products by an equation -----------------------------------------------------------------


def _einsum_by_step(call: Call) -> bool:
    axes = _Axes(call.layer, call.layer.equation, call.x.ndim)
    return axes.y[1:2] == axes.x[1:2] and axes.x[1] not in axes.kernel


@exports(EinsumDense, by_step=_einsum_by_step)
def _einsum_dense(b: Builder, call: Call) -> Value:
    layer, x = call.layer, call.x
    axes = _Axes(layer, layer.equation, x.ndim)
    for letter in axes.kernel:
        if letter in axes.x:
            x.size(axes.x.index(letter))
    names = {old: chr(ord("a") + k) for k, old in enumerate(dict.fromkeys(axes.x + axes.kernel))}
    terms = ["".join(names[a] for a in part) for part in (axes.x, axes.kernel, axes.y)]
    equation = f"{terms[0]},{terms[1]}->{terms[2]}"
    y = b("Einsum", x, b.weight(layer.kernel), equation=equation)
    if layer.bias is not None:
        y = b("Add", y, b.weight(layer.bias))
    y = activate(b, call, layer.activation, y, len(axes.y))
    return call.output(y, call.mask if call.mask is None or _einsum_by_step(call) else None)
