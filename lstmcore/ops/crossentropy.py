"""Crossentropies of every sample or number, by the losses of `lstmcore.losses`."""

from __future__ import annotations

from typing import Any

import autograd.numpy as np
import numpy
from autograd.extend import defvjp

from ..autodiff.derivatives import primitive
from ..losses import BinaryCrossentropy, CategoricalCrossentropy, SparseCategoricalCrossentropy
from ..losses.crossentropy import clip_probabilities
from ..losses.ctc import negative_log_likelihood
from ..validation import Array
from .operation import op
from .reductions import logsumexp
from .types import floating, floats, plain, tensor


@op
def binary_crossentropy(target: Any, output: Any, from_logits: bool = False) -> Any:
    """Return -target log(p) - (1 - target) log(1 - p) of every number.

    Parameters
    ----------
    target : array_like
        From 0 to 1, of the shape of `output`.
    output : array_like
        Probabilities, clipped to 1e-7 ... 1 - 1e-7, or logits.
    from_logits : bool, default False
        p is the sigmoid of `output`.
    """
    target, output = _pair("binary_crossentropy", target, output)
    return _binary(target, output, bool(from_logits))


@op
def categorical_crossentropy(
    target: Any, output: Any, from_logits: bool = False, axis: int = -1
) -> Any:
    """Return -sum(target log(p)) over an axis.

    Parameters
    ----------
    target : array_like
        Distributions, of the shape of `output`.
    output : array_like
        Probabilities, made to sum to 1 and clipped to 1e-7 ... 1 - 1e-7, or logits.
    from_logits : bool, default False
        p is the softmax of `output`.
    axis : int, default -1
    """
    target, output = _pair("categorical_crossentropy", target, output)
    if axis not in (-1, np.ndim(output) - 1):
        target, output = np.moveaxis(target, axis, -1), np.moveaxis(output, axis, -1)
    return _categorical(target, output, bool(from_logits))


@op
def sparse_categorical_crossentropy(
    target: Any, output: Any, from_logits: bool = False, axis: int = -1
) -> Any:
    """Return -log(p of the target's class) along an axis.

    Parameters
    ----------
    target : array_like of int
        Class numbers, of the shape of `output` without the axis, or with a last axis of 1.
    output : array_like
        Probabilities, made to sum to 1 and clipped to 1e-7 ... 1 - 1e-7, or logits.
    from_logits : bool, default False
        p is the softmax of `output`.
    axis : int, default -1
    """
    output = floating(output)
    if axis not in (-1, np.ndim(output) - 1):
        output = np.moveaxis(output, axis, -1)
    loss = SparseCategoricalCrossentropy(name="ops.sparse_categorical_crossentropy")
    classes = loss.align(plain(target), np.shape(output), plain(output).dtype)
    return _sparse(output, classes, bool(from_logits))


def _pair(what: str, target: Any, output: Any) -> tuple[Any, Any]:
    target, output = floats(tensor(target), tensor(output))
    if np.shape(target) != np.shape(output):
        raise ValueError(
            f"{what}: expected target and output of one shape, got {np.shape(target)} and "
            f"{np.shape(output)}"
        )
    return target, output


@primitive
def _binary(target: Array, output: Array, from_logits: bool) -> Array:
    loss = BinaryCrossentropy(from_logits)
    return loss.values(target[..., None], output[..., None], False)[0]


def _of_binary(y: Any, target: Any, output: Any, from_logits: bool) -> Any:
    def vjp(g: Any) -> Any:
        loss = BinaryCrossentropy(from_logits)
        gradient = loss.values(target[..., None], output[..., None], True)[1]
        assert gradient is not None
        return g * gradient[..., 0]

    return vjp


def _of_target(y: Any, target: Any, output: Any, from_logits: bool) -> Any:
    def vjp(g: Any) -> Any:
        if from_logits:
            return -g * output
        p = clip_probabilities(output)
        return g * (numpy.log(1 - p) - numpy.log(p))

    return vjp


defvjp(_binary, _of_target, _of_binary)


@primitive
def _categorical(target: Array, output: Array, from_logits: bool) -> Array:
    return CategoricalCrossentropy(from_logits).values(target, output, False)[0]


def _of_categorical(y: Any, target: Any, output: Any, from_logits: bool) -> Any:
    def vjp(g: Any) -> Any:
        gradient = CategoricalCrossentropy(from_logits).values(target, output, True)[1]
        assert gradient is not None
        return g[..., None] * gradient

    return vjp


def _of_distribution(y: Any, target: Any, output: Any, from_logits: bool) -> Any:
    def vjp(g: Any) -> Any:
        if from_logits:
            return g[..., None] * (logsumexp(output, axis=-1, keepdims=True) - output)
        p = clip_probabilities(output / output.sum(axis=-1, keepdims=True))
        return -g[..., None] * numpy.log(p)

    return vjp


defvjp(_categorical, _of_distribution, _of_categorical)


@primitive
def _sparse(output: Array, classes: Array, from_logits: bool) -> Array:
    return SparseCategoricalCrossentropy(from_logits).values(classes, output, False)[0]


def _of_sparse(y: Any, output: Any, classes: Any, from_logits: bool) -> Any:
    def vjp(g: Any) -> Any:
        loss = SparseCategoricalCrossentropy(from_logits)
        gradient = loss.values(classes, output, True)[1]
        assert gradient is not None
        return g[..., None] * gradient

    return vjp


defvjp(_sparse, _of_sparse)


@op
def ctc_loss(
    target: Any, output: Any, target_length: Any, output_length: Any, mask_index: int = 0
) -> Any:
    """Return the CTC loss of every sequence, -log P(labels); see `lstmcore.losses.CTC`.

    Parameters
    ----------
    target : array_like of int, (batch, labels)
    output : array_like, (batch, time, classes)
        Logits.
    target_length, output_length : array_like of int, (batch,)
        The labels and the steps that count.
    mask_index : int, default 0
        The class of the blank.
    """
    output = floating(output)
    labels, steps = numpy.asarray(plain(target)), np.shape(output)[1]
    counted = numpy.arange(labels.shape[1]) < numpy.asarray(plain(target_length))[:, None]
    if (labels[counted] == mask_index).any():
        raise ValueError(f"ctc_loss: target: expected no blank ({mask_index}) among the labels")
    order = numpy.arange(np.shape(output)[2])
    if mask_index:  # ours is class 0
        order[0], order[mask_index] = mask_index, 0
        output = output[..., order]
    labels = numpy.where(counted, order[numpy.where(counted, labels, 0)], 0)
    mask = numpy.arange(steps) < numpy.asarray(plain(output_length))[:, None]
    return _ctc(output, labels, mask)


@primitive
def _ctc(output: Array, labels: Array, mask: Array) -> Array:
    return negative_log_likelihood(labels, output, mask, False)[0]


def _of_ctc(y: Any, output: Any, labels: Any, mask: Any) -> Any:
    def vjp(g: Any) -> Any:
        gradient = negative_log_likelihood(labels, output, mask, True)[1]
        assert gradient is not None
        return g[:, None, None] * gradient

    return vjp


defvjp(_ctc, _of_ctc)
