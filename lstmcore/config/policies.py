"""DTypePolicy: the dtypes of a layer's weights and of its products, by Keras's names.

A policy that exists can be computed: what this library or this CPU lacks is refused by the
constructor, which says what to take instead.
"""

from __future__ import annotations

import warnings
from typing import Any, ClassVar

import numpy as np

from .. import _core
from ..registry import Registry
from ..serialization import Configurable
from . import settings
from .settings import FLOATS

MIXED = "mixed_bfloat16"
NAMES = (*FLOATS, MIXED)

registry: Registry = Registry("dtype policy")

_NEARLY = {
    "mixed_float16": "'mixed_bfloat16' or 'float32': float16 ends at 65504 and loses small "
    "gradients, so that the loss would have to be scaled",
    "float16": "'mixed_bfloat16' or 'float32': weights of float16 do not take small steps",
    "bfloat16": "'mixed_bfloat16' or 'float32': weights of bfloat16 do not take small steps",
}


def bfloat16_products() -> str | None:
    """Return the name of the CPU's dot product of bfloat16, as the core uses it; None without."""
    found: str | None = _core.dot_product("bfloat16")
    return found


@registry.add("FloatDTypePolicy")
class DTypePolicy(Configurable):
    """The dtype of a layer's weights, and that of the operands of its products.

    With ``"mixed_bfloat16"`` the weights, their gradients and the optimizer are float32. The core
    rounds the operands of products to bfloat16, which has the range of float32 and 8 bits of its
    24, and adds in float32; states, cells, losses and what goes from layer to layer stay float32.

    Parameters
    ----------
    name : {"float32", "float64", "mixed_bfloat16"}, optional
        The default is that of `lstmcore.config.dtype_policy`.

    Raises
    ------
    ValueError
        If it is another policy of Keras, or "mixed_bfloat16" and the CPU has no dot products of
        bfloat16.
    """

    registry: ClassVar[Registry] = registry

    def __init__(self, name: str | None = None) -> None:
        self.name: str = settings.default_policy() if name is None else name
        wanted = instead_of(self.name)
        if wanted is not None:
            raise ValueError(f"DTypePolicy: name: expected {wanted}, got {name!r:.80}")

    @property
    def compute_dtype(self) -> str:
        """The dtype of the operands of products."""
        return "bfloat16" if self.name == MIXED else self.name

    @property
    def variable_dtype(self) -> str:
        """The dtype of weights, and of all arrays."""
        return "float32" if self.name == MIXED else self.name

    @property
    def quantization_mode(self) -> None:
        """None: how weights are stored is no matter of the policy."""
        return None

    def __repr__(self) -> str:
        return f'<DTypePolicy "{self.name}">'

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DTypePolicy) and self.name == other.name

    def __hash__(self) -> int:
        return hash(self.name)


def name_of(value: Any) -> str | None:
    """Return the name of a policy, or of what stands for one; None if it stands for none.

    Parameters
    ----------
    value : DTypePolicy, str, dtype or dict
        A dict is a config of Keras or of this library: ``{"class_name": "DTypePolicy", "config":
        {"name": "float32"}}``.
    """
    if isinstance(value, DTypePolicy):
        return value.name
    if isinstance(value, dict):
        given = value.get("config")
        given = given if isinstance(given, dict) else {}
        if "mode" in given:  # Keras's QuantizedDTypePolicy
            return f"{given['mode']}_from_{given.get('source_name')}"
        return str(given.get("name"))
    try:
        return None if value is None else str(np.dtype(value).name)
    except TypeError:
        return value if isinstance(value, str) else None


def instead_of(name: str | None) -> str | None:
    """Return what is expected in place of the policy of this name; None if it can be computed."""
    if name in FLOATS:
        return None
    if name == MIXED:
        if bfloat16_products() is not None:
            return None
        return f"'float32': {_lack()}"
    if name is not None and "_from_" in name:
        return "'float32', and then the model's quantize('int8')"
    return _NEARLY.get(str(name), "'float32', 'float64' or 'mixed_bfloat16'")


def _lack() -> str:
    if _core.dot_products("bfloat16") != ["none"]:
        return "the CPU's dot products of bfloat16 are switched off (LSTMCORE_DOT)"
    return (
        "this CPU has no dot products of bfloat16 (AVX512-BF16, AMX or BFDOT), or not in the "
        f"instruction set that is used, {_core.isa()}"
    )


def get(identifier: Any) -> DTypePolicy:
    """Return the policy that an identifier stands for.

    Parameters
    ----------
    identifier : DTypePolicy, str, dtype, dict or None
        A name, a dtype or a config; None for the default policy.

    Raises
    ------
    ValueError
        If there is no such policy, or this CPU cannot compute it.
    """
    if isinstance(identifier, DTypePolicy):
        return identifier
    name = name_of(identifier)
    if name is None and identifier is not None:
        wanted = "a policy, its name or its config"
        raise ValueError(f"DTypePolicy: name: expected {wanted}, got {identifier!r:.80}")
    return DTypePolicy(name)


def computable(config: Any, warn: bool = True) -> Any:
    """Return the config of a model in a file as this CPU can compute it.

    Where it has no dot products of bfloat16 every "mixed_bfloat16" becomes "float32", with one
    warning unless `warn` is False: the weights are the same.
    """
    changed = _in_float32(config)
    if changed == config or bfloat16_products() is not None:
        return config
    if warn:
        warnings.warn(
            f"the model was made with dtype={MIXED!r} and is computed in float32: {_lack()}",
            stacklevel=2,
        )
    return changed


def _in_float32(config: Any) -> Any:
    if isinstance(config, list):
        return [_in_float32(part) for part in config]
    if not isinstance(config, dict):
        return config
    return {
        key: "float32" if key == "dtype" and part == MIXED else _in_float32(part)
        for key, part in config.items()
    }
