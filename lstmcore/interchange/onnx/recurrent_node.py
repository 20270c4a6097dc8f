"""RecurrentNode: what an LSTM, GRU or RNN node of a graph computes, in any opset."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...validation import Array
from .functions import Function, functions_of

GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
_DEFAULTS = {"LSTM": ("Sigmoid", "Tanh", "Tanh"), "GRU": ("Sigmoid", "Tanh"), "RNN": ("Tanh",)}
_DIRECTIONS = {"forward": (False,), "reverse": (True,), "bidirectional": (False, True)}
_COMMON = {"activation_alpha", "activation_beta", "activations", "clip", "direction"}
_COMMON |= {"hidden_size", "layout"}
_COMMON |= {"output_sequence"}  # in opsets 1 to 6: a graph names the outputs that it wants anyway
_OWN = {"LSTM": {"input_forget"}, "GRU": {"linear_before_reset"}, "RNN": set()}
INPUTS = {
    "LSTM": ("X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c", "P"),
    "GRU": ("X", "W", "R", "B", "sequence_lens", "initial_h"),
    "RNN": ("X", "W", "R", "B", "sequence_lens", "initial_h"),
}
# ONNX has the gates in the order i o f c, and peepholes in the order i o f; Keras i f c o, i f o.
_ORDER, _PEEPHOLES = [0, 2, 3, 1], [0, 2, 1]
_COUPLED_ORDER, _COUPLED_PEEPHOLES = [0, 3, 1], [0, 1]


def described(node: Any) -> str:
    """Return a node's operator with its name, or the name of its first output, for messages."""
    name = node.name or next((f"of {output}" for output in node.output if output), "without name")
    return f"node {name!r} ({node.op_type})"


