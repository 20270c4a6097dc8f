"""LSTMOptions: what `LSTM` and `LSTMCell` have in common: the architecture and its weights."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Self

import numpy as np

from ... import _core, constraints, initializers, regularizers
from ...activations import Activation
from ...random.masks import check_rate
from ...validation import Array
from ..parameters import Param
from .recurrent_parameters import RecurrentParameters

WITHOUT_PEEPHOLES = ("vanilla", "NP")  # of the architectures, unless `peephole` says otherwise


def check_forget_bias(layer: Any, value: Any) -> bool | float:
    """Return `unit_forget_bias` as a bool or a float; raise ValueError for what it cannot be."""
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if not isinstance(value, int | float | np.number) or not np.isfinite(value):
        raise layer.error("unit_forget_bias", "True, False or a finite number", repr(value))
    if not layer.use_bias:
        raise layer.error("unit_forget_bias", "True or False: use_bias is False", repr(value))
    return float(value)


def draw_bias(
    layer: Any, shape: tuple[int, ...], dtype: Any, forget: int | None, gates: int = 4
) -> Array:
    """Return the bias as Keras draws it: `unit_forget_bias` whatever the initializer.

    `forget` is the place of the forget gate among the gates, None if there is none.
    """
    draw = layer.bias_initializer
    if layer.unit_forget_bias is False or forget is None:
        drawn: Array = draw(shape, dtype)
        return drawn
    n = shape[0] // gates
    before = draw((n * forget,), dtype) if forget else np.empty(0, dtype)
    own = np.full(n, float(layer.unit_forget_bias), dtype)
    return np.concatenate([before, own, draw((n * (gates - 1 - forget),), dtype)])


class LSTMOptions(RecurrentParameters):
    """Base of `LSTM` and `LSTMCell`: the options that choose the architecture.

    Parameters
    ----------
    unit_forget_bias : bool or float, default True
        The bias of the forget gate to begin with: True is 1, a number is that number. False
        leaves it to `bias_initializer`.
    variant : str, default "vanilla"
        See `lstmcore.layers.LSTM`.
    peephole : bool, optional
        True or False for gates with or without peepholes; by default the architecture decides.
    cell_clip : float, optional
        Clip the cell state to the range from -cell_clip to cell_clip.
    output_activation : str or Activation, optional
        For the cell state on its way out; by default `activation`.
    peephole_initializer : str or Initializer, optional
        Default ``"glorot_uniform"``. Refused without peepholes, as are the two below.
    peephole_regularizer : str or Regularizer, optional
    peephole_constraint : str or Constraint, optional
    projection, projection_initializer, projection_regularizer, projection_constraint
        The size of the output, a product with `projection_kernel`; see `lstmcore.layers.LSTM`.
    layer_norm, layer_norm_epsilon : default False, 1e-3
        Layer normalization; see `lstmcore.layers.LSTM`.
    **kwargs
        See `RecurrentParameters`.
    """

    units: int
    activation: Any
    peephole_initializer: Any
    projection_initializer: Any
    use_bias: bool
    bias_initializer: Any
    recurrent_initializer: Any

    def __init__(
        self,
        *,
        unit_forget_bias: bool | float = True,
        variant: str = "vanilla",
        peephole: bool | None = None,
        cell_clip: float | None = None,
        output_activation: Any = None,
        peephole_initializer: Any = None,
        peephole_regularizer: Any = None,
        peephole_constraint: Any = None,
        projection: int | None = None,
        projection_initializer: Any = None,
        projection_regularizer: Any = None,
        projection_constraint: Any = None,
        layer_norm: bool | str = False,
        layer_norm_epsilon: float = 1e-3,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if variant not in _core.variants:
            raise self.error("variant", f"one of {', '.join(_core.variants)}", repr(variant))
        self.variant = variant
        self.peephole = self._check_peephole(peephole)
        self.cell_clip = (
            None if cell_clip is None else check_rate(self, "cell_clip", cell_clip, np.inf)
        )
        if self.cell_clip == 0:
            raise self.error("cell_clip", "a number > 0, or None", repr(cell_clip))
        self.output_activation = self._check_output_activation(output_activation)
        self.projection = self._check_projection(projection)
        self.layer_norm = self._check_layer_norm(layer_norm)
        self.layer_norm_epsilon = check_rate(self, "layer_norm_epsilon", layer_norm_epsilon, np.inf)
        if self.layer_norm_epsilon == 0:
            raise self.error("layer_norm_epsilon", "a number > 0", repr(layer_norm_epsilon))
        self.unit_forget_bias = check_forget_bias(self, unit_forget_bias)
        if type(self.unit_forget_bias) is float and "f" not in self.described.gates:
            wanted = f"True or False with variant={variant!r}, without a forget gate of its own"
            raise self.error("unit_forget_bias", wanted, repr(unit_forget_bias))
        self._set_options("peephole", self.has_peepholes, "peepholes", locals())
        self._set_options("projection", self.projection is not None, "projection", locals())
        self.peephole_kernel: Param | None = None
        self.gate_kernel: Param | None = None
        self.projection_kernel: Param | None = None
        self.norm_gain: Param | None = None
        self.state_norm: Param | None = None

    def _set_options(self, weight: str, there: bool, what: str, given: dict[str, Any]) -> None:
        """Take initializer, regularizer and constraint of a weight that there may not be."""
        names = [f"{weight}_{option}" for option in ("initializer", "regularizer", "constraint")]
        for name in names:
            if given[name] is not None and not there:
                raise self.error(name, f"None, since the layer has no {what}", repr(given[name]))
        initializer, regularizer, constraint = (given[name] for name in names)
        initializer = initializers.get(initializer or "glorot_uniform") if there else None
        found = initializer, regularizers.get(regularizer), constraints.get(constraint)
        for name, value in zip(names, found, strict=True):
            setattr(self, name, value)

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Build an object from the result of `get_config`.

        Configs from before `peephole` could be None have False for an architecture's own choice.
        """
        if "cell_clip" in config and "peephole_initializer" not in config:
            config = {**config, "peephole": config.get("peephole") or None}
        return super().from_config(config)

    # -- checks --------------------------------------------------------------------------------

    def _check_peephole(self, value: Any) -> bool | None:
        if value is None:
            return None
        if not isinstance(value, bool | np.bool_):
            raise self.error("peephole", "True, False or None", repr(value))
        if self.variant in ("NP", "peephole") and value != (self.variant == "peephole"):
            raise self.error("peephole", f"{not value} with variant={self.variant!r}", str(value))
        return bool(value)

    def _check_output_activation(self, value: Any) -> Activation | None:
        if value is None:
            return None
        if self.variant == "NOAF":
            wanted = "None with variant='NOAF', whose cell state has no activation on its way out"
            raise self.error("output_activation", wanted, repr(value))
        return self.check_activation("output_activation", value)

    def _check_projection(self, value: Any) -> int | None:
        if value is None:
            return None
        if self.variant == "FGR":
            wanted = "None with variant='FGR', whose gates are a part of the state"
            raise self.error("projection", wanted, repr(value))
        return self.check_size("projection", value)

    def _check_layer_norm(self, value: Any) -> bool | str:
        if not isinstance(value, bool | np.bool_) and value != "sum":
            raise self.error("layer_norm", "True, False or 'sum'", repr(value))
        if value and self.variant == "FGR":
            raise self.error("layer_norm", "False with variant='FGR'", repr(value))
        if value is not False and value != "sum" and self.variant not in WITHOUT_PEEPHOLES:
            wanted = f"False or 'sum' with variant={self.variant!r}"
            raise self.error("layer_norm", wanted, repr(value))
        if value is not False and value != "sum" and self.has_peepholes:
            wanted = "False or 'sum' with peepholes, which Ba et al. (2016) do not have"
            raise self.error("layer_norm", wanted, repr(value))
        return "sum" if isinstance(value, str) else bool(value)

    # -- the architecture ----------------------------------------------------------------------

    @property
    def has_peepholes(self) -> bool:
        """True if gates see the cell state."""
        return self.variant not in WITHOUT_PEEPHOLES if self.peephole is None else self.peephole

    @cached_property
    def described(self) -> _core.Cell:
        """The core's cell of this architecture: its gates, states and shapes of weights."""
        return _core.Cell("lstm", **self.architecture)

    @property
    def architecture(self) -> dict[str, Any]:
        """The arguments of `_core.Cell` that choose it."""
        chosen = {"variant": self.variant, "peephole": self.has_peepholes}
        chosen |= {"projection": self.projection or 0, "layer_norm": self.norm_form}
        return chosen | ({"epsilon": self.layer_norm_epsilon} if self.layer_norm else {})

    @property
    def norm_form(self) -> str | None:
        """The form of layer normalization, as `lstmcore.reference.Cell` has it."""
        return "sum" if self.layer_norm == "sum" else "both" if self.layer_norm else None

    def add_architecture_weights(self, features: int) -> None:
        """Declare the weights of an architecture beside kernels and bias, where there are any."""
        shapes = self.described.shapes(features, self.units)
        _, _, _, peepholes, gates, projection, gain, state_norm = shapes
        if self.has_peepholes:
            self.peephole_kernel = self.add_weight(
                peepholes,
                self.peephole_initializer,
                name="peephole_kernel",
                **self.weight_options("peephole"),
            )
        if gates is not None:
            self.gate_kernel = self.add_weight(
                gates,
                self.recurrent_initializer,
                name="gate_kernel",
                **self.weight_options("recurrent"),
            )
        if projection is not None:
            self.projection_kernel = self.add_weight(
                projection,
                self.projection_initializer,
                name="projection_kernel",
                **self.weight_options("projection"),
            )
        if gain is not None:
            self.norm_gain = self.add_weight(gain, "ones", name="norm_gain")
        if state_norm is not None:
            self.state_norm = self.add_weight(state_norm, _gain_and_offset, name="state_norm")

    def _initial_bias(self, shape: tuple[int, ...], dtype: Any) -> Array:
        gates = self.described.gates
        return draw_bias(self, shape, dtype, gates.index("f") if "f" in gates else None, len(gates))


def _gain_and_offset(shape: tuple[int, ...], dtype: Any) -> Array:
    """Return a row of ones and one of zeros."""
    return np.repeat(np.array([[1], [0]], dtype), shape[1], axis=1)
