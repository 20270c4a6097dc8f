"""Activations, crossentropies, normalizations, attention, convolutions."""

import numpy as np

from lstmcore import activations, losses

from .case import between, case, normal

X, Y = normal(3, 4), normal(2, 3, 4)
P = between(0.1, 0.9, 3, 4)
TARGET = between(0.1, 0.9, 3, 4)
TARGET /= TARGET.sum(axis=-1, keepdims=True)

for name in (
    *("sigmoid", "relu", "relu6", "selu", "softplus", "softsign", "silu", "swish", "gelu", "elu"),
    *("hard_sigmoid", "hard_silu", "hard_swish", "hard_tanh", "log_sigmoid", "sparse_plus"),
    *("sparse_sigmoid", "tanh_shrink", "celu", "leaky_relu", "squareplus", "hard_shrink"),
    *("soft_shrink", "softmax", "log_softmax", "sparsemax"),
):
    case(
        name,
        X,
        right=getattr(activations, name)
        if name != "gelu"
        else (lambda x: activations.gelu(x, approximate=True)),
    )
case("gelu", X, approximate=False, right=activations.gelu)
case("softmax", Y, axis=1, right=activations.softmax)
case("softmax", X, axis=None, right=lambda x, axis: activations.softmax(x.ravel()).reshape(x.shape))
case("threshold", X, 0.3, 9.0, right=lambda x, t, v: np.where(x > t, x, v))
case("glu", X, right=lambda x: x[:, :2] / (1 + np.exp(-x[:, 2:])))


def crossentropy(cls, **options):
    return lambda t, y, **kwargs: cls(**options).each(t, y)


def binary(t, y, from_logits=False):
    y = 1 / (1 + np.exp(-y)) if from_logits else y
    return -t * np.log(y) - (1 - t) * np.log(1 - y)


case("binary_crossentropy", TARGET, P, right=binary)
case("binary_crossentropy", TARGET, X, from_logits=True, right=binary)
case("categorical_crossentropy", TARGET, P, right=crossentropy(losses.CategoricalCrossentropy))
case(
    "categorical_crossentropy",
    TARGET,
    X,
    from_logits=True,
    right=crossentropy(losses.CategoricalCrossentropy, from_logits=True),
)
case(
    "categorical_crossentropy",
    TARGET.T.copy(),
    P.T.copy(),
    axis=0,
    right=lambda t, y, axis: losses.CategoricalCrossentropy().each(t.T, y.T),
)
CLASSES = np.array([1, 3, 0])
case(
    "sparse_categorical_crossentropy",
    CLASSES,
    P,
    right=crossentropy(losses.SparseCategoricalCrossentropy),
)
case(
    "sparse_categorical_crossentropy",
    CLASSES[:, None],
    X,
    from_logits=True,
    right=crossentropy(losses.SparseCategoricalCrossentropy, from_logits=True),
)
LABELS = np.array([[1, 2, 0], [3, 0, 0]])
case(
    "ctc_loss",
    LABELS,
    normal(2, 5, 4),
    np.array([2, 1]),
    np.array([5, 5]),
    right=lambda t, y, n, m: losses.CTC().each(t, y),
)

case("moments", X, 0, right=lambda x, axes: (x.mean(0), x.var(0)))
case(
    "moments",
    Y,
    [0, 1],
    keepdims=True,
    right=lambda x, axes, keepdims: (x.mean((0, 1), keepdims=True), x.var((0, 1), keepdims=True)),
)
case("normalize", X, right=lambda x: x / np.linalg.norm(x, axis=-1, keepdims=True))
case("normalize", X, axis=0, order=1, right=lambda x, axis, order: x / np.abs(x).sum(0))
case("batch_normalization", X, X[0], P[0], -1, right=lambda x, m, v, a: (x - m) / np.sqrt(v + 1e-3))
case(
    "batch_normalization",
    X,
    X[:, 0],
    P[:, 0],
    0,
    P[:, 1],
    P[:, 2],
    0.1,
    right=lambda x, m, v, a, o, s, e: ((x.T - m) / np.sqrt(v + e) * s + o).T,
)
case(
    "layer_normalization",
    X,
    P[0],
    P[1],
    right=lambda x, g, b: (
        (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + 1e-7) * g + b
    ),
)
case(
    "layer_normalization",
    Y,
    axis=(1, 2),
    epsilon=0.1,
    right=lambda x, axis, epsilon: (
        (x - x.mean(axis, keepdims=True)) / np.sqrt(x.var(axis, keepdims=True) + epsilon)
    ),
)
case(
    "rms_normalization",
    X,
    P[0],
    right=lambda x, s: x / np.sqrt((x * x).mean(1, keepdims=True) + 1e-7) * s,
)


def attention(q, k, v, bias=None, mask=None, scale=0.5, is_causal=False, attn_logits_soft_cap=None):
    y = np.zeros((*q.shape[:3], v.shape[-1]))
    for b, t, h in np.ndindex(q.shape[:3]):
        g = h // (q.shape[2] // k.shape[2])
        scores = k[b, :, g] @ q[b, t, h] * scale
        if attn_logits_soft_cap:
            scores = attn_logits_soft_cap * np.tanh(scores / attn_logits_soft_cap)
        scores = scores if bias is None else scores + bias[b, h, t]
        seen = np.ones(len(scores), bool) if mask is None else mask[b, h, t].copy()
        seen &= np.arange(len(seen)) <= t if is_causal else True
        e = np.where(seen, np.exp(scores), 0)
        y[b, t, h] = e / e.sum() @ v[b, :, g]
    return y.astype(q.dtype)


