"""Functions of arrays by their names and defaults in Keras 2's backend, over `lstmcore.ops`.

They are derived inside of losses and layers as all ops are, and taken by symbolic tensors.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Sequence
from typing import Any

from .. import config, context, ops
from ..ops import abs as abs
from ..ops import all as all
from ..ops import any as any
from ..ops import arange as arange
from ..ops import binary_crossentropy as binary_crossentropy
from ..ops import categorical_crossentropy as categorical_crossentropy
from ..ops import cos as cos
from ..ops import dot as dot
from ..ops import elu as elu
from ..ops import equal as equal
from ..ops import exp as exp
from ..ops import greater as greater
from ..ops import greater_equal as greater_equal
from ..ops import less as less
from ..ops import less_equal as less_equal
from ..ops import log as log
from ..ops import logsumexp as logsumexp
from ..ops import maximum as maximum
from ..ops import minimum as minimum
from ..ops import not_equal as not_equal
from ..ops import relu6 as relu6
from ..ops import reshape as reshape
from ..ops import round as round
from ..ops import sigmoid as sigmoid
from ..ops import sign as sign
from ..ops import sin as sin
from ..ops import softplus as softplus
from ..ops import softsign as softsign
from ..ops import sparse_categorical_crossentropy as sparse_categorical_crossentropy
from ..ops import square as square
from ..ops import stop_gradient as stop_gradient
from ..ops import tanh as tanh
from ..ops import transpose as transpose


def cast(x: Any, dtype: Any) -> Any:
    """Return x in another type."""
    return ops.cast(x, dtype)


def cast_to_floatx(x: Any) -> Any:
    """Return x in the type of `lstmcore.config.floatx`."""
    return ops.cast(x, config.floatx())


# -- made of shapes --------------------------------------------------------------------------------


def zeros(shape: Any, dtype: Any = None, name: str | None = None) -> Any:
    """Return an array of zeros, by default of `lstmcore.config.floatx`."""
    return ops.zeros(shape, dtype or config.floatx())


def ones(shape: Any, dtype: Any = None, name: str | None = None) -> Any:
    """Return an array of ones, by default of `lstmcore.config.floatx`."""
    return ops.ones(shape, dtype or config.floatx())


def eye(size: Any, dtype: Any = None, name: str | None = None) -> Any:
    """Return a matrix of so many rows, or (rows, columns), with ones on its diagonal."""
    rows, columns = size if isinstance(size, list | tuple) else (size, size)
    return ops.eye(rows, columns, dtype=dtype or config.floatx())


def zeros_like(x: Any, dtype: Any = None, name: str | None = None) -> Any:
    """Return zeros in the shape of x."""
    return ops.zeros_like(x, dtype)


def ones_like(x: Any, dtype: Any = None, name: str | None = None) -> Any:
    """Return ones in the shape of x."""
    return ops.ones_like(x, dtype)


def one_hot(indices: Any, num_classes: int) -> Any:
    """Return 1 at the place of each class and 0 elsewhere, along a new last axis."""
    return ops.one_hot(indices, num_classes)


# -- over axes -------------------------------------------------------------------------------------


def sum(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Return the sum over an axis, or several; by default all."""
    return ops.sum(x, axis, keepdims)


