"""MUT1, MUT2 and MUT3, the cells that Jozefowicz et al. (2015) found by search, in NumPy.

``lstmcore.reference.mutations`` has their equations. `RNN` runs them over time.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from ..._binding.numpy_blas import matmul
from ...validation import Array
from ..base import Shape, registry
from .gated_cell import GatedCell, Scales, product_back, scaled
from .recurrent_parameters import constructor_arguments


class MUTCell(GatedCell):
    """Base of the three: the gates are update z, reset r and candidate h.

    A gate without columns in the kernel hears the inputs themselves. Parameters: see `MUT1Cell`.
    """

    gates = 3
    kernel_gates: ClassVar[str]
    recurrent_gates: ClassVar[str] = "zrh"
    squashes_state: ClassVar[bool] = False  # of the state that the update gate hears

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**constructor_arguments(locals(), "recurrent_activation"))
        self.recurrent_activation = self.check_activation(
            "recurrent_activation", recurrent_activation
        )

    def build(self, input_shape: Shape) -> None:
        raw = len(self.kernel_gates) < self.gates
        if raw and input_shape[-1] not in (None, self.units):
            wanted = f"as many features as units, {self.units}: they enter a gate themselves"
            raise self.error("x", wanted, f"shape {input_shape}")
        super().build(input_shape)

    def _columns(self) -> tuple[int, int]:
        return len(self.kernel_gates) * self.units, len(self.recurrent_gates) * self.units

    def compute(self, scales: Scales, x: Array, states: list[Array]) -> Any:
        """Compute one step; see `GatedCell.compute`."""
        gate, act = self.recurrent_activation, self.activation
        xs, h = scaled(x, scales[0]), states[0]
        hs, of_x = scaled(h, scales[1]), self._of_x(xs)
        squashed = act.forward(h) if self.squashes_state else h
        to_z = scaled(squashed, scales[1])
        zz = of_x["z"] + self._of_h("z", to_z) if "z" in self.recurrent_gates else of_x["z"]
        zr = of_x["r"] + self._of_h("r", hs)
        z, r = gate.forward(zz), gate.forward(zr)
        rh = r * hs
        zh = of_x["h"] + self._of_h("h", rh)
        c = act.forward(zh)
        new = z * c + (1 - z) * h

        def back(dy: Array, dstates: list[Array]) -> tuple[Array, list[Array]]:
            dnew = dy + dstates[0]
            d = {"z": gate.gradient(dnew * (c - h), zz, z), "h": act.gradient(dnew * z, zh, c)}
            drh = self._of_h_back("h", rh, d["h"])
            d["r"] = gate.gradient(drh * hs, zr, r)
            dhs = drh * r + self._of_h_back("r", hs, d["r"])
            dh = dnew * (1 - z)
            if "z" in self.recurrent_gates:
                dto_z = scaled(self._of_h_back("z", to_z, d["z"]), scales[1])
                dh = dh + (act.gradient(dto_z, h, squashed) if self.squashes_state else dto_z)
            return scaled(self._of_x_back(xs, d), scales[0]), [dh + scaled(dhs, scales[1])]

        return lambda: {"z": z, "r": r, "h": c}, [new], back

    # -- what x and h have part in the sums ----------------------------------------------------

    def _of_x(self, x: Array) -> dict[str, Array]:
        """Return for each gate its sum without the state: product or inputs, and bias."""
        n, zx = self.units, self._product(x, self.kernel.value)
        found = {g: zx[:, k * n : (k + 1) * n] for k, g in enumerate(self.kernel_gates)}
        if "r" not in found:
            found["r"] = x
        if "h" not in found:
            found["h"] = self.activation.forward(x)
        if self.bias is None:
            return found
        biases = np.split(self.bias.value, 3)
        return {g: found[g] + bias for g, bias in zip("zrh", biases, strict=True)}

    def _of_x_back(self, x: Array, d: dict[str, Array]) -> Array:
        """Return dx of `_of_x`, given the gradients of the sums; add to those of the weights."""
        if self.bias is not None:
            self.bias.grad += np.concatenate([d[g].sum(axis=0) for g in "zrh"])
        dz = np.concatenate([d[g] for g in self.kernel_gates], axis=1)
        dx = product_back(x, self.kernel, dz)
        if "r" not in self.kernel_gates:
            dx = dx + d["r"]
        if "h" not in self.kernel_gates:
            dx = dx + self.activation.gradient(d["h"], x, self.activation.forward(x))
        return dx

    def _of(self, gate: str, array: Array) -> Array:
        """Return the columns of a gate in the recurrent kernel, or in its gradient."""
        at = self.recurrent_gates.index(gate) * self.units
        return array[:, at : at + self.units]

    def _of_h(self, gate: str, h: Array) -> Array:
        return self._product(h, np.ascontiguousarray(self._of(gate, self.recurrent_kernel.value)))

    def _of_h_back(self, gate: str, h: Array, dz: Array) -> Array:
        gradient = self._of(gate, self.recurrent_kernel.grad)
        gradient += matmul(h.T, dz)
        dh: Array = matmul(dz, self._of(gate, self.recurrent_kernel.value).T)
        return dh


@registry.add()
class MUT1Cell(MUTCell):
    """One step of MUT1 of Jozefowicz et al., "An Empirical Exploration of ..." (2015).

    ``h' = z tanh((r h) Rh + tanh(x) + bh) + (1 - z) h`` with ``z = sigmoid(x Wz + bz)`` and ``r =
    sigmoid(x Wr + h Rr + br)``. The inputs enter the candidate themselves, so there are as many
    as `units`: an `Embedding` or a `Dense` before it makes them so. The weights are ``kernel
    (units, 2 units)``, columns z r, ``recurrent_kernel (units, 2 units)``, columns r h, and
    ``bias (3 units,)``, z r h.

    Parameters
    ----------
    units : int
        The size of the state, which is also the output.
    activation : str or Activation, default "tanh"
        For every tanh.
    recurrent_activation : str or Activation, default "sigmoid"
        For the gates.
    use_bias : bool, default True
    kernel_initializer, recurrent_initializer, bias_initializer : str or Initializer
        Default ``"glorot_uniform"``, ``"orthogonal"``, ``"zeros"``.
    kernel_regularizer, recurrent_regularizer, bias_regularizer, kernel_constraint, \
