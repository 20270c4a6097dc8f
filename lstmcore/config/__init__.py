"""Settings of the process, by Keras's names: the default dtype, how progress is shown.

What Keras sets and lstmcore has fixed (the least number of a logarithm, where channels stand)
can be read, and set to what it is.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

FLOATS = ("float32", "float64")
EPSILON = 1e-7
_CHANNELS = "channels_last"


class DTypePolicy(NamedTuple):
    """The dtype of new layers: that of their weights and that in which they compute are one."""

    name: str

    @property
    def compute_dtype(self) -> str:
        """The dtype of outputs."""
        return self.name

    @property
    def variable_dtype(self) -> str:
        """The dtype of weights."""
        return self.name


class _Settings:
    floatx = FLOATS[0]
    policy: str | None = None  # None: that of floatx
    bars = True


def _float_name(argument: str, value: Any) -> str:
    name = value.name if isinstance(value, DTypePolicy) else value
    if name is not None and not isinstance(name, str):
        try:
            name = np.dtype(name).name
        except TypeError:
            name = None
    if name not in FLOATS:
        raise ValueError(
            f"{argument}: expected 'float32' or 'float64' (nothing is computed in half or mixed "
            f"precision), got {value!r:.80}"
        )
    return str(name)


def floatx() -> str:
    """Return the default dtype of floats, "float32" unless `set_floatx` was called."""
    return _Settings.floatx


def set_floatx(value: Any) -> None:
    """Set the default dtype of floats, for the layers and models that are made from now on.

    Parameters
    ----------
    value : {"float32", "float64"}

    Raises
    ------
    ValueError
        If it is another dtype.
    """
    _Settings.floatx = _float_name("set_floatx: value", value)


def dtype_policy() -> DTypePolicy:
    """Return the policy of new layers: that of `set_dtype_policy`, or else of `floatx`."""
    return DTypePolicy(default_dtype())


def set_dtype_policy(policy: Any) -> None:
    """Set the dtype of the layers and models that are made from now on, whatever `floatx` is.

    Parameters
    ----------
    policy : {"float32", "float64"} or DTypePolicy

    Raises
    ------
    ValueError
        If it is another policy, such as ``"mixed_float16"``.
    """
    _Settings.policy = _float_name("set_dtype_policy: policy", policy)


def default_dtype() -> str:
    """Return the dtype of a layer that states none and stands in a model that states none."""
    return _Settings.policy or _Settings.floatx


def epsilon() -> float:
    """Return the number that keeps logarithms and quotients of losses and metrics finite, 1e-7."""
    return EPSILON


def set_epsilon(value: float) -> None:
    """Accept the present `epsilon`; refuse another, which nothing here would use."""
    if value != EPSILON:
        raise ValueError(
            f"set_epsilon: value: expected {EPSILON}, which losses and metrics have built in, "
            f"got {value!r}; the epsilon= of an optimizer or of a normalization can be set there"
        )


def image_data_format() -> str:
    """Return "channels_last": features are the last axis."""
    return _CHANNELS


def set_image_data_format(data_format: str) -> None:
    """Accept "channels_last"; refuse another order of axes."""
    if data_format != _CHANNELS:
        raise ValueError(
            f"set_image_data_format: data_format: expected {_CHANNELS!r}, got {data_format!r}; "
            "lstmcore.layers.Permute changes the order of axes"
        )


def backend() -> str:
    """Return "numpy", whose arrays come and go; the numbers are computed by a core in C."""
    return "numpy"


def is_interactive_logging_enabled() -> bool:
    """Return True if progress may be shown as a bar, on a terminal."""
    return _Settings.bars


def enable_interactive_logging() -> None:
    """Show progress as a bar where there is a terminal, as at the start."""
    _Settings.bars = True


def disable_interactive_logging() -> None:
    """Show progress as plain lines, on a terminal too."""
    _Settings.bars = False


def is_traceback_filtering_enabled() -> bool:
    """Return False: errors come with their whole traceback."""
    return False


def disable_traceback_filtering() -> None:
    """Leave tracebacks whole, as they are."""
