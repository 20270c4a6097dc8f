"""Products, linear algebra, Fourier transforms."""

import numpy as np
import scipy.linalg
import scipy.spatial

from .case import case, definite, normal

V, X, Y = normal(4), normal(3, 4), normal(2, 3, 4)
A, S, TALL = normal(2, 3, 3) + 2 * np.eye(3), definite(2, 3), normal(2, 4, 3)
LOWER = np.linalg.cholesky(S[0])

case("matmul", X, X.T.copy())
case("matmul", Y, X.T.copy())
case("matmul", Y, V)
case("matmul", V, X.T.copy())
case("matmul", Y, np.stack([X.T, X.T + 1]))
case("matmul", X, Y.swapaxes(1, 2).copy())
case("matmul", V, V)
case("dot", V, V)
case("dot", X, V)
case("dot", Y, X.T.copy())
case("dot", X, 2.0, right=lambda x, a: x * a)
case("vdot", X, X + 1)
case("inner", X, V)
case("inner", X, X + 1)
case("outer", V, X)
case("tensordot", Y, X, axes=[[1, 2], [0, 1]])
case("tensordot", Y, X, axes=2)
case("tensordot", X, V, axes=1)
case("kron", X, X[:2, :2])
case("cross", normal(4, 3), normal(4, 3))
case("cross", normal(3, 4), normal(3, 4), axis=0)
for mode in ("valid", "same", "full"):
    case("correlate", V, V[:2], mode)
    case("correlate", V[:3], V, mode)
    case("correlate", V, X[0], mode)
for text, parts in (
    ("bij,bkj->bik", [Y, Y + 1]),
    ("ij,jk", [X, X.T.copy()]),
    ("...ij,kj->...ki", [Y, X]),
    ("bij->b", [Y]),
    ("ii->i", [X[:, :3].copy()]),
    ("ii", [X[:, :3].copy()]),
    ("bij,i,j->b", [Y, V[:3], V]),
    ("i,j->ij", [V, V[:2]]),
    ("ij->ji", [X]),
    ("bij,bj->i", [Y, Y[:, 0]]),
):
    case("einsum", text, *parts)

case("norm", X, right=lambda x: np.sqrt((x * x).sum()))
case("norm", Y, right=lambda x: np.sqrt((x * x).sum()))
for order in (None, 1, 2, 3, np.inf, -np.inf):
    case("norm", X, ord=order, axis=1, right=np.linalg.norm)
