"""Freeze Keras's ops: their names, arguments, types of results and some numbers: keras_ops.json.

    python tests/keras/make_keras_ops.py

Needs Keras 3 and JAX.
"""

import inspect
import json
import os
from pathlib import Path

os.environ["KERAS_BACKEND"] = "jax"

import keras
import numpy as np
from keras import ops

# What the numbers are of; f: float32, i: int32, b: bool, u: uint8.
CALLS = """
    power(i,2) divide(i,2) floor_divide(i,2) floor(i) ceil(i) trunc(i) round(i) abs(i)
    sign(i) square(b) square(i) count_nonzero(i) argsort(i) argmax(i) arange(3) arange(3.0)
    arange(0,1,0.5) linspace(0,1,3) logspace(0,1,3) eye(2) full((2,),3) full((2,),3.0)
    ones_like(i) one_hot(i,3) multi_hot(i,3) searchsorted(f,f) digitize(f,f) add(i,1.5)
    add(i,f) add(f,2) add(f,b) add(1,2) add(1.0,2) add(i,b) add(b,1) subtract(i,b)
    multiply(f,i) maximum(i,1.5) maximum(i,2) where(b,1,2) where(b,1.0,2) where(b,i,2.5)
    where(b,f,i) where(b,f,1) var(i) median(i) cumsum(b) cumsum(u) prod(i) prod(u) max(b)
    max(i) min(u) dot(i,i) dot(i,f) matmul(i,f) matmul(i,i) sqrt(i) exp(i) einsum('i,i',i,i)
    einsum('i,i',i,f) logical_and(i,f) mod(i,2) mod(f,2) negative(i) reciprocal(i)
    clip(i,0,1) clip(i,0.0,1.0) clip(f,0,1) concatenate([i,f]) stack([i,b]) unique(i) sum(i)
    sum(b) sum(u) mean(b) mean(i) average(i) tri(2) isnan(i) logsumexp(i) softmax(i) relu(i)
    quantile(i,0.5) outer(i,f) outer(i,i) nan_to_num(i) tanh(i) std(i) diff(i) norm(i)
    cast(f,'int32') cast(f,'bool') cast(i,'float32') gelu(f) fabs(i) heaviside(f,0.5)
    convert_to_tensor([1,2]) convert_to_tensor([1.0]) convert_to_tensor(3)
    convert_to_tensor(True) trapezoid(f) trapezoid(i) inner(i,i) vdot(i,f) tensordot(i,f,1)
    sum([1,2]) mean([1,2]) ptp(i) bitwise_and(i,1) array([1,2]) array([1.0]) kron(i,f)
    cross(f3,f3) hypot(i,i) logaddexp(i,f) arctan2(i,i) equal(i,f) isclose(f,f) sort(i)
    append(i,f) hstack([i,f]) log_softmax(i) normalize(f) top_k(i,1)
    segment_sum(f,i,num_segments=3) zeros((2,)) ones((2,),'int32') full_like(i,2.7)
    expand_dims(i,0) repeat(i,2) tile(b,2) pad(i,1) roll(f,1) nonzero(i) bincount(i)
    signbit(f) sinc(i) exp2(i) cbrt(i) log1p(i) fmax(i,1.5) gcd(i,i) nansum(i)
"""
TYPES = CALLS.split()
ARRAYS = {
    "f": np.array([1.0, 2.0], "float32"),
    "f3": np.array([1.0, 2.0, 3.0], "float32"),
    "i": np.array([1, 2], "int32"),
    "b": np.array([True, False]),
    "u": np.array([1, 2], "uint8"),
}


def default_of(value):
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, tuple | list):
        return [default_of(v) for v in value]
    return f"a {type(value).__name__}"


def arguments_of(function):
    places = ("POSITIONAL_OR_KEYWORD", "KEYWORD_ONLY")
    return [
        [p.name, "=" if p.kind is p.POSITIONAL_OR_KEYWORD else "*"]
        + ([] if p.default is p.empty else [default_of(p.default)])
        for p in inspect.signature(function).parameters.values()
        if p.kind.name in places
    ]


def names_of(module):
    return [n for n in dir(module) if not n.startswith("_") and callable(getattr(module, n))]


def type_of(text):
    result = eval(f"ops.{text}", {"ops": ops, **ARRAYS})
    first = result[0] if isinstance(result, tuple | list) else result
    return str(keras.backend.standardize_dtype(first.dtype))


