"""Products of arrays, and linear algebra on the last two axes."""

from __future__ import annotations

from typing import Any

import autograd.numpy as np
import numpy

from ..autodiff.boxes import is_box, untraceable
from ..autodiff.derivatives import matmul as product
from ..autodiff.derivatives import moved, typed, where
from .operation import op
from .types import axes_of, cast_to, floating, floats, joined, plain, tensor


@op
def matmul(x1: Any, x2: Any) -> Any:
    """Return the matrix product of the last two axes, the others broadcast."""
    return product(*joined([x1, x2]))


@op
def dot(x1: Any, x2: Any) -> Any:
    """Return the sum over the last axis of x1 and the last but one of x2."""
    return np.dot(*joined([x1, x2]))


@op
def vdot(x1: Any, x2: Any) -> Any:
    """Return the sum of the products of all numbers."""
    x1, x2 = joined([x1, x2])
    return np.dot(np.ravel(np.conj(x1) if x1.dtype.kind == "c" else x1), np.ravel(x2))


@op
def inner(x1: Any, x2: Any) -> Any:
    """Return the sums over the last axes of both."""
    return np.inner(*joined([x1, x2]))


@op
def outer(x1: Any, x2: Any) -> Any:
    """Return the products of all numbers of x1 with all of x2, a matrix."""
    x1, x2 = joined([x1, x2])
    return np.reshape(x1, (-1, 1)) * np.reshape(x2, (1, -1))


@op
def tensordot(x1: Any, x2: Any, axes: Any = 2) -> Any:
    """Return the sums over axes: the last of x1 and the first of x2, or two lists of them."""
    axes = axes if isinstance(axes, int) else [numpy.atleast_1d(a).tolist() for a in axes]
    return np.tensordot(*joined([x1, x2]), axes)


@op
def kron(x1: Any, x2: Any) -> Any:
    """Return the Kronecker product."""
    return np.kron(*joined([x1, x2]))


@op
def cross(
    x1: Any, x2: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None
) -> Any:
    """Return the cross product of vectors of 3 numbers."""
    if axis is not None:
        axisa = axisb = axisc = axis
    x1, x2 = joined([x1, x2])
    a, b = np.moveaxis(x1, axisa, 0), np.moveaxis(x2, axisb, 0)
    if len(a) != 3 or len(b) != 3:
        raise ValueError(f"cross: expected vectors of 3 numbers, got {len(a)} and {len(b)}")
    parts = [a[i - 2] * b[i - 1] - a[i - 1] * b[i - 2] for i in range(3)]
    return np.moveaxis(np.concatenate([part[None] for part in parts]), 0, axisc)


@op
def correlate(x1: Any, x2: Any, mode: str = "valid") -> Any:
    """Return the sums of products of two vectors, one of them moved along the other.

    `mode`: "valid" where they overlap fully, "full" where at all, "same" the middle of these, as
    many as the longer one has.
    """
    x1, x2 = joined([x1, x2])
    if np.ndim(x1) != 1 or np.ndim(x2) != 1:
        raise ValueError(f"correlate: expected vectors, got {np.shape(x1)}, {np.shape(x2)}")
    many, few = max(len(x1), len(x2)), min(len(x1), len(x2))
    half = (few - 1) // 2
    cuts = {"valid": (few - 1, many), "same": (half, half + many), "full": (0, None)}
    if mode not in cuts:
        raise ValueError(f"correlate: mode: expected one of {[*cuts]}, got {mode!r}")
    wide = moved(x1, lambda a: numpy.pad(a, len(x2) - 1))
    windows = moved(wide, lambda a: numpy.lib.stride_tricks.sliding_window_view(a, len(x2)))
    return np.dot(windows, np.conj(x2) if x2.dtype.kind == "c" else x2)[slice(*cuts[mode])]


# -- matrices ----------------------------------------------------------------------------------


