"""CRF: sequences of tags that are predicted as a whole."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import _core
from ...validation import Array, as_array, as_mask
from ..base import Back, Layer, Shape, registry
from ..parameters import Param
from ..weight_options import set_weight_options, weight_options
from .chain import Chain, Decoded

OUTPUTS = ("viterbi", "marginals", "potentials")


@registry.add()
class CRF(Layer):
    """A linear-chain conditional random field: it tags all steps of a sequence together.

    It is the last layer of a model that is compiled with ``loss="crf"``, whose targets are tags
    (batch, time), or one-hot (batch, time, units). The sequence of tags that is likeliest as a
    whole is its output, one-hot: ``model.predict(x).argmax(-1)`` are the tags, and ``"accuracy"``
    counts them. Masked steps are left out, and are 0 in the output.

    Parameters
    ----------
    units : int
        Number of tags.
    chain_initializer, chain_regularizer, chain_constraint
        Of the scores of transitions, from the tag of the row to that of the column; "orthogonal"
        and none.
    use_boundary : bool, default True
        Learn scores of the first and of the last tag.
    boundary_initializer, boundary_regularizer, boundary_constraint
        "zeros" and none.
    use_kernel : bool, default True
        The tags' scores are ``x @ kernel + bias``; without kernel they are x, (batch, time, units).
    kernel_initializer, kernel_regularizer, kernel_constraint
        "glorot_uniform" and none.
    use_bias : bool, default True
    bias_initializer, bias_regularizer, bias_constraint
        "zeros" and none.
    returns : {"viterbi", "marginals", "potentials"}
        The output: the likeliest sequence, one-hot; the probability of each tag at each step,
        whatever the others are; or the tags' scores, without those of the boundaries.
    sparse_target : bool, optional
        Accepted for scripts for keras-contrib; no effect: the shape of targets says what they are.
    **kwargs
        `name`, `dtype`, `trainable`, `input_shape`: see `Layer`.
    """

    uses_mask = True
    init_only = (*Layer.init_only, "sparse_target")
    # what scripts give to compile: ``loss=crf.loss, metrics=[crf.accuracy]``
    loss = loss_function = "crf"
    accuracy = viterbi_acc = viterbi_accuracy = "accuracy"

    def __init__(
        self,
        units: int,
        chain_initializer: Any = "orthogonal",
        use_boundary: bool = True,
        boundary_initializer: Any = "zeros",
        use_kernel: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        use_bias: bool = True,
        bias_initializer: Any = "zeros",
        returns: str = "viterbi",
        *,
        kernel_regularizer: Any = None,
        chain_regularizer: Any = None,
        boundary_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        chain_constraint: Any = None,
        boundary_constraint: Any = None,
        bias_constraint: Any = None,
        sparse_target: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if self.activity_regularizer is not None:
            raise self.error("activity_regularizer", "None", self.activity_regularizer)
        self.units = self.check_size("units", units)
        self.use_boundary, self.use_kernel = bool(use_boundary), bool(use_kernel)
        self.use_bias = bool(use_bias)
        if returns not in OUTPUTS:
            raise self.error("returns", f"one of {OUTPUTS}", repr(returns))
        self.returns = returns
        set_weight_options(self, locals(), "kernel", "bias", "chain", "boundary")

    def build(self, input_shape: Shape) -> None:
        features = input_shape[-1] if len(input_shape) == 3 else None
        if features is None or not (self.use_kernel or features == self.units):
            wanted = "features" if self.use_kernel else self.units
            raise self.sequence_error(wanted, input_shape)
        n = self.units
        self._features = self.check_size("features of x", features)
        self.kernel: Param | None = None
        self.bias: Param | None = None
        if self.use_kernel:
            kernel = weight_options(self, "kernel")
            self.kernel = self.add_weight((features, n), name="kernel", **kernel)
            if self.use_bias:
                self.bias = self.add_weight((n,), name="bias", **weight_options(self, "bias"))
        self.chain_kernel = self.add_weight(
            (n, n), name="chain_kernel", **weight_options(self, "chain")
        )
        self.boundaries: list[Param] = []
        if self.use_boundary:
            for name in ("left_boundary", "right_boundary"):
                options = weight_options(self, "boundary")
                self.boundaries.append(self.add_weight((n,), name=name, **options))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return (batch, time, units)."""
        return (*input_shape[:2], self.units)

    def forward(
        self, x: Array, grad: bool = False, mask: Array | None = None
    ) -> tuple[Array, Back | None]:
        """Compute the output (batch, time, units) and the backward function of the loss `CRF`."""
        if x.ndim != 3 or x.shape[-1] != self._features:
            raise self.sequence_error(self._features, x.shape)
        if mask is not None:  # what stands at masked steps does not matter, not even NaN
            x = np.where(mask[..., None], x, np.zeros((), x.dtype))
        kernel, bias = self.kernel, self.bias
        potentials = x
        if kernel is not None:
            values = None if bias is None else bias.value
            potentials = _core.dense_forward(x, kernel.value, values)
        chain, ends = self._chain(potentials, mask)
        y = Decoded.of(self._decode(chain, potentials, mask), chain)

        def back(dy: Array, need_dx: bool = True) -> Array | None:
            dvalues = self._gradient_of_losses(chain, dy)
            assert chain.back is not None
            dscores, dtransitions = chain.back(dvalues)
            self.chain_kernel.grad += dtransitions
            for boundary, steps in zip(self.boundaries, ends, strict=True):
                rows = np.flatnonzero(chain.lengths)
                boundary.grad += dscores[rows, steps[rows]].sum(axis=0)
            if kernel is None:
                return dscores
            dx: Array | None = _core.dense_backward(
                x,
                kernel.value,
                np.ascontiguousarray(dscores),
                dkernel=kernel.grad,
                dbias=None if bias is None else bias.grad,
                need_dx=need_dx,
            )
            return dx

        return y, back if grad else None

    def _chain(self, potentials: Array, mask: Array | None) -> tuple[Chain, list[Array]]:
        """Return the chains; if there are boundaries, the first and the last step of each row."""
        ends: list[Array] = []
        batch, time, _ = potentials.shape
        if self.boundaries:
            potentials, rows = potentials.copy(), np.arange(batch)
            unmasked = np.ones((batch, time), np.bool_) if mask is None else mask
            ends = [unmasked.argmax(axis=1), time - 1 - unmasked[:, ::-1].argmax(axis=1)]
            for boundary, steps in zip(self.boundaries, ends, strict=True):
                potentials[rows, steps] += boundary.value
        return Chain(potentials, self.chain_kernel.value, mask), ends

    def _decode(self, chain: Chain, potentials: Array, mask: Array | None) -> Array:
        if self.returns == "marginals":
            return chain.marginals()
        if self.returns == "potentials":
            y = potentials
        else:
            y = np.eye(self.units, dtype=potentials.dtype)[chain.viterbi()]
        return y if mask is None else np.where(mask[..., None], y, np.zeros((), y.dtype))

    def _gradient_of_losses(self, chain: Chain, dy: Array) -> Array:
        """Return the gradients of the rows' losses, which the loss `CRF` has put into dy."""
        dvalues = dy[:, 0, 0]
        if chain.back is None or dy[:, 0, 1:].any() or dy[:, 1:].any():
            raise self.error(
                "the gradient of the output",
                "that of loss='crf' alone, with this layer the last one of the model",
                "another loss's or layer's",
            )
        return np.ascontiguousarray(dvalues)

    # -- by themselves -------------------------------------------------------------------------

    def viterbi_decode(self, x: Any, mask: Any = None) -> Array:
        """Return the likeliest sequences of tags for an input, (batch, time); 0 where masked."""
        return self._of_input(x, mask).viterbi()

    def marginals(self, x: Any, mask: Any = None) -> Array:
        """Return the probability of each tag at each step, (batch, time, units); 0 where masked."""
        return self._of_input(x, mask).marginals()

    def _of_input(self, x: Any, mask: Any) -> Chain:
        x = as_array(x, self.input_dtype, f"layer {self.name!r}: x")
        mask = None if mask is None else as_mask(mask, x.shape, f"layer {self.name!r}: mask")
        if not self.built:
            self.build_for(x.shape, self.input_dtype)
        self.materialize()
        y: Any = self.forward(x, False, mask)[0]
        assert isinstance(y, Decoded)
        assert y.chain is not None
        return y.chain