def numbers():
    """Results of what NumPy does not have, by the call's text."""
    rng = np.random.default_rng(3)

    def normal(*shape):
        return rng.standard_normal(shape).astype("float32").round(3)

    signal, logits = normal(2, 24), normal(3, 6, 5)
    labels = np.array([[1, 2, 2], [3, 0, 0], [4, 1, 0]])
    blank_last = np.array([[1, 2, 2], [3, 0, 0], [0, 1, 0]])
    calls = [
        ("ctc_loss", [labels, logits, [3, 1, 2], [6, 5, 6]], {}),
        ("ctc_loss", [blank_last, logits, [3, 1, 2], [6, 5, 4]], {"mask_index": 4}),
    ]
    for window in ("hann", "hamming", None):
        for center in (True, False):
            options = {"window": window, "center": center}
            calls.append(("stft", [signal, 8, 3, 12], options))
            if window:  # without one Keras's istft is not the inverse of its stft
                calls.append(("istft", [[normal(2, 6, 7), normal(2, 6, 7)], 8, 3, 12], options))
    calls.append(("istft", [[normal(2, 6, 7), normal(2, 6, 7)], 8, 3, 12], {"length": 20}))
    calls.append(("irfft", [[normal(2, 7), normal(2, 7)]], {"fft_length": 9}))
    for size, strides, padding, extra, dilation in (
        (3, 1, "valid", None, 1),
        (3, 2, "valid", None, 1),
        (2, 3, "valid", None, 1),
        (3, 2, "same", None, 1),
        (4, 2, "same", None, 1),
        (2, 3, "same", None, 1),
        (3, 2, "same", 1, 1),
        (3, 2, "valid", 1, 1),
        (3, 1, "same", None, 2),
        (3, 1, "valid", None, 2),
    ):
        calls.append(
            (
                "conv_transpose",
                [normal(2, 5, 3), normal(size, 2, 3)],
                {
                    "strides": strides,
                    "padding": padding,
                    "output_padding": extra,
                    "dilation_rate": dilation,
                },
            )
        )
    for name in ("max_pool", "average_pool"):
        for size, strides, padding in ((2, 2, "valid"), (3, 2, "same"), (3, 1, "same")):
            calls.append((name, [normal(2, 8, 3), size, strides, padding], {}))
    calls.append(("conv", [normal(2, 8, 3), normal(3, 3, 4), 2, "same"], {}))
    calls.append(("conv", [normal(2, 8, 3), normal(2, 3, 4), 1, "same"], {"dilation_rate": 2}))
    calls.append(("multi_hot", [labels, 5], {}))
    for size in (3, 5):
        calls.append(("adaptive_average_pool", [normal(2, 8, 3), size], {}))
        calls.append(("adaptive_max_pool", [normal(2, 8, 3), size], {}))
    calls.append(("one_hot", [labels, 5], {"axis": 1}))
    calls.append(("in_top_k", [np.array([1, 4, 0]), logits[0, :3], 2], {}))
    found = []
    for name, args, kwargs in calls:
        y = getattr(ops, name)(*args, **kwargs)
        parts = y if isinstance(y, tuple | list) else [y]
        found.append([name, plain(args), kwargs, [short(np.asarray(p)) for p in parts]])
    return found


def short(y):
    """Nested lists of numbers with six digits."""
    if y.ndim:
        return [short(part) for part in y]
    return float(f"{y:.6g}") if y.dtype.kind == "f" else y.item()


def plain(value):
    """Arrays as lists, marked with their type."""
    if isinstance(value, np.ndarray):
        return {"dtype": str(value.dtype), "values": short(value)}
    return [plain(v) for v in value] if isinstance(value, list) else value


out = {
    "version": keras.__version__,
    "arguments": {name: arguments_of(getattr(ops, name)) for name in names_of(ops)},
    "modules": {n: names_of(getattr(ops, n)) for n in ("nn", "numpy", "linalg")},
    "types": {text: type_of(text) for text in TYPES},
    "numbers": numbers(),
}
path = Path(__file__).parent / "data" / "keras_ops.json"
path.write_text(json.dumps(out, indent=None, separators=(",", ":")) + "\n", encoding="utf-8")
print(path, path.stat().st_size)