Q, K, VALUES = normal(2, 3, 2, 4), normal(2, 5, 2, 4), normal(2, 5, 2, 4)
MASK = np.arange(5) < np.array([3, 5])[:, None, None, None] + np.zeros((2, 2, 3, 1))
case("dot_product_attention", Q, K, VALUES, right=attention)
case(
    "dot_product_attention",
    Q,
    K[:, :, :1],
    VALUES[:, :, :1],
    scale=1.5,
    is_causal=True,
    right=attention,
)
case(
    "dot_product_attention",
    Q,
    K,
    VALUES,
    normal(2, 2, 3, 5),
    MASK,
    attn_logits_soft_cap=2.0,
    right=attention,
)


def convolution(x, k, strides=1, padding="valid", data_format=None, dilation_rate=1):
    x = np.swapaxes(x, 1, 2) if data_format == "channels_first" else x
    span = (len(k) - 1) * dilation_rate + 1
    before = {"valid": 0, "causal": span - 1}.get(padding)
    total = before
    if before is None:
        total = max((-(-x.shape[1] // strides) - 1) * strides + span - x.shape[1], 0)
        before = total // 2
    x = np.pad(x, ((0, 0), (before, total - before), (0, 0)))
    groups = x.shape[2] // k.shape[1]
    filters = k.shape[2] // groups
    rows = range(0, x.shape[1] - span + 1, strides)
    y = np.zeros((len(x), len(rows), k.shape[2]))
    for i, t in enumerate(rows):
        for j in range(len(k)):
            for g in range(groups):
                part = x[:, t + j * dilation_rate, g * k.shape[1] : (g + 1) * k.shape[1]]
                own = slice(g * filters, (g + 1) * filters)
                y[:, i, own] += part @ k[j][:, own]
    y = y.astype(k.dtype)
    return np.swapaxes(y, 1, 2) if data_format == "channels_first" else y


def depthwise(x, k, *args, **kwargs):
    rows = [
        convolution(x[..., i : i + 1], k[:, i : i + 1], *args, **kwargs) for i in range(x.shape[-1])
    ]
    return np.concatenate(rows, axis=-1)


SEQUENCE, KERNEL = normal(2, 7, 4), normal(3, 4, 2)
case("conv", SEQUENCE, KERNEL, right=convolution)
case("conv", SEQUENCE, KERNEL, 2, "same", right=convolution)
case("conv", SEQUENCE, KERNEL, padding="causal", dilation_rate=2, right=convolution)
case("conv", SEQUENCE, normal(2, 2, 6), strides=2, right=convolution)
case(
    "conv",
    np.swapaxes(SEQUENCE, 1, 2).copy(),
    KERNEL,
    data_format="channels_first",
    right=convolution,
)
case("depthwise_conv", SEQUENCE, KERNEL, right=depthwise)
case("depthwise_conv", SEQUENCE, KERNEL, padding="same", right=depthwise)
case(
    "separable_conv",
    SEQUENCE,
    KERNEL,
    normal(1, 8, 3),
    right=lambda x, d, p: depthwise(x, d) @ p[0],
)


def transposed(x, k, strides=1, padding="valid"):
    y = np.zeros((len(x), (x.shape[1] - 1) * strides + len(k), k.shape[1]), x.dtype)
    for t in range(x.shape[1]):
        y[:, t * strides : t * strides + len(k)] += np.einsum("bi,soi->bso", x[:, t], k)
    if padding == "same":
        before = max(len(k) - strides, 0) // 2
        y = y[:, before : before + x.shape[1] * strides]
    return y


case("conv_transpose", SEQUENCE, normal(3, 2, 4), right=transposed)
case("conv_transpose", SEQUENCE, normal(3, 2, 4), 2, right=transposed)
case("conv_transpose", SEQUENCE, normal(3, 2, 4), 2, "same", right=transposed)
case("max_pool", SEQUENCE, 2, right=lambda x, n: x[:, :6].reshape(2, 3, 2, 4).max(2))
case(
    "max_pool",
    SEQUENCE,
    3,
    1,
    "same",
    right=lambda x, n, s, p: np.stack([x[:, max(t - 1, 0) : t + 2].max(1) for t in range(7)], 1),
)
case("average_pool", SEQUENCE, 2, right=lambda x, n: x[:, :6].reshape(2, 3, 2, 4).mean(2))
case(
    "average_pool",
    SEQUENCE,
    3,
    1,
    "same",
    right=lambda x, n, s, p: np.stack([x[:, max(t - 1, 0) : t + 2].mean(1) for t in range(7)], 1),
)


def adaptive(over):
    return lambda x, n: pooled(over, x, np.ravel(n)[0])


def pooled(over, x, n):
    return np.stack([over(x[:, i * 7 // n : -(-(i + 1) * 7 // n)], axis=1) for i in range(n)], 1)


for name, over in (("adaptive_average_pool", np.mean), ("adaptive_max_pool", np.max)):
    case(name, SEQUENCE, 3, right=adaptive(over))
    case(name, SEQUENCE, [2], right=adaptive(over))