case("norm", X, ord=0, axis=1, right=np.linalg.norm)
for order in (None, "fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf):
    case("norm", Y, ord=order, axis=(1, 2), keepdims=True, right=np.linalg.norm)
case("inv", A, right=np.linalg.inv)
case("pinv", TALL, right=np.linalg.pinv)
case("det", A, right=np.linalg.det)
case("slogdet", A, right=lambda x: tuple(np.linalg.slogdet(x)))
case("logdet", S, right=lambda x: np.linalg.slogdet(x)[1])
case("solve", A, TALL[:, :3], right=np.linalg.solve)
case("solve", A, TALL[:, 0], right=lambda a, b: np.linalg.solve(a, b[..., None])[..., 0])
case("solve_triangular", A, TALL[:, :3], right=lambda a, b: np.linalg.solve(np.triu(a), b))
case(
    "solve_triangular",
    A[0],
    V[:3],
    lower=True,
    right=lambda a, b, lower: np.linalg.solve(np.tril(a), b),
)
case("cholesky", S, right=np.linalg.cholesky)
case("cholesky", S, upper=True, right=lambda x, upper: np.swapaxes(np.linalg.cholesky(x), -1, -2))
case("cholesky_inverse", LOWER, right=lambda x: np.linalg.inv(np.tril(x) @ np.tril(x).T))
case(
    "cholesky_inverse",
    LOWER.T.copy(),
    upper=True,
    right=lambda x, upper: np.linalg.inv(np.triu(x).T @ np.triu(x)),
)
case("qr", TALL[0], right=lambda x: tuple(np.linalg.qr(x)))
case("qr", TALL, right=lambda x: tuple(np.linalg.qr(x)))
case("qr", X, mode="complete", derived=False, right=lambda x, mode: tuple(np.linalg.qr(x, mode)))
case("svd", TALL[0], derived=False, right=lambda x: tuple(np.linalg.svd(x)))
case(
    "svd",
    TALL[0],
    full_matrices=False,
    right=lambda x, full_matrices: tuple(np.linalg.svd(x, full_matrices)),
)
case("svd", TALL, compute_uv=False, right=lambda x, compute_uv: np.linalg.svd(x)[1])
case("eigh", S, right=lambda x: tuple(np.linalg.eigh(x)))
case("eig", S[0], derived=False, right=lambda x: tuple(part + 0j for part in np.linalg.eig(x)))
case(
    "lu_factor",
    A[0],
    derived=False,
    right=lambda x: (scipy.linalg.lu_factor(x)[0], scipy.linalg.lu_factor(x)[1].astype("int32")),
)
case("lstsq", TALL[0], V, right=lambda a, b: np.linalg.lstsq(a, b)[0])
case("matrix_rank", np.outer(V, V), right=np.array(1, "int32"), derived=False)
case("corrcoef", X, right=lambda x: np.corrcoef(x).astype(x.dtype))
case("cdist", X, X + V, right=lambda x, y: scipy.spatial.distance.cdist(x, y).astype(x.dtype))

PAIR = (normal(2, 4), normal(2, 4))


def parts(z):
    return z.real, z.imag


case("fft", PAIR, right=lambda x: parts(np.fft.fft(x[0] + 1j * x[1])))
case("fft2", PAIR, right=lambda x: parts(np.fft.fft2(x[0] + 1j * x[1])))
case("ifft2", PAIR, right=lambda x: parts(np.fft.ifft2(x[0] + 1j * x[1])))
for points in (None, 3, 5, 6):
    case("rfft", X, points, right=lambda x, n: parts(np.fft.rfft(x, n)))
for points in (None, 3, 5, 6, 9):
    case("irfft", PAIR, points, right=lambda x, n: np.fft.irfft(x[0] + 1j * x[1], n))


def hann(length, points):
    before = (points - length) // 2
    return np.pad(np.hanning(length + 1)[:-1], (before, points - length - before))


def stft(x, length, stride, points, center=True):
    x = np.pad(x, ((0, 0), (points // 2,) * 2), "reflect") if center else x
    rows = range(0, x.shape[1] - points + 1, stride)
    frames = np.stack([x[:, i : i + points] for i in rows], axis=1)
    return tuple(p.astype(x.dtype) for p in parts(np.fft.rfft(frames * hann(length, points))))


def istft(x, length, stride, points, samples=None, center=True):
    frames, w = np.fft.irfft(x[0] + 1j * x[1], points), hann(length, points)
    y = np.zeros((len(frames), points + stride * (frames.shape[1] - 1)))
    norm = np.zeros(y.shape[1])
    for i in range(frames.shape[1]):
        y[:, i * stride : i * stride + points] += frames[:, i] * w
        norm[i * stride : i * stride + points] += w**2
    y = np.where(norm > 1e-10, y / np.where(norm > 1e-10, norm, 1), 0)
    y = y[:, points // 2 : -(points // 2)] if center else y
    return y[:, :samples].astype(x[0].dtype)


SIGNAL, SPECTRUM = normal(2, 12), (normal(2, 4, 4), normal(2, 4, 4))
case("stft", SIGNAL, 4, 2, 6, right=stft)
case("stft", SIGNAL, 4, 3, 4, center=False, right=stft)
case("istft", SPECTRUM, 4, 2, 6, right=istft)
case("istft", SPECTRUM, 4, 2, 6, 5, center=False, right=istft)
case("istft", stft(SIGNAL, 6, 3, 6), 6, 3, 6, right=lambda x, *sizes: SIGNAL.astype(x[0].dtype))
