"""The settings of the process themselves."""

from __future__ import annotations

FLOATS = ("float32", "float64")


class Settings:
    """The present settings, as attributes of the class."""

    floatx = FLOATS[0]
    policy: str | None = None  # None: that of floatx
    bars = True


def default_policy() -> str:
    """Return the name of the policy of a layer that states none, in a model that states none."""
    return Settings.policy or Settings.floatx