def prod(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Return the product over an axis, or several; by default all."""
    return ops.prod(x, axis, keepdims)


def mean(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Return the mean over an axis, or several; by default all."""
    return ops.mean(x, axis, keepdims)


def var(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Return the variance over an axis, or several; by default all."""
    return ops.var(x, axis, keepdims)


def std(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Return the standard deviation over an axis, or several; by default all."""
    return ops.std(x, axis, keepdims)


def max(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Return the largest number over an axis, or several; by default all."""
    return ops.max(x, axis, keepdims)


def min(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Return the smallest number over an axis, or several; by default all."""
    return ops.min(x, axis, keepdims)


def argmax(x: Any, axis: int = -1) -> Any:
    """Return the place of the largest number along an axis, the last by default."""
    return ops.argmax(x, axis)


def argmin(x: Any, axis: int = -1) -> Any:
    """Return the place of the smallest number along an axis, the last by default."""
    return ops.argmin(x, axis)


def cumsum(x: Any, axis: int = 0) -> Any:
    """Return the sums up to every place along an axis, the first by default."""
    return ops.cumsum(x, axis)


def cumprod(x: Any, axis: int = 0) -> Any:
    """Return the products up to every place along an axis, the first by default."""
    return ops.cumprod(x, axis)


def l2_normalize(x: Any, axis: Any = None) -> Any:
    """Return x scaled to length 1 along an axis; x / sqrt(max(sum(x^2), 1e-12))."""
    squares = ops.sum(ops.square(x), axis, keepdims=True)
    return x * ops.rsqrt(ops.maximum(squares, 1e-12))


def softmax(x: Any, axis: int = -1) -> Any:
    """Return exp(x) divided by its sum along an axis."""
    return ops.softmax(x, axis)


def in_top_k(predictions: Any, targets: Any, k: int) -> Any:
    """Return True for rows whose target is among the k largest predictions."""
    return ops.in_top_k(targets, predictions, k)


def batch_normalization(
    x: Any, mean: Any, var: Any, beta: Any, gamma: Any, axis: int = -1, epsilon: float = 1e-3
) -> Any:
    """Return (x - mean) / sqrt(var + epsilon) gamma + beta; beta and gamma may be None."""
    return ops.batch_normalization(x, mean, var, axis, beta, gamma, epsilon)


# -- element by element ----------------------------------------------------------------------------


def sqrt(x: Any) -> Any:
    """Return the square root; 0 for numbers below 0, as in Keras 2."""
    return ops.sqrt(ops.maximum(x, 0.0))


def pow(x: Any, a: Any) -> Any:
    """Return x to the power of a."""
    return ops.power(x, a)


def clip(x: Any, min_value: Any, max_value: Any) -> Any:
    """Return x cut at a minimum and a maximum; None is no limit."""
    if max_value is None:
        return x if min_value is None else ops.maximum(x, min_value)
    return ops.minimum(x, max_value) if min_value is None else ops.clip(x, min_value, max_value)


def hard_sigmoid(x: Any) -> Any:
    """Return 0.2 x + 0.5 cut at 0 and 1: Keras 2's; `lstmcore.ops.hard_sigmoid` is Keras 3's."""
    return ops.clip(ops.add(ops.multiply(x, 0.2), 0.5), 0.0, 1.0)


def relu(x: Any, alpha: float = 0.0, max_value: float | None = None, threshold: float = 0.0) -> Any:
    """Return x at and above the threshold and alpha (x - threshold) below, at most `max_value`."""
    if not alpha and max_value is None and not threshold:
        return ops.relu(x)
    below = ops.multiply(ops.subtract(x, threshold), alpha)
    y = ops.where(ops.greater_equal(x, threshold), x, below)
    return y if max_value is None else ops.minimum(y, max_value)


def bias_add(x: Any, bias: Any, data_format: str | None = None) -> Any:
    """Return x + bias, which has the last axis of x."""
    if data_format not in (None, "channels_last"):
        wanted = "'channels_last' or None"
        raise ValueError(f"bias_add: data_format: expected {wanted}, got {data_format!r}")
    return ops.add(x, bias)


def switch(condition: Any, then_expression: Any, else_expression: Any) -> Any:
    """Return the one where the condition is true and the other elsewhere.

    They may be functions without arguments; a condition of fewer axes holds for the last ones.
    """
    if not len(ops.shape(condition)):
        found = then_expression if bool(condition) else else_expression
        return found() if callable(found) else found
    chosen, other = (e() if callable(e) else e for e in (then_expression, else_expression))
    missing = len(ops.shape(chosen)) - len(ops.shape(condition))
    shape = (*ops.shape(condition), *[1] * missing)
    return ops.where(ops.reshape(condition, shape) if missing > 0 else condition, chosen, other)


# -- shapes ----------------------------------------------------------------------------------------


def concatenate(tensors: Sequence[Any], axis: int = -1) -> Any:
    """Return arrays joined along an axis, the last by default."""
    return ops.concatenate(tensors, axis)


def stack(x: Sequence[Any], axis: int = 0) -> Any:
    """Return arrays of one shape joined along a new axis."""
    return ops.stack(x, axis)


def expand_dims(x: Any, axis: int = -1) -> Any:
    """Return x with a new axis of size 1, the last by default."""
    return ops.expand_dims(x, axis)


def squeeze(x: Any, axis: Any) -> Any:
    """Return x without an axis of size 1."""
    return ops.squeeze(x, axis)


def permute_dimensions(x: Any, pattern: Sequence[int]) -> Any:
    """Return x with its axes in another order."""
    return ops.transpose(x, pattern)


def flatten(x: Any) -> Any:
    """Return all numbers of x in a row."""
    return ops.reshape(x, (-1,))


def batch_flatten(x: Any) -> Any:
    """Return all numbers of each sample in a row."""
    return ops.reshape(x, (-1, _product(ops.shape(x)[1:])))


def _product(sizes: Sequence[int | None]) -> int:
    found = 1
    for n in sizes:
        if n is None:
            return -1
        found *= n
    return found


def reverse(x: Any, axes: Any) -> Any:
    """Return x reversed along an axis, or several."""
    return ops.flip(x, axes)


def tile(x: Any, n: Any) -> Any:
    """Return x laid side by side, so many times along each axis."""
    return ops.tile(x, n)


def repeat(x: Any, n: int) -> Any:
    """Return rows (batch, features) as sequences (batch, n, features) of n equal steps."""
    return ops.repeat(ops.expand_dims(x, 1), n, axis=1)


def repeat_elements(x: Any, rep: int, axis: int) -> Any:
    """Return x with every entry along an axis repeated."""
    return ops.repeat(x, rep, axis=axis)


def gather(reference: Any, indices: Any) -> Any:
    """Return the entries along the first axis at these places."""
    return ops.take(reference, indices, axis=0)


def temporal_padding(x: Any, padding: tuple[int, int] = (1, 1)) -> Any:
    """Return sequences with steps of zeros before and after."""
    return ops.pad(x, ((0, 0), tuple(padding), (0, 0)))


# -- products and loops ----------------------------------------------------------------------------


def batch_dot(x: Any, y: Any, axes: Any = None) -> Any:
    """Return the products of the samples of two batches, summed over one axis of each.

    Parameters
    ----------
    x, y : array, (batch, ...)
    axes : int or (int, int), optional
        The axes of x and y, not the first; by default the last of x, and of y the last but one,
        or the last if y has two.

    Returns
    -------
    array
        (batch, the other axes of x, the other axes of y); (batch, 1) if there are none.
    """
    left, right = len(ops.shape(x)), len(ops.shape(y))
    if builtins.min(left, right) < 2:
        raise ValueError(f"batch_dot: x and y: expected batches, got {left} and {right} axes")
    if axes is None:
        axes = (left - 1, right - 1 if right == 2 else right - 2)
    a, b = (axes, axes) if isinstance(axes, int) else axes
    a, b = a + left * (a < 0), b + right * (b < 0)
    if not (0 < a < left and 0 < b < right):
        raise ValueError(f"batch_dot: axes: expected axes behind the first, got {axes}")
    letters = iter("cdefghijklmnopqrstuvw")
    of_x = ["z", *("y" if i == a else next(letters) for i in range(1, left))]
    of_y = ["z", *("y" if i == b else next(letters) for i in range(1, right))]
    out = "z" + "".join(s for s in (*of_x, *of_y) if s not in "zy")
    found = ops.einsum(f"{''.join(of_x)},{''.join(of_y)}->{out}", x, y)
    return ops.expand_dims(found, 1) if len(out) == 1 else found


def map_fn(fn: Callable[..., Any], elems: Any, name: str | None = None, dtype: Any = None) -> Any:
    """Return fn of every entry along the first axis, stacked."""
    return ops.map(fn, elems)


def foldl(
    fn: Callable[..., Any], elems: Any, initializer: Any = None, name: str | None = None
) -> Any:
    """Return fn(... fn(fn(initializer, first), second) ..., last); the first by default."""
    return _fold(fn, [elems[i] for i in range(len(elems))], initializer)


def foldr(
    fn: Callable[..., Any], elems: Any, initializer: Any = None, name: str | None = None
) -> Any:
    """Return what `foldl` does from the last entry to the first."""
    return _fold(fn, [elems[i] for i in range(len(elems) - 1, -1, -1)], initializer)


def _fold(fn: Callable[..., Any], entries: list[Any], value: Any) -> Any:
    if value is None:
        value, entries = entries[0], entries[1:]
    for entry in entries:
        value = fn(value, entry)
    return value


def ctc_batch_cost(y_true: Any, y_pred: Any, input_length: Any, label_length: Any) -> Any:
    """Return the CTC loss of each sequence of probabilities, (batch, 1); the last class is blank.

    Parameters
    ----------
    y_true : array of int, (batch, labels)
    y_pred : array, (batch, time, classes)
    input_length, label_length : array of int, (batch, 1)
    """
    labels, steps = (ops.reshape(length, (-1,)) for length in (label_length, input_length))
    logits = ops.log(ops.add(y_pred, config.epsilon()))
    blank = ops.shape(y_pred)[-1]
    assert blank is not None
    loss = ops.ctc_loss(y_true, logits, labels, steps, mask_index=blank - 1)
    return ops.expand_dims(loss, 1)


def ctc_decode(
    y_pred: Any, input_length: Any, greedy: bool = True, beam_width: int = 100, top_paths: int = 1
) -> tuple[list[Any], Any]:
    """Return the label sequences, a list of arrays (batch, time), and their scores.

    Parameters
    ----------
    y_pred : array, (batch, time, classes)
        Probabilities; the last class is blank.
    input_length : array of int, (batch,)
    greedy : bool, default True
        Take the most probable class of each step; False searches, see `lstmcore.ops.ctc_decode`.
    """
    paths, scores = ops.ctc_decode(
        ops.log(ops.add(y_pred, config.epsilon())),
        ops.reshape(input_length, (-1,)),
        "greedy" if greedy else "beam_search",
        beam_width,
        top_paths,
        mask_index=-1,
    )
    return list(paths), scores


# -- training --------------------------------------------------------------------------------------


def learning_phase() -> int:
    """Return 1 where layers behave as in training, else 0."""
    return int(bool(context.current().training))


def in_train_phase(x: Any, alt: Any, training: Any = None) -> Any:
    """Return x, or ``x()``, in training, `alt` otherwise; `training` overrides it."""
    found = x if (learning_phase() if training is None else training) else alt
    return found() if callable(found) else found


def in_test_phase(x: Any, alt: Any, training: Any = None) -> Any:
    """Return x, or ``x()``, except in training, where it is `alt`."""
    return in_train_phase(alt, x, training)