def text(value: Any) -> str:
    """Return a string attribute as text."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


@dataclass(frozen=True)
class RecurrentNode:
    """The attributes of a recurrent node, checked.

    Attributes
    ----------
    label : str
        For messages.
    kind : {"LSTM", "GRU", "RNN"}
    reverse : tuple of bool
        For each direction, True if it begins with the last step.
    functions : tuple of tuple of Function
        For each direction f, g and h of the standard (GRU: f and g, RNN: f).
    units : int or None
        None if the node leaves it to the shape of R.
    clip : float or None
        The bound of the pre-activations of the gates and of the candidate.
    coupled : bool
        LSTM: the forget gate is 1 - the input gate.
    reset_after : bool
        GRU: the reset gate comes after the product with R.
    batch_first : bool
        X is (batch, time, features): layout 1.
    """

    label: str
    kind: str
    reverse: tuple[bool, ...]
    functions: tuple[tuple[Function, ...], ...]
    units: int | None
    clip: float | None
    coupled: bool
    reset_after: bool
    batch_first: bool

    @classmethod
    def of(cls, node: Any) -> RecurrentNode:
        """Read a node; raise ValueError that names it for what it cannot have."""
        from onnx.helper import get_attribute_value

        label, kind = described(node), node.op_type
        given = {a.name: get_attribute_value(a) for a in node.attribute}
        unknown = given.keys() - _COMMON - _OWN[kind]
        if unknown:
            raise ValueError(f"{label}: unknown attributes: {sorted(unknown)}")
        direction = text(given.get("direction", "forward")).lower()
        if direction not in _DIRECTIONS:
            raise ValueError(f"{label}: direction: expected {list(_DIRECTIONS)}, got {direction!r}")
        reverse = _DIRECTIONS[direction]
        clip = given.get("clip")
        if clip is not None and not (np.isfinite(clip) and clip > 0):
            raise ValueError(f"{label}: clip: expected a number > 0, got {clip}")
        layout, units = given.get("layout", 0), given.get("hidden_size")
        if layout not in (0, 1):
            raise ValueError(f"{label}: layout: expected 0 or 1, got {layout}")
        if units is not None and units < 1:
            raise ValueError(f"{label}: hidden_size: expected a number >= 1, got {units}")
        return cls(
            label,
            kind,
            reverse,
            _functions(label, kind, len(reverse), given),
            units,
            None if clip is None else float(clip),
            bool(given.get("input_forget", 0)),
            bool(given.get("linear_before_reset", 0)),
            bool(layout),
        )

    # -- shapes ----------------------------------------------------------------------------

    def check(self, arrays: dict[str, Any]) -> None:
        """Raise ValueError unless the shapes of all inputs fit each other and `hidden_size`.

        Parameters
        ----------
        arrays : dict
            The shape of each input by its name in the standard, None for one that is not given.
            A size that is None is not known.
        """
        for name in ("X", "W", "R"):
            if len(arrays.get(name) or ()) != 3:
                self._misfit(name, "3 axes", arrays.get(name))
        x, r = arrays["X"], arrays["R"]
        units = r[2] if self.units is None else self.units
        d, gates = len(self.reverse), GATES[self.kind] * units
        batch = x[0] if self.batch_first else x[1]
        steps = x[1] if self.batch_first else x[0]
        state = (batch, d, units) if self.batch_first else (d, batch, units)
        wanted = {
            "W": (d, gates, x[2]),
            "R": (d, gates, units),
            "B": (d, 2 * gates),
            "sequence_lens": (batch,),
            "initial_h": state,
            "initial_c": state,
            "P": (d, 3 * units),
        }
        for name, shape in wanted.items():
            got = arrays.get(name)
            if got is not None and not _fits(got, shape):
                beside = f" for X {x}, hidden_size {units} and {steps} steps"
                self._misfit(name, f"shape {shape}{beside}", got)

    def _misfit(self, name: str, wanted: str, got: Any) -> None:
        kind = "nothing" if got is None else f"shape {tuple(got)}"
        raise ValueError(f"{self.label}: {name}: expected {wanted}, got {kind}")

    # -- weights ---------------------------------------------------------------------------

    def keras_weights(
        self, direction: int, w: Array, r: Array, b: Array | None, p: Array | None
    ) -> list[Array | None]:
        """Return kernel, recurrent kernel, bias and peepholes of one direction, as our layers.

        Parameters
        ----------
        direction : int
        w, r, b, p : ndarray or None
            The node's W (D, G H, I), R (D, G H, H), B (D, 2 G H) and P (D, 3 H).

        Returns
        -------
        list of ndarray or None
            (I, G H), (H, G H), (G H,) or (2, G H), and (P, H). With a coupled forget gate, which
            the standard leaves unused, its columns are not there.
        """
        units, gates = r.shape[2], GATES[self.kind]
        order = list(range(gates))
        if self.kind == "LSTM":
            order = _COUPLED_ORDER if self.coupled else _ORDER
        columns = np.concatenate([np.arange(k * units, (k + 1) * units) for k in order])
        bias = None
        if b is not None:
            both = b[direction].reshape(2, gates * units)[:, columns]
            two = self.kind == "GRU" and self.reset_after
            bias = np.ascontiguousarray(both if two else both[0] + both[1])
        peepholes = None
        if p is not None:
            rows = _COUPLED_PEEPHOLES if self.coupled else _PEEPHOLES
            peepholes = np.ascontiguousarray(p[direction].reshape(3, units)[rows])
        kernels = (np.ascontiguousarray(a[direction][columns].T) for a in (w, r))
        return [*kernels, bias, peepholes]


def _fits(shape: tuple[Any, ...], wanted: tuple[Any, ...]) -> bool:
    pairs = zip(shape, wanted, strict=False)
    return len(shape) == len(wanted) and all(a == b or None in (a, b) for a, b in pairs)


def _functions(
    label: str, kind: str, directions: int, given: dict[str, Any]
) -> tuple[tuple[Function, ...], ...]:
    """Return the functions of each direction."""
    count = len(_DEFAULTS[kind])
    names = [text(name) for name in given.get("activations", _DEFAULTS[kind] * directions)]
    if len(names) != count * directions:
        raise ValueError(
            f"{label}: activations: expected {count * directions} for {directions} direction(s), "
            f"got {names}"
        )
    alphas, betas = given.get("activation_alpha", ()), given.get("activation_beta", ())
    try:
        made = functions_of(names, alphas, betas)
    except ValueError as error:
        raise ValueError(f"{label}: {error}") from None
    return tuple(tuple(made[k : k + count]) for k in range(0, len(made), count))