@op
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """Return the norm of vectors, or of matrices along two axes; its derivative at 0 is 0.

    Parameters
    ----------
    x : array_like
    ord : {None, "fro", "nuc", inf, -inf, 1, -1, 2, -2} or float, optional
        The default is the root of the sum of squares.
    axis : int or pair of int, optional
        None for the norm of all numbers, with `ord` of a vector or a matrix.
    keepdims : bool, default False
    """
    x, axis = floating(x), axes_of(axis)
    if axis is None and ord is None:
        return root(np.sum(x * x, axis=None, keepdims=keepdims))
    axis = tuple(range(np.ndim(x))) if axis is None else axis
    axis = axis if isinstance(axis, tuple) else (axis,)
    if len(axis) == 1:
        return _vector_norm(x, ord, axis[0], keepdims)
    if len(axis) != 2:
        raise ValueError(f"norm: axis: expected an axis or two, got {axis}")
    return _matrix_norm(x, ord, axis, keepdims)


def root(x: Any) -> Any:
    """Return the square root with derivative 0 at 0."""
    zero = np.equal(x, 0)
    return where(zero, 0, np.sqrt(where(zero, 1, x)))


def _vector_norm(x: Any, order: Any, axis: int, keepdims: bool) -> Any:
    if order is None or order == 2:
        return root(np.sum(x * x, axis=axis, keepdims=keepdims))
    size = np.abs(x)
    if order == numpy.inf:
        return np.max(size, axis=axis, keepdims=keepdims)
    if order == -numpy.inf:
        return np.min(size, axis=axis, keepdims=keepdims)
    if order == 0:
        return (plain(x) != 0).astype(x.dtype).sum(axis=axis, keepdims=keepdims)
    if order == 1:
        return np.sum(size, axis=axis, keepdims=keepdims)
    if isinstance(order, str):
        raise ValueError(f"norm: ord: expected a number for vectors, got {order!r}")
    total = np.sum(size**order, axis=axis, keepdims=keepdims)
    zero = np.equal(total, 0)
    return where(zero, 0, where(zero, 1, total) ** (1 / order))