recurrent_constraint, bias_constraint, dropout, recurrent_dropout, seed
        See `SimpleRNNCell`. Dropout of x is of the inputs that enter themselves, too.
    **kwargs
        `name`, `dtype`, `trainable`: see `Layer`.

    Examples
    --------
    >>> import numpy as np
    >>> from lstmcore.layers import RNN, MUT1Cell
    >>> RNN(MUT1Cell(3))(np.zeros((2, 5, 3))).shape
    (2, 3)
    """

    kernel_gates = "zr"
    recurrent_gates = "rh"


@registry.add()
class MUT2Cell(MUTCell):
    """One step of MUT2 of Jozefowicz et al., "An Empirical Exploration of ..." (2015).

    ``h' = z tanh((r h) Rh + x Wh + bh) + (1 - z) h`` with ``z = sigmoid(x Wz + h Rz + bz)`` and
    ``r = sigmoid(x + h Rr + br)``. The inputs enter the reset gate themselves, so there are as
    many as `units`. The weights are ``kernel (units, 2 units)``, columns z h, ``recurrent_kernel
    (units, 3 units)``, columns z r h, and ``bias (3 units,)``, z r h.

    Parameters
    ----------
    units, activation, recurrent_activation, use_bias, kernel_initializer, \
recurrent_initializer, bias_initializer, kernel_regularizer, recurrent_regularizer, \
bias_regularizer, kernel_constraint, recurrent_constraint, bias_constraint, dropout, \
recurrent_dropout, seed, **kwargs
        See `MUT1Cell`.
    """

    kernel_gates = "zh"


@registry.add()
class MUT3Cell(MUTCell):
    """One step of MUT3 of Jozefowicz et al., "An Empirical Exploration of ..." (2015).

    ``h' = z tanh((r h) Rh + x Wh + bh) + (1 - z) h`` with ``z = sigmoid(x Wz + tanh(h) Rz + bz)``
    and ``r = sigmoid(x Wr + h Rr + br)``. The weights are ``kernel (features, 3 units)``,
    ``recurrent_kernel (units, 3 units)`` and ``bias (3 units,)``, columns z r h.

    Parameters
    ----------
    units, activation, recurrent_activation, use_bias, kernel_initializer, \
recurrent_initializer, bias_initializer, kernel_regularizer, recurrent_regularizer, \
bias_regularizer, kernel_constraint, recurrent_constraint, bias_constraint, dropout, \
recurrent_dropout, seed, **kwargs
        See `MUT1Cell`.
    """

    kernel_gates = "zrh"
    squashes_state = True
