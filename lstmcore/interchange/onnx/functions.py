"""The activation functions of ONNX's recurrent operators, with their alpha and beta."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from ... import activations
from ...validation import Array


class _Kind(NamedTuple):
    """What the standard says of one function: its formula, and the defaults that it has."""

    formula: Callable[[Array, float, float], Array]
    alpha: float | None = 0.0  # None: there is no default
    beta: float | None = 0.0
    takes: int = 0  # how many of alpha and beta it takes


def _sigmoid(x: Array) -> Array:
    tail = np.exp(-np.abs(x))
    result: Array = np.where(x >= 0, 1, tail) / (1 + tail)
    return result


def _elu(x: Array, alpha: float) -> Array:
    result: Array = np.where(x >= 0, x, alpha * np.expm1(np.minimum(x, 0)))
    return result


# By the name in small letters: runtimes do not tell "Tanh" from "tanh". The operators Affine and
# ScaledTanh are no longer in the standard, and runtimes have other defaults for them.
_KINDS = {
    "relu": _Kind(lambda x, a, b: np.maximum(x, 0)),
    "tanh": _Kind(lambda x, a, b: np.tanh(x)),
    "sigmoid": _Kind(lambda x, a, b: _sigmoid(x)),
    "affine": _Kind(lambda x, a, b: a * x + b, None, None, 2),
    "leakyrelu": _Kind(lambda x, a, b: np.where(x >= 0, x, a * x), 0.01, 0.0, 1),
    "thresholdedrelu": _Kind(lambda x, a, b: np.where(x > a, x, 0), 1.0, 0.0, 1),
    "scaledtanh": _Kind(lambda x, a, b: a * np.tanh(b * x), None, None, 2),
    "hardsigmoid": _Kind(lambda x, a, b: np.clip(a * x + b, 0, 1), 0.2, 0.5, 2),
    "elu": _Kind(lambda x, a, b: _elu(x, a), 1.0, 0.0, 1),
    "softsign": _Kind(lambda x, a, b: x / (1 + np.abs(x))),
    "softplus": _Kind(lambda x, a, b: np.logaddexp(x, 0)),
}
_LIBRARY = {"leakyrelu": "leaky_relu", "thresholdedrelu": "threshold"}
_LIBRARY |= {"scaledtanh": "scaled_tanh", "hardsigmoid": "hard_sigmoid"}
_OPTIONS: dict[str, tuple[str, ...]]
_OPTIONS = {"leakyrelu": ("negative_slope",), "elu": ("alpha",), "thresholdedrelu": ("threshold",)}
_OPTIONS |= {"affine": ("alpha", "beta"), "scaledtanh": ("alpha", "beta")}
_OPTIONS |= {"hardsigmoid": ("slope", "offset")}
_NAMES = (
    "Relu, Tanh, Sigmoid, Affine, LeakyRelu, ThresholdedRelu, ScaledTanh, HardSigmoid, Elu, "
    "Softsign and Softplus"
)


class Function(NamedTuple):
    """One activation function of a recurrent operator.

    Parameters
    ----------
    name : str
        In small letters: ``"leakyrelu"``.
    alpha, beta : float
        0 where the function takes none.
    """

    name: str
    alpha: float = 0.0
    beta: float = 0.0

    def __call__(self, x: Array) -> Array:
        """Return the function of each number, in the array's own dtype."""
        return np.asarray(_KINDS[self.name].formula(x, self.alpha, self.beta), x.dtype)

    def activation(self, clip: float | None = None) -> activations.Activation:
        """Return the library's activation that is the same function.

        Parameters
        ----------
        clip : float, optional
            The bound of its input.
        """
        made: activations.Activation = getattr(activations, _LIBRARY.get(self.name, self.name))
        names = _OPTIONS.get(self.name, ())
        options = dict(zip(names, (self.alpha, self.beta), strict=False))
        if self.name == "thresholdedrelu":
            options["default_value"] = 0.0
        if (self.name, self.alpha) == ("elu", 1.0):
            options = {}
        if self == ("affine", 1.0, 0.0):
            made, options = activations.linear, {}
        made = made.using(**options) if options else made
        return made if clip is None else activations.clipped.using(function=made, limit=clip)

    @property
    def kernel_form(self) -> Any:
        """How the kernels take the function: a name, or that and numbers; None: not at all."""
        return activations.core_form(self.activation())


def functions_of(
    names: Sequence[str], alphas: Sequence[float], betas: Sequence[float]
) -> list[Function]:
    """Return the functions of the attributes ``activations``, ``activation_alpha`` and ``_beta``.

    As the standard says, the numbers are consumed in the order of the functions; a function that
    takes none leaves them for the next.

    Raises
    ------
    ValueError
        If a name is unknown, a number is missing that has no default, or some are left over.
    """
    left = list(alphas), list(betas)
    made = []
    for name in names:
        kind = _KINDS.get(name.lower())
        if kind is None:
            raise ValueError(f"activations: expected {_NAMES}, got {name!r}")
        given = [0.0, 0.0]
        for k, default in enumerate((kind.alpha, kind.beta)[: kind.takes]):
            what = f"activation_{('alpha', 'beta')[k]}"
            if not left[k] and default is None:
                raise ValueError(f"{what}: expected a number for {name}, which has no default")
            given[k] = float(left[k].pop(0)) if left[k] else float(default or 0.0)
            if not np.isfinite(given[k]):
                raise ValueError(f"{what}: expected a finite number for {name}, got {given[k]}")
        made.append(Function(name.lower(), *given))
    for k, rest in enumerate(left):
        if rest:
            what = f"activation_{('alpha', 'beta')[k]}"
            raise ValueError(f"{what}: expected as many as {list(names)} take, {rest} are left")
    return made
