"""SpectralNormalization: a layer whose kernel is divided by its spectral norm."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from ..._binding.numpy_blas import matmul
from ...context import in_training
from ...initializers import TruncatedNormal
from ...validation import Array
from ..base import Back, Layer, Shape, registry
from ..core.wrapper import Wrapper
from ..parameters import Flat, Param

TINY = 1e-7  # Keras's lower bound of a norm


@registry.add()
class SpectralNormalization(Wrapper):
    """Run a layer with its kernel divided by its largest singular value (Miyato et al. 2018).

    Shapes and masks are those of the layer. The singular value is estimated by power iteration
    from the weight ``vector_u (1, columns)``, which training moves: ``v = normalize(u @ W.T), u =
    normalize(v @ W), sigma = v @ W @ u.T``, with the kernel as a matrix ``W (rows, columns)``. The
    gradient goes through sigma. The layer keeps the kernel as it is, and inference divides it,
    too.

    Parameters
    ----------
    layer : Layer
        A layer with a `kernel` or `embeddings`, and not a recurrent one.
    power_iterations : int, default 1
        The number of iterations in each call.
    **kwargs
        `name`, `dtype`, `trainable`, `input_shape`: see `Layer`.

    Examples
    --------
    >>> import numpy as np
    >>> from lstmcore.layers import Dense, SpectralNormalization
    >>> layer = SpectralNormalization(Dense(2, use_bias=False), power_iterations=50)
    >>> y = layer(np.eye(3))
    >>> np.linalg.norm(y, 2).round(3)
    np.float32(1.0)
    """

    uses_mask: ClassVar[bool] = True

    def __init__(self, layer: Any, power_iterations: int = 1, **kwargs: Any) -> None:
        super().__init__(layer, **kwargs)
        self.power_iterations = self.check_size("power_iterations", power_iterations)
        if self.layer.several_inputs or not self.layer.single_output:
            got = f"{self.layer.name!r} ({type(self.layer).__name__})"
            raise self.error("layer", "a layer of one input and one output", got)

    @property
    def keeps_floats(self) -> str:
        """Why the layer inside is never quantized."""
        return "its weights are divided by their spectral norm in every call"

    def build(self, input_shape: Shape) -> None:
        super().build(input_shape)
        layer = self.layer
        kernel = getattr(layer, "kernel", None)
        kernel = getattr(layer, "embeddings", None) if kernel is None else kernel
        if not isinstance(kernel, Param) or hasattr(layer, "recurrent_kernel"):
            wanted = "a layer with a kernel or embeddings, and not a recurrent one"
            raise self.error("layer", wanted, f"{layer.name!r} ({type(layer).__name__})")
        self.kernel = kernel
        self._params.append(kernel)  # Keras's order: it comes before vector_u
        self.vector_u = self.add_weight(
            (1, kernel.shape[-1]), TruncatedNormal(stddev=0.02), name="vector_u", trainable=False
        )

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of the layer's output."""
        return self.layer.compute_output_shape(input_shape)

    def compute_mask(self, x: Any, mask: Any = None) -> Any:
        """Return the mask of the layer's output."""
        return self.layer.compute_mask(x, mask)

    def forward(self, x: Any, grad: bool = False, mask: Any = None) -> tuple[Any, Back | None]:
        """Run the layer with the normalized kernel."""
        return self.forward_with_mask(x, grad, mask)[:2]

    def forward_with_mask(
        self, x: Any, grad: bool = False, mask: Any = None, **options: Any
    ) -> tuple[Any, Back | None, Any]:
        """Run the layer with the normalized kernel; return its output, its mask too."""
        kernel = self.kernel
        matrix = kernel.value.reshape(-1, kernel.shape[-1])
        u, v, sigma = self._iterate(matrix)
        if self.trainable and in_training(grad):
            assert self.vector_u.flat is not None
            # not by `assign`: no packed weights of the model have changed
            self.vector_u.flat.view(self.vector_u)[...] = u
        normal = Param(kernel.name, kernel.shape, kernel.initializer, kernel.trainable)
        Flat([(normal, True)], str(matrix.dtype), initialize=False)
        normal.assign(kernel.value / matrix.dtype.type(sigma))
        y, layer_back, mask = _with_weight(self.layer, kernel, normal).run(x, grad, mask)
        if layer_back is None:
            return y, None, mask
        inner_back = layer_back

        def back(dy: Any, need_dx: bool = True) -> Any:
            dx = inner_back(dy, need_dx=need_dx)
            along = (normal.grad * normal.value).sum()
            dmatrix = normal.grad.reshape(matrix.shape) - along * (v.T * u)
            kernel.grad[...] += (dmatrix / matrix.dtype.type(sigma)).reshape(kernel.shape)
            return dx

        return y, back, mask

    def normalized_weights(self) -> tuple[Array, Array]:
        """Return ``vector_u`` after an estimate, and the kernel divided by its singular value."""
        kernel = self.kernel.value
        u, _, sigma = self._iterate(kernel.reshape(-1, kernel.shape[-1]))
        return u, kernel / kernel.dtype.type(sigma)

    def _iterate(self, matrix: Array) -> tuple[Array, Array, float]:
        """Return u, v and the largest singular value; 1 for a matrix of zeros, as it is."""
        u, v = self.vector_u.value, np.zeros((1, len(matrix)), matrix.dtype)
        if not matrix.any():
            return u.copy(), v, 1.0
        for _ in range(self.power_iterations):
            v = _normalized(matmul(u, np.ascontiguousarray(matrix.T)))
            u = _normalized(matmul(v, matrix))
        return u, v, float(matmul(matmul(v, matrix), u.T)[0, 0])


def _normalized(x: Array) -> Array:
    normalized: Array = x / np.maximum(np.sqrt((x * x).sum()), x.dtype.type(TINY))
    return normalized


def _with_weight(layer: Layer, old: Param, new: Param) -> Layer:
    """Return a layer that shares all with this one but for one weight; calls are independent."""
    other: Layer = object.__new__(type(layer))
    for name, value in vars(layer).items():
        changed = value
        if value is old:
            changed = new
        elif isinstance(value, list) and any(entry is old for entry in value):
            changed = [new if entry is old else entry for entry in value]
        other.__dict__[name] = changed
    return other
