"""Settings of the process, by Keras's names: the default dtypes, how progress is shown.

What Keras sets and lstmcore has fixed (the least number of a logarithm, where channels stand)
can be read, and set to what it is.
"""

from __future__ import annotations

from typing import Any

from . import policies
from .policies import DTypePolicy as DTypePolicy
from .settings import FLOATS as FLOATS
from .settings import Settings, default_policy

EPSILON = 1e-7
_CHANNELS = "channels_last"


def floatx() -> str:
    """Return the default dtype of floats, "float32" unless `set_floatx` was called."""
    return Settings.floatx


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
    name = policies.name_of(value)
    if name not in FLOATS:
        raise ValueError(
            f"set_floatx: value: expected 'float32' or 'float64' ('mixed_bfloat16' is a policy, "
            f"for set_dtype_policy), got {value!r:.80}"
        )
    Settings.floatx = name


def dtype_policy() -> DTypePolicy:
    """Return the policy of new layers: that of `set_dtype_policy`, or else of `floatx`."""
    return DTypePolicy(default_policy())


def set_dtype_policy(policy: Any) -> None:
    """Set the policy of the layers and models that are made from now on, whatever `floatx` is.

    Parameters
    ----------
    policy : {"float32", "float64", "mixed_bfloat16"} or DTypePolicy

    Raises
    ------
    ValueError
        If it is another policy, or this CPU cannot compute it; see `DTypePolicy`.
    """
    name = policies.name_of(policy)
    wanted = policies.instead_of(name)
    if wanted is not None:
        raise ValueError(f"set_dtype_policy: policy: expected {wanted}, got {policy!r:.80}")
    Settings.policy = name


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
    return Settings.bars


def enable_interactive_logging() -> None:
    """Show progress as a bar where there is a terminal, as at the start."""
    Settings.bars = True


def disable_interactive_logging() -> None:
    """Show progress as plain lines, on a terminal too."""
    Settings.bars = False


def is_traceback_filtering_enabled() -> bool:
    """Return False: errors come with their whole traceback."""
    return False


def disable_traceback_filtering() -> None:
    """Leave tracebacks whole, as they are."""