def _matrix_norm(x: Any, order: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
    if order in (None, "fro"):
        return root(np.sum(x * x, axis=axis, keepdims=keepdims))
    matrices = np.moveaxis(x, axis, (-2, -1))
    if order in (1, -1, numpy.inf, -numpy.inf):
        sums = np.sum(np.abs(matrices), axis=-2 if order in (1, -1) else -1)
        y = (np.max if order > 0 else np.min)(sums, axis=-1)
    elif order in (2, -2, "nuc"):
        sizes = svd(matrices, full_matrices=False)[1]
        over = {2: np.max, -2: np.min, "nuc": np.sum}[order]
        y = over(sizes, axis=-1)
    else:
        raise ValueError(
            f"norm: ord: expected 'fro', 'nuc', 1, -1, 2, -2, inf or -inf for matrices, "
            f"got {order!r}"
        )
    return np.expand_dims(y, tuple(a % x.ndim for a in axis)) if keepdims else y


def _transposed(x: Any) -> Any:
    return np.swapaxes(x, -1, -2)


def _symmetric(x: Any) -> Any:
    """Return a symmetric matrix so that the gradient of x is symmetric, too."""
    x = typed(floating(x))
    return 0.5 * (x + _transposed(x))


@op
def inv(x: Any) -> Any:
    """Return the inverse of matrices (..., n, n)."""
    return np.linalg.inv(floating(x))


@op
def pinv(x: Any, rcond: Any = None) -> Any:
    """Return the pseudo-inverse of matrices."""
    x = typed(floating(x))
    return np.linalg.pinv(x) if rcond is None else np.linalg.pinv(x, rcond)


@op
def det(x: Any) -> Any:
    """Return the determinant of matrices (..., n, n)."""
    return np.linalg.det(floating(x))


@op
def slogdet(x: Any) -> tuple[Any, Any]:
    """Return the sign of the determinant, and the logarithm of its absolute value."""
    found = np.linalg.slogdet(floating(x))
    return found[0], found[1]


@op
def logdet(x: Any) -> Any:
    """Return the logarithm of the determinant of symmetric positive definite matrices."""
    triangle = cholesky(x)
    return 2 * np.sum(np.log(moved(triangle, lambda a: numpy.diagonal(a, 0, -2, -1))), axis=-1)


@op
def solve(a: Any, b: Any) -> Any:
    """Return x with a @ x = b, for b of matrices, or of vectors (..., n)."""
    a, b = floats(tensor(a), tensor(b))
    if np.ndim(b) == np.ndim(a) - 1:
        return np.linalg.solve(a, b[..., None])[..., 0]
    return np.linalg.solve(a, b)


@op
def solve_triangular(a: Any, b: Any, lower: bool = False) -> Any:
    """Return x with a @ x = b, where of a only the lower or the upper triangle counts."""
    half = numpy.tril if lower else numpy.triu
    return solve(moved(floating(a), half), b)


@op
def cholesky(x: Any, upper: bool = False) -> Any:
    """Return the triangular L with L @ L.T = x, or its transpose."""
    y = np.linalg.cholesky(_symmetric(x))
    return _transposed(y) if upper else y


@op
def cholesky_inverse(x: Any, upper: bool = False) -> Any:
    """Return the inverse of the matrix whose Cholesky factor is x."""
    x = floating(x)
    half = np.linalg.inv(moved(x, numpy.triu if upper else numpy.tril))
    return product(half, _transposed(half)) if upper else product(_transposed(half), half)


@op
def qr(x: Any, mode: str = "reduced") -> tuple[Any, Any]:
    """Return an orthogonal matrix Q and a triangular R with Q @ R = x.

    It is derived for the reduced mode and matrices that are not wider than high.
    """
    if mode not in ("reduced", "complete"):
        raise ValueError(f"qr: mode: expected 'reduced' or 'complete', got {mode!r}")
    x = floating(x)
    if mode == "complete" or x.shape[-2] < x.shape[-1]:
        if is_box(x):
            raise untraceable(f"ops.qr of {x.shape}, mode {mode!r},", "use the reduced mode of x.T")
        q, r = numpy.linalg.qr(x, mode)  # type: ignore[call-overload]
        return q, r
    # R is the Cholesky factor of x.T @ x, but for the signs of its rows
    signs = numpy.sign(numpy.diagonal(numpy.linalg.qr(plain(x))[1], 0, -2, -1))[..., None]
    r = cholesky(product(_transposed(x), x), upper=True) * signs
    return product(x, typed(np.linalg.inv(r))), r


@op
def svd(x: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """Return U, the singular values s and V with x = U @ diag(s) @ V; or s alone.

    It is derived without `full_matrices`.
    """
    x = typed(floating(x))
    if not compute_uv:
        return np.linalg.svd(x, False)[1]
    found = np.linalg.svd(x, full_matrices)
    return found[0], found[1], found[2]


@op
def eigh(x: Any) -> tuple[Any, Any]:
    """Return the eigenvalues of symmetric matrices, in rising order, and the eigenvectors."""
    found = np.linalg.eigh(_symmetric(x))
    return found[0], found[1]


@op
def eig(x: Any) -> tuple[Any, Any]:
    """Return the eigenvalues and eigenvectors of square matrices, complex numbers."""
    found = np.linalg.eig(typed(floating(x)))
    return found[0] + 0j, found[1] + 0j


@op
def lu_factor(x: Any) -> tuple[Any, Any]:
    """Return the LU factors of a matrix in one, and the rows that were exchanged."""
    import scipy.linalg

    factors, rows = scipy.linalg.lu_factor(plain(floating(x)))
    return factors, rows.astype("int32")


@op
def lstsq(a: Any, b: Any, rcond: Any = None) -> Any:
    """Return x with the least sum of squares of a @ x - b."""
    a, b = floats(tensor(a), tensor(b))
    return cast_to(product(pinv(a, rcond), b), a.dtype)


@op
def matrix_rank(x: Any, tol: Any = None) -> Any:
    """Return the rank of matrices, the number of singular values above `tol`."""
    return numpy.asarray(numpy.linalg.matrix_rank(plain(floating(x)), tol), "int32")


@op
def corrcoef(x: Any) -> Any:
    """Return the correlations between the rows of a matrix."""
    x = floating(x)
    x = x if np.ndim(x) > 1 else x[None]
    centered = x - np.mean(x, axis=1, keepdims=True)
    products = product(centered, _transposed(centered))
    scale = np.sqrt(moved(products, numpy.diagonal))
    found = products / (scale[:, None] * scale[None])
    return found if len(x) > 1 else found[0, 0]


@op
def cdist(x: Any, y: Any) -> Any:
    """Return the Euclidean distances between the rows of x and the rows of y."""
    x, y = floats(tensor(x), tensor(y))
    return norm(x[..., :, None, :] - y[..., None, :, :], axis=-1)
